//! What administrators see of one channel: the five facts of each declaration, side by side.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use serde::Serialize;

use crate::convergence::{self, Verdict};
use crate::held::{Listing, Placed};
use crate::ids::Digest;
use crate::manifest::{Entry, Manifest};
use crate::record::StatusRecord;
use crate::report::{Listed, Reason};

/// One declaration on one channel. Each fact stands for itself; none is concluded from another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeclarationView {
    /// What it is.
    pub kind: Kind,
    /// `Identifier`.
    pub identifier: String,
    /// `Type`, where it is known.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The `ServerToken` that the facts speak of.
    pub server_token: String,
    /// In the wanted manifest.
    pub wanted: bool,
    /// In a manifest whose token was handed out.
    pub offered: bool,
    /// Fetched under this token, or listed under it.
    pub fetched: bool,
    /// Listed in a status report under this token.
    pub reported: bool,
    /// Good, by the device's own word.
    pub confirmed: bool,
    /// One word for the whole: confirmed, settled, failed, pending, leaving (held, but wanted no more), or unknown (confirmed
    /// once, too long ago).
    pub state: &'static str,
    /// What the device said, or what it failed of.
    pub reasons: Vec<Reason>,
    /// Since when it fails, in unix seconds.
    pub failing_since: Option<i64>,
}

/// What a view is made from.
#[derive(Debug, Clone, Copy)]
pub struct ViewOf<'a> {
    /// What it should hold.
    pub wanted: &'a Manifest,
    /// The manifest last offered, if it is known.
    pub offered: Option<&'a Manifest>,
    /// The ServerTokens that it has fetched.
    pub fetched: &'a BTreeSet<Digest>,
    /// What it has reported,
    pub record: &'a StatusRecord,
    /// and the declarations therein.
    pub listing: &'a Listing<'a>,
    /// Whether that is so long ago that it may be over: what was confirmed or failed then is unknown.
    pub is_stale: bool,
}

/// The wanted declarations in the order of their manifest, then those that the device lists beside them.
pub fn declarations(of: ViewOf<'_>) -> Vec<DeclarationView> {
    let placed = Placed::new(of.listing, of.wanted);
    let verdicts = convergence::assess(&placed, &of.record.items);
    let wanted = of
        .wanted
        .entries()
        .iter()
        .zip(&placed.entries)
        .zip(verdicts)
        .map(|((entry, listed), verdict)| of.wanted_view(entry, *listed, verdict));
    let leaving = of
        .listing
        .iter()
        .flat_map(|(&kind, list)| list.iter().map(move |listed| (kind, listed)))
        .filter(|(kind, listed)| of.wanted.find(*kind, &listed.identifier).is_none())
        .map(|(kind, listed)| leaving_view(kind, listed));
    wanted.chain(leaving).collect()
}

impl ViewOf<'_> {
    fn wanted_view(&self, entry: &Entry, listed: Option<&Listed<'_>>, verdict: Verdict) -> DeclarationView {
        let exception = self.record.exceptions.iter().find(|exception| {
            exception.identifier == entry.identifier && exception.server_token == entry.server_token
        });
        let state = match &verdict {
            Verdict::Pending => "pending",
            Verdict::Confirmed | Verdict::Failed(_) if self.is_stale => "unknown",
            Verdict::Confirmed => "confirmed",
            Verdict::Settled => "settled",
            Verdict::Failed(_) => "failed",
        };
        let confirmed = verdict == Verdict::Confirmed && !self.is_stale;
        let reasons = match verdict {
            Verdict::Failed(reasons) => reasons,
            _ => listed.map(|listed| listed.reasons.clone()).unwrap_or_default(),
        };
        DeclarationView {
            kind: entry.kind,
            identifier: entry.identifier.clone(),
            type_name: entry.type_name.clone(),
            server_token: entry.server_token.to_string(),
            wanted: true,
            offered: self.offered.is_some_and(|offered| offered.holds(entry)),
            fetched: listed.is_some() || self.fetched.contains(&entry.server_token),
            reported: listed.is_some(),
            confirmed,
            state,
            reasons,
            failing_since: exception.map(|exception| exception.since),
        }
    }
}

fn leaving_view(kind: Kind, listed: &Listed<'_>) -> DeclarationView {
    DeclarationView {
        kind,
        identifier: listed.identifier.to_string(),
        type_name: String::new(),
        server_token: listed.server_token.to_string(),
        wanted: false,
        offered: false,
        fetched: true,
        reported: true,
        confirmed: false,
        state: "leaving",
        reasons: listed.reasons.clone(),
        failing_since: None,
    }
}
