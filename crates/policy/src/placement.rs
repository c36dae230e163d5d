//! The keys beside Apple's: `when`, `scope`, `platforms`.

use std::collections::BTreeSet;

use ordain_catalog::{Availability, DeclarationType, Kind, Platform, PlatformSupport, Scope};
use ordain_model::declaration::Placement;

use crate::declaration::Declared;
use crate::fields::{Fields, Text};
use crate::problem::{Problems, quoted};
use crate::tree::Value;

/// The keys.
pub(crate) const KEYS: [&str; 3] = ["when", "scope", "platforms"];

/// Reads the keys that `fields` has of [`KEYS`], for a declaration of this type.
pub(crate) fn read(
    fields: Fields<'_>,
    declared: Option<&Declared<'_>>,
    problems: &mut Problems,
) -> Placement {
    let kind = declared.map(Declared::kind);
    if let Some(place) = fields
        .place_of("when")
        .filter(|_| kind.is_some_and(|kind| kind != Kind::Configuration))
    {
        problems.error(
            place,
            "`when` is for configurations; an activation has a `Predicate` in its payload",
        );
    }
    if let Some(place) = fields.place_of("scope").filter(|_| kind == Some(Kind::Asset)) {
        problems.error(
            place,
            "an asset has no `scope`: it goes where the configurations go that use it",
        );
    }
    let platforms = fields.get("platforms").map(|_| platforms(fields, problems));
    let scope = fields
        .text("scope", problems)
        .and_then(|text| scope(text, problems));
    if let Some(known) = declared.and_then(Declared::known) {
        check(fields, known, platforms.as_ref(), scope, problems);
    }
    let when = fields.text("when", problems).map(|when| when.text.to_owned());
    Placement {
        when,
        scope,
        platforms,
    }
}

fn scope(text: Text<'_>, problems: &mut Problems) -> Option<Scope> {
    // The words are the protocol's.
    let scope = text.text.parse().ok();
    if scope.is_none() {
        let message = format!("unknown scope {}: it is system or user", quoted(text.text));
        problems.error(text.place, message);
    }
    scope
}

fn platforms(fields: Fields<'_>, problems: &mut Problems) -> BTreeSet<Platform> {
    let names = fields.texts("platforms", problems);
    let mut platforms = BTreeSet::new();
    for name in &names {
        match name.text.parse() {
            Ok(platform) => {
                platforms.insert(platform);
            }
            Err(_) => {
                let message = format!("unknown platform {}", quoted(name.text));
                let known = Platform::ALL.iter().map(|platform| platform.as_str());
                problems.unknown(name.place, message, name.text, known);
            }
        }
    }
    if let Some(list) = fields
        .get("platforms")
        .filter(|list| list.value == Value::List(Vec::new()))
    {
        problems.error(
            list.place,
            "`platforms` is empty, so that no device would have this; without it all have",
        );
    }
    platforms
}

/// Complains when no device could take a declaration placed so.
fn check(
    fields: Fields<'_>,
    known: &DeclarationType,
    platforms: Option<&BTreeSet<Platform>>,
    scope: Option<Scope>,
    problems: &mut Problems,
) {
    // An empty set was complained of.
    let platforms = platforms.filter(|platforms| !platforms.is_empty());
    let listed: Vec<Platform> = match platforms {
        Some(platforms) => platforms.iter().copied().collect(),
        None => Platform::ALL.to_vec(),
    };
    let never = |platform: &Platform| known.support.on(*platform) == Some(&PlatformSupport::Never);
    if listed.iter().all(never) {
        if let Some(place) = fields.place_of("platforms") {
            problems.error(place, format!("none of these platforms has {}", known.name));
        }
        return;
    }
    let (Some(scope), Some(place)) = (scope, fields.place_of("scope")) else {
        return;
    };
    let refuses = |platform: &Platform| {
        let availability = known.support.availability(Some(*platform), None, None, scope);
        matches!(availability, Availability::Unavailable(_))
    };
    if listed.iter().all(refuses) {
        let which = if platforms.is_some() {
            "none of these platforms"
        } else {
            "no platform"
        };
        problems.error(place, format!("{which} takes {} in scope {scope}", known.name));
    }
}
