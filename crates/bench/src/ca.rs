//! The authority of the devices that measure, and their identities.

use std::path::Path;

use anyhow::{Context, Result};
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair};
use ordain_twin::Device;

use crate::clock;

const YEAR: i64 = 365 * 24 * 60 * 60;
const CERTIFICATE: &str = "device-ca.pem";
const KEY: &str = "device-ca.key";

/// A device CA.
#[derive(Debug)]
pub struct Ca(Authority);

impl Ca {
    /// The CA that is kept in `dir`, made there with a key of this `kind` if there is none.
    pub fn open(dir: &Path, kind: KeyKind) -> Result<Self> {
        let (certificate, key) = (Self::path(dir), dir.join(KEY));
        if certificate.exists() {
            let text = std::fs::read_to_string(&certificate)?;
            let certificate = Certificate::from_pem(&text)?.into_iter().next();
            let certificate = certificate.context("the bench CA has no certificate")?;
            let key = KeyPair::from_pem(&std::fs::read_to_string(key)?)?;
            return Ok(Self(Authority::from_parts(certificate, key)?));
        }
        let now = clock::now();
        let validity = Validity {
            not_before: now - YEAR,
            not_after: now + 10 * YEAR,
        };
        let authority = Authority::new(KeyPair::generate(kind)?, "Ordain bench CA", validity)?;
        std::fs::create_dir_all(dir)?;
        std::fs::write(&certificate, authority.certificate().to_pem())?;
        std::fs::write(key, authority.key().to_pem()?)?;
        Ok(Self(authority))
    }

    /// Where its certificate lies: what the server is told to trust.
    pub fn path(dir: &Path) -> std::path::PathBuf {
        dir.join(CERTIFICATE)
    }

    /// Certifies `key` as that of `device`.
    pub fn certify(&self, device: &Device, key: &KeyPair) -> Result<Certificate> {
        let now = clock::now();
        Ok(self.0.issue(&Request {
            public_key: key.public_key(),
            common_name: &device.udid,
            organization: None,
            serial_number: Some(&device.serial),
            usage: Usage::Device,
            validity: Validity {
                not_before: now - 60 * 60,
                not_after: now + YEAR,
            },
        })?)
    }
}
