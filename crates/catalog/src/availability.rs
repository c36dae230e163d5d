//! Whether an enrollment can take something.

use std::fmt;

use crate::{EnrollmentType, OsVersion, Platform, PlatformSupport, Scope, Support, Terms};

/// Whether an enrollment can take something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Nothing that the schema states is against it.
    Available,
    /// It cannot.
    Unavailable(Unavailable),
    /// It depends on what is not known of the enrollment. This excludes nothing.
    Unknown,
}

/// Why an enrollment cannot take something; `Display` says it in a few words for administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// Not on this platform.
    Platform(Platform),
    /// Only from this version of the platform on.
    Before(Platform, OsVersion),
    /// No longer, from this version of the platform on.
    Removed(Platform, OsVersion),
    /// Not with this enrollment type.
    Enrollment(EnrollmentType),
    /// Not on the channel of this scope.
    Scope(Scope),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform(platform) => write!(f, "not on {platform}"),
            Self::Before(platform, version) => write!(f, "needs {platform} {version}"),
            Self::Removed(platform, version) => write!(f, "removed in {platform} {version}"),
            Self::Enrollment(EnrollmentType::Supervised) => f.write_str("not on a supervised device"),
            Self::Enrollment(EnrollmentType::Device) => {
                f.write_str("not with unsupervised device enrollment")
            }
            Self::Enrollment(EnrollmentType::User) => f.write_str("not with user enrollment"),
            Self::Enrollment(EnrollmentType::Local) => f.write_str("not without enrollment"),
            Self::Scope(Scope::System) => f.write_str("not on the device channel"),
            Self::Scope(Scope::User) => f.write_str("not on the user channel"),
        }
    }
}

impl Support {
    /// Whether an enrollment of which this is known can take it, on the channel of `scope`.
    ///
    /// What is not known never makes it unavailable; a known fact that excludes it does, whatever else is
    /// unknown.
    pub fn availability(
        &self,
        platform: Option<Platform>,
        version: Option<&OsVersion>,
        enrollment: Option<EnrollmentType>,
        scope: Scope,
    ) -> Availability {
        let Some(platform) = platform else {
            return Availability::Unknown;
        };
        let terms = match self.on(platform) {
            None => return Availability::Unknown,
            Some(PlatformSupport::Never) => {
                return Availability::Unavailable(Unavailable::Platform(platform));
            }
            Some(PlatformSupport::Supported(terms)) => terms,
        };
        let judgements = [
            terms.for_version(platform, version),
            terms.for_scope(platform, scope),
            terms.for_enrollment(platform, enrollment),
        ];
        let excluded = judgements
            .iter()
            .find(|judgement| matches!(judgement, Availability::Unavailable(_)));
        match excluded {
            Some(&excluded) => excluded,
            None if judgements.contains(&Availability::Unknown) => Availability::Unknown,
            None => Availability::Available,
        }
    }
}

impl Terms {
    fn for_version(&self, platform: Platform, version: Option<&OsVersion>) -> Availability {
        match (version, self.introduced, self.removed) {
            (_, None, None) => Availability::Available,
            (None, ..) => Availability::Unknown,
            (Some(version), Some(introduced), _) if *version < introduced => {
                Availability::Unavailable(Unavailable::Before(platform, introduced))
            }
            (Some(version), _, Some(removed)) if *version >= removed => {
                Availability::Unavailable(Unavailable::Removed(platform, removed))
            }
            _ => Availability::Available,
        }
    }

    fn for_scope(&self, platform: Platform, scope: Scope) -> Availability {
        // Of the devices with iOS or iPadOS only a Shared iPad has user channels. Whether a device channel is
        // a Shared iPad's is not known, so its terms narrow nothing there.
        let scopes = match (platform.in_schema(), scope) {
            (Platform::Ios, Scope::User) => &self.shared_ipad_scopes,
            _ => &self.scopes,
        };
        match scopes {
            Some(scopes) if !scopes.contains(&scope) => Availability::Unavailable(Unavailable::Scope(scope)),
            _ => Availability::Available,
        }
    }

