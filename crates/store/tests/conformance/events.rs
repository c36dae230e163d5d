//! Events: there if and only if what they tell of is, and a reader with a cursor misses none, whoever commits when.

use std::time::Duration;

use ordain_model::decision::Write;
use ordain_model::event::{Event, EventKind};
use ordain_store::{Cursor, EventPage, Store, StoreError};
use ordain_testbed::{Database, connect};
use serde_json::json;

use crate::fixtures::*;

pub(crate) fn event(name: &str, at: i64) -> Event {
    Event {
        kind: EventKind::Reported,
        enrollment: id(name),
        at,
        detail: json!({"counts": {"failed": 0}, "name": "ü"}),
    }
}

/// A new channel with an event about it.
pub(crate) async fn happen(store: &Store, name: &str, at: i64) {
    let writes = [write(&enrollment(name)), Write::Event(event(name, at))];
    store.commit(&nothing(id(name)), &writes, None).await.unwrap();
}

fn names(page: &EventPage) -> Vec<String> {
    page.events
        .iter()
        .map(|(_, event)| event.enrollment.to_string())
        .collect()
}

/// What is read after `after` once there are `count` events. On PostgreSQL transactions of whomever, other tests
/// included, can hold events back for a while.
pub(crate) async fn read(store: &Store, after: Cursor, count: usize) -> EventPage {
    for _ in 0..1_000 {
        let page = store.events(after, 1_000).await.unwrap();
        if page.events.len() >= count {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are not {count} events after {after}")
}

#[tokio::test]
async fn an_event_is_there_with_what_it_tells_of_or_not_at_all() {
    on_each(async |store, _| {
        let mut news = store.event_news();
        happen(store, "a", NOW).await;
        assert!(news.has_changed().unwrap());
        news.mark_unchanged();
        let lost = [write(&enrollment("a")), Write::Event(event("lost", NOW))];
        let outcome = store.commit(&nothing(id("a")), &lost, None).await;
        assert_eq!(outcome, Err(StoreError::Conflict));
        enroll(store, "silent").await;
        assert!(!news.has_changed().unwrap());
        happen(store, "b", NOW + 1).await;
        let page = read(store, Cursor::BEGINNING, 2).await;
        let events: Vec<_> = page.events.iter().map(|(_, event)| event.clone()).collect();
        assert_eq!(events, [event("a", NOW), event("b", NOW + 1)]);
        assert!(!page.gap);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_stopped() {
    on_each(async |store, database| {
        let empty = store.events(Cursor::BEGINNING, 10).await.unwrap();
        assert_eq!((empty.events.len(), empty.gap), (0, false));
        assert_eq!(store.newest_event().await.unwrap(), empty.next);
        for number in 0..7 {
            happen(store, &format!("e{number}"), NOW).await;
        }
        let all = read(store, empty.next, 7).await;
        assert_eq!(all.next, all.events[6].0);
        assert_eq!(store.newest_event().await.unwrap(), all.next);
        let (mut after, mut seen) = (empty.next, Vec::new());
        loop {
            // Another store each time, as after a restart or on another node.
            let other = database.open().await.unwrap();
            let page = other.events(after, 3).await.unwrap();
            seen.extend(names(&page));
            if page.events.is_empty() {
                assert_eq!((page.next, page.gap), (after, false));
                break;
            }
            after = page.next.to_string().parse().unwrap();
        }
        assert_eq!(seen, names(&all));
        // Each event has a cursor of its own.
        let middle = all.events[3].0;
        assert_eq!(
            names(&store.events(middle, 10).await.unwrap()),
            ["e4", "e5", "e6"]
        );
    })
    .await;
}

#[tokio::test]
async fn what_commits_late_is_not_skipped() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let Database::Postgres(url) = &database else {
        unreachable!("it was asked for");
    };
    let store = database.open().await.unwrap();
    happen(&store, "first", NOW).await;
    let start = read(&store, Cursor::BEGINNING, 1).await.next;
    let slow = connect(url).await;
    let insert = |name: &str| {
        format!(
            "INSERT INTO event (at, kind, enrollment, detail) VALUES (1, 'reported', '{name}', '{{}}') \
             RETURNING id"
        )
    };
    // It draws its number, and another one is committed before it.
    slow.batch_execute(&format!("BEGIN; {}", insert("slow")))
        .await
        .unwrap();
    happen(&store, "fast", NOW).await;
    let page = store.events(start, 10).await.unwrap();
    assert_eq!(names(&page), [""; 0], "nothing may be shown before what is older");
    assert_eq!((page.next, store.newest_event().await.unwrap()), (start, start));
    // A number that is drawn later by the transaction that is older.
    slow.batch_execute(&format!("{}; COMMIT", insert("slower")))
        .await
        .unwrap();
    let page = read(&store, start, 3).await;
    assert_eq!(names(&page), ["slow", "slower", "fast"]);
    // What is rolled back holds up nothing for longer.
    slow.batch_execute(&format!("BEGIN; {}; ROLLBACK", insert("never")))
        .await
        .unwrap();
    happen(&store, "last", NOW).await;
    assert_eq!(names(&read(&store, page.next, 1).await), ["last"]);
}

#[tokio::test]
async fn many_writers_and_a_reader_that_sees_each_event_once() {
    on_each(async |store, database| {
        let (writers, each) = (8, 25);
        let write_all = async |writer: usize| {
            for number in 0..each {
                happen(store, &format!("w{writer}-{number:03}"), NOW).await;
            }
        };
        let writing = futures_util::future::join_all((0..writers).map(write_all));
        let other = database.open().await.unwrap();
        let reading = async {
            let (mut after, mut seen) = (Cursor::BEGINNING, Vec::new());
            while seen.len() < writers * each {
                let page = other.events(after, 7).await.unwrap();
                assert!(!page.gap);
                seen.extend(names(&page));
                after = page.next;
                tokio::task::yield_now().await;
            }
            seen
        };
        let reading = tokio::time::timeout(Duration::from_secs(60), reading);
        let (_, seen) = tokio::join!(writing, reading);
        let seen = seen.expect("all of them, in time");
        for writer in 0..writers {
            let own: Vec<_> = seen
                .iter()
                .filter(|name| name.starts_with(&format!("w{writer}-")))
                .collect();
            assert!(own.is_sorted() && own.len() == each, "{own:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_old_goes_and_who_misses_it_is_told() {
    on_each(async |store, _| {
        for (name, at) in [("a", 1), ("b", 2), ("c", 9), ("d", 3), ("e", 9), ("f", 9)] {
            happen(store, name, NOW + at).await;
        }
        let all = read(store, Cursor::BEGINNING, 6).await;
        let cursor = |place: usize| all.events[place].0;
        assert_eq!(
            store.prune_events(NOW + 5, 1).await.unwrap(),
            1,
            "no more than it may"
        );
        // c says that it is younger than d, which comes after it; clocks differ.
        assert_eq!(store.prune_events(NOW + 5, 100).await.unwrap(), 3);
        assert_eq!(store.prune_events(NOW + 5, 100).await.unwrap(), 0);
        let after = async |cursor| {
            let page = store.events(cursor, 100).await.unwrap();
            (page.gap, names(&page))
        };
        let left = vec!["e".to_owned(), "f".to_owned()];
        assert_eq!(after(cursor(0)).await, (true, left.clone()));
        assert_eq!(after(cursor(2)).await, (true, left.clone()));
        assert_eq!(
            after(cursor(3)).await,
            (false, left.clone()),
            "it had all that is gone"
        );
        assert_eq!(
            after(Cursor::BEGINNING).await,
            (false, left),
            "it asks for what is kept"
        );
        assert_eq!(store.prune_events(NOW + 10, 100).await.unwrap(), 2);
        let nothing = store.events(cursor(4), 10).await.unwrap();
        assert_eq!(
            (nothing.gap, nothing.next, nothing.events.len()),
            (true, cursor(5), 0)
        );
        assert_eq!(store.newest_event().await.unwrap(), cursor(5));
        // Numbers are not used again.
        happen(store, "g", NOW + 20).await;
        assert_eq!(names(&read(store, cursor(5), 1).await), ["g"]);
        assert!(!store.events(cursor(5), 10).await.unwrap().gap);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_database_is_told_so() {
    on_each(async |store, _| {
        happen(store, "a", NOW).await;
        read(store, Cursor::BEGINNING, 1).await;
        let foreign: Cursor = "999999999-999999999".parse().unwrap();
        let page = store.events(foreign, 10).await.unwrap();
        assert_eq!((page.gap, names(&page)), (true, vec!["a".to_owned()]));
        assert!(!store.events(page.next, 10).await.unwrap().gap);
    })
    .await;
}

#[tokio::test]
async fn a_dump_that_is_restored_elsewhere_goes_on_in_order() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let Database::Postgres(url) = &database else {
        unreachable!("it was asked for");
    };
    let store = database.open().await.unwrap();
    for name in ["a", "b", "c"] {
        happen(&store, name, NOW).await;
    }
    let before = read(&store, Cursor::BEGINNING, 3).await;
    let webhook = crate::webhooks::webhook("w", before.events[0].0);
    store.create_webhook(&webhook, &audit("create")).await.unwrap();
    // As if all of it had come from a server with many more transactions behind it.
    connect(url)
        .await
        .batch_execute(
            "UPDATE event SET tx = tx + 1000000000; UPDATE event_horizon SET tx = tx + 1000000000; \
             UPDATE webhook SET after_tx = after_tx + 1000000000",
        )
        .await
        .unwrap();
    for _ in 0..2 {
        database.open().await.unwrap();
    }
    happen(&store, "d", NOW).await;
    let page = read(&store, Cursor::BEGINNING, 4).await;
    assert_eq!(names(&page), ["a", "b", "c", "d"]);
    let webhook = store.webhook("w").await.unwrap().expect("it is there");
    let rest = store.events(webhook.after, 10).await.unwrap();
    assert_eq!((rest.gap, names(&rest)), (false, names(&page)[1..].to_vec()));
    // A reader whose cursor was made there cannot be told what it has.
    let (tx, id) = before
        .next
        .to_string()
        .split_once('-')
        .map(|(tx, id)| (tx.parse::<i64>().unwrap(), id.to_owned()))
        .unwrap();
    let old: Cursor = format!("{}-{id}", tx + 1_000_000_000).parse().unwrap();
    assert!(store.events(old, 10).await.unwrap().gap);
}

#[test]
fn cursors_are_read_as_they_were_written() {
    for text in ["0", "0-0", "0-17", "812-9", "-4-2"] {
        assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
    }
    assert_eq!("0".parse(), Ok(Cursor::BEGINNING));
    for wrong in [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "01-1",
        "+1-1",
        "1-2-3",
        "1 -2",
        "x-1",
        "9223372036854775808-1",
        "-9223372036854775808-0",
        "1-\u{663}",
    ] {
        assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
    }
}
