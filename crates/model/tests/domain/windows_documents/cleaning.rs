//! `on-removal: clean`: what is taken away after a document, when, and what stays.

use std::collections::BTreeMap;

use ordain_catalog::windows::{LocUri, Verb, WindowsCatalog};
use ordain_model::decision::Write;
use ordain_model::declaration::Declaration;
use ordain_model::held::Listing;
use ordain_model::ids::Digest;
use ordain_model::report::Report;
use ordain_model::windows::cleaning::{Cleaning, Left};
use ordain_model::windows::document::Document;
use ordain_model::windows::session::{self, Body, Link, Operation, Said, Scene, Session, Status};
use ordain_model::windows::settings::Settings;
use serde_json::json;

use super::bench::*;
use crate::reporter::Device;

const WORK: &str = "./Device/Vendor/MSFT/VPNv2/Work";

/// A document that sets these nodes of VPNv2.
fn sets(identifier: &str, scope: &str, on_removal: &str, paths: &[&str]) -> Declaration {
    let settings: Vec<_> = paths
        .iter()
        .map(|path| json!({"path": path, "format": "bool", "value": true}))
        .collect();
    declaration(
        identifier,
        json!({"scenario": "MSFTVPN", "scope": scope, "request": "Complete", "on-removal": on_removal,
            "csp": [{"name": "./Vendor/MSFT/VPNv2", "settings": settings}]}),
    )
}

/// What is left of documents: the identifier, the node, and why it stays, or the document that it waits for.
fn left(cleaning: &Cleaning) -> Vec<(&str, String, Option<&str>)> {
    fn why(left: &Left) -> Option<&str> {
        match left {
            Left::Due => None,
            Left::Waits(why) | Left::Stays(why) => Some(why),
        }
    }
    let nodes = cleaning.documents().flat_map(|(_, gone)| {
        let nodes = gone.nodes.iter();
        nodes.map(move |(node, left)| (gone.identifier.as_str(), node.to_string(), why(left)))
    });
    nodes.collect()
}

/// The document has gone from the device, by its own word.
fn gone(document: &Declaration) -> Bench {
    let mut bench = confirmed(document);
    bench.want(&[]);
    bench.begin();
    let sent = bench.hear(Some(vec![told(document, 60, "R1")]), OK);
    assert_eq!(verbs(&sent), [(Verb::Delete, "document")]);
    assert_eq!(left(&bench.cleaning), [], "it is there as long as it is listed");
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    assert!(bench.documents.known.is_empty() && bench.documents.stays.is_empty());
    bench
}

/// How a session of the device's own goes.
#[derive(Default)]
struct Own {
    settings: Vec<session::Declared>,
    declared: BTreeMap<LocUri, String>,
    with_user: bool,
}

impl Own {
    /// Holds one with a device that answers what takes something away. What that was, and what is left then.
    fn hold(&self, cleaning: &Cleaning, answer: (u16, Option<u32>)) -> (Vec<String>, Cleaning) {
        let (unwanted, refused) = (BTreeMap::new(), BTreeMap::new());
        let scene = Scene {
            standing: &session::standing("https://mdm.example.org/", None, &self.settings),
            package: None,
            wanted: &self.settings,
            unwanted: &unwanted,
            refused: &refused,
            catalog: WindowsCatalog::builtin(),
            queue: &[],
            cleaning,
            declared: &self.declared,
            link: Link {
                is_wanted: false,
                endpoint: "https://mdm.example.org/linked",
                channel: None,
            },
            now: 0,
        };
        let mut session = Session::begin("1".to_owned(), None);
        let mut said = Said {
            with_user: Some(self.with_user),
            ..Said::default()
        };
        let (mut taken, mut after) = (Vec::new(), None);
        for message in 1..30 {
            let stored = serde_json::to_string(&session).unwrap();
            session = serde_json::from_str(&stored).unwrap();
            session.hears(message, Digest::of(&message.to_le_bytes()));
            said.is_whole = true;
            let answered = session.respond(&scene, std::mem::take(&mut said), 2);
            if answered.reports {
                after = session.report(&scene, &Listing::new()).cleaning;
            }
            for sending in &answered.sendings {
                let inside: Vec<(u32, Option<&Operation>)> = match &sending.body {
                    Body::One(operation) | Body::Part(operation, ..) => vec![(sending.id, Some(operation))],
                    Body::Atomic(all) => {
                        let all = all.iter().map(|(id, operation)| (*id, Some(operation)));
                        [(sending.id, None)].into_iter().chain(all).collect()
                    }
                };
                for (command, operation) in inside {
                    let removed = operation.filter(|operation| operation.verb == Verb::Delete);
                    taken.extend(removed.map(|operation| operation.path.clone()));
                    let (code, original) = if removed.is_some() { answer } else { (200, None) };
                    said.statuses.push(Status {
                        message,
                        command,
                        code,
                        original,
                    });
                }
            }
        }
        (taken, after.unwrap_or_else(|| cleaning.clone()))
    }
}

