//! Whom to wake, and when.

use ordain_model::agenda::{Agenda, Work};
use ordain_model::enrollment::{ApnsToken, Push, WnsChannel};
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::wake::{Next, Problem, Wake, next};
use proptest::prelude::*;

use crate::fixtures::*;

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// One channel, and what is kept of it.
fn push(token: &str) -> Push {
    Push::Apns(ApnsToken {
        topic: "com.apple.mgmt.External.test".into(),
        magic: "magic".into(),
        token: token.into(),
    })
}

struct Channel {
    id: EnrollmentId,
    push: Option<Push>,
    wake: Wake,
    agenda: Option<Agenda>,
    wakes: u64,
    run: u64,
    now: i64,
}

impl Channel {
    fn new() -> Self {
        Self {
            id: EnrollmentId::device("D1").unwrap(),
            push: Some(push("01")),
            wake: Wake::default(),
            agenda: None,
            wakes: 0,
            run: 0,
            now: NOW,
        }
    }

    fn next(&self) -> Next {
        let Self { id, wake, .. } = self;
        next(
            id,
            wake,
            self.push.as_ref(),
            self.agenda.as_ref(),
            self.wakes,
            self.run,
            self.now,
        )
    }

    /// Looks, and keeps what came of it. Whether that was a push that APNs took.
    fn look(&mut self) -> bool {
        let (wake, is_pushed) = match self.next() {
            Next::Push(wake) => (wake, true),
            Next::Wait(wake) | Next::Rest(wake) | Next::Unreachable(wake) => (wake, false),
        };
        self.wake = wake;
        is_pushed
    }

    /// There is this work, from now on.
    fn wants(&mut self, work: Work) {
        self.agenda = Some(Agenda { at: self.now, work });
    }

    /// How long until the next push, if one looks whenever it is due.
    fn pause(&mut self) -> i64 {
        let begun = self.now;
        for _ in 0..10 {
            self.now = self.wake.due_at.expect("work is not forgotten");
            if self.look() {
                return self.now - begun;
            }
        }
        panic!("work is due, and nobody pushes");
    }
}

fn token(name: &str) -> Work {
    Work {
        token: Some(digest(name)),
        ..Work::default()
    }
}

fn command(number: i64) -> Work {
    Work {
        queued: Some(number),
        ..Work::default()
    }
}

fn is_about(pause: i64, expected: i64) -> bool {
    (expected * 88 / 100..=expected * 112 / 100).contains(&pause)
}

#[test]
fn what_is_new_is_pushed_at_once_and_what_is_done_rests() {
    let mut channel = Channel::new();
    assert_eq!(channel.next(), Next::Rest(Wake::default()));
    channel.wants(token("a"));
    assert!(channel.look());
    channel.wakes += 1;
    channel.now += 1;
    channel.wants(token("b"));
    assert!(channel.look(), "it had come, and there is more");
    assert_eq!(channel.wake.pushed.as_ref().unwrap().attempts, 1);
    channel.wakes += 1;
    channel.agenda = Some(Agenda {
        at: NOW + DAY,
        work: Work::default(),
    });
    let rests = Wake {
        due_at: Some(NOW + DAY),
        pushed: None,
    };
    assert_eq!(channel.next(), Next::Rest(rests));
}

#[test]
fn one_push_is_enough_for_whatever_comes_until_it_is_answered() {
    let mut channel = Channel::new();
    channel.wants(token("a"));
    assert!(channel.look());
    for number in 1..20 {
        channel.now += 10;
        channel.wants(Work {
            queued: Some(number),
            ..token(&number.to_string())
        });
        assert!(!channel.look(), "APNs keeps the one that it has");
        assert!(matches!(channel.next(), Next::Wait(_)));
    }
    channel.wakes += 1;
    assert!(channel.look(), "it came, and left something undone that is new");
}

#[test]
fn what_another_run_has_not_counted_is_not_taken_for_silence() {
    let mut channel = Channel::new();
    channel.wants(token("a"));
    channel.wakes = 7;
    assert!(channel.look());
    // It came, and did it, but the run that had counted that was killed; and so were two more.
    channel.run += 1;
    channel.wakes = 5;
    let before = channel.wake.clone();
    assert!(!channel.look(), "it may have come, and failed: that is no news");
    channel.wake = before;
    channel.wants(command(1));
    assert!(channel.look());
    channel.wants(command(2));
    assert!(!channel.look(), "of its own pushes a run knows");
}

#[test]
fn pauses_grow_while_it_is_silent_and_differ() {
    let mut channel = Channel::new();
    channel.wants(token("a"));
    assert!(channel.look());
    let mut expected = 5 * MINUTE;
    for _ in 0..14 {
        let pause = channel.pause();
        assert!(is_about(pause, expected), "{pause} for {expected}");
        expected = (expected * 2).min(DAY);
    }
    let pauses = (0..20).map(|number| {
        let mut channel = Channel::new();
        channel.id = EnrollmentId::device(format!("D{number}")).unwrap();
        channel.wants(token("a"));
        channel.look();
        channel.pause()
    });
    assert!(pauses.collect::<std::collections::BTreeSet<_>>().len() > 10);
}

