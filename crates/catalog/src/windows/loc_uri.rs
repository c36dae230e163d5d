//! `LocURI`: the address of a node.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Scope;

/// What is written as it is in a name (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The address of a node, in whatever way it was written. `Display` is the one way that Ordain writes it:
/// `./Device/Vendor/MSFT/WiFi/Profile/Lab%20Wifi`, and `./DevInfo/DevId` where no vendor is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocUri {
    /// Whose it is. Without a scope it is the device's.
    pub scope: Scope,
    /// The names on the way to it, decoded; at least one.
    pub names: Vec<String>,
}

/// A text that is no address of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a LocURI: {0}")]
pub struct InvalidLocUri(&'static str);

impl LocUri {
    /// The longest that is read, in octets.
    pub const MAX_LENGTH: usize = 2048;
    /// The most names that are read.
    pub const MAX_NAMES: usize = 32;

    /// Whether it is `holder`, or in it.
    pub fn is_in(&self, holder: &Self) -> bool {
        self.scope == holder.scope && self.names.starts_with(&holder.names)
    }
}

impl FromStr for LocUri {
    type Err = InvalidLocUri;

    fn from_str(text: &str) -> Result<Self, InvalidLocUri> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidLocUri("it is too long"));
        }
        let path = text
            .strip_prefix("./")
            .ok_or(InvalidLocUri("it begins with `./`"))?;
        let (scope, path) = match path.split_once('/') {
            Some(("Device", path)) => (Scope::System, path),
            Some(("User", path)) => (Scope::User, path),
            _ => (Scope::System, path),
        };
        let names: Vec<String> = path
            .split('/')
            .take(Self::MAX_NAMES + 1)
            .map(decoded)
            .collect::<Result<_, _>>()?;
        if names.len() > Self::MAX_NAMES {
            return Err(InvalidLocUri("it has too many names"));
        }
        Ok(Self { scope, names })
    }
}

/// A name of an address. Only one way to write each would be too strict for what devices send; there is only one that is
/// written.
fn decoded(name: &str) -> Result<String, InvalidLocUri> {
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let is_fine = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte),
        };
        if !is_fine {
            return Err(InvalidLocUri(
                "blanks, braces and the like are percent-encoded, as in `%7B`",
            ));
        }
    }
    let name = percent_decode_str(name).decode_utf8();
    let name = name.map_err(|_| InvalidLocUri("what is percent-encoded is UTF-8"))?;
    match &*name {
        "" => Err(InvalidLocUri("a name is empty")),
        "." | ".." => Err(InvalidLocUri("`.` is only at its beginning")),
        name if name.contains(char::is_control) => Err(InvalidLocUri("names have no control characters")),
        name => Ok(name.to_owned()),
    }
}

/// A name as it is written in an address.
pub(super) fn encoded(name: &str) -> impl fmt::Display {
    utf8_percent_encode(name, ENCODED)
}

impl fmt::Display for LocUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_of_vendor = self.names.first().is_some_and(|name| name == "Vendor");
        f.write_str(match self.scope {
            Scope::System if is_of_vendor => "./Device",
            Scope::System => ".",
            Scope::User => "./User",
        })?;
        for name in &self.names {
            f.write_char('/')?;
            write!(f, "{}", encoded(name))?;
        }
        Ok(())
    }
}

impl Serialize for LocUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        text.parse::<LocUri>().unwrap().to_string()
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        for (text, one) in [
            (
                "./Vendor/MSFT/Reboot/RebootNow",
                "./Device/Vendor/MSFT/Reboot/RebootNow",
            ),
            (
                "./Device/Vendor/MSFT/Reboot/RebootNow",
                "./Device/Vendor/MSFT/Reboot/RebootNow",
            ),
            ("./User/Vendor/MSFT/WiFi", "./User/Vendor/MSFT/WiFi"),
            ("./DevInfo/DevId", "./DevInfo/DevId"),
            ("./Device/DevInfo", "./DevInfo"),
            ("./A/%7b1%7D/%61(b)/c~d", "./A/%7B1%7D/a%28b%29/c~d"),
            ("./A/%C3%A9%2F", "./A/%C3%A9%2F"),
            ("./Device", "./Device"),
        ] {
            assert_eq!(written(text), one);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ".",
            "./",
            "/",
            "Vendor/MSFT",
            "/Vendor/MSFT",
            "../Vendor",
            "./Vendor//MSFT",
            "./Vendor/MSFT/",
            "./Vendor/./MSFT",
            "./Vendor/../MSFT",
            "./Vendor/%2e%2E/MSFT",
            "./Device/",
            "./User/",
            "./A/{b}",
            "./A/a b",
            "./A/é",
            "./A/%",
            "./A/%4",
            "./A/%zz",
            "./A/%FF",
            "./A/%00",
            "./A/%0A",
            "./A?list=StructData",
            "./A#b",
            "./A/\u{0}",
            "./A\\B",
        ] {
            assert!(text.parse::<LocUri>().is_err(), "{text}");
        }
        assert!(format!("./{}", "a".repeat(3000)).parse::<LocUri>().is_err());
        assert!(format!("./a{}", "/a".repeat(31)).parse::<LocUri>().is_ok());
        assert!(format!("./a{}", "/a".repeat(32)).parse::<LocUri>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_has_one_form(text in "\\PC{0,60}|\\./(Device/|User/)?[a-zA-Z0-9%.~{}/ ]{0,40}") {
            if let Ok(uri) = text.parse::<LocUri>() {
                prop_assert_eq!(uri.to_string().parse::<LocUri>(), Ok(uri));
            }
        }
    }
}
