//! What administrators order Windows devices to do, as it is kept.

use ordain_apple::plist::{Dictionary, Value};
use ordain_model::windows::action::Action;
use serde_json::{Map, Value as Json};

/// Reads an order and tells how it is kept, or what is wrong with it.
pub(crate) fn content(request_type: &str, keys: &Map<String, Json>) -> Result<Dictionary, String> {
    Action::read(request_type, keys)?;
    let texts = keys
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), Value::from(value.as_str()?))));
    Ok(texts.collect())
}

/// The action that was ordered.
pub(super) fn action(request_type: &str, payload: &Dictionary) -> Result<Action, String> {
    let keys = payload
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), Json::from(value.as_string()?))));
    Action::read(request_type, &keys.collect())
}
