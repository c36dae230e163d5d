//! Reading of XML property lists, in one pass and within bounds.
//!
//! The `plist` crate has a reader, too, but it builds values by recursion, skips what it does not understand, takes
//! dates that it cannot write again, and lets the last of two equal keys count.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::{Date, Dictionary, Error, MAX_DEPTH, MAX_ELEMENTS, MAX_OCTETS, Value};

/// Reads the one value of `document`. `begins` is told the octet at which each key and each value begins.
pub(super) fn read(document: &[u8], mut begins: impl FnMut(u64)) -> Result<Value, Error> {
    if document.len() > MAX_OCTETS {
        return Err(Error::TooLarge);
    }
    if document.starts_with(b"bplist") {
        return Err(Error::Binary);
    }
    let text = std::str::from_utf8(document).map_err(|_| Error::NotText)?;
    if memchr::memchr(0, document).is_some() {
        return Err(Error::NotText);
    }
    let mut xml = Reader::from_str(text);
    let config = xml.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    let mut reading = Reading::default();
    loop {
        let octet = xml.buffer_position();
        let Ok(event) = xml.read_event() else {
            return Err(Error::Syntax {
                what: "ill-formed XML",
                octet: xml.error_position(),
            });
        };
        if matches!(event, Event::Start(_)) && reading.started {
            begins(octet);
        }
        match reading.take(event) {
            Ok(None) => {}
            Ok(Some(value)) => return Ok(value),
            Err(Fault::Final(error)) => return Err(error),
            Err(Fault::Misplaced(what)) => {
                return Err(Error::Syntax {
                    what,
                    octet: xml.buffer_position(),
                });
            }
        }
    }
}

/// An element that is open.
enum Open<'a> {
    /// `plist`.
    Plist,
    /// `dict`, and the key whose value comes next.
    Dict(Dictionary, Option<String>),
    /// `array`.
    Array(Vec<Value>),
    /// An element without elements in it, and its text so far.
    Leaf(Leaf, Cow<'a, str>),
}

/// Elements without elements in them.
#[derive(Clone, Copy, PartialEq)]
enum Leaf {
    Key,
    String,
    Data,
    Date,
    Integer,
    Real,
    Boolean(bool),
}

#[derive(Default)]
struct Reading<'a> {
    /// From the outermost, which is `plist`, to the innermost.
    open: Vec<Open<'a>>,
    elements: usize,
    started: bool,
    value: Option<Value>,
}

enum Fault {
    Final(Error),
    Misplaced(&'static str),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl<'a> Reading<'a> {
    /// Takes what comes next; the value at the end.
    fn take(&mut self, event: Event<'a>) -> Result<Option<Value>, Fault> {
        match event {
            Event::Start(tag) => self.start(tag.name().as_ref())?,
            Event::End(_) => self.end()?,
            Event::Text(text) => self.text(text.into_inner())?,
            Event::GeneralRef(name) => self.reference(&name)?,
            Event::Comment(_) => {}
            Event::Decl(_) if !self.started => {}
            // The external identifier that Apple's documents carry is never fetched; an internal subset is where
            // entities would be.
            Event::DocType(text) if !self.started && !text.contains('[') => {}
            Event::DocType(_) if !self.started => return Err(Error::Refused("an internal DTD subset").into()),
            Event::CData(_) => return Err(Error::Refused("a CDATA section").into()),
            Event::PI(_) => return Err(Error::Refused("a processing instruction").into()),
            Event::Eof if self.open.is_empty() && self.value.is_some() => return Ok(self.value.take()),
            Event::Eof => return Err(Fault::Misplaced("the end")),
            Event::Empty(_) | Event::Decl(_) | Event::DocType(_) => {
                return Err(Fault::Misplaced("misplaced markup"));
            }
        }
        Ok(None)
    }

    fn start(&mut self, name: &str) -> Result<(), Fault> {
        let leaf = |leaf| Open::Leaf(leaf, Cow::Borrowed(""));
        let element = match name {
            "plist" if !self.started => {
                self.started = true;
                self.open.push(Open::Plist);
                return Ok(());
            }
            "dict" => Open::Dict(Dictionary::new(), None),
            "array" => Open::Array(Vec::new()),
            "key" => leaf(Leaf::Key),
            "string" => leaf(Leaf::String),
            "data" => leaf(Leaf::Data),
            "date" => leaf(Leaf::Date),
            "integer" => leaf(Leaf::Integer),
            "real" => leaf(Leaf::Real),
            "true" => leaf(Leaf::Boolean(true)),
            "false" => leaf(Leaf::Boolean(false)),
            _ => return Err(Fault::Misplaced("an unknown element")),
        };
        let is_key = name == "key";
        let fits = match self.open.last() {
            Some(Open::Plist) => !is_key && self.value.is_none(),
            Some(Open::Dict(_, key)) => is_key == key.is_none(),
            Some(Open::Array(_)) => !is_key,
            Some(Open::Leaf(..)) | None => false,
        };
        if !fits {
            return Err(Fault::Misplaced("a misplaced element"));
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Error::TooMany.into());
        }
        // The outermost is `plist`, which is no level.
        if !matches!(element, Open::Leaf(..)) && self.open.len() > MAX_DEPTH {
            return Err(Error::TooDeep.into());
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let value = match self.open.pop() {
            Some(Open::Dict(_, Some(_))) => return Err(Fault::Misplaced("a key without a value")),
            Some(Open::Dict(entries, None)) => Value::Dictionary(entries),
            Some(Open::Array(elements)) => Value::Array(elements),
            Some(Open::Leaf(Leaf::Key, text)) => {
                if let Some(Open::Dict(_, key)) = self.open.last_mut() {
                    *key = Some(text.into_owned());
                }
                return Ok(());
            }
            Some(Open::Leaf(leaf, text)) => leaf_value(leaf, text)?,
            Some(Open::Plist) | None => return Ok(()),
        };
        match self.open.last_mut() {
            Some(Open::Dict(entries, key)) => {
                let twice = key.take().and_then(|key| entries.insert(key, value));
                if twice.is_some() {
                    return Err(Error::DuplicateKey.into());
                }
            }
            Some(Open::Array(elements)) => elements.push(value),
            _ => self.value = Some(value),
        }
        Ok(())
    }

    fn text(&mut self, more: Cow<'a, str>) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(Open::Leaf(Leaf::Date, _)) if !is_date(&more) => Err(Fault::Misplaced("unexpected text")),
            Some(Open::Leaf(leaf, text)) if !matches!(leaf, Leaf::Boolean(_)) => {
                if text.is_empty() {
                    *text = more;
                } else {
                    text.to_mut().push_str(&more);
                }
                Ok(())
            }
            _ if more.chars().all(char::is_whitespace) => Ok(()),
            _ => Err(Fault::Misplaced("unexpected text")),
        }
    }

