//! `APPLICATION` `w7`: the account with which a device holds management sessions.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::binary;
use crate::secret::Secret;
use crate::xml::{Element, Error, Writer};

use super::{Store, characteristic, need_parm, parm, value, write_parm};

/// `APPLICATION`. Its names are case-sensitive.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// `PROVIDER-ID`: the management server's name, in ASCII; the same wherever it is named.
    pub provider_id: String,
    /// The rest, which a renewal leaves as it is. (A renewal may have `APPID`; that says nothing more.)
    pub account: Option<Account>,
}

/// Where and how to hold management sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// `NAME`, which the settings show.
    pub name: String,
    /// `ADDR`: the URL of the sessions.
    pub address: String,
    /// `CONNRETRYFREQ`: how often a connection is tried; 3 if not said.
    pub connection_retries: Option<u32>,
    /// `INITIALBACKOFFTIME`, in milliseconds; 16,000 if not said.
    pub initial_backoff: Option<u64>,
    /// `MAXBACKOFFTIME`, in milliseconds; 86,400,000 if not said.
    pub max_backoff: Option<u64>,
    /// `BACKCOMPATRETRYDISABLED`: a first message that failed is not sent again in an older protocol.
    pub no_older_protocol: bool,
    /// `USEHWDEVID`: sessions are under the hardware's identifier, not one of the account.
    pub hardware_id: bool,
    /// `SSLCLIENTCERTSEARCHCRITERIA`: which certificate to show.
    pub client_certificate: SearchCriteria,
    /// How the device knows the server: `APPAUTH` of `AAUTHLEVEL` `CLIENT`.
    pub server_proof: AppAuth,
    /// How the server knows the device, where TLS does not tell: `APPAUTH` of `AAUTHLEVEL` `APPSRV`.
    pub device_proof: AppAuth,
}

/// Which client certificate to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchCriteria {
    /// The subject, exactly as in the certificate.
    pub subject: String,
    /// Whose store it is in.
    pub store: Store,
}

/// What one side shows to the other in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppAuth {
    /// `AAUTHTYPE`.
    pub kind: AuthType,
    /// `AAUTHNAME`.
    pub name: Option<String>,
    /// `AAUTHSECRET`.
    pub secret: Secret,
    /// `AAUTHDATA`: the first nonce.
    pub nonce: Option<Vec<u8>>,
}

/// `AAUTHTYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    /// Name and secret.
    Basic,
    /// MD5 over name, secret and nonce.
    Digest,
}

