//! Documents of declared configuration: what is sent, and what is made of what devices say.

use ordain_catalog::Kind;
use ordain_catalog::windows::Verb;
use ordain_model::convergence::{self, Verdict as Judged};
use ordain_model::declaration::Declaration;
use ordain_model::held::{Listing, Placed};
use ordain_model::ids::Digest;
use ordain_model::manifest::{Entry, Manifest};
use ordain_model::report::Report;
use ordain_model::windows::document::{DOCUMENT_TYPE, DocId, Document, INVENTORY, emptied_checksum};
use ordain_model::windows::documents::{
    Declared, DocumentResult, Documents, DriftKind, Part, Scene, Session, State, Told, Wire,
};
use ordain_model::windows::session::{Answered, Body, Operation, Said, Status};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::NOW;

/// A document, as a declaration of a manifest.
fn declaration(identifier: &str, payload: Value) -> Declaration {
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

fn vpn(identifier: &str, server: &str, on_removal: &str) -> Declaration {
    declaration(
        identifier,
        json!({"scenario": "MSFTVPN", "scope": "system", "request": "Complete", "on-removal": on_removal,
            "csp": [{"name": "./Vendor/MSFT/VPNv2", "settings": [
                {"path": "Work/Servers", "format": "chr", "value": server}]}]}),
    )
}

fn inventory(identifier: &str) -> Declaration {
    declaration(
        identifier,
        json!({"scenario": "MSFTInventory", "scope": "system", "request": "Inventory",
            "csp": [{"name": "./Vendor/MSFT/CertificateStore", "settings": [{"path": "Root"}]}]}),
    )
}

/// A device, its session, and what is known of it.
struct Bench {
    wanted: Vec<Declaration>,
    unwanted: Vec<Declaration>,
    documents: Documents,
    session: Session,
    message: u32,
    now: i64,
    report: Report<'static>,
    said: Said,
}

/// What a device answers to a command: the code, and the value of a `Get`.
type Answers<'a> = &'a dyn Fn(&Operation) -> (u16, Option<String>);

fn declared(declarations: &[Declaration]) -> Vec<Declared> {
    let declared = declarations.iter().map(|declaration| Declared {
        identifier: declaration.identifier.clone(),
        token: declaration.server_token,
        document: Document::of(declaration).unwrap(),
    });
    declared.collect()
}

/// A wire of the tests' own: a result is JSON.
fn wire() -> Wire {
    fn write(document: &Document, id: DocId, checksum: &str) -> Option<String> {
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
    Wire { write, read }
}

impl Bench {
    fn new(wanted: &[Declaration]) -> Self {
        Self {
            wanted: wanted.to_vec(),
            unwanted: Vec::new(),
            documents: Documents::default(),
            session: Session::begin("1".into()),
            message: 0,
            now: NOW,
            report: Report::default(),
            said: Said::default(),
        }
    }

    fn begin(&mut self) {
        self.session = Session::begin(self.now.to_string());
        self.message = 0;
        self.said = Said::default();
    }

    fn want(&mut self, wanted: &[Declaration]) {
        self.unwanted = std::mem::replace(&mut self.wanted, wanted.to_vec());
    }

    /// The device says this list, beside its answers to what it was sent; what it is sent next, answered by `answers` with
    /// the next message.
    fn hear(&mut self, list: Option<Vec<Told>>, answers: Answers<'_>) -> Vec<Operation> {
        // Whatever is kept between messages comes back.
        self.session = serde_json::from_str(&serde_json::to_string(&self.session).unwrap()).unwrap();
        self.documents = serde_json::from_str(&serde_json::to_string(&self.documents).unwrap()).unwrap();
        self.message += 1;
        self.session
            .hears(self.message, Digest::of(&self.message.to_le_bytes()));
        let (wanted, unwanted) = (declared(&self.wanted), declared(&self.unwanted));
        let scene = Scene {
            wanted: &wanted,
            unwanted: &unwanted,
            wire: wire(),
            now: self.now,
        };
        let mut said = std::mem::take(&mut self.said);
        (said.documents, said.is_whole) = (list.clone(), true);
        let answer = self.session.respond(&scene, &mut self.documents, said, 2);
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

    fn judged(&self) -> Vec<Judged> {
        let entries = self.wanted.iter().map(Entry::from).collect();
        let manifest = Manifest::new(entries, Vec::new());
        let listing: Listing<'_> = self.report.declarations.clone().unwrap().listed;
        convergence::assess(&Placed::new(&listing, &manifest), &self.report.items)
    }

    fn drift(&self) -> Vec<(DriftKind, bool)> {
        let drift = self.documents.drift.iter();
        drift
            .map(|drift| (drift.kind, drift.repaired.is_some()))
            .collect()
    }
}

fn id(declaration: &Declaration) -> String {
    DocId::of(&declaration.identifier, ordain_catalog::Scope::System).to_string()
}

fn told(declaration: &Declaration, state: u32, result: &str) -> Told {
    Told {
        id: id(declaration),
        checksum: Some(declaration.server_token.to_string()),
        result_checksum: Some(result.to_owned()).filter(|result| !result.is_empty()),
        state: Some(State(state)),
        abandoned: None,
    }
}

fn result(declaration: &Declaration, state: u32, result: &str, parts: &Value) -> String {
    json!({"id": id(declaration), "checksum": declaration.server_token, "result": result, "state": state,
        "timestamp": 7, "parts": parts})
    .to_string()
}

fn good() -> Value {
    json!([{"path": "./Vendor/MSFT/VPNv2", "whole": true, "state": 60},
        {"path": "./Vendor/MSFT/VPNv2/Work/Servers", "status": "200", "state": 60}])
}

fn verbs(operations: &[Operation]) -> Vec<(Verb, &str)> {
    let last = |path: &'_ str| -> &'static str {
        if path.contains("/Results/") {
            "result"
        } else if path.ends_with("Abandoned") {
            "abandoned"
        } else if path.ends_with("RefreshInterval") {
            "refresh"
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

const OK: Answers<'static> = &|_| (200, None);

/// A bench with the document in place, confirmed under the result `R1`.
fn confirmed(document: &Declaration) -> Bench {
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

#[test]
fn a_document_is_sent_once_and_confirmed_by_its_result() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = confirmed(&document);
    bench.begin();
    assert_eq!(
        bench.hear(Some(vec![told(&document, 60, "r1")]), OK),
        [],
        "checksums have no case"
    );
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    // Another version: the old one is listed as what it is.
    let next = vpn("vpn", "b", "delete");
    bench.want(std::slice::from_ref(&next));
    bench.begin();
    let sent = bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    assert_eq!(verbs(&sent), [(Verb::Replace, "document")]);
    assert_eq!(bench.judged(), [Judged::Pending]);
    bench.hear(Some(vec![told(&next, 2, "R1")]), OK);
    let reasons = bench.report.declarations.clone().unwrap().listed[&Kind::Configuration][0]
        .reasons
        .clone();
    assert_eq!(
        reasons[0].description.as_deref(),
        Some("the document is under way (state 2)")
    );
    assert_eq!(bench.drift(), [], "it is our own doing");
}

#[test]
fn what_is_refused_waits_for_another_version() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = Bench::new(std::slice::from_ref(&document));
    bench.hear(Some(vec![]), &|_| (500, None));
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    assert!(matches!(&bench.judged()[..], [Judged::Failed(reasons)] if reasons[0].code == "Error.SyncML500"));
    bench.begin();
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    bench.want(&[vpn("vpn", "b", "delete")]);
    bench.begin();
    assert_eq!(bench.hear(Some(vec![]), OK).len(), 1);
    // What is no word on the document is none against it.
    bench.begin();
    let mut other = Bench::new(std::slice::from_ref(&document));
    other.hear(Some(vec![]), &|_| (215, None));
    assert_eq!(other.hear(Some(vec![]), OK), [], "once in a session");
    assert_eq!(other.judged(), [Judged::Pending]);
    other.begin();
    assert_eq!(other.hear(Some(vec![]), OK).len(), 1);
}

#[test]
fn a_device_that_lists_nothing_is_asked_whether_it_can() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = Bench::new(std::slice::from_ref(&document));
    assert_eq!(verbs(&bench.hear(None, &|_| (404, None))), [(Verb::Get, "root")]);
    assert_eq!(bench.hear(None, OK), []);
    assert!(bench.report.problems[0].contains("no declared configuration (404)"));
    assert_eq!(bench.judged(), [Judged::Pending]);
    bench.begin();
    assert_eq!(verbs(&bench.hear(None, OK)), [(Verb::Get, "root")]);
    assert_eq!(verbs(&bench.hear(None, OK)), [(Verb::Replace, "document")]);
    bench.hear(None, OK);
    assert_eq!(bench.judged(), [Judged::Pending], "a 200 says nothing");
    // Taken once, it is not sent for want of a list.
    bench.begin();
    bench.hear(None, OK);
    assert_eq!(bench.hear(None, OK), []);
}

#[test]
fn drift_is_what_nobody_here_has_done() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = confirmed(&document);
    // Repaired before anybody saw: another result of the same version.
    bench.begin();
    bench.now += 100;
    let text = result(&document, 60, "R2", &good());
    bench.hear(Some(vec![told(&document, 60, "R2")]), &|_| {
        (200, Some(text.replace("\"timestamp\":7", "\"timestamp\":9")))
    });
    assert_eq!(bench.judged(), [Judged::Pending], "that result was not read");
    bench.hear(Some(vec![told(&document, 60, "R2")]), OK);
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    assert_eq!(bench.drift(), [(DriftKind::Repaired, true)]);
    // Not repaired, with the setting; and then it is.
    bench.begin();
    bench.now += 100;
    let bad = json!([{"path": "./Vendor/MSFT/VPNv2/Work/Servers", "status": "404", "state": 61}]);
    let text = result(&document, 61, "R3", &bad);
    bench.hear(Some(vec![told(&document, 61, "R3")]), &|_| {
        (200, Some(text.clone()))
    });
    assert_eq!(
        bench.hear(Some(vec![told(&document, 61, "R3")]), OK),
        [],
        "it is not sent again blindly"
    );
    let open = bench.documents.drift.last().unwrap().clone();
    assert_eq!(
        (open.kind, open.since, open.repaired, open.is_examined),
        (DriftKind::Unrepaired, bench.now, None, true)
    );
    assert_eq!(open.settings, ["./Vendor/MSFT/VPNv2/Work/Servers"]);
    let Judged::Failed(reasons) = &bench.judged()[0] else {
        panic!("failed")
    };
    assert_eq!(
        (reasons[0].code.as_str(), reasons[0].description.as_deref()),
        (
            "Error.Status404",
            Some("./Vendor/MSFT/VPNv2/Work/Servers: there is no such node (404), failed (state 61)")
        )
    );
    bench.begin();
    bench.now += 100;
    bench.hear(Some(vec![told(&document, 60, "R2")]), OK);
    assert_eq!(
        bench.drift(),
        [(DriftKind::Repaired, true), (DriftKind::Unrepaired, true)]
    );
    // Lost, and sent again; somebody else's; and a document of nobody.
    bench.begin();
    assert_eq!(
        verbs(&bench.hear(Some(vec![]), OK)),
        [(Verb::Replace, "document")]
    );
    bench.hear(Some(vec![told(&document, 60, "R9")]), OK);
    assert_eq!(bench.drift()[2..], [(DriftKind::Missing, true)]);
    bench.begin();
    let strange = Told {
        checksum: Some("X".into()),
        ..told(&document, 60, "R9")
    };
    assert_eq!(
        verbs(&bench.hear(Some(vec![strange]), OK)),
        [(Verb::Replace, "document")]
    );
    bench.hear(Some(vec![told(&document, 60, "R9")]), OK);
    assert_eq!(bench.drift()[3..], [(DriftKind::Replaced, true)]);
    bench.begin();
    let other = vpn("other", "a", "delete");
    let sent = bench.hear(Some(vec![told(&document, 60, "R9"), told(&other, 60, "R")]), OK);
    assert_eq!(verbs(&sent), [(Verb::Delete, "document"), (Verb::Get, "result")]);
    assert_eq!(bench.drift()[4..], [(DriftKind::Foreign, false)]);
    bench.hear(Some(vec![told(&document, 60, "R9")]), OK);
    assert_eq!(bench.drift()[4..], [(DriftKind::Foreign, true)]);
}

#[test]
fn a_state_that_is_not_published_is_neither_good_nor_failed() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = confirmed(&document);
    bench.begin();
    bench.hear(Some(vec![told(&document, 64, "R2")]), OK);
    bench.hear(Some(vec![told(&document, 64, "R2")]), OK);
    assert_eq!(bench.judged(), [Judged::Pending]);
    assert_eq!(bench.drift(), [(DriftKind::Unrepaired, false)]);
}

#[test]
fn the_machinery_is_given_time() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = Bench::new(std::slice::from_ref(&document));
    bench.hear(Some(vec![]), OK);
    let mut sent = 0;
    for _ in 0..48 {
        bench.begin();
        bench.now += 1_800;
        let operations = bench.hear(Some(vec![told(&document, 62, "R1")]), OK);
        sent += operations.iter().filter(|it| it.verb == Verb::Replace).count();
        bench.hear(Some(vec![told(&document, 62, "R1")]), OK);
        assert!(matches!(bench.judged()[0], Judged::Failed(_)));
    }
    // After 1, 2, 4 and 8 hours.
    assert_eq!(sent, 4);
}

#[test]
fn what_is_no_longer_wanted_goes_as_the_policy_says() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = confirmed(&document);
    bench.want(&[]);
    bench.begin();
    assert_eq!(
        verbs(&bench.hear(Some(vec![told(&document, 60, "R1")]), OK)),
        [(Verb::Delete, "document")]
    );
    bench.hear(Some(vec![told(&document, 10, "R1")]), OK);
    bench.begin();
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    assert!(bench.documents.known.is_empty() && bench.report.problems[0].contains("leaves what it set"));
    assert_eq!(bench.drift(), []);

    let document = vpn("vpn", "a", "abandon");
    let mut bench = confirmed(&document);
    bench.want(&[]);
    bench.begin();
    let sent = bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    assert_eq!(verbs(&sent), [(Verb::Replace, "abandoned")]);
    assert_eq!(sent[0].value.as_ref().unwrap().1, "1");
    assert_eq!(bench.hear(Some(vec![told(&document, 60, "R1")]), OK), []);
    assert!(bench.report.declarations.as_ref().unwrap().listed[&Kind::Configuration].is_empty());
    assert!(bench.documents.stays["vpn"].why.contains("abandoned"));
    // And comes back: what the device does then is not drift.
    bench.want(std::slice::from_ref(&document));
    bench.begin();
    let sent = bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    assert_eq!(
        (verbs(&sent), sent[0].value.as_ref().unwrap().1.as_str()),
        (vec![(Verb::Replace, "abandoned")], "0")
    );
    bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    bench.begin();
    bench.hear(Some(vec![told(&document, 60, "R2")]), OK);
    assert_eq!((bench.drift(), bench.documents.stays.len()), (vec![], 0));
}

