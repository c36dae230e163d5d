//! Builds of operating systems.

use std::fmt;
use std::str::FromStr;

/// A build such as `25F71` or `23A5260n`: up to 16 ASCII letters and digits, some of either. Their order means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsBuild([u8; OsBuild::MAX_LENGTH]);

/// A text that is no build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a build: up to 16 letters and digits, such as 25F71")]
pub struct InvalidOsBuild;

impl OsBuild {
    const MAX_LENGTH: usize = 16;
}

impl fmt::Display for OsBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.0.iter().take_while(|octet| **octet != 0);
        octets
            .copied()
            .map(char::from)
            .try_for_each(|octet| write!(f, "{octet}"))
    }
}

impl FromStr for OsBuild {
    type Err = InvalidOsBuild;

    fn from_str(text: &str) -> Result<Self, InvalidOsBuild> {
        let is_build = text.bytes().all(|octet| octet.is_ascii_alphanumeric())
            && text.bytes().any(|octet| octet.is_ascii_digit())
            && text.bytes().any(|octet| octet.is_ascii_alphabetic());
        let mut octets = [0; Self::MAX_LENGTH];
        let room = octets.get_mut(..text.len()).filter(|_| is_build);
        room.ok_or(InvalidOsBuild)?.copy_from_slice(text.as_bytes());
        Ok(Self(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_told_from_versions_and_from_nonsense() {
        for text in ["25F71", "23A5260n", "1A", "20G1120aaaaaaaaa"] {
            assert_eq!(text.parse::<OsBuild>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "26",
            "26.5",
            "F",
            "25F71:x",
            "25F 71",
            "25F71é",
            "20G1120aaaaaaaaaa",
        ] {
            assert_eq!(text.parse::<OsBuild>(), Err(InvalidOsBuild), "{text}");
        }
    }
}
