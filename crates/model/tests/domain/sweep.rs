//! The sweep of a revision: everybody is looked at under the newest one, whatever is published meanwhile.

use std::collections::BTreeMap;

use ordain_model::sweep::{Sweep, Tally};
use proptest::prelude::*;

use crate::fixtures::NOW;

/// A stretch as the store reads it.
fn read(names: &[String], sweep: &Sweep, limit: usize) -> Vec<String> {
    let behind = names.iter().filter(|name| **name > sweep.cursor);
    let until = behind.filter(|name| sweep.end().is_none_or(|end| name.as_str() <= end));
    until.take(limit).cloned().collect()
}

fn stretch(names: &[String], sweep: Sweep, limit: usize, seen: &mut BTreeMap<String, u64>) -> Sweep {
    let found = read(names, &sweep, limit);
    for name in &found {
        seen.insert(name.clone(), sweep.revision);
    }
    let tally = Tally {
        up_to_date: found.len() as u64,
        ..Tally::default()
    };
    let is_leg_over = found.len() < limit;
    sweep.advance(found.last().cloned(), is_leg_over, tally, NOW)
}

#[test]
fn there_is_nothing_to_do_before_the_first_revision() {
    assert!(Sweep::default().is_over());
    let sweep = Sweep::default().aim(1, 0, NOW);
    assert!(!sweep.is_over());
    let over = sweep.advance(None, true, Tally::default(), NOW + 1);
    assert_eq!((over.is_over(), over.finished_at), (true, Some(NOW + 1)));
}

proptest! {
    #[test]
    fn everybody_is_looked_at_under_the_newest(
        count in 0usize..40,
        limit in 1usize..9,
        published in proptest::collection::vec(0usize..12, 1..6),
    ) {
        let names: Vec<_> = (0..count).map(|number| format!("d{number:02}")).collect();
        let mut seen = BTreeMap::new();
        let mut sweep = Sweep::default();
        for (number, stretches) in published.iter().enumerate() {
            sweep = sweep.aim(number as u64 + 1, count as u64, NOW);
            for _ in 0..*stretches {
                if !sweep.is_over() {
                    sweep = stretch(&names, sweep, limit, &mut seen);
                }
            }
        }
        let mut stretches = 0;
        while !sweep.is_over() {
            // A kill loses nothing that was kept.
            sweep = serde_json::from_str(&serde_json::to_string(&sweep).unwrap()).unwrap();
            sweep = stretch(&names, sweep, limit, &mut seen);
            stretches += 1;
            prop_assert!(stretches <= count + 3, "it goes round once");
        }
        let newest = published.len() as u64;
        prop_assert!(names.iter().all(|name| seen.get(name) == Some(&newest)), "{seen:?}");
        prop_assert_eq!(sweep.tally.looked_at(), count as u64, "each once");
    }
}
