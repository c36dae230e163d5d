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

impl Held {
    /// Packs `listing` in the order of `manifest`. All of it comes back but the details of a reason that repeat
    /// what the manifest says.
    pub fn pack(listing: &Listing<'_>, manifest: Option<&Manifest>) -> Self {
        let mut held = Self {
            against: manifest.map(Manifest::token),
            states: vec![0; manifest.map_or(0, |manifest| manifest.entries().len())],
            others: Vec::new(),
        };
        for (&kind, list) in listing {
            for listed in list {
                let place = manifest
                    .and_then(|manifest| manifest.find(kind, &listed.identifier))
                    .filter(|(_, entry)| entry.server_token.is_written(&listed.server_token))
                    .and_then(|(place, _)| held.states.get_mut(place));
                match (place, state(kind, listed)) {
                    (Some(place), Some(state)) if *place == 0 => *place = state,
                    _ => held.others.push(Other {
                        kind,
                        listed: listed.clone().into_owned(),
                    }),
                }
            }
        }
        held.others.sort_by(|a, b| {
            let key = |other: &Other| {
                (
                    other.kind,
                    other.listed.identifier.clone(),
                    other.listed.server_token.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        held
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

/// Whether `listing` is nothing but `manifest`, each declaration once.
fn is_all_of(listing: &Listing<'_>, manifest: &Manifest) -> bool {
    let mut missing = vec![true; manifest.entries().len()];
    let mut is_missing = |kind: Kind, listed: &Listed<'_>| {
        let (place, entry) = manifest.find(kind, &listed.identifier)?;
        let missing = missing.get_mut(place)?;
        (entry.server_token.is_written(&listed.server_token) && std::mem::take(missing)).then_some(())
    };
    let mut all = listing
        .iter()
        .flat_map(|(&kind, list)| list.iter().map(move |listed| (kind, listed)));
    all.all(|(kind, listed)| is_missing(kind, listed).is_some()) && !missing.contains(&true)
}

/// The token of the set that `listing` amounts to. Where an identifier is listed twice, the revision that one of
/// `manifests` has counts, the first manifest before the others.
pub fn held_token(listing: &Listing<'_>, manifests: &[&Manifest]) -> Digest {
    if let Some(whole) = manifests.iter().find(|manifest| is_all_of(listing, manifest)) {
        return whole.token();
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
        let known = manifests
            .iter()
            .filter_map(|manifest| manifest.find(kind, identifier))
            .map(|(_, entry)| entry.server_token.to_string())
            .find(|token| tokens.contains(token.as_str()));
        let token = known.unwrap_or_else(|| tokens.into_iter().next().unwrap_or_default().to_owned());
        (kind, identifier, token)
    }))
}
