//! The credentials for WNS, as they are kept: sealed, in one setting.

use std::sync::{Arc, PoisonError};

use ordain_model::enrollment::Service;
use ordain_store::{AuditRecord, StoreError};

use super::Credentials;
use crate::app::App;

/// The setting, and the context that it is sealed in.
const CREDENTIALS: &str = "wns";

impl App {
    /// The credentials to push Windows devices with, if there are any.
    pub(crate) async fn wns(&self) -> Result<Option<Arc<Credentials>>, StoreError> {
        let Some(sealed) = self.store.setting(CREDENTIALS).await? else {
            return Ok(None);
        };
        let known = || self.push.known_wns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, credentials)) = known().as_ref().filter(|(bytes, _)| *bytes == sealed) {
            return Ok(Some(credentials.clone()));
        }
        let broken = |error: &dyn std::fmt::Display| {
            StoreError::Corrupt(format!("the credentials for WNS: {error}; set them again"))
        };
        let opened = self.seal.ring().open(CREDENTIALS.as_bytes(), &sealed);
        let opened = opened.map_err(|error| broken(&error))?;
        let credentials = serde_json::from_slice(&opened);
        let credentials: Credentials = credentials.map_err(|_| broken(&"they cannot be read"))?;
        let credentials = Arc::new(credentials);
        *known() = Some((sealed, credentials.clone()));
        Ok(Some(credentials))
    }

    /// Pushes Windows devices with `credentials` from now on; with none, none of them.
    pub(crate) async fn keep_wns(
        &self,
        credentials: Option<&Credentials>,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let unsealed = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("sealing: {error}"));
        // Held until it is stored, so that a rotation of keys waits for it.
        let ring = self.seal.ring();
        let seal = |credentials: &Credentials| {
            let content = serde_json::to_vec(credentials).map_err(|error| unsealed(&error))?;
            ring.seal(CREDENTIALS.as_bytes(), &content)
                .map_err(|error| unsealed(&error))
        };
        let sealed = credentials.map(seal).transpose()?;
        self.store
            .set_pushed_with(Service::Wns, CREDENTIALS, sealed, audit)
            .await?;
        self.push.wns.imported.notify_one();
        Ok(())
    }
}
