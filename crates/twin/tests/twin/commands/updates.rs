//! Updates of the operating system.

use ordain_apple::plist::Dictionary;
use ordain_catalog::Platform;
use serde_json::json;

use super::{Case, case, release};

fn first<'a>(results: &'a Dictionary, list: &str) -> &'a Dictionary {
    results[list].as_array().unwrap()[0].as_dictionary().unwrap()
}

fn on(name: &'static str, platform: Platform, keys: serde_json::Value) -> Case {
    case(name, platform, keys).with(|device| device.system = release("17.7"))
}

pub(super) fn cases() -> Vec<Case> {
    let asap = || json!({"Updates": [{"ProductVersion": "26.1", "InstallAction": "InstallASAP", "Priority": "High"}]});
    vec![
        on("AvailableOSUpdates", Platform::Ios, json!({}))
            .says(&["AvailableOSUpdates"])
            .leaves(|_, results| first(results, "AvailableOSUpdates")["Version"] == "26.1".into()),
        case("AvailableOSUpdates", Platform::TvOs, json!({}))
            .with(|device| device.system = release("18.0"))
            .says(&["AvailableOSUpdates"])
            .leaves(|_, results| first(results, "AvailableOSUpdates").contains_key("ProductName")),
        on("ScheduleOSUpdateScan", Platform::MacOs, json!({"Force": true}))
            .says(&["ScanInitiated"])
            .does("scanned for updates at once"),
        on("ScheduleOSUpdate", Platform::Ios, asap())
            .says(&["UpdateResults"])
            .does("1 updates scheduled")
            .leaves(|device, results| {
                let (key, update) = device.state().updates.first_key_value().unwrap();
                let result = first(results, "UpdateResults");
                update.action == "InstallASAP"
                    && result["ProductKey"] == key.as_str().into()
                    && result["Status"] == "Installing".into()
            }),
        on(
            "ScheduleOSUpdate",
            Platform::MacOs,
            json!({"Updates": [{"ProductKey": "none", "InstallAction": "Default"}]}),
        )
        .says(&["UpdateResults"])
        .leaves(|device, results| {
            let result = first(results, "UpdateResults");
            device.state().updates.is_empty()
                && result["InstallAction"] == "Error".into()
                && result.contains_key("ErrorChain")
        }),
        on("OSUpdateStatus", Platform::Ios, json!({}))
            .after("ScheduleOSUpdate", asap())
            .says(&["OSUpdateStatus"])
            .leaves(|_, results| first(results, "OSUpdateStatus")["IsDownloaded"] == true.into()),
    ]
}
