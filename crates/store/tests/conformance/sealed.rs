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
