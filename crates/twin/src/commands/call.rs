//! How a command is read, answered and refused.

use std::time::{Duration, UNIX_EPOCH};

use ordain_apple::command::{ChainedError, Status};
use ordain_apple::plist::{self, Dictionary, Value};
use ordain_catalog::{OsVersion, Platform, Scope};

use super::Afterwards;
use crate::device::Device;

/// How many profiles, apps, books and the like a device takes, of each.
pub(super) const MAX_LISTED: usize = 256;
/// The largest dictionary that a device keeps for an app or a setting, in octets of XML.
const MAX_KEPT: usize = 64 << 10;

/// A command that the device has, before it is executed.
pub(super) struct Call<'a> {
    pub(super) device: &'a mut Device,
    /// The channel that it came on.
    pub(super) scope: Scope,
    /// The keys beside RequestType.
    pub(super) keys: &'a Dictionary,
    /// Unix seconds.
    pub(super) now: i64,
}

pub(super) type Answer = Result<Done, Refusal>;

/// A command was executed.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) results: Dictionary,
    pub(super) effect: Option<String>,
    pub(super) afterwards: Option<Afterwards>,
}

/// A command was not executed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A key is missing, or not of its type.
    Malformed(plist::Error),
    /// The device has nothing of the kind.
    Unsupported(String),
    /// It has, and it did not work.
    Failed(&'static str, i64, String),
    /// It did not work, and there are keys that say why.
    Rejected(Dictionary, &'static str),
}

impl From<plist::Error> for Refusal {
    fn from(error: plist::Error) -> Self {
        Self::Malformed(error)
    }
}

/// The command cannot be done in the state that the device is in.
pub(super) fn failed(text: impl Into<String>) -> Refusal {
    Refusal::Failed("MCMDMErrorDomain", 12078, text.into())
}

impl Refusal {
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Malformed(_) => Status::CommandFormatError,
            Self::Unsupported(_) | Self::Failed(..) | Self::Rejected(..) => Status::Error,
        }
    }

    pub(super) fn to_error(&self) -> ChainedError {
        let (domain, code, text) = match self {
            Self::Malformed(error) => ("MCMDMErrorDomain", 12007, error.to_string()),
            Self::Unsupported(text) => ("MCMDMErrorDomain", 12021, text.clone()),
            Self::Failed(domain, code, text) => (*domain, *code, text.clone()),
            Self::Rejected(_, text) => ("MCMDMErrorDomain", 12078, (*text).to_owned()),
        };
        ChainedError {
            code: Some(code),
            domain: Some(domain.to_owned()),
            localized_description: None,
            us_english_description: Some(text),
        }
    }

    /// The keys that the answer has nevertheless.
    pub(super) fn into_results(self) -> Dictionary {
        match self {
            Self::Rejected(results, _) => results,
            Self::Malformed(_) | Self::Unsupported(_) | Self::Failed(..) => Dictionary::new(),
        }
    }

    /// The same inside an answer that has a status for each of its parts.
    pub(super) fn to_chain(&self) -> Value {
        let ChainedError {
            code,
            domain,
            us_english_description,
            ..
        } = self.to_error();
        let entry = dictionary([
            ("ErrorCode", code.unwrap_or_default().into()),
            ("ErrorDomain", domain.unwrap_or_default().into()),
            (
                "USEnglishDescription",
                us_english_description.unwrap_or_default().into(),
            ),
        ]);
        Value::Array(vec![entry.into()])
    }
}

impl Done {
    /// The answer to a question.
    pub(super) fn said(key: &str, value: impl Into<Value>) -> Self {
        Self::default().and(key, value)
    }

    /// Something was done.
    pub(super) fn did(effect: impl Into<String>) -> Self {
        Self {
            effect: Some(effect.into()),
            ..Self::default()
        }
    }

    pub(super) fn and(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.results.insert(key.to_owned(), value.into());
        self
    }

    /// Nothing was done after all, and what was to be answered says why.
    pub(super) fn rejected(self, why: &'static str) -> Refusal {
        Refusal::Rejected(self.results, why)
    }

    pub(super) fn then(mut self, afterwards: Afterwards) -> Self {
        self.afterwards = Some(afterwards);
        self
    }
}

