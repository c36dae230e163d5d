use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// Text that XML can carry.
fn text() -> impl Strategy<Value = String> {
    "[ -~äü€\t\n\r<>&'\"]{0,12}"
}

/// A name or label.
fn name() -> impl Strategy<Value = String> {
    "[ -~äü€<>&'\"]{1,12}"
}

fn secret() -> impl Strategy<Value = Secret> {
    text().prop_map(Secret::new)
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Device), Just(Scope::User)]
}

fn formats() -> impl Strategy<Value = Option<Format>> {
    option::of(prop_oneof![
        Just(Format::Chr),
        Just(Format::Null),
        "[a-z]{1,3}".prop_map(Format::from_text)
    ])
}

fn some_state() -> impl Strategy<Value = Option<State>> {
    option::of(prop_oneof![0..100_u32, any::<u32>()].prop_map(State))
}

/// Things of different names.
fn distinct<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
    key: impl Fn(&T) -> String,
) -> impl Strategy<Value = Vec<T>> {
    vec(value, 0..4).prop_map(move |mut all| {
        let mut seen = BTreeSet::new();
        all.retain(|one| seen.insert(key(one)));
        all
    })
}

fn parameters() -> impl Strategy<Value = Vec<Parameter>> {
    let one = (name(), secret()).prop_map(|(name, value)| Parameter { name, value });
    distinct(one, |one| one.name.clone())
}

fn documents() -> impl Strategy<Value = Document> {
    let uri = (name(), formats(), secret()).prop_map(|(path, format, value)| Uri { path, format, value });
    let csp = (name(), distinct(uri, |uri| uri.path.clone())).prop_map(|(name, uris)| Csp { name, uris });
    let dsc = (name(), name(), parameters(), parameters()).prop_map(|(namespace, class, keys, values)| Dsc {
        namespace,
        class,
        keys,
        values,
    });
    let body = prop_oneof![
        vec(csp, 0..3).prop_map(Body::Csp),
        vec(dsc, 1..3).prop_map(Body::Dsc)
    ];
    let property =
        (name(), formats(), secret()).prop_map(|(name, format, value)| Property { name, format, value });
    let reflected = distinct(property, |property| property.name.clone());
    (scope(), name(), name(), name(), reflected, body).prop_map(
        |(scope, id, checksum, scenario, reflected, body)| Document {
            scope,
            id: DocId::new(&id),
            checksum,
            scenario,
            reflected,
            body,
        },
    )
}

fn some_results() -> impl Strategy<Value = DocumentResult> {
    let uri = (name(), option::of(name()), some_state(), formats(), secret()).prop_map(
        |(path, status, state, format, value)| UriResult {
            path,
            status,
            state,
            format,
            value,
        },
    );
    let csp = (name(), some_state(), distinct(uri, |uri| uri.path.clone()))
        .prop_map(|(name, state, uris)| CspResult { name, state, uris });
    let dsc = (
        name(),
        name(),
        option::of(name()),
        some_state(),
        parameters(),
        parameters(),
    )
        .prop_map(|(namespace, class, status, state, keys, values)| DscResult {
            namespace,
            class,
            status,
            state,
            keys,
            values,
        });
    let body = prop_oneof![
        vec(csp, 0..3).prop_map(Body::Csp),
        vec(dsc, 1..3).prop_map(Body::Dsc)
    ];
    let labels = (
        option::of(name()),
        option::of(name()),
        option::of(name()),
        option::of(name()),
    );
    (
        option::of(scope()),
        name(),
        labels,
        option::of(0..253_402_300_800_i64),
        some_state(),
        body,
    )
        .prop_map(
            |(scope, id, (scenario, checksum, result_checksum, operation), timestamp, state, body)| {
                DocumentResult {
                    scope,
                    id: DocId::new(&id),
                    scenario,
                    checksum,
                    result_checksum,
                    timestamp,
                    operation,
                    state,
                    body,
                }
            },
        )
}

fn some_lists() -> impl Strategy<Value = DeclaredConfigurations> {
    let listed = (
        option::of(scope()),
        name(),
        option::of(name()),
        option::of(name()),
        some_state(),
        option::of(any::<bool>()),
    )
        .prop_map(
            |(scope, id, checksum, result_checksum, state, abandoned)| Listed {
                scope,
                id: DocId::new(&id),
                checksum,
                result_checksum,
                state,
                abandoned,
            },
        );
    distinct(listed, |listed| listed.id.to_string())
        .prop_map(|documents| DeclaredConfigurations { documents })
}

fn blobs() -> impl Strategy<Value = InstanceBlob> {
    (proptest::collection::btree_set(name(), 0..4), 0..3_usize, text()).prop_map(|(names, count, text)| {
        InstanceBlob {
            instances: (0..count)
                .map(|number| {
                    let value = |name: &String| (name.clone(), Secret::new(format!("{number}{text}")));
                    Instance(names.iter().map(value).collect())
                })
                .collect(),
        }
    })
}

/// Reads `text` as everything there is; what can be read can be written, and reads as the same.
fn read_all(text: &str) {
    if let Ok(read) = Document::parse(text) {
        assert_eq!(Document::parse(&read.to_xml().unwrap()), Ok(read));
    }
    if let Ok(read) = DocumentResult::parse(text) {
        assert_eq!(DocumentResult::parse(&read.to_xml().unwrap()), Ok(read));
    }
    if let Ok(read) = DeclaredConfigurations::parse(text) {
        assert_eq!(DeclaredConfigurations::parse(&read.to_xml().unwrap()), Ok(read));
    }
    if let Ok(read) = InstanceBlob::parse(text) {
        assert_eq!(InstanceBlob::parse(&read.to_xml().unwrap()), Ok(read));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(document in documents(), result in some_results(), list in some_lists(), blob in blobs()) {
        prop_assert_eq!(Document::parse(&document.to_xml().unwrap()), Ok(document));
        prop_assert_eq!(DocumentResult::parse(&result.to_xml().unwrap()), Ok(result));
        prop_assert_eq!(DeclaredConfigurations::parse(&list.to_xml().unwrap()), Ok(list));
        prop_assert_eq!(InstanceBlob::parse(&blob.to_xml().unwrap()), Ok(blob));
    }

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        read_all(&text);
        let _ = Instance::default().fill_in(&text);
        let _ = DocId::new(&text).is_guid();
    }

    #[test]
    fn changed_documents_are_read_or_refused(
        which in 0..9_usize,
        changes in vec((any::<proptest::sample::Index>(), 0..40_usize, "[<>/&=\" \\-a-c@#0]{0,8}|<CSP name=\"a\"/>|<URI path=\"a\"/>|<DSC/>|</CSP>"), 1..4),
    ) {
        let all = [VPN, WIFI, MOTD, INVENTORY, TEMPLATE, FAILED, FOUND, LIST, INSTANCES];
        let mut octets = all[which].as_bytes().to_vec();
        for (at, removed, inserted) in changes {
            let at = at.index(octets.len());
            let end = (at + removed).min(octets.len());
            octets.splice(at..end, inserted.bytes());
        }
        read_all(&String::from_utf8_lossy(&octets));
    }
}
