//! Apple's twins and Windows' as one fleet.

use std::time::Duration;

use ordain_twin::driver::{DriverError, Fleet, Options, Target, windows};
use tokio::sync::watch;

use super::Account;

/// A fleet of both kinds, of which there may be none.
pub(crate) struct Twins {
    /// Devices of Apple, which have their identities.
    pub(crate) apple: Fleet,
    /// Windows computers, which know how to enroll.
    pub(crate) windows: windows::Fleet,
}

/// Where the twins go, and how they do.
pub(crate) struct Course {
    /// The server.
    pub(crate) target: Target,
    /// How all are run, and how often Apple's look,
    pub(crate) options: Options,
    /// and Windows'.
    pub(crate) windows_poll: Duration,
}

/// Counts over the whole fleet, while it is on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The twins.
    pub(crate) twins: u64,
    /// Those that are enrolled.
    pub(crate) enrolled: u64,
    /// Those that have done all that they were told.
    pub(crate) converged: u64,
    /// Attempts that got no answer.
    pub(crate) errors: u64,
    /// Complaints.
    pub(crate) complaints: u64,
}

impl Twins {
    /// The counts as they are now.
    pub(crate) fn progress(&self) -> Progress {
        let (apple, windows) = (*self.apple.progress().borrow(), *self.windows.progress().borrow());
        Progress {
            twins: apple.twins + windows.twins,
            enrolled: apple.enrolled + windows.enrolled,
            converged: apple.converged + windows.converged,
            errors: apple.errors + windows.errors,
            complaints: apple.complaints + windows.complaints,
        }
    }

    /// Lets all twins hold sessions, until the end that `course` says or until `stop` is true.
    pub(crate) async fn run(
        &self,
        course: &Course,
        stop: &watch::Receiver<bool>,
    ) -> Result<Account, DriverError> {
        let Course { target, options, .. } = course;
        let windows = windows::Options {
            sessions: options.sessions,
            poll: course.windows_poll,
            until: options.until,
        };
        let (apple, windows) = tokio::try_join!(
            self.apple.run(target, options, stop),
            self.windows.run(&target.roots, &windows, stop)
        )?;
        Ok(Account::of(&apple, &windows))
    }
}
