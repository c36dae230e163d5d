//! What a twin tells of itself: how far it is, and what came of the commands that it got.

use ordain_model::ids::EnrollmentId;

use super::{Channel, Enrollment, Standing, Twin};
use crate::journal::{Entry, Taken};

impl Twin {
    /// How far it is.
    pub fn standing(&self) -> Standing {
        match self.enrollment {
            Enrollment::New | Enrollment::Enrolling => Standing::New,
            Enrollment::Leaving | Enrollment::Left => Standing::Unenrolled,
            Enrollment::Enrolled if self.channels.iter().all(|channel| channel.engine.is_converged()) => {
                Standing::Converged
            }
            Enrollment::Enrolled => Standing::Enrolled,
        }
    }

    /// Whether the last wake found nothing to do, and nothing is left to be done.
    pub fn is_at_rest(&self) -> bool {
        match self.standing() {
            Standing::Converged => !self.busy,
            Standing::Unenrolled => true,
            Standing::New | Standing::Enrolled => false,
        }
    }

    /// How many DeclarativeManagement commands came on all channels.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// How many declarations it holds on all channels, and how many of them are invalid.
    pub fn tally(&self) -> (usize, usize) {
        self.channels
            .iter()
            .map(|channel| channel.engine.tally())
            .fold((0, 0), |(held, invalid), (more, worse)| {
                (held + more, invalid + worse)
            })
    }

    /// The declarations that it holds: the channel of each, its identifier and its ServerToken.
    pub fn holdings(&self) -> impl Iterator<Item = (&EnrollmentId, &str, &str)> {
        self.channels.iter().flat_map(|channel| {
            let held = channel.engine.holdings();
            held.map(|(identifier, token)| (&channel.ids.enrollment, identifier, token))
        })
    }

    /// The last [`MAX_REMEMBERED`](crate::journal::MAX_REMEMBERED) commands of each channel, oldest first, over all
    /// enrollments.
    pub fn journal(&self) -> impl Iterator<Item = &Entry> {
        self.channels
            .iter()
            .flat_map(|channel| channel.session.journal().entries())
    }

    /// How often a real device, which remembers nothing, would have executed this command.
    pub fn executions(&self, uuid: &str) -> u32 {
        let entries = self.journal().filter(|entry| entry.uuid() == uuid);
        entries.map(Entry::deliveries).sum()
    }

    /// What commands have done to the device, in a few words each, oldest first on each channel.
    pub fn effects(&self) -> impl Iterator<Item = &str> {
        self.journal().filter_map(Entry::effect)
    }

    /// What the server has taken.
    pub fn taken(&self) -> Taken {
        self.taken
    }

    /// Whether it looks for work by itself, as devices do without a push: its last session was cut short or ended with
    /// NotNow for a reason that is gone, a TokenUpdate is due, or declarations are not dealt with yet.
    pub fn wants_poll(&self) -> bool {
        let wants = |channel: &Channel| {
            let hindering = channel.naps || self.device.locked;
            !channel.registered || channel.session.wants_poll(hindering) || channel.engine.is_unfinished()
        };
        self.enrollment == Enrollment::Enrolled && self.channels.iter().any(wants)
    }
}
