//! Several nodes on one PostgreSQL believe what they have in memory, and see one truth. Each test has a server of its
//! own: where others write to other databases, little is believed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use ordain_store::{Budget, NewCommand, Recipient, Store, StoreError};
use ordain_testbed::{Postgres, connect};

use crate::fixtures::*;
use crate::memory::something;

async fn stamp(store: &Store, channel: &str) -> i64 {
    let state = store.channel(&id(channel)).await.unwrap();
    state.channel().unwrap().stamp
}

/// Gives `channel` another stamp.
async fn set(store: &Store, channel: &str, stamp: i64) -> Result<(), StoreError> {
    let state = store.channel(&id(channel)).await?;
    let mut next = state.channel().unwrap().clone();
    next.stamp = stamp;
    store.commit(&state, &[write(&next)], None).await
}

/// What it has read or written itself, a node need not look for, unless anybody else has been there.
#[tokio::test]
async fn who_is_alone_believes_its_memory() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database().await;
    let store = Store::postgres(&url).await.unwrap();
    enroll(&store, "d1").await;
    enroll(&store, "d1:ann").await;
    let prompt = connect(&url).await;
    let lock = "BEGIN; LOCK TABLE enrollment, delivery IN ACCESS EXCLUSIVE MODE";
    for round in 1..5 {
        set(&store, "d1", 2 * round).await.unwrap();
        assert_eq!(
            stamp(&store, "d1:ann").await,
            0,
            "read after its device was touched"
        );
        prompt.batch_execute(lock).await.unwrap();
        assert_eq!(stamp(&store, "d1").await, 2 * round);
        assert_eq!(stamp(&store, "d1:ann").await, 0);
        let update = format!("UPDATE enrollment SET stamp = {} WHERE id = 'd1'", 2 * round + 1);
        prompt.batch_execute(&update).await.unwrap();
        assert_eq!(stamp(&store, "d1").await, 2 * round);
        prompt.batch_execute("COMMIT").await.unwrap();
        assert_eq!(stamp(&store, "d1").await, 2 * round + 1);
    }
}

/// A commit whose outcome nobody has learned may happen later, and is seen then.
#[tokio::test]
async fn a_commit_that_comes_late_is_seen() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database().await;
    let store = Store::postgres(&url).await.unwrap();
    enroll(&store, "d1").await;
    let prompt = connect(&url).await;
    let late = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NULL; END $$; \
                CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON enrollment DEFERRABLE INITIALLY DEFERRED \
                FOR EACH ROW EXECUTE FUNCTION late(); \
                SELECT pg_advisory_lock(7)";
    prompt.batch_execute(late).await.unwrap();
    assert_eq!(stamp(&store, "d1").await, 0);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event_type = 'Lock'";
    let give_up = async {
        while prompt.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::pause();
    };
    let (outcome, ()) = tokio::join!(set(&store, "d1", 1), give_up);
    tokio::time::resume();
    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert_eq!(stamp(&store, "d1").await, 0);
    prompt
        .batch_execute("SELECT pg_advisory_unlock(7)")
        .await
        .unwrap();
    let stored = "SELECT stamp FROM enrollment WHERE id = 'd1'";
    while prompt.query_one(stored, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(stamp(&store, "d1").await, 1);
}

/// Whoever did what, all see it with their very next read.
#[tokio::test]
async fn what_one_node_does_all_see() {
    const CHANNELS: [&str; 3] = ["d1", "d1:ann", "d2"];
    let Some(server) = Postgres::start() else { return };
    let url = server.database().await;
    let nodes = [
        Store::postgres(&url).await.unwrap(),
        Store::postgres(&url).await.unwrap(),
        Store::postgres(&url).await.unwrap(),
    ];
    for channel in CHANNELS {
        enroll(&nodes[0], channel).await;
    }
    let mut dice = 11_u64;
    for round in 0..120 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let channel = CHANNELS[(dice >> 40) as usize % CHANNELS.len()];
        // One node is alone for a while, and then another.
        let node = &nodes[(round / 5) as usize % nodes.len()];
        something(node, channel, (dice >> 50) % 8, round).await;
        // Those who look at once see it, and those who have not looked for long.
        let is_seen = |node: usize| node == 0 || round % (4 * node as i64) == 0;
        let newcomer = Store::postgres(&url).await.unwrap();
        for channel in CHANNELS {
            let stored = newcomer.channel(&id(channel)).await.unwrap();
            for (number, node) in nodes.iter().enumerate().filter(|(number, _)| is_seen(*number)) {
                let remembered = node.channel(&id(channel)).await.unwrap();
                assert_eq!(remembered, stored, "node {number}, round {round}");
            }
        }
    }
}

