//! Predicates seen in public material: those in the supported part mean what they are meant to, and the
//! others say what is not supported.

use std::collections::BTreeMap;

use ordain_predicate::{Facts, Truth, parse};
use serde_json::{Value, json};

/// Status items and properties by their whole names.
struct Device(BTreeMap<&'static str, Value>, BTreeMap<&'static str, Value>);

impl Facts for Device {
    fn status(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
    fn property(&self, key: &str) -> Option<&Value> {
        self.1.get(key)
    }
}

fn status(name: &'static str, value: Value) -> Device {
    Device(BTreeMap::from([(name, value)]), BTreeMap::new())
}

fn property(key: &'static str, value: Value) -> Device {
    Device(BTreeMap::new(), BTreeMap::from([(key, value)]))
}

const FAMILY: &str = "device.model.family";
const VERSION: &str = "device.operating-system.version";

#[test]
fn supported_ones_are_true_and_false_where_they_should_be() {
    for (text, yes, no) in [
        (
            "@status(device.model.family) == 'AppleTV'",
            status(FAMILY, json!("AppleTV")),
            status(FAMILY, json!("Mac")),
        ),
        (
            "(@status(device.model.family) == 'iPad')",
            status(FAMILY, json!("iPad")),
            status(FAMILY, json!("iPhone")),
        ),
        (
            "@status(device.model.family) == 'iPhone'",
            status(FAMILY, json!("iPhone")),
            status(FAMILY, json!("iphone")),
        ),
        (
            r#"@status(device.identifier.serial-number) == "ABC-XYZ""#,
            status("device.identifier.serial-number", json!("ABC-XYZ")),
            status("device.identifier.serial-number", json!("ABC-XY")),
        ),
        (
            "(@property(shard) <= 75)",
            property("shard", json!(75)),
            property("shard", json!(76)),
        ),
        (
            "(@property(age) >= 18)",
            property("age", json!(18)),
            property("age", json!(17.5)),
        ),
        (
            "@status(passcode.is-present)==true",
            status("passcode.is-present", json!(true)),
            status("passcode.is-present", json!(false)),
        ),
        (
            "@status(device.operating-system.family)=='iPadOS'",
            status("device.operating-system.family", json!("iPadOS")),
            status("device.operating-system.family", json!("iOS")),
        ),
        (
            "@status(device.operating-system.version)=='18.2'",
            status(VERSION, json!("18.2")),
            status(VERSION, json!("18.20")),
        ),
        (
            "@status(device.operating-system.version)<'18.3'",
            status(VERSION, json!("18.10")),
            status(VERSION, json!("18.3")),
        ),
        (
            "@status(device.operating-system.version)>='18.2'",
            status(VERSION, json!("26.0")),
            status(VERSION, json!("18.1")),
        ),
        (
            "@status(device.operating-system.version) > '15.0'",
            status(VERSION, json!("9.3")),
            status(VERSION, json!("15")),
        ),
        (
            "@status(diskmanagement.filevault.enabled)==true",
            status("diskmanagement.filevault.enabled", json!(true)),
            status("diskmanagement.filevault.enabled", json!(false)),
        ),
        (
            "@property(userFirstName)=='test'",
            property("userFirstName", json!("test")),
            property("userFirstName", json!("")),
        ),
    ] {
        let predicate = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
        assert_eq!(predicate.evaluate_with_unknown(&yes), Truth::True, "{text}");
        assert_eq!(predicate.evaluate_with_nil(&yes), Ok(true), "{text}");
        assert_eq!(predicate.evaluate_with_unknown(&no), Truth::False, "{text}");
        assert_eq!(predicate.evaluate_with_nil(&no), Ok(false), "{text}");
        let nothing = Device(BTreeMap::new(), BTreeMap::new());
        assert_eq!(
            predicate.evaluate_with_unknown(&nothing),
            Truth::Unknown,
            "{text}"
        );
        assert_eq!(predicate.evaluate_with_nil(&nothing), Ok(false), "{text}");
        assert_eq!(parse(&predicate.to_string()), Ok(predicate), "{text}");
    }
}

#[test]
fn the_parked_set_is_never_active() {
    let nothing = Device(BTreeMap::new(), BTreeMap::new());
    let predicate = parse("1==0").unwrap();
    assert_eq!(predicate.evaluate_with_unknown(&nothing), Truth::False);
    assert_eq!(predicate.evaluate_with_nil(&nothing), Ok(false));
}

#[test]
fn unsupported_ones_say_so_at_the_place() {
    for (text, at, message) in [
        (
            r#"SUBQUERY(@status(mdm.app), $app, ($app.@key(identifier) == "com.example.app") AND ($app.@key(state) == "managed")).@count == 1"#,
            "SUBQUERY",
            "SUBQUERY(…): Ordain does not support this yet",
        ),
        (
            r#"(@property(age) >= 18) AND ("Grade12" IN @property(roles))"#,
            "IN",
            "the operator IN: Ordain does not support this yet",
        ),
        (
            "ANY @property(jamf.device.groups) IN {'<group id>'}",
            "ANY",
            "the quantifier ANY: Ordain does not support this yet",
        ),
        (
            "NONE @property(jamf.device.groups) IN {'<id1>', '<id2>'}",
            "NONE",
            "the quantifier NONE: Ordain does not support this yet",
        ),
        (
            r#"SUBQUERY(@status(app.managed.list), $app, ($app.@key(identifier) == "com.example.app") AND ($app.@key(state) == "managed")).@count != 0"#,
            "SUBQUERY",
            "SUBQUERY(…): Ordain does not support this yet",
        ),
        (
            r#"SUBQUERY(@status(management.declarations.configurations), $declaration, ($declaration.@key(identifier) == "com.abc.declarationname" AND $declaration.@key(active) == true)).@count == 1"#,
            "SUBQUERY",
            "SUBQUERY(…): Ordain does not support this yet",
        ),
        (
            "ANY @property(jamf.device.groups) IN {'<id>'} AND @status(device.model.family) == 'iPad'",
            "ANY",
            "the quantifier ANY: Ordain does not support this yet",
        ),
        (
            "@invalid == 'AppleTV'",
            "@invalid",
            "`@invalid` is unknown, and can make real devices unmanageable: write @status(…) for a status item or \
             @property(…) for a management property",
        ),
        (
            r#"device.identifier.serial-number == "X""#,
            "device.identifier.serial-number",
            "`device.identifier.serial-number` stands for nothing: write @status(…) for a status item, \
             @property(…) for a management property, and quotes around a string; Ordain does not support other \
             key paths yet",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(&text[error.span.clone()], at, "{text}");
        assert_eq!(error.message, message, "{text}");
    }
}