    fn for_enrollment(&self, platform: Platform, enrollment: Option<EnrollmentType>) -> Availability {
        let Some(allowed) = &self.enrollments else {
            return Availability::Available;
        };
        let allows = |enrollment| match (platform, enrollment) {
            // A Mac's device enrollment is supervised, which is why the schema has only that for it.
            (Platform::MacOs, EnrollmentType::Device) => allowed.contains(&EnrollmentType::Supervised),
            _ => allowed.contains(&enrollment),
        };
        match enrollment {
            Some(enrollment) if allows(enrollment) => Availability::Available,
            Some(enrollment) => Availability::Unavailable(Unavailable::Enrollment(enrollment)),
            // Whoever talks to a server is enrolled in one of these ways.
            None if [
                EnrollmentType::Supervised,
                EnrollmentType::Device,
                EnrollmentType::User,
            ]
            .into_iter()
            .all(allows) =>
            {
                Availability::Available
            }
            None => Availability::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use Availability::{Available, Unknown};

    fn supported(terms: Terms) -> PlatformSupport {
        PlatformSupport::Supported(terms)
    }

    /// macOS 14.0 to 27.0, supervised, user channel; iOS 17.0, every enrollment, system, nothing of Shared
    /// iPad; never on tvOS; on visionOS without terms; nothing of watchOS.
    fn support() -> Support {
        let mac = Terms {
            introduced: Some(OsVersion::new(14, 0)),
            deprecated: Some(OsVersion::new(15, 0)),
            removed: Some(OsVersion::new(27, 0)),
            enrollments: Some(BTreeSet::from([EnrollmentType::Supervised])),
            scopes: Some(BTreeSet::from([Scope::User])),
            ..Terms::default()
        };
        let phone = Terms {
            introduced: Some(OsVersion::new(17, 0)),
            enrollments: Some(EnrollmentType::ALL.iter().copied().collect()),
            scopes: Some(BTreeSet::from([Scope::System])),
            shared_ipad_scopes: Some(BTreeSet::from([Scope::User])),
            ..Terms::default()
        };
        Support::from_iter([
            (Platform::MacOs, supported(mac)),
            (Platform::IpadOs, supported(phone)),
            (Platform::TvOs, PlatformSupport::Never),
            (Platform::VisionOs, supported(Terms::default())),
        ])
    }

    fn judge(platform: Platform, version: &str, enrollment: EnrollmentType, scope: Scope) -> Availability {
        support().availability(
            Some(platform),
            Some(&version.parse().unwrap()),
            Some(enrollment),
            scope,
        )
    }

    fn reason(availability: Availability) -> String {
        match availability {
            Availability::Unavailable(reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn known_facts_decide() {
        use EnrollmentType::{Device, Local, Supervised, User};
        use Platform::{IpadOs, MacOs, TvOs, VisionOs};

        assert_eq!(judge(MacOs, "14.0", Supervised, Scope::User), Available);
        assert_eq!(
            judge(MacOs, "26.9.9", Device, Scope::User),
            Available,
            "a Mac's device enrollment is supervised"
        );
        assert_eq!(judge(IpadOs, "17.0", User, Scope::System), Available);
        assert_eq!(judge(VisionOs, "1.0", Local, Scope::User), Available);
        for (judgement, expected) in [
            (
                judge(MacOs, "13.7.2", Supervised, Scope::User),
                "needs macOS 14.0",
            ),
            (
                judge(MacOs, "27.0", Supervised, Scope::User),
                "removed in macOS 27.0",
            ),
            (
                judge(MacOs, "14.0", Supervised, Scope::System),
                "not on the device channel",
            ),
            (
                judge(MacOs, "14.0", User, Scope::User),
                "not with user enrollment",
            ),
            (judge(IpadOs, "16.7", Device, Scope::System), "needs iPadOS 17.0"),
            (judge(TvOs, "26.0", Supervised, Scope::System), "not on tvOS"),
        ] {
            assert_eq!(reason(judgement), expected);
        }
    }

    #[test]
    fn user_channels_of_ipads_are_shared_ipads() {
        let enrollment = EnrollmentType::Supervised;
        assert_eq!(
            judge(Platform::IpadOs, "17.0", enrollment, Scope::User),
            Available
        );
        let not_shared = Terms {
            shared_ipad_scopes: Some(BTreeSet::new()),
            ..Terms::default()
        };
        let support = Support::from_iter([(Platform::Ios, supported(not_shared))]);
        let on_user = support.availability(Some(Platform::IpadOs), None, Some(enrollment), Scope::User);
        assert_eq!(reason(on_user), "not on the user channel");
        let on_device = support.availability(Some(Platform::IpadOs), None, Some(enrollment), Scope::System);
        assert_eq!(on_device, Available, "it may be an ordinary iPad");
    }

    #[test]
    fn what_is_not_known_excludes_nothing() {
        let support = support();
        let versions = [
            None,
            Some(OsVersion::new(1, 0)),
            Some(OsVersion::new(15, 0)),
            Some(OsVersion::new(99, 0)),
        ];
        for version in versions {
            for enrollment in [None, Some(EnrollmentType::User), Some(EnrollmentType::Supervised)] {
                for &scope in Scope::ALL {
                    assert_eq!(
                        support.availability(None, version.as_ref(), enrollment, scope),
                        Unknown
                    );
                    let watch =
                        support.availability(Some(Platform::WatchOs), version.as_ref(), enrollment, scope);
                    assert_eq!(watch, Unknown, "the facts say nothing of it");
                }
            }
        }
        let mac = |version, enrollment, scope| {
            support.availability(Some(Platform::MacOs), version, enrollment, scope)
        };
        let version = OsVersion::new(15, 0);
        assert_eq!(mac(None, Some(EnrollmentType::Supervised), Scope::User), Unknown);
        assert_eq!(mac(Some(&version), None, Scope::User), Unknown);
        let phone = support.availability(
            Some(Platform::Ios),
            Some(&OsVersion::new(17, 0)),
            None,
            Scope::System,
        );
        assert_eq!(phone, Available, "however it is enrolled");
        // What is known still decides.
        assert_eq!(
            reason(mac(None, None, Scope::System)),
            "not on the device channel"
        );
        assert_eq!(
            reason(mac(None, Some(EnrollmentType::User), Scope::User)),
            "not with user enrollment"
        );
    }
}
