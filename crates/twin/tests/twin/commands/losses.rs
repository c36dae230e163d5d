//! Connections that break in the middle of a session: what the device has to say it says again, by itself.

use ordain_apple::command::{self, Command, Status};
use ordain_apple::plist::Dictionary;
use ordain_catalog::Platform;
use ordain_twin::request::{Request, Response, To};
use ordain_twin::{Device, Twin};
use proptest::prelude::*;

use crate::fake::{Fake, drive, settings};

/// Where a message and its answer get.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Arrive,
    /// The server does not hear of it.
    Lost,
    /// The device does not hear the answer.
    Unanswered,
}

use Fate::{Arrive, Lost, Unanswered};

/// A server with a queue for the device channel, which it gives in order, and what is left of it in each session.
struct Queue {
    fake: Fake,
    commands: Vec<(Command, Option<Status>)>,
    /// What it heard last: after NotNow it is for the device to come back, otherwise for the server to push.
    heard: Status,
}

impl Queue {
    /// One command of each of these kinds; their places are their UUIDs.
    fn of(kinds: &[&str]) -> Self {
        let command = |(place, kind): (usize, &&str)| Command {
            uuid: place.to_string(),
            request_type: (*kind).to_owned(),
            payload: Dictionary::new(),
        };
        let commands = kinds.iter().enumerate().map(command);
        Self {
            fake: Fake::new(),
            commands: commands.map(|command| (command, None)).collect(),
            heard: Status::Idle,
        }
    }

    fn pushes(&self) -> bool {
        self.heard != Status::NotNow && self.commands.iter().any(|(_, outcome)| outcome.is_none())
    }

    fn answer(&mut self, request: &Request) -> Response {
        let message = (request.to == To::Command).then(|| command::Message::parse(&request.body).unwrap());
        let Some(message) = message.filter(|message| message.ids.enrollment.user_part().is_none()) else {
            return self.fake.answer(request);
        };
        self.heard = message.status;
        let place = message.command_uuid.map(|uuid| uuid.parse::<usize>().unwrap());
        if let Some(place) = place.filter(|_| message.status != Status::NotNow) {
            self.commands[place].1 = Some(message.status);
        }
        let rest = self.commands.iter().skip(place.map_or(0, |place| place + 1));
        let next = rest
            .filter(|(_, outcome)| outcome.is_none())
            .map(|(command, _)| command.to_xml())
            .next();
        Response {
            status: 200,
            content_type: None,
            body: next.unwrap_or_default(),
        }
    }
}

/// Wakes a twin once, and then as long as it comes by itself or is pushed. These are the fates of its first requests; only
/// what goes to the command channel can get lost.
fn live(twin: &mut Twin, queue: &mut Queue, fates: &[Fate]) {
    let mut fates = fates.iter();
    for wake in 0..fates.len() as i64 + 4 {
        drive(twin, wake * 60, |request| {
            let fate = fates.next().filter(|_| request.to == To::Command);
            match fate.unwrap_or(&Arrive) {
                Arrive => Some(queue.answer(request)),
                Lost => None,
                Unanswered => {
                    queue.answer(request);
                    None
                }
            }
        });
        if !twin.wants_poll() && !queue.pushes() {
            return;
        }
    }
    panic!(
        "it comes again and again: {:?}",
        twin.journal().collect::<Vec<_>>()
    );
}

fn device(platform: Platform, is: fn(&Device) -> bool) -> Twin {
    let mut devices = (0..).map(|index| Device::new(platform, 1, index));
    Twin::new(
        devices.find(|device| device.supervised && is(device)).unwrap(),
        settings(),
    )
}

#[test]
fn a_refusal_that_was_not_heard_keeps_no_device_from_coming_back() {
    let hindered = [
        (device(Platform::MacOs, |mac| mac.naps), "ProfileList"),
        (device(Platform::Ios, |phone| phone.locked), "SecurityInfo"),
    ];
    for (twin, kind) in hindered {
        for fate in [Lost, Unanswered] {
            let (mut twin, mut queue) = (Twin::new(twin.device().clone(), settings()), Queue::of(&[kind]));
            // Authenticate, TokenUpdate and Idle arrive, NotNow does not.
            live(&mut twin, &mut queue, &[Arrive, Arrive, Arrive, fate]);
            assert_eq!(queue.commands[0].1, Some(Status::Acknowledged), "{kind} {fate:?}");
        }
    }
}

#[test]
fn a_push_is_answered_with_idle_whatever_is_left_to_be_said_first() {
    let (mut twin, mut queue) = (device(Platform::TvOs, |_| true), Queue::of(&["RestartDevice"]));
    for expected in [
        &[Status::Idle, Status::Acknowledged][..],
        &[Status::Acknowledged, Status::Idle],
    ] {
        let mut said = Vec::new();
        drive(&mut twin, 0, |request| {
            if request.to == To::Command {
                said.push(command::Message::parse(&request.body).unwrap().status);
            }
            let is_lost = said == [Status::Idle, Status::Acknowledged];
            (!is_lost).then(|| queue.answer(request))
        });
        assert_eq!(said, expected);
    }
    assert!(!twin.wants_poll());
}

#[test]
fn what_was_refused_is_not_kept() {
    let (mut twin, mut queue) = (
        device(Platform::MacOs, |mac| mac.naps),
        Queue::of(&["ProfileList"]),
    );
    drive(&mut twin, 0, |request| Some(queue.answer(request)));
    assert!(twin.wants_poll(), "it comes back when it can");
    // Meanwhile the server has thought better of it.
    queue.commands.clear();
    live(&mut twin, &mut queue, &[]);
    let refused = twin.journal().find(|entry| entry.uuid() == "0").unwrap();
    assert_eq!((refused.status(), refused.is_taken()), (None, false));
    assert!(!refused.is_untold(), "there is nothing to say of it");
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![3 => Just(Arrive), 1 => Just(Lost), 1 => Just(Unanswered)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Wherever a connection breaks, each command is done once and its outcome told.
    #[test]
    fn whatever_gets_lost(
        kinds in prop::collection::vec(prop::sample::select(vec!["ProfileList", "RestartDevice", "SecurityInfo"]), 1..6),
        fates in prop::collection::vec(fate(), 0..16),
        which in 0usize..3,
    ) {
        let mut twin = match which {
            0 => device(Platform::MacOs, |mac| mac.naps),
            1 => device(Platform::Ios, |phone| phone.locked),
            _ => device(Platform::TvOs, |_| true),
        };
        let mut queue = Queue::of(&kinds);
        live(&mut twin, &mut queue, &fates);
        for (command, outcome) in &queue.commands {
            prop_assert_eq!(*outcome, Some(Status::Acknowledged), "{}", command.uuid);
            prop_assert_eq!(twin.executions(&command.uuid), 1);
        }
        prop_assert!(twin.journal().all(|entry| !entry.is_untold()));
        prop_assert_eq!(twin.complaints().kept(), []);
    }
}
