//! Memberships in groups by predicate: whose are due is found without reading the others.

use ordain_model::decision::Write;
use ordain_model::enrollment::Enrollment;
use ordain_model::record::StatusRecord;
use ordain_store::Store;
use serde_json::json;

use crate::fixtures::*;

async fn decide(store: &Store, name: &str, by: Option<&str>) {
    let state = store.channel(&id(name)).await.unwrap();
    let mut device: Enrollment = state.device().unwrap().clone();
    device.groups.by = by.map(digest);
    device.groups.member = names(&["lab"]);
    store.commit(&state, &[write(&device)], None).await.unwrap();
}

async fn undecided(store: &Store, by: &str) -> Vec<String> {
    let mut found = Vec::new();
    for limit in [1, 100] {
        let devices = store.undecided(digest(by), limit).await.unwrap();
        assert!(devices.len() <= limit as usize);
        found = devices.iter().map(|device| device.state.id.to_string()).collect();
        found.sort();
    }
    found
}

#[tokio::test]
async fn those_that_other_conditions_decided_are_due() {
    on_each(async |store, _| {
        for name in ["d1", "d2", "d3", "d1:ann"] {
            enroll(store, name).await;
        }
        assert_eq!(undecided(store, "new").await, ["d1", "d2", "d3"]);
        assert_eq!(store.count_undecided(digest("new")).await.unwrap(), 3);
        assert_eq!(store.count_devices().await.unwrap(), 3);
        decide(store, "d1", Some("new")).await;
        decide(store, "d2", Some("old")).await;
        // The hash of what decided a device may come before that of the new conditions, or after it.
        decide(store, "d3", Some("other")).await;
        assert_eq!(store.count_undecided(digest("new")).await.unwrap(), 2);
        while let Some(device) = store.undecided(digest("new"), 1).await.unwrap().pop() {
            decide(store, &device.state.id.to_string(), Some("new")).await;
        }
        assert_eq!(store.count_undecided(digest("new")).await.unwrap(), 0);
        decide(store, "d2", None).await;
        assert_eq!(undecided(store, "new").await, ["d2"]);
    })
    .await;
}

#[tokio::test]
async fn a_device_is_read_with_what_it_reported_and_can_be_written() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        enroll(store, "d2").await;
        let record = StatusRecord {
            items: [("passcode.is-present".to_owned(), json!(true))].into(),
            ..StatusRecord::default()
        };
        let device = state.device().unwrap();
        let writes = [Write::Status(id("d1"), record.clone().into()), write(device)];
        store.commit(&state, &writes, None).await.unwrap();

        let devices = store.known_devices(None, 10).await.unwrap();
        let items: Vec<_> = devices.iter().map(|device| &device.items).collect();
        assert_eq!(items, [&record.items, &Default::default()]);
        assert_eq!(devices[0].state.device(), Some(device));
        let behind = store.known_devices(Some(&id("d1")), 10).await.unwrap();
        assert_eq!(behind, devices[1..]);
        assert_eq!(store.known_devices(None, 1).await.unwrap(), devices[..1]);

        let changed = Enrollment {
            tags: names(&["lab"]),
            ..device.clone()
        };
        store
            .commit(&devices[0].state, &[write(&changed)], None)
            .await
            .unwrap();
        let lost = store.commit(&devices[0].state, &[write(&changed)], None).await;
        assert_eq!(lost, Err(ordain_store::StoreError::Conflict));
    })
    .await;
}
