//! A channel that reports, and what a server keeps of it: for tests of reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_catalog::Kind;
use ordain_model::decision::{Decision, Write};
use ordain_model::enrollment::{Counts, Enrollment};
use ordain_model::known::Known;
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::report::{DeclarationsReport, Listed, Reason, Report, Validity};
use ordain_model::status::{StatusState, heard, is_known, status};
use ordain_model::sync::Wanted;
use serde_json::Value;

use crate::fixtures::*;

/// A channel that reports, with what a server keeps of it.
pub(crate) struct Device {
    pub(crate) enrollment: Enrollment,
    pub(crate) record: StatusRecord,
    pub(crate) manifests: Vec<Arc<Manifest>>,
    pub(crate) wanted: Wanted,
    pub(crate) now: i64,
}

impl Device {
    /// It should hold a configuration with its activation, and has fetched their manifest.
    pub(crate) fn new() -> Self {
        let mut device = Self {
            enrollment: enrolled(),
            record: StatusRecord::default(),
            manifests: Vec::new(),
            wanted: wanted(0, "nothing"),
            now: NOW,
        };
        device.should_hold(1, &["a"]);
        device.pins();
        device
    }

    pub(crate) fn should_hold(&mut self, revision: u64, configurations: &[&str]) {
        let mut all: Vec<_> = configurations
            .iter()
            .map(|name| declaration(PASSCODE, name, &[]))
            .collect();
        all.push(activation("act", configurations));
        let manifest = manifest(&all.iter().collect::<Vec<_>>());
        self.manifests.push(manifest.clone());
        self.wanted = Wanted {
            revision,
            manifest,
            made: [].into(),
        };
    }

    pub(crate) fn pins(&mut self) {
        self.enrollment.pinned = Some(self.wanted.manifest.token());
    }

    pub(crate) fn find(&self, token: Option<ordain_model::ids::Digest>) -> Option<Arc<Manifest>> {
        self.manifests
            .iter()
            .find(|manifest| Some(manifest.token()) == token)
            .cloned()
    }

    pub(crate) fn heard(&self, report: &Report<'_>) -> ordain_model::ids::Digest {
        heard(&self.enrollment, &self.wanted, report.digest())
    }

    pub(crate) fn decide(&self, report: Report<'_>) -> Decision<()> {
        let state = StatusState {
            enrollment: &self.enrollment,
            record: Arc::new(self.record.clone()),
            against: self.find(self.record.held.against),
            pinned: self.find(self.enrollment.pinned),
            wanted: self.wanted.clone(),
            heard: self.heard(&report),
            world: no_world(),
        };
        status(state, report, self.now).unwrap()
    }

    /// Takes the report in, and says whether it wrote anything.
    pub(crate) fn reports(&mut self, report: Report<'_>) -> bool {
        self.now += 1;
        let decision = self.decide(report.clone());
        // What is known may go unread: it must be nothing new.
        let was_known = is_known(&self.enrollment, self.heard(&report));
        assert!(!was_known || decision.writes.is_empty(), "{report:?}");
        self.enrollment = after(&self.enrollment, &decision.writes);
        let is_written = decision
            .writes
            .iter()
            .any(|write| matches!(write, Write::Status(..)));
        assert!(!is_written || is_known(&self.enrollment, self.heard(&report)));
        for write in &decision.writes {
            match write {
                Write::Status(id, record) => {
                    assert_eq!(id, &self.enrollment.id);
                    // As the store keeps it.
                    let exceptions = record.exceptions.clone();
                    self.record = serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap();
                    self.record.exceptions = exceptions;
                }
                Write::Manifest(manifest, _) => self.manifests.push(manifest.clone()),
                Write::Known(digest, known) => assert_eq!(known.digest(), *digest),
                Write::Enrollment(_) | Write::Capabilities(..) | Write::Event(_) | Write::Wake(..) => {}
                other => panic!("{other:?}"),
            }
        }
        let is_device = self.enrollment.id.user_part().is_none();
        let known = is_device.then(|| Known::of(&self.record).digest());
        assert_eq!(self.enrollment.known, known, "what is extracted is of the record");
        !decision.writes.is_empty()
    }

    pub(crate) fn item(&self, name: &str) -> Value {
        self.record.items.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn is_converged(&self) -> bool {
        self.enrollment.is_converged(self.wanted.manifest.token())
    }

    pub(crate) fn counts(&self) -> Counts {
        self.enrollment.standing.as_ref().unwrap().counts
    }
}

pub(crate) fn items(items: Value) -> Report<'static> {
    let Value::Object(items) = items else {
        panic!("an object")
    };
    Report {
        items: items.into_iter().collect(),
        ..Report::default()
    }
}

/// A report that lists everything of `manifest` as good.
pub(crate) fn good(manifest: &Manifest) -> Report<'static> {
    lists(manifest, |kind| (kind != Kind::Management, Validity::Valid, &[]))
}

pub(crate) fn lists(
    manifest: &Manifest,
    state: impl Fn(Kind) -> (bool, Validity, &'static [&'static str]),
) -> Report<'static> {
    let mut all: BTreeMap<Kind, Vec<Listed<'static>>> = [
        Kind::Activation,
        Kind::Asset,
        Kind::Configuration,
        Kind::Management,
    ]
    .map(|kind| (kind, vec![]))
    .into();
    for entry in manifest.entries() {
        let (active, valid, codes) = state(entry.kind);
        all.entry(entry.kind)
            .or_default()
            .push(listed(entry, active, valid, codes));
    }
    Report {
        declarations: Some(DeclarationsReport { listed: all }),
        ..Report::default()
    }
}

pub(crate) fn reason(code: &str) -> Reason {
    Reason {
        code: code.into(),
        description: None,
        details: None,
    }
}
