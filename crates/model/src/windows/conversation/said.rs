//! What a device says in a message of a session.

use std::collections::BTreeMap;

use crate::windows::documents::Told;

/// A message of a device, as far as it says anything to the session; what answers it on the wire alone is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Of commands: `Status`.
    pub statuses: Vec<Status>,
    /// Of commands: `Results`, of one node each.
    pub results: Vec<Answered>,
    /// What it told without being asked (`Replace` in package 1), by node.
    pub told: BTreeMap<String, String>,
    /// The documents of declared configuration that it lists, where it lists them: on the linked channel.
    pub documents: Option<Vec<Told>>,
    /// Installations that have ended.
    pub installed: Vec<Installed>,
    /// Whether the user of the enrollment is signed in, where it said so.
    pub with_user: Option<bool>,
    /// The longest message that it takes, in octets, where it said so.
    pub max_message: Option<u64>,
    /// Whether its package, and everything in it, is whole. If not, the rest is to be asked for first.
    pub is_whole: bool,
    /// Whether it gives the session up.
    pub aborts: bool,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `MsgRef`: the message with the command.
    pub message: u32,
    /// `CmdRef`: the command.
    pub command: u32,
    /// `Data`: the code.
    pub code: u16,
    /// `msft:originalerror`: the HRESULT behind a failure.
    pub original: Option<u32>,
}

/// What a `Get` got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// `MsgRef`: the message with the command.
    pub message: u32,
    /// `CmdRef`: the command.
    pub command: u32,
    /// The value.
    pub value: String,
}

/// An installation that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The node of the package.
    pub node: String,
    /// An HRESULT, 0 for success.
    pub hresult: u32,
}
