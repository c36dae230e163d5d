//! A device that says what it is told to, and what the server makes of it.

use ordain_catalog::Kind;
use ordain_catalog::windows::{Verb, WindowsCatalog};
use ordain_model::convergence::{self, Verdict as Judged};
use ordain_model::declaration::Declaration;
use ordain_model::held::{Listing, Placed};
use ordain_model::ids::Digest;
use ordain_model::manifest::{Entry, Manifest};
use ordain_model::report::Report;
use ordain_model::windows::cleaning::Cleaning;
use ordain_model::windows::document::{DOCUMENT_TYPE, DocId, Document};
use ordain_model::windows::documents::{
    Declared, DocumentResult, Documents, DriftKind, Part, Scene, Session, State, Told, Wire,
};
use ordain_model::windows::session::{Answered, Body, Operation, Said, Status};
use serde_json::{Value, json};

use crate::fixtures::NOW;

/// A document, as a declaration of a manifest.
pub(super) fn declaration(identifier: &str, payload: Value) -> Declaration {
    let Value::Object(payload) = payload else {
        panic!("an object")
    };
    Declaration::new(
        Kind::Configuration,
        DOCUMENT_TYPE.into(),
        identifier.into(),
        payload,
    )
    .unwrap()
}

pub(super) fn vpn(identifier: &str, server: &str, on_removal: &str) -> Declaration {
    declaration(
        identifier,
        json!({"scenario": "MSFTVPN", "scope": "system", "request": "Complete", "on-removal": on_removal,
            "csp": [{"name": "./Vendor/MSFT/VPNv2", "settings": [
                {"path": "Work/Servers", "format": "chr", "value": server}]}]}),
    )
}

pub(super) fn inventory(identifier: &str) -> Declaration {
    declaration(
        identifier,
        json!({"scenario": "MSFTInventory", "scope": "system", "request": "Inventory",
            "csp": [{"name": "./Vendor/MSFT/CertificateStore", "settings": [{"path": "Root"}]}]}),
    )
}

/// A device, its session, and what is known of it.
pub(super) struct Bench {
    pub(super) wanted: Vec<Declaration>,
    pub(super) is_ending: bool,
    pub(super) documents: Documents,
    /// What is to be taken away on the device's own channel.
    pub(super) cleaning: Cleaning,
    pub(super) session: Session,
    pub(super) message: u32,
    pub(super) now: i64,
    pub(super) report: Report<'static>,
    pub(super) said: Said,
}

/// What a device answers to a command: the code, and the value of a `Get`.
pub(super) type Answers<'a> = &'a dyn Fn(&Operation) -> (u16, Option<String>);

pub(super) fn declared(declarations: &[Declaration]) -> Vec<Declared> {
    let declared = declarations.iter().map(|declaration| {
        let document = Document::of(declaration).unwrap();
        Declared::new(declaration.identifier.clone(), declaration.server_token, document)
    });
    declared.collect()
}

