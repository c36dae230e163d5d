//! Wakes: nobody who was asked for is forgotten, whatever is written back meanwhile.

use ordain_model::agenda::Work;
use ordain_model::decision::Write;
use ordain_model::enrollment::{ApnsToken, Enrollment, Phase, Push, Service, WnsChannel};
use ordain_model::sweep::Sweep;
use ordain_model::wake::{Pushed, Wake};
use ordain_store::{Lane, Looked, Sighting, Sleeper, Store};

use crate::fixtures::*;

fn pushed() -> Pushed {
    Pushed {
        at: NOW,
        attempts: 1,
        wakes: 3,
        run: 9,
        work: Work {
            token: Some(digest("m")),
            queued: Some(7),
            round: None,
        },
        address: digest("address"),
        problem: None,
    }
}

fn looked(sleeper: &Sleeper, wake: Wake) -> Looked {
    Looked {
        id: sleeper.enrollment.id.clone(),
        generation: sleeper.enrollment.generation,
        asked: sleeper.asked,
        wake,
    }
}

async fn wake(store: &Store, name: &str, at: i64) {
    let state = store.channel(&id(name)).await.unwrap();
    store
        .commit(&state, &[Write::Wake(id(name), at)], None)
        .await
        .unwrap();
}

fn apns(topic: &str) -> Push {
    Push::Apns(ApnsToken {
        topic: topic.into(),
        magic: "m".into(),
        token: "01".into(),
    })
}

/// Stores a new channel that has told where to push it, if it has.
async fn reachable(store: &Store, name: &str, push: Option<Push>, is_windows: bool) {
    let state = store.channel(&id(name)).await.unwrap();
    let mut enrollment = Enrollment {
        push,
        ..enrollment(name)
    };
    enrollment.facts.windows = is_windows.then(Box::default);
    store.commit(&state, &[write(&enrollment)], None).await.unwrap();
}

/// Those that are due, the longest due first; those since the same time by name, though the store does not promise it.
async fn due(store: &Store, lane: Lane, now: i64) -> Vec<Sleeper> {
    let mut due = store.due(Service::Apns, lane, now, 100).await.unwrap();
    due.sort_by_key(|sleeper| (sleeper.wake.due_at, sleeper.enrollment.id.clone()));
    due
}

fn called(sleepers: &[Sleeper]) -> Vec<String> {
    sleepers
        .iter()
        .map(|sleeper| sleeper.enrollment.id.to_string())
        .collect()
}

