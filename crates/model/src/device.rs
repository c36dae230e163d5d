//! What is known of a device, as far as the device said it.

use ordain_catalog::{EnrollmentType, OsBuild, OsVersion, Platform};
use serde::{Deserialize, Serialize};

use crate::ids::EnrollmentId;
use crate::windows::WindowsFacts;

/// What a device said of itself in Authenticate and, later, in status reports. Every field may be missing: user
/// enrollment shows neither serial number nor UDID, and systems other than macOS leave most of it out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceFacts {
    /// `SerialNumber`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// `UDID`; absent in user enrollment, where only an EnrollmentID is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udid: Option<String>,
    /// `DeviceName`, as its user chose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ProductName`, else `Model`: the hardware identifier, such as `Mac14,2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the hardware identifier, or a report, tells of the platform, where that is one of Apple's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// `OSVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<OsVersion>,
    /// `BuildVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// `Topic`: which certificate it may be pushed with, by Authenticate. TokenUpdate tells it again, with what it takes
    /// to push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// `IsSupervised` of DeviceInformation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervised: Option<bool>,
    /// What only Windows devices have: whose enrollment this is decides whether it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<Box<WindowsFacts>>,
}

impl DeviceFacts {
    /// The names that administrators list the device `id` by: its serial number, its UDID and the device's part of its
    /// identifier. A list does not tell one kind from another, so nothing else may.
    pub fn names<'a>(&'a self, id: &'a EnrollmentId) -> impl Iterator<Item = &'a str> {
        let told = [self.serial.as_deref(), self.udid.as_deref()];
        told.into_iter().flatten().chain([id.device_part()])
    }

    /// Whether it is a Windows device. Nothing of Apple's is for those: no declaration, command, survey or push.
    pub fn is_windows(&self) -> bool {
        self.windows.is_some()
    }

    /// The name of its operating system, as far as it is known.
    pub fn system(&self) -> Option<&'static str> {
        match self.windows {
            Some(_) => Some(crate::windows::SYSTEM),
            None => self.platform.map(|platform| platform.as_str()),
        }
    }

    /// The type of enrollment, by Apple's words, as far as it can be told: user enrollment shows no UDID, a Mac enrolled by profile
    /// counts as supervised, a watch enrolls through a supervised iPhone only, and the rest tell by DeviceInformation.
    pub fn enrollment_type(&self) -> Option<EnrollmentType> {
        match (&self.udid, self.platform) {
            _ if self.is_windows() => None,
            (None, _) => Some(EnrollmentType::User),
            (Some(_), Some(Platform::MacOs | Platform::WatchOs)) => Some(EnrollmentType::Supervised),
            (Some(_), _) => self.supervised.map(|is_supervised| match is_supervised {
                true => EnrollmentType::Supervised,
                false => EnrollmentType::Device,
            }),
        }
    }

    /// The build, when what it said is one.
    pub fn os_build(&self) -> Option<OsBuild> {
        self.build.as_deref()?.parse().ok()
    }

    /// What it says of its system. A build belongs to its version: that of the one before is forgotten with it.
    pub(crate) fn learn_system(&mut self, version: Option<OsVersion>, build: Option<&str>) {
        if version.is_some() && version != self.os_version {
            self.os_version = version;
            self.build = None;
        }
        if let Some(build) = build {
            self.build = Some(build.to_owned());
        }
    }

    /// Whether it is supervised, by its own word or by its enrollment.
    pub fn is_supervised(&self) -> Option<bool> {
        let enrolled = || {
            self.enrollment_type()
                .map(|way| way == EnrollmentType::Supervised)
        };
        self.supervised.or_else(enrolled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_goes_with_its_version() {
        let mut facts = DeviceFacts::default();
        let mut learn = |version: &str, build: Option<&str>| {
            facts.learn_system(version.parse().ok(), build);
            (facts.os_version, facts.build.clone(), facts.os_build())
        };
        let version = Some(OsVersion::new(26, 5));
        let build = || Some("25F71".to_owned());
        assert_eq!(
            learn("26.5", Some("25F71")),
            (version, build(), "25F71".parse().ok())
        );
        assert_eq!(learn("26.5.0", None), (version, build(), "25F71".parse().ok()));
        assert_eq!(learn("", None).1, build());
        assert_eq!(learn("26.6", None), (Some(OsVersion::new(26, 6)), None, None));
        assert_eq!(learn("", Some("no build")).1.as_deref(), Some("no build"));
        assert_eq!(facts.os_build(), None);
    }
}
