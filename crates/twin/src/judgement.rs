//! What becomes of the declarations on a channel: each one's `active`, `valid` and reasons.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Catalog, Kind};
use ordain_model::report::{DeclarationsReport, Listed, Reason, Validity};
use serde_json::{Value, json};

use crate::activation::Scene;
use crate::assets::{Contents, Data};
use crate::schema::Objections;
use crate::stored::{Store, Stored};
use crate::{activation, configuration};

/// What a device says of one declaration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) active: bool,
    pub(crate) valid: Validity,
    pub(crate) reasons: Vec<Reason>,
}

impl Verdict {
    pub(crate) fn active() -> Self {
        Self {
            active: true,
            valid: Validity::Valid,
            reasons: Vec::new(),
        }
    }

    pub(crate) fn invalid(reason: Reason) -> Self {
        Self {
            active: false,
            valid: Validity::Invalid,
            reasons: vec![reason],
        }
    }

    fn dormant(reason: Option<Reason>) -> Self {
        Self {
            active: false,
            valid: Validity::Unknown,
            reasons: reason.into_iter().collect(),
        }
    }
}

/// What becomes of all declarations on a channel.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// The verdicts, by kind, as they are reported.
    pub(crate) listed: DeclarationsReport<'static>,
    /// The declarations that are active and refer to data.
    pub(crate) active: BTreeSet<String>,
    /// The configurations in effect.
    pub(crate) effective: BTreeSet<String>,
}

/// What a channel holds, and what is known of it.
pub(crate) struct Held<'a> {
    pub(crate) store: &'a Store,
    pub(crate) contents: &'a Contents,
    pub(crate) catalog: &'a Catalog,
    pub(crate) objections: Objections<'a>,
}

/// Judges the declarations of a channel.
pub(crate) fn judge(contents: &Contents, scene: Scene<'_>) -> Judgement {
    let Scene {
        store, device, scope, ..
    } = scene;
    let held = Held {
        store,
        contents,
        catalog: device.schema.catalog(),
        objections: Objections::of(device, store, scope),
    };
    let refused = |stored: &Stored| held.objections.refusal(stored);
    let of_kind = |kind: Kind| store.values().filter(move |stored| stored.kind == kind);
    let mut verdicts = BTreeMap::<&str, Verdict>::new();

    for activation in of_kind(Kind::Activation) {
        let verdict = refused(activation).unwrap_or_else(|| activation::judge(activation, scene));
        verdicts.insert(&activation.identifier, verdict);
    }

    let mut judgement = Judgement::default();
    let activations = users(of_kind(Kind::Activation), held.catalog);
    for configuration in of_kind(Kind::Configuration) {
        let verdict = refused(configuration).unwrap_or_else(|| {
            let named_by = activations.get(configuration.identifier.as_str());
            if let Some(verdict) = not_activated(configuration, named_by, &verdicts) {
                return verdict;
            }
            if let Some(reason) = configuration::obstacle(configuration, &held) {
                return Verdict::invalid(reason);
            }
            let assets = configuration
                .references(held.catalog)
                .into_iter()
                .map(|found| found.identifier.to_owned());
            judgement
                .active
                .extend(assets.chain([configuration.identifier.clone()]));
            let mut verdict = configuration::judge(configuration, &held);
            verdict.reasons.extend(held.objections.left_aside(configuration));
            verdict
        });
        if verdict.active && verdict.valid == Validity::Valid {
            judgement.effective.insert(configuration.identifier.clone());
        }
        verdicts.insert(&configuration.identifier, verdict);
    }

    let configurations = users(of_kind(Kind::Configuration), held.catalog);
    for asset in of_kind(Kind::Asset) {
        let verdict = refused(asset).unwrap_or_else(|| {
            if judgement.active.contains(&asset.identifier) {
                active_asset(asset, contents)
            } else {
                unused_asset(asset, configurations.get(asset.identifier.as_str()), &verdicts)
            }
        });
        verdicts.insert(&asset.identifier, verdict);
    }

    for management in of_kind(Kind::Management) {
        let verdict = refused(management).unwrap_or(Verdict {
            active: false,
            valid: Validity::Valid,
            reasons: Vec::new(),
        });
        verdicts.insert(&management.identifier, verdict);
    }

    judgement.active.retain(|identifier| {
        store
            .get(identifier)
            .is_some_and(|stored| refused(stored).is_none())
    });
    judgement.listed.listed = Kind::ALL.iter().map(|&kind| (kind, Vec::new())).collect();
    for stored in store.values() {
        let verdict = verdicts.remove(stored.identifier.as_str());
        judgement
            .listed
            .listed
            .entry(stored.kind)
            .or_default()
            .extend(verdict.map(|verdict| Listed {
                identifier: stored.identifier.clone().into(),
                server_token: stored.server_token.clone().into(),
                active: verdict.active,
                valid: verdict.valid,
                reasons: verdict.reasons,
            }));
    }
    judgement
}

