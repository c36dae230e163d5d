//! Tags: what administrators attach to devices, so that groups can ask for it.

use std::collections::BTreeSet;

use crate::decision::Decision;
use crate::enrollment::Enrollment;
use crate::membership::{self, Basis};
use crate::sync::Behind;
use crate::world::World;

/// The longest name, in octets.
pub const MAX_LENGTH: usize = 64;
/// Tags of one device at most.
pub const MOST: usize = 100;

/// Why a device does not get a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTagged {
    /// It is not one that `@tag(…)` could name.
    #[error(
        "a tag has 1 to {MAX_LENGTH} letters, digits, hyphens, underscores and dots; each of its parts between dots begins \
         with a letter or an underscore and does not end with a hyphen"
    )]
    Name,
    /// It would be one too many.
    #[error("a device has at most {MOST} tags")]
    TooMany,
    /// This node is to reload.
    #[error(transparent)]
    Behind(#[from] Behind),
}

/// Whether a tag can have this name: one that stands in a predicate as it is.
pub fn check(name: &str) -> Result<(), NotTagged> {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && !part.ends_with('-')
    };
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    match name.len() <= MAX_LENGTH && name.bytes().all(is_plain) && name.split('.').all(is_part) {
        true => Ok(()),
        false => Err(NotTagged::Name),
    }
}

/// Tags a device with `added` and no more with `removed`; its tags from then on.
///
/// # Errors
/// When there cannot be such a tag, or there would be too many; and as [`membership::decide`].
pub fn tag(
    world: &World,
    known: Basis<'_>,
    added: &BTreeSet<String>,
    removed: &BTreeSet<String>,
    now: i64,
) -> Result<Decision<BTreeSet<String>>, NotTagged> {
    let Basis { device, items } = known;
    let tags = changed(&device.tags, added, removed)?;
    if tags == device.tags {
        return Ok(Decision::reply(tags));
    }
    let device = &Enrollment {
        tags: tags.clone(),
        ..device.clone()
    };
    Ok(Decision {
        writes: membership::redecided(world, Basis { device, items }, now)?,
        reply: tags,
    })
}

/// `tags` with those of `added` and without those of `removed`. A name that is removed may be any.
fn changed(
    tags: &BTreeSet<String>,
    added: &BTreeSet<String>,
    removed: &BTreeSet<String>,
) -> Result<BTreeSet<String>, NotTagged> {
    added.iter().try_for_each(|name| check(name))?;
    let kept = tags.difference(removed).chain(added).cloned();
    let changed: BTreeSet<String> = kept.collect();
    match changed.len() <= MOST || changed.len() < tags.len() {
        true => Ok(changed),
        false => Err(NotTagged::TooMany),
    }
}

#[cfg(test)]
mod tests {
    use ordain_predicate::{Dialect, parse};
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn tags_come_and_go_and_are_bounded() {
        let tags = names(&["a", "b"]);
        let after = changed(&tags, &names(&["c", "d.e-f_1"]), &names(&["a", "???"]));
        assert_eq!(after, Ok(names(&["b", "c", "d.e-f_1"])));
        assert_eq!(
            changed(&tags, &names(&["c d"]), &names(&[])),
            Err(NotTagged::Name)
        );

        let many: BTreeSet<String> = (0..MOST).map(|number| format!("t{number}")).collect();
        assert_eq!(changed(&many, &names(&["t0"]), &names(&[])).as_ref(), Ok(&many));
        assert_eq!(
            changed(&many, &names(&["one-more"]), &names(&[])),
            Err(NotTagged::TooMany)
        );
        assert!(changed(&many, &names(&["one-more"]), &names(&["t0"])).is_ok());
    }

    proptest! {
        #[test]
        fn a_tag_is_what_a_predicate_can_name(name in "[-a-zA-Z0-9_. é]{0,66}") {
            let parsed = parse(&format!("@tag({name}) == TRUE"), Dialect::Server);
            // Blanks around a name are no part of it.
            let is_name = parsed.is_ok() && name.trim() == name && name.len() <= MAX_LENGTH;
            prop_assert_eq!(check(&name).is_ok(), is_name);
        }
    }
}
