//! What a device is offered, and when.

use ordain_model::decision::Write;
use ordain_model::enrollment::{Enrollment, Offer};
use ordain_model::sync::{Behind, declaration_items, tokens};
use proptest::prelude::*;

use crate::fixtures::*;

#[test]
fn tokens_writes_once_and_pins_nothing() {
    let wanted = wanted(3, "a");
    let decision = tokens(&enrolled(), &wanted, NOW).unwrap();
    let offer = Offer {
        revision: 3,
        token: wanted.manifest.token(),
        stamp: NOW,
    };
    assert_eq!(decision.reply, offer);
    assert!(matches!(&decision.writes[0], Write::Manifest(manifest, _) if manifest.token() == offer.token));
    let told = after(&enrolled(), &decision.writes);
    assert_eq!((told.offer, told.pinned), (Some(offer), None));
    let again = tokens(&told, &wanted, NOW + 500).unwrap();
    assert!(again.writes.is_empty());
    assert_eq!(again.reply, offer, "the same bytes, whenever it asks");
}

#[test]
fn the_same_token_of_a_newer_revision_is_the_same_offer() {
    let told = after(
        &enrolled(),
        &tokens(&enrolled(), &wanted(3, "a"), NOW).unwrap().writes,
    );
    for revision in [2, 4] {
        let again = tokens(&told, &wanted(revision, "a"), NOW + 9).unwrap();
        assert_eq!((again.reply, again.writes.len()), (told.offer.unwrap(), 0));
    }
}

#[test]
fn items_pin_before_they_are_answered_and_once() {
    let wanted = wanted(3, "a");
    let decision = declaration_items(&enrolled(), &wanted, NOW).unwrap();
    assert_eq!(decision.reply, wanted.manifest);
    assert!(matches!(&decision.writes[0], Write::Manifest(manifest, _) if *manifest == wanted.manifest));
    let pinned = after(&enrolled(), &decision.writes);
    assert_eq!(pinned.pinned, Some(wanted.manifest.token()));
    assert_eq!(pinned.offer.unwrap().token, wanted.manifest.token());
    assert!(
        declaration_items(&pinned, &wanted, NOW + 9)
            .unwrap()
            .writes
            .is_empty()
    );
    // What is published meanwhile moves the offer, and the pin only when the items are asked for again.
    let newer = crate::fixtures::wanted(4, "b");
    let told = after(&pinned, &tokens(&pinned, &newer, NOW + 9).unwrap().writes);
    assert_eq!(told.pinned, Some(wanted.manifest.token()));
    let repinned = after(&told, &declaration_items(&told, &newer, NOW + 9).unwrap().writes);
    assert_eq!(repinned.pinned, Some(newer.manifest.token()));
    assert_eq!(repinned.offer, told.offer);
}

#[test]
fn a_node_that_is_behind_says_so() {
    let told = after(
        &enrolled(),
        &tokens(&enrolled(), &wanted(5, "new"), NOW).unwrap().writes,
    );
    assert_eq!(tokens(&told, &wanted(4, "old"), NOW + 9).unwrap_err(), Behind);
    assert_eq!(
        declaration_items(&told, &wanted(4, "old"), NOW + 9).unwrap_err(),
        Behind
    );
    assert!(
        tokens(&told, &wanted(5, "other"), NOW + 9).is_ok(),
        "of one revision, facts decide"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is published, also what was before, and however the clock jumps: a token that moves has a newer stamp
    /// than any before it, and one that does not has the same.
    #[test]
    fn time_never_runs_backwards(
        steps in prop::collection::vec((0..3_usize, -100_000..100_000_i64, any::<bool>()), 1..30)
    ) {
        let mut enrollment: Enrollment = enrolled();
        let mut newest: Option<Offer> = None;
        for (revision, (content, jump, items)) in steps.into_iter().enumerate() {
            let (wanted, now) = (wanted(revision as u64, ["a", "b", "c"][content]), NOW + jump);
            let writes = if items {
                declaration_items(&enrollment, &wanted, now).unwrap().writes
            } else {
                tokens(&enrollment, &wanted, now).unwrap().writes
            };
            enrollment = after(&enrollment, &writes);
            let offer = enrollment.offer.unwrap();
            prop_assert_eq!(offer.token, wanted.manifest.token());
            prop_assert_eq!(enrollment.stamp, offer.stamp);
            match newest {
                Some(before) if before.token == offer.token => prop_assert_eq!(before, offer),
                Some(before) => prop_assert!(offer.stamp > before.stamp && offer.stamp >= now),
                None => prop_assert_eq!(offer.stamp, now),
            }
            newest = Some(offer);
        }
    }
}
