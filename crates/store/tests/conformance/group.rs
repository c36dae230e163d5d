//! Many at once: each commit stands for itself, however they are grouped.

use std::sync::Arc;

use ordain_model::decision::{Claim, Write};
use ordain_model::enrollment::Service;
use ordain_model::record::{Exception, StatusRecord};
use ordain_store::{ChannelState, Cursor, Lane, Store, StoreError};

use crate::events::{event, read};
use crate::fixtures::*;

/// Of 200 commits at once every third is stale: only these fail, and each leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_stale_ones_fail() {
    for database in ordain_testbed::databases().await {
        let store = Arc::new(database.open().await.unwrap());
        let is_stale = |number: usize| number.is_multiple_of(3);
        for number in (0..200).filter(|&number| is_stale(number)) {
            enroll(&store, &format!("d{number}")).await;
        }
        let commits: Vec<_> = (0..200)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let name = format!("d{number}");
                    let mut enrolled = enrollment(&name);
                    enrolled.stamp = 5;
                    // Nobody has read that it is there already.
                    let writes = [Write::Identity(pinned(&name, &name)), write(&enrolled)];
                    store
                        .commit(&nothing(id(&name)), &writes, Some(&audit(&name)))
                        .await
                })
            })
            .collect();
        for (number, commit) in commits.into_iter().enumerate() {
            let expected = if is_stale(number) {
                Err(StoreError::Conflict)
            } else {
                Ok(())
            };
            assert_eq!(commit.await.unwrap(), expected, "{} d{number}", database.name());
        }
        for number in 0..200 {
            let name = format!("d{number}");
            let stored = store.channel(&id(&name)).await.unwrap();
            assert_eq!(
                stored.channel().unwrap().stamp,
                if is_stale(number) { 0 } else { 5 }
            );
            let identity = store.identity(digest(&name)).await.unwrap();
            assert_eq!(identity.is_some(), !is_stale(number));
        }
        assert_eq!(store.audit(None, 1_000).await.unwrap().len(), 133);
    }
}

