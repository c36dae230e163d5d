//! `SyncHdr`: from whom, to whom, in which session.

use crate::xml::{Element, Error, Writer};

use super::Meta;
use super::credential::Cred;

/// `SyncHdr` of protocol version `DM/1.2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// `SessionID`: the device's choice, decimal or hexadecimal; the server repeats it as it is.
    pub session_id: String,
    /// `MsgID`: from 1 on, each end counts its own.
    pub message_id: u32,
    /// `Target`: the server's URL, or the device.
    pub target: Location,
    /// `Source`: the other one.
    pub source: Location,
    /// `RespURI`: where to send the answer, if not to the source.
    pub response_uri: Option<String>,
    /// `NoResp`: nothing in the message is to be answered.
    pub no_response: bool,
    /// `Cred`.
    pub credential: Option<Cred>,
    /// `Meta`: `MaxMsgSize` and `MaxObjSize`. Devices ignore the server's.
    pub meta: Meta,
}

/// Somebody's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// `LocURI`.
    pub uri: String,
    /// `LocName`: of a device, the user.
    pub name: Option<String>,
}

impl Location {
    /// An address without name.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: None,
        }
    }

    pub(super) fn read(location: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            uri: location.text_of("LocURI")?,
            name: location.optional_text_of("LocName")?,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer, name: &str) {
        xml.element(name, &[], |xml| {
            xml.text("LocURI", &self.uri);
            xml.optional_text("LocName", self.name.as_deref());
        });
    }
}

impl Header {
    pub(super) fn read(header: Element<'_>) -> Result<Self, Error> {
        if header.text_of("VerDTD")? != "1.2" {
            return Err(Error::Value("VerDTD"));
        }
        if header.text_of("VerProto")? != "DM/1.2" {
            return Err(Error::Value("VerProto"));
        }
        let message_id = header.value_of("MsgID")?;
        if message_id == 0 {
            return Err(Error::Value("MsgID"));
        }
        let session_id = header.text_of("SessionID")?;
        if session_id.is_empty() {
            return Err(Error::Value("SessionID"));
        }
        Ok(Self {
            session_id,
            message_id,
            target: Location::read(header.need("Target")?)?,
            source: Location::read(header.need("Source")?)?,
            response_uri: header.optional_text_of("RespURI")?,
            no_response: header.find("NoResp")?.is_some(),
            credential: header.find("Cred")?.map(Cred::read).transpose()?,
            meta: Meta::of(header)?,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        xml.element("SyncHdr", &[], |xml| {
            xml.text("VerDTD", "1.2");
            xml.text("VerProto", "DM/1.2");
            xml.text("SessionID", &self.session_id);
            xml.text("MsgID", &self.message_id.to_string());
            self.target.write(xml, "Target");
            self.source.write(xml, "Source");
            xml.optional_text("RespURI", self.response_uri.as_deref());
            if self.no_response {
                xml.empty("NoResp", &[]);
            }
            if let Some(credential) = &self.credential {
                credential.write(xml);
            }
            self.meta.write(xml);
        });
    }
}
