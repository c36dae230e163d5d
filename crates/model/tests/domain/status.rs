//! Status reports: merged, judged, and written when they say anything new.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_catalog::{Kind, OsVersion, Platform};
use ordain_model::decision::Write;
use ordain_model::enrollment::Counts;
use ordain_model::held::Listing;
use ordain_model::ids::EnrollmentId;
use ordain_model::manifest::Manifest;
use ordain_model::report::{Capabilities, DeclarationsReport, Listed, Report, Validity};
use ordain_model::sync::Wanted;
use serde_json::{Value, json};

use crate::fixtures::*;
use crate::reporter::*;

#[test]
fn scalars_and_objects_replace() {
    let mut device = Device::new();
    device.reports(items(json!({"a": 1, "b": {"x": 1, "y": 2}, "c": [1, 2]})));
    device.reports(items(json!({"a": null, "b": {"x": 3}, "c": [3]})));
    assert_eq!(device.item("b"), json!({"x": 3}));
    assert_eq!(
        device.item("c"),
        json!([3]),
        "elements without identifier are no set"
    );
    assert_eq!(device.record.items["a"], Value::Null);
}

#[test]
fn arrays_merge_by_identifier() {
    let mut device = Device::new();
    let list = |elements: Value| items(json!({"app.managed.list": elements}));
    device.reports(list(
        json!([{"identifier": "a", "state": "queued", "name": "A"}, {"identifier": "b"}]),
    ));
    // Known ones are replaced whole, new ones added; both words for removal are understood.
    device.reports(list(
        json!([{"identifier": "a", "state": "managed"}, {"identifier": "c"}, {"identifier": "d"}]),
    ));
    assert_eq!(
        device.item("app.managed.list"),
        json!([{"identifier": "a", "state": "managed"}, {"identifier": "b"}, {"identifier": "c"}, {"identifier": "d"}])
    );
    device.reports(list(json!([
        {"identifier": "a", "_removed": true},
        {"identifier": "c", "removed": true},
        {"identifier": "b", "_removed": false},
        {"identifier": "never there", "_removed": true}
    ])));
    assert_eq!(
        device.item("app.managed.list"),
        json!([{"identifier": "b", "_removed": false}, {"identifier": "d"}])
    );
    assert!(!device.reports(list(json!([]))), "no element, no change");
    assert!(!device.reports(list(json!([{"identifier": "d"}]))));
    device.reports(list(json!(["no", "identifiers"])));
    assert_eq!(device.item("app.managed.list"), json!(["no", "identifiers"]));
    device.reports(list(
        json!([{"identifier": "x"}, {"identifier": "x", "last": true}]),
    ));
    assert_eq!(
        device.item("app.managed.list"),
        json!([{"identifier": "x", "last": true}])
    );
}

#[test]
fn a_full_report_replaces_everything() {
    let mut device = Device::new();
    device.reports(good(&device.wanted.manifest.clone()));
    let mut report = items(json!({"a": 1, "list": [{"identifier": "a"}, {"identifier": "b"}]}));
    report.errors.insert("e".into(), vec![reason("Error.X")]);
    device.reports(report);
    assert!(device.is_converged());
    let full = Report {
        full: true,
        ..items(json!({"list": [{"identifier": "b"}]}))
    };
    device.reports(full);
    assert_eq!(
        device.record.items,
        BTreeMap::from([("list".to_owned(), json!([{"identifier": "b"}]))])
    );
    assert!(device.record.errors.is_empty());
    assert!(!device.is_converged(), "it lists nothing any more");
    assert_eq!(
        device.record.held.unpack(Some(&device.wanted.manifest)),
        Listing::new()
    );
}

#[test]
fn what_it_can_no_longer_tell_is_no_longer_known() {
    let mut device = Device::new();
    device.reports(items(json!({"a": 1})));
    let failed = Report {
        errors: [("a".to_owned(), vec![reason("Error.Y")])].into(),
        ..Report::default()
    };
    assert!(device.reports(failed.clone()));
    assert!(!device.reports(failed));
    assert_eq!(
        (device.record.items.get("a"), device.record.errors.len()),
        (None, 1)
    );
    device.reports(items(json!({"a": 2})));
    assert!(device.record.errors.is_empty());
}

