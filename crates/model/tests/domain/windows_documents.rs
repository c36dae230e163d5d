//! Documents of declared configuration: what is sent, and what is made of what devices say.

mod bench;
mod cleaning;
mod drift;
mod random;
mod templates;

use ordain_catalog::Kind;
use ordain_catalog::windows::Verb;
use ordain_model::convergence::Verdict as Judged;
use ordain_model::declaration::Declaration;
use ordain_model::record::StatusRecord;
use ordain_model::windows::document::INVENTORY;
use ordain_model::windows::documents::{DriftKind, Told};
use ordain_model::windows::session::Operation;
use serde_json::{Value, json};

use self::bench::*;

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
fn the_whole_counts_and_what_is_not_named_is_shown() {
    let document = declaration(
        "vpn",
        json!({"scenario": "MSFTVPN", "scope": "system", "request": "Complete",
            "csp": [{"name": "./Vendor/MSFT/VPNv2", "settings": [
                {"path": "Work/Servers", "format": "chr", "value": "a"},
                {"path": "Home%20Lab/Servers", "format": "chr", "value": "b"}]}]}),
    );
    let part = |path: &str, status: &str, state: u32| json!({"path": path, "status": status, "state": state});
    let servers = part("./Vendor/MSFT/VPNv2/Work/Servers", "200", 60);
    let home = part("./Vendor/MSFT/VPNv2/Home%20Lab/Servers", "200", 60);
    let read = |parts: Value, state: Option<u32>| {
        let mut bench = Bench::new(std::slice::from_ref(&document));
        bench.hear(Some(vec![]), OK);
        let list = || Some(vec![told(&document, 60, "R1")]);
        let text = result(&document, 60, "R1", &parts);
        let text = match state {
            Some(state) => text.replace("\"R1\",\"state\":60", &format!("\"R1\",\"state\":{state}")),
            None => text.replace("\"R1\",\"state\":60,", "\"R1\","),
        };
        bench.hear(list(), &|_| (200, Some(text.clone())));
        bench.hear(list(), OK);
        let read = bench.documents.of("vpn").unwrap().result.clone().unwrap();
        assert_eq!(read.state.map(|state| state.0), state);
        let judged = match &bench.judged()[0] {
            Judged::Confirmed => "confirmed",
            Judged::Failed(_) => "failed",
            _ => "pending",
        };
        (judged, read.unnamed.len())
    };
    let good = Some(60);
    assert_eq!(read(json!([servers, home]), good), ("confirmed", 0));
    assert_eq!(read(json!([servers]), good), ("confirmed", 1));
    assert_eq!(read(json!([]), good), ("confirmed", 2));
    for bad in [
        part("./Vendor/MSFT/VPNv2/Work/Servers", "404", 60),
        part("./Vendor/MSFT/VPNv2/Work/Servers", "200", 61),
    ] {
        assert_eq!(read(json!([bad, home]), good), ("failed", 0));
    }
    // Its own state is missing, or is another one.
    assert_eq!(read(json!([servers, home]), None), ("pending", 0));
    assert_eq!(read(json!([]), None), ("pending", 2));
    assert_eq!(read(json!([servers, home]), Some(61)), ("failed", 0));
    assert_eq!(read(json!([servers, home]), Some(3)), ("pending", 0));
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
    // The end of its enrollment will take back what it set.
    bench.is_ending = true;
    bench.begin();
    assert_eq!(bench.hear(Some(vec![told(&document, 60, "R1")]), OK), []);
    bench.is_ending = false;
    bench.begin();
    assert_eq!(
        verbs(&bench.hear(Some(vec![told(&document, 60, "R1")]), OK)),
        [(Verb::Delete, "document")]
    );
    bench.hear(Some(vec![told(&document, 10, "R1")]), OK);
    bench.begin();
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    assert!(bench.documents.known.is_empty() && bench.report.problems[0].contains("leaving what it set"));
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
    let mut reported = StatusRecord {
        items: before.inventory(),
        problems: vec!["a setting stays".to_owned()],
        ..StatusRecord::default()
    };
    assert_eq!(before.told(&reported), None);
    reported
        .items
        .insert("windows.device.name".to_owned(), json!("PC"));
    let told = bench.documents.told(&reported).unwrap();
    let names: Vec<_> = told.errors.keys().collect();
    assert_eq!(
        (told.items.len(), names),
        (0, before.inventory().keys().collect())
    );
    assert_eq!(told.problems, reported.problems, "they are not of inventories");
    assert_eq!(bench.documents.told(&StatusRecord::default()), None);
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

#[test]
fn a_version_whose_answer_was_lost_counts_all_the_same() {
    let (first, next) = (vpn("vpn", "a", "delete"), vpn("vpn", "b", "delete"));
    let mut bench = confirmed(&first);
    bench.want(std::slice::from_ref(&next));
    bench.begin();
    bench.hear(Some(vec![told(&first, 60, "R1")]), OK);
    // The session broke off there.
    bench.begin();
    let text = result(&next, 60, "R2", &good());
    let list = || Some(vec![told(&next, 60, "R2")]);
    bench.hear(list(), &|_| (200, Some(text.clone())));
    assert_eq!(bench.hear(list(), OK), []);
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    assert_eq!(
        (bench.drift(), bench.documents.of("vpn").unwrap().history.len()),
        (vec![], 2)
    );
}