    fn reference(&mut self, name: &BytesRef<'_>) -> Result<(), Fault> {
        let character = match &**name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "apos" => '\'',
            "quot" => '"',
            _ if name.is_char_ref() => match name.resolve_char_ref() {
                Ok(Some(character)) => character,
                _ => return Err(Fault::Misplaced("a reference to no character")),
            },
            _ => return Err(Error::Refused("an entity").into()),
        };
        match self.open.last_mut() {
            Some(Open::Leaf(Leaf::Key | Leaf::String, text)) => {
                text.to_mut().push(character);
                Ok(())
            }
            _ => Err(Fault::Misplaced("unexpected text")),
        }
    }
}

fn leaf_value(leaf: Leaf, text: Cow<'_, str>) -> Result<Value, Error> {
    let not = |what: &str| Error::Content(what.to_owned());
    Ok(match leaf {
        Leaf::Key | Leaf::String => Value::String(text.into_owned()),
        Leaf::Data => {
            // Blanks may stand anywhere, but hardly ever stand elsewhere than around lines.
            let by_lines = decoded(without_indents(text.as_bytes()));
            let data = by_lines.or_else(|| {
                let octets = text.bytes();
                decoded(octets.filter(|octet| !octet.is_ascii_whitespace()).collect())
            });
            Value::Data(data.ok_or_else(|| not("data that is not base64"))?)
        }
        Leaf::Date => {
            let date = Date::from_xml_format(&text);
            Value::Date(date.map_err(|_| not("a date that is in no calendar"))?)
        }
        Leaf::Integer => match text.parse::<i64>() {
            Ok(integer) => Value::from(integer),
            Err(_) => Value::from(
                text.parse::<u64>()
                    .map_err(|_| not("an integer that is none of 64 bits"))?,
            ),
        },
        Leaf::Real => Value::Real(text.parse().map_err(|_| not("a real that is no number"))?),
        Leaf::Boolean(value) => Value::Boolean(value),
    })
}

/// What is `encoded`, unless something in it is none of base64. Reports are mostly data, which is why it is decoded by a
/// library that takes many octets at once.
fn decoded(mut encoded: Vec<u8>) -> Option<Vec<u8>> {
    let length = base64_simd::STANDARD.decode_inplace(&mut encoded).ok()?.len();
    encoded.truncate(length);
    Some(encoded)
}

/// `text` without the blanks at the beginnings and ends of lines, or most of them.
fn without_indents(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    let (mut rest, mut length) = (text, 0);
    while !rest.is_empty() {
        // Lines of data are as long as the one before, up to the last.
        if rest.get(length) != Some(&b'\n') {
            length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        }
        let (line, more) = rest.split_at(length);
        lines.extend_from_slice(line.trim_ascii());
        rest = more.get(1..).unwrap_or_default();
    }
    lines
}

/// Whether `text` has the form `YYYY-MM-DDThh:mm:ssZ`. With an offset, years beyond the four digits could be
/// expressed, and the `plist` crate panics on those.
fn is_date(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(octet, &form)| {
            if form == b'0' {
                octet.is_ascii_digit()
            } else {
                octet == form
            }
        })
}
