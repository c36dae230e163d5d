//! What is for iPhone and iPad, and locking and erasing them.

use ordain_apple::command::Status;
use ordain_apple::plist::{Dictionary, Value};
use ordain_catalog::{Platform, Scope};
use ordain_twin::commands::Afterwards;
use serde_json::json;

use super::{Case, case, device, order, refusal, release, tell};

fn clear_passcode() -> Case {
    let keys = |device: &ordain_twin::Device| {
        let token = Value::Data(device.unlock_token().unwrap());
        Dictionary::from_iter([("UnlockToken".to_owned(), token)])
    };
    let mut case = case("ClearPasscode", Platform::Ios, json!({})).with(|device| {
        device.passcode = true;
        device.locked = true;
    });
    case.keys = keys(&case.device);
    case.does("passcode cleared")
        .leaves(|device, _| !device.passcode && !device.locked)
}

pub(super) fn cases() -> Vec<Case> {
    let phone = |name, keys| case(name, Platform::Ios, keys);
    let lost = || json!({"Message": "Lost", "PhoneNumber": "1", "Footnote": "Thanks"});
    vec![
        clear_passcode(),
        phone("RequestUnlockToken", json!({}))
            .says(&["UnlockToken"])
            .leaves(|device, results| results["UnlockToken"].as_data() == device.unlock_token().as_deref()),
        phone("DeviceLock", json!({"Message": "Lost"}))
            .with(|device| device.passcode = true)
            .says(&["MessageResult"])
            .does("locked")
            .leaves(|device, results| device.locked && results["MessageResult"] == "Success".into()),
        phone(
            "EraseDevice",
            json!({"PreserveDataPlan": true, "DisallowProximitySetup": true, "ReturnToService": {"Enabled": true, "WiFiProfileData": "data:w"}}),
        )
        .does("erased, to return to service")
        .then(Afterwards::Erase),
        phone("RestartDevice", json!({})).does("restarted").leaves(|device, _| device.state().restarts == 1),
        phone("ShutDownDevice", json!({})).does("shut down").leaves(|device, _| device.state().shutdowns == 1),
        phone("EnableLostMode", lost())
            .does("lost mode on")
            .leaves(|device, _| device.state().lost.as_ref().unwrap().footnote.as_deref() == Some("Thanks")),
        phone("DisableLostMode", json!({}))
            .after("EnableLostMode", lost())
            .does("lost mode off")
            .leaves(|device, _| device.state().lost.is_none()),
        phone("PlayLostModeSound", json!({}))
            .after("EnableLostMode", lost())
            .does("a sound played")
            .leaves(|device, _| device.state().lost.as_ref().unwrap().sounds == 1),
        phone("DeviceLocation", json!({}))
            .after("EnableLostMode", lost())
            .says(&[
                "Latitude", "Longitude", "HorizontalAccuracy", "VerticalAccuracy", "Altitude", "Speed", "Course", "Timestamp",
            ])
            .leaves(|_, results| results["Timestamp"] == "2027-01-15T08:00:00Z".into()),
        phone("ActivationLockBypassCode", json!({}))
            .says(&["ActivationLockBypassCode"])
            .leaves(|_, results| results["ActivationLockBypassCode"].as_string().unwrap().len() == 31),
        phone("ClearActivationLockBypassCode", json!({}))
            .does("bypass code cleared")
            .leaves(|device, _| device.state().bypass_code_cleared),
        phone("RefreshCellularPlans", json!({"eSIMServerURL": "https://example.org/esim"}))
            .does("cellular plans asked for at https://example.org/esim"),
        phone("RequestMirroring", json!({"DestinationName": "Hall", "ScanTime": 30, "Password": "p"}))
            .says(&["MirroringResult"])
            .does("mirroring to Hall")
            .leaves(|device, _| device.state().mirroring.as_deref() == Some("Hall")),
        phone("StopMirroring", json!({}))
            .after("RequestMirroring", json!({"DestinationDeviceID": "11:22"}))
            .does("mirroring stopped")
            .leaves(|device, _| device.state().mirroring.is_none()),
        phone("TriggerEnhancedLogCollection", json!({"AppleCareToken": "T"}))
            .with(|device| device.system = release("27.0"))
            .does("log collection begun"),
        phone("CancelEnhancedLogCollection", json!({}))
            .with(|device| device.system = release("27.0"))
            .after("TriggerEnhancedLogCollection", json!({"AppleCareToken": "T"}))
            .does("log collection cancelled")
            .leaves(|device, _| device.state().log_collection.is_none()),
        phone("Settings", json!({"Settings": settings()}))
            .after("InstallApplication", json!({"Identifier": "a"}))
            .says(&["Settings"])
            .does(
                "Wallpaper, DataRoaming, VoiceRoaming, PersonalHotspot, ApplicationConfiguration, ApplicationAttributes, \
                 OrganizationInfo, DefaultApplications, DiagnosticSubmission, AppAnalytics, PasscodeLockGracePeriod, \
                 TimeZone, SoftwareUpdateSettings, AccessibilitySettings set",
            )
            .leaves(|device, results| {
                let items = results["Settings"].as_array().unwrap().iter();
                let app = &device.state().apps["a"];
                items.map(|item| &item.as_dictionary().unwrap()["Status"]).all(|status| *status == "Acknowledged".into())
                    && app.configuration.is_some()
                    && app.attributes.is_some()
                    && device.state().settings["TimeZone"] == "Asia/Tokyo".into()
            }),
        case(
            "Settings",
            Platform::IpadOs,
            json!({"Settings": [
                {"Item": "MaximumResidentUsers", "MaximumResidentUsers": 4},
                {"Item": "SharedDeviceConfiguration", "QuotaSize": 1024},
            ]}),
        )
        .with(|device| device.shared = true)
        .says(&["Settings"])
        .does("MaximumResidentUsers, SharedDeviceConfiguration set")
        .leaves(|device, _| device.state().settings["MaximumResidentUsers"] == 4.into()),
    ]
}