#[test]
fn clean_is_emptied_first() {
    let document = vpn("vpn", "a", "clean");
    let emptied = |state, result: &str| Told {
        checksum: Some(emptied_checksum(document.server_token).to_string()),
        ..told(&document, state, result)
    };
    let mut bench = confirmed(&document);
    bench.want(&[]);
    bench.begin();
    let sent = bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    assert_eq!(verbs(&sent), [(Verb::Replace, "document")]);
    let text = &sent[0].value.as_ref().unwrap().1;
    assert!(
        text.contains(&emptied_checksum(document.server_token).to_string()),
        "{text}"
    );
    assert_eq!(bench.hear(Some(vec![emptied(1, "")]), OK), []);
    bench.begin();
    let read = json!({"id": id(&document), "checksum": emptied_checksum(document.server_token), "result": "E", "state": 60, "parts": []});
    let sent = bench.hear(Some(vec![emptied(60, "E")]), &|_| (200, Some(read.to_string())));
    assert_eq!(verbs(&sent), [(Verb::Get, "result")]);
    assert_eq!(
        verbs(&bench.hear(Some(vec![emptied(60, "E")]), OK)),
        [(Verb::Delete, "document")]
    );
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    assert!(bench.documents.known.is_empty() && bench.documents.stays.is_empty());

    // A device that does not take an empty document: it goes, and that its settings stay is told.
    let mut bench = confirmed(&document);
    bench.want(&[]);
    bench.begin();
    bench.hear(Some(vec![told(&document, 60, "R1")]), &|_| (500, None));
    assert_eq!(
        verbs(&bench.hear(Some(vec![told(&document, 60, "R1")]), OK)),
        [(Verb::Delete, "document")]
    );
    assert!(bench.documents.stays["vpn"].why.contains("stay"));
}

