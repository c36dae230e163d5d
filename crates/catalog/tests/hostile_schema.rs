//! What is refused of a schema, and that nothing does harm. The schemas are made up.

use ordain_catalog::facts;
use ordain_catalog::schema::{self, MAX_FILES, MAX_OCTETS, Problem};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const DECLARATION: &str = "declarative/declarations/configurations/a.yaml";
const COMMAND: &str = "mdm/commands/a.yaml";

fn refused(files: &[(&str, &str)]) -> Vec<Problem> {
    schema::read(files.iter().copied()).unwrap_err()
}

fn declaration(keys: &str) -> String {
    format!(
        "payload:\n  declarationtype: com.apple.configuration.x\n  supportedOS:\n    macOS:\n      \
         introduced: n/a\npayloadkeys:\n{keys}"
    )
}

#[test]
fn another_form_is_refused_and_file_and_key_named() {
    let simple =
        declaration("- {key: A, type: <dictionary>, subkeys: [{key: B, type: <string>, default: x}]}\n");
    let deep = format!(
        "<array>, subkeys: {}",
        "[{key: I, type: <array>, subkeys: ".repeat(31)
    );
    let deep = deep + "[]" + &"}]".repeat(31);
    for (from, to, key, problem) in [
        ("payload:", "load:", "", "no payload"),
        (
            "com.apple.configuration.x",
            "com.example.x",
            "",
            "no declaration type",
        ),
        (
            "com.apple.configuration.x",
            "[x]",
            "",
            "declarationtype is no string",
        ),
        (
            "com.apple.configuration.x",
            "",
            "",
            "declarationtype is no string",
        ),
        ("com.apple.configuration.x", "''", "", "declarationtype is empty"),
        ("n/a", "[14]", "", "introduced is no string"),
        ("n/a", "'14.0'\n      allowed-enrollments: all", "", "no list"),
        (
            "n/a",
            "'14.0'\n      supervised: maybe",
            "",
            "neither true nor false",
        ),
        ("payloadkeys:", "payloadkey:", "", "no payloadkeys"),
        ("payloadkeys:\n- ", "payloadkeys:\n  ", "", "keys are no list"),
        ("<string>", "string", "A/B", "string is no type"),
        (
            "<string>",
            "<string>, assettypes: [com.apple.configuration.x]",
            "A/B",
            "no asset type",
        ),
        (
            "<string>",
            "<integer>, assettypes: [com.apple.asset.data]",
            "A/B",
            "default is of another type",
        ),
        (
            "<string>, default: x",
            "<integer>, assettypes: [com.apple.asset.data]",
            "A/B",
            "reference of type integer",
        ),
        (
            "<string>, default: x",
            "<integer>, rangelist: [ten]",
            "A/B",
            "another type",
        ),
        (
            "<string>, default: x",
            "<integer>, rangelist: 10",
            "A/B",
            "no list",
        ),
        (
            "<string>, default: x",
            "<integer>, range: {min: 1.5}",
            "A/B",
            "no bound",
        ),
        (
            "<string>, default: x",
            "<real>, range: {max: .inf}",
            "A/B",
            "no bound",
        ),
        (
            "<string>, default: x",
            "<array>, subkeys: [{key: I, type: <string>, repetition: {min: -1}}]",
            "A/B",
            "no bound",
        ),
        (
            "<string>, default: x",
            "<array>, subkeys: [{key: I, type: <string>}, {key: J, type: <any>}]",
            "A/B",
            "several",
        ),
        (
            "<string>, default: x",
            &deep,
            &("A/B".to_owned() + &"/I".repeat(30)),
            "too deep",
        ),
        ("key: B", "name: B", "A", "no key"),
        ("{key: B", "{key: B, type: <any>}, {key: B", "A/B", "there twice"),
        (
            "{key: B",
            "{key: ANY, type: <any>}, {key: B",
            "A",
            "any key beside others",
        ),
        ("key: A", "key: A, key: A", "", "a key is there twice"),
        ("key: A", "[]: A", "", "a key that is no scalar"),
        ("key: A", "<<: {key: A}", "", "merge keys"),
        ("key: A", "key: *nothing", "", "not YAML"),
        ("payload:", "---\na\n---\npayload:", "", "one YAML document"),
        ("payload:", "payload: [", "", "not YAML"),
    ] {
        assert!(simple.contains(from), "{from}");
        let other = simple.replacen(from, to, 1);
        let problems = refused(&[(DECLARATION, &other), (COMMAND, "- what")]);
        let [of_declaration, of_command] = problems.as_slice() else {
            panic!("{to}: {problems:?}");
        };
        assert!(of_declaration.message.contains(problem), "{to}: {of_declaration}");
        assert_eq!(
            (of_declaration.path.as_str(), of_declaration.key.as_str()),
            (DECLARATION, key),
            "{to}"
        );
        assert_eq!(of_command.to_string(), format!("{COMMAND}: no payload"));
    }
}

#[test]
fn one_file_for_each() {
    let simple = declaration("- {key: A, type: <string>}\n");
    let twice = [
        (DECLARATION, simple.as_str()),
        ("declarative/declarations/b.yaml", &simple),
    ];
    let problems = refused(&twice);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "another file is for the same");
    let rights = "payload: {requesttype: A, supportedOS: {iOS: {accessrights: B}, macOS: {accessrights: C}}}";
    assert!(
        refused(&[(COMMAND, rights)])[0]
            .message
            .contains("different rights")
    );
    let status = "payload: {statusitemtype: a}\npayloadkeys: []";
    assert!(
        refused(&[("declarative/status/a.yaml", status)])[0]
            .message
            .contains("one value")
    );
    for nothing in [&[][..], &[("README.md", ""), ("mdm/commands.yaml", "")]] {
        assert_eq!(
            refused(nothing)[0].to_string(),
            ".: no file of Apple's device-management schema is here"
        );
    }
}

