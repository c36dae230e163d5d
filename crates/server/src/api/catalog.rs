//! The catalog, as the admin API tells it.

use ordain_catalog::Counts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The catalog in force: what is published is checked by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogStatus {
    /// The SHA-256 of its facts.
    pub digest: String,
    /// Where it is from.
    pub source: String,
    /// When it was imported, in unix seconds; none when it came with the server.
    pub imported_at: Option<i64>,
    /// Whether its facts are those that came with the server.
    pub is_builtin: bool,
    /// The hash of the one that came with the server.
    pub builtin_digest: String,
    /// The revision that is wanted; 0 when nothing was published.
    pub revision: u64,
    /// The hash of the catalog that it was published under, and by which devices get it until the next one.
    pub revision_digest: Option<String>,
    /// How much it knows.
    pub counts: CatalogCounts,
}

/// How much a catalog knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CatalogCounts {
    /// Declaration types.
    pub declarations: usize,
    /// Credential documents.
    pub credentials: usize,
    /// Status items.
    pub status_items: usize,
    /// MDM commands.
    pub commands: usize,
    /// Check-in messages.
    pub check_ins: usize,
    /// Schemas of payloads in profiles.
    pub profiles: usize,
    /// The payload types that these are for.
    pub profile_types: usize,
}

impl From<Counts> for CatalogCounts {
    fn from(counts: Counts) -> Self {
        Self {
            declarations: counts.declarations,
            credentials: counts.credentials,
            status_items: counts.status_items,
            commands: counts.commands,
            check_ins: counts.check_ins,
            profiles: counts.profiles,
            profile_types: counts.profile_types,
        }
    }
}

impl From<CatalogCounts> for Counts {
    fn from(counts: CatalogCounts) -> Self {
        Self {
            declarations: counts.declarations,
            credentials: counts.credentials,
            status_items: counts.status_items,
            commands: counts.commands,
            check_ins: counts.check_ins,
            profiles: counts.profiles,
            profile_types: counts.profile_types,
        }
    }
}

/// What came of putting another catalog in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplacedCatalog {
    /// The one in force now.
    #[serde(flatten)]
    pub catalog: CatalogStatus,
    /// The published declarations of whose types it says something else than the one before.
    pub touched: Vec<PublishedDeclaration>,
}

/// A declaration that is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedDeclaration {
    /// `Identifier`.
    pub identifier: String,
    /// `Type`.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// Which catalog.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CatalogQuery {
    /// The SHA-256 of its facts; the one in force unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Where a catalog is from.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CatalogSource {
    /// In words for people, at most 200 octets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
