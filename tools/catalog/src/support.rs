//! `supportedOS`: where something is supported, on which terms.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use ordain_catalog::{EnrollmentType, OsVersion, Platform, PlatformSupport, Scope, Support, Terms};
use saphyr::Yaml;

use crate::schema::{get, text};

/// The version that stands for "not at all".
const NEVER: &str = "n/a";

/// Reads the `supportedOS` of a payload; `limits` adds to the versions what the two protocols state in their
/// own ways.
pub(crate) fn of_payload(
    payload: &Yaml<'_>,
    limits: fn(&Yaml<'_>, &mut Terms) -> anyhow::Result<()>,
) -> anyhow::Result<Support> {
    get(payload, "supportedOS")?
        .as_mapping()
        .context("supportedOS is no mapping")?
        .iter()
        .map(|(platform, said)| {
            let platform: Platform = platform.as_str().context("a platform is no string")?.parse()?;
            let support = platform_support(said, limits).with_context(|| platform.to_string())?;
            Ok((platform, support))
        })
        .collect()
}

fn platform_support(
    said: &Yaml<'_>,
    limits: fn(&Yaml<'_>, &mut Terms) -> anyhow::Result<()>,
) -> anyhow::Result<PlatformSupport> {
    if said.contains_mapping_key("introduced") && text(said, "introduced")? == NEVER {
        return Ok(PlatformSupport::Never);
    }
    let mut terms = Terms {
        introduced: version(said, "introduced")?,
        deprecated: version(said, "deprecated")?,
        removed: version(said, "removed")?,
        ..Terms::default()
    };
    limits(said, &mut terms)?;
    Ok(PlatformSupport::Supported(terms))
}

/// Declarations and status items name the enrollment types and scopes.
pub(crate) fn for_declarative_management(said: &Yaml<'_>, terms: &mut Terms) -> anyhow::Result<()> {
    terms.enrollments = words(said, "allowed-enrollments")?;
    terms.scopes = words(said, "allowed-scopes")?;
    if let Some(shared_ipad) = said.as_mapping_get("sharedipad") {
        terms.shared_ipad_scopes = words(shared_ipad, "allowed-scopes")?;
    }
    Ok(())
}

/// MDM commands have switches. A set is taken only where all of its switches are there; otherwise it is not
/// stated.
pub(crate) fn for_command(said: &Yaml<'_>, terms: &mut Terms) -> anyhow::Result<()> {
    use EnrollmentType::{Device, Supervised, User};

    let supervised = switch(said, "supervised")?;
    terms.enrollments = match (supervised, mode(said, "userenrollment")?) {
        (Some(true), _) => Some(BTreeSet::from([Supervised])),
        (_, Some(Mode::Forbidden)) => Some(BTreeSet::from([Supervised, Device])),
        (_, Some(Mode::Required)) => Some(BTreeSet::from([User])),
        (Some(false), Some(Mode::Allowed)) => Some(BTreeSet::from([Supervised, Device, User])),
        (None, Some(Mode::Allowed)) | (_, None) => None,
    };
    terms.scopes = channels(said)?;
    terms.shared_ipad_scopes = match mode(said, "sharedipad")? {
        Some(Mode::Forbidden) => Some(BTreeSet::new()),
        Some(Mode::Allowed | Mode::Required) => channels(get(said, "sharedipad")?)?,
        None => None,
    };
    Ok(())
}

enum Mode {
    Allowed,
    Required,
    Forbidden,
}

fn mode(said: &Yaml<'_>, key: &str) -> anyhow::Result<Option<Mode>> {
    let Some(value) = said.as_mapping_get(key) else {
        return Ok(None);
    };
    Ok(Some(match text(value, "mode")? {
        // Ignored is accepted, if without effect.
        "allowed" | "ignored" => Mode::Allowed,
        "required" => Mode::Required,
        "forbidden" => Mode::Forbidden,
        other => bail!("{key} has the mode {other}"),
    }))
}

fn channels(said: &Yaml<'_>) -> anyhow::Result<Option<BTreeSet<Scope>>> {
    let (Some(device), Some(user)) = (switch(said, "devicechannel")?, switch(said, "userchannel")?) else {
        return Ok(None);
    };
    let scopes = [(device, Scope::System), (user, Scope::User)];
    Ok(Some(
        scopes
            .into_iter()
            .filter(|(allowed, _)| *allowed)
            .map(|(_, scope)| scope)
            .collect(),
    ))
}

fn switch(said: &Yaml<'_>, key: &str) -> anyhow::Result<Option<bool>> {
    said.as_mapping_get(key)
        .map(|value| {
            value
                .as_bool()
                .with_context(|| format!("{key} is neither true nor false"))
        })
        .transpose()
}

fn version(said: &Yaml<'_>, key: &str) -> anyhow::Result<Option<OsVersion>> {
    if !said.contains_mapping_key(key) {
        return Ok(None);
    }
    // A version that YAML takes for a number has lost its zeros, which `text` refuses.
    Ok(Some(text(said, key)?.parse().with_context(|| key.to_owned())?))
}

fn words<T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Ord>(
    said: &Yaml<'_>,
    key: &str,
) -> anyhow::Result<Option<BTreeSet<T>>> {
    let Some(value) = said.as_mapping_get(key) else {
        return Ok(None);
    };
    let items = value
        .as_sequence()
        .with_context(|| format!("{key} is no sequence"))?;
    let set = items
        .iter()
        .map(|item| {
            let word = item
                .as_str()
                .with_context(|| format!("{key} holds something else than strings"))?;
            word.parse().with_context(|| word.to_owned())
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(Some(set))
}
