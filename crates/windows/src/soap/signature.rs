//! The signature by which a device proves that a certificate is its own: enveloped, over the whole message (XML
//! Signature; MS-MDE2, certificate authentication).
//!
//! One form of signatures is read, and all else is refused: one reference, to the whole message; no transforms but the
//! enveloped signature, which may be followed by Exclusive XML Canonicalization; SHA-256; RSA PKCS#1 v1.5. What is
//! signed is what is read, since all of the message is but the signature itself, of which nothing else is read.

#[cfg(test)]
mod tests;

use ordain_model::ids::Digest;

use super::security::{CERTIFICATE_ID, octets};
use crate::binary;
use crate::xml::{self, Declarations, Element, Error, Unwritable, Writer};

const NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Exclusive XML Canonicalization, as algorithm and as namespace.
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const X509: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509";
/// The most prefixes of an `InclusiveNamespaces`.
const MAX_INCLUSIVE: usize = xml::MAX_PREFIXES;

/// A signature over the message that it was read from: that its digest is the message's was seen when it was read.
/// It proves the key of the certificate that [`Signature::value`] belongs to, and that is for the caller to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The canonical `SignedInfo`: what the key has signed.
    pub signed_info: Vec<u8>,
    /// `SignatureValue`: RSA PKCS#1 v1.5 with SHA-256, not verified.
    pub value: Vec<u8>,
}

impl Signature {
    /// Reads a signature, and sees that it is over the whole message. Which token `KeyInfo` leads to is not read: the
    /// published one leads nowhere, and there is only one token.
    pub(super) fn read(signature: Element<'_>) -> Result<Self, Error> {
        if signature.count_in_document("Signature", NAMESPACE) > 1 {
            return Err(Error::Repeated("Signature"));
        }
        check(
            signature,
            "Signature",
            &["SignedInfo", "SignatureValue", "KeyInfo"],
        )?;
        let info = signature.need("SignedInfo")?;
        check(
            info,
            "SignedInfo",
            &["CanonicalizationMethod", "SignatureMethod", "Reference"],
        )?;
        let canonicalization = exclusive(info.need("CanonicalizationMethod")?)?;
        algorithm(info.need("SignatureMethod")?, RSA_SHA256)?;
        let reference = info.need("Reference")?;
        check(
            reference,
            "Reference",
            &["Transforms", "DigestMethod", "DigestValue"],
        )?;
        // The whole message, and nothing less.
        if reference.attribute("URI") != Some("") {
            return Err(Error::Value("Reference"));
        }
        algorithm(reference.need("DigestMethod")?, SHA256)?;
        let digest = octets(reference.need("DigestValue")?, "DigestValue")?;
        let mut is_message = false;
        for declarations in forms(reference.need("Transforms")?)? {
            let message = xml::canonical_without(signature, &declarations)?;
            is_message |= Digest::of(&message).0[..] == digest[..];
        }
        if !is_message {
            return Err(Error::Value("DigestValue"));
        }
        Ok(Self {
            signed_info: xml::canonical(info, &canonicalization)?,
            value: octets(signature.need("SignatureValue")?, "SignatureValue")?,
        })
    }
}

/// Refuses elements in `element` that are not of these, and namespaces that are not the signature's own.
fn check(element: Element<'_>, what: &'static str, known: &[&str]) -> Result<(), Error> {
    let is_known = |child: Element<'_>| child.namespace() == NAMESPACE && known.contains(&child.name());
    match element.namespace() == NAMESPACE && element.children().all(is_known) {
        true => Ok(()),
        false => Err(Error::Value(what)),
    }
}

/// Refuses another algorithm, and parameters of it.
fn algorithm(method: Element<'_>, name: &str) -> Result<(), Error> {
    match method.attribute("Algorithm") == Some(name) && method.children().next().is_none() {
        true => Ok(()),
        false => Err(Error::Value("Algorithm")),
    }
}

