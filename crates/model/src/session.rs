//! A session on the command channel: one pass over the work of the channel, in a fixed order.
//!
//! First comes the DeclarativeManagement command, then the queue by its numbers, then the surveys of the inventory.
//! `Idle` begins the pass; the outcome of a piece of work continues it after that piece. The outcome of a survey goes back
//! to what the device was not given yet: it is the last of a pass, and a device that was cut off there comes back with it,
//! perhaps without `Idle`. So nothing that was refused with `NotNow` is repeated in the session, order is kept, one command
//! is under way, and of the session only the refused surveys are remembered (Apple: MDM protocol, the command channel).

use ordain_catalog::Catalog;
use serde_json::Value;

use crate::command;
use crate::decision::{Decision, Write};
use crate::device::DeviceFacts;
use crate::enrollment::{Answer, Enrollment, Offer, Phase};
use crate::event::{CommandAnswer, Event};
use crate::inventory::{self, Survey};
use crate::queue::{self, Delivery, Moved, State};
use crate::sync::{self, Behind, Wanted};

/// What a device says on the command channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// `Idle`: it asks for work; a session begins. The outcome of what nobody knows comes to the same.
    Idle,
    /// How it fared with a piece of work.
    Outcome(Piece, Answer),
}

/// A piece of work that a device has answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// The DeclarativeManagement command.
    Declarations,
    /// A command of the queue, and what the device answered to it, sealed.
    Queued(Delivery, Option<Vec<u8>>),
    /// A survey of the round that is due, and what the device answered to it.
    Survey(Survey, Option<Value>),
}

/// What an outcome is of, as far as that follows from the channel alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// The DeclarativeManagement command.
    Declarations,
    /// A survey.
    Survey(Survey),
}

/// The command to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Give {
    /// DeclarativeManagement.
    Declarations {
        /// `CommandUUID`.
        uuid: String,
        /// What its `Data` tells.
        offer: Offer,
    },
    /// One of the queue.
    Queued(Delivery),
    /// A survey.
    Survey {
        /// `CommandUUID`.
        uuid: String,
        /// Which one.
        survey: Survey,
    },
}

/// What a session is decided from.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The channel.
    pub enrollment: &'a Enrollment,
    /// What is known of its device.
    pub device: &'a DeviceFacts,
    /// What the channel should hold.
    pub wanted: &'a Wanted,
    /// What the facts are judged by.
    pub catalog: &'a Catalog,
    /// The queue after the number that [`Says::queue_after`] tells, in the order of the numbers. What is final may be
    /// left out, and so may be its end.
    pub queue: &'a [Delivery],
}

/// The derived command whose `CommandUUID` is `uuid`.
pub fn derived(enrollment: &Enrollment, uuid: &str, now: i64) -> Option<Derived> {
    if enrollment.told.as_ref().is_some_and(|told| told.uuid == uuid) {
        return Some(Derived::Declarations);
    }
    inventory::survey_of(enrollment, uuid, now).map(Derived::Survey)
}

/// How far a pass has got.
#[derive(Debug, Clone, Copy)]
enum After {
    Nothing,
    Declarations,
    Queued(i64),
    Survey,
}

impl Says {
    /// After which number the queue goes on.
    pub fn queue_after(&self) -> i64 {
        match self.after() {
            After::Nothing | After::Declarations | After::Survey => 0,
            After::Queued(number) => number,
        }
    }

    fn after(&self) -> After {
        match self {
            Self::Idle => After::Nothing,
            Self::Outcome(Piece::Declarations, _) => After::Declarations,
            Self::Outcome(Piece::Queued(delivery, _), _) => After::Queued(delivery.number),
            Self::Outcome(Piece::Survey(..), _) => After::Survey,
        }
    }
}

