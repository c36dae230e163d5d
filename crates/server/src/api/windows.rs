//! Windows devices.

use ordain_model::windows::WindowsFacts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What only Windows devices say of themselves, and who let them enroll.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Windows {
    /// `HWDevID`.
    pub hardware_id: Option<String>,
    /// `DeviceID`, of this enrollment.
    pub device_id: Option<String>,
    /// The edition in a word, where its number is known, else the number (`OSEdition`).
    pub edition: Option<String>,
    /// Who signed in: by their own word, unless Microsoft Entra vouched for them.
    pub user: Option<String>,
    /// The tenant of Microsoft Entra that vouched for the user, if one did.
    pub entra_tenant: Option<String>,
    /// The device in that tenant.
    pub entra_device: Option<String>,
}

impl From<WindowsFacts> for Windows {
    fn from(facts: WindowsFacts) -> Self {
        let edition = facts.edition().map(|edition| edition.to_string());
        let (entra_tenant, entra_device) = match facts.entra {
            Some(entra) => (Some(entra.tenant), entra.device),
            None => (None, None),
        };
        Self {
            edition: edition.or_else(|| facts.edition.map(|number| number.to_string())),
            hardware_id: facts.hardware_id,
            device_id: facts.device_id,
            user: facts.user,
            entra_tenant,
            entra_device,
        }
    }
}
