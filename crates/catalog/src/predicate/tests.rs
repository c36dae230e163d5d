use serde_json::json;

use super::*;

fn kinds(texts: &[&str]) -> Vec<DeviceKind> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn schema(named: &[&str], present: &[&str], possible: &[&str]) -> PredicateSchema<'static> {
    let mut schema = PredicateSchema::new(Catalog::builtin());
    schema.aim(Recipients {
        named: kinds(named),
        present: kinds(present),
        possible: kinds(possible),
    });
    schema
}

/// Which targets lack the item.
fn without(schema: &PredicateSchema<'_>, name: &str) -> Vec<String> {
    let lacking = schema
        .targets()
        .iter()
        .filter(|target| schema.lack(target, name).is_some());
    lacking.map(|target| target.platform.clone()).collect()
}

#[test]
fn types_are_those_of_the_schema_and_versions_are_told_by_their_names() {
    let schema = schema(&[], &[], &[]);
    let status = |name: &str| schema.status(name);
    for name in [
        "device.operating-system.version",
        "device.operating-system.build-version",
        "device.operating-system.supplemental.build-version",
        "device.operating-system.supplemental.extra-version",
    ] {
        assert_eq!(status(name), Some(Type::Version), "{name}");
    }
    assert_eq!(status("device.model.family"), Some(Type::Text));
    assert_eq!(status("passcode.is-present"), Some(Type::Boolean));
    assert_eq!(status("test.real-value"), Some(Type::Number));
    assert_eq!(status("mdm.push-token"), Some(Type::Any));
    assert_eq!(status("device.modl.family"), None);
    let Some(Type::List(app)) = status("app.managed.list") else {
        panic!("a list");
    };
    let Type::Dictionary(keys) = *app else {
        panic!("of dictionaries");
    };
    let key = |name: &str| keys.iter().find(|(key, _)| key == name).map(|(_, found)| found);
    assert_eq!(key("version"), Some(&Type::Version));
    assert_eq!(key("short-version"), Some(&Type::Version));
    assert_eq!(key("external-version-id"), Some(&Type::Number));
    assert_eq!(key("identifier"), Some(&Type::Text));
}

#[test]
fn properties_have_the_types_of_their_values() {
    let values = json!({"age": 18, "roles": ["a", "b"], "mixed": [1, "a"], "none": [], "at": {"room": 1}});
    let again = json!({"age": "old", "roles": ["c"]});
    let members = [&values, &again].into_iter().flat_map(|value| {
        let members = value.as_object().unwrap().iter();
        members.map(|(key, value)| (key.as_str(), value))
    });
    let schema = PredicateSchema::new(Catalog::builtin()).with_properties(members, true);
    let list = |element: Type| Type::List(Box::new(element));
    assert_eq!(schema.property("age"), Some(Type::Any), "two types");
    assert_eq!(schema.property("roles"), Some(list(Type::Text)));
    assert_eq!(schema.property("mixed"), Some(list(Type::Any)));
    assert_eq!(schema.property("none"), Some(list(Type::Any)));
    let room = Type::Dictionary(vec![("room".to_owned(), Type::Number)]);
    assert_eq!(schema.property("at"), Some(room));
    assert_eq!(schema.property("aged"), None);
    let keys = |count: usize| -> Value {
        let members = (0..count).map(|number| (number.to_string(), Value::from(1)));
        Value::Object(members.collect())
    };
    for (count, is_known) in [(MAX_PARTS - 1, true), (MAX_PARTS, false)] {
        let value = keys(count);
        let schema = schema.clone().with_properties([("large", &value)], true);
        assert_eq!(schema.property("large") != Some(Type::Any), is_known);
    }
    assert!(schema.knows_all_properties());
}

#[test]
fn whoever_is_named_has_to_have_an_item_and_of_the_others_one() {
    const ITEM: &str = "passcode.is-present";
    let both = ["iOS:18.0", "tvOS:18.0"];
    assert_eq!(without(&schema(&both, &[], &[]), ITEM), ["tvOS"]);
    assert!(without(&schema(&[], &both, &[]), ITEM).is_empty());
    assert_eq!(without(&schema(&[], &["tvOS"], &[]), ITEM), ["tvOS"]);
    assert!(without(&schema(&[], &["tvOS"], &["iOS"]), ITEM).is_empty());
    assert_eq!(
        without(&schema(&["tvOS"], &["iOS:18.0"], &["iOS"]), ITEM),
        ["tvOS"]
    );
    // Macs report it to their users' channels only.
    let mail = "account.list.mail.incoming";
    assert_eq!(without(&schema(&["macOS"], &[], &[]), mail), ["macOS"]);
    assert!(without(&schema(&["macOS", "macOS:::user"], &[], &[]), mail).is_empty());
}

#[test]
fn the_reason_for_a_lack_is_told() {
    let reason = |named: &[&str], name: &str| {
        let schema = schema(named, &[], &[]);
        schema.lack(&schema.targets()[0], name)
    };
    let here = |reason: &str| Some(Lack::Here(reason.to_owned()));
    let filevault = "diskmanagement.filevault.enabled";
    for (kind, item, expected) in [
        ("tvOS:26.0", "passcode.is-present", Some(Lack::Platform)),
        ("macOS:13.0", filevault, here("needs macOS 14.0")),
        ("macOS:14.0::user", filevault, here("not on the user channel")),
        ("macOS:14.0:user", filevault, here("not with user enrollment")),
        ("macOS:14.0:supervised", filevault, None),
        (
            "macOS",
            "account.list.mail.incoming",
            here("not on the device channel"),
        ),
    ] {
        assert_eq!(reason(&[kind], item), expected, "{kind} {item}");
    }
    let both = ["macOS:14.0:user", "macOS:14.0:supervised:user", "macOS:14.0:user"];
    let told = "not with user enrollment, not on the user channel";
    assert_eq!(reason(&both, filevault), here(told));
}

#[test]
fn those_present_who_lack_an_item_are_told_with_the_reason() {
    let present = ["macOS:25.0:::25A1", "macOS:26.0", "iOS:18.0", "macOS:25.0:::25A2"];
    let lacking = schema(&[], &present, &[]).lacking("app.managed.list");
    let told: Vec<String> = lacking
        .iter()
        .map(|(kind, why)| format!("{kind}: {why}"))
        .collect();
    assert_eq!(told, ["macOS 25.0, device channel: needs macOS 26.0"]);
}

#[test]
fn the_targets_are_the_systems_that_are_known_each_once() {
    let names = |schema: &PredicateSchema<'_>| -> Vec<(String, Option<String>)> {
        let targets = schema.targets().iter().cloned();
        targets.map(|target| (target.platform, target.version)).collect()
    };
    let macs = ["macOS:26.5:supervised", "macOS:26.5:user"];
    let known = names(&schema(&[], &macs, &["iOS", "macOS"]));
    assert_eq!(known, [("macOS".to_owned(), Some("26.5".to_owned()))]);
    assert_eq!(names(&schema(&[], &[], &["iOS", "macOS"])).len(), 2);
}

#[test]
fn comparing_names_ends() {
    let schema = schema(&[], &[], &[]);
    let mut asked = 0;
    while !schema.names(Source::Status).is_empty() {
        asked += 1;
        assert!(asked < MAX_COMPARISONS);
    }
    assert!(schema.names(Source::Property).is_empty());
}
