//! What twins make of predicates: good ones, bad ones, and ones that they are deceived over.

use ordain_catalog::Platform;
use ordain_model::report::Validity;
use serde_json::{Value, json};

use crate::fake::{Fake, settle, twin};

const MODEL: &str = "device.model.family";

/// An activation `a` with the predicate, of the configuration `c`.
fn conditional(fake: &mut Fake, predicate: &str, type_name: &str, payload: Value) {
    fake.wanted.clear();
    fake.want(
        "a",
        "activation.simple",
        json!({"StandardConfigurations": ["c"], "Predicate": predicate}),
    );
    fake.want("c", type_name, payload);
    fake.want(
        "p",
        "management.properties",
        json!({"age": 18, "name": "Ann", "roles": ["a"]}),
    );
    fake.want(
        "all",
        "activation.simple",
        json!({"StandardConfigurations": ["s"]}),
    );
    let items = [MODEL, "app.managed.list"].map(|name| json!({"Name": name}));
    fake.want(
        "s",
        "configuration.management.status-subscriptions",
        json!({"StatusItems": items}),
    );
}

fn on_condition(fake: &mut Fake, predicate: &str) {
    conditional(
        fake,
        predicate,
        "configuration.management.test",
        json!({"Echo": "e"}),
    );
}

#[test]
fn each_bad_predicate_has_its_reason_and_keeps_its_configurations_out_of_force() {
    const UNPARSED: &str = "Error.UnableToParsePredicate";
    const UNPARSED_TERM: &str = "Error.UnableToParsePredicateWithCustomOperator";
    const UNEVALUATED: &str = "Error.UnableToEvaluatePredicate";
    const FAILED: &str = "Error.PredicateFailed";
    for (predicate, code) in [
        ("", UNPARSED),
        ("@status(device.model.family) ==", UNPARSED),
        ("@status(passcode.is-present)", UNPARSED),
        ("@property(age) == %d", UNPARSED),
        ("FUNCTION('a', 'b') == 1", UNPARSED),
        ("@invalid == 'AppleTV'", UNPARSED_TERM),
        ("@status == 'AppleTV'", UNPARSED_TERM),
        ("@Status(device.model.family) == 'iPhone'", UNPARSED_TERM),
        ("@device(model) == 'iPhone'", UNPARSED_TERM),
        ("@tag(lab) == TRUE", UNPARSED_TERM),
        ("@status('device.model.family') == 'iPhone'", UNPARSED_TERM),
        ("@status(device..family) == 'iPhone'", UNPARSED_TERM),
        ("@property(age) > 'x'", FAILED),
        ("ANY @property(age) == 18", FAILED),
        ("@property(age) BEGINSWITH 1", FAILED),
        ("@property(age) / 0 == 1", FAILED),
        ("sqrt(@property(age)) == 2", UNEVALUATED),
        ("@property(name) MATCHES '(?<=A)nn'", UNEVALUATED),
    ] {
        let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
        on_condition(&mut fake, predicate);
        settle(&mut twin, &mut fake);
        let (activation, configuration) = (fake.listed("a"), fake.listed("c"));
        let codes: Vec<&str> = activation
            .reasons
            .iter()
            .map(|reason| reason.code.as_str())
            .collect();
        assert_eq!(codes, [code], "{predicate}");
        assert!(
            !activation.active && activation.valid == Validity::Invalid,
            "{predicate}"
        );
        let details = activation.reasons[0].details.as_ref().unwrap();
        assert_eq!(details["Predicate"], predicate);
        assert_eq!(details["ServerToken"], *activation.server_token);
        assert_eq!(details.get("Domain").is_some(), code == FAILED, "{predicate}");
        assert!(!configuration.active && configuration.valid == Validity::Unknown);
        assert_eq!(configuration.reasons[0].code, "Error.ActivationFailed");
    }
}

#[test]
fn what_is_absent_is_nil() {
    for (predicate, is_true) in [
        ("@status(diskmanagement.filevault.enabled) == nil", true),
        ("@status(diskmanagement.filevault.enabled) != TRUE", true),
        ("NOT @property(none) == 'x'", true),
        ("@property(none) > 1", false),
        ("@property(none) BEGINSWITH 'x'", false),
        ("'x' IN @property(none)", false),
        ("@property(none) > 1 OR @property(age) == 18", true),
    ] {
        let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
        on_condition(&mut fake, predicate);
        settle(&mut twin, &mut fake);
        let (activation, configuration) = (fake.listed("a"), fake.listed("c"));
        assert_eq!(
            (activation.active, configuration.active),
            (is_true, is_true),
            "{predicate}"
        );
        assert_eq!(activation.valid, Validity::Valid, "{predicate}");
        let is_said = activation
            .reasons
            .iter()
            .any(|reason| reason.code == "Info.Predicate");
        assert_eq!(is_said, !is_true, "{predicate}");
    }
}

fn app() -> Value {
    json!({"BundleID": "com.example.app", "InstallBehavior": {"License": {"Assignment": "Device"}}})
}

/// The last value of an item that was reported on the device channel.
fn reported(fake: &Fake, item: &str) -> Value {
    let channel = fake.channels.values().next().unwrap();
    let mut values = channel
        .reports
        .iter()
        .rev()
        .filter_map(|report| report.items.get(item));
    values.next().cloned().unwrap()
}

#[test]
fn predicates_see_what_is_reported() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    let is_managed = "SUBQUERY(@status(app.managed.list), $a, $a.@key(state) == 'managed').@count == 1";
    on_condition(&mut fake, is_managed);
    settle(&mut twin, &mut fake);
    assert!(!fake.listed("a").active);
    fake.want(
        "all",
        "activation.simple",
        json!({"StandardConfigurations": ["s", "app"]}),
    );
    fake.want("app", "configuration.app.managed", app());
    settle(&mut twin, &mut fake);
    assert_eq!(
        reported(&fake, "app.managed.list")[0]["identifier"],
        "com.example.app"
    );
    assert!(fake.listed("a").active && fake.listed("c").active);
}

#[test]
fn one_that_switches_itself_on_and_off_comes_to_an_end() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    conditional(
        &mut fake,
        "@status(app.managed.list).@count == 0",
        "configuration.app.managed",
        app(),
    );
    settle(&mut twin, &mut fake);
    assert_eq!(fake.listed("a").valid, Validity::Valid);
}

#[test]
fn one_that_is_deceived_contradicts_what_it_reports() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    on_condition(&mut fake, "@status(device.model.family) == 'iPhone'");
    settle(&mut twin, &mut fake);
    assert!(fake.listed("a").active);
    twin.believe(MODEL, json!("iPad"), 0);
    settle(&mut twin, &mut fake);
    assert_eq!(reported(&fake, MODEL), "iPhone");
    let activation = fake.listed("a");
    assert!(!activation.active && activation.reasons[0].code == "Info.Predicate");

    // Whether it is deceived before or after it enrolled.
    let (mut twin, mut fake) = (crate::fake::twin(Platform::Ios), Fake::new());
    twin.believe(MODEL, json!("iPad"), 0);
    on_condition(&mut fake, "@status(device.model.family) == 'iPhone'");
    settle(&mut twin, &mut fake);
    assert!(!fake.listed("a").active && reported(&fake, MODEL) == "iPhone");
}
