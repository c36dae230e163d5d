//! DeviceInformation: only what is asked for, and what the device has.

use ordain_apple::plist::{Dictionary, Error, Value};
use ordain_catalog::{Platform, Scope};

use super::call::{Answer, Call, Done, date, dictionaries, dictionary, failed, strings};

/// The longest nonce that an attestation takes, in octets.
const MAX_NONCE: usize = 32;
/// What is free of a gigabyte, on average.
const FREE: f64 = 0.6;

pub(super) fn answer(call: Call<'_>) -> Answer {
    let queries = call.required_texts("Queries")?;
    let nonce = call.optional::<&[u8]>("DeviceAttestationNonce")?;
    if nonce.is_some_and(|nonce| nonce.len() > MAX_NONCE) {
        return Err(Error::NotAllowed("DeviceAttestationNonce").into());
    }
    if queries.contains(&"DevicePropertiesAttestation") && nonce.is_some() && call.device.identity.is_none() {
        return Err(failed("the device has nothing to attest with"));
    }
    let mut responses = Dictionary::new();
    for query in queries {
        if let Some(value) = response(&call, query) {
            responses.insert(query.to_owned(), value);
        }
    }
    Ok(Done::said("QueryResponses", responses))
}

/// The value of a query; `None` when this device has no such value.
fn response(call: &Call<'_>, query: &str) -> Option<Value> {
    let device = &*call.device;
    general(call, query).or_else(|| match device.platform {
        Platform::MacOs => mac(call, query),
        Platform::Ios | Platform::IpadOs => mobile(call, query),
        Platform::TvOs => (query == "DeviceID").then(|| mac_address(call, "tv").into()),
        Platform::VisionOs | Platform::WatchOs => personal(call, query),
    })
}

/// What most platforms have.
fn general(call: &Call<'_>, query: &str) -> Option<Value> {
    let device = &*call.device;
    let (state, platform) = (device.state(), device.platform);
    let is_tv = platform == Platform::TvOs;
    Some(match query {
        "UDID" => device.udid.as_str().into(),
        "SerialNumber" => device.serial.as_str().into(),
        "DeviceName" => device.name.as_str().into(),
        "OSVersion" => device.system.version.into(),
        "BuildVersion" | "SupplementalBuildVersion" => device.system.build.into(),
        "SupplementalOSVersionExtra" => "".into(),
        "ModelName" => device.model.family.into(),
        "Model" if platform != Platform::VisionOs => device.model.number.into(),
        "ModelNumber" => device.model.number.into(),
        "ProductName" => device.model.identifier.into(),
        "DeviceCapacity" if !is_tv => capacity(call).into(),
        "AvailableDeviceCapacity" if !is_tv => (capacity(call) * FREE).into(),
        "BatteryLevel" if !is_tv && has_battery(call) => battery(call).into(),
        "IsSupervised" => device.supervised.into(),
        "WiFiMAC" => mac_address(call, "wifi").into(),
        "BluetoothMAC" if platform != Platform::WatchOs => mac_address(call, "bluetooth").into(),
        "AwaitingConfiguration" => device.awaiting_configuration.into(),
        "OrganizationInfo" => state.settings.get("OrganizationInfo")?.clone(),
        "MDMOptions" => match state.settings.get("MDMOptions") {
            Some(options) => options.clone(),
            None => Dictionary::new().into(),
        },
        "iTunesStoreAccountIsActive" if platform != Platform::VisionOs => false.into(),
        "TimeZone" => match state.settings.get("TimeZone") {
            Some(zone) => zone.clone(),
            None if platform != Platform::MacOs || call.is_since(26, 0) => "Europe/Berlin".into(),
            None => return None,
        },
        "PushToken" if !is_tv => {
            let [device_push, user_push] = &device.push;
            let push = if call.scope == Scope::User {
                user_push
            } else {
                device_push
            };
            Value::Data(push.token.clone())
        }
        "SoftwareUpdateDeviceID" if !is_tv && platform != Platform::WatchOs && !call.is_since(27, 0) => {
            device.model.identifier.into()
        }
        // A simulated device has no key that Apple would vouch for; what it shows is the identity that it has.
        "DevicePropertiesAttestation" => {
            Value::Array(vec![Value::Data(device.identity.as_ref()?.der().to_vec())])
        }
        _ => return None,
    })
}

