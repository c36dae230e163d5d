//! What a decision is: `state + message + now -> Decision`. The store commits the writes, all or none; only then does
//! the reply leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::declaration::Declaration;
use crate::enrollment::Enrollment;
use crate::event::Event;
use crate::ids::{Digest, EnrollmentId};
use crate::inventory::Finding;
use crate::known::Known;
use crate::manifest::Manifest;
use crate::queue::Moved;
use crate::record::StatusRecord;
use crate::report::Capabilities;

/// What to write, and what to answer once it is durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<R> {
    /// In the order in which they are to be made; empty when nothing changes.
    pub writes: Vec<Write>,
    /// The answer.
    pub reply: R,
}

impl<R> Decision<R> {
    /// An answer that changes nothing.
    pub fn reply(reply: R) -> Self {
        Self {
            writes: Vec::new(),
            reply,
        }
    }
}

/// One change of what the store holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A new enrollment, or the next version of one. Lost if somebody else wrote that enrollment meanwhile.
    Enrollment(Box<Enrollment>),
    /// The end of one channel: its row, report, escrow and sightings go. If it has certificates of its own, they are
    /// retired.
    Forget(EnrollmentId),
    /// The end of what a device, or its linked channel, was: a device's other channels go as by [`Write::Forget`], and the
    /// reports, escrow and sightings of all; its own row stays.
    EndGeneration(EnrollmentId),
    /// The names that a device claims. They are remembered for ever, each under the first device that claimed it.
    Claims(EnrollmentId, BTreeMap<String, Claim>),
    /// What a certificate is, from now on.
    Identity(Identity),
    /// The same of a certificate that nothing is known of. Lost if something is.
    NewIdentity(Identity),
    /// A manifest that devices may be served from, with the declarations that exist only for it.
    Manifest(Arc<Manifest>, Arc<[Declaration]>),
    /// A set of capabilities, by its digest.
    Capabilities(Digest, Arc<Capabilities>),
    /// What is extracted of a device's status, by its digest.
    Known(Digest, Arc<Known>),
    /// What a channel has reported, replacing what was kept.
    Status(EnrollmentId, Arc<StatusRecord>),
    /// A sealed token of the device, or its deletion.
    Escrow(EnrollmentId, EscrowKind, Option<Vec<u8>>),
    /// Somebody is to look, from this time on (unix seconds), whether the channel must be woken. It comes behind the row of a
    /// new channel.
    Wake(EnrollmentId, i64),
    /// What administrators' systems are told of the decision.
    Event(Event),
    /// A command in the channel's queue moves on. Lost if somebody else moved it meanwhile.
    Delivery(Moved),
    /// The command of this number in the channel's queue is not given any more, and why. Lost if it was closed meanwhile.
    Withdraw(i64, String),
    /// What a device answered to a survey.
    Inventory(EnrollmentId, Finding),
    /// What a Windows device's session remembers, with the answer to its last message, sealed; the number counts them.
    /// Lost if somebody else answered meanwhile.
    WindowsSession(EnrollmentId, i64, Vec<u8>),
}

impl Write {
    /// What it changes, in a word: for counters.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Enrollment(_) => "enrollment",
            Self::Forget(_) => "forget",
            Self::EndGeneration(_) => "end-generation",
            Self::Claims(..) => "claims",
            Self::Identity(_) | Self::NewIdentity(_) => "identity",
            Self::Manifest(..) => "manifest",
            Self::Capabilities(..) => "capabilities",
            Self::Known(..) => "known",
            Self::Status(..) => "status",
            Self::Escrow(..) => "escrow",
            Self::Wake(..) => "wake",
            Self::Event(_) => "event",
            Self::Delivery(_) => "delivery",
            Self::Withdraw(..) => "withdraw",
            Self::Inventory(..) => "inventory",
            Self::WindowsSession(..) => "windows-session",
        }
    }
}

/// How a device claims a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It says so; if another device was first, it stays that one's.
    Said,
    /// The decision rests on it: lost if another device was first.
    First,
    /// An administrator says so: from now on this device counts as the first.
    Approved,
}

/// Which token of a device is kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EscrowKind {
    /// From SetBootstrapToken.
    Bootstrap,
    /// `UnlockToken` of TokenUpdate.
    Unlock,
    /// The secrets of a Windows device's DM account (`APPAUTH` of its provisioning document).
    DmAccount,
}

impl EscrowKind {
    /// The word that the store keeps.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Unlock => "unlock",
            Self::DmAccount => "dm-account",
        }
    }
}

/// What the store knows of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// SHA-256 of the certificate.
    pub fingerprint: Digest,
    /// What it is.
    pub role: Role,
    /// Whose it is; for an issued one, the enrollment that it renews.
    pub enrollment: Option<EnrollmentId>,
    /// The serial number that it is bound to, by Ordain's own issue.
    pub serial: Option<String>,
    /// Until when an issued one may be used for the first time, in unix seconds.
    pub usable_until: Option<i64>,
}

/// The life of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Made by Ordain, not used yet.
    Issued,
    /// The identity of an enrollment.
    Pinned,
    /// Replaced. It is refused for ever.
    Retired,
}
