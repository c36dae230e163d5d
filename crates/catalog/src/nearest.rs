//! Which known name was probably meant by one that is not known.

use std::collections::BTreeSet;

/// No name that is understood is longer, in octets.
const MAX_COMPARED: usize = 128;
const MAX_SUGGESTIONS: usize = 3;

/// The `known` names that differ from `name` in at most a third of its characters, whatever their case: nearest first,
/// at most three, and of those the ones that are not much farther than the nearest.
///
/// Each comparison is taken off `comparisons`, and when none is left the rest of the names is passed over: a text in
/// which everything is misspelt must not cost its square.
pub fn nearest<'k>(
    name: &str,
    known: impl IntoIterator<Item = &'k str>,
    comparisons: &mut usize,
) -> Vec<&'k str> {
    if name.len() > MAX_COMPARED {
        return Vec::new();
    }
    let most = (name.chars().count() / 3).max(1);
    let lower = name.to_lowercase();
    let near: BTreeSet<(usize, &str)> = known
        .into_iter()
        .take_while(|_| {
            let left = comparisons.checked_sub(1);
            *comparisons = left.unwrap_or_default();
            left.is_some()
        })
        .filter(|candidate| candidate.len() <= MAX_COMPARED)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    let farthest = near.first().map_or(0, |(distance, _)| distance * 2);
    near.into_iter()
        .take_while(|(distance, _)| *distance <= farthest)
        .take(MAX_SUGGESTIONS)
        .map(|(_, candidate)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["Identifier", "Payload", "Type", "platforms"];

    fn nearest_of_known(name: &str) -> Vec<&'static str> {
        nearest(name, KNOWN, &mut 1000)
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest_of_known("payload"), ["Payload"]);
        assert_eq!(nearest_of_known("Tpye"), ["Type"]);
        assert!(nearest_of_known("colour").is_empty());
        assert!(nearest_of_known("").is_empty());
        assert!(nearest_of_known(&"Type".repeat(1000)).is_empty());
    }

    #[test]
    fn comparing_ends_with_what_was_granted() {
        let mut comparisons = 2;
        assert_eq!(nearest("payload", KNOWN, &mut comparisons), ["Payload"]);
        assert_eq!(comparisons, 0);
        assert!(nearest("payload", KNOWN, &mut comparisons).is_empty());
    }
}
