//! Whatever comes is compiled or refused, in bounded time and on a small stack.

use std::fmt::Write;

use ordain_catalog::Catalog;
use ordain_policy::{Compiled, MAX_DEPTH, MAX_OCTETS, MAX_VALUES, Problem, Surroundings, compile};
use proptest::prelude::*;

const URL: &str = "https://mdm.example.org";

fn surroundings() -> Surroundings<'static> {
    Surroundings {
        catalog: Catalog::builtin(),
        public_url: URL,
        before: None,
        devices: &[],
        windows: &[],
        devices_only: true,
        allow_unknown: false,
    }
}

fn one(path: &str, content: impl Into<Vec<u8>>) -> Result<Compiled, Vec<Problem>> {
    compile(&[(path.to_owned(), content.into())], &surroundings())
}

fn refusal(path: &str, content: impl Into<Vec<u8>>) -> String {
    one(path, content)
        .err()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    let (open, close) = (open.repeat(depth), close.repeat(depth));
    format!(
        r#"{{"Type": "com.apple.management.properties", "Identifier": "a", "Payload": {{"a": {open}1{close}}}}}"#
    )
}

#[test]
fn depth_is_bounded_alike_in_both_syntaxes() {
    // The payload and what is above it take two levels.
    for path in ["declarations/a.json", "declarations/a.yaml"] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            assert!(one(path, nested(open, close, MAX_DEPTH - 2)).is_ok());
            let told = refusal(path, nested(open, close, MAX_DEPTH - 1));
            assert!(told.ends_with("nested deeper than 64 levels"), "{told}");
        }
    }
    for path in ["declarations/a.json", "declarations/a.yaml"] {
        for open in [
            "[", "{\"a\":", "- ", "? ", "!a ", "&a ", "a: {", "[[]", "-\n ", "'", "\"", "|\n ",
        ] {
            assert!(refusal(path, open.repeat(200_000)).lines().count() <= 2, "{open}");
        }
    }
    let mut indented = String::new();
    (0..1000).for_each(|depth| writeln!(indented, "{}a:", " ".repeat(depth)).unwrap());
    assert!(refusal("declarations/a.yaml", indented).ends_with("nested deeper than 64 levels"));
}

#[test]
fn sizes_are_bounded_alike_in_both_syntaxes() {
    let members = |count: usize| {
        let list = vec!["0"; count].join(",");
        format!(
            r#"{{"Type": "com.apple.management.properties", "Identifier": "a", "Payload": {{"a": [{list}]}}}}"#
        )
    };
    for path in ["declarations/a.json", "declarations/a.yaml"] {
        // Keys count as values do: there are nine besides the list's items.
        assert!(one(path, members(MAX_VALUES - 9)).is_ok());
        assert!(refusal(path, members(MAX_VALUES - 8)).contains("more than 100000 values"));
        assert!(refusal(path, vec![b' '; MAX_OCTETS + 1]).contains("larger than 4194304 octets"));
    }
}

#[test]
fn bombs_do_not_go_off() {
    let mut aliases = String::from("a0: &a0 [lol, lol, lol, lol]\n");
    for level in 1..30 {
        let before = level - 1;
        writeln!(
            aliases,
            "a{level}: &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]"
        )
        .unwrap();
    }
    assert!(refusal("declarations/a.yaml", aliases).contains("YAML aliases are not taken"));
    for text in [
        format!("{{\"a\": 1{}}}", "0".repeat(1_000_000)),
        format!("{{\"a\": 1e{}}}", "9".repeat(1_000_000)),
        format!("{{\"{}\": 1}}", "k".repeat(1_000_000)),
    ] {
        assert!(one("declarations/a.json", text.as_str()).is_err());
        assert!(one("declarations/a.yaml", text).is_err());
    }
}

#[test]
fn a_policy_in_which_nothing_fits_is_not_squared() {
    let mut files: Vec<(String, Vec<u8>)> = (0..2000)
        .map(|number| {
            let text = format!(
                "Type: com.apple.management.propertie\nIdentifier: identifier-{number}\nPayload: {{}}"
            );
            (format!("declarations/{number}.yaml"), text.into())
        })
        .collect();
    let names: Vec<String> = (0..20_000).map(|number| format!("identifyer-{number}")).collect();
    let blueprint = format!("name: a\ninclude: [all]\ndeclarations: [{}]", names.join(", "));
    files.push(("blueprints/a.yaml".into(), blueprint.into()));
    assert_eq!(compile(&files, &surroundings()).unwrap_err().len(), 22_000);
}

#[test]
fn predicates_that_name_what_is_not_there_are_not_squared() {
    let mut properties =
        "Type: com.apple.management.properties\nIdentifier: properties\nPayload:\n".to_owned();
    for number in 0..20_000 {
        writeln!(properties, "  a-property-with-a-long-name-{number}: {number}").unwrap();
    }
    let mut files: Vec<(String, Vec<u8>)> = vec![("declarations/properties.yaml".into(), properties.into())];
    for number in 0..20 {
        let asked: Vec<String> = (0..250)
            .map(|asked| format!("@property(a-property-with-a-lang-name-{asked}) == 1"))
            .collect();
        let text = format!(
            "Type: com.apple.configuration.passcode.settings\nIdentifier: id-{number}\nPayload: {{}}\nwhen: \"{}\"",
            asked.join(" OR ")
        );
        files.push((format!("declarations/{number}.yaml"), text.into()));
    }
    assert_eq!(compile(&files, &surroundings()).unwrap_err().len(), 20 * 250);
}

