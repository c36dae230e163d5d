//! The SOAP 1.2 envelope that all SOAP messages of an enrollment come in (MS-MDE2 section 3), and what is in it.
//!
//! The envelope of SOAP 1.1 is read, too: a published answer has it.

mod fault;
pub(crate) mod security;
mod signature;

#[cfg(test)]
mod tests;

pub use fault::{Detail, ErrorType, Fault, Subcode};
pub use security::{Security, Timestamp, Token};
pub use signature::Signature;

use signature::Seal;

use crate::discovery::{Discover, DiscoverResponse};
use crate::wstep::{RequestSecurityToken, RequestSecurityTokenResponse};
use crate::xcep::{self, GetPoliciesResponse};
use crate::xml::{self, Element, Error, Unwritable, Writer};

/// `Content-Type`, both ways.
pub const CONTENT_TYPE: &str = "application/soap+xml; charset=utf-8";

const ENVELOPE: &str = "http://www.w3.org/2003/05/soap-envelope";
const ENVELOPE_1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";
const DIAGNOSTICS: &str = "http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics";
const MUST_UNDERSTAND: (&str, &str) = ("s:mustUnderstand", "1");

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Which way to enroll, and where.
    Discover,
    /// What the certificate request is to be like.
    GetPolicies,
    /// A certificate and a provisioning document, at enrollment or renewal.
    RequestSecurityToken,
}

impl Operation {
    const ALL: [Self; 3] = [Self::Discover, Self::GetPolicies, Self::RequestSecurityToken];

    /// `Action` of the request.
    pub fn action(self) -> &'static str {
        match self {
            Self::Discover => {
                "http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/Discover"
            }
            Self::GetPolicies => {
                "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies"
            }
            Self::RequestSecurityToken => {
                "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"
            }
        }
    }

    /// `Action` of the answer, a fault included.
    pub fn response_action(self) -> &'static str {
        match self {
            Self::Discover => {
                "http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/DiscoverResponse"
            }
            Self::GetPolicies => {
                "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPoliciesResponse"
            }
            Self::RequestSecurityToken => {
                "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep"
            }
        }
    }
}

/// A message of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `MessageID`, which the answer repeats as it is.
    pub message_id: String,
    /// `To`: where the device believes to send it.
    pub to: Option<String>,
    /// The `Security` header. Discovery has none; \[U\] whether an automatic renewal has one.
    pub security: Option<Security>,
    /// What it asks.
    pub body: RequestBody,
}

/// The body of a device's message.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestBody {
    /// [`Operation::Discover`].
    Discover(Discover),
    /// [`Operation::GetPolicies`]. What it holds is ignored.
    GetPolicies,
    /// [`Operation::RequestSecurityToken`].
    RequestSecurityToken(RequestSecurityToken),
}

/// A request that cannot be answered but with a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Unreadable {
    /// `MessageID`, if it could be read: the fault relates to it.
    pub message_id: Option<String>,
    /// What the fault is to say: [`Subcode::InvalidSecurity`] or [`Subcode::MessageFormat`].
    pub subcode: Subcode,
    /// What is wrong.
    pub error: Error,
}

impl Request {
    /// Reads a request.
    pub fn parse(octets: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |message_id: Option<&String>, subcode, error| Unreadable {
            message_id: message_id.cloned(),
            subcode,
            error,
        };
        let malformed = |error| unreadable(None, Subcode::MessageFormat, error);
        let document = xml::parse(octets).map_err(malformed)?;
        let (header, body) = open(&document).map_err(malformed)?;
        let header = header.ok_or(malformed(Error::Missing("Header")))?;
        let message_id = header.text_of("MessageID").map_err(malformed)?;
        let security = Security::read(header)
            .map_err(|error| unreadable(Some(&message_id), Subcode::InvalidSecurity, error))?;
        let rest = || -> Result<_, Error> {
            let body = RequestBody::read(body)?;
            // Redundant, so a device that leaves it out is not refused for that.
            let action = header.optional_text_of("Action")?;
            if action.is_some_and(|action| action != body.operation().action()) {
                return Err(Error::Value("Action"));
            }
            Ok((header.optional_text_of("To")?, body))
        };
        let (to, body) =
            rest().map_err(|error| unreadable(Some(&message_id), Subcode::MessageFormat, error))?;
        Ok(Self {
            message_id,
            to,
            security,
            body,
        })
    }

    /// The request as a device sends it, without a signature.
    pub fn to_xml(&self) -> Result<Vec<u8>, Unwritable> {
        self.write(None)
    }

