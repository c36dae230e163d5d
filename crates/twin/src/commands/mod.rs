//! What devices do on command: every MDM command of Apple's schema, with its effect and its answer.
//!
//! [`execute`] is pure. What a device does not have (another platform or version, unsupervised, the other channel: the
//! catalog knows) it answers with Error, MCMDMErrorDomain 12021, as it does what it has never heard of. A key that is
//! missing or of the wrong type makes CommandFormatError, MCMDMErrorDomain 12007. Other errors have Apple's domains
//! where they are known; the codes are for people, since they change between releases.
//!
//! Limits: profiles that are signed or encrypted are refused as not installable, what real devices encrypt for the
//! server (a new recovery key) is arbitrary bytes, and a scheduled update of the system is never installed.

mod applications;
mod books;
mod call;
mod certificates;
mod device_information;
mod extensions;
mod firmware;
mod installed;
mod lights_out;
mod locking;
mod lost_mode;
mod mirroring;
mod profiles;
mod restrictions;
mod security_info;
mod settings;
mod setup;
mod updates;
mod users;

use std::sync::Arc;

use ordain_apple::command::{ChainedError, Command, Status};
use ordain_apple::plist::Dictionary;
use ordain_catalog::{Platform, Scope};

use self::call::{Answer, Call, Done, Refusal};
use crate::device::Device;

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// `Status`: Acknowledged, Error or CommandFormatError.
    pub status: Status,
    /// The keys that the answer has for this command.
    pub results: Dictionary,
    /// `ErrorChain`.
    pub error_chain: Vec<ChainedError>,
    /// What the command did, in a few words; `None` when it only asked, or failed.
    pub effect: Option<String>,
    /// What the device does when the server has taken the answer.
    pub afterwards: Option<Afterwards>,
}

/// What a device does when the server has taken the answer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It erases itself, and is enrolled no more.
    Erase,
    /// It removes the enrollment profile, and checks out.
    CheckOut,
    /// It sends another TokenUpdate, since a value in it has changed.
    TokenUpdate,
}

/// Executes a command that came on the channel of `scope` at `now`, in unix seconds. Everything but
/// DeclarativeManagement, which is for the channel's DDM engine.
pub fn execute(device: &mut Device, scope: Scope, command: &Command, now: i64) -> Outcome {
    let schema = Arc::clone(&device.schema);
    let support = schema
        .catalog()
        .command(&command.request_type)
        .map(|known| &known.support);
    let answer = match support {
        Some(support) if device.supports(support, scope) => {
            let call = Call {
                device,
                scope,
                keys: &command.payload,
                now,
            };
            dispatch(&command.request_type, call)
        }
        _ => Err(unknown(&command.request_type)),
    };
    match answer {
        Ok(Done {
            results,
            effect,
            afterwards,
        }) => Outcome {
            status: Status::Acknowledged,
            results,
            error_chain: Vec::new(),
            effect,
            afterwards,
        },
        Err(refusal) => Outcome {
            status: refusal.status(),
            error_chain: vec![refusal.to_error()],
            results: refusal.into_results(),
            effect: None,
            afterwards: None,
        },
    }
}

fn unknown(request_type: &str) -> Refusal {
    Refusal::Unsupported(format!(
        "\u{201c}{request_type}\u{201d} is not a valid request type."
    ))
}

