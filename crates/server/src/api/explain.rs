//! Why a device has what it has.

use ordain_model::explain::Explanation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What to explain.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// One declaration, by its identifier; all of the device unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
}

/// Why a device has what it has, and what is missing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    /// The identifier of its device channel.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// What is told of its own channel and of its others, as far as they were asked about: a headline, and the chain
    /// of steps from the policy to the device, each with a stable code, its state (done, missing, failed, not-needed,
    /// unknown), a sentence, a time in unix seconds if it has one, and the stored facts that it rests on.
    #[schema(value_type = Vec<Object>)]
    pub channels: Vec<Explanation>,
}
