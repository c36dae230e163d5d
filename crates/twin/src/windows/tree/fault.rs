//! What fails because a test wants it to.

use ordain_windows::syncml::Verb;
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;

use super::{Refusal, Tree};

/// A command that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The node; what is in it fails as well.
    pub node: LocUri,
    /// The command; `None` for all.
    pub verb: Option<Verb>,
    /// What it is answered with.
    pub status: StatusCode,
    /// The HRESULT behind it.
    pub original_error: Option<u32>,
    /// How often; `None` for ever.
    pub times: Option<u32>,
}

impl Tree {
    /// The fault that a command meets, if there is one; it is used up by that.
    pub(in crate::windows) fn fault(&mut self, uri: &LocUri, verb: Verb) -> Option<Refusal> {
        let meets = |fault: &&mut Fault| {
            fault.times != Some(0)
                && fault.node.scope == uri.scope
                && uri.segments.starts_with(&fault.node.segments)
                && fault.verb.is_none_or(|one| one == verb)
        };
        let fault = self.faults.iter_mut().find(meets)?;
        fault.times = fault.times.map(|times| times.saturating_sub(1));
        Some(Refusal {
            code: fault.status,
            original: fault.original_error,
        })
    }
}
