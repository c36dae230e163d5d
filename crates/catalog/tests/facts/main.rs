//! The reader of facts: exact, and unharmed by anything.

mod catalogs;

use ordain_catalog::{Catalog, Credential, MAX_DEPTH, Shape, Support, facts};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use catalogs::catalogs;

/// The number of the first line that has this.
fn line_of(text: &str) -> usize {
    let before = facts::APPLE.find(text).unwrap_or_else(|| panic!("no {text}"));
    facts::APPLE[..before].matches('\n').count() + 1
}

/// The committed facts with one text put in the place of another.
fn changed(from: &str, to: &str) -> String {
    assert!(facts::APPLE.contains(from), "{from}");
    facts::APPLE.replacen(from, to, 1)
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, problem) in [
        (String::new(), 1, "format 2"),
        ("format 2\n".to_owned(), 1, "format 2"),
        (changed("format 2", "format 1"), 3, "format 2"),
        (
            facts::APPLE.trim_end().to_owned(),
            facts::APPLE.lines().count() + 1,
            "one form",
        ),
        (
            format!("{}\n", facts::APPLE),
            facts::APPLE.lines().count() + 1,
            "word is missing",
        ),
    ] {
        let error = facts::read(&text).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
    for (from, to, problem) in [
        ("declaration com", "declarations com", "unknown record"),
        (
            "com.apple.activation.simple",
            "com.example.x",
            "not a declaration type",
        ),
        (
            "com.apple.activation.simple\n",
            "com.apple.activation.simple thrice\n",
            "unknown way",
        ),
        ("on iOS", "on beOS", "unknown platform"),
        ("since 15.0", "since soon", "not a version"),
        ("since 15.0", "until 15.0", "unknown term"),
        (
            "enrollments supervised",
            "enrollments all",
            "unknown enrollment type",
        ),
        ("scopes system", "scopes all", "unknown scope"),
        ("requires user-approval", "requires a,b", "unknown requirement"),
        ("multiple true", "multiple 2", "neither true nor false"),
        ("  payload dictionary", "  payloads dictionary", "unknown word"),
        ("  payload dictionary", "  payload", "unknown type"),
        ("string in Default,", "string in Default,,", "a word is missing"),
        ("in RSA,ECDSA256", "in RSA,\"ECDSA\"256", "goes on after its end"),
        ("string in MDM,None", "string in MDM,\"None", "no JSON string"),
        ("default \"Default\"", "default Default", "not a value in JSON"),
        (
            "integer in 0 min 0 max 180",
            "integer in no min 0 max 180",
            "not a number of its type",
        ),
        (
            "integer in 0 min 0 max 180",
            "integer in 0 min 0 max 1.5",
            "not a bound",
        ),
        ("combine boolean-or", "combine boolean", "unknown way to combine"),
        ("refers configuration", "refers to", "unknown kind"),
        (
            "refers configuration",
            "to configuration",
            "unknown word about a key",
        ),
        ("format hostname", "format name", "unknown format"),
        ("each above 2", "each above 9", "above what holds it"),
        ("each above 2", "each above 0", "above what holds it"),
        ("each above 2", "each above it", "number of steps"),
        (
            "    key StandardConf",
            "     key StandardConf",
            "indented otherwise",
        ),
        (
            "declaration com.apple.activation",
            " declaration com.apple.activation",
            "indented otherwise",
        ),
    ] {
        let error = facts::read(&changed(from, to)).unwrap_err();
        assert!(error.to_string().contains(problem), "{to}: {error}");
        assert_eq!(error.line, line_of(from), "{to}: {error}");
    }
    for (from, to) in [
        ("since 15.0\n", "since 15.0\n  on iOS since 15.0\n"),
        ("  on iOS since 15.0\n", "  on iPadOS since 15.0\n"),
        ("since 15.0", "since 15"),
        ("dictionary required", "dictionary  required"),
        ("in Default,AfterFirstUnlock", "in \"Default\",AfterFirstUnlock"),
        ("key ContentType string", "key ContentType string min 3"),
        ("enrollments supervised,device", "enrollments device,supervised"),
        (
            "    key RequireComplexPasscode boolean",
            "    key A boolean\n      on iOS since 15.0 enrollments supervised,device,user,local scopes system \
             shared-ipad none\n    key RequireComplexPasscode boolean",
        ),
    ] {
        let error = facts::read(&changed(from, to)).unwrap_err();
        assert!(error.to_string().contains("one form"), "{to}: {error}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let mut catalog = Catalog::default();
        let shape = (1..depth).fold(Shape::Boolean, |shape, _| Shape::Map(Box::new(shape.into())));
        catalog.add_credential(Credential {
            name: "deep".to_owned(),
            support: Support::default(),
            payload: shape,
        });
        facts::read(&facts::write(&catalog)).map(|read| read == catalog)
    };
    assert_eq!(nested(MAX_DEPTH), Ok(true));
    assert!(
        nested(MAX_DEPTH + 1)
            .unwrap_err()
            .to_string()
            .contains("too deep")
    );
    assert!(nested(200).is_err());
}

/// Lines as they are, lines with other words, and anything at all.
fn nasty_facts() -> impl Strategy<Value = String> {
    let words = "declaration|credential|status|command|check-in|profile|shared|on|never|since|removed|enrollments|scopes\
                 |shared-ipad|requires|none|iOS|com\\.apple\\.asset\\.x|combined|15\\.0|system,user|payload|value|takes|answers\
                 |key|each|item|array|dictionary|map|string|integer|real|above|required|default|in|min|max|like|format|url\
                 |combine|first|refers|to|of|asset|a|a,b|\"a\"|\"|1,2|1|-1|1e9|,|\\[\\]| |\\PC{0,5}";
    let line = (select(&["", "  ", "    ", "      ", " "][..]), vec(words, 0..8))
        .prop_map(|(indent, words)| indent.to_owned() + &words.join(" "));
    let committed: Vec<&str> = facts::APPLE.lines().skip(3).collect();
    let line = prop_oneof![
        line,
        select(committed).prop_map(str::to_owned),
        Just(String::new())
    ];
    (any::<bool>(), vec(line, 0..12)).prop_map(|(header, lines)| {
        let header = facts::APPLE
            .lines()
            .take(if header { 3 } else { 0 })
            .map(str::to_owned);
        header.chain(lines).map(|line| line + "\n").collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn what_is_written_reads_back(catalog in catalogs()) {
        prop_assert_eq!(facts::read(&facts::write(&catalog)).unwrap(), catalog);
    }

    #[test]
    fn any_text_is_refused_or_the_one_form(text in nasty_facts()) {
        if let Ok(catalog) = facts::read(&text) {
            prop_assert_eq!(facts::write(&catalog), text);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_damaged_file_is_refused_or_the_one_form(at in any::<Index>(), with in "\\PC{0,3}|\n| ") {
        let mut text = facts::APPLE.to_owned();
        let at = at.index(text.len());
        text.replace_range(at..=at, &with);
        if let Ok(catalog) = facts::read(&text) {
            prop_assert_eq!(facts::write(&catalog), text);
        }
    }
}
