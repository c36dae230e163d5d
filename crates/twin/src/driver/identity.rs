//! Identities of twins: a key and the certificate for it, made in bulk.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

use futures_util::future::BoxFuture;
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair, csr};

use super::{DriverError, clock};
use crate::device::Device;
use crate::identity::Identity;

/// How many certificates are asked for at once.
pub const MAX_BATCH: usize = 500;
/// For how long an authority's certificates are valid, in seconds.
const LIFETIME: i64 = 365 * 24 * 60 * 60;
/// How far a server's clock may be behind, in seconds.
const CLOCK_TOLERANCE: i64 = 60 * 60;

/// Where identities come from.
#[derive(Debug)]
pub struct Identities {
    /// The keys.
    pub keys: Keys,
    /// The certificates.
    pub issuer: Issuer,
}

/// Where keys come from.
#[derive(Debug)]
pub enum Keys {
    /// A new P-256 key for each twin.
    Fresh,
    /// Ready keys, dealt out in turn: a fleet larger than the pool has several certificates for each.
    Pool(Vec<KeyPair>),
}

/// Who certifies the keys.
pub enum Issuer {
    /// An authority whose key is at hand.
    Authority(Box<Authority>),
    /// Somebody who is asked in batches.
    Bulk(Bulk),
}

/// Turns up to [`MAX_BATCH`] certification requests (PKCS#10, DER) into as many certificates (DER), in their order.
/// The error is for people.
pub type Bulk = Box<dyn Fn(Vec<Vec<u8>>) -> BoxFuture<'static, Result<Vec<Vec<u8>>, String>> + Send + Sync>;

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority(_) => "Authority",
            Self::Bulk(_) => "Bulk",
        })
    }
}

impl Issuer {
    /// The authority of a certificate and its key, both in PEM.
    pub fn authority(certificate: &str, key: &str) -> Result<Self, DriverError> {
        let certificate = Certificate::from_pem(certificate)?.into_iter().next();
        let certificate =
            certificate.ok_or_else(|| DriverError::Roots("the CA's PEM text has none".to_owned()))?;
        let authority = Authority::from_parts(certificate, KeyPair::from_pem(key)?)?;
        Ok(Self::Authority(Box::new(authority)))
    }
}

impl Keys {
    /// The first key of each file `*.pem` in a directory, in the order of their names.
    pub async fn pool(directory: &Path) -> Result<Self, DriverError> {
        let file_error = |path: &Path| {
            let path = path.to_owned();
            move |error| DriverError::File { path, error }
        };
        let mut paths = Vec::new();
        let mut entries = tokio::fs::read_dir(directory)
            .await
            .map_err(file_error(directory))?;
        while let Some(entry) = entries.next_entry().await.map_err(file_error(directory))? {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut keys = Vec::new();
        for path in paths {
            let text = tokio::fs::read_to_string(&path)
                .await
                .map_err(file_error(&path))?;
            keys.push(KeyPair::from_pem(&text)?);
        }
        if keys.is_empty() {
            return Err(DriverError::EmptyPool(directory.to_owned()));
        }
        Ok(Self::Pool(keys))
    }

    fn take(&self, index: usize) -> Result<KeyPair, DriverError> {
        let from_pool = match self {
            Self::Fresh => None,
            Self::Pool(keys) => keys.get(index % keys.len().max(1)).cloned(),
        };
        from_pool.map_or_else(|| Ok(KeyPair::generate(KeyKind::P256)?), Ok)
    }
}

impl Identities {
    /// An identity for each device, in their order.
    pub(super) async fn issue(&self, devices: &[&Device]) -> Result<VecDeque<Identity>, DriverError> {
        let mut identities = VecDeque::with_capacity(devices.len());
        for (batch, devices) in devices.chunks(MAX_BATCH).enumerate() {
            let keys = (0..devices.len())
                .map(|index| self.keys.take(batch * MAX_BATCH + index))
                .collect::<Result<Vec<_>, _>>()?;
            let certificates = match &self.issuer {
                Issuer::Authority(authority) => issue(authority, devices, &keys)?,
                Issuer::Bulk(bulk) => ask(bulk, devices, &keys).await?,
            };
            let pairs = certificates.into_iter().zip(keys);
            identities.extend(pairs.map(|(certificate, key)| Identity { certificate, key }));
            // Making keys and signatures is work for the processor: let others have a turn.
            tokio::task::yield_now().await;
        }
        Ok(identities)
    }
}

fn issue(
    authority: &Authority,
    devices: &[&Device],
    keys: &[KeyPair],
) -> Result<Vec<Certificate>, DriverError> {
    let now = clock::now();
    let validity = Validity {
        not_before: now.saturating_sub(CLOCK_TOLERANCE),
        not_after: now.saturating_add(LIFETIME),
    };
    let certify = |(device, key): (&&Device, &KeyPair)| {
        authority.issue(&Request {
            public_key: key.public_key(),
            common_name: &device.udid,
            organization: None,
            serial_number: Some(&device.serial),
            usage: Usage::Device,
            validity,
        })
    };
    Ok(devices.iter().zip(keys).map(certify).collect::<Result<_, _>>()?)
}

async fn ask(bulk: &Bulk, devices: &[&Device], keys: &[KeyPair]) -> Result<Vec<Certificate>, DriverError> {
    let requests = devices
        .iter()
        .zip(keys)
        .map(|(device, key)| csr::create(key, &device.udid))
        .collect::<Result<_, _>>()?;
    let issued = bulk(requests).await.map_err(DriverError::Bulk)?;
    if issued.len() != keys.len() {
        let problem = format!("{} certificates for {} requests", issued.len(), keys.len());
        return Err(DriverError::Bulk(problem));
    }
    let mut certificates = Vec::with_capacity(issued.len());
    for (der, key) in issued.iter().zip(keys) {
        let certificate = Certificate::from_der(der)?;
        if certificate.public_key() != key.public_key() {
            return Err(DriverError::Bulk(
                "a certificate is for another key than requested".to_owned(),
            ));
        }
        certificates.push(certificate);
    }
    Ok(certificates)
}
