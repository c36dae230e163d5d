//! What commands leave on a device. Most devices never get any of it, so it is kept apart and made when first needed.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::LazyLock;

use ordain_apple::plist::{Dictionary, Value};
use ordain_catalog::{Platform, Scope};
use ordain_model::ids::Digest;
use ordain_pki::Certificate;

use crate::device::Device;

/// The `PayloadIdentifier` of the profile that twins enroll with: the one that Ordain gives out. Removing it unenrolls.
pub const ENROLLMENT_PROFILE: &str = "ordain.enrollment";

/// What commands have made of a device since it was new or erased.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Profiles, in the order of their installation, without the one that enrolled the device.
    pub profiles: Vec<InstalledProfile>,
    /// Provisioning profiles, by UUID.
    pub provisioning: BTreeMap<String, Provisioning>,
    /// Managed apps, by bundle identifier; of an app that is only known by its store number or manifest, by that.
    pub apps: BTreeMap<String, App>,
    /// Managed books.
    pub books: Vec<Book>,
    /// What `Settings` has set, by `Item`; those of apps are in [`State::apps`].
    pub settings: BTreeMap<&'static str, Value>,
    /// The last DeviceLock.
    pub lock: Option<Lock>,
    /// Lost mode, while it is on.
    pub lost: Option<Lost>,
    /// How often it was told to restart.
    pub restarts: u32,
    /// How often it was told to shut down.
    pub shutdowns: u32,
    /// The firmware password of a Mac.
    pub firmware_password: Option<String>,
    /// Whether option ROMs are allowed in spite of it.
    pub option_roms: bool,
    /// The password of a Mac's recovery lock.
    pub recovery_lock: Option<String>,
    /// How often the personal recovery key of FileVault was changed.
    pub recovery_key_rotations: u32,
    /// Whether FileVault has an institutional recovery key.
    pub institutional_key: bool,
    /// Whether Remote Desktop is on.
    pub remote_desktop: bool,
    /// Whether the bypass code of the activation lock was cleared.
    pub bypass_code_cleared: bool,
    /// The updates of the operating system that were scheduled, by `ProductKey`.
    pub updates: BTreeMap<String, Update>,
    /// How the first account of a Mac is to be made: the keys of AccountConfiguration, without password hashes.
    pub first_account: Option<Dictionary>,
    /// The managed administrators of a Mac: short names by GUID, and whether the password was set anew.
    pub administrators: BTreeMap<String, Administrator>,
    /// Users who were deleted.
    pub deleted_users: BTreeSet<String>,
    /// Whether the present user of a Shared iPad was logged out.
    pub logged_out: bool,
    /// Where it mirrors its screen to.
    pub mirroring: Option<String>,
    /// The AppleCareToken of the log collection under way.
    pub log_collection: Option<String>,
}

/// A profile that InstallProfile brought.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledProfile {
    /// `PayloadIdentifier`.
    pub identifier: String,
    /// The channel that it came on.
    pub scope: Scope,
    /// Its entry in ProfileList.
    pub(crate) listed: Dictionary,
    /// The keys of its restrictions payloads that hold booleans, numbers or lists.
    pub(crate) restrictions: Dictionary,
    /// The certificates in it.
    pub(crate) certificates: Vec<Certificate>,
}

/// A provisioning profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioning {
    /// `Name`.
    pub name: String,
    /// `ExpiryDate`, in unix seconds.
    pub expires: i64,
}

/// A managed app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct App {
    /// When its installation was asked for, in unix seconds; it is done in the second after.
    pub(crate) since: i64,
    /// `ManagementFlags`.
    pub flags: i64,
    /// `Configuration`.
    pub configuration: Option<Dictionary>,
    /// `Attributes`.
    pub attributes: Option<Dictionary>,
    /// Whether its developer's certificate was validated.
    pub validated: bool,
    /// Whether feedback was deleted.
    pub(crate) feedback_deleted: bool,
    /// A redemption code that was applied.
    pub redeemed: Option<String>,
}

/// A managed book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// `iTunesStoreID`.
    pub store_id: Option<i64>,
    /// `PersistentID`.
    pub persistent_id: Option<String>,
    /// `Kind`, `Version`, `Author`, `Title`.
    pub(crate) texts: Vec<(&'static str, String)>,
}

/// What DeviceLock said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `PIN`, which a Mac asks for.
    pub pin: Option<String>,
    /// `Message`.
    pub message: Option<String>,
    /// `PhoneNumber`.
    pub phone: Option<String>,
}

/// What EnableLostMode said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// `Message`.
    pub message: Option<String>,
    /// `PhoneNumber`.
    pub phone: Option<String>,
    /// `Footnote`.
    pub footnote: Option<String>,
    /// How often PlayLostModeSound was heard.
    pub sounds: u32,
}

/// A scheduled update of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// `InstallAction`.
    pub action: &'static str,
    /// `MaxUserDeferrals`.
    pub deferrals: Option<i64>,
}

/// A managed administrator of a Mac.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// `shortName`.
    pub short_name: String,
    /// Whether SetAutoAdminPassword came for it.
    pub password_set: bool,
}

impl Device {
    /// What commands have made of it.
    pub fn state(&self) -> &State {
        static NONE: LazyLock<State> = LazyLock::new(State::default);
        self.state.as_deref().unwrap_or(&NONE)
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.state.get_or_insert_default()
    }

    /// The token that clears its passcode, another one after each erasure; `None` on systems without one.
    pub fn unlock_token(&self) -> Option<Vec<u8>> {
        let has_one = !matches!(self.platform, Platform::MacOs | Platform::TvOs);
        has_one.then(|| self.trait_bytes(&format!("unlock {}", self.erasures)).to_vec())
    }

    /// Bytes that are always the same for this device and this purpose.
    pub(crate) fn trait_bytes(&self, purpose: &str) -> [u8; 32] {
        Digest::of(format!("{}/{purpose}", self.udid).as_bytes()).0
    }

    /// All that its user and its management have made of it is gone.
    pub(crate) fn erase(&mut self) {
        self.state = None;
        self.erasures = self.erasures.saturating_add(1);
        self.passcode = false;
        self.filevault = false;
        self.locked = false;
        self.awaiting_configuration = false;
        self.name = self.model.family.to_owned();
    }

    /// What management brought goes with it.
    pub(crate) fn unmanage(&mut self) {
        if let Some(state) = &mut self.state {
            let before = mem::take(&mut **state);
            **state = State {
                restarts: before.restarts,
                shutdowns: before.shutdowns,
                firmware_password: before.firmware_password,
                option_roms: before.option_roms,
                deleted_users: before.deleted_users,
                ..State::default()
            };
        }
    }
}

impl State {
    /// A key of what `Settings` has set for `item`: of a dictionary.
    pub(crate) fn setting(&self, item: &str, key: &str) -> Option<&Value> {
        self.settings.get(item)?.as_dictionary()?.get(key)
    }
}