#[test]
fn what_a_document_has_set_goes_after_it() {
    let document = sets("vpn", "system", "clean", &["Work/AlwaysOn", "Work/DeviceTunnel"]);
    let bench = gone(&document);
    assert_eq!(left(&bench.cleaning), [("vpn", WORK.to_owned(), None)]);
    // It outlasts whatever is kept as text.
    let stored = serde_json::to_string(&bench.cleaning).unwrap();
    let stored: Cleaning = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored, bench.cleaning);
    for code in [200, 404] {
        let (taken, after) = Own::default().hold(&stored, (code, None));
        assert_eq!((taken, left(&after)), (vec![WORK.to_owned()], vec![]), "{code}");
    }
}

#[test]
fn what_the_device_refuses_is_told_and_not_tried_again() {
    let bench = gone(&vpn("vpn", "a", "clean"));
    for (answer, why) in [
        (
            (500, Some(0x8600_0031)),
            "the device says to its removal: failed (500), 0x86000031",
        ),
        (
            (405, None),
            "the device says to its removal: not with this node (405)",
        ),
    ] {
        let (_, after) = Own::default().hold(&bench.cleaning, answer);
        assert_eq!(left(&after), [("vpn", WORK.to_owned(), Some(why))]);
        assert_eq!(Own::default().hold(&after, (200, None)), (vec![], after));
    }
    // Nothing final was said.
    let (_, after) = Own::default().hold(&bench.cleaning, (215, None));
    assert_eq!(after, bench.cleaning);
}

#[test]
fn what_came_back_is_left_alone() {
    let document = vpn("vpn", "a", "clean");
    let mut bench = gone(&document);
    // The device has not got it yet: nothing is decided, and nothing is taken away.
    let resources = Document::of(&document)
        .unwrap()
        .resources(WindowsCatalog::builtin());
    let own = Own {
        declared: resources
            .into_iter()
            .map(|resource| (resource, "vpn".to_owned()))
            .collect(),
        ..Own::default()
    };
    let (taken, waits) = own.hold(&bench.cleaning, (200, None));
    assert_eq!(
        (taken, left(&waits)),
        (vec![], vec![("vpn", WORK.to_owned(), Some("vpn"))])
    );
    assert_eq!(waits.due().count(), 0, "nobody is woken for it");
    let stored: Cleaning = serde_json::from_str(&serde_json::to_string(&waits).unwrap()).unwrap();
    assert_eq!(own.hold(&stored, (200, None)), (vec![], waits.clone()));
    // It is not to have it after all.
    let (taken, after) = Own::default().hold(&waits, (200, None));
    assert_eq!((taken, left(&after)), (vec![WORK.to_owned()], vec![]));
    // It has got it.
    bench.cleaning = waits;
    bench.want(std::slice::from_ref(&document));
    bench.begin();
    bench.hear(Some(vec![]), OK);
    bench.hear(Some(vec![told(&document, 1, "")]), OK);
    assert_eq!(left(&bench.cleaning), []);
}

