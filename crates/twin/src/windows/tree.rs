//! The management tree of a Windows twin: what is set in it, and what it makes of commands.
//!
//! Which nodes there are, their formats, commands, scopes and needs is the catalog's; what some of them do is in the
//! modules below.

mod admx;
mod checks;
mod command;
mod exec;
mod facts;
mod fault;
mod job;
mod look;

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::WindowsCatalog;
use ordain_pki::Certificate;
use ordain_windows::provisioning::{DmClient, Poll, Renewal, Store};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::{LocUri, Scope, escape};

pub(super) use command::{By, Refusal, Scene};
pub(super) use exec::Effect;
pub(super) use facts::Facts;
pub use fault::Fault;
pub(super) use job::Job;
pub(super) use look::Look;

use super::declared::{Service, Store as Documents};

/// The most octets that a tree holds.
const MAX_OCTETS: usize = 16 << 20;
/// The most nodes that a tree holds.
const MAX_NODES: usize = 20_000;

/// The value of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its format.
    pub format: Format,
    /// The value as text; for an interior node the names of what is in it, escaped, with slashes between them.
    pub data: String,
}

impl Value {
    pub(super) fn new(format: Format, data: impl Into<String>) -> Self {
        Self {
            format,
            data: data.into(),
        }
    }
}

/// What a server, or somebody at the device, has set.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    set: Settings,
    /// What somebody at the device has set, beside any management.
    own: BTreeMap<LocUri, Value>,
    /// What applies documents.
    pub(super) service: Service,
    /// What fails, as tests want it.
    pub(super) faults: Vec<Fault>,
    /// Whether rolling back an `Atomic` fails.
    pub(super) rollback_fails: bool,
    /// Policies whose value is not in force.
    pub(super) ineffective: BTreeSet<LocUri>,
    /// The HRESULT that installing a product ends with, by its code; others succeed.
    pub(super) products: BTreeMap<String, u32>,
}

/// What an `Atomic` rolls back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Settings {
    nodes: BTreeMap<LocUri, Value>,
    /// What is in force after a reboot only.
    pending: BTreeMap<LocUri, Value>,
    jobs: BTreeMap<LocUri, Job>,
    documents: Documents,
}

/// A tree as it was, to go back to, or to compare with.
#[derive(Debug)]
pub(super) struct Snapshot(Settings);