#[test]
fn a_report_that_says_nothing_new_writes_nothing() {
    let mut device = Device::new();
    device.should_hold(1, &["z", "y", "B", "a"]);
    device.pins();
    let manifest = device.wanted.manifest.clone();
    let mut report = lists(&manifest, |kind| match kind {
        Kind::Configuration => (true, Validity::Invalid, &["Error.ConfigurationCannotBeApplied"]),
        _ => (false, Validity::Invalid, &["Error.Unknown"]),
    });
    report.items =
        items(json!({"device.operating-system.version": "26.1", "list": [{"identifier": "a"}]})).items;
    report.capabilities = Some(Capabilities {
        declarations: Some(names(&[PASSCODE])),
        status_items: None,
    });
    report.problems = vec!["a problem".into()];
    report.errors.insert("x".into(), vec![reason("Error.X")]);
    assert!(device.reports(report.clone()));
    let standing = device.enrollment.standing.clone();
    assert!(!device.reports(report.clone()));
    // Nor does the whole of it, nor in another order.
    for list in report.declarations.as_mut().unwrap().listed.values_mut() {
        list.reverse();
    }
    assert!(!device.reports(Report { full: true, ..report }));
    assert_eq!(
        device.enrollment.standing, standing,
        "and since when it is so stays"
    );
    assert_eq!(device.record.exceptions.len(), 5);
    assert!(
        device
            .record
            .exceptions
            .is_sorted_by_key(|exception| &exception.identifier),
        "as the store reads them"
    );
}