#[test]
fn everything_is_bounded() {
    let simple = declaration("- {key: A, type: <string>}\n");
    let problem = |bytes: Vec<u8>| {
        schema::read([(DECLARATION, bytes)]).unwrap_err()[0]
            .message
            .clone()
    };
    let padded = |len: usize| (simple.clone() + &" ".repeat(len - simple.len())).into_bytes();
    assert!(schema::read([(DECLARATION, padded(MAX_OCTETS))]).is_ok());
    assert_eq!(problem(padded(MAX_OCTETS + 1)), "larger than 1048576 octets");
    assert_eq!(problem(vec![b'a', 0xff]), "not UTF-8");
    assert!(problem(b"[".repeat(100)).contains("nested too deep"));
    assert!(problem(b"[".repeat(100_000)).contains("recursion limit"));
    assert!(problem(b"- a\n".repeat(200_000)).contains("too many values"));

    // Each list of keys has the one before it ten times.
    let mut laughs = "ha0: &ha0 [{key: A, type: <string>}]\n".to_owned();
    for level in 1..12 {
        let keys: Vec<String> = (0..10)
            .map(|key| format!("{{key: K{key}, type: <dictionary>, subkeys: *ha{}}}", level - 1))
            .collect();
        laughs += &format!("ha{level}: &ha{level} [{}]\n", keys.join(", "));
    }
    assert_eq!(
        problem((laughs + &declaration(" *ha11\n")).into_bytes()),
        "the schema is too large"
    );
    let long = format!("long: &long {}\n", "x".repeat(MAX_OCTETS / 2));
    let keys: String = (0..1_000)
        .map(|key| format!("- {{key: K{key}, type: <string>, format: *long}}\n"))
        .collect();
    assert_eq!(
        problem((long + &declaration(&keys)).into_bytes()),
        "the schema is too large"
    );

    let files = (0..=MAX_FILES).map(|file| {
        (
            format!("mdm/commands/{file:04}.yaml"),
            "payload: {requesttype: A}",
        )
    });
    let problems = schema::read(files).unwrap_err();
    assert_eq!(
        problems.last().unwrap().to_string(),
        "mdm/commands/5000.yaml: one file too many"
    );
}

/// Pieces of a schema, with bars between them.
const PIECES: &str = "payload:|\n|\n  |\n    |\n- |\n  - |supportedOS:|iOS:|introduced:| '15.0'| n/a|payloadkeys:|subkeys:|key:| A\
    | ANY| Item|type:| <string>| <array>| <dictionary>| <integer>|declarationtype:| com.apple.configuration.x|presence:\
    | required|rangelist:|range:|default:|assettypes:| [|]| {|}|, | &a| *a| &b| *b| >| \"|'| !!str| ---| 1| -1.5e3| ~|<<:\
    |? |#|\u{85}|\u{feff}";

/// Pieces in any order, and anything else.
fn nasty_yaml() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = PIECES.split('|').collect();
    let piece = prop_oneof![
        9 => select(pieces).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Keys of keys, with aliases to any of them.
fn nasty_keys() -> impl Strategy<Value = String> {
    let leaf = (
        0..4_usize,
        select(&["string", "integer", "array", "dictionary", "any"][..]),
    )
        .prop_map(|(alias, word)| format!("[{{key: A, type: <{word}>, subkeys: *k{alias}}}]"));
    leaf.prop_recursive(6, 24, 3, |inner| {
        let key = (
            "[A-C]|ANY|Item",
            select(&["array", "dictionary", "string"][..]),
            0..4_usize,
            inner,
        )
            .prop_map(|(name, word, anchor, keys)| {
                format!("{{key: {name}, type: <{word}>, subkeys: &k{anchor} {keys}}}")
            });
        vec(key, 0..3).prop_map(|keys| format!("[{}]", keys.join(", ")))
    })
}

fn harmless(files: &[(&str, &[u8])]) -> Result<(), TestCaseError> {
    match schema::read(files.iter().copied()) {
        Ok(schema) => {
            let text = facts::write(&schema.catalog);
            prop_assert_eq!(facts::read(&text), Ok(schema.catalog));
        }
        Err(problems) => prop_assert!(!problems.is_empty()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_file_is_refused_or_becomes_facts(text in nasty_yaml(), bytes in vec(any::<u8>(), 0..40)) {
        harmless(&[(DECLARATION, text.as_bytes()), (COMMAND, b"payload: {requesttype: A}")])?;
        harmless(&[(DECLARATION, &bytes)])?;
        harmless(&[(DECLARATION, declaration(&text).as_bytes())])?;
    }

    #[test]
    fn any_keys_are_refused_or_become_facts(keys in nasty_keys()) {
        let anchors = "a: &k0 [{key: B, type: <string>}]\nb: &k1 []\nc: &k2 1\nd: &k3 [{key: C, type: <any>}]\n";
        harmless(&[(DECLARATION, (anchors.to_owned() + &declaration(&keys)).as_bytes())])?;
    }
}
