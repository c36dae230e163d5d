//! Orders and queues: what is ordered is queued once, moves only as the device says, and ends with its enrollment.

use ordain_model::checkin;
use ordain_model::decision::Write;
use ordain_model::enrollment::{Enrollment, Phase};
use ordain_model::inventory::{Finding, Survey};
use ordain_model::queue::{Delivery, Moved, State};
use ordain_store::{
    AuditRecord, Budget, ChannelState, DeliveriesOf, InventoryRecord, NewCommand, Reaching, Recipient, Store,
    StoreError,
};
use serde_json::json;

use crate::fixtures::*;

const NO_BUDGET: Budget = Budget { most: 0, since: 0 };

fn command(id: &str) -> NewCommand {
    NewCommand {
        id: id.into(),
        request_type: "ProfileList".into(),
        payload: format!("sealed {id}").into_bytes(),
        expires_at: NOW + 1_000,
        for_group: None,
        harms: 0,
    }
}

fn recipients(ids: &[&str]) -> Vec<Recipient> {
    let recipient = |text: &&str| Recipient {
        id: id(text),
        generation: 1,
    };
    ids.iter().map(recipient).collect()
}

pub(crate) async fn order(store: &Store, name: &str, ids: &[&str]) {
    store
        .order(&command(name), &recipients(ids), NO_BUDGET, &audit("order"))
        .await
        .unwrap();
}

async fn queue(store: &Store, channel: &str) -> Vec<Delivery> {
    store.queue(&id(channel), 0, 10).await.unwrap()
}

pub(crate) fn moved(delivery: &Delivery, to: State) -> Write {
    Write::Delivery(Moved {
        number: delivery.number,
        from: delivery.state,
        to,
        at: NOW + 5,
        reason: (to == State::Failed).then(|| "12021".into()),
        result: to.is_final().then(|| b"sealed result".to_vec()),
    })
}

/// Moves the first of the queue, and reads it again.
async fn go(store: &Store, channel: &str, to: State) -> Delivery {
    let state = store.channel(&id(channel)).await.unwrap();
    let first = queue(store, channel).await.remove(0);
    store.commit(&state, &[moved(&first, to)], None).await.unwrap();
    let again = store
        .delivery(&first.uuid, &id(channel), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.state, to);
    again
}

async fn states(store: &Store, command: &str) -> Vec<(State, u64)> {
    let found = store.command(command).await.unwrap().unwrap();
    found.counts.states.into_iter().collect()
}

async fn due(store: &Store, channel: &str) -> ChannelState {
    store.channel(&id(channel)).await.unwrap()
}

#[tokio::test]
async fn an_order_is_queued_on_all_or_none() {
    on_each(async |store, _| {
        for device in ["d1", "d2"] {
            enroll(store, device).await;
        }
        assert_eq!(due(store, "d1").await.queued, None);
        order(store, "one", &["d2", "d1"]).await;
        order(store, "two", &["d1"]).await;
        let open = queue(store, "d1").await;
        let names: Vec<_> = open.iter().map(|delivery| delivery.command.as_str()).collect();
        assert_eq!(names, ["one", "two"], "in order");
        assert_eq!(
            due(store, "d1").await.queued,
            open.last().map(|delivery| delivery.number)
        );
        assert_eq!(
            store.queue(&id("d1"), open[0].number, 10).await.unwrap(),
            open[1..]
        );
        assert_eq!(store.queue(&id("d1"), 0, 1).await.unwrap(), open[..1]);
        assert_ne!(open[0].uuid, queue(store, "d2").await[0].uuid);
        assert_eq!(store.payload("one").await.unwrap().unwrap(), b"sealed one");
        assert_eq!(store.payload("nothing").await.unwrap(), None);
        assert_eq!(actions(store).await, ["order", "order"]);

        // One that is not there, one of another generation, one that has left, and a name that is taken.
        let left = store.channel(&id("d2")).await.unwrap();
        let decision = checkin::check_out(left.device().unwrap(), &id("d2"), NOW);
        store.commit(&left, &decision.writes, None).await.unwrap();
        let mut other = recipients(&["d1"]);
        other[0].generation = 2;
        for (name, recipients) in [
            ("three", recipients(&["d1", "nobody"])),
            ("three", other),
            ("three", recipients(&["d1", "d2"])),
            ("one", recipients(&["d1"])),
        ] {
            let lost = store
                .order(&command(name), &recipients, NO_BUDGET, &audit("lost"))
                .await;
            assert_eq!(lost, Err(StoreError::Conflict), "{recipients:?}");
        }
        assert_eq!(queue(store, "d1").await, open);
        assert_eq!(store.command("three").await.unwrap(), None);
        assert_eq!(actions(store).await, ["order", "order"]);
    })
    .await;
}

