//! Scenarios of declared configuration.

use std::collections::BTreeSet;

use crate::Scope;

/// What the documents of one `osdefinedscenario` may hold. What is empty or `None` is not stated, and excludes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scenario {
    /// Its name, as it is published. Devices compare it without case.
    pub name: String,
    /// Whether only a draft names it.
    pub draft: bool,
    /// What documents hold.
    pub body: Option<Body>,
    /// The CSPs that they may name.
    pub csps: Stated<String>,
    /// How they may be sent.
    pub requests: BTreeSet<Request>,
    /// Their contexts.
    pub scopes: Stated<Scope>,
}

/// What a document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// Nodes of CSPs.
    Csp,
    /// Resources of DSC providers.
    Dsc,
}

words!(Body, "what a document holds (csp, dsc)", {
    Csp => "csp",
    Dsc => "dsc",
});

/// How a document is sent: the node below `Host` that it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// A template, and data to fill it in with.
    BulkTemplate,
    /// All of what is wanted.
    Complete,
    /// A question for what is there.
    Inventory,
}

words!(Request, "a request (BulkTemplate, Complete, Inventory)", {
    BulkTemplate => "BulkTemplate",
    Complete => "Complete",
    Inventory => "Inventory",
});

/// What is stated for certain, and what was only seen or inferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated<T> {
    /// For certain.
    pub certain: BTreeSet<T>,
    /// Besides, perhaps.
    pub unverified: BTreeSet<T>,
}

impl<T> Default for Stated<T> {
    fn default() -> Self {
        Self {
            certain: BTreeSet::new(),
            unverified: BTreeSet::new(),
        }
    }
}

/// What is stated of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It may be, or nothing is stated of any.
    Allowed,
    /// It may be, perhaps.
    Unverified,
    /// It may not.
    Excluded,
}

impl<T: Ord> Stated<T> {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.certain.is_empty() && self.unverified.is_empty()
    }

    /// What is stated of this one.
    pub fn of<Q: Ord + ?Sized>(&self, one: &Q) -> Said
    where
        T: std::borrow::Borrow<Q>,
    {
        if self.is_empty() || self.certain.contains(one) {
            Said::Allowed
        } else if self.unverified.contains(one) {
            Said::Unverified
        } else {
            Said::Excluded
        }
    }

    /// All that may be, perhaps.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.certain.union(&self.unverified)
    }
}
