//! What a checker has to know of the world.

use crate::fact::Source;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Not known; nothing is said against it.
    Any,
    /// True or false; they compare as 1 and 0.
    Boolean,
    /// An integer or a fraction.
    Number,
    /// A string.
    Text,
    /// A string that spells a version or a build, so that its order as a string is not the one that people mean.
    Version,
    /// A list of values of one type.
    List(Box<Type>),
    /// A dictionary with these keys and no others.
    Dictionary(Vec<(String, Type)>),
}

/// A system that a predicate is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As people call it: `macOS`.
    pub platform: String,
    /// Numbers with dots: `26.5`. None when any.
    pub version: Option<String>,
    /// The build, where it is known: `25F71`.
    pub build: Option<String>,
}

/// What predicates may name, and for whom they are.
pub trait Schema {
    /// The type of a status item; none when there is no such item.
    fn status(&self, name: &str) -> Option<Type>;

    /// The type of a management property; none when nothing defines it.
    fn property(&self, key: &str) -> Option<Type>;

    /// All names of that source, for advice.
    fn names(&self, source: Source) -> Vec<&str>;

    /// Whether a property that is not in [`names`](Schema::names) does not exist. Where no properties can be known,
    /// an undefined one is only warned of.
    fn knows_all_properties(&self) -> bool;

    /// The systems that the predicate is meant for. None: nobody knows.
    fn targets(&self) -> &[Target];

    /// Why that system cannot report this status item, which exists. None when it can, and where that is not known.
    fn lack(&self, target: &Target, name: &str) -> Option<Lack>;
}

/// Why a system cannot report a status item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// No version of the platform can.
    Platform,
    /// Some can, and this one not, in a few words: `needs macOS 14.0`, `not on the user channel`.
    Here(String),
}

impl Type {
    /// What it is called, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Type::Any => "a value",
            Type::Boolean => "a Boolean",
            Type::Number => "a number",
            Type::Text => "a string",
            Type::Version => "a version string",
            Type::List(_) => "a list",
            Type::Dictionary(_) => "a dictionary",
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Type::List(_))
    }

    /// Whether a string can be of this type.
    pub(crate) fn takes_text(&self) -> bool {
        matches!(self, Type::Any | Type::Text | Type::Version)
    }

    /// Whether a number can be of this type.
    pub(crate) fn takes_number(&self) -> bool {
        matches!(self, Type::Any | Type::Number | Type::Boolean)
    }

    /// Whether a value of this type can equal one of the other.
    pub(crate) fn meets(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::List(left), Type::List(right)) => left.meets(right),
            (Type::Dictionary(_), Type::Dictionary(_)) => true,
            (left, right) => {
                left.takes_text() && right.takes_text() || left.takes_number() && right.takes_number()
            }
        }
    }

    /// The type of the elements of a list.
    pub(crate) fn element(&self) -> Type {
        match self {
            Type::List(element) => (**element).clone(),
            _ => Type::Any,
        }
    }
}
