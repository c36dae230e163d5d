//! Stable names of what can be wrong with a predicate.

use std::fmt;

use serde::{Serialize, Serializer};

/// What is wrong. It displays, and serializes, as a word that stays the same: `unknown-item`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The text leaves the grammar.
    Syntax,
    /// More than 16 KiB, 64 levels, or 32 patterns.
    TooLarge,
    /// A value stands where a comparison must: `@status(passcode.is-present)` without `== true`.
    BareValue,
    /// An `@` word that nobody defined. On macOS 26.5 one of them made computers unmanageable.
    UnknownWord,
    /// A term that only the other [`Dialect`](crate::Dialect) has.
    WrongDialect,
    /// Part of NSPredicate's language that calls code, assigns, or waits for an argument.
    Forbidden,
    /// A pattern that could mean different things here and on a device.
    UnreadablePattern,
    /// A status item or `@device` term that does not exist.
    UnknownItem,
    /// A status item that a targeted system does not have.
    UnavailableItem,
    /// A key below a status item, which devices may not resolve.
    SubPath,
    /// A key that elements of this status item do not have.
    UnknownKey,
    /// A management property that nothing defines.
    UndefinedProperty,
    /// A property whose name has dots, which devices may read as nesting.
    DottedProperty,
    /// A variable that no SUBQUERY around it names.
    UnboundVariable,
    /// A name without a term around it, as iOS 15 had it, or `SELF`.
    BareKeyPath,
    /// Values whose types do not fit each other or the operator.
    TypeMismatch,
    /// A list compared as if it were one value.
    ListWithoutQuantifier,
    /// ANY, ALL or NONE of something that is no list.
    QuantifierWithoutList,
    /// Versions compared as strings, where that orders some of them wrongly.
    VersionOrder,
    /// A function that devices may not have.
    UnconfirmedFunction,
    /// A collection operator that devices may not have.
    UnconfirmedOperator,
    /// The option `l`, whose outcome depends on the device's language.
    LocaleOption,
    /// A comparison with nil, of which Apple does not say when it holds for an absent item.
    NilComparison,
    /// Nothing can make this false.
    AlwaysTrue,
    /// Nothing can make this true.
    AlwaysFalse,
    /// An item that changes when the activation it decides on takes effect.
    Flapping,
    /// Nested SUBQUERYs that could exceed the budget of an evaluation.
    TooCostly,
    /// What is known to harm systems that are targeted.
    KnownBad,
}

impl Code {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "syntax",
            Code::TooLarge => "too-large",
            Code::BareValue => "bare-value",
            Code::UnknownWord => "unknown-word",
            Code::WrongDialect => "wrong-dialect",
            Code::Forbidden => "forbidden",
            Code::UnreadablePattern => "unreadable-pattern",
            Code::UnknownItem => "unknown-item",
            Code::UnavailableItem => "unavailable-item",
            Code::SubPath => "sub-path",
            Code::UnknownKey => "unknown-key",
            Code::UndefinedProperty => "undefined-property",
            Code::DottedProperty => "dotted-property",
            Code::UnboundVariable => "unbound-variable",
            Code::BareKeyPath => "bare-key-path",
            Code::TypeMismatch => "type-mismatch",
            Code::ListWithoutQuantifier => "list-without-quantifier",
            Code::QuantifierWithoutList => "quantifier-without-list",
            Code::VersionOrder => "version-order",
            Code::UnconfirmedFunction => "unconfirmed-function",
            Code::UnconfirmedOperator => "unconfirmed-operator",
            Code::LocaleOption => "locale-option",
            Code::NilComparison => "nil-comparison",
            Code::AlwaysTrue => "always-true",
            Code::AlwaysFalse => "always-false",
            Code::Flapping => "flapping",
            Code::TooCostly => "too-costly",
            Code::KnownBad => "known-bad",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
