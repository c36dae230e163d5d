//! Versions that are compared as the strings that they are: where that goes wrong, and what to write instead.

use std::fmt::Write;

use crate::check::Checker;
use crate::code::Code;
use crate::dialect::{Dialect, OS_VERSION};
use crate::fact::{Fact, Source};
use crate::formula::{Comparison, Operator};
use crate::print::write_string;
use crate::schema::Type;
use crate::span::Span;
use crate::term::{Term, TermKind};
use crate::version;

impl Checker<'_> {
    /// Warns where the order of strings is not that of versions, for versions that devices with declarations have.
    pub(crate) fn version_order(&mut self, comparison: &Comparison, left: &Type, right: &Type, span: Span) {
        if comparison.manner.versions {
            return;
        }
        let (one, other) = (&comparison.left.term, &comparison.right.term);
        let (version, operator, literal) = match (one.text(), other.text()) {
            (Some(first), Some(second)) => return self.literals(comparison.operator, first, second, span),
            (None, Some(literal)) => (one, comparison.operator, literal),
            (Some(literal), None) => (other, flipped(comparison.operator), literal),
            (None, None) => return,
        };
        let compared = if one.text().is_some() { right } else { left };
        let Some(message) = complaint(compared, operator, literal) else {
            return;
        };
        let plain = comparison.quantifier.is_none() && version::is_version(literal);
        let rewriting = plain
            .then(|| self.rewritten(version, operator, literal))
            .flatten();
        self.warning(Code::VersionOrder, span, message, rewriting);
    }

    /// The same for one bound of BETWEEN.
    pub(crate) fn version_bound(&mut self, compared: &Type, operator: Operator, bound: &Term) {
        if let Some(message) = bound
            .text()
            .and_then(|literal| complaint(compared, operator, literal))
        {
            self.warning(Code::VersionOrder, bound.span, message, None);
        }
    }

    fn literals(&mut self, operator: Operator, first: &str, second: &str, span: Span) {
        let is_dotted = |text: &str| text.contains('.') && version::is_version(text);
        if is_dotted(first) && is_dotted(second) && holds(operator, first, second).is_none() {
            self.warning(Code::VersionOrder, span, MISORDERED, None);
        }
    }

    fn rewritten(&self, compared: &Term, operator: Operator, literal: &str) -> Option<String> {
        if self.dialect == Dialect::Server && is_status(compared, VERSION_ITEM) {
            let fact = Fact {
                source: Source::Device,
                name: OS_VERSION.to_owned(),
            };
            return Some(format!("{fact} {operator} '{literal}'"));
        }
        let (least, same) = (at_least(literal), equal_to(literal));
        let matches = |pattern: &str| {
            let mut text = format!("{compared} MATCHES ");
            write_string(&mut text, pattern).ok().map(|()| text)
        };
        Some(match operator {
            Operator::GreaterOrEqual => matches(&least)?,
            Operator::Less => format!("NOT {}", matches(&least)?),
            Operator::Greater => format!("({} AND NOT {})", matches(&least)?, matches(&same)?),
            Operator::LessOrEqual => format!("(NOT {} OR {})", matches(&least)?, matches(&same)?),
            _ => return None,
        })
    }
}

/// The status item that `@device(os.version)` says better.
const VERSION_ITEM: &str = "device.operating-system.version";

fn is_status(term: &Term, name: &str) -> bool {
    matches!(&term.kind, TermKind::Fact(term) if term.fact.source == Source::Status && term.fact.name == name)
}

const MISORDERED: &str = "strings order character by character, and these versions come out wrong";

/// What is wrong with putting values of a type in order with a string.
fn complaint(compared: &Type, operator: Operator, literal: &str) -> Option<String> {
    let looks_so = literal.contains('.') && version::is_version(literal);
    let is_version = *compared == Type::Version || looks_so && matches!(compared, Type::Text | Type::Any);
    if !is_version {
        return None;
    }
    if !version::is_version(literal) {
        return Some(
            "builds and the like order character by character, so a longer one can come first".to_owned(),
        );
    }
    let wrong = likely_versions(literal)
        .into_iter()
        .find(|version| holds(operator, version, literal).is_none())?;
    Some(format!(
        "strings order character by character, so '{wrong}' {operator} '{literal}' is {}",
        text_holds(operator, &wrong, literal)
    ))
}

