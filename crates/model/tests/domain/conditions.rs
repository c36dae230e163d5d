//! Groups by predicate: when memberships are decided, and by what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use ordain_catalog::{Catalog, OsVersion};
use ordain_model::checkin::{AuthenticateState, EnrollmentPolicy, approve, authenticate};
use ordain_model::decision::{Decision, Write};
use ordain_model::enrollment::{Enrollment, Memberships};
use ordain_model::membership::{Basis, decide, redecided};
use ordain_model::report::{Reason, Report};
use ordain_model::status::{StatusState, heard, status};
use ordain_model::subject::Subject;
use ordain_model::sync::Behind;
use ordain_model::tag::{NotTagged, tag};
use ordain_model::wish::{Blueprint, Group, Revision};
use ordain_model::world::World;
use ordain_predicate::{Dialect, Truth, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::checkin::presented;
use crate::fixtures::*;

type Items = BTreeMap<String, Value>;

/// The world of a revision with these groups by predicate, each of which a blueprint names.
fn world(number: u64, conditions: &[(&str, &str)]) -> World {
    let mut wish = wish(&[declaration(PASSCODE, "a", &[])], &["a"]);
    for (name, condition) in conditions {
        let group = Group {
            condition: Some((*condition).to_owned()),
            ..Group::default()
        };
        let blueprint = Blueprint {
            include: names(&[name]),
            declarations: names(&["a"]),
            ..Blueprint::default()
        };
        wish.groups.insert((*name).to_owned(), group);
        wish.blueprints.insert((*name).to_owned(), blueprint);
    }
    let revision = Revision {
        number,
        wish,
        ..Revision::nothing(digest("catalog"))
    };
    World::new(revision, Catalog::builtin().clone())
}

const PASSCODE_IS_THERE: (&str, &str) = ("protected", "@status(passcode.is-present) == TRUE");
const IS_NEW: (&str, &str) = ("new", "@device(os.version) >= '26.1'");
const IS_TAGGED: (&str, &str) = ("tagged", "@tag(lab) == TRUE AND @device(serial) == 'S1'");

fn items(items: &[(&str, Value)]) -> Items {
    let owned = items
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    owned.collect()
}

/// What a device that should hold nothing reports, over what it has reported.
fn reported(
    world: &World,
    device: &Enrollment,
    record: &mut ordain_model::record::StatusRecord,
    report: Report<'_>,
) -> Result<Decision<()>, Behind> {
    let wanted = wanted(1, "x");
    let state = StatusState {
        enrollment: device,
        record: Arc::new(record.clone()),
        against: None,
        pinned: None,
        heard: heard(device, &wanted, report.digest()),
        wanted,
        world,
    };
    let decision = status(state, report, NOW)?;
    for write in &decision.writes {
        if let Write::Status(_, after) = write {
            *record = (**after).clone();
        }
    }
    Ok(decision)
}

fn with<'a>(device: &'a Enrollment, items: &'a Items) -> Basis<'a> {
    Basis { device, items }
}

fn says(name: &str, value: Value) -> Report<'static> {
    Report {
        items: items(&[(name, value)]),
        ..Report::default()
    }
}

fn is_woken(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write, Write::Wake(..)))
}

#[test]
fn a_report_decides_only_what_it_touches_and_what_is_unknown_stays() {
    let world = world(1, &[PASSCODE_IS_THERE, IS_NEW, IS_TAGGED]);
    let mut record = Default::default();
    let mut device = enrolled();
    let evaluations = || world.conditions().evaluations();
    let mut step = |report: Report<'_>, members: &[&str], evaluated: u64, is_moved: bool| {
        let before = evaluations();
        let decision = reported(&world, &device, &mut record, report.clone()).unwrap();
        device = after(&device, &decision.writes);
        assert_eq!(device.groups.member, names(members), "{report:?}");
        assert_eq!(evaluations() - before, evaluated, "{report:?}");
        assert_eq!(is_woken(&decision.writes), is_moved, "{report:?}");
        assert_eq!(world.groups(&device), &names(members) | &names(&["all"]));
    };
    // The first one: it was due.
    step(says("passcode.is-compliant", json!(true)), &[], 3, false);
    step(says("passcode.is-compliant", json!(false)), &[], 0, false);
    step(says("passcode.is-present", json!(true)), &["protected"], 3, true);
    step(says("passcode.is-present", json!(true)), &["protected"], 0, false);
    step(
        says("device.model.family", json!("Mac")),
        &["protected"],
        0,
        false,
    );
    let version = says("device.operating-system.version", json!("26.2"));
    step(version.clone(), &["new", "protected"], 3, true);
    step(version, &["new", "protected"], 0, false);
    // It can tell no longer, and then it says no.
    let reason = Reason {
        code: "Error.NotAvailable".into(),
        description: None,
        details: None,
    };
    let error = Report {
        errors: [("passcode.is-present".to_owned(), vec![reason])].into(),
        ..Report::default()
    };
    step(error, &["new", "protected"], 3, false);
    step(says("passcode.is-present", json!(false)), &["new"], 3, true);
}

