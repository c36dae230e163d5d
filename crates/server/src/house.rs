//! What the server owns: its device CA, the first administrator's token, its public URL.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ordain_model::ids::Digest;
use ordain_pki::authority::Validity;
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair};
use ordain_store::{Actor, AuditRecord, NewToken, Store, StoreError, TokenRecord, TokenRole};
use serde_json::json;

use crate::files;
use crate::keys::Keys;
use crate::settings::{Settings, StartError};

const DEVICE_CA_VALIDITY: i64 = 20 * 366 * 24 * 60 * 60;
/// The setting that holds the device CA, sealed for this place.
pub(crate) const DEVICE_CA: &str = "device-ca";
const PUBLIC_URL: &str = "public-url";
/// The file of the first administrator's token, and its name.
const ADMIN_TOKEN: &str = "admin.token";

/// The server itself, where it acts without being asked.
pub(crate) fn the_server() -> Actor {
    Actor {
        name: "server".into(),
        origin: "server".into(),
    }
}

/// Ordain's own device CA, shared by all nodes. Its key is RSA, since Windows and SCEP need one.
pub(crate) async fn device_ca(store: &Store, keys: &Keys, now: i64) -> Result<Authority, StartError> {
    let ring = keys.ring();
    let sealed = match store.setting(DEVICE_CA).await? {
        Some(sealed) => sealed,
        None => {
            let made = tokio::task::spawn_blocking(move || make_device_ca(now)).await;
            let pem = made.map_err(|error| StartError::Crypto(error.to_string()))??;
            let failed = StartError::crypto("sealing the device CA");
            let sealed = ring
                .seal(DEVICE_CA.as_bytes(), pem.as_bytes())
                .map_err(|error| failed(&error))?;
            // Another node may have been faster; then its CA is ours.
            store.setting_or(DEVICE_CA, sealed).await?
        }
    };
    let opened = ring.open(DEVICE_CA.as_bytes(), &sealed).map_err(|error| {
        StartError::State(format!(
            "the device CA in the database: {error}. The keys in {} are not those that this database was set up with: \
             put those there",
            keys.source()
        ))
    })?;
    let pem = String::from_utf8_lossy(&opened);
    let failed = StartError::crypto("the device CA in the database");
    let read = || -> Result<Authority, Box<dyn std::error::Error>> {
        let certificate = Certificate::from_pem(&pem)?
            .into_iter()
            .next()
            .ok_or("no certificate")?;
        Ok(Authority::from_parts(certificate, KeyPair::from_pem(&pem)?)?)
    };
    read().map_err(|error| failed(&error))
}

fn make_device_ca(now: i64) -> Result<String, StartError> {
    let failed = StartError::crypto("making the device CA");
    let make = || -> Result<String, Box<dyn std::error::Error>> {
        let validity = Validity {
            not_before: now - 3_600,
            not_after: now + DEVICE_CA_VALIDITY,
        };
        let authority = Authority::new(KeyPair::generate(KeyKind::Rsa2048)?, "Ordain device CA", validity)?;
        Ok(format!(
            "{}{}",
            authority.certificate().to_pem(),
            authority.key().to_pem()?
        ))
    };
    make().map_err(|error| failed(&error))
}

/// The certificates of the device CAs that the settings name.
pub(crate) fn foreign_cas(settings: &Settings) -> Result<Vec<Certificate>, StartError> {
    let mut all = Vec::new();
    for path in &settings.device_cas {
        let wrong = |what: &dyn std::fmt::Display| StartError::Setting(format!("{}: {what}", path.display()));
        let certificates = Certificate::from_pem(&files::read(path)?).map_err(|error| wrong(&error))?;
        if certificates.is_empty() || certificates.iter().any(|certificate| !certificate.is_ca()) {
            return Err(wrong(
                &"a device CA must be a certificate that may issue others, in PEM",
            ));
        }
        all.extend(certificates);
    }
    Ok(all)
}

