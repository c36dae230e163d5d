//! The certificate policy: what the request for a certificate is to be like (MS-XCEP, as MS-MDE2 section 3.3 uses it).

use crate::xml::{Element, Error, Writer};

const POLICY: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
const NIL: &[(&str, &str)] = &[("xsi:nil", "true")];
/// How the policy refers to its hash algorithm; any number would do.
const HASH_REFERENCE: &str = "0";
/// The group of object identifiers that hash algorithms are in.
const HASH_GROUP: &str = "1";

/// What the policy asks of a certificate request.
#[derive(Debug, Clone, PartialEq)]
pub struct GetPoliciesResponse {
    /// `policyID`: any text.
    pub policy_id: String,
    /// `commonName`: any text.
    pub common_name: String,
    /// `validityPeriodSeconds` of the certificates.
    pub validity_seconds: u64,
    /// `renewalPeriodSeconds`: how long before its end a certificate may be renewed.
    pub renewal_seconds: u64,
    /// `minimalKeyLength`, in bits.
    pub minimal_key_length: u32,
    /// `cryptoProviders`: where to keep the key, the best first; empty leaves it to the device.
    pub crypto_providers: Vec<String>,
    /// The hash algorithm for the request.
    pub hash: HashAlgorithm,
}

/// A hash algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashAlgorithm {
    /// `value`: its object identifier, with points.
    pub oid: String,
    /// `defaultName`.
    pub name: String,
}

impl HashAlgorithm {
    /// SHA-256.
    pub fn sha256() -> Self {
        Self {
            oid: "2.16.840.1.101.3.4.2.1".to_owned(),
            name: "szOID_NIST_sha256".to_owned(),
        }
    }
}

pub(crate) fn read_request(request: Element<'_>) -> Result<(), Error> {
    if request.namespace() == POLICY {
        Ok(())
    } else {
        Err(Error::Value("GetPolicies"))
    }
}

pub(crate) fn write_request(xml: &mut Writer) {
    xml.element(
        "GetPolicies",
        &[("xmlns", POLICY), ("xmlns:xsi", INSTANCE)],
        |xml| {
            xml.element("client", &[], |xml| {
                xml.empty("lastUpdate", NIL);
                xml.empty("preferredLanguage", NIL);
            });
            xml.empty("requestFilter", NIL);
        },
    );
}

/// Refuses a sequence that lacks elements: the schema wants even those that say nothing.
fn complete(element: Element<'_>, names: &[&'static str]) -> Result<(), Error> {
    names.iter().try_for_each(|name| element.need(name).map(drop))
}

