//! For which devices a payload is meant, and whether they can take it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::finding::Severity;
use crate::{
    Availability, DeclarationType, EnrollmentType, OsBuild, OsVersion, Platform, PlatformSupport, Scope,
    Support, Unavailable,
};

/// What is known of where a payload is to go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether keys and status items that the catalog does not know are only warned of: newer systems may.
    pub allow_unknown: bool,
    /// The platforms that it is limited to.
    pub platforms: Option<BTreeSet<Platform>>,
    /// The channel that was chosen for it. Without it, each platform has its own
    /// ([`DeclarationType::default_scope`]).
    pub scope: Option<Scope>,
    /// The kinds of devices that there are. Without any, only the platforms are judged.
    pub devices: Vec<DeviceKind>,
    /// Whether these are all that it is for: what none of them can take is an error then. Otherwise others may come, and it
    /// is an error only when no device of its platforms could.
    pub devices_only: bool,
}

impl Reach {
    /// Those who get a declaration of this type, as far as is known: the devices that there are, or without any one of
    /// each platform. None when nobody can take it, of which [`payload`](super::payload) complains. Builds are left out:
    /// nothing here depends on them.
    pub fn takers(&self, declaration: &DeclarationType) -> Vec<DeviceKind> {
        let recipients = Recipients::of(declaration, self);
        match recipients.judge(&declaration.support) {
            Verdict::Taken => recipients.kinds,
            Verdict::Partly { rest, .. } => rest.kinds,
            Verdict::Refused { .. } => Vec::new(),
        }
    }
}

/// Devices that are alike, as far as is known. `Display` is `macOS 26.4, supervised, device channel`, without the build;
/// `FromStr` takes `PLATFORM[:VERSION[:ENROLLMENT[:SCOPE[:BUILD]]]]`, such as `macOS:26.4:supervised:user`, where an
/// empty part is not known and the scope is `system` unless another is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKind {
    /// The operating system.
    pub platform: Platform,
    /// Its version.
    pub os_version: Option<OsVersion>,
    /// How they are enrolled.
    pub enrollment: Option<EnrollmentType>,
    /// The channel: the device's, or its users'.
    pub scope: Scope,
    /// The build of the system. What devices can take does not depend on it, only what harms them.
    pub build: Option<OsBuild>,
}

/// A text that is no kind of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of devices: {0}")]
pub struct InvalidDeviceKind(&'static str);

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.platform)?;
        if let Some(version) = self.os_version {
            write!(f, " {version}")?;
        }
        f.write_str(match self.enrollment {
            None => "",
            Some(EnrollmentType::Supervised) => ", supervised",
            Some(EnrollmentType::Device) => ", unsupervised",
            Some(EnrollmentType::User) => ", user enrollment",
            Some(EnrollmentType::Local) => ", not enrolled",
        })?;
        f.write_str(match self.scope {
            Scope::System => ", device channel",
            Scope::User => ", user channel",
        })
    }
}

impl FromStr for DeviceKind {
    type Err = InvalidDeviceKind;

    fn from_str(text: &str) -> Result<Self, InvalidDeviceKind> {
        fn known<T: FromStr>(
            part: Option<&str>,
            otherwise: &'static str,
        ) -> Result<Option<T>, InvalidDeviceKind> {
            let part = part.filter(|part| !part.is_empty()).map(str::parse).transpose();
            part.map_err(|_| InvalidDeviceKind(otherwise))
        }

        const PLATFORM: &str = "it begins with iOS, iPadOS, macOS, tvOS, visionOS or watchOS";
        let mut parts = text.split(':');
        let kind = Self {
            platform: known(parts.next(), PLATFORM)?.ok_or(InvalidDeviceKind(PLATFORM))?,
            os_version: known(
                parts.next(),
                "after the platform comes a version of up to four numbers",
            )?,
            enrollment: known(
                parts.next(),
                "after the version comes supervised, device, user or local",
            )?,
            scope: known(parts.next(), "after the enrollment comes system or user")?.unwrap_or(Scope::System),
            build: known(parts.next(), "after the scope comes a build, such as 25F71")?,
        };
        match parts.next() {
            None => Ok(kind),
            Some(_) => Err(InvalidDeviceKind("nothing comes after the build")),
        }
    }
}

/// Those whom a payload reaches. Where no devices are known, one of each platform, of which no more is known.
#[derive(Clone, Default)]
pub(super) struct Recipients {
    pub(super) kinds: Vec<DeviceKind>,
    /// Whether they are devices that there are.
    pub(super) known: bool,
    /// Those who may come beside them, one of each platform.
    pub(super) to_come: Vec<DeviceKind>,
}

/// What recipients make of something.
pub(super) enum Verdict {
    /// All can take it, as far as is known.
    Taken,
    /// Some can.
    Partly {
        /// Which cannot, and why.
        reasons: String,
        /// The others.
        rest: Recipients,
    },
    /// None can.
    Refused {
        /// Whether others may come who can.
        severity: Severity,
        /// Who they are.
        whose: &'static str,
        /// Why.
        reasons: String,
        /// Whether it is newer than the systems of all of them.
        too_new: bool,
    },
}