#[test]
fn what_another_one_has_now_stays() {
    let document = sets("vpn", "system", "clean", &["Work/AlwaysOn", "Home/AlwaysOn"]);
    let other = sets("other", "system", "delete", &["Work/DeviceTunnel"]);
    let mut bench = confirmed(&document);
    bench.want(std::slice::from_ref(&other));
    bench.begin();
    // The other one is taken before this one has gone.
    bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    bench.hear(Some(vec![told(&document, 10, "R1"), told(&other, 1, "")]), OK);
    bench.hear(Some(vec![told(&other, 1, "")]), OK);
    let home = "./Device/Vendor/MSFT/VPNv2/Home";
    let has = Some("the document other has it now");
    assert_eq!(
        left(&bench.cleaning),
        [("vpn", home.to_owned(), None), ("vpn", WORK.to_owned(), has)]
    );
    // Settings of the device's own channel.
    let payload = json!({"settings": [
        {"path": "./Vendor/MSFT/VPNv2/Home/AlwaysOn", "format": "bool", "value": true}]});
    let own = Own {
        settings: vec![session::Declared {
            identifier: "home".into(),
            token: Digest::of(b"home"),
            settings: Settings::from_payload(payload.as_object().unwrap()).unwrap(),
        }],
        ..Own::default()
    };
    let (_, after) = own.hold(&bench.cleaning, (200, None));
    let settings = Some("the settings home have it now");
    assert_eq!(
        left(&after),
        [("vpn", home.to_owned(), settings), ("vpn", WORK.to_owned(), has)]
    );
}

#[test]
fn what_only_an_earlier_version_has_set_goes_too() {
    let before = sets("vpn", "system", "clean", &["Home/AlwaysOn"]);
    let after = sets("vpn", "system", "clean", &["Work/AlwaysOn"]);
    let mut bench = confirmed(&before);
    bench.want(std::slice::from_ref(&after));
    bench.begin();
    bench.hear(Some(vec![told(&before, 60, "R1")]), OK);
    bench.hear(Some(vec![told(&after, 1, "")]), OK);
    // One that is refused changes nothing of what is there.
    bench.want(&[sets("vpn", "system", "clean", &["Other/AlwaysOn"])]);
    bench.begin();
    bench.hear(Some(vec![told(&after, 60, "R2")]), &|_| (500, None));
    bench.hear(Some(vec![told(&after, 60, "R2")]), OK);
    bench.want(&[]);
    bench.begin();
    bench.hear(Some(vec![told(&after, 60, "R2")]), OK);
    bench.hear(Some(vec![]), OK);
    let (mut taken, rest) = Own::default().hold(&bench.cleaning, (200, None));
    taken.sort();
    assert_eq!(taken, ["./Device/Vendor/MSFT/VPNv2/Home", WORK]);
    assert_eq!(left(&rest), []);
}

