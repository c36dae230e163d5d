//! Versions of operating systems.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A version such as `14.0` or `10.13.6`: up to four numbers below 10^9, compared as numbers. Missing ones
/// are zero, so `15` and `15.0.0` are the same version, written `15.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsVersion([u32; OsVersion::MAX_NUMBERS]);

/// A text that is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version: up to four numbers with dots between them")]
pub struct InvalidOsVersion;

impl OsVersion {
    const MAX_NUMBERS: usize = 4;
    const MAX_DIGITS: usize = 9;

    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self([major, minor, 0, 0])
    }

    /// Whether both are of one build of Windows: only the last number differs, which updates count up.
    pub(crate) fn same_build(self, other: Self) -> bool {
        let ([a, b, c, _], [d, e, f, _]) = (self.0, other.0);
        (a, b, c) == (d, e, f)
    }
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.0;
        match (patch, build) {
            (0, 0) => write!(f, "{major}.{minor}"),
            (_, 0) => write!(f, "{major}.{minor}.{patch}"),
            _ => write!(f, "{major}.{minor}.{patch}.{build}"),
        }
    }
}

impl FromStr for OsVersion {
    type Err = InvalidOsVersion;

    /// Takes blanks around the version, and ignores what follows it after a blank, as in `16.5.1 (a)`.
    fn from_str(text: &str) -> Result<Self, InvalidOsVersion> {
        let version = text.split_whitespace().next().ok_or(InvalidOsVersion)?;
        let mut parts = version.split('.');
        let mut numbers = [0; Self::MAX_NUMBERS];
        for (number, part) in numbers.iter_mut().zip(&mut parts) {
            if part.len() > Self::MAX_DIGITS || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(InvalidOsVersion);
            }
            *number = part.parse().map_err(|_| InvalidOsVersion)?;
        }
        if parts.next().is_some() {
            return Err(InvalidOsVersion);
        }
        Ok(Self(numbers))
    }
}

impl Serialize for OsVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OsVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::array::uniform4;
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> OsVersion {
        text.parse().unwrap()
    }

    #[test]
    fn compared_as_numbers() {
        assert!(version("9.3") < version("10.0"));
        assert!(version("10.13.6") < version("10.14"));
        assert!(version("26.4") < version("26.10"));
        assert_eq!(version("15"), version("15.0.0"));
        assert_eq!(version(" 16.5.1 (a)\n"), version("16.5.1"));
        assert_eq!(version("26.4"), OsVersion::new(26, 4));
    }

    #[test]
    fn written_with_at_least_two_numbers() {
        for (text, written) in [
            ("15", "15.0"),
            ("15.0.0.0", "15.0"),
            ("010.1", "10.1"),
            ("1.2.0.3", "1.2.0.3"),
            ("13.6.1", "13.6.1"),
        ] {
            assert_eq!(version(text).to_string(), written);
        }
        assert_eq!(serde_json::to_string(&version("14.2")).unwrap(), "\"14.2\"");
        assert_eq!(
            serde_json::from_str::<OsVersion>("\"14.2\"").unwrap(),
            version("14.2")
        );
        assert!(serde_json::from_str::<OsVersion>("14.2").is_err());
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            " ",
            ".",
            "15.",
            ".1",
            "1..2",
            "1.2.3.4.5",
            "-1",
            "+1.0",
            "n/a",
            "1,2",
            "9999999999",
            "١.٢",
        ] {
            assert_eq!(text.parse::<OsVersion>(), Err(InvalidOsVersion), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}|[0-9. ]{0,50}") {
            if let Ok(version) = text.parse::<OsVersion>() {
                prop_assert_eq!(version.to_string().parse(), Ok(version));
            }
        }

        #[test]
        fn order_is_that_of_the_numbers(
            a in uniform4(0u32..1_000_000_000),
            b in uniform4(0u32..1_000_000_000),
        ) {
            let text = |numbers: [u32; 4]| numbers.map(|number| number.to_string()).join(".");
            prop_assert_eq!(version(&text(a)).cmp(&version(&text(b))), a.cmp(&b));
            prop_assert_eq!(version(&text(a)), version(&version(&text(a)).to_string()));
        }
    }
}
