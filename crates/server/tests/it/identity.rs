//! Certificates, and the ways in which a request shows one.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::cms::{self, Form};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair};

use crate::client::{DIRECT, Manner, PROXY};
use crate::house::{PROXY_HEADER, START};

const YEAR: i64 = 365 * 24 * 60 * 60;

/// A device's certificate and key.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) key: KeyPair,
    pub(crate) certificate: Certificate,
}

impl Identity {
    /// SHA-256 of the certificate, as administrators see it.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(self.certificate.fingerprint())
    }

    /// One of those that openssl made.
    fn fixture(certificate: &str, key: &str) -> Self {
        let mut certificates = Certificate::from_pem(certificate).expect("a fixture");
        Self {
            certificate: certificates.remove(0),
            key: KeyPair::from_pem(key).expect("a fixture"),
        }
    }
}

/// An authority that issues device certificates.
pub(crate) struct Ca(Authority);

/// One that the servers here trust, beside their own.
pub(crate) static TRUSTED: LazyLock<Ca> = LazyLock::new(|| Ca::new("Trusted device CA"));
/// One that they know nothing of.
pub(crate) static STRANGER: LazyLock<Ca> = LazyLock::new(|| Ca::new("Another CA"));
/// Making RSA keys takes long, and the tests that need one can share it.
static RSA: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeyKind::Rsa2048).expect("a key"));

/// The small device CA that openssl made, and identities from it that are X.509 version 1.
pub(crate) const V1_CA: &str = include_str!("fixtures/v1-ca.pem");
pub(crate) static V1_EC: LazyLock<Identity> = LazyLock::new(|| {
    Identity::fixture(
        include_str!("fixtures/v1-ec.pem"),
        include_str!("fixtures/v1-ec.key"),
    )
});
pub(crate) static V1_RSA: LazyLock<Identity> = LazyLock::new(|| {
    Identity::fixture(
        include_str!("fixtures/v1-rsa.pem"),
        include_str!("fixtures/v1-rsa.key"),
    )
});

impl Ca {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate(KeyKind::P256).expect("a key");
        let validity = Validity {
            not_before: START - YEAR,
            not_after: START + 50 * YEAR,
        };
        Self(Authority::new(key, name, validity).expect("an authority"))
    }

    pub(crate) fn from(authority: Authority) -> Self {
        Self(authority)
    }

    pub(crate) fn pem(&self) -> String {
        self.0.certificate().to_pem()
    }

    /// A new identity on P-256.
    pub(crate) fn ec(&self) -> Identity {
        self.issue(KeyPair::generate(KeyKind::P256).expect("a key"), START + YEAR)
    }

    /// A new identity, though not a new key, on RSA.
    pub(crate) fn rsa(&self) -> Identity {
        self.issue(RSA.clone(), START + YEAR)
    }

    /// One that ended a day before the tests begin.
    pub(crate) fn expired(&self) -> Identity {
        self.issue(
            KeyPair::generate(KeyKind::P256).expect("a key"),
            START - 24 * 60 * 60,
        )
    }

    /// An identity that ends at `not_after`.
    pub(crate) fn issue(&self, key: KeyPair, not_after: i64) -> Identity {
        let request = Request {
            public_key: key.public_key(),
            common_name: "a device",
            organization: None,
            serial_number: None,
            usage: Usage::Device,
            validity: Validity {
                not_before: START - YEAR / 2,
                not_after,
            },
        };
        let certificate = self.0.issue(&request).expect("a certificate");
        Identity { key, certificate }
    }
}

/// How a request shows who sends it.
#[derive(Clone, Default)]
pub(crate) struct Proof {
    /// The connection: the certificate of the handshake, and where it comes from.
    pub(crate) manner: Manner,
    /// What the headers show.
    pub(crate) headers: Vec<Shown>,
}

