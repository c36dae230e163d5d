//! The devices: twins that hold sessions all the time, and what they remember of the server.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ordain_twin::apns::Apns;
use ordain_twin::driver::{
    Fleet, Identities, Issuer, Keys, MIX, Options, Outcome, Proof, Roots, Target, Until,
};
use ordain_twin::journal::{Entry, Taken};
use ordain_twin::twin::{Settings, Standing, Twin};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What they enroll with.
pub(crate) const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000";

/// Fleets on the way, each begun at another time.
pub(crate) struct Devices {
    runtime: Handle,
    apns: Arc<Apns>,
    target: Target,
    stop: watch::Sender<bool>,
    fleets: Vec<(Arc<Fleet>, JoinHandle<Outcome>)>,
}

/// What one device knows.
pub(crate) struct Seen {
    /// The identifier of its channel.
    pub(crate) id: String,
    /// What was answered with 200.
    pub(crate) taken: Taken,
    /// How far it is.
    pub(crate) standing: Standing,
    /// Whether it comes back by itself.
    pub(crate) wants_poll: bool,
    /// The commands that came, by their UUIDs.
    pub(crate) commands: BTreeMap<String, Entry>,
    /// The declarations that it holds: channel, identifier, ServerToken.
    pub(crate) holdings: BTreeSet<[String; 3]>,
    /// What it holds against the server.
    pub(crate) complaints: Vec<String>,
}

impl Seen {
    /// Whether it was told that it is enrolled: a TokenUpdate was answered with 200.
    pub(crate) fn is_enrolled(&self) -> bool {
        self.taken.token_updates > 0
    }

    /// How much of what it said was answered with 200.
    pub(crate) fn acknowledged(&self) -> u64 {
        let Taken {
            authenticates,
            token_updates,
            results,
            reports,
        } = self.taken;
        authenticates + token_updates + results + reports
    }

    /// How it is, in a few words.
    pub(crate) fn says(&self) -> String {
        let comes = if self.wants_poll {
            "comes back by itself"
        } else {
            "waits for a push"
        };
        format!("the device is {:?}, {comes}", self.standing)
    }
}

impl Devices {
    /// None yet. They will go to the server that keeps its data there.
    pub(crate) fn new(runtime: Handle, apns: Arc<Apns>, data_dir: &Path) -> Self {
        let state = std::fs::read(data_dir.join("server.json")).unwrap();
        let state: Value = serde_json::from_slice(&state).unwrap();
        let ca = std::fs::read(state["ca"].as_str().unwrap()).unwrap();
        Self {
            runtime,
            apns,
            target: Target {
                server_url: format!("{}/mdm", state["url"].as_str().unwrap()),
                check_in_url: None,
                roots: Roots::Pem(ca),
                proof: Proof::Tls,
            },
            stop: watch::Sender::new(false),
            fleets: Vec::new(),
        }
    }

    /// So many more begin to enroll. They look for work every `poll`, and when they are pushed.
    pub(crate) fn join(&mut self, count: usize, poll: Duration) {
        let settings = Settings {
            topic: TOPIC.to_owned(),
            gather: 0,
        };
        let authority = self.apns.authority();
        let (certificate, key) = (
            authority.certificate().to_pem(),
            authority.key().to_pem().unwrap(),
        );
        let nth = self.fleets.len();
        let mut fleet = Fleet::new(count, nth as u64, &MIX[nth % MIX.len()..], &settings);
        let identities = Identities {
            keys: Keys::Fresh,
            issuer: Issuer::authority(&certificate, &key).unwrap(),
        };
        self.runtime.block_on(fleet.equip(&identities)).unwrap();
        let fleet = Arc::new(fleet);
        let options = Options {
            sessions: count,
            poll,
            until: Until::Stopped,
            apns: Some(self.apns.clone()),
            silent: None,
        };
        let (life, target, stopped) = (fleet.clone(), self.target.clone(), self.stop.subscribe());
        let life = async move { life.run(&target, &options, &stopped).await.unwrap() };
        self.fleets.push((fleet, self.runtime.spawn(life)));
    }

    /// How many have joined.
    pub(crate) fn count(&self) -> usize {
        let twins = self
            .fleets
            .iter()
            .map(|(fleet, _)| fleet.progress().borrow().twins);
        twins.sum::<u64>().try_into().unwrap()
    }

    /// What all of them know.
    pub(crate) fn look(&self) -> Vec<Seen> {
        let looks = self.fleets.iter().map(|(fleet, _)| fleet.look(seen));
        looks.flat_map(|look| self.runtime.block_on(look)).collect()
    }

    /// Ends their sessions; what they know then.
    pub(crate) fn stop(&mut self) -> Vec<Seen> {
        self.stop.send_replace(true);
        for (_, life) in &mut self.fleets {
            self.runtime.block_on(life).unwrap();
        }
        self.look()
    }
}

fn seen(twin: &Twin) -> Seen {
    let holding = |(channel, identifier, token): (&_, &str, &str)| {
        [
            ToString::to_string(channel),
            identifier.to_owned(),
            token.to_owned(),
        ]
    };
    Seen {
        id: twin.device().udid.clone(),
        taken: twin.taken(),
        standing: twin.standing(),
        wants_poll: twin.wants_poll(),
        commands: twin
            .journal()
            .map(|entry| (entry.uuid().to_owned(), entry.clone()))
            .collect(),
        holdings: twin.holdings().map(holding).collect(),
        complaints: twin.complaints().kept().iter().map(ToString::to_string).collect(),
    }
}
