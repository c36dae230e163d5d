//! Reason codes in plain words: Apple's, and those that sessions with Windows devices end with.

use serde_json::Value;

use crate::report::Reason;
use crate::windows::session::{AFTER_REBOOT, NOT_READABLE, OTHER_VALUE, OUTCOME, REFUSED};

/// The item that stands for a reason of its own, and whose description says the same.
const PASSCODE: &str = "passcode.is-compliant";

/// What a code means: words that follow `the device says that …`. `None` for one that no document has.
fn words(code: &str) -> Option<&'static str> {
    Some(match code {
        "Error.ActivationFailed" => "an activation that it depends on failed",
        "Error.AssetCannotBeDeserialized" => "it cannot read the data of the asset",
        "Error.AssetCannotBeDownloaded" => "it cannot download the data of the asset",
        "Error.AssetCannotBeVerified" => {
            "the data of the asset is not what the declaration promises: its size, type or hash differs"
        }
        "Error.ConfigurationCannotBeApplied" => "it understands the configuration, but cannot apply it",
        "Error.ConfigurationCannotBeDeserialized" => "it cannot read the configuration",
        "Error.ConfigurationFailed" => "a configuration that it depends on failed",
        "Error.ConfigurationIsInvalid" => "the configuration has values that it does not accept",
        "Error.ConfigurationNotSupported" => {
            "it does not support this configuration on its platform, channel or kind of enrollment"
        }
        "Error.InvalidPayload" => "it cannot load the payload",
        "Error.MissingAssets" => "assets that it needs are missing",
        "Error.MissingConfigurations" => "configurations that it names are missing",
        "Error.MissingState" => "it lost what it knew of the declaration",
        "Error.PredicateFailed" => "evaluating the predicate went wrong",
        "Error.UnableToEvaluatePredicate" => "it cannot evaluate the predicate",
        "Error.UnableToParsePredicate" => "it cannot read the predicate",
        "Error.UnableToParsePredicateWithCustomOperator" => {
            "it cannot read the predicate, because of an @ term in it"
        }
        "Error.Unknown" => "something else went wrong",
        "Error.UnknownDeclarationType" => "it does not know this type of declaration",
        "Error.UnknownPayloadKeys" => "it does not know some keys of the payload",
        "Info.NotReferencedByActivation" => "no activation names the configuration, so it is not in force",
        "Info.NotReferencedByConfiguration" => "no configuration names the asset, so it is not used",
        "Info.Predicate" => "the predicate does not hold",
        "Info.UnsupportedSettings" => "some of the settings do not apply to it",
        // Of apps and packages.
        "Error.AppStoreDisabled" => "the App Store is disabled",
        "Error.DownloadFailed" => "it could not download the app",
        "Error.DuplicateConfiguredApp" => "two configurations are for the same app",
        "Error.InstallFailed" => "it could not install the app",
        "Error.InvalidAppID" => "there is no such app",
        "Error.InvalidCodeSignature" => "the app's signature is not valid",
        "Error.IsSystemApp" => "the app is part of the system",
        "Error.LicenseNotFound" => "there is no licence for the app",
        "Error.NotAnApp" => "what was downloaded is no app",
        "Error.NotSupported" => "the app does not run on it",
        "Error.UnmanagedAppAlreadyInstalled" => "the app is there already, and is not managed",
        "Error.UserRejected" => "its user rejected the app",
        "Error.UpdateFailed" => "it could not update the app",
        "Info.UpdateAvailable" => "there is an update of the app",
        // Of settings of Windows.
        code if code.starts_with(REFUSED) => "it refuses a command",
        OTHER_VALUE => "it has another value than the one that was set",
        OUTCOME => "what was set has come to nothing",
        NOT_READABLE => "a value cannot be read back, so that nothing confirms it",
        AFTER_REBOOT => "a setting is in force after a reboot",
        // What Ordain concludes from status items.
        PASSCODE => "its passcode does not comply",
        _ => return None,
    })
}

/// The details that say more, for people: the values of these keys.
const TELLING: [&str; 7] = [
    "AssetIdentifiers",
    "ConfigurationIdentifiers",
    "UnknownPayloadKeys",
    "Predicate",
    "Error",
    "Domain",
    "Code",
];

/// What the device says by `reason`: words, details, its own description, and the code. `identifier` is the declaration that
/// gives it.
pub(super) fn sentence(reason: &Reason, identifier: &str) -> String {
    let is_of_apple = reason.code.starts_with("Error.") || reason.code.starts_with("Info.");
    let mut text = match words(&reason.code) {
        Some(words) => format!("the device says that {words}"),
        None if !is_of_apple => "a status item of the device says that it failed".to_owned(),
        None => "the device gives a reason that Apple's documents do not have".to_owned(),
    };
    let detail = |key: &str| reason.details.as_ref().and_then(|details| details.get(key));
    let other = detail("Identifier")
        .and_then(Value::as_str)
        .filter(|other| *other != identifier);
    let mut said: Vec<String> = other.map(str::to_owned).into_iter().collect();
    said.extend(TELLING.iter().filter_map(|key| detail(key)).map(shown));
    if let Some(description) = &reason.description
        && !said.contains(description)
        && reason.code != PASSCODE
    {
        said.push(description.clone());
    }
    if !said.is_empty() {
        text += ": ";
        text += &said.join(", ");
    }
    text + &format!(" ({})", reason.code)
}

/// Texts as they are, lists of them with commas, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(shown).collect();
            elements.join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_are_told_in_words_with_what_they_add() {
        let told = |code: &str, description: Option<&str>, details: Value| {
            let reason = Reason {
                code: code.into(),
                description: description.map(str::to_owned),
                details: Some(details),
            };
            sentence(&reason, "own")
        };
        assert_eq!(
            told(
                "Error.MissingAssets",
                None,
                json!({"Identifier": "own", "ServerToken": "t", "AssetIdentifiers": ["a", "b"]})
            ),
            "the device says that assets that it needs are missing: a, b (Error.MissingAssets)"
        );
        assert_eq!(
            told(
                "Error.ConfigurationFailed",
                Some("It did"),
                json!({"Identifier": "other"})
            ),
            "the device says that a configuration that it depends on failed: other, It did (Error.ConfigurationFailed)"
        );
        assert_eq!(
            told(
                "Error.ConfigurationCannotBeApplied",
                Some("too short"),
                json!({"Error": "too short"})
            ),
            "the device says that it understands the configuration, but cannot apply it: too short \
             (Error.ConfigurationCannotBeApplied)"
        );
        assert_eq!(
            told("Error.SyncML404", Some("Replace ./A"), json!(null)),
            "the device says that it refuses a command: Replace ./A (Error.SyncML404)"
        );
        assert_eq!(
            told("Error.Later", None, json!(7)),
            "the device gives a reason that Apple's documents do not have (Error.Later)"
        );
    }
}