    /// The request with a signature by the key of its certificate: `sign` is given octets, and has to sign them by RSA
    /// PKCS#1 v1.5 with SHA-256. [`Unwritable`] also if it cannot, or if the token is no certificate.
    pub fn to_signed_xml(&self, sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Result<Vec<u8>, Unwritable> {
        match self
            .security
            .as_ref()
            .and_then(|security| security.token.as_ref())
        {
            Some(Token::Certificate { .. }) => {
                let seal = Seal::over(&self.to_xml()?, sign)?;
                self.write(Some(&seal))
            }
            _ => Err(Unwritable),
        }
    }

    fn write(&self, seal: Option<&Seal>) -> Result<Vec<u8>, Unwritable> {
        envelope(|xml| {
            xml.element("s:Header", &[], |xml| {
                xml.text_with("a:Action", &[MUST_UNDERSTAND], self.body.operation().action());
                xml.text("a:MessageID", &self.message_id);
                xml.element("a:ReplyTo", &[], |xml| xml.text("a:Address", ANONYMOUS));
                if let Some(to) = &self.to {
                    xml.text_with("a:To", &[MUST_UNDERSTAND], to);
                }
                if let Some(security) = &self.security {
                    security.write(xml, seal);
                }
            });
            xml.element("s:Body", &[], |xml| match &self.body {
                RequestBody::Discover(discover) => discover.write(xml),
                RequestBody::GetPolicies => xcep::write_request(xml),
                RequestBody::RequestSecurityToken(request) => request.write(xml),
            });
        })
    }
}

impl RequestBody {
    /// What is asked for.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Discover(_) => Operation::Discover,
            Self::GetPolicies => Operation::GetPolicies,
            Self::RequestSecurityToken(_) => Operation::RequestSecurityToken,
        }
    }

    fn read(content: Element<'_>) -> Result<Self, Error> {
        match content.name() {
            "Discover" => Discover::read(content).map(Self::Discover),
            "GetPolicies" => xcep::read_request(content).map(|()| Self::GetPolicies),
            "RequestSecurityToken" => RequestSecurityToken::read(content).map(Self::RequestSecurityToken),
            _ => Err(Error::Value("Body")),
        }
    }
}

/// An answer of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// `RelatesTo`: the request's `MessageID`, unless that was unreadable.
    pub relates_to: Option<String>,
    /// `ActivityId`, for finding the exchange in logs: a GUID.
    pub activity_id: Option<String>,
    /// What it answers.
    pub body: ResponseBody,
}

/// The body of a server's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseBody {
    /// To [`Operation::Discover`].
    Discover(DiscoverResponse),
    /// To [`Operation::GetPolicies`].
    GetPolicies(GetPoliciesResponse),
    /// To [`Operation::RequestSecurityToken`].
    RequestSecurityToken(RequestSecurityTokenResponse),
    /// A refusal of the operation.
    Fault(Operation, Fault),
}

impl Response {
    /// Reads an answer.
    pub fn parse(octets: &[u8]) -> Result<Self, Error> {
        let document = xml::parse(octets)?;
        let (header, content) = open(&document)?;
        let header = header.ok_or(Error::Missing("Header"))?;
        let action = header.text_of("Action")?;
        let operation = Operation::ALL
            .into_iter()
            .find(|operation| operation.response_action() == action);
        let operation = operation.ok_or(Error::Value("Action"))?;
        let body = match (content.name(), operation) {
            ("Fault", operation) => ResponseBody::Fault(operation, Fault::read(content)?),
            ("DiscoverResponse", Operation::Discover) => {
                ResponseBody::Discover(DiscoverResponse::read(content)?)
            }
            ("GetPoliciesResponse", Operation::GetPolicies) => {
                ResponseBody::GetPolicies(GetPoliciesResponse::read(content)?)
            }
            ("RequestSecurityTokenResponseCollection", Operation::RequestSecurityToken) => {
                ResponseBody::RequestSecurityToken(RequestSecurityTokenResponse::read(header, content)?)
            }
            _ => return Err(Error::Value("Body")),
        };
        Ok(Self {
            relates_to: header.optional_text_of("RelatesTo")?,
            activity_id: header.optional_text_of("ActivityId")?,
            body,
        })
    }

    /// The answer as a server sends it.
    pub fn to_xml(&self) -> Result<Vec<u8>, Unwritable> {
        envelope(|xml| {
            xml.element("s:Header", &[], |xml| {
                let action = self.body.operation().response_action();
                xml.text_with("a:Action", &[MUST_UNDERSTAND], action);
                if let Some(id) = &self.activity_id {
                    xml.text_with("ActivityId", &[("CorrelationId", id), ("xmlns", DIAGNOSTICS)], id);
                }
                xml.optional_text("a:RelatesTo", self.relates_to.as_deref());
                if let ResponseBody::RequestSecurityToken(response) = &self.body {
                    response.write_header(xml);
                }
            });
            xml.element("s:Body", &[], |xml| match &self.body {
                ResponseBody::Discover(response) => response.write(xml),
                ResponseBody::GetPolicies(response) => response.write(xml),
                ResponseBody::RequestSecurityToken(response) => response.write(xml),
                ResponseBody::Fault(_, fault) => fault.write(xml),
            });
        })
    }
}

impl ResponseBody {
    /// What is answered.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Discover(_) => Operation::Discover,
            Self::GetPolicies(_) => Operation::GetPolicies,
            Self::RequestSecurityToken(_) => Operation::RequestSecurityToken,
            Self::Fault(operation, _) => *operation,
        }
    }
}

/// The header, if there is one, and the one element of the body.
fn open<'a>(document: &'a roxmltree::Document<'a>) -> Result<(Option<Element<'a>>, Element<'a>), Error> {
    let envelope = Element::root(document);
    if envelope.name() != "Envelope" || ![ENVELOPE, ENVELOPE_1_1].contains(&envelope.namespace()) {
        return Err(Error::Value("Envelope"));
    }
    let mut content = envelope.need("Body")?.children();
    match (content.next(), content.next()) {
        (Some(element), None) => Ok((envelope.find("Header")?, element)),
        _ => Err(Error::Value("Body")),
    }
}

fn envelope(content: impl FnOnce(&mut Writer)) -> Result<Vec<u8>, Unwritable> {
    let namespaces = [("xmlns:s", ENVELOPE), ("xmlns:a", ADDRESSING)];
    Writer::document(|xml| xml.element("s:Envelope", &namespaces, content))
}