const PATHS: [&str; 8] = [
    "declarations/a.json",
    "declarations/a.yaml",
    "assets/a.json",
    "assets/a.yaml",
    "groups/a.yaml",
    "blueprints/a.json",
    "profiles/a.mobileconfig",
    "a",
];

/// Text that goes far into the readers.
const TOKENS: &[&str] = &[
    "Type",
    "Identifier",
    "Payload",
    "when",
    "scope",
    "platforms",
    "name",
    "include",
    "members",
    "declarations",
    "file",
    "data",
    "com.apple.asset.data",
    "com.apple.activation.simple",
    "StandardConfigurations",
    "Predicate",
    "com.apple.management.properties",
    ": ",
    ":",
    "- ",
    "-",
    "\n",
    "\n  ",
    "\n ",
    "\r",
    "\t",
    " ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "#",
    "|",
    ">",
    "|-",
    "|2",
    "?",
    "? ",
    "&a",
    "*a",
    "!",
    "!!str",
    "!<",
    "%YAML 1.2\n",
    "%TAG ! !\n",
    "---",
    "...",
    "<<",
    "~",
    "1",
    "-1",
    "1e9",
    "0x",
    ".inf",
    "\\",
    "\\u0041",
    "\\ud800",
    "é",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "${",
    "all",
    "a",
    "@status(",
    "==",
];

fn is_sound(result: &Result<Compiled, Vec<Problem>>, paths: &[String]) {
    let problems = result
        .as_ref()
        .map_or_else(|problems| problems, |compiled| &compiled.warnings);
    assert!(result.is_ok() || !problems.is_empty());
    for problem in problems {
        assert!(
            paths.contains(&problem.file) && problem.line > 0 && problem.column > 0,
            "{problem}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_octets(path in prop::sample::select(&PATHS[..]), content: Vec<u8>) {
        is_sound(&one(path, content), &[path.to_owned()]);
    }

    #[test]
    fn random_tokens(
        contents in prop::collection::vec(prop::collection::vec(prop::sample::select(TOKENS), 0..40), 1..4),
        paths in prop::sample::subsequence(PATHS.to_vec(), 4),
    ) {
        let files: Vec<(String, Vec<u8>)> =
            paths.iter().zip(contents).map(|(path, tokens)| ((*path).to_owned(), tokens.concat().into())).collect();
        let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        is_sound(&compile(&files, &surroundings()), &paths);
    }

    #[test]
    fn any_json_is_read_alike_in_both_syntaxes(payload in json()) {
        let text = serde_json::json!({
            "Type": "com.apple.management.properties", "Identifier": "a", "Payload": {"a": payload},
        });
        for text in [serde_json::to_string(&text).unwrap(), serde_json::to_string_pretty(&text).unwrap()] {
            let read = one("declarations/a.json", text.as_str()).unwrap().wish;
            prop_assert_eq!(&read, &one("declarations/a.yaml", text).unwrap().wish);
            prop_assert_eq!(&read.declarations["a"].payload["a"], &payload);
        }
    }
}

/// Values as JSON and YAML both can write them: YAML has no pairs of surrogates, but takes what they stand for.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-(1_i64 << 53)..=1 << 53).prop_map(Into::into),
        (-1e6..1e6_f64)
            .prop_filter("an integer", |real| real.fract() != 0.0)
            .prop_map(Into::into),
        "[^$\u{7f}-\u{9f}\u{feff}\u{fffe}\u{ffff}]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z~ :#]{0,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

#[test]
fn a_policy_in_which_all_meet_is_not_squared() {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut file = |path: String, text: String| files.push((path, text.into()));
    let types = [
        "com.apple.management.properties",
        "com.apple.configuration.passcode.settings",
    ];
    let payloads = ["{key: 1}", "{CustomRegex: {Regex: a}}"];
    let mut names = Vec::new();
    for number in 0..2000 {
        let (type_name, payload) = (
            types[number % 2],
            payloads[number % 2].replace("key", &format!("key-{number}")),
        );
        names.push(format!("declaration-{number}"));
        file(
            format!("declarations/{number}.yaml"),
            format!("Type: {type_name}\nIdentifier: declaration-{number}\nPayload: {payload}"),
        );
    }
    file(
        "blueprints/all.yaml".into(),
        format!("name: all\ninclude: [all]\ndeclarations: [{}]", names.join(", ")),
    );
    for number in 0..220 {
        file(
            format!("groups/{number}.yaml"),
            format!("name: group-{number}\nmembers: [D{number}]"),
        );
        file(
            format!("blueprints/{number}.yaml"),
            format!("name: blueprint-{number}\ninclude: [group-{number}]\ndeclarations: [own-{number}]"),
        );
        file(
            format!("declarations/own-{number}.yaml"),
            format!(
                "Type: {}\nIdentifier: own-{number}\nPayload: {}",
                types[number % 2],
                payloads[number % 2]
            ),
        );
    }
    let warnings = compile(&files, &surroundings()).unwrap().warnings;
    let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let [told] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(
        told.starts_with("warning: .:1:1: too much of it comes together"),
        "{told}"
    );
}