fn settings() -> serde_json::Value {
    json!([
        {"Item": "Wallpaper", "Image": "data:i", "Where": 3},
        {"Item": "DataRoaming", "Enabled": true},
        {"Item": "VoiceRoaming", "Enabled": true},
        {"Item": "PersonalHotspot", "Enabled": true},
        {"Item": "ApplicationConfiguration", "Identifier": "a", "Configuration": {"k": 1}},
        {"Item": "ApplicationAttributes", "Identifier": "a", "Attributes": {"Removable": false}},
        {"Item": "OrganizationInfo", "OrganizationInfo": {"OrganizationName": "Acme"}},
        {"Item": "DefaultApplications", "WebBrowser": "org.example.browser"},
        {"Item": "DiagnosticSubmission", "Enabled": false},
        {"Item": "AppAnalytics", "Enabled": false},
        {"Item": "PasscodeLockGracePeriod", "PasscodeLockGracePeriod": 300},
        {"Item": "TimeZone", "TimeZone": "Asia/Tokyo"},
        {"Item": "SoftwareUpdateSettings", "RecommendationCadence": 1},
        {"Item": "AccessibilitySettings", "BoldTextEnabled": true, "TextSize": 5},
    ])
}

#[test]
fn settings_show_in_what_the_device_tells() {
    let mut phone = device(Platform::Ios);
    tell(&mut phone, "InstallApplication", json!({"Identifier": "a"}));
    tell(&mut phone, "Settings", json!({"Settings": settings()}));
    let queries = [
        "TimeZone",
        "DataRoamingEnabled",
        "AppAnalyticsEnabled",
        "OrganizationInfo",
    ];
    let said = tell(&mut phone, "DeviceInformation", json!({"Queries": queries})).results;
    let said = said["QueryResponses"].as_dictionary().unwrap();
    assert_eq!(said["TimeZone"], "Asia/Tokyo".into());
    assert_eq!(
        (&said["DataRoamingEnabled"], &said["AppAnalyticsEnabled"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        said["OrganizationInfo"].as_dictionary().unwrap()["OrganizationName"],
        "Acme".into()
    );
}

#[test]
fn what_does_not_fit_the_state_is_refused() {
    let mut phone = device(Platform::Ios);
    phone.passcode = true;
    for (name, keys) in [
        ("DeviceLocation", json!({})),
        ("PlayLostModeSound", json!({})),
        ("DisableLostMode", json!({})),
        ("StopMirroring", json!({})),
        ("ClearPasscode", json!({"UnlockToken": "data:another"})),
        (
            "ApplyRedemptionCode",
            json!({"Identifier": "none", "RedemptionCode": "c"}),
        ),
    ] {
        let outcome = tell(&mut phone, name, keys);
        assert_eq!(refusal(&outcome).0, Status::Error, "{name}");
    }
    assert!(phone.passcode);
    tell(&mut phone, "ClearActivationLockBypassCode", json!({}));
    let code = tell(&mut phone, "ActivationLockBypassCode", json!({}));
    assert_eq!(code.status, Status::Error);
    let nobody = order(&mut phone, Scope::System, "EnableLostMode", Dictionary::new());
    assert_eq!(refusal(&nobody).0, Status::CommandFormatError);
}
