//! The documents of declarative device management, status reports excepted: endpoints, tokens, declaration items,
//! declarations. Reading them is for twins, which refuse what breaks Apple's rules.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use ordain_catalog::Kind;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::json;

/// The longest DeclarationsToken, in octets.
pub const MAX_DECLARATIONS_TOKEN: usize = 256;
/// The longest identifier or ServerToken of a declaration, in octets.
pub const MAX_IDENTIFIER: usize = 64;

/// What a device asks for: `Endpoint` of a DeclarativeManagement check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `tokens`: whether there is something new.
    Tokens,
    /// `declaration-items`: the manifest.
    DeclarationItems,
    /// `declaration/<kind>/<identifier>`: one declaration.
    Declaration {
        /// The second segment.
        kind: Kind,
        /// All after the second slash, as it is: neither is it decoded nor are further slashes separators.
        identifier: String,
    },
    /// `status`: a status report follows.
    Status,
}

/// An endpoint that DDM does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an endpoint of declarative management")]
pub struct UnknownEndpoint;

impl FromStr for Endpoint {
    type Err = UnknownEndpoint;

    fn from_str(text: &str) -> Result<Self, UnknownEndpoint> {
        match text {
            "tokens" => return Ok(Self::Tokens),
            "declaration-items" => return Ok(Self::DeclarationItems),
            "status" => return Ok(Self::Status),
            _ => {}
        }
        let path = text.strip_prefix("declaration/").ok_or(UnknownEndpoint)?;
        let (kind, identifier) = path.split_once('/').ok_or(UnknownEndpoint)?;
        let kind = kind.parse().map_err(|_| UnknownEndpoint)?;
        if identifier.is_empty() {
            return Err(UnknownEndpoint);
        }
        Ok(Self::Declaration {
            kind,
            identifier: identifier.to_owned(),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens => f.write_str("tokens"),
            Self::DeclarationItems => f.write_str("declaration-items"),
            Self::Declaration { kind, identifier } => write!(f, "declaration/{kind}/{identifier}"),
            Self::Status => f.write_str("status"),
        }
    }
}

/// Why a twin does not take what a server answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not a JSON object within bounds.
    #[error(transparent)]
    Json(#[from] json::Error),
    /// A required key is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value is of another type.
    #[error("{key} is not {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What its value should be, with the article.
        expected: &'static str,
    },
    /// A text is empty or too long, or a timestamp has another form.
    #[error("{0} has a value that is not allowed")]
    NotAllowed(&'static str),
    /// A declaration has more than its four keys.
    #[error("a declaration has keys beside Type, Identifier, ServerToken and Payload")]
    UnknownKeys,
}

/// The answer to `tokens`, and the data of the DeclarativeManagement command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensResponse {
    /// `Timestamp`, in unix seconds: when this set of tokens was made. Devices keep the newest.
    pub timestamp: i64,
    /// `DeclarationsToken`, at most [`MAX_DECLARATIONS_TOKEN`] octets.
    pub declarations_token: String,
}

impl TokensResponse {
    /// The response as JSON. A time before 1970 is written as 1970, one that four digits cannot express as the last
    /// that they can.
    pub fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Response<'a> {
            sync_tokens: SyncTokens<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct SyncTokens<'a> {
            timestamp: String,
            declarations_token: &'a str,
        }
        let timestamp = Timestamp::from_second(self.timestamp.max(0))
            .unwrap_or(LAST)
            .to_string();
        let sync_tokens = SyncTokens {
            timestamp,
            declarations_token: &self.declarations_token,
        };
        to_json(&Response { sync_tokens })
    }

    /// Reads a response.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let response = json::object_without_duplicates(body)?;
        let tokens = object(&response, "SyncTokens")?;
        let timestamp = text(tokens, "Timestamp", MAX_DECLARATIONS_TOKEN)?;
        let parsed: Timestamp = timestamp
            .parse()
            .map_err(|_| Malformed::NotAllowed("Timestamp"))?;
        // Whatever else names an instant, such as an offset, comes out otherwise than it went in, or longer.
        if parsed.to_string() != timestamp || timestamp.len() != "YYYY-MM-DDThh:mm:ssZ".len() {
            return Err(Malformed::NotAllowed("Timestamp"));
        }
        Ok(Self {
            timestamp: parsed.as_second(),
            declarations_token: text(tokens, "DeclarationsToken", MAX_DECLARATIONS_TOKEN)?.to_owned(),
        })
    }
}