impl<'a> Call<'a> {
    /// A text that may be missing; an empty one counts as missing.
    pub(super) fn text(&self, key: &'static str) -> Result<Option<&'a str>, Refusal> {
        Ok(plist::optional_text(self.keys, key)?)
    }

    /// The same, kept.
    pub(super) fn owned(&self, key: &'static str) -> Result<Option<String>, Refusal> {
        Ok(self.text(key)?.map(str::to_owned))
    }

    /// A text that has to be there and not empty.
    pub(super) fn required_text(&self, key: &'static str) -> Result<&'a str, Refusal> {
        Ok(plist::required_text(self.keys, key)?)
    }

    /// A boolean; false when it is missing.
    pub(super) fn flag(&self, key: &'static str) -> Result<bool, Refusal> {
        Ok(plist::optional(self.keys, key)?.unwrap_or(false))
    }

    /// Any type of value, when it is there.
    pub(super) fn optional<T: plist::Field<'a>>(&self, key: &'static str) -> Result<Option<T>, Refusal> {
        Ok(plist::optional(self.keys, key)?)
    }

    /// Any type of value.
    pub(super) fn required<T: plist::Field<'a>>(&self, key: &'static str) -> Result<T, Refusal> {
        Ok(plist::required(self.keys, key)?)
    }

    /// An array of texts, when it is there.
    pub(super) fn texts(&self, key: &'static str) -> Result<Option<Vec<&'a str>>, Refusal> {
        let Some(array) = self.optional::<&[Value]>(key)? else {
            return Ok(None);
        };
        let texts: Option<Vec<&str>> = array.iter().map(Value::as_string).collect();
        Ok(Some(texts.ok_or(plist::Error::WrongType {
            key,
            expected: "an array of strings",
        })?))
    }

    /// An array of texts that has to be there.
    pub(super) fn required_texts(&self, key: &'static str) -> Result<Vec<&'a str>, Refusal> {
        Ok(self.texts(key)?.ok_or(plist::Error::Missing(key))?)
    }

    /// A text of these only, when it is there.
    pub(super) fn one_of(
        &self,
        key: &'static str,
        allowed: &[&'static str],
    ) -> Result<Option<&'static str>, Refusal> {
        one_of(self.keys, key, allowed)
    }

    /// A dictionary that the device is to keep.
    pub(super) fn kept(&self, key: &'static str) -> Result<Option<Dictionary>, Refusal> {
        self.optional::<&Dictionary>(key)?
            .map(|value| keep(key, value))
            .transpose()
    }

    pub(super) fn is_mac(&self) -> bool {
        self.device.platform == Platform::MacOs
    }

    /// Whether the system is of this version or a later one.
    pub(super) fn is_since(&self, major: u32, minor: u32) -> bool {
        self.device
            .os_version()
            .is_some_and(|version| version >= OsVersion::new(major, minor))
    }
}

pub(super) fn one_of(
    keys: &Dictionary,
    key: &'static str,
    allowed: &[&'static str],
) -> Result<Option<&'static str>, Refusal> {
    let Some(text) = plist::optional_text(keys, key)? else {
        return Ok(None);
    };
    let known = allowed.iter().find(|allowed| **allowed == text);
    Ok(Some(known.copied().ok_or(plist::Error::NotAllowed(key))?))
}

/// A copy for the device to keep, if it is small enough.
pub(super) fn keep(key: &'static str, value: &Dictionary) -> Result<Dictionary, Refusal> {
    if plist::to_xml(value.clone()).len() > MAX_KEPT {
        return Err(plist::Error::NotAllowed(key).into());
    }
    Ok(value.clone())
}

/// Whether there is room for another one of a kind, of which there are `count`.
pub(super) fn check_room(count: usize) -> Result<(), Refusal> {
    if count >= MAX_LISTED {
        return Err(failed(format!(
            "the device holds {MAX_LISTED} of these, and takes no more"
        )));
    }
    Ok(())
}

pub(super) fn dictionary<const N: usize>(entries: [(&str, Value); N]) -> Dictionary {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// An array of dictionaries.
pub(super) fn dictionaries(all: impl IntoIterator<Item = Dictionary>) -> Value {
    Value::Array(all.into_iter().map(Value::Dictionary).collect())
}

/// An array of strings.
pub(super) fn strings<'a>(all: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Array(all.into_iter().map(Value::from).collect())
}

/// A date, of the years that property lists can express.
pub(super) fn date(unix: i64) -> Value {
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(unix).unwrap_or_default().min(LAST);
    Value::Date((UNIX_EPOCH + Duration::from_secs(seconds)).into())
}