#[test]
fn other_conditions_make_it_due_and_names_of_other_groups_count_for_nothing() {
    let first = world(1, &[PASSCODE_IS_THERE]);
    let known = items(&[("passcode.is-present", json!(true))]);
    let mut device = enrolled();
    let writes = redecided(&first, with(&device, &known), NOW).unwrap();
    assert!(is_woken(&writes));
    device = after(&device, &writes);
    assert_eq!(device.groups.by, first.conditions().digest());
    assert!(first.is_member(&device, "protected"));

    let none = world(2, &[]);
    assert_eq!(none.conditions().digest(), None);
    assert_eq!(none.groups(&device), names(&["all"]));
    assert!(!none.is_member(&device, "protected"));
    let second = world(
        3,
        &[("protected", "@status(passcode.is-compliant) == TRUE"), IS_NEW],
    );
    assert_ne!(second.conditions().digest(), first.conditions().digest());
    assert!(
        second.is_member(&device, "protected"),
        "as it was, until it is decided"
    );
    let decided = decide(&second, with(&device, &known)).unwrap();
    assert_eq!((decided.revision, decided.member), (3, names(&["protected"])));

    // A node that does not know the third revision yet.
    device.groups.by = second.conditions().digest();
    device.groups.revision = 3;
    assert_eq!(decide(&first, with(&device, &known)), Err(Behind));
    let report = says("passcode.is-present", json!(false));
    assert_eq!(
        reported(&first, &device, &mut Default::default(), report),
        Err(Behind)
    );
    let again = world(4, &[PASSCODE_IS_THERE]);
    assert_eq!(decide(&again, with(&device, &known)).unwrap().revision, 4);
}

#[test]
fn a_generation_begins_with_what_authenticate_says() {
    let world = world(
        1,
        &[
            PASSCODE_IS_THERE,
            IS_NEW,
            IS_TAGGED,
            ("old", "NOT @device(os.version) >= '26.1'"),
        ],
    );
    let mut before = enrolled();
    before.groups.member = names(&["protected", "new"]);
    before.tags = names(&["lab"]);
    let state = AuthenticateState {
        device: Some(before),
        ..Default::default()
    };
    let policy = EnrollmentPolicy {
        open: true,
        allow_reenrollment: false,
    };
    let id = &enrolled().id;
    let decision = authenticate(&world, &state, id, mac_facts(), &presented("c"), policy, NOW).unwrap();
    let waiting = after(&enrolled(), &decision.writes);
    assert_eq!(waiting.memberships, Memberships::Waiting);
    assert_eq!(
        waiting.groups.member,
        names(&["old"]),
        "its tag and its serial number wait"
    );
    assert_eq!(waiting.groups.by, world.conditions().digest());

    let approved = approve(&world, silent(&waiting), NOW).unwrap().unwrap();
    let approved = after(&waiting, &approved.writes);
    assert_eq!(approved.groups.member, names(&["old", "tagged"]));
}

#[test]
fn a_tag_decides_at_once() {
    let world = world(1, &[IS_TAGGED]);
    let device = enrolled();
    let tagged = tag(&world, silent(&device), &names(&["lab", "x"]), &names(&[]), NOW).unwrap();
    assert_eq!(tagged.reply, names(&["lab", "x"]));
    assert!(is_woken(&tagged.writes));
    let device = after(&device, &tagged.writes);
    assert_eq!(device.groups.member, names(&["tagged"]));
    let same = tag(&world, silent(&device), &names(&["lab"]), &names(&["y"]), NOW).unwrap();
    assert_eq!(same, Decision::reply(names(&["lab", "x"])));
    let other = tag(&world, silent(&device), &names(&[]), &names(&["x"]), NOW).unwrap();
    assert!(!is_woken(&other.writes));
    let none = tag(&world, silent(&device), &names(&[]), &names(&["lab"]), NOW).unwrap();
    assert!(is_woken(&none.writes));
    assert_eq!(after(&device, &none.writes).groups.member, names(&[]));
    let bad = tag(&world, silent(&device), &names(&["a b"]), &names(&[]), NOW);
    assert_eq!(bad, Err(NotTagged::Name));
}

