//! Where the device can be pushed: the channel that it has from WNS for the package it was told (`Push`, DMClient CSP).

use serde::{Deserialize, Serialize};

use super::standing::ACCOUNT;
use super::{Operation, Outcome, Session};
use crate::decision::Write;
use crate::enrollment::{Enrollment, Push, WnsChannel};
use crate::windows::settings::Setting;

/// The package family name that the device is to have a channel for, below the account.
pub(super) const PACKAGE: &str = "Push/PFN";
/// What is asked of it: the address, and how it stands with that.
const ASKED: [&str; 2] = ["Push/ChannelURI", "Push/Status"];
/// `Status` of a device that can be pushed: 0; and 7, when a push came and no session could be held.
const ALIVE: [&str; 2] = ["0", "7"];
/// How old what it told may be before the same is kept as told anew, in seconds.
const FRESH: i64 = 24 * 60 * 60;

/// What the device has said of its channel in a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    /// The values, or why it did not tell them; none as long as it was not asked.
    said: [Option<Result<String, u16>>; 2],
    /// It had none or another package, so that what it says is of another channel.
    is_of_another: bool,
}

/// How many nodes are asked for.
pub(super) const NODES: usize = ASKED.len();

/// The question for the node of that place.
pub(super) fn question(place: usize) -> Option<Operation> {
    let path = format!("{ACCOUNT}/{}", ASKED.get(place)?);
    Some(Operation::get(&path))
}

/// Whether a node of the account is the package.
pub(super) fn is_package(node: &Setting) -> bool {
    node.path.to_string().ends_with(PACKAGE)
}

impl Session {
    /// The device was told another package.
    pub(super) fn repackaged(&mut self) {
        self.channel.is_of_another = true;
    }

    /// What it says to a question.
    pub(super) fn channel_said(&mut self, place: usize, outcome: &Outcome) {
        let value = outcome.value.clone().filter(|_| outcome.code == 200);
        if let Some(said) = self.channel.said.get_mut(place).filter(|_| outcome.is_said) {
            *said = Some(value.ok_or(outcome.code));
        }
    }

    /// Where the device can be pushed by what it said in this session, for `package`. `is_wns` tells the addresses of WNS:
    /// what leads elsewhere is none. `None`: it was not asked, or did not answer; then it stays as it was.
    fn channel(&self, package: &str, is_wns: impl Fn(&str) -> bool, now: i64) -> Option<Option<Push>> {
        let [uri, status] = &self.channel.said;
        let uri = uri.as_ref()?;
        // [U] Whether each Windows has the status; without it, the address counts.
        let is_alive = match status {
            Some(Ok(status)) => ALIVE.contains(&status.trim_ascii()),
            Some(Err(_)) | None => true,
        };
        let uri = uri.as_ref().ok().map(|uri| uri.trim_ascii());
        let uri = uri.filter(|uri| is_alive && !self.channel.is_of_another && is_wns(uri));
        Some(uri.map(|uri| {
            Push::Wns(WnsChannel {
                package: package.to_owned(),
                uri: uri.to_owned(),
                told_at: now,
            })
        }))
    }

    /// The device with where it can be pushed now, and what is written of that; `None`: that is as it was. WNS' channels last
    /// for thirty days, and devices renew them halfway.
    pub fn moved(
        &self,
        device: &Enrollment,
        package: &str,
        is_wns: impl Fn(&str) -> bool,
        now: i64,
    ) -> Option<(Enrollment, Vec<Write>)> {
        let push = self.channel(package, is_wns, now)?;
        let is_same = match (&push, &device.push) {
            (Some(Push::Wns(told)), Some(Push::Wns(known))) => {
                (&told.package, &told.uri) == (&known.package, &known.uri)
            }
            (told, known) => told == known,
        };
        let is_fresh = match &device.push {
            Some(Push::Wns(known)) => now < known.told_at.saturating_add(FRESH),
            _ => true,
        };
        if is_same && is_fresh {
            return None;
        }
        let moved = Enrollment {
            push,
            ..device.clone()
        };
        // Somebody may have waited for an address.
        let wake = (!is_same).then(|| Write::Wake(device.id.clone(), now));
        Some((moved, wake.into_iter().collect()))
    }
}
