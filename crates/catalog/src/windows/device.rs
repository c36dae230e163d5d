//! What a Windows device must be to have something.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::OsVersion;

/// An edition of Windows, with its variants (N, LTSC, evaluation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edition {
    /// Windows Home.
    Home,
    /// Windows Pro.
    Pro,
    /// Windows Enterprise.
    Enterprise,
    /// Windows Education.
    Education,
    /// Windows SE.
    Se,
    /// Windows IoT Enterprise.
    IotEnterprise,
    /// Windows Holographic for Business.
    Holographic,
}

words!(Edition, "an edition of Windows", {
    Home => "home",
    Pro => "pro",
    Enterprise => "enterprise",
    Education => "education",
    Se => "se",
    IotEnterprise => "iot-enterprise",
    Holographic => "holographic",
});

impl Edition {
    /// The edition of this number of Windows' product types, as in `OSEdition` and `DeviceStatus/OS/Edition`; `None` when
    /// it is not known.
    pub const fn of_product(number: u32) -> Option<Self> {
        match number {
            4 | 27 | 72 | 125 | 126 | 175 => Some(Self::Enterprise),
            48 | 49 => Some(Self::Pro),
            101 => Some(Self::Home),
            121 | 122 => Some(Self::Education),
            136 => Some(Self::Holographic),
            _ => None,
        }
    }
}

/// How a device stands to Microsoft Entra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Join {
    /// Entra joined.
    Joined,
    /// Entra registered.
    Registered,
    /// Neither.
    Neither,
}

words!(Join, "a join state (entra-joined, entra-registered, not-joined)", {
    Joined => "entra-joined",
    Registered => "entra-registered",
    Neither => "not-joined",
});

/// The first versions that have something, one for each line of builds that is served on its own:
/// `10.0.19044.2193`, `10.0.22621`. Without any, that is not stated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Builds(pub BTreeSet<OsVersion>);

impl Builds {
    /// Whether this version has it; `None` when that is not stated, as for a build between those that are named.
    pub fn have(&self, version: OsVersion) -> Option<bool> {
        if let Some(first) = self.0.iter().find(|first| first.same_build(version)) {
            return Some(version >= *first);
        }
        match (self.0.first(), self.0.last()) {
            (Some(first), _) if version < *first => Some(false),
            (_, Some(last)) if version > *last => Some(true),
            _ => None,
        }
    }
}

impl fmt::Display for Builds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, version) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{version}")?;
        }
        Ok(())
    }
}

/// What a device must be to have something. What is empty is not stated, and excludes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The editions.
    pub editions: BTreeSet<Edition>,
    /// The builds.
    pub builds: Builds,
    /// The join states, and the builds for each.
    pub joins: BTreeMap<Join, Builds>,
}

/// What is known of Windows devices that take the same. `Display` is `Windows 10.0.22631.3958, pro, entra-joined`;
/// `FromStr` takes `Windows:10.0.22631.3958:pro:entra-joined`, where an empty or missing part is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowsDevice {
    /// The edition.
    pub edition: Option<Edition>,
    /// The version, of four numbers: `10.0.22631.3958`.
    pub os_version: Option<OsVersion>,
    /// The join state.
    pub join: Option<Join>,
}

impl fmt::Display for WindowsDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Windows")?;
        if let Some(version) = self.os_version {
            write!(f, " {version}")?;
        }
        if let Some(edition) = self.edition {
            write!(f, ", {edition}")?;
        }
        self.join.map_or(Ok(()), |join| write!(f, ", {join}"))
    }
}

/// A text that is no kind of Windows devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a kind of Windows devices: Windows[:VERSION[:EDITION[:JOIN]]], where an empty part is not known"
)]
pub struct InvalidWindowsDevice;

impl FromStr for WindowsDevice {
    type Err = InvalidWindowsDevice;

    fn from_str(text: &str) -> Result<Self, InvalidWindowsDevice> {
        fn known<T: FromStr>(part: Option<&str>) -> Result<Option<T>, InvalidWindowsDevice> {
            let part = part.filter(|part| !part.is_empty()).map(str::parse).transpose();
            part.map_err(|_| InvalidWindowsDevice)
        }

        let mut parts = text.split(':');
        let is_windows = parts.next() == Some("Windows");
        let device = Self {
            os_version: known(parts.next())?,
            edition: known(parts.next())?,
            join: known(parts.next())?,
        };
        match is_windows && parts.next().is_none() {
            true => Ok(device),
            false => Err(InvalidWindowsDevice),
        }
    }
}

/// Why a device cannot have something. `Display` says it in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack<'a> {
    /// Not in this edition.
    Edition(Edition),
    /// Not before these versions.
    Build(&'a Builds),
    /// Not in this join state.
    Join(Join),
}

