//! `on-removal: clean`: what a document has set is taken away, node by node, in sessions of the device's own channel, once
//! the device lists the document no more and so owns nothing of it.
//!
//! \[U\]: whether settings outlive their document. A node that went with it answers 404, and is gone as well.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ordain_catalog::windows::LocUri;
use serde::{Deserialize, Serialize};

use super::documents::{Documents, Known};
use crate::windows::document::OnRemoval;

/// What is to be taken away of documents that have gone, by DocID: paths, and no values. It is part of what the device's own
/// channel has reported, since it outlasts sessions and policies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cleaning(BTreeMap<String, Gone>);

/// A document that has gone, and what it had set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The declaration.
    pub identifier: String,
    /// Since when it is gone, in unix seconds.
    pub at: i64,
    /// The nodes, with all below them, as far as they are not gone, too.
    pub nodes: BTreeMap<LocUri, Left>,
}

/// How it stands with a node that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
    /// It is to be taken away.
    Due,
    /// A document is to set it, by its identifier, which the device has not taken yet: until that is decided, it is left
    /// alone.
    Waits(String),
    /// It stays: why, in words.
    Stays(String),
}

impl Left {
    /// Why it is left there, in words; `None` where it is to be taken away.
    pub fn why(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Due => None,
            Self::Waits(identifier) => Some(Cow::Owned(format!(
                "the document {identifier} is to set it, which the device has not taken yet"
            ))),
            Self::Stays(why) => Some(Cow::Borrowed(why)),
        }
    }

    /// Whether nothing more is done about it.
    fn is_final(&self) -> bool {
        matches!(self, Self::Stays(_))
    }
}

/// Of how many documents this is kept.
const MOST: usize = 200;

/// Whether one of them is the other, or in it.
pub(super) fn meet(one: &LocUri, other: &LocUri) -> bool {
    one.is_in(other) || other.is_in(one)
}

impl Cleaning {
    /// The documents, by DocID.
    pub fn documents(&self) -> impl Iterator<Item = (&String, &Gone)> {
        self.0.iter()
    }

    /// The nodes that are to be taken away: for these a device is woken.
    pub fn due(&self) -> impl Iterator<Item = &LocUri> {
        let due = self.open().filter(|(_, left)| **left == Left::Due);
        due.map(|(node, _)| node)
    }

    /// The same, and those that wait: each session looks at them.
    pub fn open(&self) -> impl Iterator<Item = (&LocUri, &Left)> {
        let nodes = self.0.values().flat_map(|gone| &gone.nodes);
        nodes.filter(|(_, left)| !left.is_final())
    }

    /// What follows from what a linked session has learned, where it is another thing than before: documents that went
    /// leave their nodes to be taken away, but for those that another document has.
    pub fn follow(&mut self, before: &Documents, after: &Documents, now: i64) {
        let went = before.known.iter();
        let went = went.filter(|(id, known)| {
            known.on_removal == OnRemoval::Clean
                && !after.known.contains_key(*id)
                && known.resources().count() > 0
        });
        for (id, known) in went {
            if self.0.len() >= MOST && !self.0.contains_key(id) {
                self.forget_one();
            }
            let gone = self.0.entry(id.clone()).or_insert_with(|| Gone {
                identifier: known.identifier.clone(),
                at: now,
                nodes: BTreeMap::new(),
            });
            gone.at = now;
            gone.nodes
                .extend(known.resources().map(|node| (node.clone(), Left::Due)));
        }
        for (id, known) in &after.known {
            self.is_of(id, known);
        }
        self.0.retain(|_, gone| !gone.nodes.is_empty());
    }

    /// What a document has now is its own.
    fn is_of(&mut self, id: &str, known: &Known) {
        for (gone_id, gone) in &mut self.0 {
            let is_its = |node: &LocUri| known.sets.iter().any(|own| meet(own, node));
            if gone_id == id {
                gone.nodes.retain(|node, _| !is_its(node));
            }
            for (node, left) in &mut gone.nodes {
                if !left.is_final() && is_its(node) {
                    *left = Left::Stays(format!("the document {} has it now", known.identifier));
                }
            }
        }
    }

    /// What is over is forgotten first, else what is oldest.
    fn forget_one(&mut self) {
        let oldest = self.0.iter().min_by_key(|(_, gone)| {
            let is_over = gone.nodes.values().all(Left::is_final);
            (!is_over, gone.at)
        });
        if let Some(id) = oldest.map(|(id, _)| id.clone()) {
            self.0.remove(&id);
        }
    }

    /// How it stands now with nodes that were to be taken away; none of those that are gone.
    pub(super) fn cleaned(&mut self, outcomes: &[(LocUri, Option<Left>)]) {
        for gone in self.0.values_mut() {
            for (node, outcome) in outcomes {
                match (gone.nodes.get_mut(node), outcome) {
                    (Some(Left::Stays(_)) | None, _) => {}
                    (Some(_), None) => drop(gone.nodes.remove(node)),
                    (Some(left), Some(outcome)) => left.clone_from(outcome),
                }
            }
        }
        self.0.retain(|_, gone| !gone.nodes.is_empty());
    }
}

impl Documents {
    /// Whether the documents that may be there, and what they have set, are the same as `before`.
    pub fn sets_the_same(&self, before: &Self) -> bool {
        let sets = self.known.iter().map(|(id, known)| (id, &known.sets));
        sets.eq(before.known.iter().map(|(id, known)| (id, &known.sets)))
    }
}