/// What to note of what the device says, and what to answer: the next piece of work, or nothing.
pub fn respond(session: &Session<'_>, says: &Says, now: i64) -> Result<Decision<Option<Give>>, Behind> {
    let (mut writes, answered) = match says {
        Says::Idle => (Vec::new(), inventory::begun_session(session.enrollment)),
        Says::Outcome(piece, answer) => note(session, piece, answer, now),
    };
    let session = Session {
        enrollment: answered.as_ref().unwrap_or(session.enrollment),
        ..*session
    };
    let (given, reply) = match session.enrollment.phase {
        Phase::Enrolled => next(&session, says.after(), now)?,
        Phase::Authenticated | Phase::CheckedOut => (Vec::new(), None),
    };
    // What is given may write the enrollment, and then writes what was noted too: there is never a second row.
    let is_written = given.iter().any(|write| matches!(write, Write::Enrollment(_)));
    let noted = answered.filter(|_| !is_written);
    writes.extend(noted.map(|enrollment| Write::Enrollment(Box::new(enrollment))));
    writes.extend(given);
    Ok(Decision { writes, reply })
}

/// What is new in an outcome, with the enrollment that it makes, if it makes another one.
fn note(session: &Session<'_>, piece: &Piece, answer: &Answer, now: i64) -> (Vec<Write>, Option<Enrollment>) {
    match piece {
        Piece::Declarations => (Vec::new(), command::answered(session.enrollment, answer, now)),
        Piece::Queued(delivery, result) => {
            let moved = queue::answered(delivery, answer, result.as_deref(), now);
            let event = moved
                .as_ref()
                .and_then(|moved| told(session.enrollment, delivery, moved, now));
            let writes = moved
                .map(Write::Delivery)
                .into_iter()
                .chain(event.map(Write::Event));
            (writes.collect(), None)
        }
        Piece::Survey(survey, found) => {
            inventory::note(session.enrollment, *survey, answer, found.as_ref(), now)
        }
    }
}

/// The event of a final answer.
pub(crate) fn told(enrollment: &Enrollment, delivery: &Delivery, moved: &Moved, now: i64) -> Option<Event> {
    let answer = CommandAnswer {
        uuid: &delivery.uuid,
        request_type: &delivery.request_type,
        state: moved.to.word(),
        failure: moved.reason.as_deref(),
    };
    let is_answer = matches!(moved.to, State::Acknowledged | State::Failed);
    is_answer.then(|| Event::command_answered(enrollment, answer, now))
}

/// Whether the DeclarativeManagement command can follow a survey: it would tell what the device has not answered in this
/// session, nor is there anything in the queue that it may have refused, since the queue begins anew after it.
fn may_tell(session: &Session<'_>) -> bool {
    let token = session.wanted.manifest.token();
    let told = session.enrollment.told.as_ref();
    let is_answered = told.is_some_and(|told| told.token == token && told.answer != Answer::None);
    let is_refused = |delivery: &Delivery| delivery.state == State::NotNow;
    !is_answered && !session.queue.iter().any(is_refused)
}

/// The next piece of work of the pass, and what is to be written before it is given.
fn next(session: &Session<'_>, after: After, now: i64) -> Result<(Vec<Write>, Option<Give>), Behind> {
    let Session {
        enrollment,
        device,
        wanted,
        catalog,
        queue,
    } = *session;
    let told = match after {
        After::Nothing => command::tell(enrollment, device, wanted, catalog, now)?,
        After::Survey if may_tell(session) => command::tell(enrollment, device, wanted, catalog, now)?,
        After::Declarations | After::Queued(_) | After::Survey => None,
    };
    if let Some((told, offer)) = told {
        let uuid = told.uuid.clone();
        let told = Enrollment {
            told: Some(told),
            ..sync::offered(enrollment, offer)
        };
        let writes = vec![wanted.keep(), Write::Enrollment(Box::new(told))];
        return Ok((writes, Some(Give::Declarations { uuid, offer })));
    }
    let delivery = match after {
        After::Nothing | After::Declarations => queue::next(queue, 0, now),
        After::Queued(number) => queue::next(queue, number, now),
        After::Survey => queue::first_unrefused(queue, now),
    };
    if let Some(delivery) = delivery {
        let sent = queue::sent(delivery, now).map(Write::Delivery);
        return Ok((sent.into_iter().collect(), Some(Give::Queued(delivery.clone()))));
    }
    let survey = Survey::ALL.into_iter().find(|survey| {
        !enrollment.inventory.refused.contains(survey)
            && inventory::due_at(enrollment, device, *survey, catalog).is_some_and(|due| due <= now)
    });
    let give = survey.map(|survey| Give::Survey {
        uuid: inventory::command_uuid(enrollment, survey, now),
        survey,
    });
    Ok((Vec::new(), give))
}
