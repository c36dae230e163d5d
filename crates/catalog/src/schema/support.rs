//! `supportedOS`: where something is supported, on which terms.
//!
//! A key states what differs from what holds it, switch by switch, so switches are inherited first and become terms
//! then.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::reader::Reader;
use super::yaml::Value;
use crate::{EnrollmentType, OsVersion, Platform, PlatformSupport, Requirement, Scope, Support, Terms};

/// The version that stands for "not at all".
const NEVER: &str = "n/a";

/// The one for no other than what holds it has.
const ALL: &str = "all";

/// What is stated, by platform.
pub(super) type Stated = BTreeMap<Platform, Switches>;

/// What is stated of one platform; `None` is not.
#[derive(Clone, Default)]
pub(super) struct Switches {
    introduced: Option<Introduced>,
    deprecated: Option<OsVersion>,
    removed: Option<OsVersion>,
    enrollments: Option<BTreeSet<EnrollmentType>>,
    supervised: Option<bool>,
    user_enrollment: Option<Mode>,
    channels: Channels,
    shared_ipad: Option<Mode>,
    on_shared_ipad: Channels,
    requires_dep: Option<bool>,
    user_approved: Option<bool>,
    multiple: Option<bool>,
    manual_install: Option<bool>,
}

#[derive(Clone, Copy)]
enum Introduced {
    Never,
    In(OsVersion),
}

/// The channels, which declarations call scopes.
#[derive(Clone, Default)]
struct Channels {
    scopes: Option<BTreeSet<Scope>>,
    device: Option<bool>,
    user: Option<bool>,
}

/// Whether something goes along with user enrollment, or with Shared iPad.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Allowed,
    Required,
    Forbidden,
}

impl Reader<'_> {
    /// What `holder`'s `supportedOS` states where it is there, else what is `inherited`.
    pub(super) fn stated(&mut self, holder: Value<'_>, inherited: &Stated) -> Result<Stated, Problem> {
        let mut stated = inherited.clone();
        let Some(platforms) = holder.get("supportedOS") else {
            return Ok(stated);
        };
        let platforms = platforms
            .members()
            .ok_or_else(|| self.problem("supportedOS is no mapping"))?;
        for (name, said) in platforms {
            if let Some(platform) = self.known::<Platform>(name) {
                let switches = stated.entry(platform.in_schema()).or_default();
                self.switches(said, switches)?;
            }
        }
        Ok(stated)
    }

    fn switches(&mut self, said: Value<'_>, switches: &mut Switches) -> Result<(), Problem> {
        match self.text(said, "introduced")? {
            Some(NEVER) => switches.introduced = Some(Introduced::Never),
            Some(ALL) => {}
            _ => {
                let version = self.word(said, "introduced")?;
                set(&mut switches.introduced, version.map(Introduced::In));
            }
        }
        set(&mut switches.deprecated, self.word(said, "deprecated")?);
        set(&mut switches.removed, self.word(said, "removed")?);
        set(
            &mut switches.enrollments,
            self.words(said, "allowed-enrollments")?,
        );
        set(&mut switches.supervised, self.boolean(said, "supervised")?);
        if let Some(said) = said.get("userenrollment") {
            set(&mut switches.user_enrollment, self.mode(said)?);
        }
        self.channels(said, &mut switches.channels)?;
        if let Some(said) = said.get("sharedipad") {
            set(&mut switches.shared_ipad, self.mode(said)?);
            self.channels(said, &mut switches.on_shared_ipad)?;
        }
        set(&mut switches.requires_dep, self.boolean(said, "requiresdep")?);
        set(
            &mut switches.user_approved,
            self.boolean(said, "userapprovedmdm")?,
        );
        set(&mut switches.multiple, self.boolean(said, "multiple")?);
        set(
            &mut switches.manual_install,
            self.boolean(said, "allowmanualinstall")?,
        );
        Ok(())
    }

    fn channels(&mut self, said: Value<'_>, channels: &mut Channels) -> Result<(), Problem> {
        set(&mut channels.scopes, self.words(said, "allowed-scopes")?);
        set(&mut channels.device, self.boolean(said, "devicechannel")?);
        set(&mut channels.user, self.boolean(said, "userchannel")?);
        Ok(())
    }

    fn mode(&mut self, said: Value<'_>) -> Result<Option<Mode>, Problem> {
        Ok(match self.text(said, "mode")? {
            // What is ignored is accepted, if without effect.
            Some("allowed" | "ignored") => Some(Mode::Allowed),
            Some("required") => Some(Mode::Required),
            Some("forbidden") => Some(Mode::Forbidden),
            Some(other) => {
                self.note(format_args!("{other} is no known mode"));
                None
            }
            None => None,
        })
    }
}

fn set<T>(place: &mut Option<T>, stated: Option<T>) {
    if stated.is_some() {
        *place = stated;
    }
}

/// The terms that switches make.
pub(super) fn support(stated: &Stated) -> Support {
    stated
        .iter()
        .map(|(&platform, switches)| (platform, switches.terms()))
        .collect()
}

impl Switches {
    fn terms(&self) -> PlatformSupport {
        let introduced = match self.introduced {
            Some(Introduced::Never) => return PlatformSupport::Never,
            Some(Introduced::In(version)) => Some(version),
            None => None,
        };
        let requires = [
            (Requirement::AutomatedEnrollment, self.requires_dep == Some(true)),
            (Requirement::SharedIpad, self.shared_ipad == Some(Mode::Required)),
            (Requirement::UserApproval, self.user_approved == Some(true)),
        ];
        PlatformSupport::Supported(Terms {
            introduced,
            deprecated: self.deprecated,
            removed: self.removed,
            enrollments: self
                .enrollments
                .clone()
                .or_else(|| self.enrollments_by_switches()),
            scopes: self.channels.scopes(),
            shared_ipad_scopes: match self.shared_ipad {
                Some(Mode::Forbidden) => Some(BTreeSet::new()),
                _ => self.on_shared_ipad.scopes(),
            },
            requires: requires
                .into_iter()
                .filter_map(|(requirement, stated)| stated.then_some(requirement))
                .collect(),
            multiple: self.multiple,
            manual_install: self.manual_install,
        })
    }

    /// A set only where all of its switches are there.
    fn enrollments_by_switches(&self) -> Option<BTreeSet<EnrollmentType>> {
        use EnrollmentType::{Device, Supervised, User};

        match (self.supervised, self.user_enrollment) {
            (Some(true), _) => Some(BTreeSet::from([Supervised])),
            (_, Some(Mode::Forbidden)) => Some(BTreeSet::from([Supervised, Device])),
            (_, Some(Mode::Required)) => Some(BTreeSet::from([User])),
            (Some(false), Some(Mode::Allowed)) => Some(BTreeSet::from([Supervised, Device, User])),
            (None, Some(Mode::Allowed)) | (_, None) => None,
        }
    }
}

impl Channels {
    /// A set only where both switches are there.
    fn scopes(&self) -> Option<BTreeSet<Scope>> {
        let by_switches = || {
            let scopes = [(self.device?, Scope::System), (self.user?, Scope::User)];
            let allowed = scopes.into_iter().filter(|(allowed, _)| *allowed);
            Some(allowed.map(|(_, scope)| scope).collect())
        };
        self.scopes.clone().or_else(by_switches)
    }
}
