//! `CertificateStore`: whom the device trusts, what it is, and when it renews that.

use crate::binary;
use crate::xml::{Element, Error, Writer};

use super::{characteristic, find, need, parm, value, write_parm, write_typed};

/// `CertificateStore`.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificates {
    /// `Root/System`: the CA. A renewal has none if the device knows it.
    pub root: Option<Certificate>,
    /// `CA/System`: the intermediate CA, if there is one. \[U\]: documents also name the store of the device's own
    /// certificate for it; this is where Windows keeps intermediates.
    pub intermediate: Option<Certificate>,
    /// `My`: the device's own certificate.
    pub identity: Identity,
    /// `My/WSTEP/Renew`. A renewal leaves it as it is.
    pub renewal: Option<Renewal>,
}

/// A certificate, below its thumbprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-1 of the certificate, in upper-case hexadecimal.
    pub thumbprint: String,
    /// The certificate, DER.
    pub der: Vec<u8>,
}

/// The device's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose store it is in.
    pub store: Store,
    /// The certificate.
    pub certificate: Certificate,
    /// Where the key that waits for it is bound to it.
    pub key_container: KeyContainer,
}

/// Whose store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The user's, for `EnrollmentType` `Full`.
    User,
    /// The device's, for `EnrollmentType` `Device`.
    System,
}

impl Store {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::System => "System",
        }
    }
}

/// Where `PrivateKeyContainer` is. \[U\] which of them Windows wants: published documents of enrollments have it
/// beside, that of a renewal has it inside, and servers of either kind work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyContainer {
    /// Beside the thumbprint.
    Beside,
    /// In it.
    Inside,
}

/// How a device renews its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// `RenewPeriod`: how many days before the end it begins to try; 1 to 1000.
    pub period: u16,
    /// `RetryInterval`: how many days are between attempts; 1 to 1000, and not more than the period.
    pub retry_interval: u16,
    /// `ServerURL`: where, if not where it enrolled.
    pub server_url: Option<String>,
}

impl Certificates {
    pub(super) fn read(store: Element<'_>) -> Result<Self, Error> {
        let my = need(store, "My")?;
        let identity = match (find(my, "User")?, find(my, "System")?) {
            (Some(user), None) => Identity::read(user, Store::User)?,
            (None, Some(system)) => Identity::read(system, Store::System)?,
            (Some(_), Some(_)) => return Err(Error::Repeated("My")),
            (None, None) => return Err(Error::Missing("My/User")),
        };
        let renewal = find(my, "WSTEP")?.map(|wstep| need(wstep, "Renew")).transpose()?;
        Ok(Self {
            root: authority(store, "Root")?,
            intermediate: authority(store, "CA")?,
            identity,
            renewal: renewal.map(Renewal::read).transpose()?,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        characteristic(xml, "CertificateStore", |xml| {
            for (name, certificate) in [("Root", &self.root), ("CA", &self.intermediate)] {
                if let Some(certificate) = certificate {
                    characteristic(xml, name, |xml| {
                        characteristic(xml, "System", |xml| certificate.write(xml, |_| {}));
                    });
                }
            }
            characteristic(xml, "My", |xml| {
                self.identity.write(xml);
                if let Some(renewal) = &self.renewal {
                    characteristic(xml, "WSTEP", |xml| renewal.write(xml));
                }
            });
        });
    }
}

/// The one certificate in the system's part of the store of that name.
fn authority(store: Element<'_>, name: &'static str) -> Result<Option<Certificate>, Error> {
    let Some(found) = find(store, name)? else {
        return Ok(None);
    };
    let mut inside = need(found, "System")?.all("characteristic");
    match (inside.next(), inside.next()) {
        (Some(certificate), None) => Certificate::read(certificate).map(Some),
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Error::Repeated(name)),
    }
}

impl Certificate {
    fn read(element: Element<'_>) -> Result<Self, Error> {
        let thumbprint = element.attribute("type").unwrap_or_default();
        if thumbprint.len() != 40 || !thumbprint.bytes().all(|c| matches!(c, b'0'..=b'9' | b'A'..=b'F')) {
            return Err(Error::Value("thumbprint"));
        }
        let der = parm(element, "EncodedCertificate")?.ok_or(Error::Missing("EncodedCertificate"))?;
        // Unlike elsewhere, no line feeds here.
        let der = Some(der).filter(|text| !text.contains(|c: char| c.is_ascii_whitespace()));
        let der = der.and_then(|text| binary::decode(text.as_bytes()));
        Ok(Self {
            thumbprint: thumbprint.to_owned(),
            der: der.ok_or(Error::Value("EncodedCertificate"))?,
        })
    }

    fn write(&self, xml: &mut Writer, more: impl FnOnce(&mut Writer)) {
        characteristic(xml, &self.thumbprint, |xml| {
            write_parm(xml, "EncodedCertificate", &binary::encode(&self.der));
            more(xml);
        });
    }
}

const KEY_CONTAINER: &str = "PrivateKeyContainer";

impl Identity {
    fn read(store: Element<'_>, which: Store) -> Result<Self, Error> {
        let beside = find(store, KEY_CONTAINER)?;
        let mut certificates = store
            .all("characteristic")
            .filter(|child| child.attribute("type") != Some(KEY_CONTAINER));
        let certificate = certificates.next().ok_or(Error::Missing("thumbprint"))?;
        if certificates.next().is_some() {
            return Err(Error::Repeated("thumbprint"));
        }
        let key_container = match (beside, find(certificate, KEY_CONTAINER)?) {
            (Some(_), None) => KeyContainer::Beside,
            (None, Some(_)) => KeyContainer::Inside,
            (Some(_), Some(_)) => return Err(Error::Repeated(KEY_CONTAINER)),
            (None, None) => return Err(Error::Missing(KEY_CONTAINER)),
        };
        Ok(Self {
            store: which,
            certificate: Certificate::read(certificate)?,
            key_container,
        })
    }

    fn write(&self, xml: &mut Writer) {
        let container = |xml: &mut Writer, place| {
            if self.key_container == place {
                xml.empty("characteristic", &[("type", KEY_CONTAINER)]);
            }
        };
        characteristic(xml, self.store.as_str(), |xml| {
            self.certificate
                .write(xml, |xml| container(xml, KeyContainer::Inside));
            container(xml, KeyContainer::Beside);
        });
    }
}

impl Renewal {
    fn read(renew: Element<'_>) -> Result<Self, Error> {
        if parm(renew, "ROBOSupport")? != Some("true") {
            return Err(Error::Value("ROBOSupport"));
        }
        let days = |name, default| match value(renew, name)? {
            None => Ok(default),
            Some(days @ 1..=1000) => Ok(days),
            Some(_) => Err(Error::Value(name)),
        };
        let (period, retry_interval) = (days("RenewPeriod", 42)?, days("RetryInterval", 7)?);
        if retry_interval > period {
            return Err(Error::Value("RetryInterval"));
        }
        Ok(Self {
            period,
            retry_interval,
            server_url: parm(renew, "ServerURL")?.map(str::to_owned),
        })
    }

    fn write(&self, xml: &mut Writer) {
        characteristic(xml, "Renew", |xml| {
            write_typed(xml, "ROBOSupport", "true", "boolean");
            write_typed(xml, "RenewPeriod", &self.period.to_string(), "integer");
            write_typed(xml, "RetryInterval", &self.retry_interval.to_string(), "integer");
            if let Some(url) = &self.server_url {
                write_typed(xml, "ServerURL", url, "string");
            }
        });
    }
}