#[test]
fn pauses_grow_while_it_comes_and_cannot() {
    let mut channel = Channel::new();
    channel.wants(command(1));
    assert!(channel.look());
    let mut expected = MINUTE;
    for _ in 0..12 {
        channel.wakes += 1;
        let pause = channel.pause();
        assert!(is_about(pause, expected), "{pause} for {expected}");
        expected = (expected * 2).min(6 * 60 * MINUTE);
    }
    channel.wakes += 1;
    channel.wants(command(2));
    assert!(channel.look(), "another command is new");
}

#[test]
fn a_push_under_way_is_remembered_while_there_is_no_work() {
    let mut channel = Channel::new();
    channel.wants(token("a"));
    assert!(channel.look());
    channel.agenda = None;
    assert!(!channel.look());
    assert_eq!(channel.wake.due_at, None);
    channel.wants(token("b"));
    assert!(!channel.look(), "when it comes, it is told of b");
    channel.wakes += 1;
    channel.agenda = None;
    assert!(!channel.look());
    assert_eq!(channel.wake, Wake::default());
}

#[test]
fn dead_and_refused_tokens() {
    let mut channel = Channel::new();
    channel.wants(token("a"));
    let Next::Push(pushed) = channel.next() else {
        panic!("work is due");
    };
    channel.wake = pushed.clone().dead();
    assert_eq!(channel.wake.due_at, None);
    channel.wakes += 1;
    channel.now += 10 * DAY;
    channel.wants(command(1));
    assert_eq!(channel.next(), Next::Unreachable(channel.wake.clone()));
    channel.push = Some(push("02"));
    assert!(channel.look(), "it has told another token");
    assert_eq!(channel.wake.pushed.as_ref().unwrap().problem, None);

    let mut channel = Channel::new();
    channel.wants(token("a"));
    channel.wake = pushed.clone().refused("BadDeviceToken".into(), NOW);
    let problem = Some(Problem::Refused("BadDeviceToken".into()));
    assert_eq!(channel.wake.pushed.as_ref().unwrap().problem, problem);
    channel.wants(token("b"));
    assert!(!channel.look());
    assert_eq!(
        channel.wake.pushed.as_ref().unwrap().problem,
        problem,
        "it is still said"
    );
    assert!(is_about(channel.pause(), 5 * MINUTE));
    let slow = pushed.refused("TooManyRequests".into(), NOW + DAY);
    assert_eq!(slow.due_at, Some(NOW + DAY));

    channel.push = None;
    assert_eq!(channel.next(), Next::Unreachable(Wake::default()));
}

#[test]
fn a_channel_of_wns_ends_by_itself() {
    let told = |uri: &str, told_at| {
        Some(Push::Wns(WnsChannel {
            package: "p".into(),
            uri: uri.into(),
            told_at,
        }))
    };
    let mut channel = Channel::new();
    channel.push = told("a", NOW);
    channel.wants(token("a"));
    assert!(channel.look());
    let wake = channel.wake.clone();
    channel.now = NOW + WnsChannel::LIFE;
    assert_eq!(channel.next(), Next::Unreachable(Wake::default()));
    // The same, told anew, is where the last push went; another one is not.
    channel.now = NOW + 1;
    channel.push = told("a", NOW + 1);
    assert!(matches!(channel.next(), Next::Wait(_)));
    channel.push = told("b", NOW + 1);
    channel.wake = wake.dead();
    assert!(matches!(channel.next(), Next::Push(_)));
}

/// What can happen to a channel.
#[derive(Debug, Clone)]
enum Event {
    Passes(i64),
    Publishes(u8),
    Orders,
    Comes { works: bool },
    Refused,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (1..2 * DAY).prop_map(Event::Passes),
        (1..30i64).prop_map(Event::Passes),
        any::<u8>().prop_map(Event::Publishes),
        Just(Event::Orders),
        any::<bool>().prop_map(|works| Event::Comes { works }),
        Just(Event::Refused),
    ]
}

proptest! {
    #[test]
    fn never_twice_before_the_pause_and_never_forgotten(
        events in proptest::collection::vec(event(), 1..60)
    ) {
        let mut channel = Channel::new();
        let mut work = Work::default();
        let mut orders = 0;
        // When it was pushed last without an answer, and how often.
        let mut silent: Option<(i64, u32)> = None;
        for event in events {
            match event {
                Event::Passes(seconds) => channel.now += seconds,
                Event::Publishes(what) => work.token = Some(Digest::of(&[what])),
                Event::Orders => {
                    orders += 1;
                    work.queued = Some(orders);
                }
                Event::Comes { works } => {
                    channel.wakes += 1;
                    silent = None;
                    if works {
                        work = Work::default();
                    }
                }
                Event::Refused => {
                    channel.wake = channel.wake.clone().refused("BadDeviceToken".into(), 0);
                }
            }
            channel.agenda = (work != Work::default()).then(|| Agenda { at: 0, work: work.clone() });
            if channel.look() {
                prop_assert!(channel.agenda.is_some(), "a push for nothing");
                let times = match silent {
                    None => 1,
                    Some((at, times)) => {
                        let least = ((5 * MINUTE) << (times - 1).min(12)).min(DAY) * 88 / 100;
                        prop_assert!(channel.now - at >= least, "{} after {times}", channel.now - at);
                        times + 1
                    }
                };
                silent = Some((channel.now, times));
            }
            prop_assert_eq!(channel.agenda.is_some(), channel.wake.due_at.is_some());
            prop_assert!(channel.wake.due_at.is_none_or(|due| due > channel.now));
        }
        if channel.agenda.is_some() {
            prop_assert!(channel.pause() <= DAY * 112 / 100);
        }
    }
}