/// The outcome, if it is the same for strings and for versions.
fn holds(operator: Operator, left: &str, right: &str) -> Option<bool> {
    let as_text = text_holds(operator, left, right);
    let order = version::compare(left, right)?;
    let as_version = match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    };
    (as_text == as_version).then_some(as_text)
}

fn text_holds(operator: Operator, left: &str, right: &str) -> bool {
    match operator {
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        _ => left >= right,
    }
}

fn flipped(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        operator => operator,
    }
}

/// Versions around `literal`, and others, as devices have them: the first systems with declarations were iOS 15,
/// macOS 13, tvOS 16 and watchOS 10.
fn likely_versions(literal: &str) -> Vec<String> {
    let major = version::numbers(literal).next().unwrap_or_default();
    let mut majors = vec![
        10,
        major.saturating_sub(1),
        major,
        major.saturating_add(1),
        26,
        99,
    ];
    majors.retain(|major| (10..100).contains(major));
    majors.dedup();
    let mut versions = Vec::new();
    for major in majors {
        for minor in 0..=12 {
            versions.push(format!("{major}.{minor}"));
            versions.extend([1, 9, 10].map(|patch| format!("{major}.{minor}.{patch}")));
        }
    }
    versions
}

/// A pattern for the versions from `version` on.
fn at_least(version: &str) -> String {
    let mut numbers: Vec<u64> = version::numbers(version).collect();
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    let mut pattern = String::new();
    let mut prefix = String::new();
    for (index, number) in numbers.iter().enumerate() {
        let is_last = index + 1 == numbers.len();
        let least = if is_last {
            *number
        } else {
            number.saturating_add(1)
        };
        // Writing to a string does not fail.
        let _ = write!(pattern, "{prefix}({})(\\..*)?", number_at_least(least));
        if !is_last {
            pattern.push('|');
        }
        let _ = write!(prefix, "{number}\\.");
    }
    pattern
}

/// A pattern for `version` with or without zeros at its end.
fn equal_to(version: &str) -> String {
    let mut numbers: Vec<String> = version::numbers(version)
        .map(|number| number.to_string())
        .collect();
    while numbers.len() > 1 && numbers.last().is_some_and(|number| number == "0") {
        numbers.pop();
    }
    format!("{}(\\.0)*", numbers.join("\\."))
}

/// A pattern for the numbers from `least` on: those of its length that are greater from some digit on or the same, and
/// those that are longer.
fn number_at_least(least: u64) -> String {
    if least == 0 {
        return "[0-9]+".to_owned();
    }
    let text = least.to_string();
    let any = |count: usize| "[0-9]".repeat(count);
    let mut alternatives = Vec::new();
    for (index, digit) in text.char_indices().rev() {
        let (prefix, after) = (text.get(..index).unwrap_or_default(), text.len() - index - 1);
        let digit = digit.to_digit(10).unwrap_or_default();
        match if after == 0 { digit } else { digit + 1 } {
            9 => alternatives.push(format!("{prefix}9{}", any(after))),
            10 => {}
            from => alternatives.push(format!("{prefix}[{from}-9]{}", any(after))),
        }
    }
    alternatives.push(format!("[1-9]{}+", any(text.len())));
    alternatives.join("|")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formula::Options;
    use crate::pattern::Pattern;

    #[test]
    fn where_strings_order_versions_rightly() {
        for (operator, literal, right) in [
            (Operator::GreaterOrEqual, "18", true),
            (Operator::Less, "18", true),
            (Operator::GreaterOrEqual, "26.0", true),
            (Operator::GreaterOrEqual, "9", false),
            (Operator::GreaterOrEqual, "9.3", false),
            (Operator::Less, "10.0", true),
            (Operator::GreaterOrEqual, "17.4", false),
            (Operator::Less, "18.3", false),
            (Operator::Greater, "18", false),
        ] {
            let complaint = complaint(&Type::Version, operator, literal);
            assert_eq!(complaint.is_none(), right, "{operator} {literal}: {complaint:?}");
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_is_not_less(
            literal in "[0-9]{1,3}(\\.[0-9]{1,2}){0,2}",
            version in "(0|[1-9][0-9]{0,3})(\\.(0|[1-9][0-9]?)){0,3}",
        ) {
            let pattern = |text: String| Pattern::new(&text, Options::default()).unwrap();
            let order = version::compare(&version, &literal).unwrap();
            prop_assert_eq!(pattern(at_least(&literal)).matches(&version), Some(order.is_ge()));
            prop_assert_eq!(pattern(equal_to(&literal)).matches(&version), Some(order.is_eq()));
        }
    }
}
