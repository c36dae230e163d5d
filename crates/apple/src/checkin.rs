//! Check-in messages, as devices send them to the CheckInURL, and the answers that have a body.

use ordain_catalog::Platform;
use ordain_model::device::DeviceFacts;

use crate::ids::Ids;
use crate::plist::{self, Dictionary, Error, optional, optional_text, required_text};

/// The longest push, unlock or bootstrap token, in octets. Real ones have some kilobytes at most.
pub const MAX_TOKEN: usize = 64 << 10;

/// A check-in message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Which channel sent it.
    pub ids: Ids,
    /// What it says.
    pub check_in: CheckIn,
}

/// What a check-in message says: its `MessageType` and the keys that go with it.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckIn {
    /// The device enrolls.
    Authenticate {
        /// `Topic` of the push certificate.
        topic: String,
        /// What the device says of itself.
        facts: DeviceFacts,
    },
    /// How the channel can be pushed to. The first one completes the enrollment.
    TokenUpdate {
        /// `Topic` of the push certificate.
        topic: String,
        /// `PushMagic`, the content of a push.
        push_magic: String,
        /// `Token`, the address of a push.
        token: Vec<u8>,
        /// `UnlockToken`, which clears the passcode. A message without one revokes no earlier one.
        unlock_token: Option<Vec<u8>>,
        /// `AwaitingConfiguration`: Setup Assistant waits to be let go on.
        awaiting_configuration: bool,
    },
    /// The enrollment profile was removed.
    CheckOut {
        /// `Topic` of the push certificate.
        topic: String,
    },
    /// A network or mobile user logs in at a Mac and offers to be managed.
    UserAuthenticate,
    /// Escrow of the bootstrap token; `None` deletes it.
    SetBootstrapToken(Option<Vec<u8>>),
    /// Asks for the escrowed bootstrap token.
    GetBootstrapToken,
    /// A DDM request.
    DeclarativeManagement {
        /// `Endpoint`, not yet parsed: one that is none of [`crate::ddm::Endpoint`] is an unknown resource, not an
        /// unreadable message.
        endpoint: String,
        /// `Data`: the body, for the endpoint `status`.
        data: Option<Vec<u8>>,
    },
    /// A `MessageType` that is not understood.
    Unknown(String),
}

impl Message {
    /// Reads a message. The error says what is wrong with it; the answer is 400.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut whole = plist::parse(body)?;
        let message = &whole;
        let ids = Ids::read(message)?;
        let text = |key| required_text(message, key).map(str::to_owned);
        let check_in = match required_text(message, "MessageType")? {
            "Authenticate" => CheckIn::Authenticate {
                topic: text("Topic")?,
                facts: facts(message, &ids)?,
            },
            "TokenUpdate" => CheckIn::TokenUpdate {
                topic: text("Topic")?,
                push_magic: text("PushMagic")?,
                token: token(message, "Token")?.ok_or(Error::Missing("Token"))?,
                unlock_token: token(message, "UnlockToken")?,
                awaiting_configuration: optional(message, "AwaitingConfiguration")?.unwrap_or(false),
            },
            "CheckOut" => CheckIn::CheckOut {
                topic: text("Topic")?,
            },
            "UserAuthenticate" => CheckIn::UserAuthenticate,
            "SetBootstrapToken" => CheckIn::SetBootstrapToken(token(message, "BootstrapToken")?),
            "GetBootstrapToken" => CheckIn::GetBootstrapToken,
            "DeclarativeManagement" => {
                let endpoint = text("Endpoint")?;
                optional::<&[u8]>(message, "Data")?;
                // Reports are large, so they are moved.
                let data = whole.remove("Data").and_then(plist::Value::into_data);
                CheckIn::DeclarativeManagement { endpoint, data }
            }
            other => CheckIn::Unknown(other.to_owned()),
        };
        Ok(Self { ids, check_in })
    }

    /// The message as a device sends it.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut message = Dictionary::new();
        message.insert("MessageType".to_owned(), self.check_in.message_type().into());
        self.ids.write(&mut message);
        self.check_in.write(&mut message);
        plist::to_xml(message)
    }
}

