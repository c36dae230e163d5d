//! What a device tells of its documents: the list in its alerts, and results.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::LocUri;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::{Kind, State};
use crate::report::Reason;
use crate::windows::document::Document;

/// A document as the alert lists it. Only its id is sure to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// `id`, in lower case.
    pub id: String,
    /// `checksum`: which version it is.
    pub checksum: Option<String>,
    /// `result_checksum`; none before there is a result.
    pub result_checksum: Option<String>,
    /// `state`.
    pub state: Option<State>,
    /// Whether it is abandoned, where that is said.
    pub abandoned: Option<bool>,
}

/// A result document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentResult {
    /// `id`, in lower case.
    pub id: String,
    /// `checksum` of the document that it is of.
    pub checksum: Option<String>,
    /// `result_checksum`.
    pub result_checksum: Option<String>,
    /// `result_timestamp`, in unix seconds.
    pub timestamp: Option<i64>,
    /// `state` of the whole.
    pub state: Option<State>,
    /// What became of its parts, in its order.
    pub parts: Vec<Part>,
}

/// What became of a part of a document: a CSP, a node of it, or a resource of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The CSP, the node with its CSP in front, or the class.
    pub path: String,
    /// `status`: `200`, or what a failure is called, in a notation that is not published (\[U\]). None of a CSP.
    pub status: Option<String>,
    /// Whether it is a CSP as a whole, which has no status.
    pub is_whole: bool,
    /// `state`.
    pub state: Option<State>,
    /// What an inventory tells of it: by name, in the way of status items.
    pub values: BTreeMap<String, Value>,
}

/// What became of a part, as it is kept and shown; without values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which part.
    pub path: String,
    /// What the device said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How far it has got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// What is made of that.
    pub verdict: Verdict,
}

/// What is made of the device's word on a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Not so, by the device's own word.
    Bad,
    /// Neither is said.
    Open,
}

/// The one `status` that tells of success.
const SUCCESS: &str = "200";
/// How much is kept of a text that a device chose, in octets.
const MOST_TEXT: usize = 300;

impl DocumentResult {
    /// The parts of `document` that it does not name, in any of the ways in which devices write a node.
    pub(super) fn unnamed(&self, document: &Document) -> impl Iterator<Item = String> {
        let named: BTreeSet<_> = self.parts.iter().map(|part| name(&part.path)).collect();
        document.parts().filter(move |path| !named.contains(&name(path)))
    }
}

/// What the part is known by: without case, and as a node where it is one, with or without its scope, percent-encoded or not.
fn name(path: &str) -> Result<LocUri, String> {
    let text = path.to_lowercase();
    let node = path.parse::<LocUri>().map_err(|_| text)?;
    let names = node.names.iter().map(|name| name.to_lowercase()).collect();
    Ok(LocUri { names, ..node })
}

impl Part {
    /// What is made of it. A status that is not 200 is the device's word against it, whatever it is called; no status is
    /// no word for it.
    fn verdict(&self) -> Verdict {
        let by_state = match self.state.map(State::kind) {
            None | Some(Kind::Good) => Verdict::Good,
            Some(Kind::Failed | Kind::Retryable | Kind::NotDeleted) => Verdict::Bad,
            Some(Kind::Pending | Kind::Deleting | Kind::Gone | Kind::Unknown) => Verdict::Open,
        };
        match self.status.as_deref().map(str::trim) {
            Some(SUCCESS) => by_state,
            Some(_) => Verdict::Bad,
            None if self.is_whole || by_state != Verdict::Good => by_state,
            None => Verdict::Open,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        Outcome {
            path: shortened(&self.path),
            status: self.status.as_deref().map(shortened),
            state: self.state,
            verdict: self.verdict(),
        }
    }
}

impl Outcome {
    /// What the device said of it, in words.
    pub fn words(&self) -> String {
        let status = self.status.as_deref().map(words);
        let status = status.filter(|_| self.verdict == Verdict::Bad || self.state.is_none());
        let state = self.state.map(|state| state.to_string());
        let said: Vec<String> = status.into_iter().chain(state).collect();
        match said.is_empty() {
            true => "nothing is said of it".to_owned(),
            false => said.join(", "),
        }
    }

    /// Why it is not as it should be.
    pub(super) fn reason(&self) -> Reason {
        let code = match (&self.status, self.verdict) {
            (_, Verdict::Open | Verdict::Good) => "Info.NotSaid".to_owned(),
            (Some(status), Verdict::Bad) if status.trim() != SUCCESS => {
                format!("Error.Status{}", status.trim())
            }
            (_, Verdict::Bad) => "Error.State".to_owned(),
        };
        Reason {
            code,
            description: Some(format!("{}: {}", self.path, self.words())),
            details: None,
        }
    }
}

/// A status in words. \[U\]: it may be a code of SyncML, or an HRESULT in hexadecimal or decimal notation.
fn words(status: &str) -> String {
    let status = status.trim();
    let known = match status {
        SUCCESS => "done",
        "400" => "malformed",
        "403" => "forbidden",
        "404" => "there is no such node",
        "405" => "not with this node",
        "406" => "not supported",
        "415" => "not in this format",
        "418" => "there already",
        "425" => "no permission",
        "500" => "failed",
        _ => return hresult(status).unwrap_or_else(|| format!("failed ({status})")),
    };
    format!("{known} ({status})")
}

fn hresult(status: &str) -> Option<String> {
    let code = match status.strip_prefix("0x").or_else(|| status.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => match status.parse::<i32>() {
            Ok(code) if code < 0 => code.cast_unsigned(),
            _ => status.parse::<u32>().ok().filter(|code| *code > 0xFFFF)?,
        },
    };
    let known = match code {
        0x8600_0002 => "there is no such node",
        0x8600_0031 => "it is owned by declared configuration",
        0x82D0_0007 => "one or more CSPs failed",
        0x8007_0002 => "not found",
        0x8007_0005 => "access denied",
        0x8007_0057 => "not a value for it",
        0x8000_FFFF => "failed",
        _ => "failed",
    };
    Some(format!("{known} (0x{code:08X})"))
}

pub(super) fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(MOST_TEXT);
    text.get(..end).unwrap_or_default().to_owned()
}