#[test]
fn inventories_tell_status_items() {
    let document = inventory("certs");
    let mut bench = Bench::new(std::slice::from_ref(&document));
    let sent = bench.hear(Some(vec![]), OK);
    assert!(sent[0].path.contains("/Host/Inventory/Documents/"), "{sent:?}");
    let parts =
        |value: u32| json!([{"path": "Root", "status": "200", "state": 80, "values": {"Root": value}}]);
    for (result_checksum, value) in [("R1", 3), ("R2", 4)] {
        bench.begin();
        let text = result(&document, 80, result_checksum, &parts(value));
        let sent = bench.hear(Some(vec![told(&document, 80, result_checksum)]), &|_| {
            (200, Some(text.clone()))
        });
        assert!(sent[0].path.contains("/Host/Inventory/Results/"), "{sent:?}");
        bench.hear(Some(vec![told(&document, 80, result_checksum)]), OK);
        assert_eq!(
            bench.documents.inventory()[&format!("{INVENTORY}certs.Root")],
            json!(value)
        );
        assert_eq!(bench.judged(), [Judged::Confirmed]);
    }
    assert_eq!(bench.drift(), [], "other values are no drift");
    bench.want(&[]);
    bench.begin();
    assert_eq!(
        verbs(&bench.hear(Some(vec![told(&document, 80, "R2")]), OK)),
        [(Verb::Delete, "document")]
    );
    let before = bench.documents.clone();
    bench.hear(Some(vec![]), OK);
    assert!(bench.documents.inventory().is_empty() && bench.documents.stays.is_empty());
    let told = bench.documents.told(&before).unwrap();
    assert_eq!((told.items.len(), told.errors.len()), (0, 1));
    assert_eq!(bench.documents.told(&bench.documents), None);
}

