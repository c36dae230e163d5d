//! When a report is the same again.

use ordain_model::report::Report;
use serde_json::json;

use crate::fixtures::*;
use crate::reporter::{good, items};

#[test]
fn reports_are_the_same_by_their_content() {
    let report = |app: [&str; 2]| {
        let app = app.map(|name| json!({"identifier": name, "state": "installed"}));
        Report {
            declarations: good(&manifest(&[
                &declaration(PASSCODE, "a", &[]),
                &declaration(PASSCODE, "b", &[]),
            ]))
            .declarations,
            ..items(json!({"mdm.app": app, "device.model.family": "Mac", "list": ["x", "y"]}))
        }
    };
    let said = report(["one", "two"]);
    let mut other = report(["two", "one"]);
    for list in other.declarations.as_mut().unwrap().listed.values_mut() {
        list.reverse();
    }
    assert_eq!(said.digest(), other.digest());

    // The order of what has no names may mean something.
    other.items.insert("list".into(), json!(["y", "x"]));
    assert_ne!(said.digest(), other.digest());
    let mut full = said.clone();
    full.full = !full.full;
    let mut silent = said.clone();
    silent.declarations = None;
    let mut elsewhere = said.clone();
    elsewhere.items.insert("mdm.app".into(), json!([]));
    for changed in [full, silent, elsewhere] {
        assert_ne!(said.digest(), changed.digest(), "{changed:?}");
    }
}

/// Of one revision that is listed twice the first counts, so which one that is makes another report.
#[test]
fn what_contradicts_itself_is_told_apart_by_its_order() {
    let of = |reversed: bool| {
        let mut report = good(&manifest(&[&declaration(PASSCODE, "a", &[])]));
        for list in report.declarations.as_mut().unwrap().listed.values_mut() {
            let mut contrary = list.clone();
            contrary
                .iter_mut()
                .for_each(|listed| listed.active = !listed.active);
            list.append(&mut contrary);
            if reversed {
                list.reverse();
            }
        }
        report.digest()
    };
    assert_ne!(of(false), of(true));
}
