//! `assets/`: assets whose data lies in the policy.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ordain_catalog::Kind;
use ordain_model::canonical;
use ordain_model::ids::Digest;

use crate::compile::{ASSETS, Compiler};
use crate::declaration::{Declared, Draft, payload};
use crate::directory;
use crate::fields::{Fields, Text};
use crate::placement;
use crate::problem::{Place, Problems, quoted};
use crate::tree::{self, Node, Syntax, Value};
use crate::validation::credential_of;

/// The one asset type whose payload is the data itself.
const INLINE_TYPE: &str = "com.apple.asset.useridentity";
/// The data of the other credentials are JSON.
const CERTIFICATE_TYPE: &str = "com.apple.asset.credential.certificate";
const CREDENTIAL_PREFIX: &str = "com.apple.asset.credential.";

impl<'c> Compiler<'c> {
    /// Reads a file of `assets/`.
    pub(crate) fn read_asset(&mut self, file: &Node) -> Option<Draft<'c>> {
        const KEYS: [&str; 7] = [
            "Type",
            "Identifier",
            "file",
            "data",
            "Payload",
            "content-type",
            "authentication",
        ];
        let fields = Fields::of(file, &[&KEYS[..], &placement::KEYS].concat(), &mut self.problems)?;
        let declared = self.asset_type(fields);
        let placement = placement::read(fields, declared.as_ref(), &mut self.problems);
        let sources: Vec<&str> = ["file", "data", "Payload"]
            .into_iter()
            .filter(|key| fields.get(key).is_some())
            .collect();
        let content = match sources.as_slice() {
            ["Payload"] => self
                .plain_payload(fields)
                .map(|payload| (payload, BTreeSet::new())),
            ["file" | "data"] => declared
                .as_ref()
                .and_then(|declared| self.referring_payload(fields, declared.name())),
            _ => {
                let message = "an asset needs exactly one of `file`, `data` and `Payload`";
                self.problems.error(fields.place(), message);
                None
            }
        };
        let has_payload = content.is_some();
        let identifier = self.identifier(fields)?;
        let (payload, downloads) =
            content.unwrap_or_else(|| (Node::made(fields.place(), []), BTreeSet::new()));
        Some(Draft {
            identifier: identifier.text.to_owned(),
            place: identifier.place,
            type_place: fields.get("Type").map_or(fields.place(), |name| name.place),
            declared,
            payload,
            has_payload,
            carried: Vec::new(),
            placement,
            when: None,
            references: BTreeSet::new(),
            downloads,
        })
    }

    fn asset_type(&mut self, fields: Fields<'_>) -> Option<Declared<'c>> {
        let declared = self.declared(fields)?;
        if declared.kind() != Kind::Asset {
            let place = fields.get("Type").map_or(fields.place(), |name| name.place);
            let message = format!(
                "{} is a type of {}s; they go into declarations/",
                declared.name(),
                declared.kind()
            );
            self.problems.error(place, message);
            return None;
        }
        Some(declared)
    }

    fn plain_payload(&mut self, fields: Fields<'_>) -> Option<Node> {
        for key in ["content-type", "authentication"] {
            if let Some(place) = fields.place_of(key) {
                let message = format!(
                    "{} goes with `file` and `data`; a `Payload` has Apple's own keys",
                    quoted(key)
                );
                self.problems.error(place, message);
            }
        }
        payload(fields, &mut self.problems).cloned()
    }

    /// The payload that tells devices to download the data from here.
    fn referring_payload(&mut self, fields: Fields<'_>, type_name: &str) -> Option<(Node, BTreeSet<Digest>)> {
        let place = fields.place();
        if type_name == INLINE_TYPE {
            let message = format!("{INLINE_TYPE} has nothing to download; write its `Payload`");
            self.problems.error(place, message);
            return None;
        }
        let given_type = fields.text("content-type", &mut self.problems);
        let authentication = self.authentication(fields);
        let data = self.data(fields, type_name)?;
        let content_type = match given_type {
            Some(given) => self.checked_content_type(given)?,
            None => data.content_type,
        };
        let size = i64::try_from(data.bytes.len()).unwrap_or(i64::MAX);
        let (url, digest) = self.offer(place, ASSETS, content_type, data.bytes);
        let reference = Node::made(
            place,
            [
                ("ContentType", Node::text(place, content_type)),
                ("DataURL", Node::text(place, url)),
                ("Hash-SHA-256", Node::text(place, digest.to_string())),
                (
                    "Size",
                    Node {
                        place,
                        value: Value::Integer(size),
                    },
                ),
            ],
        );
        let payload = match authentication {
            None => Node::made(place, [("Reference", reference)]),
            Some(kind) => {
                let authentication = Node::made(place, [("Type", Node::text(place, kind))]);
                Node::made(
                    place,
                    [("Authentication", authentication), ("Reference", reference)],
                )
            }
        };
        Some((payload, [digest].into()))
    }

    /// The bytes under `file` or `data`, and what they are when nobody says it.
    fn data(&mut self, fields: Fields<'_>, type_name: &str) -> Option<Data<'c>> {
        if let Some(data) = fields.get("data") {
            if matches!(data.value, Value::Object(_)) {
                self.check_credential(type_name, data);
            }
            return self.inline_data(data);
        }
        let path = fields.text("file", &mut self.problems)?;
        let bytes = self.file(path)?;
        if let Some(document) = credential_of(type_name) {
            self.check_document(type_name, document, path.text, bytes);
        }
        Some(Data {
            bytes: bytes.into(),
            content_type: content_type(type_name, path.text, bytes),
        })
    }

    /// Checks a file that has to be a credential.
    fn check_document(&mut self, type_name: &str, document: &str, path: &str, bytes: &[u8]) {
        let index = self.files.range(..path).count();
        let file = u32::try_from(index).unwrap_or(u32::MAX);
        // Devices get the very bytes, so that only what JSON itself asks for is asked.
        let mut unheard = Problems::new([path].into_iter());
        match tree::read(bytes, Syntax::Json, file, &mut unheard) {
            Some(node) => self.check_credential(type_name, &node),
            None => {
                let message = format!("not JSON, which a {document} is");
                self.problems.error(Place::start_of(file), message);
            }
        }
    }

    fn inline_data(&mut self, data: &Node) -> Option<Data<'c>> {
        match &data.value {
            Value::String(text) => Some(Data {
                bytes: Cow::Owned(text.clone().into_bytes()),
                content_type: "text/plain",
            }),
            Value::Object(_) => match canonical::to_vec(&data.to_json()) {
                Ok(bytes) => Some(Data {
                    bytes: bytes.into(),
                    content_type: JSON,
                }),
                Err(error) => {
                    self.problems.error(data.place, error.to_string());
                    None
                }
            },
            _ => {
                let message = format!("`data` has to be a string or an object, not {}", data.what());
                self.problems.error(data.place, message);
                None
            }
        }
    }

    /// The file of the policy at this path.
    pub(crate) fn file(&mut self, path: Text<'_>) -> Option<&'c [u8]> {
        if !directory::is_below(path.text) {
            let message = "`file` is a path from the policy directory to a file in it, without `.` and `..`";
            self.problems.error(path.place, message);
            return None;
        }
        let found = self
            .files
            .get_key_value(path.text)
            .map(|(path, bytes)| (*path, *bytes));
        if let Some((path, bytes)) = found {
            self.used.insert(path);
            return Some(bytes);
        }
        let message = format!("the policy has no file {}", quoted(path.text));
        self.problems
            .unknown(path.place, message, path.text, self.files.keys().copied());
        None
    }

    /// `Authentication.Type` when it is stated. Data are given to devices that show who they are and to nobody else,
    /// so that a download without authentication could never succeed.
    fn authentication(&mut self, fields: Fields<'_>) -> Option<&'static str> {
        let stated = fields.text("authentication", &mut self.problems)?;
        if stated.text == MDM {
            return Some(MDM);
        }
        let message =
            format!("`authentication` has to be `{MDM}`: assets are served to enrolled devices only");
        self.problems.error(stated.place, message);
        None
    }

    fn checked_content_type<'a>(&mut self, given: Text<'a>) -> Option<&'a str> {
        let is_token = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
        let essence = given.text.split(';').next().unwrap_or_default();
        let fits = given.text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            && essence
                .split_once('/')
                .is_some_and(|(main, sub)| is_token(main) && is_token(sub.trim_end()));
        if !fits {
            self.problems
                .error(given.place, format!("{} is no media type", quoted(given.text)));
        }
        fits.then_some(given.text)
    }
}

const JSON: &str = "application/json";
const MDM: &str = "MDM";

struct Data<'c> {
    bytes: Cow<'c, [u8]>,
    content_type: &'static str,
}

/// The media type of a file: what its asset type asks for, else what its name says.
fn content_type(type_name: &str, path: &str, bytes: &[u8]) -> &'static str {
    if type_name == CERTIFICATE_TYPE {
        return if bytes.starts_with(b"-----BEGIN ") {
            "application/pem"
        } else {
            "application/pkcs1"
        };
    }
    if type_name.starts_with(CREDENTIAL_PREFIX) {
        return JSON;
    }
    match path
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .as_deref()
    {
        Some("json") => JSON,
        Some("txt") => "text/plain",
        Some("xml") => "application/xml",
        Some("plist" | "mobileconfig") => "application/x-plist",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}
