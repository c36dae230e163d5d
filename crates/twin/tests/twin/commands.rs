//! Each MDM command: its keys, its answer, its effect.

mod apps;
mod delivery;
mod hostile;
mod inventory;
mod losses;
mod macs;
mod mobile;
mod profiles;
mod updates;
mod users;

use std::collections::BTreeSet;

use ordain_apple::command::{Command, Status};
use ordain_apple::plist::{self, Dictionary, Value};
use ordain_catalog::{Availability, Catalog, EnrollmentType, Platform, Scope};
use ordain_twin::Device;
use ordain_twin::commands::{Afterwards, Outcome, execute};
use ordain_twin::device::System;
use serde_json::json;

/// When commands are executed, in unix seconds.
const NOW: i64 = 1_800_000_000;

/// A command, on what, and what comes of it.
struct Case {
    request_type: &'static str,
    device: Device,
    scope: Scope,
    /// Commands before it.
    before: Vec<(&'static str, Dictionary)>,
    keys: Dictionary,
    /// Keys of the answer, no more and no fewer.
    says: &'static [&'static str],
    effect: Option<&'static str>,
    afterwards: Option<Afterwards>,
    leaves: Check,
}

/// What is to be true of the device and the answer.
type Check = fn(&Device, &Dictionary) -> bool;

fn case(request_type: &'static str, platform: Platform, keys: serde_json::Value) -> Case {
    Case {
        request_type,
        device: device(platform),
        scope: Scope::System,
        before: Vec::new(),
        keys: keys_of(&keys),
        says: &[],
        effect: None,
        afterwards: None,
        leaves: |_, _| true,
    }
}

impl Case {
    fn after(mut self, request_type: &'static str, keys: serde_json::Value) -> Self {
        self.before.push((request_type, keys_of(&keys)));
        self
    }

    /// Of the device something else than it is drawn with.
    fn with(mut self, change: fn(&mut Device)) -> Self {
        change(&mut self.device);
        self
    }

    fn on_user_channel(mut self) -> Self {
        self.scope = Scope::User;
        self
    }

    fn says(mut self, keys: &'static [&'static str]) -> Self {
        self.says = keys;
        self
    }

    fn does(mut self, effect: &'static str) -> Self {
        self.effect = Some(effect);
        self
    }

    fn then(mut self, afterwards: Afterwards) -> Self {
        self.afterwards = Some(afterwards);
        self
    }

    fn leaves(mut self, check: Check) -> Self {
        self.leaves = check;
        self
    }
}

/// A device that can be sent anything.
fn device(platform: Platform) -> Device {
    crate::fake::twin(platform).device().clone()
}

fn release(version: &'static str) -> &'static System {
    Box::leak(Box::new(System {
        version,
        build: "1A1",
        marketing_name: "Test",
    }))
}

/// JSON as a property list; a text that begins with `data:` or `hex:` is data.
fn value_of(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Bool(value) => (*value).into(),
        serde_json::Value::Number(number) => number.as_i64().expect("an integer").into(),
        serde_json::Value::String(text) => match (text.strip_prefix("data:"), text.strip_prefix("hex:")) {
            (Some(data), _) => Value::Data(data.as_bytes().to_vec()),
            (_, Some(hex)) => Value::Data(
                (0..hex.len() / 2)
                    .map(|place| u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).unwrap())
                    .collect(),
            ),
            _ => text.as_str().into(),
        },
        serde_json::Value::Array(values) => Value::Array(values.iter().map(value_of).collect()),
        serde_json::Value::Object(_) => keys_of(json).into(),
        serde_json::Value::Null => panic!("property lists have no null"),
    }
}

fn keys_of(json: &serde_json::Value) -> Dictionary {
    let entries = json.as_object().expect("an object").iter();
    entries
        .map(|(key, value)| (key.clone(), value_of(value)))
        .collect()
}

fn order(device: &mut Device, scope: Scope, request_type: &str, payload: Dictionary) -> Outcome {
    let command = Command {
        uuid: "u".to_owned(),
        request_type: request_type.to_owned(),
        payload,
    };
    // As it comes over the wire.
    let command = Command::parse(&command.to_xml()).unwrap();
    execute(device, scope, &command, NOW)
}

/// The same on the device channel of this device.
fn tell(device: &mut Device, request_type: &str, keys: serde_json::Value) -> Outcome {
    order(device, Scope::System, request_type, keys_of(&keys))
}

/// The error of a command that was not executed.
fn refusal(outcome: &Outcome) -> (Status, i64, &str) {
    let [error] = &outcome.error_chain[..] else {
        panic!("{outcome:?}");
    };
    let text = error.us_english_description.as_deref().unwrap();
    (outcome.status, error.code.unwrap(), text)
}

