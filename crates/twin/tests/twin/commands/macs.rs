//! What only Macs have, and locking and erasing them.

use ordain_apple::command::Status;
use ordain_catalog::Platform;
use ordain_twin::commands::Afterwards;
use serde_json::json;

use super::{Case, case, device, refusal, release, tell};

pub(super) fn cases() -> Vec<Case> {
    let mac = |name, keys| case(name, Platform::MacOs, keys);
    let unlock = || json!({"KeyType": "personal", "FileVaultUnlock": {"Password": "p"}, "ReplyEncryptionCertificate": "data:c"});
    vec![
        mac("DeviceLock", json!({"PIN": "123456", "Message": "Lost", "PhoneNumber": "1"}))
            .does("locked with the PIN 123456")
            .leaves(|device, _| {
                let lock = device.state().lock.as_ref().unwrap();
                lock.pin.as_deref() == Some("123456") && lock.message.is_some() && lock.phone.is_some()
            }),
        mac("EraseDevice", json!({"PIN": "123456", "ObliterationBehavior": "DoNotObliterate"}))
            .does("erased")
            .then(Afterwards::Erase),
        mac("RestartDevice", json!({"NotifyUser": true, "RebuildKernelCache": true, "KextPaths": ["/a"]}))
            .does("restarted by its user")
            .leaves(|device, _| device.state().restarts == 1),
        mac("ShutDownDevice", json!({}))
            .does("shut down")
            .leaves(|device, _| device.state().shutdowns == 1),
        mac("SetFirmwarePassword", json!({"CurrentPassword": "a", "NewPassword": "b", "AllowOroms": true}))
            .after("SetFirmwarePassword", json!({"NewPassword": "a"}))
            .says(&["SetFirmwarePassword"])
            .does("firmware password set")
            .leaves(|device, _| device.state().firmware_password.as_deref() == Some("b") && device.state().option_roms),
        mac("VerifyFirmwarePassword", json!({"Password": "a"}))
            .after("SetFirmwarePassword", json!({"NewPassword": "a"}))
            .says(&["VerifyFirmwarePassword"])
            .leaves(|_, results| {
                let result = results["VerifyFirmwarePassword"].as_dictionary().unwrap();
                result["PasswordVerified"] == true.into()
            }),
        mac("SetRecoveryLock", json!({"CurrentPassword": "a", "NewPassword": ""}))
            .after("SetRecoveryLock", json!({"NewPassword": "a"}))
            .does("recovery lock cleared")
            .leaves(|device, _| device.state().recovery_lock.is_none()),
        mac("VerifyRecoveryLock", json!({"Password": "b"}))
            .after("SetRecoveryLock", json!({"NewPassword": "a"}))
            .says(&["PasswordVerified"])
            .leaves(|_, results| results["PasswordVerified"] == false.into()),
        mac("RotateFileVaultKey", unlock())
            .with(|device| device.filevault = true)
            .says(&["RotateResult"])
            .does("personal recovery key changed")
            .leaves(|device, results| {
                let result = results["RotateResult"].as_dictionary().unwrap();
                device.state().recovery_key_rotations == 1 && result["EncryptedNewRecoveryKey"].as_data().is_some()
            }),
        mac(
            "RotateFileVaultKey",
            json!({
                "KeyType": "institutional",
                "FileVaultUnlock": {"PrivateKeyExport": "data:k", "PrivateKeyExportPassword": "p"},
                "NewCertificate": "data:c",
            }),
        )
        .with(|device| device.filevault = true)
        .does("institutional recovery key changed")
        .leaves(|device, _| device.state().institutional_key),
        mac("EnableRemoteDesktop", json!({}))
            .does("Remote Desktop on")
            .leaves(|device, _| device.state().remote_desktop),
        mac("DisableRemoteDesktop", json!({}))
            .after("EnableRemoteDesktop", json!({}))
            .does("Remote Desktop off")
            .leaves(|device, _| !device.state().remote_desktop),
        mac(
            "LOMDeviceRequest",
            json!({"RequestList": [{
                "DeviceRequestType": "PowerON", "DeviceRequestUUID": "R", "DeviceDNSName": "mac.example.org",
                "PrimaryIPv6AddressList": ["fe80::1"], "SecondaryIPv6AddressList": [], "LOMProtocolVersion": 1,
            }]}),
        )
        .says(&["ResponseList"])
        .does("1 lights-out requests passed on")
        .leaves(|_, results| {
            let response = results["ResponseList"].as_array().unwrap()[0].as_dictionary().unwrap();
            response["DeviceRequestUUID"] == "R".into() && response["DeviceRequestSuccess"] == true.into()
        }),
        mac("LOMSetupRequest", json!({}))
            .says(&["PrimaryIPv6AddressList", "SecondaryIPv6AddressList", "LOMProtocolVersion"]),
        mac("TriggerEnhancedLogCollection", json!({"AppleCareToken": "T"}))
            .with(|device| device.system = release("27.0"))
            .on_user_channel()
            .does("log collection begun")
            .leaves(|device, _| device.state().log_collection.as_deref() == Some("T")),
        mac("Settings", json!({"Settings": [
            {"Item": "DeviceName", "DeviceName": "Lab 1"},
            {"Item": "HostName", "HostName": "lab1.example.org"},
            {"Item": "Bluetooth", "Enabled": false},
            {"Item": "MDMOptions", "MDMOptions": {"BootstrapTokenAllowed": true}},
            {"Item": "Wallpaper", "Image": "data:i", "Where": 1},
        ]}))
        .says(&["Settings"])
        .does("DeviceName, HostName, Bluetooth, MDMOptions set")
        .leaves(|device, results| {
            let last = results["Settings"].as_array().unwrap()[4].as_dictionary().unwrap();
            device.name == "Lab 1"
                && device.state().settings["Bluetooth"] == false.into()
                && last["Status"] == "Error".into()
                && last.contains_key("ErrorChain")
        }),
    ]
}

#[test]
fn passwords_and_pins_have_to_be_right() {
    let mut mac = device(Platform::MacOs);
    mac.filevault = false;
    tell(&mut mac, "SetRecoveryLock", json!({"NewPassword": "a"}));
    tell(&mut mac, "SetFirmwarePassword", json!({"NewPassword": "a"}));
    let before = mac.clone();
    for (name, keys, says) in [
        (
            "SetRecoveryLock",
            json!({"NewPassword": "b"}),
            "the current password",
        ),
        (
            "SetFirmwarePassword",
            json!({"NewPassword": "", "CurrentPassword": "b"}),
            "the current password",
        ),
        ("DeviceLock", json!({"PIN": "12345"}), "six digits"),
        ("EraseDevice", json!({"PIN": "abcdef"}), "six digits"),
        (
            "RotateFileVaultKey",
            json!({"KeyType": "personal", "FileVaultUnlock": {"Password": "p"}}),
            "FileVault is off",
        ),
    ] {
        let outcome = tell(&mut mac, name, keys);
        let (status, _, text) = refusal(&outcome);
        assert!(status == Status::Error && text.contains(says), "{name}: {text}");
    }
    assert_eq!(mac, before);
    let said = tell(&mut mac, "SecurityInfo", json!({})).results;
    let said = said["SecurityInfo"].as_dictionary().unwrap();
    assert_eq!(said["IsRecoveryLockEnabled"], true.into());
    assert_eq!(
        said["FirmwarePasswordStatus"].as_dictionary().unwrap()["PasswordExists"],
        true.into()
    );
}