#[test]
fn the_refresh_interval_may_not_be_there() {
    let mut payload = Value::from(vpn("vpn", "a", "delete").payload);
    payload["refresh-interval"] = json!(60);
    let document = declaration("vpn", payload);
    for (code, told_of) in [(405, true), (404, true), (200, false)] {
        let mut bench = Bench::new(std::slice::from_ref(&document));
        let answers = move |operation: &Operation| {
            (
                if operation.path.ends_with("RefreshInterval") {
                    code
                } else {
                    200
                },
                None,
            )
        };
        assert_eq!(
            verbs(&bench.hear(Some(vec![]), &answers)),
            [(Verb::Replace, "document"), (Verb::Replace, "refresh")]
        );
        bench.hear(Some(vec![told(&document, 1, "")]), OK);
        assert_eq!(!bench.report.problems.is_empty(), told_of, "{code}");
        assert_eq!(bench.judged(), [Judged::Pending]);
        bench.begin();
        assert_eq!(bench.hear(Some(vec![told(&document, 1, "")]), OK), []);
        bench.want(&[]);
        bench.begin();
        let sent = bench.hear(Some(vec![]), OK);
        assert_eq!(
            verbs(&sent),
            if told_of {
                vec![]
            } else {
                vec![(Verb::Delete, "refresh")]
            }
        );
    }
}

