//! The reader of facts: exact, and unharmed by anything.

use std::collections::BTreeSet;

use ordain_catalog::{
    Apply, Catalog, Command, DeclarationType, Elements, EnrollmentType, Key, Keys, Kind, OsVersion, Platform,
    PlatformSupport, Range, Reference, Scope, Shape, StatusItem, Step, Support, Terms, ValueType, facts,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

/// How the longest line begins.
const QUERIES: &str = "  takes Queries/[] string of A";

/// The number of the first line that has this.
fn line_of(text: &str) -> usize {
    let before = facts::APPLE.find(text).unwrap();
    facts::APPLE[..before].lines().count() + usize::from(text.starts_with(' '))
}

/// The committed facts with one text put in the place of another.
fn changed(from: &str, to: &str) -> String {
    assert!(facts::APPLE.contains(from), "{from}");
    facts::APPLE.replacen(from, to, 1)
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, line, problem) in [
        (String::new(), 1, "one form"),
        ("format 1\n".to_owned(), 1, "format 1"),
        (changed("format 1", "format 2"), 3, "format 1"),
        (
            changed("declaration com", "declarations com"),
            4,
            "unknown record",
        ),
        (
            changed("com.apple.activation.simple", "com.example.x"),
            4,
            "not a declaration type",
        ),
        (
            changed("activation.simple\n", "activation.simple thrice\n"),
            4,
            "unknown way to apply",
        ),
        (
            changed("activation.simple\n", "activation.simple single \n"),
            4,
            "one form",
        ),
        (changed("on iOS", "on Windows"), 5, "unknown platform"),
        (changed("on iOS since", "on iPadOS since"), 5, "one form"),
        (changed("since 15.0", "since yesterday"), 5, "not a version"),
        (changed("since 15.0", "since 15"), 5, "one form"),
        (changed("since 15.0", "since"), 5, "not a version"),
        (changed("since 15.0", "until 15.0"), 5, "unknown term"),
        (
            changed("since 15.0\n", "since 15.0\n  on iOS since 15.0\n"),
            6,
            "one form",
        ),
        (changed("  refers", "  needs"), 10, "unknown word"),
        (
            changed("[] to configuration", "[] configuration"),
            10,
            "without \"to\"",
        ),
        (
            changed("[] to configuration", "[] to asset,configuration"),
            10,
            "unknown kind",
        ),
        (
            changed(QUERIES, "  takes Queries/[] text"),
            line_of(QUERIES),
            "unknown type of value",
        ),
        (
            changed(QUERIES, "  takes Queries/[] data of A"),
            line_of(QUERIES),
            "no list",
        ),
        (
            changed(QUERIES, "  takes Query/[] string of A"),
            line_of(QUERIES),
            "not there",
        ),
        (
            changed(QUERIES, "  takes Queries/[]/A string of A"),
            line_of(QUERIES),
            "holds none",
        ),
        (
            changed(QUERIES, "  takes DeviceAttestationNonce/[] string of A"),
            line_of(QUERIES),
            "holds none",
        ),
        (
            changed(" of 0,1,2,", " of 0,one,2,"),
            line_of("/TextSize"),
            "not an integer",
        ),
        (
            changed("  answers Altitude real", "  answers Altitude"),
            line_of("  answers Altitude real"),
            "unknown type of value",
        ),
        (
            format!("{}\n", facts::APPLE),
            facts::APPLE.lines().count() + 1,
            "without a name",
        ),
    ] {
        let error = facts::read(&text).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,12}"
}

fn set<T: Copy + Ord + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = Option<BTreeSet<T>>> {
    option::of(subsequence(all, 0..=all.len()).prop_map(|some| some.into_iter().collect()))
}

fn version() -> impl Strategy<Value = Option<OsVersion>> {
    option::of("[0-9]{1,3}(\\.[0-9]{1,3}){0,3}".prop_map(|text| text.parse().unwrap()))
}

