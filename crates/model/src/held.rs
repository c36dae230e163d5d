//! What a device lists of its declarations, packed to a byte for each declaration of a manifest: at a million
//! devices almost all of them list exactly that.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Digest;
use crate::manifest::{Manifest, declarations_token};
use crate::report::{Listed, Reason, Validity};

/// The declarations that a channel has listed, as stored. [`Held::unpack`] gives them back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The manifest whose order `states` follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Digest>,
    /// One byte for each entry of that manifest.
    #[serde(with = "hex::serde")]
    states: Vec<u8>,
    /// What was listed beside them: other identifiers, other tokens, or reasons that do not fit in a byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Other {
    kind: Kind,
    #[serde(flatten)]
    listed: Listed<'static>,
}

const LISTED: u8 = 1;
const ACTIVE: u8 = 1 << 1;
const VALID: u8 = 1 << 2;
const INVALID: u8 = 1 << 3;
const BY_PREDICATE: u8 = 1 << 4;
const UNREFERENCED: u8 = 1 << 5;

/// The reason of an activation that is not in force: its predicate is false.
pub const PREDICATE: &str = "Info.Predicate";
/// The reason of a configuration that no activation names.
pub const NOT_ACTIVATED: &str = "Info.NotReferencedByActivation";
/// The reason of an asset that no configuration names.
pub const NOT_CONFIGURED: &str = "Info.NotReferencedByConfiguration";

/// Everything a channel lists, by kind and identifier. A device may list an identifier twice while it changes.
pub type Listing<'a> = BTreeMap<Kind, Vec<Listed<'a>>>;

/// A listing laid over a manifest.
#[derive(Debug)]
pub struct Placed<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// How each entry of it is listed under its revision; the first time, where it is listed more than once.
    pub entries: Vec<Option<&'a Listed<'a>>>,
    /// What is listed beside them: other identifiers, other revisions, and entries once more.
    pub others: Vec<(Kind, &'a Listed<'a>)>,
}

impl<'a> Placed<'a> {
    /// Finds the place of everything that is listed.
    pub fn new(listing: &'a Listing<'a>, manifest: &'a Manifest) -> Self {
        let mut entries = vec![None; manifest.entries().len()];
        let mut others = Vec::new();
        for (&kind, list) in listing {
            for listed in list {
                let place = manifest
                    .find(kind, &listed.identifier)
                    .filter(|(_, entry)| entry.server_token.is_written(&listed.server_token))
                    .and_then(|(place, _)| entries.get_mut(place));
                match place {
                    Some(place @ None) => *place = Some(listed),
                    _ => others.push((kind, listed)),
                }
            }
        }
        Self {
            manifest,
            entries,
            others,
        }
    }

    /// Whether what is listed is nothing but the manifest, each declaration once.
    fn is_whole(&self) -> bool {
        self.others.is_empty() && self.entries.iter().all(Option::is_some)
    }
}

impl Held {
    /// Packs a listing in the order of the manifest that it is laid over. All of it comes back but the details of a
    /// reason that repeat what the manifest says.
    pub fn pack(placed: &Placed<'_>) -> Self {
        let mut others: Vec<_> = placed.others.clone();
        let places = placed.manifest.entries().iter().zip(&placed.entries);
        let states = places
            .map(|(entry, listed)| {
                let Some(listed) = listed else {
                    return 0;
                };
                state(entry.kind, listed).unwrap_or_else(|| {
                    others.push((entry.kind, listed));
                    0
                })
            })
            .collect();
        others.sort_by_key(|(kind, listed)| (*kind, listed.names()));
        Self {
            against: Some(placed.manifest.token()),
            states,
            others: others
                .into_iter()
                .map(|(kind, listed)| Other {
                    kind,
                    listed: listed.clone().into_owned(),
                })
                .collect(),
        }
    }

