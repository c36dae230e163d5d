//! What is pushed with, as it is kept: sealed, in one setting.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use ordain_model::enrollment::Service;
use ordain_store::{AuditRecord, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::certificate::PushCertificate;
use super::wns::Credentials;
use crate::app::App;

/// For so long what was read is believed: another node may take something else meanwhile.
const BELIEVED: Duration = Duration::from_secs(5);

/// What a service is shown.
pub(super) trait Equipment: Clone {
    /// The service.
    const SERVICE: Service;
    /// The setting, and the context that it is sealed in.
    const KEY: &str;
    /// What it is, and what helps when it cannot be read.
    const WHAT: [&str; 2];

    /// Reads what [`Equipment::to_bytes`] wrote; the error says what is wrong, and nothing of the content.
    fn from_bytes(bytes: &[u8]) -> Result<Self, String>;

    /// The bytes that are sealed.
    fn to_bytes(&self) -> Result<Vec<u8>, String>;
}

impl Equipment for PushCertificate {
    const SERVICE: Service = Service::Apns;
    const KEY: &str = "push-certificate";
    const WHAT: [&str; 2] = ["the push certificate", "import it again"];

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        Self::from_pem(&String::from_utf8_lossy(bytes)).map_err(|error| error.to_string())
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let pem = self.to_pem().map_err(|error| error.to_string())?;
        Ok(pem.into_bytes())
    }
}

impl Equipment for Credentials {
    const SERVICE: Service = Service::Wns;
    const KEY: &str = "wns";
    const WHAT: [&str; 2] = ["the credentials for WNS", "set them again"];

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|_| "they cannot be read".to_owned())
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|error| error.to_string())
    }
}

/// What is kept under one setting, and what this node knows of it. Whoever reads it anew holds the lock, so that others wait
/// for that, and nobody who reads is faster than who writes.
pub(super) struct Kept<T>(Mutex<Option<Known<T>>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What was read, or written, and when.
struct Known<T> {
    at: Instant,
    /// What there is, if anything; or why it cannot be read.
    value: Result<Option<Opened<T>>, String>,
}

/// The sealed bytes, and what they hold.
type Opened<T> = (Vec<u8>, Arc<T>);

impl<T: Equipment> Kept<T> {
    /// What there is to push with: the same as before as long as nobody has changed it.
    pub(super) async fn read(&self, app: &App) -> Result<Option<Arc<T>>, StoreError> {
        let mut known = self.0.lock().await;
        if known.as_ref().is_none_or(|known| known.at.elapsed() >= BELIEVED) {
            let ring = app.seal.ring();
            let sealed = app.store.setting(T::KEY).await?;
            let before = known.take().and_then(|known| known.value.ok().flatten());
            let opened = |sealed: Vec<u8>| {
                if let Some(same) = before.filter(|(bytes, _)| *bytes == sealed) {
                    return Ok(same);
                }
                let broken = |error: &dyn Display| {
                    let [what, help] = T::WHAT;
                    format!("{what}: {error}; {help}")
                };
                let plain = ring.open(T::KEY.as_bytes(), &sealed);
                let plain = plain.map_err(|error| broken(&error))?;
                let value = T::from_bytes(&plain).map_err(|error| broken(&error))?;
                Ok((sealed, Arc::new(value)))
            };
            *known = Some(Known {
                at: Instant::now(),
                value: sealed.map(opened).transpose(),
            });
        }
        match known.as_ref().map(|known| &known.value) {
            Some(Ok(Some((_, value)))) => Ok(Some(value.clone())),
            Some(Ok(None)) | None => Ok(None),
            Some(Err(error)) => Err(StoreError::Corrupt(error.clone())),
        }
    }

    /// Pushes with `value` from now on; with none, nobody through this service.
    pub(super) async fn write(
        &self,
        app: &App,
        value: Option<&T>,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let mut known = self.0.lock().await;
        // Held until it is stored, so that a rotation of keys waits for it.
        let ring = app.seal.ring();
        let seal = |value: &T| {
            let sealed = ring.seal(T::KEY.as_bytes(), &value.to_bytes()?);
            sealed.map_err(|error| error.to_string())
        };
        let sealed = value.map(seal).transpose();
        let sealed = sealed.map_err(|error| StoreError::Unavailable(format!("sealing: {error}")))?;
        // It is read again where nobody learns whether this was stored.
        *known = None;
        app.store
            .set_pushed_with(T::SERVICE, T::KEY, sealed.clone(), audit)
            .await?;
        *known = Some(Known {
            at: Instant::now(),
            value: Ok(sealed.zip(value.cloned().map(Arc::new))),
        });
        app.push.bell(T::SERVICE).imported.notify_one();
        Ok(())
    }
}

impl App {
    /// The certificate to push Apple's devices with, if one was imported.
    pub(crate) async fn push_certificate(&self) -> Result<Option<Arc<PushCertificate>>, StoreError> {
        self.push.certificate.read(self).await
    }

    /// Pushes with `certificate` from now on.
    pub(crate) async fn keep_push_certificate(
        &self,
        certificate: &PushCertificate,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        self.push.certificate.write(self, Some(certificate), audit).await
    }

    /// The credentials to push Windows devices with, if there are any.
    pub(crate) async fn wns(&self) -> Result<Option<Arc<Credentials>>, StoreError> {
        self.push.credentials.read(self).await
    }

    /// Pushes Windows devices with `credentials` from now on; with none, none of them.
    pub(crate) async fn keep_wns(
        &self,
        credentials: Option<&Credentials>,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        self.push.credentials.write(self, credentials, audit).await
    }
}