/// Who refers to each identifier.
fn users<'a>(
    declarations: impl Iterator<Item = &'a Stored>,
    catalog: &'a Catalog,
) -> BTreeMap<&'a str, Vec<&'a Stored>> {
    let mut users = BTreeMap::<&str, Vec<&Stored>>::new();
    for declaration in declarations {
        for found in declaration.references(catalog) {
            users.entry(found.identifier).or_default().push(declaration);
        }
    }
    users
}

/// The verdict on a configuration that no active activation names.
fn not_activated(
    configuration: &Stored,
    named_by: Option<&Vec<&Stored>>,
    verdicts: &BTreeMap<&str, Verdict>,
) -> Option<Verdict> {
    let Some(named_by) = named_by else {
        let reason = about("Info.NotReferencedByActivation", configuration, json!({}));
        return Some(Verdict::dormant(Some(reason)));
    };
    let verdict = |activation: &&&Stored| verdicts.get(activation.identifier.as_str());
    if named_by
        .iter()
        .any(|activation| verdict(&activation).is_some_and(|verdict| verdict.active))
    {
        return None;
    }
    let failed = named_by
        .iter()
        .all(|activation| verdict(&activation).is_some_and(|verdict| verdict.valid == Validity::Invalid));
    let reason = named_by
        .first()
        .filter(|_| failed)
        .map(|activation| about("Error.ActivationFailed", activation, json!({})));
    Some(Verdict::dormant(reason))
}

fn active_asset(asset: &Stored, contents: &Contents) -> Verdict {
    let failed = |reason: Reason| Verdict {
        active: true,
        ..Verdict::invalid(reason)
    };
    match contents.of(asset) {
        Data::Ready => Verdict::active(),
        Data::Pending => Verdict {
            active: true,
            ..Verdict::dormant(None)
        },
        Data::Failed(reason) => failed(reason.clone()),
    }
}

/// The verdict on an asset that no active configuration refers to.
fn unused_asset(
    asset: &Stored,
    used_by: Option<&Vec<&Stored>>,
    verdicts: &BTreeMap<&str, Verdict>,
) -> Verdict {
    let reason = match used_by {
        None => Some(about("Info.NotReferencedByConfiguration", asset, json!({}))),
        Some(used_by) => used_by
            .iter()
            .find(|user| {
                verdicts
                    .get(user.identifier.as_str())
                    .is_some_and(|verdict| verdict.valid == Validity::Invalid)
            })
            .map(|user| about("Error.ConfigurationFailed", user, json!({}))),
    };
    Verdict::dormant(reason)
}

/// A reason whose details name a declaration, and more.
pub(crate) fn about(code: &str, stored: &Stored, mut details: Value) -> Reason {
    if let Some(details) = details.as_object_mut() {
        details.insert("Identifier".to_owned(), stored.identifier.as_str().into());
        details.insert("ServerToken".to_owned(), stored.server_token.as_str().into());
    }
    Reason {
        code: code.to_owned(),
        description: None,
        details: Some(details),
    }
}

/// The reason of a configuration that is in order, and still cannot be applied.
pub(crate) fn cannot_be_applied(error: String) -> Reason {
    Reason {
        code: "Error.ConfigurationCannotBeApplied".to_owned(),
        description: Some(error.clone()),
        details: Some(json!({"Error": error})),
    }
}
