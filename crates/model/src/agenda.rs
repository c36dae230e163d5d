//! The agenda of one channel: from when on it would be given a command if it asked for work. Who is pushed follows
//! from this alone, and is told by nothing else.

use ordain_catalog::Catalog;
use serde::{Deserialize, Serialize};

use crate::command;
use crate::device::DeviceFacts;
use crate::enrollment::{Enrollment, Phase};
use crate::ids::Digest;
use crate::inventory::{self, Survey};

/// When there is work for a channel, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agenda {
    /// From when on there is work, in unix seconds; it may lie in the past.
    pub at: i64,
    /// The work that is due at that time.
    pub work: Work,
}

/// What a channel is to be woken for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The token that it is to be told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Digest>,
    /// The number of the newest command that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<i64>,
    /// The round of inventory that is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<i64>,
}

impl Work {
    /// Whether there is more in it than in `told`, for which the channel was woken already.
    pub fn is_news_after(&self, told: &Self) -> bool {
        let is_other_token = self.token.is_some() && self.token != told.token;
        let is_other_round = self.round.is_some() && self.round != told.round;
        is_other_token || is_other_round || self.queued > told.queued
    }
}

/// The agenda of `enrollment`, whose wanted manifest has `token`. `device` are the facts of its device, `queued` is the
/// number of the newest command that waits in its queue. `None`: there will be no work unless something changes.
pub fn agenda(
    enrollment: &Enrollment,
    device: &DeviceFacts,
    token: Digest,
    queued: Option<i64>,
    catalog: &Catalog,
    now: i64,
) -> Option<Agenda> {
    if enrollment.phase != Phase::Enrolled {
        return None;
    }
    let told = match device.is_windows() {
        true => session_due_at(enrollment, token),
        false => command::due_at(enrollment, device, token, catalog),
    };
    let cleans = enrollment
        .standing
        .as_ref()
        .is_some_and(|standing| standing.cleans);
    let surveys = Survey::ALL.map(|survey| inventory::due_at(enrollment, device, survey, catalog));
    let asked = surveys.into_iter().flatten().min();
    let at = [told, queued.map(|_| 0), asked, cleans.then_some(0)]
        .into_iter()
        .flatten()
        .min()?;
    let is_due = |due: Option<i64>| due.is_some_and(|due| due <= now.max(at));
    Some(Agenda {
        at,
        work: Work {
            token: is_due(told).then_some(token),
            queued,
            round: is_due(asked).then(|| inventory::round(enrollment, now)),
        },
    })
}

/// From when on a Windows device is to hold a session for the manifest with `token`; `None`: it holds that, or has begun
/// one for it, after which its own schedule brings it back for what was left.
fn session_due_at(enrollment: &Enrollment, token: Digest) -> Option<i64> {
    (!enrollment.holds(token) && enrollment.pinned != Some(token)).then_some(0)
}