impl CheckIn {
    /// `MessageType`.
    pub fn message_type(&self) -> &str {
        match self {
            Self::Authenticate { .. } => "Authenticate",
            Self::TokenUpdate { .. } => "TokenUpdate",
            Self::CheckOut { .. } => "CheckOut",
            Self::UserAuthenticate => "UserAuthenticate",
            Self::SetBootstrapToken(_) => "SetBootstrapToken",
            Self::GetBootstrapToken => "GetBootstrapToken",
            Self::DeclarativeManagement { .. } => "DeclarativeManagement",
            Self::Unknown(message_type) => message_type,
        }
    }

    fn write(&self, message: &mut Dictionary) {
        let mut insert = |key: &str, value: plist::Value| message.insert(key.to_owned(), value);
        match self {
            Self::Authenticate { topic, facts } => {
                insert("Topic", topic.as_str().into());
                for (key, value) in [
                    ("SerialNumber", facts.serial.clone()),
                    ("DeviceName", facts.name.clone()),
                    ("ProductName", facts.model.clone()),
                    ("OSVersion", facts.os_version.map(|version| version.to_string())),
                    ("BuildVersion", facts.build.clone()),
                ] {
                    if let Some(value) = value {
                        insert(key, value.into());
                    }
                }
            }
            Self::TokenUpdate {
                topic,
                push_magic,
                token,
                unlock_token,
                awaiting_configuration,
            } => {
                insert("Topic", topic.as_str().into());
                insert("PushMagic", push_magic.as_str().into());
                insert("Token", plist::Value::Data(token.clone()));
                if let Some(unlock_token) = unlock_token {
                    insert("UnlockToken", plist::Value::Data(unlock_token.clone()));
                }
                if *awaiting_configuration {
                    insert("AwaitingConfiguration", true.into());
                }
            }
            Self::CheckOut { topic } => {
                insert("Topic", topic.as_str().into());
            }
            Self::SetBootstrapToken(token) => {
                if let Some(token) = token {
                    insert("BootstrapToken", plist::Value::Data(token.clone()));
                }
            }
            Self::DeclarativeManagement { endpoint, data } => {
                insert("Endpoint", endpoint.as_str().into());
                if let Some(data) = data {
                    insert("Data", plist::Value::Data(data.clone()));
                }
            }
            Self::UserAuthenticate | Self::GetBootstrapToken | Self::Unknown(_) => {}
        }
    }
}

/// The data of `key` within [`MAX_TOKEN`]. Empty data counts as none.
fn token(message: &Dictionary, key: &'static str) -> Result<Option<Vec<u8>>, Error> {
    match optional::<&[u8]>(message, key)? {
        Some(data) if data.len() > MAX_TOKEN => Err(Error::NotAllowed(key)),
        data => Ok(data.filter(|data| !data.is_empty()).map(<[u8]>::to_vec)),
    }
}

fn facts(message: &Dictionary, ids: &Ids) -> Result<DeviceFacts, Error> {
    let text = |key| optional_text(message, key);
    let (product, model, model_name) = (text("ProductName")?, text("Model")?, text("ModelName")?);
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Ok(DeviceFacts {
        serial: owned(text("SerialNumber")?),
        udid: owned(ids.udid()),
        name: owned(text("DeviceName")?),
        model: owned(product.or(model)),
        // `Model` is a part number on some systems, which tells nothing.
        platform: [product, model, model_name]
            .into_iter()
            .flatten()
            .find_map(Platform::from_model),
        os_version: text("OSVersion")?.and_then(|version| version.parse().ok()),
        build: owned(text("BuildVersion")?),
        // The message has it beside what it says of the device.
        topic: None,
        supervised: None,
        windows: None,
    })
}

/// The answer to GetBootstrapToken. Without a token it is an empty dictionary.
pub fn bootstrap_token(token: Option<&[u8]>) -> Vec<u8> {
    let token = token.map(|token| ("BootstrapToken".to_owned(), plist::Value::Data(token.to_vec())));
    plist::to_xml(token.into_iter().collect())
}

/// Reads the answer to GetBootstrapToken, as a device does: missing or empty means that there is none.
pub fn parse_bootstrap_token(body: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    token(&plist::parse(body)?, "BootstrapToken")
}

#[cfg(test)]
pub(crate) mod tests;
