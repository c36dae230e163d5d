//! Groups, blueprints and advisories: files that say their names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::fields::Text;
use crate::problem::{Place, Problems, quoted};

/// Things of which each has a name of its own.
pub(crate) struct Named<T> {
    what: &'static str,
    items: BTreeMap<String, (Place, T)>,
}

impl<T> Named<T> {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            items: BTreeMap::new(),
        }
    }

    pub(crate) fn insert(&mut self, name: Text<'_>, item: T, problems: &mut Problems) {
        match self.items.entry(name.text.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert((name.place, item));
            }
            Entry::Occupied(entry) => {
                let first = problems.name(entry.get().0);
                let message = format!("there is already a {} {} ({first})", self.what, quoted(name.text));
                problems.error(name.place, message);
            }
        }
    }

    pub(crate) fn finish(self) -> BTreeMap<String, T> {
        self.items
            .into_iter()
            .map(|(name, (_, item))| (name, item))
            .collect()
    }
}