/// Refuses an algorithm that is not Exclusive XML Canonicalization, and reads its parameters.
fn exclusive(method: Element<'_>) -> Result<Declarations, Error> {
    if method.attribute("Algorithm") != Some(EXCLUSIVE) {
        return Err(Error::Value("Algorithm"));
    }
    let mut parameters = method.children();
    let list = match (parameters.next(), parameters.next()) {
        (None, _) => "",
        (Some(list), None) if list.name() == "InclusiveNamespaces" && list.namespace() == EXCLUSIVE => {
            list.attribute("PrefixList").unwrap_or_default()
        }
        _ => return Err(Error::Value("InclusiveNamespaces")),
    };
    let prefixes = list.split_ascii_whitespace().map(|prefix| match prefix {
        "#default" => String::new(),
        prefix => prefix.to_owned(),
    });
    let besides: Vec<_> = prefixes.take(MAX_INCLUSIVE + 1).collect();
    if besides.len() > MAX_INCLUSIVE {
        return Err(Error::Refused("that many prefixes"));
    }
    Ok(Declarations::Used { besides })
}

/// The canonical forms that the digest may be of.
fn forms(transforms: Element<'_>) -> Result<Vec<Declarations>, Error> {
    check(transforms, "Transforms", &["Transform"])?;
    let mut transforms = transforms.children();
    algorithm(transforms.next().ok_or(Error::Missing("Transform"))?, ENVELOPED)?;
    match (transforms.next(), transforms.next()) {
        // [U]: XML Signature has Canonical XML for a message that no transform makes octets of, and the published
        // sample has no other transform than this one, but names exclusive canonicalization for all else. Both are
        // forms of the same message, and of no other.
        (None, _) => {
            let exclusive = Declarations::Used { besides: Vec::new() };
            Ok(vec![Declarations::All, exclusive])
        }
        (Some(transform), None) => Ok(vec![exclusive(transform)?]),
        _ => Err(Error::Value("Transforms")),
    }
}

/// A signature that is being written.
pub(super) struct Seal {
    digest: [u8; 32],
    value: Vec<u8>,
}

impl Seal {
    /// Signs `message`, which has no signature in it yet.
    pub(super) fn over(
        message: &[u8],
        sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Self, Unwritable> {
        let canonical = |octets: &[u8], declarations| {
            let document = xml::parse(octets).map_err(|_| Unwritable)?;
            xml::canonical(Element::root(&document), declarations).map_err(|_| Unwritable)
        };
        let Digest(digest) = Digest::of(&canonical(message, &Declarations::All)?);
        let info = Writer::document(|xml| write_info(xml, &[("xmlns:ds", NAMESPACE)], &digest))?;
        let info = canonical(&info, &Declarations::Used { besides: Vec::new() })?;
        Ok(Self {
            value: sign(&info).ok_or(Unwritable)?,
            digest,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        xml.element("ds:Signature", &[("xmlns:ds", NAMESPACE)], |xml| {
            write_info(xml, &[], &self.digest);
            xml.text("ds:SignatureValue", &binary::encode(&self.value));
            xml.element("ds:KeyInfo", &[], |xml| {
                xml.element("wsse:SecurityTokenReference", &[], |xml| {
                    let uri = format!("#{CERTIFICATE_ID}");
                    xml.empty("wsse:Reference", &[("URI", &uri), ("ValueType", X509)]);
                });
            });
        });
    }
}

/// `SignedInfo`, in the form that is published.
fn write_info(xml: &mut Writer, attributes: &[(&str, &str)], digest: &[u8]) {
    let algorithm = |xml: &mut Writer, element: &str, name: &str| xml.empty(element, &[("Algorithm", name)]);
    xml.element("ds:SignedInfo", attributes, |xml| {
        algorithm(xml, "ds:CanonicalizationMethod", EXCLUSIVE);
        algorithm(xml, "ds:SignatureMethod", RSA_SHA256);
        xml.element("ds:Reference", &[("URI", "")], |xml| {
            xml.element("ds:Transforms", &[], |xml| {
                algorithm(xml, "ds:Transform", ENVELOPED)
            });
            algorithm(xml, "ds:DigestMethod", SHA256);
            xml.text("ds:DigestValue", &binary::encode(digest));
        });
    });
}
