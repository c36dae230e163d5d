//! The documents that a device holds, and what is remembered of each.

use std::collections::BTreeMap;

use ordain_model::ids::Digest;
use ordain_windows::declared::{
    Address, Body, CspResult, DeclaredConfigurations, DocId, Document, DscResult, InstanceBlob, Listed, Node,
    Request, State,
};
use ordain_windows::syncml::loc_uri::{LocUri, Scope};

use super::mi::{Resource, Values};
use crate::windows::tree::Value;

/// Which document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::windows) struct Key {
    pub(super) request: Request,
    pub(super) scope: Scope,
    pub(super) id: DocId,
}

impl Key {
    pub(super) fn of(address: &Address) -> Self {
        Self {
            request: address.request,
            scope: address.scope,
            id: address.id.clone(),
        }
    }

    /// The address of a node of the document.
    pub(super) fn uri(&self, node: Node) -> LocUri {
        Address {
            scope: self.scope,
            request: self.request,
            id: self.id.clone(),
            node,
        }
        .uri()
    }

    /// `Documents/{DocID}`.
    pub(super) fn root(&self) -> LocUri {
        let mut uri = self.uri(Node::Document);
        uri.segments.pop();
        uri
    }
}

/// What came of the parts of a document.
pub(super) type Outcome = Body<CspResult, DscResult>;

/// A document that the device holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::windows) struct Held {
    pub(super) document: Document,
    pub(super) state: State,
    /// When its state changes by itself.
    pub(super) due: Option<i64>,
    /// What a template is filled in with, until that is done.
    pub(super) instances: Option<InstanceBlob>,
    pub(super) abandoned: bool,
    /// Whether what was slow has had its time.
    pub(super) has_waited: bool,
    /// What was done, while something of it is not over yet.
    pub(super) waiting: Option<Outcome>,
    /// Whether this is a refresh, and not the first time.
    pub(super) repairing: bool,
    /// How often it was repaired.
    pub(super) repairs: u32,
    /// What was told last, and in which final state, since when.
    pub(super) outcome: Option<Outcome>,
    pub(super) ended: Option<State>,
    pub(super) timestamp: Option<i64>,
    pub(super) result_checksum: Option<String>,
    /// The nodes that it set, with the digests of their values; actions that it began have none.
    pub(super) written: BTreeMap<LocUri, Option<Digest>>,
    /// What was there before any document set it.
    pub(super) originals: BTreeMap<LocUri, Option<Value>>,
    /// The same, of DSC resources.
    pub(super) resources: BTreeMap<Resource, Option<Values>>,
}

impl Held {
    pub(super) fn new(document: Document, state: State) -> Self {
        Self {
            document,
            state,
            due: None,
            instances: None,
            abandoned: false,
            has_waited: false,
            waiting: None,
            repairing: false,
            repairs: 0,
            outcome: None,
            ended: None,
            timestamp: None,
            result_checksum: None,
            written: BTreeMap::new(),
            originals: BTreeMap::new(),
            resources: BTreeMap::new(),
        }
    }
}

/// All documents that a device holds. They outlive reboots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::windows) struct Store {
    pub(super) documents: BTreeMap<Key, Held>,
    /// Whose a resource is.
    pub(super) owners: BTreeMap<LocUri, Key>,
    /// F5.2: when the refresh task runs; there is one only while there are documents.
    pub(super) refresh: Option<i64>,
}

impl Store {
    /// When something happens by itself.
    pub(in crate::windows) fn due(&self) -> Option<i64> {
        let documents = self.documents.values().filter_map(|held| held.due);
        documents.chain(self.refresh).min()
    }

    /// The document whose state changes next, if that is by `now`.
    pub(super) fn next(&self, now: i64) -> Option<(Key, i64)> {
        let due = self
            .documents
            .iter()
            .filter_map(|(key, held)| Some((held.due?, key)));
        let (at, key) = due.min().filter(|(at, _)| *at <= now)?;
        Some((key.clone(), at))
    }

    /// F4.10: what each message of the linked enrollment lists.
    pub(in crate::windows) fn list(&self) -> DeclaredConfigurations {
        let listed = |(key, held): (&Key, &Held)| Listed {
            scope: Some(key.scope),
            id: key.id.clone(),
            checksum: Some(held.document.checksum.clone()),
            result_checksum: held.result_checksum.clone(),
            state: Some(held.state),
            abandoned: held.abandoned.then_some(true),
        };
        DeclaredConfigurations {
            documents: self.documents.iter().map(listed).collect(),
        }
    }

    /// The complete documents, as the nodes that each of them has.
    pub(in crate::windows) fn abandonable(&self) -> impl Iterator<Item = LocUri> {
        let complete = self
            .documents
            .keys()
            .filter(|key| key.request == Request::Complete);
        complete.map(|key| key.uri(Node::Abandoned))
    }
}