#[test]
fn missing_arrays_are_not_empty_ones() {
    let mut device = Device::new();
    let manifest = device.wanted.manifest.clone();
    device.reports(good(&manifest));
    assert!(device.is_converged());
    let mut partial = good(&manifest);
    partial
        .declarations
        .as_mut()
        .unwrap()
        .listed
        .retain(|&kind, _| kind == Kind::Activation);
    assert!(!device.reports(partial), "nothing was said of configurations");
    assert!(!device.reports(Report {
        declarations: Some(DeclarationsReport::default()),
        ..Report::default()
    }));
    let mut empty = good(&manifest);
    empty
        .declarations
        .as_mut()
        .unwrap()
        .listed
        .insert(Kind::Configuration, vec![]);
    assert!(device.reports(empty));
    assert!(!device.is_converged());
    assert_eq!(
        device.counts(),
        Counts {
            confirmed: 1,
            pending: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn a_report_about_an_old_token_never_counts_for_the_new_one() {
    let mut device = Device::new();
    let old = device.wanted.manifest.clone();
    device.reports(good(&old));
    assert!(device.is_converged());
    device.should_hold(2, &["a", "b"]);
    let new = device.wanted.manifest.clone();
    assert!(!device.is_converged(), "the wish moved");
    device.reports(Report {
        full: true,
        ..good(&old)
    });
    assert!(!device.is_converged() && !device.enrollment.holds(new.token()));
    device.pins();
    device.reports(Report {
        full: true,
        ..good(&old)
    });
    assert!(!device.is_converged());
    // The activation under its old token does not count; the configuration that did not change does.
    assert_eq!(
        device.counts(),
        Counts {
            confirmed: 1,
            pending: 2,
            ..Counts::default()
        }
    );
    // While it changes it may list both; the present one counts.
    let mut both = good(&new);
    for (kind, list) in good(&old).declarations.unwrap().listed {
        let said = both.declarations.as_mut().unwrap().listed.get_mut(&kind).unwrap();
        for listed in list
            .into_iter()
            .filter(|listed| !said.contains(listed))
            .collect::<Vec<_>>()
        {
            said.insert(
                0,
                Listed {
                    valid: Validity::Invalid,
                    ..listed
                },
            );
        }
    }
    device.reports(both);
    assert!(device.is_converged());
}

/// It holds what was wanted before while it is pinned to less, and something of it fails. When the wish returns to
/// that, the verdicts over less do not make it converged.
#[test]
fn verdicts_over_another_manifest_converge_nothing() {
    let mut device = Device::new();
    let smaller = device.wanted.clone();
    let (b, act_b) = (declaration(PASSCODE, "b", &[]), activation("act-b", &["b"]));
    let entries = smaller.manifest.entries().iter().cloned();
    let entries = entries.chain([(&b).into(), (&act_b).into()]).collect();
    let larger = Wanted {
        revision: 2,
        manifest: Arc::new(Manifest::new(entries, vec![])),
        made: [].into(),
    };
    let mut report = good(&larger.manifest);
    let said = &mut report.declarations.as_mut().unwrap().listed;
    said.get_mut(&Kind::Configuration).unwrap()[1].valid = Validity::Invalid;
    device.reports(report);
    assert_eq!(
        device.counts(),
        Counts {
            confirmed: 2,
            ..Counts::default()
        }
    );
    assert!(!device.is_converged(), "it holds more than it should");
    device.wanted = larger;
    assert!(device.enrollment.holds(device.wanted.manifest.token()));
    assert!(!device.is_converged());
    // Judged by what it holds, it is told apart.
    device.reports(items(json!({"a": 1})));
    assert!(!device.is_converged());
    assert_eq!(device.counts().failed, 1);
}

#[test]
fn one_revision_listed_twice_is_as_it_was_said_first() {
    let mut device = Device::new();
    let mut report = good(&device.wanted.manifest.clone());
    let list = report
        .declarations
        .as_mut()
        .unwrap()
        .listed
        .get_mut(&Kind::Configuration)
        .unwrap();
    let refused = Listed {
        valid: Validity::Invalid,
        reasons: vec![reason("Error.X")],
        ..list[0].clone()
    };
    list.insert(0, refused);
    device.reports(report);
    assert_eq!(device.counts().failed, 1);
    assert!(device.reports(items(json!({"a": 1}))));
    assert_eq!(device.counts().failed, 1, "another report does not change it");
}

#[test]
fn a_failure_is_kept_with_its_reason_and_since_when() {
    let mut device = Device::new();
    let manifest = device.wanted.manifest.clone();
    let failing = |codes: &'static [&'static str]| {
        lists(&manifest, move |kind| match kind {
            Kind::Configuration => (true, Validity::Invalid, codes),
            _ => (true, Validity::Valid, &[]),
        })
    };
    device.reports(failing(&["Error.X"]));
    let first = device.now;
    assert_eq!(device.record.exceptions[0].since, first);
    device.reports(failing(&["Error.Y"]));
    assert_eq!(
        (
            device.record.exceptions[0].since,
            device.record.exceptions[0].reasons[0].code.as_str()
        ),
        (first, "Error.Y")
    );
    device.reports(good(&manifest));
    assert!(device.record.exceptions.is_empty() && device.is_converged());
    device.reports(failing(&["Error.X"]));
    assert_eq!(
        device.record.exceptions[0].since, device.now,
        "a new failure is new"
    );
}

#[test]
fn capabilities_are_kept_once() {
    let mut device = Device::new();
    let report = |types: &[&str]| Report {
        capabilities: Some(Capabilities {
            declarations: Some(names(types)),
            status_items: None,
        }),
        ..Report::default()
    };
    device.reports(report(&[PASSCODE]));
    let first = device.enrollment.capabilities;
    assert!(first.is_some());
    assert!(!device.reports(report(&[PASSCODE])));
    assert!(device.reports(report(&[PASSCODE, MATH])));
    assert_ne!(device.enrollment.capabilities, first);
    device.reports(items(json!({"a": 1})));
    assert_ne!(device.enrollment.capabilities, None);
}

#[test]
fn the_system_is_learned_from_reports_and_the_device_is_not() {
    let system = json!({
        "device.operating-system.version": "26.3.1",
        "device.operating-system.build-version": "25D1",
        "device.operating-system.family": "macOS",
        "device.identifier.serial-number": "ANOTHER",
        "device.identifier.udid": "ANOTHER",
    });
    let mut device = Device::new();
    device.enrollment.facts.platform = None;
    device.reports(items(system.clone()));
    let facts = &device.enrollment.facts;
    assert_eq!(facts.os_version, Some("26.3.1".parse::<OsVersion>().unwrap()));
    assert_eq!(
        (facts.build.as_deref(), facts.platform),
        (Some("25D1"), Some(Platform::MacOs))
    );
    assert_eq!(
        (facts.serial.as_deref(), facts.udid.as_deref()),
        (Some("S1"), Some("D1"))
    );
    device.reports(items(
        json!({"device.operating-system.version": 26, "device.operating-system.family": "Plan 9"}),
    ));
    assert_eq!(
        device.enrollment.facts.platform,
        Some(Platform::MacOs),
        "nonsense tells nothing"
    );
    assert_eq!(
        device.enrollment.facts.os_version,
        Some("26.3.1".parse().unwrap())
    );

    let mut user = Device::new();
    user.enrollment.id = EnrollmentId::user("D1", "ann").unwrap();
    user.enrollment.facts = Default::default();
    user.reports(items(system));
    assert_eq!(
        user.enrollment.facts,
        Default::default(),
        "on a user's channel the device's count"
    );
}

#[test]
fn what_is_kept_is_bounded() {
    let mut device = Device::new();
    let many = (0..1_500)
        .map(|number| (format!("i{number:04}"), json!(number)))
        .collect();
    device.reports(Report {
        items: many,
        ..Report::default()
    });
    assert_eq!(device.record.items.len(), 1_000);
    assert_eq!(device.record.problems.len(), 500);
    let elements: Vec<Value> = (0..50_001)
        .map(|number| json!({"identifier": number.to_string()}))
        .collect();
    device.reports(items(json!({"i0000": elements})));
    assert!(!device.record.items.contains_key("i0000"));
    assert!(device.record.problems[0].starts_with("i0000"));
}

#[test]
fn a_lost_manifest_loses_no_more_than_what_was_packed_by_it() {
    let mut device = Device::new();
    device.reports(good(&device.wanted.manifest.clone()));
    device.reports(items(json!({"a": 1})));
    device.manifests.clear();
    device.enrollment.pinned = None;
    device.should_hold(3, &["c"]);
    assert!(device.reports(items(json!({"b": 1}))));
    assert_eq!((device.item("a"), device.item("b")), (json!(1), json!(1)));
    assert!(!device.is_converged());
}

#[test]
fn what_is_known_is_written_when_it_changes_and_only_then() {
    let mut device = Device::new();
    let is_written = |device: &Device, report: Report<'_>| {
        let decision = device.decide(report);
        decision
            .writes
            .iter()
            .any(|write| matches!(write, Write::Known(..)))
    };
    let says = |family: &str| items(json!({"device.model.family": family, "list": [{"identifier": "a"}]}));
    assert!(is_written(&device, says("Mac")));
    device.reports(says("Mac"));
    let known = device.enrollment.known;
    for other in [
        lists(&device.wanted.manifest.clone(), |_| (true, Validity::Valid, &[])),
        items(json!({"list": [{"identifier": "b"}]})),
        items(json!({"device.model.family": "Mac"})),
    ] {
        assert!(!is_written(&device, other.clone()), "{other:?}");
        device.reports(other);
    }
    assert_eq!(device.enrollment.known, known);
    assert!(is_written(&device, says("iPad")));
}

#[test]
fn nothing_is_extracted_on_a_users_channel() {
    let mut device = Device::new();
    device.enrollment.id = "D1:ann".parse().unwrap();
    let decision = device.decide(items(json!({"device.model.family": "Mac"})));
    assert_eq!(after(&device.enrollment, &decision.writes).known, None);
}