fn mac(call: &Call<'_>, query: &str) -> Option<Value> {
    let device = &*call.device;
    let state = device.state();
    let bonjour = || device.name.replace(' ', "-");
    Some(match query {
        "ProvisioningUDID" => device.udid.as_str().into(),
        "IsAppleSilicon"
        | "SystemIntegrityProtectionEnabled"
        | "SupportsiOSAppInstalls"
        | "IsActivationLockSupported" => true.into(),
        "HasBattery" => has_battery(call).into(),
        "IsActivationLockEnabled" | "SupportsLOMDevice" | "PINRequiredForEraseDevice" => false.into(),
        "PINRequiredForDeviceLock" => true.into(),
        "EthernetMAC" => mac_address(call, "ethernet").into(),
        "LocalHostName" => bonjour().into(),
        "HostName" => match state.settings.get("HostName") {
            Some(name) => name.clone(),
            None => format!("{}.local", bonjour()).into(),
        },
        "ActiveManagedUsers" => strings(device.user.as_deref()),
        "AutoSetupAdminAccounts" => dictionaries(state.administrators.iter().map(|(guid, administrator)| {
            dictionary([
                ("GUID", guid.as_str().into()),
                ("shortName", administrator.short_name.as_str().into()),
            ])
        })),
        "OSUpdateSettings" if !call.is_since(27, 0) => dictionary([
            ("IsDefaultCatalog", true.into()),
            ("PreviousScanDate", date(call.now.saturating_sub(60 * 60))),
            ("PerformPeriodicCheck", true.into()),
            ("AutoCheckEnabled", true.into()),
            ("BackgroundDownloadEnabled", true.into()),
            ("AutomaticAppInstallationEnabled", true.into()),
            ("AutomaticOSInstallationEnabled", false.into()),
            ("AutomaticSecurityUpdatesEnabled", true.into()),
        ])
        .into(),
        "EACSPreflight" => "success".into(),
        _ => return None,
    })
}