/// A wire of the tests' own: a result is JSON.
pub(super) fn wire() -> Wire {
    fn write(document: &Document, id: &str, checksum: &str) -> Option<String> {
        Some(format!(
            "{id} {checksum} {}",
            document.csp.len() + document.csp.iter().map(|csp| csp.settings.len()).sum::<usize>()
        ))
    }
    fn read(text: &str) -> Option<DocumentResult> {
        let said: Value = serde_json::from_str(text).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let state = |value: &Value| value.as_u64().map(|number| State(u32::try_from(number).unwrap()));
        let parts = said["parts"].as_array()?.iter().map(|part| Part {
            path: text(&part["path"]).unwrap_or_default(),
            status: text(&part["status"]),
            is_whole: part["whole"].as_bool().unwrap_or_default(),
            state: state(&part["state"]),
            values: part["values"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        });
        Some(DocumentResult {
            id: text(&said["id"])?,
            checksum: text(&said["checksum"]),
            result_checksum: text(&said["result"]),
            timestamp: said["timestamp"].as_i64(),
            state: state(&said["state"]),
            parts: parts.collect(),
        })
    }
    fn instances(document: &Document) -> Option<String> {
        Some(format!("{} instances", document.instances.len()))
    }
    Wire {
        write,
        instances,
        read,
    }
}

impl Bench {
    pub(super) fn new(wanted: &[Declaration]) -> Self {
        Self {
            wanted: wanted.to_vec(),
            is_ending: false,
            documents: Documents::default(),
            cleaning: Cleaning::default(),
            session: Session::begin("1".into()),
            message: 0,
            now: NOW,
            report: Report::default(),
            said: Said::default(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.session = Session::begin(self.now.to_string());
        self.message = 0;
        self.said = Said::default();
    }

    pub(super) fn want(&mut self, wanted: &[Declaration]) {
        self.wanted = wanted.to_vec();
    }

    /// The device says this list, beside its answers to what it was sent; what it is sent next, answered by `answers` with
    /// the next message.
    pub(super) fn hear(&mut self, list: Option<Vec<Told>>, answers: Answers<'_>) -> Vec<Operation> {
        // Whatever is kept between messages comes back.
        self.session = serde_json::from_str(&serde_json::to_string(&self.session).unwrap()).unwrap();
        self.documents = serde_json::from_str(&serde_json::to_string(&self.documents).unwrap()).unwrap();
        self.message += 1;
        self.session
            .hears(self.message, Digest::of(&self.message.to_le_bytes()));
        let wanted = declared(&self.wanted);
        let before = self.documents.clone();
        let scene = Scene {
            wanted: &wanted,
            catalog: WindowsCatalog::builtin(),
            is_ending: self.is_ending,
            wire: wire(),
            now: self.now,
        };
        let mut said = std::mem::take(&mut self.said);
        (said.documents, said.is_whole) = (list.clone(), true);
        let answer = self.session.respond(&scene, &mut self.documents, said, 2);
        if !self.documents.sets_the_same(&before) {
            self.cleaning.follow(&before, &self.documents, self.now);
        }
        let before = self
            .report
            .declarations
            .take()
            .map(|all| all.listed)
            .unwrap_or_default();
        self.report = self
            .session
            .report(&scene, &self.documents, list.as_deref(), &before);
        let mut operations = Vec::new();
        for sending in answer.sendings {
            let Body::One(operation) = sending.body else {
                panic!("one at a time")
            };
            let (code, value) = answers(&operation);
            let (message, command) = (self.message, sending.id);
            self.said.statuses.push(Status {
                message,
                command,
                code,
                original: None,
            });
            self.said.results.extend(value.map(|value| Answered {
                message,
                command,
                value,
            }));
            operations.push(operation);
        }
        operations
    }

    pub(super) fn judged(&self) -> Vec<Judged> {
        let entries = self.wanted.iter().map(Entry::from).collect();
        let manifest = Manifest::new(entries, Vec::new());
        let listing: Listing<'_> = self.report.declarations.clone().unwrap().listed;
        convergence::assess(&Placed::new(&listing, &manifest), &self.report.items)
    }

    pub(super) fn drift(&self) -> Vec<(DriftKind, bool)> {
        let drift = self.documents.drift.iter();
        drift
            .map(|drift| (drift.kind, drift.repaired.is_some()))
            .collect()
    }
}

pub(super) fn id(declaration: &Declaration) -> String {
    DocId::of(&declaration.identifier, ordain_catalog::Scope::System).to_string()
}

pub(super) fn told(declaration: &Declaration, state: u32, result: &str) -> Told {
    Told {
        id: id(declaration),
        checksum: Some(declaration.server_token.to_string()),
        result_checksum: Some(result.to_owned()).filter(|result| !result.is_empty()),
        state: Some(State(state)),
        abandoned: None,
    }
}

pub(super) fn result(declaration: &Declaration, state: u32, result: &str, parts: &Value) -> String {
    json!({"id": id(declaration), "checksum": declaration.server_token, "result": result, "state": state,
        "timestamp": 7, "parts": parts})
    .to_string()
}

pub(super) fn good() -> Value {
    json!([{"path": "./Vendor/MSFT/VPNv2", "whole": true, "state": 60},
        {"path": "./Vendor/MSFT/VPNv2/Work/Servers", "status": "200", "state": 60}])
}

pub(super) fn verbs(operations: &[Operation]) -> Vec<(Verb, &str)> {
    let last = |path: &'_ str| -> &'static str {
        if path.contains("/Results/") {
            "result"
        } else if path.ends_with("Abandoned") {
            "abandoned"
        } else if path.ends_with("RefreshInterval") {
            "refresh"
        } else if path.ends_with("/BulkVariables/Value") {
            "instances"
        } else if path.ends_with("/Document") {
            "document"
        } else {
            "root"
        }
    };
    operations
        .iter()
        .map(|operation| (operation.verb, last(&operation.path)))
        .collect()
}

pub(super) const OK: Answers<'static> = &|_| (200, None);

/// A bench with the document in place, confirmed under the result `R1`.
pub(super) fn confirmed(document: &Declaration) -> Bench {
    let mut bench = Bench::new(std::slice::from_ref(document));
    assert_eq!(
        verbs(&bench.hear(Some(vec![]), OK)),
        [(Verb::Replace, "document")]
    );
    assert_eq!(bench.hear(Some(vec![told(document, 1, "")]), OK), []);
    bench.begin();
    let text = result(document, 60, "R1", &good());
    let sent = bench.hear(Some(vec![told(document, 60, "R1")]), &|_| {
        (200, Some(text.clone()))
    });
    assert_eq!(verbs(&sent), [(Verb::Get, "result")]);
    assert_eq!(bench.judged(), [Judged::Pending]);
    assert_eq!(bench.hear(Some(vec![told(document, 60, "R1")]), OK), []);
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    assert_eq!(bench.drift(), []);
    bench
}