    /// What was listed. `manifest` is the one that it was packed against; without it, what was packed is lost.
    pub fn unpack<'a>(&'a self, manifest: Option<&'a Manifest>) -> Listing<'a> {
        let mut listing = Listing::new();
        let entries = manifest
            .filter(|manifest| self.against == Some(manifest.token()))
            .map_or(&[][..], |manifest| manifest.entries());
        for (entry, &state) in entries.iter().zip(&self.states) {
            if state & LISTED != 0 {
                let listed = listed(
                    entry.kind,
                    &entry.identifier,
                    entry.server_token.to_string(),
                    state,
                );
                listing.entry(entry.kind).or_default().push(listed);
            }
        }
        for other in &self.others {
            listing
                .entry(other.kind)
                .or_default()
                .push(other.listed.borrowed());
        }
        listing
    }
}

/// The byte that says all of `listed`, if one can.
fn state(kind: Kind, listed: &Listed<'_>) -> Option<u8> {
    let reason = match listed.reasons.as_slice() {
        [] => 0,
        [reason] if reason.description.is_some() || !is_known(reason.details.as_ref()) => return None,
        [reason] if reason.code == PREDICATE && kind != Kind::Activation => return None,
        [reason] if reason.code == PREDICATE => BY_PREDICATE,
        [reason] if reason.code == unreferenced(kind) => UNREFERENCED,
        _ => return None,
    };
    let valid = match listed.valid {
        Validity::Valid => VALID,
        Validity::Invalid => INVALID,
        Validity::Unknown => 0,
    };
    Some(LISTED | valid | reason | if listed.active { ACTIVE } else { 0 })
}

/// Whether the details of such a reason say nothing that the manifest does not: which declaration, and its predicate.
fn is_known(details: Option<&Value>) -> bool {
    let known = |key: &String| ["Identifier", "ServerToken", "Predicate"].contains(&key.as_str());
    details.is_none_or(|details| {
        details
            .as_object()
            .is_some_and(|details| details.keys().all(known))
    })
}

fn listed(kind: Kind, identifier: &str, server_token: String, state: u8) -> Listed<'_> {
    let reason = |code: &str| {
        vec![Reason {
            code: code.to_owned(),
            description: None,
            details: None,
        }]
    };
    Listed {
        identifier: Cow::Borrowed(identifier),
        server_token: Cow::Owned(server_token),
        active: state & ACTIVE != 0,
        valid: match state {
            state if state & VALID != 0 => Validity::Valid,
            state if state & INVALID != 0 => Validity::Invalid,
            _ => Validity::Unknown,
        },
        reasons: match state {
            state if state & BY_PREDICATE != 0 => reason(PREDICATE),
            state if state & UNREFERENCED != 0 => reason(unreferenced(kind)),
            _ => Vec::new(),
        },
    }
}

fn unreferenced(kind: Kind) -> &'static str {
    if kind == Kind::Asset {
        NOT_CONFIGURED
    } else {
        NOT_ACTIVATED
    }
}

/// The token of the set that `listing` amounts to. Where an identifier is listed twice, the revision that one of
/// the manifests has that it is laid over counts, the first manifest before the others.
pub fn held_token(listing: &Listing<'_>, placed: &[&Placed<'_>]) -> Digest {
    if let Some(whole) = placed.iter().find(|placed| placed.is_whole()) {
        return whole.manifest.token();
    }
    let mut tokens: BTreeMap<(Kind, &str), BTreeSet<&str>> = BTreeMap::new();
    for (&kind, list) in listing {
        for listed in list {
            tokens
                .entry((kind, &listed.identifier))
                .or_default()
                .insert(&listed.server_token);
        }
    }
    declarations_token(tokens.into_iter().map(|((kind, identifier), tokens)| {
        let known = placed
            .iter()
            .filter_map(|placed| placed.manifest.find(kind, identifier))
            .map(|(_, entry)| entry.server_token.to_string())
            .find(|token| tokens.contains(token.as_str()));
        let token = known.unwrap_or_else(|| tokens.into_iter().next().unwrap_or_default().to_owned());
        (kind, identifier, token)
    }))
}
