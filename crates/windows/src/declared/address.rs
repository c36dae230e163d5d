//! Where documents and results are in a device's management tree.

use super::DocId;
use crate::syncml::loc_uri::{LocUri, Scope};

const BASE: [&str; 4] = ["Vendor", "MSFT", "DeclaredConfiguration", "Host"];

/// A node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whose: the document's context.
    pub scope: Scope,
    /// How the document is sent.
    pub request: Request,
    /// Which document.
    pub id: DocId,
    /// Which of its nodes.
    pub node: Node,
}

/// How a document is sent: the node below `Host` that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// `Complete`: all of what is wanted.
    Complete,
    /// `Inventory`: a question for what is there.
    Inventory,
    /// `BulkTemplate`: to be filled in with an [`super::InstanceBlob`]. \[U\]: the CSP's own pages do not have it.
    BulkTemplate,
}

/// The nodes of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// `Documents/{DocID}/Document`: the [`super::Document`].
    Document,
    /// `Documents/{DocID}/Properties/Abandoned`: 1 for one that is abandoned. (The published table of values has it
    /// the other way round; samples and text agree on this.)
    Abandoned,
    /// `Documents/{DocID}/BulkVariables/Value`: the [`super::InstanceBlob`] of a template.
    BulkVariables,
    /// `Results/{DocID}/Document`: the [`super::DocumentResult`].
    Result,
}

impl Request {
    const ALL: [Self; 3] = [Self::Complete, Self::Inventory, Self::BulkTemplate];

    /// Its name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::Inventory => "Inventory",
            Self::BulkTemplate => "BulkTemplate",
        }
    }
}

impl Node {
    const ALL: [Self; 4] = [Self::Document, Self::Abandoned, Self::BulkVariables, Self::Result];

    /// The names before and after the DocID.
    const fn path(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Document => ("Documents", &["Document"]),
            Self::Abandoned => ("Documents", &["Properties", "Abandoned"]),
            Self::BulkVariables => ("Documents", &["BulkVariables", "Value"]),
            Self::Result => ("Results", &["Document"]),
        }
    }
}

impl Address {
    /// What `uri` is the address of, if of a node of a document. Whether the DocID is one is for the caller to see.
    pub fn of(uri: &LocUri) -> Option<Self> {
        let names: Vec<&str> = uri.segments.iter().map(String::as_str).collect();
        let [request, list, id, rest @ ..] = names.strip_prefix(BASE.as_slice())? else {
            return None;
        };
        if uri.query.is_some() {
            return None;
        }
        let request = Request::ALL
            .into_iter()
            .find(|known| known.as_str() == *request)?;
        let node = Node::ALL.into_iter().find(|node| node.path() == (*list, rest))?;
        Some(Self {
            scope: uri.scope,
            request,
            id: DocId::new(id),
            node,
        })
    }

    /// The address.
    pub fn uri(&self) -> LocUri {
        let (list, rest) = self.node.path();
        let names = BASE
            .into_iter()
            .chain([self.request.as_str(), list, self.id.as_str()]);
        LocUri {
            scope: self.scope,
            segments: names.chain(rest.iter().copied()).map(str::to_owned).collect(),
            query: None,
        }
    }
}
