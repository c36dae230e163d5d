//! How far the session is with one declaration, and what the statuses of its commands mean (MS-MDM section 3.2).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::report::Reason;

/// How the codes of reasons begin that are the device's word on a command.
pub const REFUSED: &str = "Error.SyncML";
/// Added to what was not confirmed: nothing speaks against it.
const NOT_READABLE: &str = "Info.CannotBeReadBack";
const AFTER_REBOOT: &str = "Info.AfterReboot";
const OTHER_VALUE: &str = "Error.OtherValue";
const OUTCOME: &str = "Error.Outcome";

/// One declaration of the manifest in this session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) token: Digest,
    /// It is of a user who is not there: nothing is sent.
    pub(super) is_put_off: bool,
    /// Not all of its values were found to be there.
    pub(super) differs: bool,
    /// What it made the device begin goes on: nothing is changed meanwhile.
    pub(super) is_busy: bool,
    /// Its commands were sent.
    pub(super) is_applied: bool,
    /// Something is to be sent once more in another session, through no fault of its own.
    pub(super) is_unfinished: bool,
    /// The commands, by step and place, whose nodes are there already.
    pub(super) there: BTreeSet<(usize, usize)>,
    pub(super) failures: Vec<Reason>,
    pub(super) notes: Vec<Reason>,
}

/// What a status says of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Done,
    /// 404: no such node.
    Missing,
    /// 418: there already.
    There,
    /// Not executed, or not for good: again in another session.
    Later,
    /// Refused; again would be the same.
    Final,
}

impl Meaning {
    pub(super) fn of(code: u16) -> Self {
        match code {
            200..=202 => Self::Done,
            404 => Self::Missing,
            418 => Self::There,
            // Cancelled, not executed, rolled back; full; state unknown. And whatever is about the session, not the node.
            214..=216 | 401 | 407 | 420 | 508 | 516 => Self::Later,
            _ => Self::Final,
        }
    }
}

impl Task {
    pub(super) fn new(token: Digest, is_put_off: bool) -> Self {
        Self {
            token,
            is_put_off,
            differs: false,
            is_busy: false,
            is_applied: false,
            is_unfinished: false,
            there: BTreeSet::new(),
            failures: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The device refused a command.
    pub(super) fn refused(&mut self, verb: &str, path: &str, code: u16, original: Option<u32>) {
        self.fail(format!("{REFUSED}{code}"), {
            let behind = original
                .map(|error| format!(", 0x{error:08X}"))
                .unwrap_or_default();
            format!("{verb} {path}: {}{behind}", words(code))
        });
    }

    /// What was set is not what is there.
    pub(super) fn differs_at(&mut self, path: &str, needs_reboot: bool) {
        match needs_reboot {
            true => self.note(AFTER_REBOOT, format!("{path} is in force after a reboot")),
            false => self.fail(
                OTHER_VALUE.to_owned(),
                format!("{path} has another value than was set"),
            ),
        }
    }

    /// What the settings were to bring about came to nothing.
    pub(super) fn came_to_nothing(&mut self, path: &str, said: &str) {
        self.fail(OUTCOME.to_owned(), format!("{path} is {said}"));
    }

    /// A value cannot be asked for, so that it is not confirmed.
    pub(super) fn unreadable(&mut self, path: &str, why: &str) {
        self.note(NOT_READABLE, format!("{path} cannot be read back: {why}"));
    }

    /// All of one `Atomic` is too long for a message.
    pub(super) fn too_long(&mut self) {
        let why = "all that has to be set at once is too long for a message of this device";
        self.fail(format!("{REFUSED}TooLong"), why.to_owned());
    }

    fn fail(&mut self, code: String, description: String) {
        self.failures.push(reason(code, description));
    }

    fn note(&mut self, code: &str, description: String) {
        self.notes.push(reason(code.to_owned(), description));
    }
}

fn reason(code: String, description: String) -> Reason {
    Reason {
        code,
        description: Some(description),
        details: None,
    }
}

/// A status code, in words.
pub(super) fn words(code: u16) -> &'static str {
    match code {
        400 => "malformed (400)",
        403 => "forbidden (403)",
        404 => "there is no such node (404)",
        405 => "not with this node (405)",
        406 => "not supported (406)",
        412 => "incomplete (412)",
        413 => "too large (413)",
        415 => "not in this format (415)",
        416 | 424 => "not of the size that was announced",
        418 => "there already (418)",
        425 => "no permission (425)",
        500 => "failed (500)",
        507 => "failed with all that belongs to it (507)",
        _ => "refused",
    }
}