#[test]
fn what_is_not_remembered_is_said_to_stay() {
    let paths: Vec<String> = (0..2_100).map(|number| format!("Old{number}/AlwaysOn")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let before = sets("vpn", "system", "clean", &paths);
    let after = sets("vpn", "system", "clean", &["Work/AlwaysOn"]);
    let again = sets("vpn", "system", "clean", &["Work/AlwaysOn", "Work/DeviceTunnel"]);
    let mut bench = Bench::new(std::slice::from_ref(&before));
    bench.hear(Some(vec![]), OK);
    bench.hear(Some(vec![told(&before, 1, "")]), OK);
    for (old, new) in [(&before, &after), (&after, &again)] {
        bench.want(std::slice::from_ref(new));
        bench.begin();
        bench.hear(Some(vec![told(old, 1, "")]), OK);
        bench.hear(Some(vec![told(new, 1, "")]), OK);
        assert_eq!(bench.documents.known[&id(new)].sets_no_more.len(), 2_000);
    }
    assert!(bench.documents.stays.is_empty());
    bench.want(&[]);
    bench.begin();
    bench.hear(Some(vec![told(&again, 60, "")]), OK);
    bench.hear(Some(vec![]), OK);
    assert_eq!(left(&bench.cleaning).len(), 2_001);
    assert_eq!(
        bench.documents.stays["vpn"].why,
        "its earlier versions have set more than is remembered, which is not removed"
    );
}

#[test]
fn a_version_whose_answer_was_lost_forgets_nothing() {
    let before = sets("vpn", "system", "clean", &["Home/AlwaysOn"]);
    let after = sets("vpn", "system", "clean", &["Work/AlwaysOn"]);
    let mut bench = confirmed(&before);
    bench.want(std::slice::from_ref(&after));
    bench.begin();
    // It takes the new version, and nobody hears that it does.
    bench.hear(Some(vec![told(&before, 60, "R1")]), &|_| (215, None));
    bench.hear(Some(vec![told(&after, 1, "")]), OK);
    bench.want(&[]);
    bench.begin();
    bench.hear(Some(vec![told(&after, 60, "")]), OK);
    bench.hear(Some(vec![]), OK);
    let home = "./Device/Vendor/MSFT/VPNv2/Home".to_owned();
    assert_eq!(
        left(&bench.cleaning),
        [("vpn", home, None), ("vpn", WORK.to_owned(), None)]
    );
}

#[test]
fn what_is_the_users_waits_for_the_user() {
    let document = sets("vpn", "user", "clean", &["Work/AlwaysOn"]);
    let known = {
        let mut bench = Bench::new(std::slice::from_ref(&document));
        bench.said.with_user = Some(true);
        bench.hear(Some(vec![]), OK);
        bench.hear(Some(vec![]), OK);
        bench.documents
    };
    let mut cleaning = Cleaning::default();
    cleaning.follow(&known, &Default::default(), 0);
    let node = "./User/Vendor/MSFT/VPNv2/Work".to_owned();
    assert_eq!(left(&cleaning), [("vpn", node.clone(), None)]);
    let (taken, after) = Own::default().hold(&cleaning, (200, None));
    assert_eq!((taken, &after), (vec![], &cleaning));
    let own = Own {
        with_user: true,
        ..Own::default()
    };
    let (taken, after) = own.hold(&cleaning, (200, None));
    assert_eq!((taken, left(&after)), (vec![node], vec![]));
}

#[test]
fn the_device_is_woken_for_what_needs_no_user() {
    let reported = |cleaning: Cleaning| {
        let device = Device::new();
        let report = Report {
            cleaning: Some(cleaning),
            ..Report::default()
        };
        let writes = device.decide(report).writes;
        let row = writes.iter().find_map(|write| match write {
            Write::Enrollment(row) => row.standing.clone(),
            _ => None,
        });
        let wakes = writes.contains(&Write::Wake(device.enrollment.id.clone(), device.now));
        (row.unwrap().cleans, wakes)
    };
    let bench = gone(&vpn("vpn", "a", "clean"));
    assert_eq!(reported(bench.cleaning.clone()), (true, true));
    let (_, after) = Own::default().hold(&bench.cleaning, (405, None));
    assert_eq!(reported(after), (false, false), "nothing more is to be done");
    let own = Own {
        declared: [(WORK.parse().unwrap(), "other".to_owned())].into(),
        ..Own::default()
    };
    let (_, waits) = own.hold(&bench.cleaning, (200, None));
    assert_eq!(reported(waits), (false, false), "it waits for a document");
}

#[test]
fn other_documents_leave_what_they_have_set() {
    for on_removal in ["delete", "abandon"] {
        let document = vpn("vpn", "a", on_removal);
        let mut bench = confirmed(&document);
        bench.want(&[]);
        bench.begin();
        bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
        bench.hear(Some(vec![]), OK);
        assert_eq!(left(&bench.cleaning), [], "{on_removal}");
        assert_eq!(bench.documents.stays.len(), 1, "{on_removal}");
    }
}
