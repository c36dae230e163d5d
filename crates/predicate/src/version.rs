//! Versions of operating systems: numbers joined by dots.

use std::cmp::Ordering;

/// Whether `text` is `17`, `17.4` and so on: at most 100 bytes, at least one number, none of more than 18 digits.
pub(crate) fn is_version(text: &str) -> bool {
    text.len() <= 100
        && text.split('.').all(|number| {
            (1..=18).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
        })
}

/// The order by numbers, in which what a version lacks at its end is zero. None when one is no version.
pub(crate) fn compare(left: &str, right: &str) -> Option<Ordering> {
    if !is_version(left) || !is_version(right) {
        return None;
    }
    let (mut left, mut right) = (numbers(left), numbers(right));
    loop {
        let (one, other) = (left.next(), right.next());
        if one.is_none() && other.is_none() {
            return Some(Ordering::Equal);
        }
        let order = one.unwrap_or(0).cmp(&other.unwrap_or(0));
        if order.is_ne() {
            return Some(order);
        }
    }
}

/// The numbers of what is a version.
pub(crate) fn numbers(version: &str) -> impl Iterator<Item = u64> {
    version
        .split('.')
        .map(|number| number.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_number_by_number() {
        for (left, right, order) in [
            ("9.3", "10.0", Some(Ordering::Less)),
            ("17.10", "17.9", Some(Ordering::Greater)),
            ("18", "18.0.0", Some(Ordering::Equal)),
            ("18.0.1", "18", Some(Ordering::Greater)),
            ("017", "17", Some(Ordering::Equal)),
            ("17", "17.", None),
            ("", "17", None),
            ("17.4 beta", "17.4", None),
            ("9999999999999999999", "1", None),
        ] {
            assert_eq!(compare(left, right), order, "{left} {right}");
        }
    }
}
