//! SecurityInfo.

use ordain_apple::plist::{Dictionary, Value};
use ordain_catalog::Platform;

use super::call::{Answer, Call, Done, dictionary, strings};

pub(super) fn answer(call: Call<'_>) -> Answer {
    let mut info = if call.is_mac() { mac(&call) } else { mobile(&call) };
    let mut management = dictionary([("IsUserEnrollment", false.into())]);
    if call.is_mac() {
        management.extend(dictionary([
            ("EnrolledViaDEP", false.into()),
            ("UserApprovedEnrollment", true.into()),
            ("IsActivationLockManageable", call.device.supervised.into()),
        ]));
    }
    info.insert("ManagementStatus".to_owned(), management.into());
    Ok(Done::said("SecurityInfo", info))
}

fn mobile(call: &Call<'_>) -> Dictionary {
    let device = &*call.device;
    let grace = device.state().settings.get("PasscodeLockGracePeriod");
    let grace = grace.cloned().unwrap_or(0.into());
    let mut info = dictionary([
        ("HardwareEncryptionCaps", 3.into()),
        ("PasscodeCompliant", true.into()),
        ("PasscodeCompliantWithProfiles", true.into()),
    ]);
    if device.platform != Platform::TvOs {
        info.extend(dictionary([
            ("PasscodePresent", device.passcode.into()),
            ("PasscodeLockGracePeriod", grace.clone()),
            ("PasscodeLockGracePeriodEnforced", grace),
        ]));
    }
    if matches!(device.platform, Platform::Ios | Platform::IpadOs) {
        info.insert("AutoLockTime".to_owned(), 120.into());
    }
    info
}

fn mac(call: &Call<'_>) -> Dictionary {
    let device = &*call.device;
    let state = device.state();
    let is_allowed = state
        .setting("MDMOptions", "BootstrapTokenAllowed")
        .and_then(Value::as_boolean)
        .unwrap_or(false);
    dictionary([
        ("FDE_Enabled", device.filevault.into()),
        ("FDE_HasPersonalRecoveryKey", device.filevault.into()),
        ("FDE_HasInstitutionalRecoveryKey", state.institutional_key.into()),
        ("SystemIntegrityProtectionEnabled", true.into()),
        (
            "FirewallSettings",
            dictionary([
                ("FirewallEnabled", false.into()),
                ("BlockAllIncoming", false.into()),
                ("StealthMode", false.into()),
                ("Applications", Value::Array(Vec::new())),
            ])
            .into(),
        ),
        (
            "FirmwarePasswordStatus",
            dictionary([
                ("PasswordExists", state.firmware_password.is_some().into()),
                ("ChangePending", false.into()),
                ("AllowOroms", state.option_roms.into()),
            ])
            .into(),
        ),
        (
            "SecureBoot",
            dictionary([
                ("SecureBootLevel", "full".into()),
                ("ExternalBootLevel", "allowed".into()),
                ("ReducedSecurity", strings([])),
            ])
            .into(),
        ),
        ("RemoteDesktopEnabled", state.remote_desktop.into()),
        ("AuthenticatedRootVolumeEnabled", true.into()),
        (
            "BootstrapTokenAllowedForAuthentication",
            if is_allowed { "allowed" } else { "disallowed" }.into(),
        ),
        ("BootstrapTokenRequiredForSoftwareUpdate", true.into()),
        ("BootstrapTokenRequiredForKernelExtensionApproval", true.into()),
        ("IsRecoveryLockEnabled", state.recovery_lock.is_some().into()),
    ])
}