impl Recipients {
    pub(super) fn of(declaration: &DeclarationType, reach: &Reach) -> Self {
        let within = |platform: Platform| {
            let platforms = reach.platforms.as_ref();
            platforms.is_none_or(|platforms| platforms.contains(&platform))
        };
        let scope = |platform| {
            let chosen = reach.scope;
            chosen.unwrap_or_else(|| declaration.default_scope(Some(platform)))
        };
        let devices: Vec<DeviceKind> = reach
            .devices
            .iter()
            .copied()
            .filter(|kind| within(kind.platform))
            .collect();
        let platforms = Platform::ALL.iter().copied().filter(|&platform| within(platform));
        let any: Vec<DeviceKind> = platforms
            .map(|platform| DeviceKind {
                platform,
                os_version: None,
                enrollment: None,
                scope: scope(platform),
                build: None,
            })
            .collect();
        if devices.is_empty() {
            return Self {
                kinds: any,
                ..Self::default()
            };
        }
        // A declaration goes to one channel. Every Mac has both; of the others only some iPads have a user channel.
        let on_channel = |kind: &DeviceKind| DeviceKind {
            scope: scope(kind.platform),
            build: None,
            ..*kind
        };
        let has_channel =
            |kind: &&DeviceKind| kind.platform == Platform::MacOs || kind.scope == scope(kind.platform);
        let mut kinds: BTreeSet<DeviceKind> = devices.iter().filter(has_channel).map(on_channel).collect();
        if kinds.is_empty() {
            kinds = devices.iter().map(on_channel).collect();
        }
        Self {
            kinds: kinds.into_iter().collect(),
            known: true,
            to_come: if reach.devices_only { Vec::new() } else { any },
        }
    }

    /// The same without anybody: what is in what nobody can take is not judged.
    pub(super) fn nobody(&self) -> Self {
        Self {
            kinds: Vec::new(),
            ..self.clone()
        }
    }

    /// Whether they can take what has this support. Of nobody nothing is said.
    pub(super) fn judge(&self, support: &Support) -> Verdict {
        let judged = |kind: &DeviceKind| {
            let judgement = support.availability(
                Some(kind.platform),
                kind.os_version.as_ref(),
                kind.enrollment,
                kind.scope,
            );
            match judgement {
                Availability::Unavailable(reason) => Some(reason),
                Availability::Available | Availability::Unknown => None,
            }
        };
        // Mostly nobody is against it, and then nothing is to be kept.
        if self.kinds.iter().all(|kind| judged(kind).is_none()) {
            return Verdict::Taken;
        }
        let mut refusing = Vec::new();
        let mut rest = Vec::new();
        for kind in &self.kinds {
            match judged(kind) {
                Some(reason) => refusing.push((*kind, reason)),
                None => rest.push(*kind),
            }
        }
        let reasons = self.reasons(&refusing);
        if rest.is_empty() {
            let may_come = self.to_come.iter().any(|kind| judged(kind).is_none());
            let severity = if may_come {
                Severity::Warning
            } else {
                Severity::Error
            };
            let whose = match (self.known, severity) {
                (false, _) => "its platforms",
                (true, Severity::Error) => "the targeted devices",
                (true, Severity::Warning) => "the devices that there are",
            };
            let too_new = |(_, reason): &_| matches!(reason, Unavailable::Before(..));
            return Verdict::Refused {
                severity,
                whose,
                reasons,
                too_new: refusing.iter().all(too_new),
            };
        }
        Verdict::Partly {
            reasons,
            rest: Self {
                kinds: rest,
                ..self.clone()
            },
        }
    }

    /// Since when what has this support should no longer be used, or is gone: `deprecated since macOS 26.0`. Where no
    /// devices are known, only what is so on all of the platforms that have it at all.
    pub(super) fn outdated(&self, support: &Support) -> Option<String> {
        let mut told: Option<String> = None;
        for kind in &self.kinds {
            let Some(PlatformSupport::Supported(terms)) = support.on(kind.platform) else {
                continue;
            };
            let since = |word: &str, version: OsVersion| format!("{word} {} {version}", kind.platform);
            let outdated = match (kind.os_version, terms.deprecated, terms.removed) {
                (None, _, Some(removed)) if !self.known => Some(since("removed in", removed)),
                (None, Some(deprecated), _) if !self.known => Some(since("deprecated since", deprecated)),
                (Some(version), Some(deprecated), _) if version >= deprecated => {
                    Some(since("deprecated since", deprecated))
                }
                _ => None,
            };
            match outdated {
                None if !self.known => return None,
                None => {}
                Some(outdated) => {
                    told.get_or_insert(outdated);
                }
            }
        }
        told
    }

    /// Why some cannot, each reason once, and who they are when that is known.
    fn reasons(&self, refusing: &[(DeviceKind, Unavailable)]) -> String {
        const REASONS: usize = 4;
        const KINDS: usize = 2;

        let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
        for (kind, reason) in refusing {
            let reason = reason.to_string();
            match grouped.iter_mut().find(|(other, _)| *other == reason) {
                Some((_, kinds)) => kinds.push(kind.to_string()),
                None => grouped.push((reason, vec![kind.to_string()])),
            }
        }
        let others = grouped.len().saturating_sub(REASONS);
        let mut told: Vec<String> = Vec::new();
        for (reason, kinds) in grouped.iter().take(REASONS) {
            let more = kinds.len().saturating_sub(KINDS);
            let shown = kinds
                .iter()
                .take(KINDS)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("; ");
            told.push(match (self.known, more) {
                (false, _) => reason.clone(),
                (true, 0) => format!("{reason} ({shown})"),
                (true, more) => format!("{reason} ({shown}; {more} more)"),
            });
        }
        if others > 0 {
            told.push(format!("{others} more reasons"));
        }
        told.join(", ")
    }
}

#[cfg(test)]
mod tests;
