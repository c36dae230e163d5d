//! Who evaluates a predicate, and which terms that one has.

use crate::code::Code;
use crate::fact::Source;
use crate::parser::parse;

/// Where a predicate is evaluated. Each dialect refuses the terms that only the other one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// In an activation, on the device itself: `@status(…)` and `@property(…)`.
    Device,
    /// For a group, on the server: `@status(…)`, `@tag(…)`, and `@device(…)` with one of [`DEVICE_TERMS`]. There is
    /// no `@property(…)`: a property is given to groups, so a group by property would depend on itself.
    Server,
}

/// The arguments of `@device(…)`. All are strings but `supervised`, a Boolean; `os.version` compares number by
/// number with strings such as `'17.4'`.
pub const DEVICE_TERMS: [&str; 6] = [
    "serial",
    "model",
    "platform",
    "os.version",
    "enrollment",
    "supervised",
];

/// The argument of `@device(…)` that compares as a version.
pub(crate) const OS_VERSION: &str = "os.version";

impl Dialect {
    /// The dialect that `text` is written in: that of groups if it has a term that devices lack, else that of devices.
    #[must_use]
    pub fn of(text: &str) -> Dialect {
        match parse(text, Dialect::Device) {
            Err(error) if error.code == Code::WrongDialect => Dialect::Server,
            _ => Dialect::Device,
        }
    }

    /// Why this dialect has no such term.
    pub(crate) fn refusal(self, source: Source, name: &str) -> Option<(Code, String)> {
        let (code, message) = match (self, source) {
            (Dialect::Device, Source::Device | Source::Tag) => (
                Code::WrongDialect,
                format!(
                    "@{} is for groups, which the server evaluates; a device knows only @status(…) and @property(…)",
                    source.word()
                ),
            ),
            (Dialect::Server, Source::Property) => (
                Code::WrongDialect,
                "@property is for activations: groups decide who gets a property, so none can depend on it; \
                 use @tag(…) or @status(…)"
                    .to_owned(),
            ),
            (Dialect::Server, Source::Device) if name.contains("seen") => (
                Code::UnknownItem,
                "when a device was last seen changes without any report, so no group can depend on it"
                    .to_owned(),
            ),
            (Dialect::Server, Source::Device) if !DEVICE_TERMS.contains(&name) => (
                Code::UnknownItem,
                format!("@device knows only {}", DEVICE_TERMS.join(", ")),
            ),
            _ => return None,
        };
        Some((code, message))
    }

    /// The terms of this dialect, for advice.
    pub(crate) fn terms(self) -> &'static str {
        match self {
            Dialect::Device => "@status(…) for a status item or @property(…) for a management property",
            Dialect::Server => "@status(…) for a status item, @device(…) or @tag(…)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_for_devices_unless_it_has_a_term_of_groups() {
        for (text, dialect) in [
            ("@status(device.model.family) == 'Mac'", Dialect::Device),
            ("@property(age) == 1", Dialect::Device),
            ("no predicate", Dialect::Device),
            ("1 == 1 AND @device(model) == 'Mac14,2'", Dialect::Server),
            ("@tag(lab) == TRUE AND no predicate", Dialect::Server),
        ] {
            assert_eq!(Dialect::of(text), dialect, "{text}");
        }
    }
}
