//! Sessions: whatever a device says, and whatever is ordered and published meanwhile, the pass keeps its order.

use std::collections::{BTreeMap, BTreeSet};

use ordain_model::decision::Write;
use ordain_model::enrollment::{Answer, Enrollment};
use ordain_model::queue::{Delivery, State};
use ordain_model::session::{Derived, Give, Piece, Says, Session, derived, respond};
use ordain_model::sync::Wanted;
use proptest::prelude::*;

use crate::fixtures::*;

/// One channel, its store, and its device as far as it can be told what the server claims.
struct Channel {
    enrollment: Enrollment,
    queue: BTreeMap<i64, Delivery>,
    wanted: Wanted,
    now: i64,
    /// What the device was given and has not answered.
    in_flight: Option<String>,
    /// What it was given in this session.
    in_session: BTreeSet<String>,
    /// What it did.
    carried_out: BTreeSet<String>,
    /// What it was given in this session, in order, and what it refused of that.
    given: Vec<(usize, i64)>,
    refused: BTreeSet<String>,
}

#[derive(Debug, Clone)]
enum Event {
    /// The device begins a session, whatever became of the last one.
    Idle,
    /// It answers what it has in hand.
    Answers(Answer),
    /// The same, but what the server says to that is lost, and the device says it once more.
    AnswersTwice(Answer),
    /// The session was cut off after a command, and it begins another one with the outcome, without `Idle`.
    Returns(Answer),
    /// A result of something that nobody knows.
    Unknown,
    /// An administrator orders a command.
    Order,
    /// Another revision.
    Publish(u64),
    /// Time goes by, and what has expired is closed.
    Pass(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let answer = prop_oneof![
        Just(Answer::Acknowledged),
        Just(Answer::NotNow),
        Just(Answer::Failed("no".into())),
    ];
    prop_oneof![
        3 => Just(Event::Idle),
        8 => answer.clone().prop_map(Event::Answers),
        2 => answer.clone().prop_map(Event::AnswersTwice),
        2 => answer.prop_map(Event::Returns),
        1 => Just(Event::Unknown),
        2 => Just(Event::Order),
        1 => (1_u64..5).prop_map(Event::Publish),
        1 => (0_i64..200_000).prop_map(Event::Pass),
    ]
}

impl Channel {
    fn new() -> Self {
        Self {
            enrollment: enrolled(),
            queue: BTreeMap::new(),
            wanted: wanted(1, "1"),
            now: NOW,
            in_flight: None,
            in_session: BTreeSet::new(),
            carried_out: BTreeSet::new(),
            given: Vec::new(),
            refused: BTreeSet::new(),
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Idle => {
                self.another_session();
                self.in_flight = None;
                self.says(Says::Idle);
            }
            Event::Returns(answer) => {
                self.another_session();
                self.answers(&answer, false);
            }
            Event::Unknown => {
                // To the device it is as if it had begun anew.
                self.happens(Event::Idle);
            }
            Event::Answers(answer) => self.answers(&answer, false),
            Event::AnswersTwice(answer) => self.answers(&answer, true),
            Event::Order => {
                let number = self.queue.keys().last().map_or(1, |last| last + 1);
                let delivery = Delivery {
                    number,
                    uuid: format!("queued {number}"),
                    command: "order".into(),
                    request_type: "ProfileList".into(),
                    state: State::Queued,
                    expires_at: self.now + 100_000,
                };
                self.queue.insert(number, delivery);
            }
            Event::Publish(content) => {
                self.wanted = Wanted {
                    revision: self.wanted.revision + 1,
                    ..wanted(1, &content.to_string())
                };
            }
            Event::Pass(seconds) => {
                self.now += seconds;
                for delivery in self.queue.values_mut() {
                    if delivery.state.is_with_us() && delivery.expires_at <= self.now {
                        delivery.state = State::Expired;
                    }
                }
            }
        }
    }

    fn another_session(&mut self) {
        self.given.clear();
        self.in_session.clear();
        self.refused.clear();
    }

    fn answers(&mut self, answer: &Answer, twice: bool) {
        let Some(uuid) = self.in_flight.take() else { return };
        match answer {
            Answer::NotNow => assert!(self.refused.insert(uuid.clone())),
            _ => {
                self.carried_out.insert(uuid.clone());
            }
        }
        let before = self.queue.clone();
        self.outcome(&uuid, answer);
        self.nothing_final_has_changed(&before);
        if twice {
            // What was given is not known to the device: it says the same again, and is given the same.
            let lost = self.in_flight.take();
            if let Some(lost) = &lost {
                self.given.pop();
                self.in_session.remove(lost);
            }
            let before = self.queue.clone();
            self.outcome(&uuid, answer);
            assert_eq!(self.in_flight, lost);
            assert_eq!(self.queue, before);
        }
    }

    fn outcome(&mut self, uuid: &str, answer: &Answer) {
        let piece = match derived(&self.enrollment, uuid, self.now) {
            Some(Derived::Declarations) => Piece::Declarations,
            Some(Derived::Survey(survey)) => Piece::Survey(survey, None),
            None => match self.queue.values().find(|delivery| delivery.uuid == uuid) {
                Some(delivery) => Piece::Queued(delivery.clone(), None),
                None => {
                    // A survey of a round that has ended.
                    return self.happens(Event::Unknown);
                }
            },
        };
        self.says(Says::Outcome(piece, answer.clone()));
    }

