//! The table. Each rule stands for a statement in the notes or descriptions of Apple's schema.

use super::{Rule, Says, When};

/// Types without their `com.apple.`, each with the way to a place in its payload.
macro_rules! places {
    ($($type:literal $at:literal),+ $(,)?) => { &[$((concat!("com.apple.", $type), $at)),+] };
}

mod network;
mod reference;
mod settings;
mod sign_on;

type Places = &'static [(&'static str, &'static str)];

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    let tables = [reference::RULES, settings::RULES, sign_on::RULES, network::RULES];
    tables.into_iter().flatten()
}

const fn rule(places: Places, says: Says) -> Rule {
    Rule { places, says }
}

/// The string at this key is one of these.
const fn is(key: &'static str, values: &'static [&'static str]) -> When {
    When::Is(key, values)
}
