//! An administrator who publishes and orders, whether the server is there or not, and remembers what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::server::run;

/// Where the policy differs from revision to revision.
const CHANGED: &str = "declarations/passcode.json";
/// The passcode lengths that Apple's schema allows.
const LENGTHS: u64 = 16;

/// The administrator.
pub(crate) struct Administrator {
    data_dir: PathBuf,
    policy: PathBuf,
    dice: Dice,
    /// How often a policy was applied, or tried to be.
    applied: u64,
    /// What the server acknowledged.
    pub(crate) acknowledged: Acknowledged,
    /// How often no answer came.
    pub(crate) unanswered: usize,
}

/// What an administrator was told is done.
#[derive(Default)]
pub(crate) struct Acknowledged {
    /// Revisions with their changes.
    pub(crate) revisions: BTreeMap<u64, Value>,
    /// Orders.
    pub(crate) orders: Vec<Order>,
}

/// An order.
pub(crate) struct Order {
    /// Its name.
    pub(crate) id: String,
    /// `RequestType`.
    pub(crate) request_type: String,
    /// The devices that must get it.
    pub(crate) devices: BTreeSet<String>,
}

impl Administrator {
    /// One who works with the example policy in a directory of his own.
    pub(crate) fn new(data_dir: &Path, policy: &Path, dice: Dice) -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policy");
        copy(&example, policy);
        Self {
            data_dir: data_dir.to_owned(),
            policy: policy.to_owned(),
            dice,
            applied: 0,
            acknowledged: Acknowledged::default(),
            unanswered: 0,
        }
    }

    /// Publishes once and orders a few things, with pauses, until `is_over`. These devices are known to be there.
    pub(crate) fn work(&mut self, devices: &BTreeSet<String>, is_over: &AtomicBool) {
        let name = format!("Round {}", self.applied);
        let settings = json!([{"Item": "DeviceName", "DeviceName": name}]).to_string();
        let mut orders = vec![
            vec!["Settings", "--Settings", &settings],
            vec![
                "DeviceInformation",
                "--Queries",
                r#"["SerialNumber", "OSVersion"]"#,
            ],
            vec!["ProfileList"],
            vec!["RestartDevice"],
        ];
        self.dice.shuffle(&mut orders);
        let place = self.dice.below(3);
        for (index, order) in (0..).zip(orders.iter().take(2)) {
            if index == place {
                self.apply();
            }
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let nth = usize::try_from(self.dice.below(devices.len().max(1) as u64)).unwrap();
            match devices.iter().nth(nth).filter(|_| self.dice.below(4) == 0) {
                Some(device) => {
                    let only = BTreeSet::from([device.clone()]);
                    self.order(&[&["command", device], &order[..]].concat(), &only);
                }
                None => self.order(&[&["command", "--group", "all"], &order[..]].concat(), devices),
            }
            thread::sleep(self.dice.pause(0, 200));
        }
        if place == 2 && !is_over.load(Ordering::Relaxed) {
            self.apply();
        }
    }

    /// Publishes a revision that differs from all the last ones.
    pub(crate) fn apply(&mut self) {
        let file = self.policy.join(CHANGED);
        let mut declaration: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        declaration["Payload"]["MinimumLength"] = (1 + self.applied % LENGTHS).into();
        fs::write(&file, declaration.to_string()).unwrap();
        self.applied += 1;
        let policy = self.policy.to_str().unwrap().to_owned();
        if let Some(told) = self.answer(&["apply", &policy]) {
            assert_eq!(told["published"], true, "{told:#}");
            let revision = told["revision"].as_u64().unwrap();
            let before = self
                .acknowledged
                .revisions
                .insert(revision, told["changes"].clone());
            assert_eq!(before, None, "revision {revision} was published twice");
        }
    }

    fn order(&mut self, words: &[&str], devices: &BTreeSet<String>) {
        if let Some(told) = self.answer(words) {
            let text = |key: &str| told[key].as_str().unwrap().to_owned();
            self.acknowledged.orders.push(Order {
                id: text("id"),
                request_type: text("request_type"),
                devices: devices.clone(),
            });
        }
    }

    /// What the server answered; nothing when it was killed meanwhile, and then what was asked may be done or not.
    fn answer(&mut self, words: &[&str]) -> Option<Value> {
        let output = run(&self.data_dir, words);
        if output.status.success() {
            return Some(serde_json::from_slice(&output.stdout).unwrap());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let is_down = ["cannot be reached", "was gone before"]
            .iter()
            .any(|part| said.contains(part));
        assert!(is_down, "{words:?}: {said}");
        self.unanswered += 1;
        None
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}
