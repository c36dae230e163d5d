//! What a policy sets on Windows devices: nodes of CSPs with their values, a declaration of [`SETTINGS_TYPE`] for each
//! file; [`plan`] has the commands.

pub mod plan;

use std::fmt;

use ordain_catalog::Scope;
use ordain_catalog::windows::{DataFormat, LocUri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::declaration::Declaration;

/// The `Type` of declarations that are settings of a Windows device.
pub const SETTINGS_TYPE: &str = "ordain.windows.settings";

/// The payload of a declaration of [`SETTINGS_TYPE`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether a device is to take all of them or none: one `Atomic`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub atomic: bool,
    /// In the order in which they are set, each node once, all in one scope.
    pub settings: Vec<Setting>,
}

/// The value that a node is to have. Values that mean the same are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The node.
    pub path: LocUri,
    /// The format that its value is sent in.
    pub format: DataFormat,
    /// The value.
    pub value: Wanted,
}

/// The value of a setting as [`DataFormat::value`] has it. It may be a secret: `Debug` does not show it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wanted(Value);

impl Wanted {
    /// The value that `text` has in `format`; `None` when it has none.
    pub fn read(format: DataFormat, text: &str) -> Option<Self> {
        format.value(text).map(Self)
    }

    /// As JSON.
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    /// The text that says it in a command, before it is escaped.
    pub fn text(&self) -> String {
        match &self.0 {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Setting {
    /// Whether a device that answers a `Get` with `text` has the value that is wanted. It decides, whatever format the
    /// device calls it.
    pub fn is(&self, text: &str) -> bool {
        self.format.value(text).is_some_and(|value| value == self.value.0)
    }
}

impl Settings {
    /// What `declaration` sets; `None` when it is of another type.
    pub fn of(declaration: &Declaration) -> Option<Self> {
        (declaration.type_name == SETTINGS_TYPE)
            .then(|| Self::from_payload(&declaration.payload).ok())
            .flatten()
    }

    /// Reads a payload as [`Self::to_payload`] makes it.
    ///
    /// # Errors
    /// When it is something else; the message has nothing of its values.
    pub fn from_payload(payload: &Map<String, Value>) -> Result<Self, NotSettings> {
        Self::deserialize(payload).map_err(|_| NotSettings)
    }

    /// The payload.
    pub fn to_payload(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(payload)) => payload,
            // A structure of texts and values is an object.
            _ => Map::new(),
        }
    }

    /// The scope of all of them; `None` when there are none.
    pub fn scope(&self) -> Option<Scope> {
        self.settings.first().map(|setting| setting.path.scope)
    }
}

/// A payload that has no settings of a Windows device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not settings of a Windows device")]
pub struct NotSettings;

#[cfg(test)]
mod tests {
    use ordain_catalog::Kind;
    use serde_json::json;

    use super::*;

    fn setting(path: &str, format: DataFormat, text: &str) -> Setting {
        Setting {
            path: path.parse().unwrap(),
            format,
            value: Wanted::read(format, text).unwrap(),
        }
    }

    fn settings(camera: &str, path: &str) -> Settings {
        Settings {
            atomic: false,
            settings: vec![
                setting(path, DataFormat::Int, camera),
                setting("./DevDetail/Ext/Microsoft/DeviceName", DataFormat::Chr, "secret"),
            ],
        }
    }

    #[test]
    fn the_payload_is_one_for_all_that_mean_the_same() {
        let one = settings("0", "./Vendor/MSFT/Policy/Config/Camera/AllowCamera");
        let same = settings("-00", "./Device/Vendor/MSFT/Policy/Config/%43amera/AllowCamera");
        let payload = json!({"settings": [
            {"path": "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera", "format": "int", "value": 0},
            {"path": "./DevDetail/Ext/Microsoft/DeviceName", "format": "chr", "value": "secret"},
        ]});
        assert_eq!(Value::Object(one.to_payload()), payload);
        assert_eq!(same.to_payload(), one.to_payload());
        assert_eq!(Settings::from_payload(&one.to_payload()), Ok(one.clone()));
        let atomic = Settings { atomic: true, ..one };
        assert_eq!(atomic.to_payload()["atomic"], true);
        assert_eq!(Settings::from_payload(&atomic.to_payload()), Ok(atomic));
    }

    #[test]
    fn only_its_own_type_is_read() {
        let settings = settings("0", "./Vendor/MSFT/Policy/Config/Camera/AllowCamera");
        let declared = |type_name: &str| {
            Declaration::new(
                Kind::Configuration,
                type_name.into(),
                "a".into(),
                settings.to_payload(),
            )
        };
        assert_eq!(
            Settings::of(&declared(SETTINGS_TYPE).unwrap()),
            Some(settings.clone())
        );
        assert_eq!(
            Settings::of(&declared("com.apple.configuration.test").unwrap()),
            None
        );
        let other = json!({"settings": [{"path": "x", "format": "int", "value": 1}]});
        assert_eq!(
            Settings::from_payload(other.as_object().unwrap()),
            Err(NotSettings)
        );
    }

    #[test]
    fn what_was_read_back_is_compared_by_its_meaning() {
        let has = |format, wanted, text| setting("./A/B", format, wanted).is(text);
        assert!(has(DataFormat::Int, "1", "01"));
        assert!(has(DataFormat::Bool, "true", "true"));
        assert!(has(DataFormat::Float, "1.50", "1.5"));
        assert!(!has(DataFormat::Int, "1", "2"));
        assert!(!has(DataFormat::Int, "1", "one"));
        assert!(!has(DataFormat::Chr, "1", "01"));
        assert_eq!(setting("./A/B", DataFormat::Int, "007").value.text(), "7");
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!(
            "{:?}",
            settings("0", "./Vendor/MSFT/Policy/Config/Camera/AllowCamera")
        );
        assert!(
            shown.contains("DeviceName") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