/// Everybody adds one to one row, and tries again after a conflict: no addition is lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost() {
    for database in ordain_testbed::databases().await {
        let store = Arc::new(database.open().await.unwrap());
        enroll(&store, "d1").await;
        let add = |store: Arc<Store>| async move {
            loop {
                let state = store.channel(&id("d1")).await.unwrap();
                let mut next = state.channel().unwrap().clone();
                next.stamp += 1;
                match store.commit(&state, &[write(&next)], None).await {
                    Ok(()) => return,
                    Err(StoreError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let all: Vec<_> = (0..20).map(|_| tokio::spawn(add(store.clone()))).collect();
        for one in all {
            one.await.unwrap();
        }
        let state = store.channel(&id("d1")).await.unwrap();
        assert_eq!(state.channel().unwrap().stamp, 20, "{}", database.name());
    }
}

/// What is a commit about one device's report: its record, two events, a wake, and its row.
fn report(state: &ChannelState, said: &str) -> Vec<Write> {
    let record = StatusRecord {
        problems: vec![said.to_owned()],
        exceptions: ["a", "b"].map(|name| failed(name, said)).into(),
        ..StatusRecord::default()
    };
    let mut next = state.channel().unwrap().clone();
    next.since += 1;
    vec![
        Write::Event(event(&state.id.to_string(), NOW)),
        Write::Event(event(&state.id.to_string(), NOW + 1)),
        Write::Status(state.id.clone(), record.into()),
        Write::Wake(state.id.clone(), NOW),
        write(&next),
    ]
}

fn failed(identifier: &str, said: &str) -> Exception {
    Exception {
        identifier: identifier.into(),
        server_token: digest(said),
        reasons: vec![],
        since: NOW,
    }
}

/// 80 devices report at once, each twice on what was read once: never are both there, and of those that are not there is
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_reports_at_once_one_is_there() {
    const DEVICES: usize = 80;
    for database in ordain_testbed::databases().await {
        let store = Arc::new(database.open().await.unwrap());
        let name = |number: usize| format!("d{number}");
        let mut states = Vec::new();
        for number in 0..DEVICES {
            states.push(enroll(&store, &name(number)).await);
        }
        let commit = |said: &'static str, state: &ChannelState| {
            let (store, state) = (store.clone(), state.clone());
            tokio::spawn(async move { store.commit(&state, &report(&state, said), None).await })
        };
        let commits: Vec<_> = states
            .iter()
            .map(|state| ["one", "two"].map(|said| (said, commit(said, state))))
            .collect();
        let mut reports = Vec::new();
        for commits in commits {
            let mut won = None;
            for (said, commit) in commits {
                match commit.await.unwrap() {
                    Ok(()) => assert_eq!(won.replace(said), None),
                    Err(error) => assert_eq!(error, StoreError::Conflict),
                }
            }
            reports.push(won);
        }
        // Two groups that lock the same rows can stand in each other's way, and a report can lose by that.
        let count = reports.iter().flatten().count();
        assert!(count > DEVICES / 2, "{count} on {}", database.name());
        let page = read(&store, Cursor::BEGINNING, 2 * count).await;
        assert_eq!(page.events.len(), 2 * count);
        let due = store.due(Service::Apns, Lane::News, NOW, 1_000).await.unwrap();
        assert!(due.len() == count && due.iter().all(|sleeper| sleeper.asked == 1));
        for (number, won) in reports.into_iter().enumerate() {
            let id = id(&name(number));
            let status = store.status(&id).await.unwrap();
            let state = store.channel(&id).await.unwrap();
            let events = page.events.iter().filter(|(_, event)| event.enrollment == id);
            let told: Vec<i64> = events.map(|(_, event)| event.at).collect();
            assert_eq!(state.channel().unwrap().since, NOW + i64::from(won.is_some()));
            match won {
                Some(said) => {
                    assert_eq!(status.problems, [said]);
                    assert_eq!(status.exceptions, ["a", "b"].map(|name| failed(name, said)));
                    assert_eq!(told, [NOW, NOW + 1]);
                }
                None => {
                    assert_eq!(status, StatusRecord::default());
                    assert!(told.is_empty());
                }
            }
        }
    }
}

/// A device that starts anew while its user reports, and a certificate and a name that two claim, in one group with
/// others: each is done as if it were alone.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_something_in_common_does_it_one_after_the_other() {
    for database in ordain_testbed::databases().await {
        let store = Arc::new(database.open().await.unwrap());
        for round in 0..8 {
            let (device, user) = (format!("d{round}"), format!("d{round}:ann"));
            let (of_device, of_user) = (enroll(&store, &device).await, enroll(&store, &user).await);
            let mut anew = enrollment(&device);
            anew.generation = 2;
            let first = |name: &str| {
                let names = [format!("{name}'s"), format!("of round {round}")];
                let writes = vec![
                    Write::Identity(pinned(&format!("certificate {round}"), name)),
                    Write::Claims(id(name), names.map(|name| (name, Claim::First)).into()),
                    write(&enrollment(name)),
                ];
                (nothing(id(name)), writes)
            };
            let (one, two) = (format!("one{round}"), format!("two{round}"));
            let mut work = vec![
                (of_device, vec![Write::EndGeneration(id(&device)), write(&anew)]),
                (of_user.clone(), report(&of_user, "said")),
                first(&one),
                first(&two),
            ];
            for number in 0..20 {
                let name = format!("other{round}-{number}");
                work.push((nothing(id(&name)), vec![write(&enrollment(&name))]));
            }
            let commits: Vec<_> = work
                .into_iter()
                .map(|(state, writes)| {
                    let store = store.clone();
                    tokio::spawn(async move { store.commit(&state, &writes, None).await })
                })
                .collect();
            let mut outcomes = Vec::new();
            for commit in commits {
                outcomes.push(commit.await.unwrap());
            }
            assert_eq!(outcomes[0], Ok(()));
            // Before the device or after it: nothing of the generation that ended is left.
            assert!(outcomes[1] == Ok(()) || outcomes[1] == Err(StoreError::Conflict));
            assert_eq!(store.status(&id(&user)).await.unwrap(), StatusRecord::default());
            assert!(store.channel(&id(&user)).await.unwrap().beside.is_none());
            let is_there = async |name: &str| store.channel(&id(name)).await.unwrap().device.is_some();
            assert_eq!(
                [&outcomes[2], &outcomes[3]]
                    .iter()
                    .filter(|outcome| outcome.is_ok())
                    .count(),
                1
            );
            assert_eq!(is_there(&one).await, outcomes[2].is_ok());
            assert_eq!(is_there(&two).await, outcomes[3].is_ok());
            assert!(outcomes[4..].iter().all(Result::is_ok), "{outcomes:?}");
        }
    }
}
