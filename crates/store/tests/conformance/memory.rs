//! What is kept in memory is never older than what is stored, whoever wrote it.

use ordain_model::decision::Write;
use ordain_model::queue::State;
use ordain_model::record::StatusRecord;
use ordain_store::Store;
use ordain_testbed::Database;

use crate::fixtures::*;
use crate::queue::{moved, order};

/// A second one, where there may be one.
async fn other_node(store: &Store, database: &Database) -> Option<Store> {
    match store.is_shared() {
        true => Some(database.open().await.unwrap()),
        false => None,
    }
}

fn said(what: &str) -> StatusRecord {
    StatusRecord {
        problems: vec![what.into()],
        ..StatusRecord::default()
    }
}

#[tokio::test]
async fn what_another_node_wrote_is_read() {
    on_each(async |store, database| {
        let Some(other) = other_node(store, database).await else {
            return;
        };
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
                        assert_eq!(*reader.reported(&read).await.unwrap(), report);
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
        let Some(other) = other_node(store, database).await else {
            return;
        };
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

/// Whatever is written, in whatever order: who opens the database finds what is remembered.
#[tokio::test]
async fn what_is_remembered_is_what_is_stored() {
    const CHANNELS: [&str; 3] = ["d1", "d1:ann", "d2"];
    on_each(async |store, database| {
        for channel in CHANNELS {
            enroll(store, channel).await;
        }
        let mut dice = 7_u64;
        for round in 0..120 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let channel = CHANNELS[(dice >> 40) as usize % CHANNELS.len()];
            something(store, channel, (dice >> 50) % 8, round).await;
            let newcomer = database.open().await.unwrap();
            for channel in CHANNELS {
                let remembered = store.channel(&id(channel)).await.unwrap();
                assert_eq!(
                    remembered,
                    newcomer.channel(&id(channel)).await.unwrap(),
                    "{round}"
                );
            }
        }
    })
    .await;
}

/// One of eight things that may happen to a channel.
pub(crate) async fn something(store: &Store, channel: &str, what: u64, round: i64) {
    let state = store.channel(&id(channel)).await.unwrap();
    let Some(known) = state.channel() else {
        enroll(store, channel).await;
        return;
    };
    let mut next = known.clone();
    next.since = round;
    match what {
        0 | 1 => {
            next.stamp = if what == 0 { round } else { known.stamp };
            store.commit(&state, &[write(&next)], None).await.unwrap();
        }
        2 => {
            let device = id(channel).to_device();
            if store.channel(&device).await.unwrap().channel().is_some() {
                order(store, &format!("c{round}"), &[channel]).await;
            }
        }
        3 | 4 => {
            let to = if what == 3 {
                State::Sent
            } else {
                State::Acknowledged
            };
            if let Some(first) = store.queue(&id(channel), 0, 1).await.unwrap().first() {
                let writes = [moved(first, to), write(&next)];
                store
                    .commit(&state, &writes[usize::from(round % 2 == 0)..], None)
                    .await
                    .unwrap();
            }
        }
        5 => store
            .commit(&state, &[Write::Forget(id(channel))], None)
            .await
            .unwrap(),
        6 => {
            let device = id(channel).to_device();
            let state = store.channel(&device).await.unwrap();
            store
                .commit(&state, &[Write::EndGeneration(device)], None)
                .await
                .unwrap();
        }
        _ => store.expire(NOW + 500 * (round % 4)).await.unwrap(),
    }
}
