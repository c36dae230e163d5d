//! The fleet as predicates see it.

use std::sync::Arc;

use ordain_model::decision::Write;
use ordain_model::enrollment::{Enrollment, Memberships, Phase};
use ordain_model::known::Known;
use ordain_model::record::StatusRecord;
use ordain_model::subject::Traits;
use ordain_store::Store;
use serde_json::json;

use crate::fixtures::*;

fn record(family: &str) -> StatusRecord {
    let items = json!({"device.model.family": family, "app.managed.list": [{"identifier": "a"}]});
    StatusRecord {
        items: serde_json::from_value(items).unwrap(),
        ..StatusRecord::default()
    }
}

/// `enrollment` with a report of this, as the decision writes it.
fn reports(mut enrollment: Enrollment, record: StatusRecord) -> Vec<Write> {
    let known = Known::of(&record);
    enrollment.known = Some(known.digest());
    vec![
        Write::Known(known.digest(), Arc::new(known)),
        Write::Status(enrollment.id.clone(), Arc::new(record)),
        write(&enrollment),
    ]
}

async fn put(store: &Store, writes: &[Write]) {
    let Some(Write::Enrollment(enrollment)) = writes.last() else {
        panic!("no row");
    };
    let state = store.channel(&enrollment.id).await.unwrap();
    store.commit(&state, writes, None).await.unwrap();
}

#[tokio::test]
async fn devices_that_are_alike_share_what_is_known_of_them() {
    on_each(async |store, _| {
        let (pad, mac) = (record("iPad"), record("Mac"));
        for name in ["d1", "d2"] {
            put(store, &reports(enrollment(name), pad.clone())).await;
        }
        put(store, &[write(&enrollment("d1:ann"))]).await;
        put(store, &reports(enrollment("d3"), mac.clone())).await;
        let waiting = Enrollment {
            memberships: Memberships::Waiting,
            ..enrollment("d4")
        };
        put(store, &[write(&waiting)]).await;

        let all = store.census(None, 10).await.unwrap();
        let ids: Vec<_> = all.iter().map(|row| row.id.to_string()).collect();
        assert_eq!(ids, ["d1", "d2", "d3", "d4"]);
        assert_eq!(store.census_size().await.unwrap(), 4);
        assert_eq!(all[0].serial.as_deref(), Some("S-d1"));
        assert_eq!(all[0].likeness, all[1].likeness);
        assert_ne!(all[0].likeness, all[2].likeness);
        assert_eq!(all[0].likeness.traits().unwrap(), Traits::of(&enrollment("d2")));
        assert_eq!(all[3].likeness.traits().unwrap(), Traits::of(&waiting));
        assert_ne!(Traits::of(&waiting), Traits::of(&enrollment("d4")));
        let second = store.census(Some(&id("d1")), 2).await.unwrap();
        assert_eq!(second, all[1..3]);

        let digests = [
            Known::of(&pad).digest(),
            digest("nothing"),
            Known::of(&mac).digest(),
        ];
        let mut known = store.known(&digests).await.unwrap();
        known.sort_by_key(|(digest, _)| digests.iter().position(|one| one == digest));
        assert_eq!(
            known,
            [(digests[0], Known::of(&pad)), (digests[2], Known::of(&mac))]
        );
        assert_eq!(store.said(&id("d1")).await.unwrap(), pad);
        assert!(store.said(&id("d4")).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_no_device_has_any_more_is_pruned() {
    on_each(async |store, _| {
        let (pad, mac) = (record("iPad"), record("Mac"));
        let digests = [Known::of(&pad).digest(), Known::of(&mac).digest()];
        let kept = async || {
            store.prune_known().await.unwrap();
            let known = store.known(&digests).await.unwrap();
            digests.map(|digest| known.iter().any(|(kept, _)| *kept == digest))
        };
        put(store, &reports(enrollment("d1"), pad.clone())).await;
        put(store, &reports(enrollment("d2"), pad.clone())).await;
        assert_eq!(kept().await, [true, false]);
        put(store, &reports(enrollment("d1"), mac.clone())).await;
        assert_eq!(kept().await, [true, true]);
        // It leaves, and with it what was known.
        let left = Enrollment {
            phase: Phase::CheckedOut,
            ..enrollment("d2")
        };
        put(store, &[Write::EndGeneration(id("d2")), write(&left)]).await;
        assert_eq!(kept().await, [false, true]);
        let all = store.census(None, 10).await.unwrap();
        let ids: Vec<_> = all.iter().map(|row| row.id.to_string()).collect();
        assert_eq!(ids, ["d1"]);
        // A change of the terms alone.
        let mut enrolled = enrollment("d1");
        enrolled.facts.model = Some("Mac15,3".into());
        put(store, &reports(enrolled.clone(), mac.clone())).await;
        let all = store.census(None, 10).await.unwrap();
        assert_eq!(all[0].likeness.traits().unwrap(), Traits::of(&enrolled));
        assert_eq!(kept().await, [false, true]);
        // What was pruned is kept again for whoever has it again.
        put(store, &reports(enrolled, pad.clone())).await;
        assert_eq!(kept().await, [true, false]);
    })
    .await;
}
