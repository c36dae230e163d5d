//! The `Security` header: who wants to enroll (WS-Security, and its profiles for user names and X.509; MS-MDE2
//! section 3.2).

use jiff::Timestamp as Instant;

use super::signature::{Seal, Signature};
use crate::binary;
use crate::secret::Secret;
use crate::xml::{Element, Error, Writer};

pub(crate) const SECEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
pub(crate) const UTILITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
pub(crate) const BASE64: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary";
const PASSWORD_TEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";
const USER_TOKEN: &str =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const X509_V3: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";

/// The identifiers of the tokens. Published messages have constants here, too, and nothing depends on them.
const USERNAME_TOKEN_ID: &str = "uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4";
pub(super) const CERTIFICATE_ID: &str = "uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-1";

/// The `Security` header of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Security {
    /// For how long the sender means it.
    pub timestamp: Option<Timestamp>,
    /// What it shows. A renewal, which its TLS certificate and its signed content authenticate, may show nothing.
    pub token: Option<Token>,
}

/// What a device shows for its user or itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// `OnPremise`: a `UsernameToken` with the password in clear.
    Username {
        /// E-mail address, or `DOMAIN\user`.
        username: String,
        /// May be empty in a renewal.
        password: Secret,
    },
    /// `Federated`: what the sign-in page put into `wresult`.
    User(Secret),
    /// A JSON web token of Entra, not verified.
    Jwt(Secret),
    /// `Certificate`: a client certificate, and the signature by its key over the message.
    Certificate {
        /// DER.
        certificate: Vec<u8>,
        /// Proof that the sender has the key, once its value is verified; without it, a certificate proves nothing.
        /// It is of the message that was read, so it is not written: [`super::Request::to_signed_xml`] makes another.
        signature: Option<Signature>,
    },
}

/// `Timestamp`: unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// `Created`.
    pub created: i64,
    /// `Expires`.
    pub expires: i64,
}

impl Security {
    /// Reads the header, if there is one.
    pub(super) fn read(header: Element<'_>) -> Result<Option<Self>, Error> {
        let Some(security) = header.find("Security")? else {
            return Ok(None);
        };
        let username = security.find("UsernameToken")?;
        let binary = security.find("BinarySecurityToken")?;
        let token = match (username, binary) {
            (Some(_), Some(_)) => return Err(Error::Repeated("a token")),
            (Some(token), None) => Some(Token::Username {
                username: token.text_of("Username")?,
                password: password(token)?,
            }),
            (None, Some(token)) => Some(Token::read(token, security.find("Signature")?)?),
            (None, None) => None,
        };
        Ok(Some(Self {
            timestamp: Timestamp::read(security)?,
            token,
        }))
    }

    pub(super) fn write(&self, xml: &mut Writer, seal: Option<&Seal>) {
        let attributes = [
            super::MUST_UNDERSTAND,
            ("xmlns:wsse", SECEXT),
            ("xmlns:u", UTILITY),
        ];
        xml.element("wsse:Security", &attributes, |xml| {
            if let Some(timestamp) = &self.timestamp {
                timestamp.write(xml, &[]);
            }
            if let Some(token) = &self.token {
                token.write(xml);
            }
            if let Some(seal) = seal {
                seal.write(xml);
            }
        });
    }
}

fn password(token: Element<'_>) -> Result<Secret, Error> {
    match token.find("Password")? {
        // White space may be part of it.
        Some(password) => Ok(Secret::new(password.text("Password")?)),
        None => Ok(Secret::new("")),
    }
}

impl Token {
    fn read(token: Element<'_>, signature: Option<Element<'_>>) -> Result<Self, Error> {
        let content = octets(token, "BinarySecurityToken")?;
        let text = |content| {
            String::from_utf8(content)
                .map(Secret::new)
                .map_err(|_| Error::Value("BinarySecurityToken"))
        };
        match (token.attribute("ValueType"), signature) {
            // A published request shows a signed certificate under the user token's name.
            (Some(X509_V3 | USER_TOKEN), Some(signature)) => Ok(Self::Certificate {
                certificate: content,
                signature: Some(Signature::read(signature)?),
            }),
            (Some(X509_V3), None) => Ok(Self::Certificate {
                certificate: content,
                signature: None,
            }),
            (Some(USER_TOKEN), None) => text(content).map(Self::User),
            (Some(JWT), _) => text(content).map(Self::Jwt),
            _ => Err(Error::Value("ValueType")),
        }
    }

    fn write(&self, xml: &mut Writer) {
        let binary = |xml: &mut Writer, id: Option<&str>, kind: &str, content: &[u8]| {
            let types = [("ValueType", kind), ("EncodingType", BASE64)];
            let attributes: Vec<_> = id.map(|id| ("u:Id", id)).into_iter().chain(types).collect();
            xml.text_with("wsse:BinarySecurityToken", &attributes, &binary::encode(content));
        };
        match self {
            Self::Username { username, password } => {
                xml.element("wsse:UsernameToken", &[("u:Id", USERNAME_TOKEN_ID)], |xml| {
                    xml.text("wsse:Username", username);
                    xml.text_with(
                        "wsse:Password",
                        &[("wsse:Type", PASSWORD_TEXT)],
                        password.expose(),
                    );
                });
            }
            Self::User(token) => binary(xml, None, USER_TOKEN, token.expose().as_bytes()),
            Self::Jwt(token) => binary(xml, None, JWT, token.expose().as_bytes()),
            Self::Certificate { certificate, .. } => {
                binary(xml, Some(CERTIFICATE_ID), X509_V3, certificate);
            }
        }
    }
}

impl Timestamp {
    /// Reads the one of a `Security` header, if there is one.
    pub(crate) fn read(security: Element<'_>) -> Result<Option<Self>, Error> {
        let Some(timestamp) = security.find("Timestamp")? else {
            return Ok(None);
        };
        let seconds = |name| timestamp.value_of::<Instant>(name).map(Instant::as_second);
        Ok(Some(Self {
            created: seconds("Created")?,
            expires: seconds("Expires")?,
        }))
    }

    /// Writes it, with attributes of its own.
    pub(crate) fn write(&self, xml: &mut Writer, attributes: &[(&str, &str)]) {
        xml.element("u:Timestamp", attributes, |xml| {
            for (name, second) in [("u:Created", self.created), ("u:Expires", self.expires)] {
                // Milliseconds, as in every published message. Years of other than four digits are another format.
                match Instant::from_second(second) {
                    Ok(at) if (0..=9999).contains(&at.to_zoned(jiff::tz::TimeZone::UTC).year()) => {
                        xml.text(name, &at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string());
                    }
                    _ => xml.give_up(),
                }
            }
        });
    }
}

/// Base64 content.
pub(crate) fn octets(element: Element<'_>, what: &'static str) -> Result<Vec<u8>, Error> {
    binary::decode(element.text(what)?.as_bytes()).ok_or(Error::Value(what))
}