#[tokio::test]
async fn who_is_due_comes_in_two_lanes() {
    on_each(async |store, _| {
        for name in ["d1", "d2", "d3"] {
            enroll(store, name).await;
        }
        assert!(due(store, Lane::News, NOW).await.is_empty());
        wake(store, "d1", NOW + 5).await;
        wake(store, "d2", NOW).await;
        assert_eq!(called(&due(store, Lane::News, NOW).await), ["d2"]);
        let both = store.due(Service::Apns, Lane::News, NOW + 5, 100).await.unwrap();
        assert_eq!(called(&both), ["d2", "d1"], "the longest due first");
        let kept = Wake {
            due_at: Some(NOW + 60),
            pushed: Some(pushed()),
        };
        store.looked(vec![looked(&both[0], kept.clone())]).await.unwrap();
        assert_eq!(called(&due(store, Lane::News, NOW + 100).await), ["d1"]);
        assert!(due(store, Lane::Again, NOW + 59).await.is_empty());
        let again = due(store, Lane::Again, NOW + 60).await;
        assert_eq!(called(&again), ["d2"]);
        assert_eq!(again[0].wake, kept);
        assert_eq!(again[0].queued, None);
        wake(store, "d2", NOW + 90).await;
        assert_eq!(
            called(&due(store, Lane::News, NOW + 60).await),
            ["d1", "d2"],
            "a wake makes nobody wait longer"
        );
        store
            .looked(vec![looked(&again[0], Wake::default())])
            .await
            .unwrap();
        let still = due(store, Lane::News, NOW + 60).await;
        assert_eq!(
            called(&still),
            ["d1", "d2"],
            "who was asked for meanwhile stays due"
        );
        assert_eq!(still[1].wake.pushed, None);
        store
            .looked(vec![looked(&still[1], Wake::default())])
            .await
            .unwrap();
        assert_eq!(called(&due(store, Lane::News, NOW + 1_000).await), ["d1"]);
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_a_sleeper_is_read_with_it() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        let mut device = state.channel().unwrap().clone();
        let user = Enrollment {
            push: Some(apns("com.apple.mgmt.External.b")),
            ..enrollment("d1:u")
        };
        let users = store.channel(&id("d1:u")).await.unwrap();
        store.commit(&users, &[write(&user)], None).await.unwrap();
        enroll(store, "d2").await;
        let sighting = Sighting {
            enrollment: id("d1:u"),
            generation: 1,
            seen_at: NOW,
            manifest: None,
            fetched: String::new(),
            wakes: 4,
        };
        store.note(vec![sighting]).await.unwrap();
        let all = store.sleepers(Service::Apns, "", None, 10).await.unwrap();
        assert_eq!(called(&all), ["d1", "d1:u", "d2"]);
        assert_eq!((all[0].device.as_ref(), all[0].wakes), (None, 0));
        assert_eq!((all[1].device.as_ref(), all[1].wakes), (Some(&device), 4));
        assert_eq!(all[1].wake, Wake::default());
        assert_eq!(
            called(&store.sleepers(Service::Apns, "d1", None, 1).await.unwrap()),
            ["d1:u"]
        );
        assert_eq!(
            called(
                &store
                    .sleepers(Service::Apns, "d1", Some("d1:u"), 10)
                    .await
                    .unwrap()
            ),
            ["d1:u"]
        );
        assert_eq!(store.count_channels(Service::Apns).await.unwrap(), 3);
        assert_eq!(
            store.topics().await.unwrap(),
            [("com.apple.mgmt.External.b".to_owned(), 1)]
        );

        // A row that there was none of is made; the device's wake wakes its users, and nobody whose name begins alike.
        enroll(store, "d10").await;
        let other = store.channel(&id("d10:u")).await.unwrap();
        let alike = Enrollment {
            id: id("d10:u"),
            ..user.clone()
        };
        let mut sleeping = all[1].clone();
        store.commit(&other, &[write(&alike)], None).await.unwrap();
        sleeping.enrollment.id = id("d10:u");
        let waiting = Wake {
            due_at: None,
            pushed: Some(Pushed { wakes: 4, ..pushed() }),
        };
        let both = [&all[1], &sleeping].map(|sleeper| looked(sleeper, waiting.clone()));
        store.looked(both.into()).await.unwrap();
        assert_eq!(store.wake_counts(Service::Apns, NOW).await.unwrap().unanswered, 1);
        wake(store, "d1", NOW).await;
        assert_eq!(called(&due(store, Lane::News, NOW).await), ["d1", "d1:u"]);

        device.phase = Phase::CheckedOut;
        let state = store.channel(&id("d1")).await.unwrap();
        let writes = [Write::EndGeneration(id("d1")), write(&device)];
        store.commit(&state, &writes, None).await.unwrap();
        assert_eq!(
            called(&store.sleepers(Service::Apns, "", None, 10).await.unwrap()),
            ["d10", "d10:u", "d2"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_generation_knows_nothing_of_the_pushes_before_it() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        wake(store, "d1", NOW).await;
        let before = due(store, Lane::News, NOW).await;
        let mut next = state.channel().unwrap().clone();
        next.generation = 2;
        let writes = [
            Write::EndGeneration(id("d1")),
            write(&next),
            Write::Wake(id("d1"), NOW + 1),
        ];
        store.commit(&state, &writes, None).await.unwrap();
        let late = Wake {
            due_at: None,
            pushed: Some(pushed()),
        };
        store.looked(vec![looked(&before[0], late)]).await.unwrap();
        let now = due(store, Lane::News, NOW + 1).await;
        assert_eq!(
            (called(&now), &now[0].wake.pushed),
            (vec!["d1".to_owned()], &None)
        );
    })
    .await;
}

#[tokio::test]
async fn problems_are_counted_and_refused_ones_tried_again_with_another_certificate() {
    on_each(async |store, _| {
        for name in ["d1", "d2", "d3"] {
            reachable(store, name, Some(apns("a")), false).await;
            wake(store, name, NOW).await;
        }
        let all = due(store, Lane::News, NOW).await;
        assert_eq!(store.wake_counts(Service::Apns, NOW).await.unwrap().due, 3);
        let with = Wake {
            due_at: Some(NOW + 60),
            pushed: Some(pushed()),
        };
        let refused = || with.clone().refused("BadDeviceToken".into(), 0);
        let came_of = vec![
            looked(&all[0], with.clone().dead()),
            looked(&all[1], refused()),
            looked(&all[2], refused()),
        ];
        store.looked(came_of).await.unwrap();
        let counts = store.wake_counts(Service::Apns, NOW).await.unwrap();
        assert_eq!((counts.due, counts.dead, counts.unanswered), (0, 1, 0));
        assert_eq!(counts.refused, [("BadDeviceToken".to_owned(), 2)]);
        store
            .set_pushed_with(
                Service::Apns,
                "push-certificate",
                Some(b"sealed".to_vec()),
                &audit("import"),
            )
            .await
            .unwrap();
        let again = due(store, Lane::News, NOW).await;
        assert_eq!(called(&again), ["d2", "d3"]);
        assert_eq!(again[0].wake.pushed, None);
        assert_eq!(store.wake_counts(Service::Apns, NOW).await.unwrap().dead, 1);
        assert_eq!(actions(store).await, ["import"]);
    })
    .await;
}

#[tokio::test]
async fn a_sweep_is_kept() {
    on_each(async |store, _| {
        assert_eq!(store.sweep(Service::Apns).await.unwrap(), Sweep::default());
        let sweep = Sweep::default().aim(3, 1_000, NOW);
        for kept in [sweep.clone(), Sweep { total: 1, ..sweep }] {
            store.keep_sweep(Service::Apns, &kept).await.unwrap();
            assert_eq!(store.sweep(Service::Apns).await.unwrap(), kept);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_is_one_nodes_until_it_ends() {
    on_each(async |store, _| {
        if !store.is_shared() {
            assert!(store.lease("push", "a", NOW, NOW + 30).await.unwrap());
            assert!(store.lease("push", "b", NOW, NOW + 30).await.unwrap());
            return;
        }
        let take = async |holder, now| store.lease("push", holder, now, now + 30).await.unwrap();
        assert!(take("a", NOW).await);
        assert!(!take("b", NOW + 30).await);
        assert!(take("a", NOW + 29).await, "it is kept by asking again");
        assert!(!take("b", NOW + 59).await);
        assert!(take("b", NOW + 60).await);
        assert!(!take("a", NOW + 61).await);
        store.release("push", "a").await.unwrap();
        assert!(!take("a", NOW + 61).await);
        store.release("push", "b").await.unwrap();
        assert!(take("a", NOW + 61).await);
    })
    .await;
}

/// A device tells its topic when it authenticates: from then on until it leaves it is counted, and no index learns of
/// anything with the TokenUpdate.
#[tokio::test]
async fn a_topic_counts_from_authenticate_on() {
    on_each(async |store, _| {
        let topics = async |enrollment: &Enrollment| {
            let state = store.channel(&enrollment.id).await.unwrap();
            store.commit(&state, &[write(enrollment)], None).await.unwrap();
            store.topics().await.unwrap()
        };
        let mut device = enrollment("d1");
        device.phase = Phase::Authenticated;
        device.facts.topic = Some("told".into());
        assert_eq!(topics(&device).await, [("told".to_owned(), 1)]);
        device.phase = Phase::Enrolled;
        device.push = Some(apns("told"));
        assert_eq!(topics(&device).await, [("told".to_owned(), 1)]);
        device.push = Some(apns("another"));
        assert_eq!(topics(&device).await, [("another".to_owned(), 1)]);
        device.phase = Phase::CheckedOut;
        device.push = None;
        assert_eq!(topics(&device).await, []);
    })
    .await;
}

/// Neither of the two services works through the other's rows, so that one that is not set up holds up nobody. A PC is
/// Windows' service to push before it has told where, and a linked channel is nobody's.
#[tokio::test]
async fn each_service_has_its_own_rows() {
    on_each(async |store, _| {
        let channel = WnsChannel {
            package: "p".into(),
            uri: "https://x.notify.windows.com/".into(),
            told_at: NOW,
        };
        reachable(store, "d1", Some(apns("a")), false).await;
        reachable(store, "d2", Some(Push::Wns(channel)), true).await;
        reachable(store, "d3", None, false).await;
        reachable(store, "d4", None, true).await;
        reachable(store, "d4::linked", None, true).await;
        for name in ["d1", "d2", "d3", "d4", "d4::linked"] {
            wake(store, name, NOW).await;
        }
        for (service, due, told) in [(Service::Apns, ["d1", "d3"], 1), (Service::Wns, ["d2", "d4"], 1)] {
            let mut found = called(&store.due(service, Lane::News, NOW, 100).await.unwrap());
            found.sort();
            assert_eq!(found, due);
            assert_eq!(called(&store.sleepers(service, "", None, 10).await.unwrap()), due);
            assert_eq!(store.count_channels(service).await.unwrap(), due.len() as u64);
            assert_eq!(store.count_told(service).await.unwrap(), told);
            assert_eq!(store.wake_counts(service, NOW).await.unwrap().due, told);
            assert_eq!(store.sweep(service).await.unwrap(), Sweep::default());
        }
        let kept = Sweep {
            revision: 3,
            ..Sweep::default()
        };
        store.keep_sweep(Service::Wns, &kept).await.unwrap();
        assert_eq!(store.sweep(Service::Apns).await.unwrap(), Sweep::default());
        assert_eq!(store.sweep(Service::Wns).await.unwrap(), kept);
        // What one refuses, only its own new credentials have tried again.
        let refused = store.due(Service::Wns, Lane::News, NOW, 100).await.unwrap();
        let refused = refused.iter().find(|sleeper| sleeper.enrollment.id == id("d2"));
        let wake = Wake {
            due_at: None,
            pushed: Some(pushed()),
        };
        store
            .looked(vec![looked(refused.unwrap(), wake.refused("HTTP 403".into(), 0))])
            .await
            .unwrap();
        for (service, again) in [(Service::Apns, 0), (Service::Wns, 1)] {
            store
                .set_pushed_with(service, "wns", Some(b"sealed".to_vec()), &audit("set"))
                .await
                .unwrap();
            assert_eq!(store.wake_counts(Service::Wns, NOW).await.unwrap().due, again);
        }
        store
            .set_pushed_with(Service::Wns, "wns", None, &audit("remove"))
            .await
            .unwrap();
        assert_eq!(store.setting("wns").await.unwrap(), None);
    })
    .await;
}
