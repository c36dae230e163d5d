//! A seeded fleet, as it is kept beside the server's data: who the devices are, and what they show.
//!
//! | file | holds |
//! |---|---|
//! | `fleet.json` | how it was made |
//! | `fleet-keys/` | the keys of all devices, dealt out in turn: the server knows certificates only |
//! | `fleet-certificates` | a slot of 640 octets for each device, with its certificate in DER |

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ordain_catalog::Platform;
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};
use ordain_server::api::Policy;
use ordain_twin::Device;
use ordain_twin::driver::MIX;
use serde::{Deserialize, Serialize};

use crate::ca::Ca;
use crate::message::Client;
use crate::policy::{self, MOST_SITES, Sites};

/// Octets for a certificate; those of devices on P-256 have some 450.
const SLOT: usize = 640;
const KEYS: usize = 256;

/// How a fleet is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The devices.
    pub devices: usize,
    /// The same seed makes the same devices.
    pub seed: u64,
    /// iPhones alone, or a mix of platforms, of which Macs have a user's channel too.
    pub mix: bool,
    /// The groups that the policy deals the devices out to; with one, all devices get the same.
    pub audiences: usize,
    /// How many serial numbers the groups list, those of devices that do not exist included; with none, groups are
    /// by predicate.
    pub listed: usize,
    /// A PostgreSQL URL; SQLite in the same directory otherwise.
    pub database: Option<String>,
}

impl Plan {
    /// The device number `index`.
    pub fn device(&self, index: usize) -> Device {
        let platform = if self.mix {
            MIX.get(index % MIX.len())
        } else {
            None
        };
        Device::new(platform.copied().unwrap_or(Platform::Ios), self.seed, index)
    }

    /// The policy of the fleet; another `edition` changes a declaration that all devices have.
    pub fn policy(&self, edition: u64) -> Policy {
        let sites = match (self.audiences, self.listed) {
            (0 | 1, _) => Sites::None,
            (audiences, 0) => Sites::Predicate(audiences),
            (audiences, listed) => {
                let serials = (0..listed.max(self.devices)).map(|index| self.device(index).serial);
                Sites::Listed(audiences, serials.collect())
            }
        };
        policy::fleet(edition, &sites)
    }
}

/// The files of a fleet.
#[derive(Debug)]
pub struct Fleet {
    /// How it is made.
    pub plan: Plan,
    ca: Ca,
    keys: Vec<KeyPair>,
    certificates: File,
}

/// The key of the fleet's CA: one that signs a million certificates quickly.
const CA: KeyKind = KeyKind::P256;

impl Fleet {
    /// Makes the files of a new fleet in `dir`.
    pub fn create(dir: &Path, plan: Plan) -> Result<Self> {
        let path = dir.join("fleet.json");
        if path.exists() {
            bail!("{}: there is a fleet already", path.display());
        }
        if plan.listed == 0 {
            ensure!(
                plan.audiences <= MOST_SITES,
                "at most {MOST_SITES} audiences, or --listed"
            );
        }
        let ca = Ca::open(dir, CA)?;
        let keys: Vec<KeyPair> = (0..KEYS)
            .map(|_| KeyPair::generate(KeyKind::P256))
            .collect::<Result<_, _>>()?;
        for (number, key) in keys.iter().enumerate() {
            let path = dir.join("fleet-keys");
            std::fs::create_dir_all(&path)?;
            std::fs::write(path.join(format!("{number:03}.pem")), key.to_pem()?)?;
        }
        std::fs::write(&path, serde_json::to_vec_pretty(&plan)?)?;
        Ok(Self {
            plan,
            ca,
            keys,
            certificates: certificates(dir)?,
        })
    }

    /// Opens the fleet in `dir`.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("fleet.json");
        let text = std::fs::read(&path).with_context(|| format!("{}: seed a fleet first", path.display()))?;
        let keys = (0..KEYS).map(|number| {
            let path = dir.join("fleet-keys").join(format!("{number:03}.pem"));
            anyhow::Ok(KeyPair::from_pem(&std::fs::read_to_string(path)?)?)
        });
        Ok(Self {
            plan: serde_json::from_slice(&text)?,
            ca: Ca::open(dir, CA)?,
            keys: keys.collect::<Result<_>>()?,
            certificates: certificates(dir)?,
        })
    }

    /// Certifies the device number `index`, and keeps the certificate.
    pub fn equip(&self, index: usize) -> Result<(Device, Certificate)> {
        let device = self.plan.device(index);
        let certificate = self.ca.certify(&device, self.key(index)?)?;
        let der = certificate.der();
        ensure!(der.len() <= SLOT, "a certificate of {} octets", der.len());
        let mut slot = [0; SLOT];
        slot.get_mut(..der.len()).context("a slot")?.copy_from_slice(der);
        self.certificates.write_all_at(&slot, (index * SLOT) as u64)?;
        Ok((device, certificate))
    }

    /// The device number `index`, which was equipped.
    pub fn client(&self, index: usize) -> Result<Client> {
        let mut slot = [0; SLOT];
        self.certificates
            .read_exact_at(&mut slot, (index * SLOT) as u64)?;
        let [0x30, 0x82, high, low, ..] = slot else {
            bail!("device {index} was not seeded")
        };
        let length = 4 + usize::from(u16::from_be_bytes([high, low]));
        let certificate = Certificate::from_der(slot.get(..length).context("a broken slot")?)?;
        Client::new(&self.plan.device(index), certificate, self.key(index)?.clone())
    }

    fn key(&self, index: usize) -> Result<&KeyPair> {
        self.keys.get(index % KEYS).context("no keys")
    }
}

fn certificates(dir: &Path) -> Result<File> {
    Ok(OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(dir.join("fleet-certificates"))?)
}