/// What has been seen of a device by anyone, or acknowledged to anyone.
#[derive(Default)]
struct Seen {
    stamp: AtomicI64,
    queued: AtomicI64,
}

const DEVICES: usize = 3;
const ROUNDS: i64 = 120;

/// Reads never go backwards, whichever node is asked, while all write and connections are cut off.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_is_older_than_another() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database().await;
    let nodes: Vec<_> = [
        Store::postgres(&url).await.unwrap(),
        Store::postgres(&url).await.unwrap(),
    ]
    .map(Arc::new)
    .into();
    for device in 0..DEVICES {
        enroll(&nodes[0], &format!("d{device}")).await;
    }
    let seen: Arc<[Seen; DEVICES]> = Arc::default();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for device in 0..DEVICES {
        for (number, node) in nodes.iter().enumerate() {
            for _ in 0..3 {
                tasks.push(tokio::spawn(reads(node.clone(), seen.clone(), device)));
            }
            tasks.push(tokio::spawn(writes(node.clone(), seen.clone(), device)));
            tasks.push(tokio::spawn(orders(node.clone(), seen.clone(), device, number)));
        }
    }
    let prompt = connect(&url).await;
    let sabotage = tokio::spawn({
        let is_over = is_over.clone();
        async move {
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                        WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1";
            while !is_over.load(Ordering::SeqCst) {
                // Between two, there is time to be alone with one's memory.
                tokio::time::sleep(Duration::from_millis(15)).await;
                prompt.query(kill, &[]).await.unwrap();
            }
        }
    });
    for task in tasks {
        task.await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    sabotage.await.unwrap();
    assert!(seen.iter().all(|seen| seen.stamp.load(Ordering::SeqCst) > 10));
}

/// What a read returns, unless the connection broke; it is no older than what was seen before it began.
async fn look(node: &Store, seen: &Seen, device: usize) -> Option<ordain_store::ChannelState> {
    let (stamp, queued) = (
        seen.stamp.load(Ordering::SeqCst),
        seen.queued.load(Ordering::SeqCst),
    );
    let state = node.channel(&id(&format!("d{device}"))).await.ok()?;
    let found = state.channel().unwrap().stamp;
    assert!(found >= stamp, "d{device} had {stamp} and has {found}");
    assert!(
        state.queued.unwrap_or(0) >= queued,
        "d{device} waits for {queued}: {state:?}"
    );
    seen.stamp.fetch_max(found, Ordering::SeqCst);
    seen.queued.fetch_max(state.queued.unwrap_or(0), Ordering::SeqCst);
    Some(state)
}

async fn reads(node: Arc<Store>, seen: Arc<[Seen; DEVICES]>, device: usize) {
    for _ in 0..8 * ROUNDS {
        look(&node, &seen[device], device).await;
    }
}

async fn writes(node: Arc<Store>, seen: Arc<[Seen; DEVICES]>, device: usize) {
    for _ in 0..ROUNDS {
        let Some(state) = look(&node, &seen[device], device).await else {
            continue;
        };
        let mut next = state.channel().unwrap().clone();
        next.stamp += 1;
        if node.commit(&state, &[write(&next)], None).await.is_ok() {
            seen[device].stamp.fetch_max(next.stamp, Ordering::SeqCst);
        }
    }
}

async fn orders(node: Arc<Store>, seen: Arc<[Seen; DEVICES]>, device: usize, number: usize) {
    for round in 0..ROUNDS / 10 {
        let command = NewCommand {
            id: format!("c{device}-{number}-{round}"),
            request_type: "ProfileList".into(),
            payload: vec![1],
            expires_at: NOW + 1_000,
            for_group: None,
            harms: 0,
        };
        let recipient = Recipient {
            id: id(&format!("d{device}")),
            generation: 1,
        };
        let budget = Budget { most: 0, since: 0 };
        // What came of it, the next reads tell.
        let _ = node.order(&command, &[recipient], budget, &audit("order")).await;
        look(&node, &seen[device], device).await;
    }
}