impl Tree {
    pub(super) fn catalog() -> &'static WindowsCatalog {
        WindowsCatalog::builtin()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot(self.set.clone())
    }

    pub(super) fn restore(&mut self, snapshot: Snapshot) {
        self.set = snapshot.0;
    }

    /// Whether it is what it was.
    pub(super) fn is_as(&self, snapshot: &Snapshot) -> bool {
        self.set == snapshot.0
    }

    /// The value that was set at a node.
    pub(super) fn get(&self, uri: &LocUri) -> Option<&Value> {
        self.set.nodes.get(uri)
    }

    /// Sets a node, whatever a server could.
    pub(super) fn put(&mut self, uri: LocUri, value: Value) {
        self.set.nodes.insert(uri, value);
    }

    /// Takes a node away with all that is in it, whatever a server could.
    pub(super) fn take(&mut self, uri: &LocUri) -> bool {
        let below = self.below(uri);
        for uri in &below {
            self.set.nodes.remove(uri);
        }
        !below.is_empty()
    }

    /// Takes this node away, and nothing that is in it.
    pub(super) fn take_one(&mut self, uri: &LocUri) {
        self.set.nodes.remove(uri);
    }

    /// A node and all that is in it.
    pub(super) fn below(&self, uri: &LocUri) -> Vec<LocUri> {
        under(&self.set.nodes, uri).map(|(uri, _)| uri.clone()).collect()
    }

    /// The value that was set at a node, in force or not yet.
    pub(super) fn get_or_pending(&self, uri: &LocUri) -> Option<&Value> {
        self.set.pending.get(uri).or(self.get(uri))
    }

    pub(super) fn documents(&self) -> &Documents {
        &self.set.documents
    }

    pub(super) fn documents_mut(&mut self) -> &mut Documents {
        &mut self.set.documents
    }

    /// What goes on for nodes that are not there any more is broken off.
    pub(super) fn end_jobs_without_nodes(&mut self) {
        let Settings { nodes, jobs, .. } = &mut self.set;
        jobs.retain(|node, _| under(nodes, node).next().is_some());
    }

    pub(super) fn jobs(&self) -> impl Iterator<Item = (&LocUri, &Job)> {
        self.set.jobs.iter()
    }

    pub(super) fn jobs_mut(&mut self) -> impl Iterator<Item = (&LocUri, &mut Job)> {
        self.set.jobs.iter_mut()
    }

    /// A reboot makes in force what waited for it, and tells what.
    pub(super) fn reboot(&mut self) -> Vec<(LocUri, Value)> {
        let pending = std::mem::take(&mut self.set.pending);
        for (uri, value) in &pending {
            self.set.nodes.insert(uri.clone(), value.clone());
        }
        pending.into_iter().collect()
    }

    /// Leaving management takes along all that it brought. What is as somebody at the device has left it stays.
    pub(super) fn unmanage(&mut self) {
        let mut nodes = std::mem::take(&mut self.set).nodes;
        nodes.retain(|uri, value| self.own.get(uri) == Some(value));
        self.set.nodes = nodes;
    }

    /// Somebody at the device sets a node.
    pub(super) fn put_by_hand(&mut self, uri: LocUri, value: Value) {
        self.own.insert(uri.clone(), value.clone());
        self.put(uri, value);
    }

    /// Somebody at the device takes a node away, with all that is in it.
    pub(super) fn take_by_hand(&mut self, uri: &LocUri) {
        for uri in self.below(uri) {
            self.own.remove(&uri);
            self.take_one(&uri);
        }
    }

    /// A wiped device has nothing.
    pub(super) fn wipe(&mut self) {
        self.own.clear();
        self.unmanage();
    }

    /// All nodes that are set.
    pub(super) fn nodes(&self) -> &BTreeMap<LocUri, Value> {
        &self.set.nodes
    }

    /// The text at a node of `DMClient/Provider/{provider}`.
    pub(super) fn provider_text(&self, provider: &str, path: &[&str]) -> Option<&str> {
        let value = self.get(&provider_uri(provider, path))?;
        Some(value.data.as_str())
    }

    /// The polling schedule that is set for a provider.
    pub(super) fn poll(&self, provider: &str) -> Poll {
        let text = |name| self.provider_text(provider, &["Poll", name]);
        let number = |name| text(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let flag = |name| text(name).and_then(|text| text.parse().ok());
        Poll {
            counts: POLL_COUNTS.map(number),
            intervals: POLL_INTERVALS.map(number),
            on_login: flag("PollOnLogin"),
            on_first_login_of_all: flag("AllUsersPollOnFirstLogin"),
        }
    }

    /// `CertificateStore/My/WSTEP/Renew`.
    pub(super) fn renewal(&self) -> Option<Renewal> {
        let text = |name| {
            let value = self.get(&renew_uri(name))?;
            Some(value.data.as_str())
        };
        let days = |name| text(name).and_then(|text| text.parse().ok());
        Some(Renewal {
            period: days("RenewPeriod")?,
            retry_interval: days("RetryInterval").unwrap_or(7),
            server_url: text("ServerURL").map(str::to_owned).filter(|url| !url.is_empty()),
        })
    }

    /// What the provisioning document of an enrollment sets.
    pub(super) fn provision(&mut self, client: &DmClient, renewal: Option<&Renewal>) {
        let provider = &client.provider_id;
        let texts = [
            ("UPN", client.upn.as_deref()),
            ("EntDeviceName", client.device_name.as_deref()),
            ("EntDMID", client.ent_dm_id.as_deref()),
            (
                "SyncApplicationVersion",
                Some(client.sync_application_version.as_deref().unwrap_or("1.0")),
            ),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                self.put(provider_uri(provider, &[name]), Value::new(Format::Chr, text));
            }
        }
        if let Some(poll) = &client.poll {
            let counts = POLL_COUNTS.into_iter().zip(poll.counts);
            for (name, number) in counts.chain(POLL_INTERVALS.into_iter().zip(poll.intervals)) {
                let value = Value::new(Format::Int, number.to_string());
                self.put(provider_uri(provider, &["Poll", name]), value);
            }
            let flags = [
                ("PollOnLogin", poll.on_login),
                ("AllUsersPollOnFirstLogin", poll.on_first_login_of_all),
            ];
            for (name, flag) in flags {
                if let Some(flag) = flag {
                    let value = Value::new(Format::Bool, flag.to_string());
                    self.put(provider_uri(provider, &["Poll", name]), value);
                }
            }
        }
        if let Some(renewal) = renewal {
            self.put(renew_uri("ROBOSupport"), Value::new(Format::Bool, "true"));
            let days = [
                ("RenewPeriod", renewal.period),
                ("RetryInterval", renewal.retry_interval),
            ];
            for (name, days) in days {
                self.put(renew_uri(name), Value::new(Format::Int, days.to_string()));
            }
            if let Some(url) = &renewal.server_url {
                self.put(renew_uri("ServerURL"), Value::new(Format::Chr, url.clone()));
            }
        }
    }

    /// What an enrollment has in the tree goes, but for what it shares with others.
    pub(super) fn withdraw(&mut self, provider: &str, store: [&str; 2], certificate: &Certificate) {
        self.take(&provider_uri(provider, &[]));
        self.take(&certificate_uri(store, certificate));
    }

    /// A certificate in the store of that name, as `Root/System`, in place of the one before.
    pub(super) fn certify(&mut self, store: [&str; 2], new: &Certificate, old: Option<&Certificate>) {
        if let Some(old) = old {
            self.take(&certificate_uri(store, old));
        }
        let mut uri = certificate_uri(store, new);
        uri.segments.push("EncodedCertificate".to_owned());
        let value = Value::new(Format::B64, facts::base64(new.der()));
        self.put(uri, value);
    }

    /// How many octets and nodes there are.
    fn weight(&self) -> (usize, usize) {
        let octets = |(uri, value): (&LocUri, &Value)| {
            value.data.len() + uri.segments.iter().map(String::len).sum::<usize>()
        };
        (self.set.nodes.iter().map(octets).sum(), self.set.nodes.len())
    }
}