impl GetPoliciesResponse {
    pub(crate) fn read(root: Element<'_>) -> Result<Self, Error> {
        if root.namespace() != POLICY {
            return Err(Error::Value("GetPoliciesResponse"));
        }
        complete(root, &["cAs"])?;
        let response = root.need("response")?;
        complete(
            response,
            &["policyFriendlyName", "nextUpdateHours", "policiesNotChanged"],
        )?;
        let policy = response.need("policies")?.need("policy")?;
        complete(policy, &["policyOIDReference", "cAs"])?;
        let attributes = policy.need("attributes")?;
        complete(attributes, &["permission", "revision"])?;
        complete(
            attributes,
            &["supersededPolicies", "privateKeyFlags", "subjectNameFlags"],
        )?;
        complete(attributes, &["enrollmentFlags", "generalFlags", "rARequirements"])?;
        complete(attributes, &["keyArchivalAttributes", "extensions"])?;
        if attributes.text_of("policySchema")? != "3" {
            return Err(Error::Value("policySchema"));
        }
        let validity = attributes.need("certificateValidity")?;
        let key = attributes.need("privateKeyAttributes")?;
        complete(
            key,
            &[
                "keySpec",
                "keyUsageProperty",
                "permissions",
                "algorithmOIDReference",
            ],
        )?;
        let providers = key.need("cryptoProviders")?.all("provider");
        let providers =
            providers.map(|provider| provider.text("provider").map(|text| text.trim_ascii().to_owned()));
        let reference = attributes.text_of("hashAlgorithmOIDReference")?;
        Ok(Self {
            policy_id: response.text_of("policyID")?,
            common_name: attributes.text_of("commonName")?,
            validity_seconds: validity.value_of("validityPeriodSeconds")?,
            renewal_seconds: validity.value_of("renewalPeriodSeconds")?,
            minimal_key_length: key.value_of("minimalKeyLength")?,
            crypto_providers: providers.collect::<Result<_, _>>()?,
            hash: HashAlgorithm::read(root.need("oIDs")?, &reference)?,
        })
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.element(
            "GetPoliciesResponse",
            &[("xmlns", POLICY), ("xmlns:xsi", INSTANCE)],
            |xml| {
                xml.element("response", &[], |xml| {
                    xml.text("policyID", &self.policy_id);
                    nil(
                        xml,
                        &["policyFriendlyName", "nextUpdateHours", "policiesNotChanged"],
                    );
                    xml.element("policies", &[], |xml| {
                        xml.element("policy", &[], |xml| {
                            xml.text("policyOIDReference", "0");
                            nil(xml, &["cAs"]);
                            xml.element("attributes", &[], |xml| self.write_attributes(xml));
                        });
                    });
                });
                nil(xml, &["cAs"]);
                xml.element("oIDs", &[], |xml| {
                    xml.element("oID", &[], |xml| {
                        xml.text("value", &self.hash.oid);
                        xml.text("group", HASH_GROUP);
                        xml.text("oIDReferenceID", HASH_REFERENCE);
                        xml.text("defaultName", &self.hash.name);
                    });
                });
            },
        );
    }

    fn write_attributes(&self, xml: &mut Writer) {
        xml.text("commonName", &self.common_name);
        xml.text("policySchema", "3");
        xml.element("certificateValidity", &[], |xml| {
            xml.text("validityPeriodSeconds", &self.validity_seconds.to_string());
            xml.text("renewalPeriodSeconds", &self.renewal_seconds.to_string());
        });
        xml.element("permission", &[], |xml| {
            xml.text("enroll", "true");
            xml.text("autoEnroll", "false");
        });
        xml.element("privateKeyAttributes", &[], |xml| {
            xml.text("minimalKeyLength", &self.minimal_key_length.to_string());
            nil(
                xml,
                &[
                    "keySpec",
                    "keyUsageProperty",
                    "permissions",
                    "algorithmOIDReference",
                ],
            );
            if self.crypto_providers.is_empty() {
                nil(xml, &["cryptoProviders"]);
            } else {
                xml.element("cryptoProviders", &[], |xml| {
                    for provider in &self.crypto_providers {
                        xml.text("provider", provider);
                    }
                });
            }
        });
        xml.element("revision", &[], |xml| {
            xml.text("majorRevision", "101");
            xml.text("minorRevision", "0");
        });
        nil(
            xml,
            &["supersededPolicies", "privateKeyFlags", "subjectNameFlags"],
        );
        nil(xml, &["enrollmentFlags", "generalFlags"]);
        xml.text("hashAlgorithmOIDReference", HASH_REFERENCE);
        nil(xml, &["rARequirements", "keyArchivalAttributes", "extensions"]);
    }
}

impl HashAlgorithm {
    fn read(oids: Element<'_>, reference: &str) -> Result<Self, Error> {
        for oid in oids.all("oID") {
            // The group is not looked at: servers that put a hash into the group of signatures enroll devices as well.
            if oid.text_of("oIDReferenceID")? == reference {
                return Ok(Self {
                    oid: oid.text_of("value")?,
                    name: oid.text_of("defaultName")?,
                });
            }
        }
        Err(Error::Value("hashAlgorithmOIDReference"))
    }
}

fn nil(xml: &mut Writer, names: &[&str]) {
    for name in names {
        xml.empty(name, NIL);
    }
}