fn dispatch(request_type: &str, call: Call<'_>) -> Answer {
    match request_type {
        "AccountConfiguration" => setup::account_configuration(call),
        "ActivationLockBypassCode" => locking::activation_lock_bypass_code(call),
        "ActiveNSExtensions" => extensions::active(call),
        "ApplyRedemptionCode" => applications::apply_redemption_code(call),
        "AvailableOSUpdates" => updates::available(call),
        "CancelEnhancedLogCollection" => setup::cancel_log_collection(call),
        "CertificateList" => certificates::list(call),
        "ClearActivationLockBypassCode" => locking::clear_activation_lock_bypass_code(call),
        "ClearPasscode" => locking::clear_passcode(call),
        "ClearRestrictionsPassword" => restrictions::clear_password(call),
        "ContentCachingInformation" => extensions::content_caching(call),
        "DeleteUser" => users::delete(call),
        "DeviceConfigured" => setup::device_configured(call),
        "DeviceInformation" => device_information::answer(call),
        "DeviceLocation" => lost_mode::location(call),
        "DeviceLock" => locking::lock(call),
        "DisableLostMode" => lost_mode::disable(call),
        "DisableRemoteDesktop" => firmware::remote_desktop(call, false),
        "EnableLostMode" => lost_mode::enable(call),
        "EnableRemoteDesktop" => firmware::remote_desktop(call, true),
        "EraseDevice" => locking::erase(call),
        "InstallApplication" => applications::install(call),
        "InstallEnterpriseApplication" => applications::install_enterprise(call),
        "InstallMedia" => books::install(call),
        "InstallProfile" => profiles::install(call),
        "InstallProvisioningProfile" => profiles::install_provisioning(call),
        "InstalledApplicationList" => installed::list(call),
        "InviteToProgram" => applications::invite_to_program(call),
        "LOMDeviceRequest" => lights_out::request(call),
        "LOMSetupRequest" => lights_out::setup(call),
        "LogOutUser" => users::log_out(call),
        "ManagedApplicationAttributes" => applications::attributes(call),
        "ManagedApplicationConfiguration" => applications::configuration(call),
        "ManagedApplicationFeedback" => applications::feedback(call),
        "ManagedApplicationList" => applications::list(call),
        "ManagedMediaList" => books::list(call),
        "NSExtensionMappings" => extensions::mappings(call),
        "OSUpdateStatus" => updates::status(call),
        "PlayLostModeSound" => lost_mode::play_sound(call),
        "ProfileList" => profiles::list(call),
        "ProvisioningProfileList" => profiles::list_provisioning(call),
        "RefreshCellularPlans" => setup::refresh_cellular_plans(call),
        "RemoveApplication" => applications::remove(call),
        "RemoveMedia" => books::remove(call),
        "RemoveProfile" => profiles::remove(call),
        "RemoveProvisioningProfile" => profiles::remove_provisioning(call),
        "RequestMirroring" => mirroring::request(call),
        "RequestUnlockToken" => locking::request_unlock_token(call),
        "RestartDevice" => locking::restart(call),
        "Restrictions" => restrictions::list(call),
        "RotateFileVaultKey" => firmware::rotate_filevault_key(call),
        "ScheduleOSUpdate" => updates::schedule(call),
        "ScheduleOSUpdateScan" => updates::scan(call),
        "SecurityInfo" => security_info::answer(call),
        "SetAutoAdminPassword" => setup::set_auto_admin_password(call),
        "SetFirmwarePassword" => firmware::set_password(call),
        "SetRecoveryLock" => firmware::set_recovery_lock(call),
        "Settings" => settings::set(call),
        "ShutDownDevice" => locking::shut_down(call),
        "StopMirroring" => mirroring::stop(call),
        "TriggerEnhancedLogCollection" => setup::trigger_log_collection(call),
        "UnlockUserAccount" => users::unlock(call),
        "UserConfigured" => setup::user_configured(call),
        "UserList" => users::list(call),
        "ValidateApplications" => applications::validate(call),
        "VerifyFirmwarePassword" => firmware::verify_password(call),
        "VerifyRecoveryLock" => firmware::verify_recovery_lock(call),
        other => Err(unknown(other)),
    }
}

/// Whether a device answers a command with NotNow: a Mac in Power Nap almost all, another device that is locked what
/// needs its protected data.
pub(crate) fn is_not_now(device: &Device, naps: bool, request_type: &str) -> bool {
    if device.platform == Platform::MacOs {
        let always = [
            "DeviceLock",
            "EraseDevice",
            "RestartDevice",
            "ShutDownDevice",
            "UserList",
            "DeleteUser",
            "UnlockUserAccount",
            "ActivationLockBypassCode",
            "ClearActivationLockBypassCode",
        ];
        naps && !always.contains(&request_type)
    } else {
        let protected = [
            "CertificateList",
            "InstallApplication",
            "InstallProfile",
            "InstallProvisioningProfile",
            "ManagedMediaList",
            "SecurityInfo",
        ];
        device.locked && protected.contains(&request_type)
    }
}