const POLL_COUNTS: [&str; 3] = [
    "NumberOfFirstRetries",
    "NumberOfSecondRetries",
    "NumberOfRemainingScheduledRetries",
];
const POLL_INTERVALS: [&str; 3] = [
    "IntervalForFirstSetOfRetries",
    "IntervalForSecondSetOfRetries",
    "IntervalForRemainingScheduledRetries",
];

/// The two names of a store for certificates of one's own.
pub(super) fn own_store(store: Store) -> [&'static str; 2] {
    ["My", store.as_str()]
}

/// A node of the device.
pub(super) fn device(names: &[&str]) -> LocUri {
    LocUri {
        scope: Scope::Device,
        segments: names.iter().map(|name| (*name).to_owned()).collect(),
        query: None,
    }
}

/// A node of `DMClient/Provider/{provider}`.
pub(super) fn provider_uri(provider: &str, path: &[&str]) -> LocUri {
    let base = ["Vendor", "MSFT", "DMClient", "Provider", provider];
    device(&[&base, path].concat())
}

fn certificate_uri([store, owner]: [&str; 2], certificate: &Certificate) -> LocUri {
    let thumbprint = certificate.thumbprint();
    device(&["Vendor", "MSFT", "CertificateStore", store, owner, &thumbprint])
}

fn renew_uri(name: &str) -> LocUri {
    device(&["Vendor", "MSFT", "CertificateStore", "My", "WSTEP", "Renew", name])
}

/// A node and all that is in it, as far as `map` has them.
fn under<'m, V>(map: &'m BTreeMap<LocUri, V>, uri: &LocUri) -> impl Iterator<Item = (&'m LocUri, &'m V)> {
    let (scope, prefix) = (uri.scope, uri.segments.clone());
    map.range(uri.clone()..)
        .take_while(move |(one, _)| one.scope == scope && one.segments.starts_with(&prefix))
}

/// Names as the value of an interior node has them.
fn joined<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(escape).collect::<Vec<_>>().join("/")
}
