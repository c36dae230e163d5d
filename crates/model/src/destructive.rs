//! Which commands take something away that cannot simply be given back: they are ordered only when confirmed, and no
//! more often in an hour than the house allows.

use ordain_catalog::Catalog;

use crate::windows::action;

/// What each of them does, in words that the devices follow.
const HARM: [(&str, &str); 12] = [
    ("ClearPasscode", "takes the passcode off"),
    ("ClearRestrictionsPassword", "takes the restrictions password off"),
    ("DeleteUser", "deletes a user with all data on"),
    ("DeviceLock", "locks"),
    ("EnableLostMode", "locks, and shows as lost,"),
    ("EraseDevice", "erases everything on"),
    ("RemoveApplication", "removes an app with its data from"),
    ("RemoveMedia", "removes media from"),
    ("RemoveProfile", "removes a profile, and what it set up, from"),
    (
        "RemoveProvisioningProfile",
        "removes a provisioning profile, without which apps do not start, from",
    ),
    ("SetFirmwarePassword", "changes who can start up"),
    ("SetRecoveryLock", "changes who can recover"),
];

/// What the command does that cannot simply be undone, in words that the devices follow. `None`: nothing.
///
/// A command that the catalog does not know could do anything.
pub fn harm(request_type: &str, catalog: &Catalog) -> Option<&'static str> {
    if let Some(harm) = action::harm(request_type) {
        return harm;
    }
    let known = HARM.iter().find(|(name, _)| *name == request_type);
    match known {
        Some((_, harm)) => Some(harm),
        None if catalog.command(request_type).is_none() => Some("does what Ordain does not know to"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_the_catalogs() {
        let catalog = Catalog::builtin();
        for (name, _) in HARM {
            assert!(catalog.command(name).is_some(), "{name}");
        }
        assert!(HARM.is_sorted_by_key(|(name, _)| name));
        for harmless in ["DeviceInformation", "InstallProfile", "RestartDevice", "Settings"] {
            assert_eq!(harm(harmless, catalog), None);
        }
        assert!(harm("EraseDevise", catalog).is_some(), "nobody knows");
    }
}
