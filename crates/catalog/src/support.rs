//! Where something is supported, and on what terms.

use std::collections::{BTreeMap, BTreeSet};

use crate::{OsVersion, Platform};

/// What a declaration or a status item acts on: the channel that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole device, on the device channel.
    System,
    /// One user, on that user's channel.
    User,
}

words!(Scope, "a scope (system, user)", {
    System => "system",
    User => "user",
});

/// How a device is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EnrollmentType {
    /// By device enrollment, and supervised. Every Mac that is enrolled by device enrollment counts as
    /// supervised.
    Supervised,
    /// By device enrollment, not supervised.
    Device,
    /// By user enrollment.
    User,
    /// Not at all: declarations come inside a profile.
    Local,
}

words!(EnrollmentType, "an enrollment type (supervised, device, user, local)", {
    Supervised => "supervised",
    Device => "device",
    User => "user",
    Local => "local",
});

/// What a device must be, or what must have been done with it, beside how it is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requirement {
    /// Enrolled by Automated Device Enrollment.
    AutomatedEnrollment,
    /// A Shared iPad.
    SharedIpad,
    /// An enrollment that the user approved.
    UserApproval,
}

words!(Requirement, "a requirement (automated-enrollment, shared-ipad, user-approval)", {
    AutomatedEnrollment => "automated-enrollment",
    SharedIpad => "shared-ipad",
    UserApproval => "user-approval",
});

/// Where something is supported, by platform. A platform that is missing is one of which the schema says
/// nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Support {
    /// Never has [`Platform::IpadOs`]: see [`Support::on`].
    pub(crate) platforms: BTreeMap<Platform, PlatformSupport>,
}

/// What the schema says of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformSupport {
    /// Not supported in any version.
    Never,
    /// Supported, on these terms.
    Supported(Terms),
}

/// On what terms something is supported; `None` is not stated, and excludes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The first version that has it.
    pub introduced: Option<OsVersion>,
    /// The version from which it should no longer be used. It still works.
    pub deprecated: Option<OsVersion>,
    /// The first version that has it no more.
    pub removed: Option<OsVersion>,
    /// The enrollment types that may have it.
    pub enrollments: Option<BTreeSet<EnrollmentType>>,
    /// The scopes that may have it, for MDM commands the channels.
    pub scopes: Option<BTreeSet<Scope>>,
    /// The same for a Shared iPad; empty when it may not have it at all.
    pub shared_ipad_scopes: Option<BTreeSet<Scope>>,
    /// What else it takes. No [`Availability`](crate::Availability) depends on it.
    pub requires: BTreeSet<Requirement>,
    /// Whether a device takes several payloads of the type.
    pub multiple: Option<bool>,
    /// Whether people can install the profile by hand.
    pub manual_install: Option<bool>,
}

impl FromIterator<(Platform, PlatformSupport)> for Support {
    /// What is said of iPadOS is taken for iOS.
    fn from_iter<I: IntoIterator<Item = (Platform, PlatformSupport)>>(platforms: I) -> Self {
        let mut support = Self::default();
        support.extend(platforms);
        support
    }
}

impl Extend<(Platform, PlatformSupport)> for Support {
    /// What is said of iPadOS is taken for iOS.
    fn extend<I: IntoIterator<Item = (Platform, PlatformSupport)>>(&mut self, platforms: I) {
        let said = platforms.into_iter();
        self.platforms
            .extend(said.map(|(platform, said)| (platform.in_schema(), said)));
    }
}

impl Support {
    /// What the schema says of `platform`; for iPadOS what it says of iOS.
    pub fn on(&self, platform: Platform) -> Option<&PlatformSupport> {
        self.platforms.get(&platform.in_schema())
    }

    /// The scope to use where none was chosen: system where the schema allows it, else user. On a platform
    /// that is not known or has no support, system when any platform allows it.
    pub fn default_scope(&self, platform: Option<Platform>) -> Scope {
        let allows_system = |said: &PlatformSupport| match said {
            PlatformSupport::Never => false,
            PlatformSupport::Supported(terms) => {
                terms.scopes.as_ref().is_none_or(|s| s.contains(&Scope::System))
            }
        };
        let here = platform.and_then(|platform| self.on(platform));
        let system = match here {
            Some(said @ PlatformSupport::Supported(_)) => allows_system(said),
            Some(PlatformSupport::Never) | None => {
                self.platforms.is_empty() || self.platforms.values().any(allows_system)
            }
        };
        if system { Scope::System } else { Scope::User }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(platform: Platform, scope: Scope) -> (Platform, PlatformSupport) {
        let terms = Terms {
            scopes: Some(BTreeSet::from([scope])),
            ..Terms::default()
        };
        (platform, PlatformSupport::Supported(terms))
    }

    #[test]
    fn the_default_scope_is_system_where_it_is_allowed() {
        let support = Support::from_iter([
            scopes(Platform::MacOs, Scope::User),
            scopes(Platform::Ios, Scope::System),
            (Platform::TvOs, PlatformSupport::Never),
            (Platform::VisionOs, PlatformSupport::Supported(Terms::default())),
        ]);
        assert_eq!(support.default_scope(Some(Platform::MacOs)), Scope::User);
        let others = Platform::ALL
            .iter()
            .copied()
            .filter(|&platform| platform != Platform::MacOs)
            .map(Some);
        for platform in others.chain([None]) {
            assert_eq!(support.default_scope(platform), Scope::System, "{platform:?}");
        }
        let only_user = Support::from_iter([scopes(Platform::MacOs, Scope::User)]);
        assert_eq!(only_user.default_scope(None), Scope::User);
        assert_eq!(Support::default().default_scope(None), Scope::System);
    }

    #[test]
    fn an_ipad_has_the_facts_of_ios() {
        for (told, asked) in [
            (Platform::Ios, Platform::IpadOs),
            (Platform::IpadOs, Platform::Ios),
        ] {
            let support = Support::from_iter([(told, PlatformSupport::Never)]);
            assert_eq!(support.on(asked), Some(&PlatformSupport::Never));
        }
    }
}
