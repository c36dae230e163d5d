//! Documents of declared configuration, on the linked channel of a Windows device.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ordain_model::windows::cleaning::Gone;
use ordain_model::windows::documents as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A document that was sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Document {
    /// The declaration.
    pub identifier: String,
    /// Its DocID.
    pub id: String,
    /// Complete, Inventory or BulkTemplate.
    pub request: String,
    /// The ServerToken of the version that was last sent.
    pub server_token: String,
    /// Whether the device has taken that one, which says nothing of what came of it.
    pub taken: bool,
    /// What the device last said of it, the latest last. None: nothing yet.
    pub history: Vec<DocumentSeen>,
    /// What became of its parts, by the result that was read last; those that are not as they should be come first.
    pub outcomes: Vec<DocumentPart>,
    /// Its parts that the result does not name. That leaves a template open, and is not held against another document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<String>,
    /// When the device made that result, in unix seconds, if it said so.
    pub result_at: Option<i64>,
}

/// What a device said of a document.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentSeen {
    /// How far it has got, in words.
    pub state: String,
    /// `checksum`: which version it is.
    pub checksum: Option<String>,
    /// `result_checksum`.
    pub result_checksum: Option<String>,
    /// When it first said so, in unix seconds.
    pub at: i64,
}

/// What became of a part of a document.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentPart {
    /// The CSP, the node, or the class.
    pub path: String,
    /// good, bad, or open: neither is said.
    #[schema(value_type = String)]
    pub verdict: model::Verdict,
    /// In words.
    pub said: String,
}

/// What came to differ from what a document set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// The declaration; of a document that nobody sent, its DocID.
    pub document: String,
    /// unrepaired, repaired, missing, replaced or foreign.
    #[schema(value_type = String)]
    pub kind: model::DriftKind,
    /// When it was first seen, in unix seconds.
    pub since: i64,
    /// When it was seen to be as it should be again, in unix seconds.
    pub repaired: Option<i64>,
    /// Which settings, as far as the device says.
    pub settings: Vec<String>,
}

/// What may stay on a device of a document that is no longer for it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Stays {
    /// The declaration.
    pub identifier: String,
    /// Why.
    pub why: String,
    /// Since when, in unix seconds.
    pub at: i64,
}

/// What a document has set that is gone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Cleaning {
    /// The declaration.
    pub identifier: String,
    /// The nodes, with all below them: why one stays; null as long as it is to be taken away.
    pub nodes: BTreeMap<String, Option<String>>,
    /// Since when the document is gone, in unix seconds.
    pub at: i64,
}

impl From<&Gone> for Cleaning {
    fn from(gone: &Gone) -> Self {
        let nodes = gone.nodes.iter();
        Self {
            identifier: gone.identifier.clone(),
            nodes: nodes
                .map(|(node, left)| (node.to_string(), left.why().map(Cow::into_owned)))
                .collect(),
            at: gone.at,
        }
    }
}

impl From<(&String, &model::Known)> for Document {
    fn from((id, known): (&String, &model::Known)) -> Self {
        let result = known.result.as_ref();
        Self {
            identifier: known.identifier.clone(),
            id: id.clone(),
            request: known.request.to_string(),
            server_token: known.token.to_string(),
            taken: known.is_taken,
            history: known.history.iter().chain(&known.seen).map(Into::into).collect(),
            outcomes: result
                .iter()
                .flat_map(|result| &result.outcomes)
                .map(|outcome| DocumentPart {
                    path: outcome.path.clone(),
                    verdict: outcome.verdict,
                    said: outcome.words(),
                })
                .collect(),
            unnamed: result.map(|result| result.unnamed.clone()).unwrap_or_default(),
            result_at: result.and_then(|result| result.timestamp),
        }
    }
}

impl From<&model::Seen> for DocumentSeen {
    fn from(seen: &model::Seen) -> Self {
        Self {
            state: seen.words(),
            checksum: seen.checksum.clone(),
            result_checksum: seen.result_checksum.clone(),
            at: seen.at,
        }
    }
}

impl From<&model::Drift> for Drift {
    fn from(drift: &model::Drift) -> Self {
        Self {
            document: drift.document.clone(),
            kind: drift.kind,
            since: drift.since,
            repaired: drift.repaired,
            settings: drift.settings.clone(),
        }
    }
}

impl From<(&String, &model::Stays)> for Stays {
    fn from((identifier, stays): (&String, &model::Stays)) -> Self {
        Self {
            identifier: identifier.clone(),
            why: stays.why.clone(),
            at: stays.at,
        }
    }
}