impl fmt::Display for Lack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edition(edition) => write!(f, "not in the edition {edition}"),
            Self::Build(builds) => write!(f, "needs Windows {builds} or later"),
            Self::Join(join) => write!(f, "not on a device that is {join}"),
        }
    }
}

impl Needs {
    /// What is against it; `None` when nothing that is known is.
    pub fn lack(&self, device: &WindowsDevice) -> Option<Lack<'_>> {
        let too_old = |builds: &Builds| {
            let version = device.os_version;
            version.and_then(|version| builds.have(version)) == Some(false)
        };
        if let Some(edition) = device.edition
            && !self.editions.is_empty()
            && !self.editions.contains(&edition)
        {
            return Some(Lack::Edition(edition));
        }
        if too_old(&self.builds) {
            return Some(Lack::Build(&self.builds));
        }
        match device.join {
            Some(join) => match self.joins.get(&join) {
                Some(builds) => too_old(builds).then_some(Lack::Build(builds)),
                None => (!self.joins.is_empty()).then_some(Lack::Join(join)),
            },
            // Whatever its join state is.
            None => {
                let first = self.joins.values().next()?;
                self.joins.values().all(too_old).then_some(Lack::Build(first))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> OsVersion {
        text.parse().unwrap()
    }

    fn builds(text: &str) -> Builds {
        Builds(text.split(' ').map(version).collect())
    }

    #[test]
    fn each_line_of_builds_has_its_own_first_version() {
        let builds = builds("10.0.19044.2193 10.0.22000.918 10.0.22621");
        for (text, has) in [
            ("10.0.19043.9999", Some(false)),
            ("10.0.19044.2192", Some(false)),
            ("10.0.19044.2193", Some(true)),
            ("10.0.19045.1", None),
            ("10.0.22000.917", Some(false)),
            ("10.0.22000.918", Some(true)),
            ("10.0.22621.1", Some(true)),
            ("10.0.26100.1301", Some(true)),
        ] {
            assert_eq!(builds.have(version(text)), has, "{text}");
        }
        assert_eq!(Builds::default().have(version("10.0.1")), None);
    }

    #[test]
    fn only_what_is_known_is_against_it() {
        let needs = Needs {
            editions: BTreeSet::from([Edition::Pro]),
            builds: Builds::default(),
            joins: BTreeMap::from([
                (Join::Joined, builds("10.0.19044.2193 10.0.22621")),
                (Join::Registered, builds("10.0.26100.1301")),
            ]),
        };
        let lack = |edition, text: &str, join| {
            let device = WindowsDevice {
                edition,
                os_version: text.parse().ok(),
                join,
            };
            needs.lack(&device).map(|lack| lack.to_string())
        };
        assert_eq!(lack(None, "", None), None);
        assert_eq!(lack(Some(Edition::Pro), "10.0.22631", Some(Join::Joined)), None);
        assert_eq!(
            lack(Some(Edition::Home), "", None).unwrap(),
            "not in the edition home"
        );
        assert_eq!(
            lack(None, "10.0.26100.1300", Some(Join::Registered)).unwrap(),
            "needs Windows 10.0.26100.1301 or later"
        );
        assert_eq!(lack(None, "10.0.22631", None), None, "it may be joined");
        assert!(lack(None, "10.0.10240", None).is_some());
        assert!(lack(None, "", Some(Join::Neither)).is_some());
        assert_eq!(
            Needs::default().lack(&WindowsDevice {
                edition: Some(Edition::Home),
                ..WindowsDevice::default()
            }),
            None
        );
    }

    #[test]
    fn kinds_of_devices_are_written_with_colons() {
        let device: WindowsDevice = "Windows:10.0.22631.3958:pro:entra-joined".parse().unwrap();
        assert_eq!(device.to_string(), "Windows 10.0.22631.3958, pro, entra-joined");
        let device: WindowsDevice = "Windows::home".parse().unwrap();
        assert_eq!((device.os_version, device.edition), (None, Some(Edition::Home)));
        assert_eq!("Windows".parse(), Ok(WindowsDevice::default()));
        for wrong in [
            "",
            "windows",
            "macOS:26.4",
            "Windows:x",
            "Windows::x",
            "Windows:::x",
            "Windows::::",
        ] {
            assert_eq!(
                wrong.parse::<WindowsDevice>(),
                Err(InvalidWindowsDevice),
                "{wrong}"
            );
        }
    }

    #[test]
    fn product_numbers_have_editions() {
        assert_eq!(Edition::of_product(48), Some(Edition::Pro));
        assert_eq!(Edition::of_product(101), Some(Edition::Home));
        assert_eq!(Edition::of_product(0), None);
    }
}