#[tokio::test]
async fn a_command_moves_from_the_state_that_was_read_and_on_its_channel_alone() {
    on_each(async |store, _| {
        for device in ["d1", "d2"] {
            enroll(store, device).await;
        }
        order(store, "one", &["d1"]).await;
        let queued = queue(store, "d1").await.remove(0);
        let (own, other) = (due(store, "d1").await, due(store, "d2").await);
        let lost = store.commit(&other, &[moved(&queued, State::Sent)], None).await;
        assert_eq!(lost, Err(StoreError::Conflict));
        assert_eq!(store.delivery(&queued.uuid, &id("d2"), 1).await.unwrap(), None);
        assert_eq!(store.delivery(&queued.uuid, &id("d1"), 2).await.unwrap(), None);

        let sent = go(store, "d1", State::Sent).await;
        assert!(due(store, "d1").await.queued.is_some());
        // Decided before it was sent.
        let lost = store
            .commit(&own, &[moved(&queued, State::Cancelled)], None)
            .await;
        assert_eq!(lost, Err(StoreError::Conflict));
        go(store, "d1", State::NotNow).await;
        assert!(due(store, "d1").await.queued.is_some());
        go(store, "d1", State::Sent).await;
        go(store, "d1", State::Failed).await;
        assert_eq!(
            (due(store, "d1").await.queued, queue(store, "d1").await),
            (None, vec![])
        );
        let late = store
            .commit(&own, &[moved(&sent, State::Acknowledged)], None)
            .await;
        assert_eq!(late, Err(StoreError::Conflict), "final is final");
        let records = store
            .deliveries(DeliveriesOf::Command("one"), None, 10)
            .await
            .unwrap();
        let record = &records[0];
        assert_eq!(
            (
                record.is_open,
                record.sent_at,
                record.answered_at,
                record.generation
            ),
            (false, Some(NOW + 5), Some(NOW + 5), 1)
        );
        assert_eq!(record.reason.as_deref(), Some("12021"));
        assert_eq!(record.result.as_deref(), Some(&b"sealed result"[..]));
    })
    .await;
}

#[tokio::test]
async fn what_expires_is_closed_and_what_was_sent_may_have_been_done() {
    on_each(async |store, _| {
        for device in ["d1", "d2", "d3"] {
            enroll(store, device).await;
        }
        order(store, "one", &["d1", "d2", "d3"]).await;
        go(store, "d1", State::Sent).await;
        go(store, "d2", State::Sent).await;
        go(store, "d2", State::NotNow).await;
        store.expire(NOW + 999).await.unwrap();
        assert_eq!(store.command("one").await.unwrap().unwrap().counts.open, 3);
        store.expire(NOW + 1_000).await.unwrap();
        assert_eq!(
            states(store, "one").await,
            [(State::Sent, 1), (State::Expired, 2)]
        );
        assert_eq!(store.command("one").await.unwrap().unwrap().counts.open, 0);
        let state = due(store, "d1").await;
        assert_eq!(state.queued, None);
        let records = store
            .deliveries(DeliveriesOf::Device(&id("d1")), None, 10)
            .await
            .unwrap();
        let late = moved(&records[0].delivery, State::Acknowledged);
        store.commit(&state, &[late], None).await.unwrap();
        assert_eq!(
            states(store, "one").await,
            [(State::Acknowledged, 1), (State::Expired, 2)]
        );
    })
    .await;
}

