//! The reader of the facts about Windows: exact, and unharmed by anything.

use std::collections::BTreeMap;

use ordain_catalog::facts::{self, WINDOWS, read_windows, write_windows};
use ordain_catalog::windows::{
    Body, Builds, Change, Csp, DataFormat, Edition, Join, Needs, Node, Outcome, Removal, Request, Scenario,
    Stated, Together, Verb, WindowsCatalog,
};
use ordain_catalog::{Format, MAX_DEPTH, Range, Scope, Shape};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The committed facts with one text put in the place of another.
fn changed(from: &str, to: &str) -> String {
    assert!(WINDOWS.contains(from), "{from}");
    WINDOWS.replacen(from, to, 1)
}

fn line_of(text: &str) -> usize {
    WINDOWS[..WINDOWS.find(text).unwrap()].matches('\n').count() + 1
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for text in [
        "",
        "format 1 of Windows\n",
        facts::APPLE,
        &changed("format 1", "format 2"),
    ] {
        assert!(read_windows(text).unwrap_err().to_string().contains("format 1"));
    }
    for (from, to, problem) in [
        ("csp ./DevInfo", "node ./DevInfo", "unknown record"),
        ("csp ./DevInfo", "csp DevInfo", "not the name of a CSP"),
        ("csp ./DevInfo", "csp ./Device/DevInfo", "not the name of a CSP"),
        ("csp ./DevInfo", "csp ./A/B/C/D", "not the name of a CSP"),
        ("csp ./DevInfo", "csp ./{A}", "not the name of a CSP"),
        (
            "csp ./DevInfo node Get",
            "csp ./DevInfo leaf Get",
            "unknown format",
        ),
        (
            "csp ./DevInfo node Get",
            "csp ./DevInfo node Copy",
            "unknown command",
        ),
        ("csp ./DevInfo node Get", "csp ./DevInfo node", "unknown command"),
        (
            "csp ./DevInfo node Get",
            "csp ./DevInfo node Get soon",
            "unknown word about a node",
        ),
        ("scopes system\n", "scopes device\n", "unknown scope"),
        ("scopes system\n", "scopes system perhaps user\n", "unknown scope"),
        ("editions pro", "editions best", "unknown edition"),
        ("since 10.0.22621\n", "since ever\n", "not a version"),
        ("join entra-joined", "join domain", "unknown join state"),
        ("change replace", "change it", "unknown way to change"),
        (
            "together atomic",
            "together forever",
            "neither atomic nor message",
        ),
        ("named string", "named text", "unknown type"),
        ("value integer", "value number", "unknown type"),
        ("means 0", "means none", "not a number"),
        ("delete keeps", "delete all", "unknown removal"),
        ("node DevId", "node {DevId", "not the name of a node"),
        ("node DevId", "node a/b", "not the name of a node"),
        ("node DevId", "node ..", "not the name of a node"),
        ("body csp", "body xml", "neither csp nor dsc"),
        ("requests Complete", "requests All", "unknown request"),
        ("csps ./Vendor/MSFT/WiFi", "csps WiFi", "not the name of a CSP"),
        (" draft\n", " final\n", "unknown word about a scenario"),
        ("  body csp", "  has csp", "unknown word"),
        ("    node Ext", "     node Ext", "indented otherwise"),
    ] {
        let from = if WINDOWS.contains(from) {
            from
        } else {
            from.trim_start_matches("  ")
        };
        let error = read_windows(&changed(from, to)).unwrap_err();
        assert!(error.to_string().contains(problem), "{to}: {error}");
        assert_eq!(error.line, line_of(from), "{to}: {error}");
    }
    for (from, to) in [
        ("csp ./DevInfo node Get", "csp ./DevInfo node Get,Get"),
        ("since 10.0.22621\n", "since 10.0.22621.0\n"),
        ("scopes system\n", "scopes system unverified none\n"),
        ("value integer in 0,1", "value integer required in 0,1"),
        ("  node DevId - Get\n", "  node DevId - Get\n  node DevId - Get\n"),
    ] {
        let error = read_windows(&changed(from, to)).unwrap_err();
        assert!(error.to_string().contains("one form"), "{to}: {error}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let mut text = write_windows(&WindowsCatalog::default()) + "csp ./A - -\n";
        for level in 1..depth {
            text.push_str(&format!("{}node a - -\n", "  ".repeat(level)));
        }
        read_windows(&text).map(|catalog| catalog.counts().nodes)
    };
    assert_eq!(nested(MAX_DEPTH), Ok(MAX_DEPTH));
    assert!(
        nested(MAX_DEPTH + 1)
            .unwrap_err()
            .to_string()
            .contains("too deep")
    );
    assert!(nested(10_000).is_err());
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,12}|[a \",\\\\\n\u{85}é]{0,6}"
}

fn stated<T: Ord + std::fmt::Debug>(
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Stated<T>> {
    (btree_set(one.clone(), 0..3), btree_set(one, 0..2))
        .prop_map(|(certain, unverified)| Stated { certain, unverified })
}

fn builds() -> impl Strategy<Value = Builds> {
    let version = "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}".prop_map(|text| text.parse().unwrap());
    btree_set(version, 0..3).prop_map(Builds)
}

fn needs() -> impl Strategy<Value = Needs> {
    let joins = btree_map(select(Join::ALL), builds(), 0..3);
    (btree_set(select(Edition::ALL), 0..3), builds(), joins).prop_map(|(editions, builds, joins)| Needs {
        editions,
        builds,
        joins,
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let range = |(min, max)| Range { min, max };
    prop_oneof![
        Just(Shape::Boolean),
        (vec(any::<i64>(), 0..3), any::<(Option<i64>, Option<i64>)>()).prop_map(move |(allowed, bounds)| {
            Shape::Integer {
                allowed,
                range: range(bounds),
            }
        }),
        (
            vec(word(), 0..3),
            option::of(word()),
            option::of(select(Format::ALL))
        )
            .prop_map(|(allowed, pattern, format)| Shape::String {
                allowed,
                pattern,
                format
            }),
        Just(Shape::array_of(Shape::Boolean)),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let parts = (word(), option::of(any::<i64>()), btree_set(any::<i64>(), 0..3));
    parts.prop_map(|(path, done, pending)| Outcome { path, done, pending })
}

fn nodes() -> impl Strategy<Value = Node> {
    let inherited = (
        any::<bool>(),
        stated(select(Scope::ALL)),
        option::weighted(0.3, needs()).prop_map(Option::unwrap_or_default),
        option::of(select(Change::ALL)),
        option::of(select(Together::ALL)),
    );
    let own = (
        btree_set(select(DataFormat::ALL), 0..3),
        btree_set(select(Verb::ALL), 0..3),
        (any::<bool>(), any::<bool>()),
        option::of(select(Removal::ALL)),
        option::of(outcome()),
        option::of(word()),
        btree_map(any::<i64>(), word(), 0..3),
    );
    let values = (option::of(shape()), option::of(shape()), option::of(any::<i64>()));
    let leaf = (inherited, own, values).prop_map(
        |(
            (unverified, scopes, needs, change, together),
            (formats, verbs, (reboot, hidden), removal, outcome, example, meanings),
            (named, value, default),
        )| Node {
            formats,
            verbs,
            reboot,
            hidden,
            unverified,
            scopes,
            needs,
            change,
            together,
            named,
            default: default.filter(|_| value.is_some()).map(Into::into),
            value,
            meanings,
            removal,
            outcome,
            example,
            children: BTreeMap::new(),
        },
    );
    let name = "[A-Za-z0-9][A-Za-z0-9.~_-]{0,5}|[A-Z]{0,2}\\{[A-Za-z]{1,4}\\}|\\*";
    leaf.prop_recursive(3, 10, 3, move |inner| {
        (inner.clone(), btree_map(name, inner, 0..3)).prop_map(|(node, children)| Node { children, ..node })
    })
}

/// Gives what says nothing what holds for the node that it is in.
fn settled(mut node: Node, holder: &Node) -> Node {
    node.unverified |= holder.unverified;
    if node.needs.joins.is_empty() {
        node.needs.joins = holder.needs.joins.clone();
    }
    node.change = node.change.or(holder.change);
    node.together = node.together.or(holder.together);
    let children = std::mem::take(&mut node.children).into_iter();
    node.children = children
        .map(|(name, child)| (name, settled(child, &node)))
        .collect();
    node
}

fn csp_name() -> impl Strategy<Value = String> + Clone {
    "\\./[A-Z][a-z0-9~]{0,5}(/[A-Z][a-z]{0,5}){0,2}".prop_filter("a scope", |name| {
        !name.starts_with("./Device/") && !name.starts_with("./User/")
    })
}

fn catalogs() -> impl Strategy<Value = WindowsCatalog> {
    let scenario = (
        word(),
        any::<bool>(),
        option::of(select(Body::ALL)),
        stated(csp_name()),
        btree_set(select(Request::ALL), 0..3),
        stated(select(Scope::ALL)),
    )
        .prop_map(|(name, draft, body, csps, requests, scopes)| Scenario {
            name,
            draft,
            body,
            csps,
            requests,
            scopes,
        });
    (vec((csp_name(), nodes()), 0..3), vec(scenario, 0..3)).prop_map(|(csps, scenarios)| {
        let mut catalog = WindowsCatalog::default();
        for (name, root) in csps {
            catalog.add_csp(Csp {
                name,
                root: settled(root, &Node::default()),
            });
        }
        for scenario in scenarios {
            catalog.add_scenario(scenario);
        }
        catalog
    })
}

/// Lines as they are, lines with other words, and anything at all.
fn nasty_facts() -> impl Strategy<Value = String> {
    let words = "csp|scenario|node|\\./A|\\./Vendor/MSFT/A|-|Get|Add,Get|int|chr,xml|reboot|unverified|hidden|scopes|system|user\
                 |none|editions|pro|since|10\\.0|join|entra-joined|change|replace|together|atomic|named|value|integer|string\
                 |in|0,1|default|means|0|example|delete|keeps|outcome|done|pending|\\{A\\}|\\*|body|csps|requests|Complete|draft|\\PC{0,5}";
    let line = (select(&["", "  ", "    ", "      ", " "][..]), vec(words, 0..8))
        .prop_map(|(indent, words)| indent.to_owned() + &words.join(" "));
    let committed: Vec<&str> = WINDOWS.lines().skip(2).collect();
    let line = prop_oneof![
        line,
        select(committed).prop_map(str::to_owned),
        Just(String::new())
    ];
    (any::<bool>(), vec(line, 0..12)).prop_map(|(header, lines)| {
        let header = WINDOWS
            .lines()
            .take(if header { 2 } else { 0 })
            .map(str::to_owned);
        header.chain(lines).map(|line| line + "\n").collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn what_is_written_reads_back(catalog in catalogs()) {
        prop_assert_eq!(read_windows(&write_windows(&catalog)).unwrap(), catalog);
    }

    #[test]
    fn any_text_is_refused_or_the_one_form(text in nasty_facts()) {
        if let Ok(catalog) = read_windows(&text) {
            prop_assert_eq!(write_windows(&catalog), text);
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_the_one_form(at in any::<Index>(), with in "\\PC{0,3}|\n| ") {
        let mut text = WINDOWS.to_owned();
        let at = at.index(text.len());
        text.replace_range(at..=at, &with);
        if let Ok(catalog) = read_windows(&text) {
            prop_assert_eq!(write_windows(&catalog), text);
        }
    }
}