#[test]
fn what_is_missing_is_told() {
    let world = world(1, &[PASSCODE_IS_THERE, IS_NEW]);
    let missing = |group: &str| world.conditions().missing(group, &enrolled(), &Items::new());
    assert_eq!(
        missing("protected"),
        Some(names(&["@status(passcode.is-present)"]))
    );
    assert_eq!(missing("new"), None);
    assert_eq!(missing("all"), None);
    assert_eq!(world.conditions().evaluations(), 0, "nothing was decided");
}

const TEXTS: [&str; 8] = [
    "@status(a) == 1",
    "@status(a) > 1 AND @status(b) == TRUE",
    "@status(a) > 1 OR @status(b) == TRUE",
    "NOT (@status(c) == 'x' OR @tag(t) == TRUE)",
    "@device(os.version) >= '26.1' AND @status(c) != 'x'",
    "ANY @status(d) == 'x' OR @device(serial) == 'S1'",
    "@tag(t) == TRUE OR @tag(u) == TRUE",
    "@device(supervised) == TRUE",
];

fn values() -> impl Strategy<Value = Items> {
    let value = |name: &'static str, values: Vec<Value>| {
        prop::option::of(prop::sample::select(values)).prop_map(move |value| Some((name.to_owned(), value?)))
    };
    (
        value("a", vec![json!(1), json!(2), json!("1"), Value::Null]),
        value("b", vec![json!(true), json!(false)]),
        value("c", vec![json!("x"), json!("y")]),
        value("d", vec![json!(["x"]), json!([]), json!(3)]),
    )
        .prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().flatten().collect())
}

prop_compose! {
    fn device()(
        version in prop::option::of(0..3u64),
        serial in prop::option::of(prop::sample::select(vec!["S1", "S2"])),
        is_granted: bool,
        tags in prop::sample::subsequence(vec!["t", "u"], 0..=2),
        member in prop::sample::subsequence((0..TEXTS.len()).collect::<Vec<_>>(), 0..=TEXTS.len()),
    ) -> Enrollment {
        let mut device = enrolled();
        device.facts.os_version = version.map(|minor| OsVersion::new(26, minor as _));
        device.facts.serial = serial.map(str::to_owned);
        device.memberships = if is_granted { Memberships::Granted } else { Memberships::Waiting };
        device.tags = names(&tags);
        device.groups.member = member.into_iter().map(|place| format!("g{place}")).collect();
        device
    }
}

/// A group of each text.
fn all_texts() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let names: Vec<String> = (0..TEXTS.len()).map(|place| format!("g{place}")).collect();
        let conditions: Vec<_> = names.iter().map(String::as_str).zip(TEXTS).collect();
        world(1, &conditions)
    });
    &WORLD
}

proptest! {
    #[test]
    fn memberships_are_what_the_predicates_say_and_unknown_keeps(device in device(), items in values()) {
        let known = Basis { device: &device, items: &items };
        let decided = decide(all_texts(), known).unwrap();
        let mut expected = BTreeSet::new();
        for (place, text) in TEXTS.iter().enumerate() {
            let name = format!("g{place}");
            let truth = parse(text, Dialect::Server).unwrap().evaluate_with_unknown(&Subject::new(&device, &items));
            let is_missing = all_texts().conditions().missing(&name, &device, &items).is_some();
            prop_assert_eq!(is_missing, truth == Truth::Unknown);
            if truth == Truth::True || truth == Truth::Unknown && device.groups.member.contains(&name) {
                expected.insert(name);
            }
        }
        prop_assert_eq!(&decided.member, &expected);
        prop_assert_eq!(decided.by, all_texts().conditions().digest());
        // Once more changes nothing.
        let device = Enrollment { groups: decided.clone(), ..device };
        prop_assert_eq!(decide(all_texts(), Basis { device: &device, items: &items }).unwrap(), decided);
    }

    #[test]
    fn more_facts_change_nothing_that_was_known(device in device(), few in values(), more in values()) {
        let all: Items = more.into_iter().chain(few.clone()).collect();
        let early = decide(all_texts(), Basis { device: &device, items: &few }).unwrap();
        let late = decide(all_texts(), Basis { device: &device, items: &all }).unwrap();
        for (place, text) in TEXTS.iter().enumerate() {
            let name = format!("g{place}");
            if all_texts().conditions().missing(&name, &device, &few).is_none() {
                prop_assert_eq!(early.member.contains(&name), late.member.contains(&name), "{}", text);
            }
        }
    }
}