#[tokio::test]
async fn cancelling_takes_back_what_the_device_has_not() {
    on_each(async |store, _| {
        for device in ["d1", "d2", "d3"] {
            enroll(store, device).await;
        }
        order(store, "one", &["d1", "d2", "d3"]).await;
        order(store, "two", &["d1"]).await;
        go(store, "d1", State::Sent).await;
        go(store, "d2", State::Sent).await;
        go(store, "d2", State::NotNow).await;
        store.cancel("one", &audit("cancel")).await.unwrap();
        assert_eq!(
            states(store, "one").await,
            [(State::Sent, 1), (State::Cancelled, 2)]
        );
        assert_eq!(states(store, "two").await, [(State::Queued, 1)]);
        assert_eq!(
            store.cancel("nothing", &audit("lost")).await,
            Err(StoreError::Conflict)
        );
        assert_eq!(actions(store).await, ["cancel", "order", "order"]);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_given_is_withdrawn_once_and_on_its_channel_alone() {
    on_each(async |store, _| {
        for device in ["d1", "d2"] {
            enroll(store, device).await;
        }
        order(store, "one", &["d1", "d2"]).await;
        go(store, "d1", State::Sent).await;
        for (device, other) in [("d1", "d2"), ("d2", "d1")] {
            let number = queue(store, device).await[0].number;
            let write = [Write::Withdraw(number, "why".into())];
            for (channel, expected) in [(other, false), (device, true), (device, false)] {
                let state = due(store, channel).await;
                assert_eq!(store.commit(&state, &write, None).await.is_ok(), expected);
            }
            assert!(queue(store, device).await.is_empty());
        }
        assert_eq!(
            states(store, "one").await,
            [(State::Sent, 1), (State::Cancelled, 1)]
        );
    })
    .await;
}

#[tokio::test]
async fn nothing_is_sent_to_another_generation_than_it_was_ordered_for() {
    on_each(async |store, _| {
        enroll(store, "d1").await;
        enroll(store, "d1:ann").await;
        enroll(store, "d10").await;
        order(store, "one", &["d1", "d1:ann", "d10"]).await;
        order(store, "two", &["d1", "d1:ann"]).await;
        go(store, "d1", State::Sent).await;
        // A user leaves, then the device enrolls anew.
        let user = due(store, "d1:ann").await;
        let decision = checkin::check_out(user.device().unwrap(), &id("d1:ann"), NOW);
        store.commit(&user, &decision.writes, None).await.unwrap();
        assert_eq!(queue(store, "d1").await.len(), 2);
        assert!(queue(store, "d1:ann").await.is_empty());
        let device = due(store, "d1").await;
        let next = Enrollment {
            generation: 2,
            phase: Phase::Authenticated,
            ..enrollment("d1")
        };
        let writes = [Write::EndGeneration(id("d1")), write(&next)];
        store.commit(&device, &writes, None).await.unwrap();
        assert_eq!(
            (due(store, "d1").await.queued, queue(store, "d1").await),
            (None, vec![])
        );
        assert_eq!(states(store, "two").await, [(State::Cancelled, 2)]);
        let one = store
            .deliveries(DeliveriesOf::Device(&id("d1")), None, 10)
            .await
            .unwrap();
        let sent = one
            .iter()
            .find(|record| record.delivery.state == State::Sent)
            .unwrap();
        assert_eq!(sent.reason.as_deref(), Some("its enrollment ended"));
        assert_eq!(
            one.len(),
            4,
            "also those of its users, and none of another device"
        );
        let late = store
            .commit(
                &due(store, "d1").await,
                &[moved(&sent.delivery, State::Acknowledged)],
                None,
            )
            .await;
        assert_eq!(late, Err(StoreError::Conflict), "it is of the generation before");
        assert_eq!(queue(store, "d10").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_group_is_reached_step_by_step_and_each_member_once() {
    on_each(async |store, database| {
        for device in ["d1", "d2", "d3"] {
            enroll(store, device).await;
        }
        let bulk = NewCommand {
            for_group: Some("lab".into()),
            ..command("bulk")
        };
        store.order(&bulk, &[], NO_BUDGET, &audit("order")).await.unwrap();
        let begun = store.reaching().await.unwrap();
        let expected = Reaching {
            id: "bulk".into(),
            request_type: bulk.request_type.clone(),
            group: "lab".into(),
            reached: None,
            expires_at: NOW + 1_000,
        };
        assert_eq!(begun, [expected]);
        store
            .reach(&begun[0], &[id("d1"), id("nobody")], Some(&id("d1")), NOW)
            .await
            .unwrap();
        // Another node did the same step, or this one was killed right after it.
        let again = store.reach(&begun[0], &[id("d1")], Some(&id("d1")), NOW).await;
        assert_eq!(again, Err(StoreError::Conflict));
        let node = database.open().await.unwrap();
        let going = node.reaching().await.unwrap().remove(0);
        assert_eq!(going.reached, Some(id("d1")));
        node.reach(&going, &[id("d1"), id("d3")], None, NOW)
            .await
            .unwrap();
        assert!(store.reaching().await.unwrap().is_empty());
        assert_eq!(states(store, "bulk").await, [(State::Queued, 2)]);
        assert!(queue(store, "d2").await.is_empty());

        // What is cancelled on the way reaches nobody more.
        let other = NewCommand {
            id: "other".into(),
            ..bulk
        };
        store
            .order(&other, &[], NO_BUDGET, &audit("order"))
            .await
            .unwrap();
        let going = store.reaching().await.unwrap().remove(0);
        store.cancel("other", &audit("cancel")).await.unwrap();
        let lost = store.reach(&going, &[id("d2")], None, NOW).await;
        assert_eq!(lost, Err(StoreError::Conflict));
        assert!(store.reaching().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn two_at_once_cannot_exceed_the_budget() {
    on_each(async |store, database| {
        enroll(store, "d1").await;
        let node = database.open().await.unwrap();
        let budget = Budget {
            most: 5,
            since: NOW - 3_600,
        };
        let erase = async |store: &Store, name: String, at: i64| {
            let erase = NewCommand {
                harms: 2,
                ..command(&name)
            };
            let audit = AuditRecord { at, ..audit("erase") };
            store.order(&erase, &recipients(&["d1"]), budget, &audit).await
        };
        erase(store, "long ago".into(), NOW - 3_600).await.unwrap();
        let outcomes = futures_util::future::join_all((0..6).map(|number| {
            let store = if number % 2 == 0 { store } else { &node };
            erase(store, format!("e{number}"), NOW)
        }))
        .await;
        let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(done, 2, "{outcomes:?}");
        assert!(
            outcomes
                .iter()
                .all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Conflict)))
        );
        assert_eq!(store.harms(NOW - 3_600).await.unwrap(), [(NOW, 2), (NOW, 2)]);
        // What takes nothing is not counted.
        order(store, "list", &["d1"]).await;
        assert_eq!(store.commands(None, 10).await.unwrap().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn orders_and_what_became_of_them_come_by_pages() {
    on_each(async |store, _| {
        for device in ["d1", "d2"] {
            enroll(store, device).await;
        }
        for name in ["a", "b", "c"] {
            order(store, name, &["d1", "d2"]).await;
        }
        go(store, "d1", State::Sent).await;
        let names = |records: &[ordain_store::CommandRecord]| -> Vec<String> {
            records.iter().map(|record| record.id.clone()).collect()
        };
        let all = store.commands(None, 10).await.unwrap();
        assert_eq!(names(&all), ["c", "b", "a"]);
        assert_eq!(
            names(&store.commands(Some(all[0].number), 1).await.unwrap()),
            ["b"]
        );
        assert_eq!(
            all[2].counts.states,
            [(State::Queued, 1), (State::Sent, 1)].into()
        );
        assert_eq!(
            (all[2].counts.open, all[2].ordered_at, all[2].ordered_by.as_str()),
            (2, NOW, "ada")
        );
        let of = DeliveriesOf::Command("a");
        let both = store.deliveries(of, None, 10).await.unwrap();
        let devices: Vec<_> = both.iter().map(|record| record.enrollment.to_string()).collect();
        assert_eq!(devices, ["d2", "d1"]);
        let older = store
            .deliveries(of, Some(both[0].delivery.number), 10)
            .await
            .unwrap();
        assert_eq!(older, both[1..]);
    })
    .await;
}

#[tokio::test]
async fn the_inventory_keeps_what_was_found_when_a_survey_fails_later() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        let note = async |survey, at, outcome| {
            let finding = Finding { survey, at, outcome };
            let write = Write::Inventory(id("d1"), finding);
            store.commit(&state, &[write], None).await.unwrap();
        };
        let (security, facts) = (
            Survey::SecurityInfo,
            json!({"PasscodePresent": true, "text": "a\u{0}b"}),
        );
        note(security, NOW, Err("locked".into())).await;
        note(security, NOW + 1, Ok(Some(facts.clone()))).await;
        note(Survey::DeviceInformation, NOW + 2, Ok(None)).await;
        note(security, NOW + 3, Err("busy".into())).await;
        let expected = [
            InventoryRecord {
                survey: Survey::DeviceInformation,
                found: Some((NOW + 2, None)),
                failed: None,
            },
            InventoryRecord {
                survey: security,
                found: Some((NOW + 1, Some(facts))),
                failed: Some((NOW + 3, "busy".into())),
            },
        ];
        assert_eq!(store.inventory(&id("d1")).await.unwrap(), expected);
        let next = Enrollment {
            generation: 2,
            ..enrollment("d1")
        };
        let writes = [Write::EndGeneration(id("d1")), write(&next)];
        store.commit(&state, &writes, None).await.unwrap();
        assert_eq!(store.inventory(&id("d1")).await.unwrap(), []);
    })
    .await;
}