fn cases() -> Vec<Case> {
    [
        apps::cases(),
        inventory::cases(),
        macs::cases(),
        mobile::cases(),
        profiles::cases(),
        updates::cases(),
        users::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn each_command_does_what_it_says() {
    for case in cases() {
        let name = case.request_type;
        let mut device = case.device;
        for (before, keys) in case.before {
            let outcome = order(&mut device, case.scope, before, keys);
            assert_eq!(
                outcome.status,
                Status::Acknowledged,
                "{before} before {name}: {outcome:?}"
            );
        }
        let outcome = order(&mut device, case.scope, name, case.keys);
        assert_eq!(outcome.status, Status::Acknowledged, "{name}: {outcome:?}");
        let said: BTreeSet<&str> = outcome.results.keys().map(String::as_str).collect();
        assert_eq!(said, case.says.iter().copied().collect(), "{name}");
        assert_eq!(outcome.effect.as_deref(), case.effect, "{name}");
        assert_eq!(outcome.afterwards, case.afterwards, "{name}");
        assert!(
            (case.leaves)(&device, &outcome.results),
            "{name}: {:#?} {:#?}",
            device.state(),
            outcome.results
        );
        assert!(plist::to_xml(outcome.results).len() < 64 << 10, "{name}");
    }
}

#[test]
fn no_command_is_without_a_case() {
    let covered: BTreeSet<&str> = cases().iter().map(|case| case.request_type).collect();
    let commands = Catalog::builtin().commands();
    let missing: Vec<&str> = commands
        .map(|command| command.request_type.as_str())
        .filter(|name| !covered.contains(name))
        .collect();
    assert_eq!(
        missing,
        ["DeclarativeManagement"],
        "that one is for the DDM engine"
    );
}

#[test]
fn what_a_device_does_not_have_it_refuses() {
    for command in Catalog::builtin().commands() {
        let name = command.request_type.as_str();
        let mut refused = 0;
        for &platform in Platform::ALL {
            for (supervised, version) in [(true, "26.1"), (false, "26.1"), (true, "3.0"), (true, "27.0")] {
                for &scope in Scope::ALL {
                    let mut device = device(platform);
                    device.supervised = supervised;
                    device.system = release(version);
                    let enrollment = match supervised {
                        true => EnrollmentType::Supervised,
                        false => EnrollmentType::Device,
                    };
                    let version = version.parse().unwrap();
                    let here =
                        command
                            .support
                            .availability(Some(platform), Some(&version), Some(enrollment), scope);
                    let before = device.clone();
                    let outcome = order(&mut device, scope, name, Dictionary::new());
                    let unsupported = (Status::Error, 12021);
                    let is_unsupported = outcome.error_chain.first().is_some_and(|_| {
                        let (status, code, _) = refusal(&outcome);
                        (status, code) == unsupported
                    });
                    let expected =
                        matches!(here, Availability::Unavailable(_)) || name == "DeclarativeManagement";
                    assert_eq!(is_unsupported, expected, "{name} on {platform}: {outcome:?}");
                    if expected {
                        assert_eq!(device, before, "{name} on {platform}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 0, "{name}");
    }
}

#[test]
fn a_key_that_is_missing_or_of_another_type_is_malformed() {
    let mut mac = device(Platform::MacOs);
    for (name, keys, says) in [
        ("DeviceInformation", json!({}), "Queries is missing"),
        (
            "DeviceInformation",
            json!({"Queries": "UDID"}),
            "Queries is not an array",
        ),
        (
            "DeviceInformation",
            json!({"Queries": [1]}),
            "Queries is not an array of strings",
        ),
        (
            "InstallProfile",
            json!({"Payload": "text"}),
            "Payload is not data",
        ),
        ("RemoveProfile", json!({}), "Identifier is missing"),
        (
            "RestartDevice",
            json!({"NotifyUser": "yes"}),
            "NotifyUser is not a boolean",
        ),
        ("SetRecoveryLock", json!({}), "NewPassword is missing"),
        (
            "RotateFileVaultKey",
            json!({"KeyType": "master", "FileVaultUnlock": {}}),
            "KeyType has a value",
        ),
        ("DeviceLock", json!({}), "PIN is missing"),
        ("Settings", json!({"Settings": [{}]}), "Item is missing"),
    ] {
        let outcome = tell(&mut mac, name, keys);
        let (status, code, text) = refusal(&outcome);
        assert_eq!((status, code), (Status::CommandFormatError, 12007), "{name}");
        assert!(text.contains(says), "{name}: {text}");
    }
    assert_eq!(*mac.state(), Default::default());
}
