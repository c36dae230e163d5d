//! What is kept in memory is never older than what is stored, whoever wrote it.

use ordain_model::decision::Write;
use ordain_model::record::StatusRecord;

use crate::fixtures::*;

fn said(what: &str) -> StatusRecord {
    StatusRecord {
        problems: vec![what.into()],
        ..StatusRecord::default()
    }
}

#[tokio::test]
async fn what_another_node_wrote_is_read() {
    on_each(async |store, database| {
        let other = database.open().await.unwrap();
        for channel in ["d1", "d1:ann"] {
            enroll(store, channel).await;
            for round in 1..=3 {
                for node in [store, &other] {
                    let state = node.channel(&id(channel)).await.unwrap();
                    let mut next = state.channel().unwrap().clone();
                    next.stamp = round;
                    let report = said(&format!("{round}"));
                    let writes = [write(&next), Write::Status(id(channel), report.clone().into())];
                    node.commit(&state, &writes, None).await.unwrap();
                    for reader in [store, &other] {
                        let read = reader.channel(&id(channel)).await.unwrap();
                        assert_eq!(read.channel().unwrap().stamp, round);
                        assert_eq!(*reader.record(&read).await.unwrap(), report);
                    }
                }
            }
        }
    })
    .await;
}

/// A user who leaves and comes back has a new row, which must not pass for the old one.
#[tokio::test]
async fn a_channel_that_came_back_is_another_one() {
    on_each(async |store, database| {
        let other = database.open().await.unwrap();
        enroll(store, "d1").await;
        for stamp in 0..5 {
            let state = other.channel(&id("d1:ann")).await.unwrap();
            let mut ann = enrollment("d1:ann");
            ann.since = stamp;
            other.commit(&state, &[write(&ann)], None).await.unwrap();
            let state = store.channel(&id("d1:ann")).await.unwrap();
            assert_eq!(state.channel().unwrap().since, stamp);
            other
                .commit(&state, &[Write::Forget(id("d1:ann"))], None)
                .await
                .unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn many_at_once_get_their_own() {
    on_each(async |store, _| {
        for device in 0..200 {
            enroll(store, &format!("d{device}")).await;
        }
        let reads = (0..400).map(|device| {
            let device = id(&format!("d{device}"));
            async move { (store.channel(&device).await.unwrap(), device) }
        });
        for (state, device) in futures_util::future::join_all(reads).await {
            let is_there = device.device_part()[1..].parse::<u32>().unwrap() < 200;
            assert_eq!(state.channel().map(|row| &row.id), is_there.then_some(&device));
        }
    })
    .await;
}