/// What is neither letter nor digit is escaped, but for what URLs never escape.
const SUBJECT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl SearchCriteria {
    fn parse(text: &str) -> Option<Self> {
        let (mut subject, mut store) = (None, None);
        for field in text.split('&') {
            let (name, value) = field.split_once('=')?;
            let value = percent_decode_str(value).decode_utf8().ok()?.into_owned();
            let place = match name {
                "Subject" => &mut subject,
                "Stores" => &mut store,
                _ => return None,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let store = store?;
        let store = [Store::User, Store::System]
            .into_iter()
            .find(|one| format!("My\\{}", one.as_str()).eq_ignore_ascii_case(&store))?;
        Some(Self {
            subject: subject?,
            store,
        })
    }

    fn text(&self) -> String {
        let subject = utf8_percent_encode(&self.subject, SUBJECT);
        format!("Subject={subject}&Stores=My%5C{}", self.store.as_str())
    }
}

impl Application {
    pub(super) fn read(application: Element<'_>) -> Result<Self, Error> {
        let provider_id = need_parm(application, "PROVIDER-ID")?.to_owned();
        // What has no address is a renewal.
        if parm(application, "ADDR")?.is_none() {
            return Ok(Self {
                provider_id,
                account: None,
            });
        }
        if need_parm(application, "APPID")? != "w7" {
            return Err(Error::Value("APPID"));
        }
        if parm(application, "ROLE")?.is_some() {
            // Only the client itself sets it.
            return Err(Error::Value("ROLE"));
        }
        if parm(application, "DEFAULTENCODING")?
            .is_some_and(|encoding| encoding != crate::syncml::CONTENT_TYPE)
        {
            return Err(Error::Value("DEFAULTENCODING"));
        }
        let criteria = need_parm(application, "SSLCLIENTCERTSEARCHCRITERIA")?;
        let server_proof = AppAuth::read(application, "CLIENT")?;
        if server_proof.kind != AuthType::Digest {
            return Err(Error::Value("AAUTHTYPE"));
        }
        let account = Account {
            name: need_parm(application, "NAME")?.to_owned(),
            address: need_parm(application, "ADDR")?.to_owned(),
            connection_retries: value(application, "CONNRETRYFREQ")?,
            initial_backoff: value(application, "INITIALBACKOFFTIME")?,
            max_backoff: value(application, "MAXBACKOFFTIME")?,
            no_older_protocol: parm(application, "BACKCOMPATRETRYDISABLED")?.is_some(),
            hardware_id: parm(application, "USEHWDEVID")?.is_some(),
            client_certificate: SearchCriteria::parse(criteria)
                .ok_or(Error::Value("SSLCLIENTCERTSEARCHCRITERIA"))?,
            server_proof,
            device_proof: AppAuth::read(application, "APPSRV")?,
        };
        Ok(Self {
            provider_id,
            account: Some(account),
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        characteristic(xml, "APPLICATION", |xml| {
            if self.account.is_some() {
                write_parm(xml, "APPID", "w7");
            }
            write_parm(xml, "PROVIDER-ID", &self.provider_id);
            if let Some(account) = &self.account {
                account.write(xml);
            }
        });
    }
}

impl Account {
    fn write(&self, xml: &mut Writer) {
        write_parm(xml, "NAME", &self.name);
        write_parm(xml, "ADDR", &self.address);
        let numbers = [
            ("CONNRETRYFREQ", self.connection_retries.map(u64::from)),
            ("INITIALBACKOFFTIME", self.initial_backoff),
            ("MAXBACKOFFTIME", self.max_backoff),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                write_parm(xml, name, &number.to_string());
            }
        }
        for (name, there) in [
            ("BACKCOMPATRETRYDISABLED", self.no_older_protocol),
            ("USEHWDEVID", self.hardware_id),
        ] {
            if there {
                xml.empty("parm", &[("name", name)]);
            }
        }
        write_parm(xml, "DEFAULTENCODING", crate::syncml::CONTENT_TYPE);
        write_parm(
            xml,
            "SSLCLIENTCERTSEARCHCRITERIA",
            &self.client_certificate.text(),
        );
        self.server_proof.write(xml, "CLIENT");
        self.device_proof.write(xml, "APPSRV");
    }
}

impl AppAuth {
    fn read(application: Element<'_>, level: &'static str) -> Result<Self, Error> {
        let mut found = None;
        for child in application.all("characteristic") {
            if child.attribute("type") == Some("APPAUTH")
                && parm(child, "AAUTHLEVEL")? == Some(level)
                && found.replace(child).is_some()
            {
                return Err(Error::Repeated(level));
            }
        }
        let auth = found.ok_or(Error::Missing(level))?;
        let kind = match need_parm(auth, "AAUTHTYPE")? {
            "DIGEST" => AuthType::Digest,
            "BASIC" => AuthType::Basic,
            _ => return Err(Error::Value("AAUTHTYPE")),
        };
        let nonce = parm(auth, "AAUTHDATA")?;
        let nonce = nonce.map(|text| binary::decode(text.as_bytes()).ok_or(Error::Value("AAUTHDATA")));
        Ok(Self {
            kind,
            name: parm(auth, "AAUTHNAME")?.map(str::to_owned),
            secret: Secret::new(need_parm(auth, "AAUTHSECRET")?),
            nonce: nonce.transpose()?,
        })
    }

    fn write(&self, xml: &mut Writer, level: &str) {
        characteristic(xml, "APPAUTH", |xml| {
            write_parm(xml, "AAUTHLEVEL", level);
            let kind = match self.kind {
                AuthType::Basic => "BASIC",
                AuthType::Digest => "DIGEST",
            };
            write_parm(xml, "AAUTHTYPE", kind);
            if let Some(name) = &self.name {
                write_parm(xml, "AAUTHNAME", name);
            }
            write_parm(xml, "AAUTHSECRET", self.secret.expose());
            if let Some(nonce) = &self.nonce {
                write_parm(xml, "AAUTHDATA", &binary::encode(nonce));
            }
        });
    }
}
