//! Claims: who went by a name first, for ever.

use ordain_model::decision::{Claim, Write};
use ordain_store::{Store, StoreError};
use ordain_testbed::Database;

use crate::fixtures::*;

fn claims(device: &str, names: &[&str], claim: Claim) -> Write {
    let names = names.iter().map(|name| ((*name).to_owned(), claim));
    Write::Claims(id(device), names.collect())
}

async fn claim(store: &Store, device: &str, names: &[&str], claim: Claim) -> Result<(), StoreError> {
    let state = store.channel(&id(device)).await?;
    store.commit(&state, &[claims(device, names, claim)], None).await
}

#[tokio::test]
async fn a_name_is_that_of_the_first_until_an_administrator_says_otherwise() {
    on_each(async |store, _| {
        let elsewhere = async |device: &str| {
            let names = ["S1", "S2", "S3"].into_iter();
            store.claimed_elsewhere(names, &id(device)).await.unwrap()
        };
        claim(store, "d1", &["S1", "S2"], Claim::First).await.unwrap();
        claim(store, "d1", &["S1"], Claim::First).await.unwrap();
        assert_eq!(elsewhere("d1").await, names(&[]));
        assert_eq!(elsewhere("d2").await, names(&["S1", "S2"]));

        let lost = claim(store, "d2", &["S1", "S3"], Claim::First).await;
        assert_eq!(lost, Err(StoreError::Conflict));
        assert_eq!(elsewhere("d1").await, names(&[]), "all or none");
        claim(store, "d2", &["S1", "S3"], Claim::Said).await.unwrap();
        assert_eq!(elsewhere("d1").await, names(&["S3"]));
        assert_eq!(elsewhere("d2").await, names(&["S1", "S2"]));

        claim(store, "d2", &["S1", "S3"], Claim::Approved).await.unwrap();
        assert_eq!(elsewhere("d1").await, names(&["S1", "S3"]));
        assert_eq!(elsewhere("d2").await, names(&["S2"]));
        let lost = claim(store, "d1", &["S1"], Claim::First).await;
        assert_eq!(lost, Err(StoreError::Conflict));
    })
    .await;
}

/// Neither the end of a generation nor anything that the device says afterwards.
#[tokio::test]
async fn nothing_frees_a_name() {
    on_each(async |store, _| {
        enroll(store, "d1").await;
        claim(store, "d1", &["S1"], Claim::First).await.unwrap();
        let state = store.channel(&id("d1")).await.unwrap();
        let mut renamed = enrollment("d1");
        renamed.facts.serial = Some("S9".into());
        let writes = [Write::EndGeneration(id("d1")), write(&renamed)];
        store.commit(&state, &writes, None).await.unwrap();
        claim(store, "d1", &["S9"], Claim::Said).await.unwrap();
        let names_of = ["S1", "S9"].into_iter();
        assert_eq!(
            store.claimed_elsewhere(names_of, &id("d2")).await.unwrap(),
            names(&["S1", "S9"])
        );
    })
    .await;
}

/// Two devices that rely on being the first with one name, whichever kind of name it is to each: one of them is.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_are_first_at_once_are_one_too_many() {
    on_each(async |store: &Store, database: &Database| {
        let other_node = if store.is_shared() {
            Some(database.open().await.unwrap())
        } else {
            None
        };
        let other_node = other_node.as_ref().unwrap_or(store);
        for round in 0..40 {
            let name = format!("name-{round}");
            let (one, other) = (format!("a-{round}"), format!("z-{round}"));
            let begin = async |store: &Store, device: &str| {
                let state = nothing(id(device));
                let claims = claims(device, &[device, &name], Claim::First);
                store
                    .commit(&state, &[claims, write(&enrollment(device))], None)
                    .await
            };
            let outcomes = tokio::join!(begin(store, &one), begin(other_node, &other));
            let (first, second) = match outcomes {
                (Ok(()), Err(StoreError::Conflict)) => (&one, &other),
                (Err(StoreError::Conflict), Ok(())) => (&other, &one),
                outcomes => panic!("round {round}: {outcomes:?}"),
            };
            let elsewhere = async |device: &str| {
                let names = [name.as_str()].into_iter();
                !store
                    .claimed_elsewhere(names, &id(device))
                    .await
                    .unwrap()
                    .is_empty()
            };
            assert!(
                !elsewhere(first).await && elsewhere(second).await,
                "round {round}"
            );
            assert!(store.channel(&id(second)).await.unwrap().device.is_none());
        }
    })
    .await;
}