/// One header that shows an identity.
#[derive(Clone)]
pub(crate) enum Shown {
    /// `Mdm-Signature` over the body.
    Signature(Identity, Signing),
    /// `Mdm-Signature` over something else.
    SignatureOver(Identity, &'static [u8]),
    /// The proxy's header as RFC 9440 has it.
    Rfc9440(Identity),
    /// The proxy's header as URL-escaped PEM.
    EscapedPem(Identity),
    /// Any header.
    Raw(&'static str, String),
}

/// The form of a message signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signing {
    pub(crate) attributes: bool,
    /// Indefinite lengths, as OpenSSL streams.
    pub(crate) streamed: bool,
}

pub(crate) const PLAIN: Signing = Signing {
    attributes: true,
    streamed: false,
};

impl Proof {
    /// A TLS client certificate.
    pub(crate) fn tls(identity: &Identity) -> Self {
        let certificate = Some(identity.clone());
        let manner = Manner {
            certificate,
            ..Manner::default()
        };
        Self {
            manner,
            headers: Vec::new(),
        }
    }

    /// Headers, straight from the device.
    pub(crate) fn headers(headers: impl Into<Vec<Shown>>) -> Self {
        Self::from(DIRECT, headers)
    }

    /// Headers, by way of the trusted proxy.
    pub(crate) fn proxied(headers: impl Into<Vec<Shown>>) -> Self {
        Self::from(PROXY, headers)
    }

    fn from(from: std::net::IpAddr, headers: impl Into<Vec<Shown>>) -> Self {
        let manner = Manner {
            from,
            ..Manner::default()
        };
        Self {
            manner,
            headers: headers.into(),
        }
    }

    /// The same, with another header.
    pub(crate) fn and(mut self, shown: Shown) -> Self {
        self.headers.push(shown);
        self
    }
}

impl Shown {
    /// The header for a message.
    pub(crate) fn header(&self, body: &[u8]) -> (String, String) {
        let (name, value) = match self {
            Self::Signature(identity, signing) => ("Mdm-Signature", signature(identity, *signing, body)),
            Self::SignatureOver(identity, other) => ("Mdm-Signature", signature(identity, PLAIN, other)),
            Self::Rfc9440(identity) => {
                let der = STANDARD.encode(identity.certificate.der());
                (PROXY_HEADER, format!(":{der}:"))
            }
            Self::EscapedPem(identity) => (PROXY_HEADER, escaped(&identity.certificate.to_pem())),
            Self::Raw(name, value) => (*name, value.clone()),
        };
        (name.to_owned(), value)
    }
}

fn signature(identity: &Identity, signing: Signing, body: &[u8]) -> String {
    let form = if signing.attributes {
        Form::WithAttributes { at: START }
    } else {
        Form::Bare
    };
    let der = cms::sign_detached(&identity.key, &identity.certificate, body, form).expect("a signature");
    STANDARD.encode(if signing.streamed { streamed(&der) } else { der })
}

/// As in a URL: all but letters and digits.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// A ContentInfo with SignedData as a streaming writer has it: the outer layers of indefinite length.
fn streamed(der: &[u8]) -> Vec<u8> {
    let (_, content_info, _) = element(der);
    let (_, _, after_type) = element(content_info);
    let content_type = &content_info[..content_info.len() - after_type.len()];
    let (_, explicit, _) = element(after_type);
    let (_, mut rest, _) = element(explicit);
    let mut signed_data = Vec::new();
    while !rest.is_empty() {
        let (tag, content, after) = element(rest);
        // Of SignedData's parts, the encapsulated content is the one SEQUENCE.
        if tag == 0x30 {
            signed_data.extend(unbounded(tag, content));
        } else {
            signed_data.extend(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    let explicit = unbounded(0xA0, &unbounded(0x30, &signed_data));
    unbounded(0x30, &[content_type, &explicit].concat())
}

fn unbounded(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

/// The tag and content of the first element, and what comes after it.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (begin, len) = match usize::from(der[1]) {
        short if short < 0x80 => (2, short),
        long => {
            let octets = &der[2..2 + (long & 0x7F)];
            let len = octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet));
            (2 + octets.len(), len)
        }
    };
    (der[0], &der[begin..begin + len], &der[begin + len..])
}
