//! The queue of a channel: the commands that administrators ordered, in the order of their numbers, and what became of
//! each (Apple: MDM protocol, the command channel).

use serde::{Deserialize, Serialize};

use crate::command::named;
use crate::enrollment::Answer;
use crate::ids::EnrollmentId;

/// A command in the queue of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its place: numbers grow.
    pub number: i64,
    /// `CommandUUID`.
    pub uuid: String,
    /// The order that it belongs to.
    pub command: String,
    /// `RequestType`.
    pub request_type: String,
    /// What became of it.
    pub state: State,
    /// From when on it is not given any more, in unix seconds.
    pub expires_at: i64,
}

/// What became of a command. It claims no more than the device said: one that was sent, and not answered, may have
/// been carried out or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for the device to ask.
    Queued,
    /// It was sent, and nothing came back.
    Sent,
    /// `NotNow`: the device could not, and does not keep it; it is sent again.
    NotNow,
    /// `Acknowledged`.
    Acknowledged,
    /// `Error` or `CommandFormatError`.
    Failed,
    /// Its time ended before the device could do it.
    Expired,
    /// Taken back, by an administrator, by the end of its enrollment, or by a server that cannot give it, before the
    /// device could do it.
    Cancelled,
}

impl State {
    /// All of them, in the order in which they are come to.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Sent,
        Self::NotNow,
        Self::Acknowledged,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::NotNow => "not-now",
            Self::Acknowledged => "acknowledged",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that goes by `word`.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing more comes of it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sent | Self::NotNow)
    }

    /// Whether the device has it not: it can be taken back, and expires.
    pub const fn is_with_us(self) -> bool {
        matches!(self, Self::Queued | Self::NotNow)
    }
}

/// A command that goes from one state to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Which one.
    pub number: i64,
    /// The state that it was in: if it is in another one by now, the decision is made again.
    pub from: State,
    /// The state that it comes to.
    pub to: State,
    /// When, in unix seconds.
    pub at: i64,
    /// What the device said of its failure.
    pub reason: Option<String>,
    /// What the device answered besides, sealed.
    pub result: Option<Vec<u8>>,
}

/// The `CommandUUID` of the order `command` on the channel of `id`: every node makes it alike, so that nothing is queued
/// twice.
pub fn command_uuid(command: &str, id: &EnrollmentId) -> String {
    named(&format!("{command}\n{id}"))
}

/// The first of `queue`, in the order of its numbers, that is to be given after number `after`. What has expired is
/// not given, whether it was sent or not.
pub(crate) fn next(queue: &[Delivery], after: i64, now: i64) -> Option<&Delivery> {
    queue
        .iter()
        .find(|delivery| delivery.number > after && !delivery.state.is_final() && now < delivery.expires_at)
}

/// The first of `queue` that is to be given, and that the device has not refused.
pub(crate) fn first_unrefused(queue: &[Delivery], now: i64) -> Option<&Delivery> {
    queue
        .iter()
        .find(|delivery| matches!(delivery.state, State::Queued | State::Sent) && now < delivery.expires_at)
}

/// `delivery` as it is given. Giving it once more changes nothing.
pub(crate) fn sent(delivery: &Delivery, now: i64) -> Option<Moved> {
    (delivery.state != State::Sent).then(|| moved(delivery, State::Sent, now))
}

/// What `answer` makes of `delivery`; nothing of one that was never sent, and of one that was answered before.
pub(crate) fn answered(
    delivery: &Delivery,
    answer: &Answer,
    result: Option<&[u8]>,
    now: i64,
) -> Option<Moved> {
    if !matches!(delivery.state, State::Sent | State::NotNow) {
        return None;
    }
    let (to, reason) = match answer {
        Answer::None => return None,
        Answer::NotNow if now >= delivery.expires_at => (State::Expired, None),
        Answer::NotNow if delivery.state == State::NotNow => return None,
        Answer::NotNow => (State::NotNow, None),
        Answer::Acknowledged => (State::Acknowledged, None),
        Answer::Failed(reason) => (State::Failed, Some(reason.clone())),
    };
    Some(Moved {
        reason,
        result: result.filter(|_| to.is_final()).map(<[u8]>::to_vec),
        ..moved(delivery, to, now)
    })
}

fn moved(delivery: &Delivery, to: State, at: i64) -> Moved {
    Moved {
        number: delivery.number,
        from: delivery.state,
        to,
        at,
        reason: None,
        result: None,
    }
}
