//! What the admin API says and takes about commands.

use std::collections::BTreeMap;

use ordain_model::queue::{self, State};
use ordain_store::{CommandRecord, InventoryRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A command to order, for devices or for a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewCommand {
    /// Serial numbers, UDIDs, or enrollment identifiers, also of user channels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Instead of devices: all that are in this group when it is reached. What needs to be confirmed goes to those that
    /// are in it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `RequestType`; with a file, what it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_type: Option<String>,
    /// The keys beside it: values of the command's types, or texts that stand for them; data are base64.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub keys: Map<String, Value>,
    /// Instead of keys: a property list or JSON object with the whole command, in base64. It is not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// In how many seconds it is given no more; 7 days unless said otherwise, a year at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// Says that what it takes from devices is meant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
}

/// An order in the list of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommandRow {
    /// Its number; numbers grow.
    pub number: u64,
    /// Its name.
    pub id: String,
    /// `RequestType`.
    pub request_type: String,
    /// When it was ordered, in unix seconds.
    pub ordered_at: i64,
    /// By whom.
    pub ordered_by: String,
    /// From when on it is given no more, in unix seconds.
    pub expires_at: i64,
    /// The group that it is for.
    pub group: Option<String>,
    /// Whether members of the group are still being reached.
    pub reaching: bool,
    /// How many channels there are of each state: queued, sent, not-now, acknowledged, failed, expired, cancelled.
    /// One that was sent, and not answered, may have been carried out or not.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub states: BTreeMap<State, u64>,
    /// On how many channels it still waits for the device.
    pub open: u64,
}

/// An order, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Command {
    /// The same as in the list.
    #[serde(flatten)]
    pub row: CommandRow,
    /// What became of it on each channel, the newest first.
    pub deliveries: Vec<Delivery>,
}

/// A command in the queue of one channel, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// As long as it waits: the same as in the queue.
    #[serde(flatten)]
    pub queued: Queued,
    /// Whose queue.
    pub enrollment: String,
    /// The generation that it was ordered for.
    pub generation: u64,
    /// Whether the device is still to get it.
    pub open: bool,
    /// When it was ordered, in unix seconds.
    pub ordered_at: i64,
    /// When it was last sent, in unix seconds.
    pub sent_at: Option<i64>,
    /// When the device last answered, in unix seconds.
    pub answered_at: Option<i64>,
    /// Why it failed, was cancelled or is not open any more.
    pub reason: Option<String>,
    /// What the device answered: data are base64.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why what the device answered cannot be shown: it is sealed under a key that is lost, or is damaged.
    pub result_lost: Option<String>,
}

/// A command in a queue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Queued {
    /// Its place; numbers grow.
    pub number: u64,
    /// `CommandUUID`.
    pub uuid: String,
    /// The order that it belongs to.
    pub command: String,
    /// `RequestType`.
    pub request_type: String,
    /// What became of it.
    #[schema(value_type = String)]
    pub state: State,
    /// From when on it is given no more, in unix seconds.
    pub expires_at: i64,
}

/// What a device answers to one of the daily questions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Inventory {
    /// DeviceInformation, SecurityInfo, or InstalledApplicationList.
    pub survey: String,
    /// When it last answered, in unix seconds.
    pub found_at: Option<i64>,
    /// What it answered; data are base64.
    #[schema(value_type = Option<Object>)]
    pub facts: Option<Value>,
    /// When it has failed since then, in unix seconds.
    pub failed_at: Option<i64>,
    /// What it said of that.
    pub failure: Option<String>,
}

impl From<CommandRecord> for CommandRow {
    fn from(record: CommandRecord) -> Self {
        Self {
            number: record.number.unsigned_abs(),
            id: record.id,
            request_type: record.request_type,
            ordered_at: record.ordered_at,
            ordered_by: record.ordered_by,
            expires_at: record.expires_at,
            group: record.for_group,
            reaching: record.is_reaching,
            states: record.counts.states,
            open: record.counts.open,
        }
    }
}

impl From<queue::Delivery> for Queued {
    fn from(delivery: queue::Delivery) -> Self {
        Self {
            number: delivery.number.unsigned_abs(),
            uuid: delivery.uuid,
            command: delivery.command,
            request_type: delivery.request_type,
            state: delivery.state,
            expires_at: delivery.expires_at,
        }
    }
}

impl From<InventoryRecord> for Inventory {
    fn from(record: InventoryRecord) -> Self {
        let (found_at, facts) = record.found.unzip();
        let (failed_at, failure) = record.failed.unzip();
        Self {
            survey: record.survey.request_type().to_owned(),
            found_at,
            facts: facts.flatten(),
            failed_at,
            failure,
        }
    }
}
