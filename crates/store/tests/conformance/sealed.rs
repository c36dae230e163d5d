//! Sealed values: found wherever they lie, and replaced only as they were read.

use ordain_model::decision::{EscrowKind, Write};
use ordain_store::{SEALED_PLACES, SealedPlace, SealedValue, Store, escrow_context};

use crate::fixtures::*;

fn place(table: &str) -> &'static SealedPlace {
    SEALED_PLACES.iter().find(|place| place.table == table).unwrap()
}

async fn put(store: &Store, channel: &str, kind: EscrowKind, sealed: &[u8]) {
    let state = store.channel(&id(channel)).await.unwrap();
    let write = Write::Escrow(id(channel), kind, Some(sealed.to_vec()));
    store.commit(&state, &[write], None).await.unwrap();
}

fn names(values: &[SealedValue]) -> Vec<String> {
    values.iter().map(SealedValue::name).collect()
}

#[tokio::test]
async fn they_are_read_a_stretch_at_a_time() {
    on_each(async |store, _| {
        for channel in ["A", "B"] {
            enroll(store, channel).await;
            put(store, channel, EscrowKind::Unlock, b"an unlock token").await;
            put(store, channel, EscrowKind::Bootstrap, b"a bootstrap token").await;
        }
        let first = store.sealed(place("escrow"), None, None, 3).await.unwrap();
        assert_eq!(
            names(&first),
            ["escrow A bootstrap", "escrow A unlock", "escrow B bootstrap"]
        );
        assert_eq!(first[1].sealed, b"an unlock token");
        assert_eq!(first[1].context(), escrow_context(&id("A"), EscrowKind::Unlock));
        let rest = store
            .sealed(place("escrow"), first.last(), Some(5), 3)
            .await
            .unwrap();
        assert_eq!(names(&rest), ["escrow B unlock"]);
        assert_eq!(rest[0].sealed, b"an un");

        store.setting_or("device-ca", b"sealed".to_vec()).await.unwrap();
        store.setting_or("public-url", b"plain".to_vec()).await.unwrap();
        let settings = store.sealed(place("setting"), None, None, 3).await.unwrap();
        assert_eq!(names(&settings), ["setting device-ca"]);
        assert_eq!(settings[0].context(), b"device-ca");
    })
    .await;
}

#[tokio::test]
async fn one_that_has_changed_is_left_as_it_is() {
    on_each(async |store, _| {
        enroll(store, "A").await;
        put(store, "A", EscrowKind::Unlock, b"old").await;
        put(store, "A", EscrowKind::Bootstrap, b"old").await;
        let values = store.sealed(place("escrow"), None, None, 9).await.unwrap();
        put(store, "A", EscrowKind::Unlock, b"newer").await;
        let anew = values
            .into_iter()
            .map(|value| (value, b"sealed anew".to_vec()))
            .collect();
        store.reseal(anew).await.unwrap();
        let escrow = async |kind| store.escrow(&id("A"), kind).await.unwrap().unwrap();
        assert_eq!(escrow(EscrowKind::Unlock).await, b"newer");
        assert_eq!(escrow(EscrowKind::Bootstrap).await, b"sealed anew");
        assert_eq!(
            escrow_context(&id("A:U"), EscrowKind::Unlock),
            b"escrow\nunlock\nA:U"
        );
    })
    .await;
}

/// Columns of octets that are no secrets, or secrets and no secrets side by side, of which the list names the former.
const PLAIN: [&str; 3] = ["blob.body", "declaration.body", "setting.value"];
/// Columns for which nothing seals yet. Whoever begins to takes them from here into the list.
const UNUSED: [&str; 2] = ["command.payload", "delivery.result"];

#[test]
fn no_column_of_octets_is_forgotten() {
    let mut found = Vec::new();
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    for script in std::fs::read_dir(scripts).unwrap() {
        let text = std::fs::read_to_string(script.unwrap().path()).unwrap();
        let mut table = "";
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.trim_end_matches(" (");
            }
            if let Some((column, _)) = line.split_once(" BLOB") {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    assert!(found.contains(&"escrow.sealed".to_owned()), "{found:?}");
    let is_known = |column: &String| {
        let table = column.split('.').next().unwrap();
        let is_listed = SEALED_PLACES.iter().any(|place| place.table == table);
        is_listed || PLAIN.contains(&column.as_str()) || UNUSED.contains(&column.as_str())
    };
    found.retain(|column| !is_known(column));
    assert!(
        found.is_empty(),
        "a rotation of keys would lose what is sealed in {found:?}"
    );
}