/// A new secret for a token.
pub(crate) fn new_secret() -> String {
    URL_SAFE_NO_PAD.encode(ordain_pki::random::<32>())
}

/// Writes `admin.token` at the first start, and makes it known to the database, once: one that was revoked stays so.
pub(crate) async fn admin_token(store: &Store, data_dir: &Path, now: i64) -> Result<(), StartError> {
    let path = data_dir.join(ADMIN_TOKEN);
    if !path.exists() {
        files::write_secret(&path, &new_secret())?;
    }
    let hash = Digest::of(files::read(&path)?.trim().as_bytes());
    let made = format!("admin-token-{hash}");
    if store.setting(&made).await?.is_some() {
        if store.token_by_hash(hash).await?.is_none() {
            tracing::warn!(path = %path.display(), "this token was revoked; remove the file to get another one");
        }
        return Ok(());
    }
    let id = short_id();
    let taken = store
        .tokens()
        .await?
        .iter()
        .any(|token| token.name == ADMIN_TOKEN);
    let record = TokenRecord {
        name: if taken {
            format!("{ADMIN_TOKEN} {id}")
        } else {
            ADMIN_TOKEN.to_owned()
        },
        id,
        role: TokenRole::Admin,
        created_at: now,
        expires_at: None,
        uses_left: None,
        serial: None,
        topic: None,
    };
    let audit = AuditRecord {
        at: now,
        actor: the_server(),
        action: "create-token".into(),
        detail: json!({"id": record.id, "name": record.name, "role": record.role.word()}),
    };
    store.create_token(&NewToken { record, hash }, &audit).await?;
    store.setting_or(&made, Vec::new()).await?;
    Ok(())
}

/// A short name for something in a list.
pub(crate) fn short_id() -> String {
    hex::encode(ordain_pki::random::<5>())
}

/// What devices are told.
pub(crate) struct PublicUrl {
    /// The URL, without a slash at its end.
    pub(crate) url: String,
    /// What they were told before, when that was another one: what names it must be compiled again.
    pub(crate) before: Option<String>,
    is_kept: bool,
}

/// The URL that is asked for, else the one that was kept, else `found`, where the server listens.
pub(crate) async fn public_url(
    store: &Store,
    asked: Option<&str>,
    found: &str,
    is_reachable: bool,
) -> Result<PublicUrl, StartError> {
    let kept = store.setting(PUBLIC_URL).await?;
    let kept = kept.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let url = match (asked, &kept) {
        (Some(asked), _) => checked(asked)?,
        (None, Some(kept)) => kept.clone(),
        (None, None) => found.to_owned(),
    };
    if asked.is_none() && (url != found || !is_reachable) {
        tracing::warn!(
            public_url = url,
            listening_on = found,
            "devices are told an address that may not be the one they reach this server by; --public-url changes it"
        );
    }
    let is_kept = kept.as_ref() == Some(&url);
    Ok(PublicUrl {
        before: kept.filter(|_| !is_kept),
        url,
        is_kept,
    })
}

/// Keeps what devices are told, once what names it is published: what breaks off before is made good by the next start.
pub(crate) async fn keep_public_url(
    store: &Store,
    public_url: &PublicUrl,
    now: i64,
) -> Result<(), StoreError> {
    if public_url.is_kept {
        return Ok(());
    }
    let audit = AuditRecord {
        at: now,
        actor: the_server(),
        action: "set-public-url".into(),
        detail: json!({"from": public_url.before, "to": public_url.url}),
    };
    store
        .set(PUBLIC_URL, public_url.url.clone().into_bytes(), &audit)
        .await
}

/// An https URL without query, and without a slash at its end.
fn checked(text: &str) -> Result<String, StartError> {
    let wrong = |what: &str| StartError::Setting(format!("--public-url {text}: {what}"));
    let url = url::Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(wrong("give a URL such as https://mdm.example.com"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(wrong("give scheme, host, port and path only"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
