//! Enumerations whose values are words of the protocol or of the facts file.

/// A text that is none of an enumeration's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {expected}")]
pub struct UnknownWord {
    /// What was expected, with its article.
    pub(crate) expected: &'static str,
}

/// Gives an enumeration its words: `ALL`, `as_str`, `Display`, `FromStr` (exact unless `$equal` says
/// otherwise) and serde as that text.
macro_rules! words {
    ($type:ident, $expected:literal, { $($words:tt)+ }) => {
        words!($type, $expected, |word, text| word == text, { $($words)+ });
    };
    ($type:ident, $expected:literal, $equal:expr, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::word::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let equal: fn(&str, &str) -> bool = $equal;
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| equal(value.as_str(), text))
                    .ok_or(crate::word::UnknownWord { expected: $expected })
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
