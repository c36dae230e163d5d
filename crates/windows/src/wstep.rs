//! Certificate request and answer, of enrollment and renewal (MS-WSTEP, as MS-MDE2 sections 3.4 and 3.5 use it).

use crate::binary;
use crate::soap::Timestamp;
use crate::soap::security::{BASE64, SECEXT, UTILITY, octets};
use crate::xml::{Element, Error, Writer};

const TRUST: &str = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
const AUTHORIZATION: &str = "http://schemas.xmlsoap.org/ws/2006/12/authorization";
const ENROLLMENT: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment";
const DEVICE_TOKEN: &str =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken";
const PROVISION_DOC: &str =
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc";
const PKCS10: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10";
const PKCS7: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#PKCS7";
/// The name of an older version of the protocol.
const PKCS7_OLD: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS7";

/// `RequestType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestType {
    /// The first certificate.
    Issue,
    /// The next one.
    Renew,
    /// One after the last has expired.
    Recovery,
}

impl RequestType {
    const ALL: [(Self, &'static str); 3] = [
        (
            Self::Issue,
            "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue",
        ),
        (
            Self::Renew,
            "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Renew",
        ),
        (
            Self::Recovery,
            "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Recovery",
        ),
    ];
}

/// What is to be certified, not looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateRequest {
    /// A PKCS#10 request, DER.
    Pkcs10(Vec<u8>),
    /// A PKCS#7 (CMS) message with a PKCS#10 request in it, signed with the key of the certificate that is renewed.
    Pkcs7(Vec<u8>),
}

/// A device asks for a certificate and a provisioning document.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSecurityToken {
    /// First, next, or after the end.
    pub request_type: RequestType,
    /// What is to be certified.
    pub request: CertificateRequest,
    /// What the device says of itself.
    pub context: AdditionalContext,
}

/// What a device says of itself when it enrolls: names and values in its order. Every item is optional, names repeat,
/// and there are always some that nobody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdditionalContext(pub Vec<(String, String)>);

impl AdditionalContext {
    /// The first value of that name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(one, value)| one == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// All values of that name, as `MAC` and `IMEI` have several.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }
}

impl RequestSecurityToken {
    pub(crate) fn read(request: Element<'_>) -> Result<Self, Error> {
        if request.namespace() != TRUST {
            return Err(Error::Value("RequestSecurityToken"));
        }
        if request.text_of("TokenType")? != DEVICE_TOKEN {
            return Err(Error::Value("TokenType"));
        }
        let name = request.text_of("RequestType")?;
        let request_type = RequestType::ALL.into_iter().find(|(_, one)| *one == name);
        let (request_type, _) = request_type.ok_or(Error::Value("RequestType"))?;
        let token = request.need("BinarySecurityToken")?;
        let content = octets(token, "BinarySecurityToken")?;
        let content = match token.attribute("ValueType") {
            Some(PKCS10) => CertificateRequest::Pkcs10(content),
            Some(PKCS7 | PKCS7_OLD) => CertificateRequest::Pkcs7(once_more(content)?),
            _ => return Err(Error::Value("ValueType")),
        };
        let mut context = AdditionalContext::default();
        if let Some(items) = request.find("AdditionalContext")? {
            for item in items.all("ContextItem") {
                let name = item.attribute("Name").ok_or(Error::Missing("Name"))?;
                let value = item.optional_text_of("Value")?.unwrap_or_default();
                context.0.push((name.to_owned(), value));
            }
        }
        Ok(Self {
            request_type,
            request: content,
            context,
        })
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        let namespaces = [
            ("xmlns:wst", TRUST),
            ("xmlns:wsse", SECEXT),
            ("xmlns:ac", AUTHORIZATION),
        ];
        let request_type = RequestType::ALL
            .into_iter()
            .find(|(one, _)| *one == self.request_type);
        let (kind, content) = match &self.request {
            CertificateRequest::Pkcs10(content) => (PKCS10, content),
            CertificateRequest::Pkcs7(content) => (PKCS7, content),
        };
        xml.element("wst:RequestSecurityToken", &namespaces, |xml| {
            xml.text("wst:TokenType", DEVICE_TOKEN);
            xml.optional_text("wst:RequestType", request_type.map(|(_, name)| name));
            let attributes = [("ValueType", kind), ("EncodingType", BASE64)];
            xml.text_with(
                "wsse:BinarySecurityToken",
                &attributes,
                &binary::encode_in_lines(content),
            );
            xml.element("ac:AdditionalContext", &[], |xml| {
                for (name, value) in &self.context.0 {
                    xml.element("ac:ContextItem", &[("Name", name)], |xml| {
                        xml.text("ac:Value", value)
                    });
                }
            });
        });
    }
}

/// \[U\] whether a renewal's content is base64 once or twice: it depends on who started it. DER begins with a
/// SEQUENCE, and no base64 of DER does.
fn once_more(content: Vec<u8>) -> Result<Vec<u8>, Error> {
    const SEQUENCE: Option<&u8> = Some(&0x30);
    if content.first() == SEQUENCE {
        return Ok(content);
    }
    let decoded = binary::decode(&content).filter(|content| content.first() == SEQUENCE);
    decoded.ok_or(Error::Value("BinarySecurityToken"))
}

/// The answer: a provisioning document.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSecurityTokenResponse {
    /// The `Timestamp` of the answer's `Security` header.
    pub timestamp: Timestamp,
    /// The [provisioning document](crate::provisioning), as XML.
    pub document: Vec<u8>,
}

impl RequestSecurityTokenResponse {
    pub(crate) fn read(header: Element<'_>, collection: Element<'_>) -> Result<Self, Error> {
        if collection.namespace() != TRUST {
            return Err(Error::Value("RequestSecurityTokenResponseCollection"));
        }
        let response = collection.need("RequestSecurityTokenResponse")?;
        if response.text_of("TokenType")? != DEVICE_TOKEN {
            return Err(Error::Value("TokenType"));
        }
        let token = response
            .need("RequestedSecurityToken")?
            .need("BinarySecurityToken")?;
        if token.attribute("ValueType") != Some(PROVISION_DOC) {
            return Err(Error::Value("ValueType"));
        }
        Ok(Self {
            timestamp: Timestamp::read(header.need("Security")?)?.ok_or(Error::Missing("Timestamp"))?,
            document: octets(token, "BinarySecurityToken")?,
        })
    }

    pub(crate) fn write_header(&self, xml: &mut Writer) {
        let attributes = [
            ("s:mustUnderstand", "1"),
            ("xmlns:o", SECEXT),
            ("xmlns:u", UTILITY),
        ];
        xml.element("o:Security", &attributes, |xml| {
            self.timestamp.write(xml, &[("u:Id", "_0")])
        });
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.element(
            "RequestSecurityTokenResponseCollection",
            &[("xmlns", TRUST)],
            |xml| {
                xml.element("RequestSecurityTokenResponse", &[], |xml| {
                    xml.text("TokenType", DEVICE_TOKEN);
                    xml.text_with("DispositionMessage", &[("xmlns", ENROLLMENT)], "");
                    xml.element("RequestedSecurityToken", &[], |xml| {
                        let attributes = [
                            ("xmlns", SECEXT),
                            ("ValueType", PROVISION_DOC),
                            ("EncodingType", BASE64),
                        ];
                        xml.text_with(
                            "BinarySecurityToken",
                            &attributes,
                            &binary::encode(&self.document),
                        );
                    });
                    xml.text_with("RequestID", &[("xmlns", ENROLLMENT)], "0");
                });
            },
        );
    }
}
