//! Rules that Apple states in prose only, beside its schema: which keys exclude or need each other, and what some texts
//! must be.

mod check;
mod rules;
mod text;
mod when;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use self::check::Check;
use self::when::When;
use super::finding::{Finding, Severity};
use super::reach::Recipients;
use crate::{Catalog, DeclarationType, EnrollmentType, Platform};

/// A rule, for some places in payloads. A place is a type and the way to it: keys with slashes between them, `[]` for
/// every element, `*` for the value of every key, `Name*` for the place itself and every element of its `Name`, of
/// theirs and so on.
struct Rule {
    places: &'static [(&'static str, &'static str)],
    says: Says,
}

/// The keys are those of a dictionary, and of dictionaries in it with slashes between them.
#[derive(Clone, Copy)]
enum Says {
    /// One of these keys is there, and no other.
    OneOf(&'static [&'static str]),
    /// Not two of these keys are there.
    AtMostOneOf(&'static [&'static str]),
    /// One of these keys is there, or several.
    SomeOf(&'static [&'static str]),
    /// All of these keys are there, or none.
    Together(&'static [&'static str]),
    /// Not all of these are false; they are true when they are not there.
    NotAllFalse(&'static [&'static str]),
    /// The key has to be there when this is so.
    Needs(When, &'static str),
    /// One of these keys has to be there when this is so.
    NeedsSomeOf(When, &'static [&'static str]),
    /// The key must be there on devices of these platforms that are enrolled like this.
    NeedsOn(&'static [Platform], &'static [EnrollmentType], &'static str),
    /// The key must not be there unless this is so.
    Only(When, &'static str),
    /// The key is of no use unless this is so.
    Useful(When, &'static str),
    /// This has to be so when that is.
    Implies(When, When),
    /// The value is a text, if it is a string at all.
    Text(Text),
    /// As many elements of an array, keys of a dictionary or characters of a string at most.
    AtMost(usize),
    /// Names of keys have at most as many characters.
    NamesAtMost(usize),
    /// An integer within these bounds.
    Between(i64, i64),
    /// No two elements are the same.
    Unique,
    /// The string should no longer be used.
    Outdated(&'static str),
}

/// What a string has to be the text of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    /// A URL with the scheme https.
    Https,
    /// A URL with the scheme https or http.
    Web,
    /// One without a query or a fragment: others that begin with it are meant as well.
    WebPrefix,
    /// A date and time without an offset.
    LocalTime,
    /// 64 hexadecimal digits; the schema does not say so, but nobody does it in another way.
    Sha256,
    /// The name of a status item.
    StatusItem,
    /// The version of an operating system.
    OsVersion,
    /// The build of an operating system.
    OsBuild,
    /// An email address.
    Email,
    /// A bundle identifier, or one and a team identifier in parentheses.
    Composed,
    /// A bundle identifier and a team identifier in parentheses.
    ComposedWithTeam,
    /// A service with configuration files of its own; those of Apple's are known.
    Service,
    /// A path that is relative to the home directory.
    InHome,
    /// The directory of the content cache, anywhere.
    CacheDirectory,
    /// A media type that the data of the asset may have.
    ContentType,
}

/// A rule that is broken.
#[derive(Debug)]
pub(super) struct Breach {
    pub(super) finding: Finding,
    /// What would mend it.
    pub(super) remedy: Remedy,
}

/// What would mend a broken rule. Pointers are from the payload; keys as in [`Says`].
#[derive(Debug)]
pub(super) enum Remedy {
    /// Add the key to the dictionary at the pointer.
    Add(String, &'static str),
    /// Remove the value at the pointer.
    Remove(String),
    /// Put this in place of the value at the pointer.
    Replace(String, Value),
    /// Nothing in the payload does for certain.
    None,
}

/// What rules are judged by, beside the payload.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) declaration: &'a DeclarationType,
    pub(super) recipients: &'a Recipients,
    /// How bad a name is that the catalog does not know.
    pub(super) unknown: Severity,
}

/// The rules that `payload` breaks, bounded in number as findings are.
pub(super) fn breaches(given: Given<'_>, payload: &Value) -> Vec<Breach> {
    let mut check = Check::new(given);
    for (at, says) in by_type()
        .get(given.declaration.name.as_str())
        .into_iter()
        .flatten()
    {
        check.rule(at, *says, payload);
    }
    check.breaches
}

type RulesByType = BTreeMap<&'static str, Vec<(&'static str, Says)>>;

fn by_type() -> &'static RulesByType {
    static BY_TYPE: LazyLock<RulesByType> = LazyLock::new(|| {
        let mut by_type = RulesByType::new();
        for rule in rules::all() {
            for &(type_name, at) in rule.places {
                by_type.entry(type_name).or_default().push((at, rule.says));
            }
        }
        by_type
    });
    &BY_TYPE
}

#[cfg(test)]
mod tests;