#[test]
fn a_message_has_so_many_documents() {
    let all: Vec<Declaration> = (0..35)
        .map(|number| vpn(&format!("vpn{number}"), "a", "delete"))
        .collect();
    let mut bench = Bench::new(&all);
    let mut taken: Vec<Told> = Vec::new();
    let mut messages = Vec::new();
    loop {
        let sent = bench.hear(Some(taken.clone()), OK);
        if sent.is_empty() {
            break;
        }
        messages.push(sent.len());
        taken = all
            .iter()
            .filter(|it| {
                bench.documents.of(&it.identifier).is_some()
                    || sent.iter().any(|sent| sent.path.contains(&id(it)))
            })
            .map(|it| told(it, 1, ""))
            .collect();
    }
    assert_eq!(messages, [10, 10, 10, 5]);
}

/// What a device may say of the document: how often is up to it.
#[derive(Debug, Clone)]
struct Step {
    checksum: usize,
    result: usize,
    state: u32,
    is_listed: bool,
    code: u16,
    /// The result that it gives when it is asked.
    of: (usize, usize, usize, u32),
    parts: Vec<(Option<&'static str>, Option<u32>)>,
    is_new_session: bool,
}

const STATES: [u32; 13] = [0, 1, 3, 10, 21, 60, 60, 60, 61, 62, 63, 71, 99];

fn step() -> impl Strategy<Value = Step> {
    let state = || prop::sample::select(&STATES[..]);
    let status = prop::sample::select(vec![
        Some("200"),
        Some("200"),
        Some("200"),
        Some("404"),
        Some("0x86000002"),
        None,
    ]);
    let part = (
        status,
        prop::option::of(prop::sample::select(vec![60, 60, 60, 63, 61, 2, 99])),
    );
    let of = (0..8_usize, 0..8_usize, 0..3_usize, state());
    let flags = (
        prop::bool::weighted(0.9),
        any::<bool>(),
        prop::sample::select(vec![200, 200, 200, 215, 404, 500]),
    );
    (
        0..6_usize,
        0..3_usize,
        state(),
        flags,
        of,
        prop::collection::vec(part, 0..3),
    )
        .prop_map(
            |(checksum, result, state, (is_listed, is_new_session, code), of, parts)| Step {
                checksum,
                result,
                state,
                is_listed,
                code,
                of,
                parts,
                is_new_session,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The verdict is that of a naive reading of Microsoft's description: a document is as wanted when the device lists it
    /// in the version that is wanted with a final good state, and the result of that version and of that very state is
    /// good throughout. What the server is told otherwise is no confirmation.
    #[test]
    fn confirmed_is_what_the_device_says_twice(steps in prop::collection::vec(step(), 1..12)) {
        let document = vpn("vpn", "a", "delete");
        let (own, version) = (id(&document), document.server_token.to_string());
        let other = id(&vpn("other", "a", "delete"));
        let results = [None, Some("A".to_owned()), Some("B".to_owned())];
        let mut bench = Bench::new(std::slice::from_ref(&document));
        // The naive reader: of the document, the last result that was of it and its version.
        let mut read: Option<(Option<String>, bool, bool)> = None;
        let mut asked: Option<(Option<String>, bool, bool)> = None;
        let mut refused = false;
        let mut sent_with: Option<u16> = None;
        for step in steps {
            if step.is_new_session {
                // What was asked last is never answered.
                bench.begin();
                (asked, sent_with) = (None, None);
            }
            let checksum = if step.checksum < 4 { version.clone() } else { format!("old{}", step.checksum) };
            let listed = Told {
                id: own.clone(),
                checksum: Some(checksum.clone()),
                result_checksum: results[step.result].clone(),
                state: Some(State(step.state)),
                abandoned: None,
            };
            let list: Vec<Told> = Some(listed).filter(|_| step.is_listed).into_iter().collect();
            let (of_id, of_version, of_result, of_state) = step.of;
            let result_id = if of_id == 0 { &other } else { &own };
            let result_version = if of_version == 0 { "old" } else { version.as_str() };
            let parts: Vec<Value> = step.parts.iter().map(|(status, state)| json!({"path": "p", "status": status, "state": state})).collect();
            let text = json!({"id": result_id, "checksum": result_version, "result": results[of_result], "state": of_state, "parts": parts}).to_string();
            let answers = |operation: &Operation| match operation.verb {
                Verb::Get => (200, Some(text.clone())),
                _ => (step.code, None),
            };
            // What the server was answered with this message counts from now on.
            read = asked.take().or(read);
            refused |= sent_with.take().is_some_and(|code| [404, 500].contains(&code));
            let operations = bench.hear(Some(list.clone()), &answers);
            for operation in &operations {
                if operation.path.contains("/Results/") && result_id == &own && result_version == version {
                    let is_good = |state: u32| [60, 63, 80].contains(&state);
                    let all = step.parts.iter().all(|(status, state)| *status == Some("200") && state.is_none_or(is_good));
                    let bad = |(status, state): &(Option<&str>, Option<u32>)| status.is_some_and(|it| it != "200") || *state == Some(61);
                    let any_bad = step.parts.iter().any(bad) || [61, 62, 71].contains(&of_state);
                    asked = Some((results[of_result].clone(), all && is_good(of_state), any_bad));
                }
                if operation.verb == Verb::Replace {
                    prop_assert!(operation.value.as_ref().unwrap().1.contains(&version));
                    prop_assert!(!refused, "what is refused is not sent");
                    sent_with = Some(step.code);
                }
            }
            let is_current = step.is_listed && checksum == version;
            let matching = read.as_ref().filter(|(result, ..)| result.is_some() && *result == results[step.result]);
            let expected = match (is_current, step.state) {
                (true, 60 | 63 | 80) if matching.is_some_and(|(_, good, _)| *good) => "confirmed",
                (true, 60 | 63 | 80) if matching.is_some_and(|(.., bad)| *bad) => "failed",
                (true, 61 | 62 | 81 | 82) => "failed",
                (false, _) if refused => "failed",
                _ => "pending",
            };
            let judged = match &bench.judged()[0] {
                Judged::Confirmed => "confirmed",
                Judged::Failed(_) => "failed",
                Judged::Pending => "pending",
                Judged::Settled => "settled",
            };
            prop_assert_eq!(judged, expected, "{:?} {:?}", step, bench.documents);
        }
    }
}