fn support() -> impl Strategy<Value = Support> {
    let limits = (set(EnrollmentType::ALL), set(Scope::ALL), set(Scope::ALL));
    let terms = (version(), version(), version(), limits).prop_map(
        |(introduced, deprecated, removed, (enrollments, scopes, shared_ipad_scopes))| {
            let terms = Terms {
                introduced,
                deprecated,
                removed,
                enrollments,
                scopes,
                shared_ipad_scopes,
            };
            PlatformSupport::Supported(terms)
        },
    );
    let said = prop_oneof![Just(PlatformSupport::Never), terms];
    vec((select(Platform::ALL), said), 0..4).prop_map(Support::from_iter)
}

fn references() -> impl Strategy<Value = BTreeSet<Reference>> {
    let step = prop_oneof![
        Just(Step::AnyKey),
        Just(Step::Element),
        word().prop_map(Step::Key)
    ];
    let reference = (vec(step, 1..4), select(Kind::ALL), btree_set(word(), 0..3))
        .prop_map(|(path, kind, types)| Reference { path, kind, types });
    btree_set(reference, 0..3)
}

fn keys(shapes: impl Strategy<Value = Shape>, least: usize) -> impl Strategy<Value = Keys> {
    let key = (shapes, any::<bool>()).prop_map(|(shape, required)| Key {
        required,
        ..shape.into()
    });
    btree_map(word(), key, least..4)
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        select(vec![
            Shape::Any,
            Shape::Boolean,
            Shape::Data,
            Shape::Date,
            Shape::Real {
                range: Range::default()
            },
            Shape::any_dictionary(),
        ]),
        btree_set(any::<i64>(), 0..3).prop_map(|allowed| Shape::Integer {
            allowed: allowed.into_iter().collect(),
            range: Range::default(),
        }),
        btree_set(word(), 0..3).prop_map(|allowed| Shape::String {
            allowed: allowed.into_iter().collect(),
            pattern: None,
            format: None,
        }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            keys(inner.clone(), 1).prop_map(Shape::Dictionary),
            inner.clone().prop_map(Shape::array_of),
            btree_map(
                word(),
                keys(inner, 1).prop_map(|keys| Shape::Dictionary(keys).into()),
                1..3
            )
            .prop_map(|forms| Shape::Array {
                elements: Elements::ByItem(forms),
                count: Range::default(),
            }),
        ]
    })
}

fn catalogs() -> impl Strategy<Value = Catalog> {
    let declaration = (
        select(Kind::ALL),
        word(),
        option::of(select(Apply::ALL)),
        support(),
        references(),
    )
        .prop_map(|(kind, name, apply, support, references)| {
            let name = format!("com.apple.{kind}.{name}");
            DeclarationType {
                name,
                kind,
                apply,
                support,
                payload: Shape::any_dictionary(),
                references,
            }
        });
    let item = (word(), select(ValueType::ALL), any::<bool>(), support()).prop_map(
        |(name, value, identified, support)| StatusItem {
            name,
            value,
            identified,
            support,
        },
    );
    let answers = btree_map(word(), select(ValueType::ALL), 0..3);
    let command = (word(), option::of(word()), support(), keys(shapes(), 0), answers).prop_map(
        |(request_type, access_right, support, keys, answers)| Command {
            request_type,
            access_right,
            support,
            keys,
            answers,
        },
    );
    (vec(declaration, 0..4), vec(item, 0..3), vec(command, 0..3)).prop_map(
        |(declarations, items, commands)| {
            let mut catalog = Catalog::default();
            declarations
                .into_iter()
                .for_each(|declaration| drop(catalog.add_declaration(declaration)));
            items
                .into_iter()
                .for_each(|item| drop(catalog.add_status_item(item)));
            commands
                .into_iter()
                .for_each(|command| drop(catalog.add_command(command)));
            catalog
        },
    )
}

/// Lines as they are, lines with other words, and anything at all.
fn nasty_facts() -> impl Strategy<Value = String> {
    let words = "declaration|status|command|on|never|refers|to|since|removed|enrollments|scopes|shared-ipad\
                 |none|iOS|asset|array|identified|combined|com\\.apple\\.asset\\.x|15\\.0|system,user\
                 |a/\\[\\]/\\*|takes|answers|of|required|a|a/a|a/\\[\\]|a/\\[a\\]/a|string|integer|dictionary|1,2|,|/| |\\PC{0,5}";
    let line = (select(&["", "  ", " "][..]), vec(words, 0..8))
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
    #![proptest_config(ProptestConfig::with_cases(128))]

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
