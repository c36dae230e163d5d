//! What the daily DeviceInformation asks for. A device answers what it may; what it leaves out is normal.

use ordain_catalog::Platform;

use crate::device::DeviceFacts;

/// For every device; in user enrollment that is all that it would answer.
const ANY: [&str; 8] = [
    "DeviceName",
    "OSVersion",
    "SupplementalOSVersionExtra",
    "BuildVersion",
    "SupplementalBuildVersion",
    "ModelName",
    "Model",
    "ProductName",
];
/// For every device that is enrolled as a whole.
const DEVICE: [&str; 12] = [
    "UDID",
    "SerialNumber",
    "ModelNumber",
    "DeviceCapacity",
    "AvailableDeviceCapacity",
    "IsSupervised",
    "AwaitingConfiguration",
    "MDMOptions",
    "TimeZone",
    "WiFiMAC",
    "BluetoothMAC",
    "IsNetworkTethered",
];
/// For what fits into a pocket.
const MOBILE: [&str; 20] = [
    "BatteryLevel",
    "CellularTechnology",
    "ModemFirmwareVersion",
    "IMEI",
    "MEID",
    "ServiceSubscriptions",
    "EASDeviceIdentifier",
    "IsDeviceLocatorServiceEnabled",
    "IsActivationLockEnabled",
    "IsDoNotDisturbInEffect",
    "IsCloudBackupEnabled",
    "LastCloudBackupDate",
    "IsMDMLostModeEnabled",
    "IsMultiUser",
    "iTunesStoreAccountIsActive",
    "DiagnosticSubmissionEnabled",
    "AppAnalyticsEnabled",
    "DataRoamingEnabled",
    "PersonalHotspotEnabled",
    "AccessibilitySettings",
];
const MAC: [&str; 15] = [
    "HostName",
    "LocalHostName",
    "EthernetMAC",
    "BatteryLevel",
    "HasBattery",
    "IsAppleSilicon",
    "SupportsiOSAppInstalls",
    "SupportsLOMDevice",
    "IsActivationLockEnabled",
    "IsActivationLockSupported",
    "SystemIntegrityProtectionEnabled",
    "PINRequiredForEraseDevice",
    "PINRequiredForDeviceLock",
    "ActiveManagedUsers",
    "AutoSetupAdminAccounts",
];
const TV: [&str; 2] = ["DeviceID", "EthernetMAC"];

/// `Queries` of DeviceInformation for such a device. Of one whose platform is not known only what all have is asked.
pub fn queries(device: &DeviceFacts) -> Vec<&'static str> {
    let mut queries = ANY.to_vec();
    if device.udid.is_none() {
        return queries;
    }
    queries.extend(DEVICE);
    match device.platform {
        Some(Platform::Ios | Platform::IpadOs | Platform::VisionOs | Platform::WatchOs) => {
            queries.extend(MOBILE)
        }
        Some(Platform::MacOs) => queries.extend(MAC),
        Some(Platform::TvOs) => queries.extend(TV),
        None => {}
    }
    queries
}
