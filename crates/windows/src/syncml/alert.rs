//! Alert codes, and what Windows' own alerts are about.

use super::Item;

/// `Data` of an alert. Codes without a name here are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertCode(pub u16);

impl AlertCode {
    /// The session was wanted by the server.
    pub const SERVER_INITIATED: Self = Self(1200);
    /// The session was wanted by the device.
    pub const CLIENT_INITIATED: Self = Self(1201);
    /// The next message is wanted.
    pub const NEXT_MESSAGE: Self = Self(1222);
    /// The session is given up.
    pub const SESSION_ABORT: Self = Self(1223);
    /// Something happened at the device: [`AlertType`].
    pub const CLIENT_EVENT: Self = Self(1224);
    /// Data that should have gone on did not.
    pub const NO_END_OF_DATA: Self = Self(1225);
    /// The generic alert: [`AlertType`].
    pub const GENERIC: Self = Self(1226);
}

/// What an alert of code 1224 or 1226 is about: `Type` of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertType {
    /// Who is logged in: [`LoginStatus`].
    LoginStatus,
    /// Whose settings this session is for, on hosts of several sessions: `user`, `device`, `mixed`.
    SyncType,
    /// How far Windows is with preparing the device.
    DevicePrepSync,
    /// A token of Entra for the user.
    AadUserToken,
    /// The documents that the device holds.
    DeclaredConfigurationDocuments,
    /// The outcome of an MSI installation: an HRESULT, 0 for success. Its source is the node.
    MsiInstalled,
    /// \[U\]: the outcome of taking away a modern app.
    AppUninstalled,
    /// \[U\]: the outcome of installing a modern app.
    StoreAppInstalled,
    /// A command takes long; the device is still there.
    RequestPending,
    /// The device leaves management.
    Unenrolling,
    /// Something else.
    Other(String),
}

impl AlertType {
    const ALL: [(Self, &'static str); 10] = [
        (Self::LoginStatus, "com.microsoft/MDM/LoginStatus"),
        (Self::SyncType, "com.microsoft.mdm.synctype"),
        (Self::DevicePrepSync, "com.microsoft/MDM/DevicePrepSync"),
        (Self::AadUserToken, "com.microsoft/MDM/AADUserToken"),
        (
            Self::DeclaredConfigurationDocuments,
            "com.microsoft.mdm.declaredconfigurationdocuments",
        ),
        (
            Self::MsiInstalled,
            "Reversed-Domain-Name:com.microsoft.mdm.win32csp_install",
        ),
        (
            Self::AppUninstalled,
            "Reversed-Domain-Name:com.microsoft.mdm.EnterpriseAppUninstall.result",
        ),
        (
            Self::StoreAppInstalled,
            "Reversed-Domain-Name:com.microsoft.mdm.EnterpriseStoreAppInstall.result",
        ),
        (
            Self::RequestPending,
            "Reversed-Domain-Name:com.microsoft.mdm.requestpending",
        ),
        (Self::Unenrolling, "com.microsoft:mdm.unenrollment.userrequest"),
    ];

    /// What an item of an alert is about, if it says so.
    pub fn of(item: &Item) -> Option<Self> {
        let text = item.meta.kind.as_deref()?;
        let known = Self::ALL.into_iter().find(|(_, name)| *name == text);
        Some(known.map_or_else(|| Self::Other(text.to_owned()), |(known, _)| known))
    }

    /// Its name in messages.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::ALL
                .iter()
                .find(|(one, _)| one == known)
                .map_or("", |(_, name)| name),
        }
    }
}

/// Who is logged in at the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStatus {
    /// The user of the enrollment.
    User,
    /// Others.
    Others,
    /// Nobody.
    None,
}

impl LoginStatus {
    /// What the data of an alert of type [`AlertType::LoginStatus`] say; `None` if it is none of these.
    pub fn from_data(data: &str) -> Option<Self> {
        match data.trim_ascii() {
            "user" => Some(Self::User),
            "others" => Some(Self::Others),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Others => "others",
            Self::None => "none",
        }
    }
}
