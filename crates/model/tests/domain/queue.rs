//! The queue: what becomes of an ordered command, whatever a device says and however long it takes.

use ordain_model::decision::Write;
use ordain_model::enrollment::{Answer, Enrollment, Phase};
use ordain_model::queue::{Delivery, Moved, State};
use ordain_model::session::{Give, Piece, Says, respond};

use crate::fixtures::*;

fn delivery(number: i64, state: State) -> Delivery {
    Delivery {
        number,
        uuid: format!("uuid {number}"),
        command: "order".into(),
        request_type: "DeviceLock".into(),
        state,
        expires_at: NOW + 100,
    }
}

/// A Mac that holds what it should, and was asked all.
fn settled() -> Enrollment {
    let wanted = wanted(1, "a");
    let mut mac = enrolled();
    let mut says = Says::Idle;
    loop {
        let decision = respond(&session(&mac, &wanted, &[]), &says, NOW).unwrap();
        mac = after(&mac, &decision.writes);
        let piece = match decision.reply {
            None => break,
            Some(Give::Declarations { .. }) => Piece::Declarations,
            Some(Give::Survey { survey, .. }) => Piece::Survey(survey, None),
            Some(give) => panic!("{give:?}"),
        };
        says = Says::Outcome(piece, Answer::Acknowledged);
    }
    mac.pinned = Some(wanted.manifest.token());
    mac
}

/// What is written, and the number of what is given.
fn step(mac: &Enrollment, queue: &[Delivery], says: Says, now: i64) -> (Vec<Write>, Option<i64>) {
    let decision = respond(&session(mac, &wanted(1, "a"), queue), &says, now).unwrap();
    let given = decision.reply.map(|give| match give {
        Give::Queued(delivery) => delivery.number,
        other => panic!("{other:?}"),
    });
    (decision.writes, given)
}

fn outcome(delivery: &Delivery, answer: Answer) -> Says {
    Says::Outcome(Piece::Queued(delivery.clone(), Some(b"sealed".to_vec())), answer)
}

fn moved(delivery: &Delivery, to: State) -> Moved {
    Moved {
        number: delivery.number,
        from: delivery.state,
        to,
        at: NOW,
        reason: None,
        result: None,
    }
}

#[test]
fn what_is_given_is_written_first_and_given_again_until_answered() {
    let mac = settled();
    let queued = delivery(5, State::Queued);
    let (writes, given) = step(&mac, std::slice::from_ref(&queued), Says::Idle, NOW);
    assert_eq!(given, Some(5));
    assert_eq!(writes, [Write::Delivery(moved(&queued, State::Sent))]);
    let sent = delivery(5, State::Sent);
    assert_eq!(
        step(&mac, &[sent], Says::Idle, NOW),
        (vec![], Some(5)),
        "the answer was lost"
    );
}

/// The writes but for what others are told of them.
fn moves(mut writes: Vec<Write>) -> Vec<Write> {
    writes.retain(|write| !matches!(write, Write::Event(_)));
    writes
}

#[test]
fn each_answer_leads_to_its_state() {
    let mac = settled();
    let failed = Answer::Failed("12021".into());
    for (from, answer, to) in [
        (State::Sent, Answer::Acknowledged, Some(State::Acknowledged)),
        (State::Sent, failed.clone(), Some(State::Failed)),
        (State::Sent, Answer::NotNow, Some(State::NotNow)),
        (State::NotNow, Answer::NotNow, None),
        (State::NotNow, Answer::Acknowledged, Some(State::Acknowledged)),
        // Nothing is believed of what was never sent, and what is final is final.
        (State::Queued, Answer::Acknowledged, None),
        (State::Acknowledged, failed.clone(), None),
        (State::Failed, Answer::Acknowledged, None),
        (State::Expired, Answer::Acknowledged, None),
        (State::Cancelled, Answer::Acknowledged, None),
    ] {
        let delivery = delivery(5, from);
        let (writes, given) = step(&mac, &[], outcome(&delivery, answer.clone()), NOW);
        let expected = to.map(|to| {
            Write::Delivery(Moved {
                reason: (to == State::Failed).then(|| "12021".into()),
                result: to.is_final().then(|| b"sealed".to_vec()),
                ..moved(&delivery, to)
            })
        });
        let told = writes.iter().any(|write| matches!(write, Write::Event(_)));
        assert_eq!(
            told,
            to.is_some_and(|to| to != State::NotNow),
            "what is final is told"
        );
        assert_eq!(moves(writes), Vec::from_iter(expected), "{from:?} {answer:?}");
        assert_eq!(given, None);
    }
}

#[test]
fn what_has_expired_is_given_no_more_but_a_late_result_counts() {
    let mac = settled();
    for state in [State::Queued, State::Sent, State::NotNow] {
        let queue = [delivery(5, state), delivery(6, State::Queued)];
        assert_eq!(step(&mac, &queue, Says::Idle, NOW + 99).1, Some(5));
        assert_eq!(step(&mac, &queue[..1], Says::Idle, NOW + 100), (vec![], None));
    }
    let late = |answer| step(&mac, &[], outcome(&delivery(5, State::Sent), answer), NOW + 1_000).0;
    let to = |writes: Vec<Write>| match moves(writes).as_slice() {
        [Write::Delivery(moved)] => moved.to,
        other => panic!("{other:?}"),
    };
    assert_eq!(to(late(Answer::Acknowledged)), State::Acknowledged);
    assert_eq!(
        to(late(Answer::NotNow)),
        State::Expired,
        "the device does not keep it"
    );
}

#[test]
fn nobody_is_given_anything_before_it_is_enrolled_or_after_it_left() {
    for phase in [Phase::Authenticated, Phase::CheckedOut] {
        let mac = Enrollment { phase, ..settled() };
        assert_eq!(
            step(&mac, &[delivery(5, State::Queued)], Says::Idle, NOW),
            (vec![], None)
        );
    }
}

#[test]
fn states_have_words() {
    for state in State::ALL {
        assert_eq!(State::of_word(state.word()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        assert!(!(state.is_final() && state.is_with_us()));
    }
    assert_eq!(State::of_word("done"), None);
}
