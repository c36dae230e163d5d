//! The provisioning document that an enrollment or a renewal is answered with: `wap-provisioningdoc`, version 1.1
//! (MS-MDE2 section 2.2.9.1).
//!
//! What is written is what works; what is read is what a careful client lets pass, so that a twin refuses what
//! Windows might. Only what a document says is judged here; whether keys and thumbprints belong to certificates is
//! for who has the keys.

mod application;
mod certificates;
mod dm_client;

#[cfg(test)]
mod tests;

pub use application::{Account, AppAuth, Application, AuthType, SearchCriteria};
pub use certificates::{Certificate, Certificates, Identity, KeyContainer, Renewal, Store};
pub use dm_client::{DmClient, Poll, PollProblem};

use crate::xml::{self, Element, Error, Unwritable, Writer};

/// A provisioning document.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvisioningDocument {
    /// `CertificateStore`.
    pub certificates: Certificates,
    /// `APPLICATION` with `APPID` `w7`: where and how to hold management sessions.
    pub application: Application,
    /// `DMClient`: how often, and what the enrollment is called. A renewal has none.
    pub dm_client: Option<DmClient>,
}

impl ProvisioningDocument {
    /// Reads a document. One with anything but these three, and `RootCATrustedCertificates`, is refused: Windows takes
    /// nothing else at enrollment. That one is allowed, and skipped.
    pub fn parse(octets: &[u8]) -> Result<Self, Error> {
        let document = xml::parse(octets)?;
        let root = Element::root(&document);
        if root.name() != "wap-provisioningdoc" || root.attribute("version") != Some("1.1") {
            return Err(Error::Value("wap-provisioningdoc"));
        }
        for child in root.all("characteristic") {
            match child.attribute("type") {
                Some("CertificateStore" | "APPLICATION" | "DMClient" | "RootCATrustedCertificates") => {}
                _ => return Err(Error::Value("characteristic")),
            }
        }
        let this = Self {
            certificates: Certificates::read(need(root, "CertificateStore")?)?,
            application: Application::read(need(root, "APPLICATION")?)?,
            dm_client: find(root, "DMClient")?.map(DmClient::read).transpose()?,
        };
        match &this.dm_client {
            Some(client) if client.provider_id != this.application.provider_id => {
                Err(Error::Value("PROVIDER-ID"))
            }
            _ => Ok(this),
        }
    }

    /// Writes the document.
    pub fn to_xml(&self) -> Result<Vec<u8>, Unwritable> {
        Writer::document(|xml| {
            xml.element("wap-provisioningdoc", &[("version", "1.1")], |xml| {
                self.certificates.write(xml);
                self.application.write(xml);
                if let Some(client) = &self.dm_client {
                    client.write(xml);
                }
            });
        })
    }
}

/// The `characteristic` of that type in `element`, if there is one.
fn find<'a>(element: Element<'a>, kind: &'static str) -> Result<Option<Element<'a>>, Error> {
    let mut found = element
        .all("characteristic")
        .filter(|child| child.attribute("type") == Some(kind));
    let first = found.next();
    match found.next() {
        Some(_) => Err(Error::Repeated(kind)),
        None => Ok(first),
    }
}

/// The `characteristic` of that type in `element`.
fn need<'a>(element: Element<'a>, kind: &'static str) -> Result<Element<'a>, Error> {
    find(element, kind)?.ok_or(Error::Missing(kind))
}

/// The value of the `parm` of that name in `element`; empty for one that only is there.
fn parm<'a>(element: Element<'a>, name: &'static str) -> Result<Option<&'a str>, Error> {
    let mut found = element
        .all("parm")
        .filter(|child| child.attribute("name") == Some(name));
    let first = found.next();
    match found.next() {
        Some(_) => Err(Error::Repeated(name)),
        None => Ok(first.map(|parm| parm.attribute("value").unwrap_or_default())),
    }
}

/// The same, for one that has to be there with a value.
fn need_parm<'a>(element: Element<'a>, name: &'static str) -> Result<&'a str, Error> {
    let value = parm(element, name)?.ok_or(Error::Missing(name))?;
    if value.is_empty() {
        Err(Error::Value(name))
    } else {
        Ok(value)
    }
}

/// The same, as a number or boolean.
fn value<T: std::str::FromStr>(element: Element<'_>, name: &'static str) -> Result<Option<T>, Error> {
    parm(element, name)?
        .map(|text| text.parse().map_err(|_| Error::Value(name)))
        .transpose()
}

fn characteristic(xml: &mut Writer, kind: &str, content: impl FnOnce(&mut Writer)) {
    xml.element("characteristic", &[("type", kind)], content);
}

fn write_parm(xml: &mut Writer, name: &str, value: &str) {
    xml.empty("parm", &[("name", name), ("value", value)]);
}

fn write_typed(xml: &mut Writer, name: &str, value: &str, datatype: &str) {
    xml.empty(
        "parm",
        &[("name", name), ("value", value), ("datatype", datatype)],
    );
}