/// iPhone and iPad.
fn mobile(call: &Call<'_>, query: &str) -> Option<Value> {
    let device = &*call.device;
    let state = device.state();
    let has_cellular = device.platform == Platform::Ios;
    let until_26 = has_cellular && !call.is_since(26, 0);
    let switch = |item: &str, unset: bool| state.settings.get(item).cloned().unwrap_or(unset.into());
    let shared = |key: &str, unset: Value| {
        state
            .setting("SharedDeviceConfiguration", key)
            .cloned()
            .unwrap_or(unset)
    };
    let value = match query {
        "IsMultiUser" => device.shared.into(),
        "IsMDMLostModeEnabled" => state.lost.is_some().into(),
        "IsActivationLockEnabled" => false.into(),
        "DiagnosticSubmissionEnabled" => switch("DiagnosticSubmission", true),
        "AppAnalyticsEnabled" => switch("AppAnalytics", true),
        "IsNetworkTethered" => false.into(),
        "AccessibilitySettings" => match state.settings.get("AccessibilitySettings") {
            Some(settings) => settings.clone(),
            None => Dictionary::new().into(),
        },
        "SoftwareUpdateSettings" if !call.is_since(27, 0) => {
            let cadence = state.settings.get("SoftwareUpdateSettings").cloned();
            dictionary([("RecommendationsCadence", cadence.unwrap_or(0.into()))]).into()
        }
        "MaximumResidentUsers" | "EstimatedResidentUsers" if device.shared => state
            .settings
            .get("MaximumResidentUsers")
            .cloned()
            .unwrap_or(8.into()),
        "QuotaSize"
        | "ResidentUsers"
        | "UserSessionTimeout"
        | "TemporarySessionTimeout"
        | "OnlineAuthenticationGracePeriod"
            if device.shared =>
        {
            shared(query, 0.into())
        }
        "TemporarySessionOnly" | "SkipLanguageAndLocaleSetupForNewUsers" if device.shared => {
            shared(query, false.into())
        }
        "ManagedAppleIDDefaultDomains" if device.shared => shared(query, strings([])),
        "DataRoamingEnabled" if has_cellular => switch("DataRoaming", false),
        "VoiceRoamingEnabled" if until_26 => switch("VoiceRoaming", false),
        "PersonalHotspotEnabled" if has_cellular => switch("PersonalHotspot", false),
        "ModemFirmwareVersion" if has_cellular => "2.40.01".into(),
        "CellularTechnology" if has_cellular => 1.into(),
        "ServiceSubscriptions" if has_cellular => dictionaries([dictionary([
            ("CarrierSettingsVersion", "61.0".into()),
            ("CurrentCarrierNetwork", "Carrier".into()),
            ("ICCID", digits(call, "iccid", 20).into()),
            ("IMEI", digits(call, "imei", 15).into()),
            ("IsDataPreferred", true.into()),
            ("IsRoaming", false.into()),
            ("IsVoicePreferred", true.into()),
            ("Label", "Primary".into()),
            ("Slot", "CTSubscriptionSlotOne".into()),
        ])]),
        "IMEI" if until_26 => digits(call, "imei", 15).into(),
        "ICCID" if until_26 => digits(call, "iccid", 20).into(),
        "CurrentCarrierNetwork" | "SubscriberCarrierNetwork" if until_26 => "Carrier".into(),
        "CarrierSettingsVersion" if until_26 => "61.0".into(),
        "IsRoaming" if until_26 => false.into(),
        "SubscriberMCC" | "CurrentMCC" if until_26 => "001".into(),
        "SubscriberMNC" | "CurrentMNC" if until_26 => "01".into(),
        _ => return personal(call, query),
    };
    Some(value)
}

/// What devices have that are carried or worn.
fn personal(call: &Call<'_>, query: &str) -> Option<Value> {
    let is_watch = call.device.platform == Platform::WatchOs;
    Some(match query {
        "IsDeviceLocatorServiceEnabled" | "IsDoNotDisturbInEffect" => false.into(),
        "IsCloudBackupEnabled" if !is_watch => false.into(),
        "EASDeviceIdentifier" if !is_watch => {
            let identifier: String = hex(call, "eas").chars().take(26).collect();
            identifier.to_uppercase().into()
        }
        "DiagnosticSubmissionEnabled" | "AppAnalyticsEnabled" => true.into(),
        _ => return None,
    })
}

fn has_battery(call: &Call<'_>) -> bool {
    // A Mac on a desk has none.
    !call.is_mac() || call.device.model.marketing_name.starts_with("MacBook")
}

fn byte(call: &Call<'_>, purpose: &str) -> u8 {
    let [byte, ..] = call.device.trait_bytes(purpose);
    byte
}

/// Gigabytes: 64 and its doubles.
fn capacity(call: &Call<'_>) -> f64 {
    f64::from(64u32 << (byte(call, "capacity") % 4))
}

fn battery(call: &Call<'_>) -> f64 {
    0.2 + f64::from(byte(call, "battery") % 80) / 100.0
}

fn hex(call: &Call<'_>, purpose: &str) -> String {
    let bytes = call.device.trait_bytes(purpose);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac_address(call: &Call<'_>, purpose: &str) -> String {
    let [a, b, c, d, e, ..] = call.device.trait_bytes(purpose);
    // Of those that anybody may give out.
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}

fn digits(call: &Call<'_>, purpose: &str, count: usize) -> String {
    let bytes = call.device.trait_bytes(purpose);
    bytes
        .iter()
        .take(count)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}
