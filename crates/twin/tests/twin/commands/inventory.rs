//! What devices tell of themselves.

use std::collections::BTreeSet;

use ordain_apple::plist::Dictionary;
use ordain_catalog::Platform;
use serde_json::json;

use super::{Case, case, device, tell};

fn list<'a>(results: &'a Dictionary, key: &str) -> Vec<&'a Dictionary> {
    let elements = results[key].as_array().unwrap().iter();
    elements.map(|element| element.as_dictionary().unwrap()).collect()
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "DeviceInformation",
            Platform::MacOs,
            json!({"Queries": ["UDID", "HostName", "IMEI", "no such thing"]}),
        )
        .says(&["QueryResponses"])
        .leaves(|device, results| {
            let said = results["QueryResponses"].as_dictionary().unwrap();
            said.len() == 2 && said["UDID"] == device.udid.as_str().into()
        }),
        case("SecurityInfo", Platform::MacOs, json!({}))
            .after("EnableRemoteDesktop", json!({}))
            .says(&["SecurityInfo"])
            .leaves(|device, results| {
                let said = results["SecurityInfo"].as_dictionary().unwrap();
                said["FDE_Enabled"] == device.filevault.into() && said["RemoteDesktopEnabled"] == true.into()
            }),
        case("SecurityInfo", Platform::Ios, json!({}))
            .says(&["SecurityInfo"])
            .leaves(|device, results| {
                let said = results["SecurityInfo"].as_dictionary().unwrap();
                said["PasscodePresent"] == device.passcode.into() && !said.contains_key("FDE_Enabled")
            }),
        case(
            "InstalledApplicationList",
            Platform::MacOs,
            json!({"Identifiers": ["com.apple.Safari", "none"]}),
        )
        .says(&["InstalledApplicationList"])
        .leaves(|_, results| list(results, "InstalledApplicationList").len() == 1),
        case(
            "InstalledApplicationList",
            Platform::Ios,
            json!({"ManagedAppsOnly": true, "Items": ["Identifier", "Installing"]}),
        )
        .after("InstallApplication", json!({"Identifier": "org.example.app"}))
        .says(&["InstalledApplicationList"])
        .leaves(|_, results| {
            let apps = list(results, "InstalledApplicationList");
            apps.len() == 1 && apps[0].len() == 2 && apps[0]["Installing"] == true.into()
        }),
        case("ContentCachingInformation", Platform::MacOs, json!({}))
            .says(&["StatusResponse"])
            .leaves(|_, results| {
                results["StatusResponse"].as_dictionary().unwrap()["Active"] == false.into()
            }),
        case(
            "ActiveNSExtensions",
            Platform::MacOs,
            json!({"FilterExtensionPoints": ["com.apple.share-services"]}),
        )
        .on_user_channel()
        .says(&["Extensions"])
        .leaves(|_, results| {
            let extensions = list(results, "Extensions");
            extensions.len() == 1 && extensions[0]["UserElection"] == "Default".into()
        }),
        case("NSExtensionMappings", Platform::MacOs, json!({}))
            .on_user_channel()
            .says(&["Extensions"])
            .leaves(|_, results| {
                list(results, "Extensions")
                    .iter()
                    .all(|extension| extension.len() == 3)
            }),
    ]
}

const QUERIES: &[&str] = &[
    "UDID",
    "SerialNumber",
    "DeviceName",
    "OSVersion",
    "BuildVersion",
    "ModelName",
    "Model",
    "ModelNumber",
    "ProductName",
    "DeviceCapacity",
    "AvailableDeviceCapacity",
    "BatteryLevel",
    "IsSupervised",
    "WiFiMAC",
    "BluetoothMAC",
    "EthernetMAC",
    "AwaitingConfiguration",
    "MDMOptions",
    "IMEI",
    "ServiceSubscriptions",
    "IsMDMLostModeEnabled",
    "IsAppleSilicon",
    "LocalHostName",
    "OSUpdateSettings",
    "MaximumResidentUsers",
    "TimeZone",
    "PushToken",
    "DeviceID",
    "HasBattery",
    "EASDeviceIdentifier",
    "DevicePropertiesAttestation",
    "AccessibilitySettings",
    "SoftwareUpdateDeviceID",
];

#[test]
fn a_device_tells_what_it_is_and_always_the_same() {
    for &platform in Platform::ALL {
        let mut device = device(platform);
        let mut ask = || tell(&mut device, "DeviceInformation", json!({"Queries": QUERIES})).results;
        let said = ask();
        assert_eq!(said, ask(), "{platform}");
        let said = said["QueryResponses"].as_dictionary().unwrap();
        for (query, expected) in [
            ("SerialNumber", device.serial.as_str()),
            ("OSVersion", device.system.version),
            ("BuildVersion", device.system.build),
            ("ProductName", device.model.identifier),
            ("DeviceName", &device.name),
        ] {
            assert_eq!(said[query], expected.into(), "{platform}");
        }
        assert_eq!(said["IsSupervised"], device.supervised.into());
        let known: BTreeSet<&str> = said.keys().map(String::as_str).collect();
        assert_eq!(known.contains("IsAppleSilicon"), platform == Platform::MacOs);
        assert_eq!(known.contains("ServiceSubscriptions"), platform == Platform::Ios);
        assert_eq!(known.contains("DeviceCapacity"), platform != Platform::TvOs);
        assert!(
            !known.contains("DevicePropertiesAttestation"),
            "it has no identity"
        );
        assert!(!known.contains("MaximumResidentUsers"), "it is no Shared iPad");
        if let Some(free) = said.get("AvailableDeviceCapacity") {
            assert!(free.as_real() < said["DeviceCapacity"].as_real());
        }
    }
}