    fn says(&mut self, says: Says) {
        let queue = self.queue.range(says.queue_after() + 1..);
        let queue: Vec<Delivery> = queue.map(|(_, delivery)| delivery.clone()).collect();
        let session = Session {
            device: &self.enrollment.facts,
            ..session(&self.enrollment, &self.wanted, &queue)
        };
        let decision = respond(&session, &says, self.now).unwrap();
        let rows = decision
            .writes
            .iter()
            .filter(|write| matches!(write, Write::Enrollment(_)));
        assert!(rows.count() <= 1);
        for write in &decision.writes {
            if let Write::Delivery(moved) = write {
                let delivery = self.queue.get_mut(&moved.number).unwrap();
                assert_eq!(delivery.state, moved.from);
                delivery.state = moved.to;
            }
        }
        self.enrollment = after(&self.enrollment, &decision.writes);
        if let Some(give) = decision.reply {
            self.given(give);
        }
    }

    fn given(&mut self, give: Give) {
        let (uuid, place) = match give {
            Give::Declarations { uuid, .. } => (uuid, (0, 0)),
            Give::Queued(delivery) => {
                assert_eq!(
                    self.queue[&delivery.number].state,
                    State::Sent,
                    "written before it is given"
                );
                assert!(self.now < delivery.expires_at);
                (delivery.uuid, (1, delivery.number))
            }
            Give::Survey { uuid, survey } => (uuid, (2, survey as i64)),
        };
        let is_survey = |place: &(usize, i64)| place.0 == 2;
        assert!(
            self.given
                .last()
                .is_none_or(|last| *last < place || is_survey(last)),
            "the order is kept until there are only surveys left"
        );
        assert!(self.in_session.insert(uuid.clone()), "twice in a session");
        assert!(!self.refused.contains(&uuid), "refused in this session");
        assert!(
            !self.carried_out.contains(&uuid),
            "carried out, and the result is noted"
        );
        self.given.push(place);
        self.in_flight = Some(uuid);
    }

    fn nothing_final_has_changed(&self, before: &BTreeMap<i64, Delivery>) {
        for (number, delivery) in before.iter().filter(|(_, delivery)| delivery.state.is_final()) {
            assert_eq!(self.queue[number].state, delivery.state);
        }
        let in_hand = |delivery: &&Delivery| self.in_flight.as_ref() == Some(&delivery.uuid);
        let claimed = self
            .queue
            .values()
            .filter(|delivery| delivery.state == State::Acknowledged);
        assert!(
            claimed
                .clone()
                .all(|delivery| self.carried_out.contains(&delivery.uuid))
        );
        assert!(!claimed.clone().any(|delivery| in_hand(&delivery)));
    }

    /// The device answers all, session after session, until there is nothing more.
    fn settles(&mut self) {
        for _ in 0..3 {
            self.happens(Event::Idle);
            while self.in_flight.is_some() {
                self.answers(&Answer::Acknowledged, false);
            }
        }
        let left = |delivery: &&Delivery| !delivery.state.is_final() && self.now < delivery.expires_at;
        assert_eq!(self.queue.values().find(left), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_pass_keeps_its_order_whatever_happens(events in prop::collection::vec(event(), 0..60)) {
        let mut channel = Channel::new();
        for event in events {
            channel.happens(event);
        }
        channel.settles();
    }
}

/// A device that was cut off in its surveys, and comes back with the outcome of one, is offered what there is for it.
#[test]
fn after_a_survey_comes_what_was_not_given_yet() {
    let mut channel = Channel::new();
    channel.happens(Event::Idle);
    channel.happens(Event::Answers(Answer::Acknowledged));
    assert_eq!(channel.given, [(0, 0), (2, 0)]);
    channel.happens(Event::Order);
    channel.happens(Event::Publish(2));
    channel.happens(Event::Pass(3600));
    channel.happens(Event::Returns(Answer::Acknowledged));
    for answer in [Answer::Acknowledged, Answer::NotNow, Answer::NotNow] {
        channel.happens(Event::AnswersTwice(answer));
    }
    assert_eq!(channel.given, [(0, 0), (1, 1), (2, 1), (2, 2)]);

    // Neither the refused command nor the refused survey comes again before it says `Idle`; what is new does.
    channel.happens(Event::Order);
    channel.happens(Event::Answers(Answer::Acknowledged));
    channel.happens(Event::Answers(Answer::Acknowledged));
    assert_eq!(channel.given, [(0, 0), (1, 1), (2, 1), (2, 2), (1, 2)]);
    assert_eq!(channel.in_flight, None);
    channel.happens(Event::Idle);
    channel.happens(Event::Answers(Answer::Acknowledged));
    assert_eq!(channel.given, [(1, 1), (2, 1)]);
    channel.settles();
}

#[test]
fn declarations_come_first_then_the_queue_then_the_surveys() {
    let mut channel = Channel::new();
    channel.happens(Event::Order);
    channel.happens(Event::Order);
    channel.happens(Event::Idle);
    for answer in [
        Answer::NotNow,
        Answer::NotNow,
        Answer::Acknowledged,
        Answer::NotNow,
    ] {
        channel.happens(Event::AnswersTwice(answer));
    }
    assert_eq!(channel.given, [(0, 0), (1, 1), (1, 2), (2, 0), (2, 1)]);
    let states: Vec<_> = channel.queue.values().map(|delivery| delivery.state).collect();
    assert_eq!(states, [State::NotNow, State::Acknowledged]);
    channel.happens(Event::Idle);
    assert_eq!(channel.given, [(0, 0)], "a new session begins anew");
    channel.settles();
}
