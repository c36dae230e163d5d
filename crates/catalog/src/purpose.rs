//! What each command is for, in a few words of our own.

use crate::Command;

/// By request type, sorted.
const PURPOSES: &[(&str, &str)] = &[
    ("AccountConfiguration", "sets up a Mac's first accounts"),
    (
        "ActivationLockBypassCode",
        "fetches the code that bypasses Activation Lock",
    ),
    ("ActiveNSExtensions", "lists extensions active for a Mac's user"),
    ("ApplyRedemptionCode", "pays an app's installation by code"),
    ("AvailableOSUpdates", "lists system updates on offer"),
    (
        "CancelEnhancedLogCollection",
        "stops collecting logs for AppleCare",
    ),
    ("CertificateList", "lists installed certificates"),
    (
        "ClearActivationLockBypassCode",
        "makes the device forget its bypass code",
    ),
    ("ClearPasscode", "takes the passcode off the device"),
    ("ClearRestrictionsPassword", "takes off the Screen Time passcode"),
    (
        "ContentCachingInformation",
        "tells how a Mac's content cache fares",
    ),
    (
        "DeclarativeManagement",
        "makes the device synchronise its declarations",
    ),
    ("DeleteUser", "deletes users' accounts and data"),
    ("DeviceConfigured", "lets Setup Assistant go on after enrollment"),
    ("DeviceInformation", "asks for the named facts"),
    ("DeviceLocation", "tells where a lost device is"),
    ("DeviceLock", "locks the device at once"),
    ("DisableLostMode", "ends Lost Mode"),
    ("DisableRemoteDesktop", "switches a Mac's Remote Desktop off"),
    ("EnableLostMode", "marks the device lost, with a message"),
    ("EnableRemoteDesktop", "switches a Mac's Remote Desktop on"),
    ("EraseDevice", "erases the device at once"),
    ("InstallApplication", "installs or adopts an app"),
    ("InstallEnterpriseApplication", "installs a package on a Mac"),
    ("InstallMedia", "installs a book"),
    ("InstallProfile", "installs a configuration profile"),
    (
        "InstallProvisioningProfile",
        "installs an app's provisioning profile",
    ),
    ("InstalledApplicationList", "lists installed apps"),
    ("InviteToProgram", "invites the user to take app licenses"),
    (
        "LOMDeviceRequest",
        "has a Mac switch others by lights-out management",
    ),
    (
        "LOMSetupRequest",
        "fetches a Mac's lights-out management addresses",
    ),
    ("LogOutUser", "logs a Shared iPad's user out"),
    ("ManagedApplicationAttributes", "reads managed apps' attributes"),
    (
        "ManagedApplicationConfiguration",
        "reads managed apps' configurations",
    ),
    (
        "ManagedApplicationFeedback",
        "reads what managed apps left as feedback",
    ),
    ("ManagedApplicationList", "tells how managed apps fare"),
    ("ManagedMediaList", "lists managed books"),
    (
        "NSExtensionMappings",
        "lists extensions installed for a Mac's user",
    ),
    ("OSUpdateStatus", "tells how system updates progress"),
    ("PlayLostModeSound", "makes a lost device ring"),
    ("ProfileList", "lists installed configuration profiles"),
    ("ProvisioningProfileList", "lists installed provisioning profiles"),
    ("RefreshCellularPlans", "asks a carrier for eSIM plans"),
    ("RemoveApplication", "removes a managed app with its data"),
    ("RemoveMedia", "removes a book"),
    ("RemoveProfile", "removes a profile that MDM installed"),
    ("RemoveProvisioningProfile", "removes a provisioning profile"),
    ("RequestMirroring", "asks the user to mirror the screen"),
    ("RequestUnlockToken", "fetches the token that clears the passcode"),
    ("RestartDevice", "restarts the device"),
    ("Restrictions", "lists restrictions in force"),
    ("RotateFileVaultKey", "changes a Mac's FileVault recovery key"),
    ("ScheduleOSUpdate", "downloads or installs system updates"),
    ("ScheduleOSUpdateScan", "makes a Mac look for updates"),
    (
        "SecurityInfo",
        "tells passcode, encryption, firewall and the like",
    ),
    (
        "SetAutoAdminPassword",
        "changes the managed administrator's password",
    ),
    ("SetFirmwarePassword", "sets an Intel Mac's firmware password"),
    ("SetRecoveryLock", "locks an Apple silicon Mac's recovery"),
    ("Settings", "changes settings, each by its item"),
    ("ShutDownDevice", "switches the device off"),
    ("StopMirroring", "ends screen mirroring"),
    (
        "TriggerEnhancedLogCollection",
        "collects logs for an AppleCare case",
    ),
    ("UnlockUserAccount", "unlocks a Mac's account after failed logins"),
    ("UserConfigured", "lets a Shared iPad's user finish setup"),
    ("UserList", "lists the device's users"),
    (
        "ValidateApplications",
        "makes the device check enterprise apps' profiles",
    ),
    ("VerifyFirmwarePassword", "tests an Intel Mac's firmware password"),
    (
        "VerifyRecoveryLock",
        "tests an Apple silicon Mac's recovery password",
    ),
];

impl Command {
    /// What it is for, to be read after its name: eight words at most. `None` for a command that the builtin
    /// catalog lacks.
    pub fn purpose(&self) -> Option<&'static str> {
        let at = PURPOSES.binary_search_by_key(&self.request_type.as_str(), |&(name, _)| name);
        PURPOSES.get(at.ok()?).map(|&(_, purpose)| purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    #[test]
    fn every_command_has_its_purpose() {
        let named: Vec<&str> = PURPOSES.iter().map(|&(name, _)| name).collect();
        let known: Vec<&str> = Catalog::builtin()
            .commands()
            .map(|command| command.request_type.as_str())
            .collect();
        assert_eq!(named, known);
        for command in Catalog::builtin().commands() {
            let words = command.purpose().unwrap().split(' ').count();
            assert!(words <= 8, "{}", command.request_type);
        }
    }
}