/// The last whole second that [`Timestamp`] knows.
const LAST: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// The answer to `declaration-items`: what the device should hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeclarationItems {
    /// `Declarations`.
    pub declarations: Items,
    /// `DeclarationsToken`, at most [`MAX_DECLARATIONS_TOKEN`] octets.
    pub declarations_token: String,
}

/// The declarations of each kind. All four arrays are always written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Items {
    /// `Activations`.
    pub activations: Vec<Item>,
    /// `Assets`.
    pub assets: Vec<Item>,
    /// `Configurations`.
    pub configurations: Vec<Item>,
    /// `Management`.
    pub management: Vec<Item>,
}

/// One declaration of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    /// `Identifier`, at most [`MAX_IDENTIFIER`] octets.
    pub identifier: String,
    /// `ServerToken`: its revision, at most [`MAX_IDENTIFIER`] octets.
    pub server_token: String,
}

impl Items {
    /// The array of a kind.
    pub fn of(&self, kind: Kind) -> &[Item] {
        match kind {
            Kind::Activation => &self.activations,
            Kind::Asset => &self.assets,
            Kind::Configuration => &self.configurations,
            Kind::Management => &self.management,
        }
    }

    /// The array of a kind, to be filled.
    pub fn of_mut(&mut self, kind: Kind) -> &mut Vec<Item> {
        match kind {
            Kind::Activation => &mut self.activations,
            Kind::Asset => &mut self.assets,
            Kind::Configuration => &mut self.configurations,
            Kind::Management => &mut self.management,
        }
    }
}

impl DeclarationItems {
    /// The manifest as JSON, items in their order.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }

    /// Reads a manifest.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let response = json::object_without_duplicates(body)?;
        let declarations = object(&response, "Declarations")?;
        let mut items = Items::default();
        for &kind in Kind::ALL {
            let key = kind.manifest_key();
            let array = field(declarations, key)?.as_array().ok_or(Malformed::WrongType {
                key,
                expected: "an array",
            })?;
            for item in array {
                let item = item.as_object().ok_or(Malformed::WrongType {
                    key,
                    expected: "an array of objects",
                })?;
                items.of_mut(kind).push(Item {
                    identifier: text(item, "Identifier", MAX_IDENTIFIER)?.to_owned(),
                    server_token: text(item, "ServerToken", MAX_IDENTIFIER)?.to_owned(),
                });
            }
        }
        let declarations_token = text(&response, "DeclarationsToken", MAX_DECLARATIONS_TOKEN)?.to_owned();
        Ok(Self {
            declarations: items,
            declarations_token,
        })
    }
}

/// A declaration as a device fetches it: exactly four keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// `Type`.
    pub type_name: String,
    /// `Identifier`, at most [`MAX_IDENTIFIER`] octets.
    pub identifier: String,
    /// `ServerToken`, at most [`MAX_IDENTIFIER`] octets.
    pub server_token: String,
    /// `Payload`.
    pub payload: Map<String, Value>,
}

impl Declaration {
    /// Reads a declaration.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let declaration = json::object_without_duplicates(body)?;
        let parsed = Self {
            type_name: text(&declaration, "Type", json::MAX_OCTETS)?.to_owned(),
            identifier: text(&declaration, "Identifier", MAX_IDENTIFIER)?.to_owned(),
            server_token: text(&declaration, "ServerToken", MAX_IDENTIFIER)?.to_owned(),
            payload: object(&declaration, "Payload")?.clone(),
        };
        if declaration.len() == 4 {
            Ok(parsed)
        } else {
            Err(Malformed::UnknownKeys)
        }
    }
}

/// Structures of texts and arrays, which always can be written.
fn to_json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}

fn field<'a>(object: &'a Map<String, Value>, key: &'static str) -> Result<&'a Value, Malformed> {
    object.get(key).ok_or(Malformed::Missing(key))
}

fn object<'a>(
    parent: &'a Map<String, Value>,
    key: &'static str,
) -> Result<&'a Map<String, Value>, Malformed> {
    field(parent, key)?.as_object().ok_or(Malformed::WrongType {
        key,
        expected: "an object",
    })
}

fn text<'a>(parent: &'a Map<String, Value>, key: &'static str, longest: usize) -> Result<&'a str, Malformed> {
    let text = field(parent, key)?.as_str().ok_or(Malformed::WrongType {
        key,
        expected: "a string",
    })?;
    if text.is_empty() || text.len() > longest {
        Err(Malformed::NotAllowed(key))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
