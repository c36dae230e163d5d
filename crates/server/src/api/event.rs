//! Events, and the webhooks that they are sent to.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which events to tell of.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Those after this cursor, or after 0, all that are kept; the header `Last-Event-ID` counts before this. Otherwise
    /// those from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only those of these kinds: enrolled, checked-out, reported, converged, diverged, command-answered, drifted,
    /// drift-repaired; separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether to go on with those that happen from then on, which is so unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow: Option<bool>,
}

/// Something that happened to an enrollment: the data of an event in the stream, and what webhooks are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventRow {
    /// Where to go on after it. Nothing else is to be read out of it.
    pub cursor: String,
    /// enrolled, checked-out, reported, converged, diverged, command-answered, drifted, or drift-repaired.
    pub kind: String,
    /// The channel that it happened to.
    pub enrollment: String,
    /// When, in unix seconds.
    pub at: i64,
    /// What exactly; its fields go by the kind.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// A receiver of events to set up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are sent: https, or http to the server's own machine.
    pub url: String,
    /// The kinds of events to send; all unless said otherwise.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// What messages are signed with, 16 to 255 octets; made by the server unless given.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A receiver that was set up. The secret is shown this once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedWebhook {
    /// What is known of it.
    #[serde(flatten)]
    pub row: WebhookRow,
    /// What its messages are signed with.
    pub secret: String,
}

/// A receiver of events in the list of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookRow {
    /// Its name.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// The kinds of events that are sent; all when it is empty.
    pub kinds: Vec<String>,
    /// When it was set up, in unix seconds.
    pub created_at: i64,
    /// It has what it wants of everything up to here.
    pub cursor: String,
    /// delivering, retrying, or failing: for three days now, and tried every hour.
    pub state: String,
    /// When it last took events, in unix seconds.
    pub delivered_at: Option<i64>,
    /// How often it failed since then.
    pub attempts: u32,
    /// When the first of these failures was, in unix seconds.
    pub failing_since: Option<i64>,
    /// When it is tried again, in unix seconds.
    pub next_at: Option<i64>,
    /// What the last failure was.
    pub problem: Option<String>,
}
