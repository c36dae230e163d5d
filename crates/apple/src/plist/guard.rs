//! What is checked of a document before the `plist` crate sees it, with the same XML reader that the crate uses, so
//! that the two cannot see different documents.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Error, MAX_DEPTH, MAX_ELEMENTS, MAX_OCTETS};

/// Checks that `document` is a bounded XML property list, and counts the keys in it.
pub(super) fn check(document: &[u8]) -> Result<usize, Error> {
    if document.len() > MAX_OCTETS {
        return Err(Error::TooLarge);
    }
    if document.starts_with(b"bplist") {
        return Err(Error::Binary);
    }
    if document.contains(&0) || std::str::from_utf8(document).is_err() {
        return Err(Error::NotText);
    }
    let mut reader = Reader::from_reader(document);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    let mut guard = Guard::default();
    loop {
        let Ok(event) = reader.read_event() else {
            return Err(Error::Syntax {
                what: "ill-formed XML",
                octet: reader.error_position(),
            });
        };
        let end = matches!(event, Event::Eof);
        guard.take(event).map_err(|fault| match fault {
            Fault::Final(error) => error,
            Fault::Misplaced(what) => Error::Syntax {
                what,
                octet: reader.buffer_position(),
            },
        })?;
        if end {
            return Ok(guard.keys);
        }
    }
}

/// An element that is open.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    /// `plist`, and whether its value came already.
    Plist { done: bool },
    /// `dict`, and whether a key comes next.
    Dict { key: bool },
    /// `array`.
    Array,
    /// `string` and `key`, where references may stand for characters.
    Text,
    /// `date`.
    Date,
    /// The other elements without elements in them.
    Plain,
}

#[derive(Default)]
struct Guard {
    open: Vec<Open>,
    elements: usize,
    keys: usize,
    started: bool,
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

impl Guard {
    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.start(tag.name().as_ref()),
            Event::End(_) => match self.open.pop() {
                Some(Open::Dict { key: false }) => Err(Fault::Misplaced("a key without a value")),
                _ => Ok(()),
            },
            Event::Text(text) => self.text(&text),
            Event::GeneralRef(name) => self.reference(&name),
            Event::Comment(_) => Ok(()),
            Event::Decl(_) if !self.started => Ok(()),
            Event::DocType(text) if !self.started => {
                // The external identifier that Apple's documents carry is never fetched; an internal subset is where
                // entities would be.
                if text.contains('[') {
                    Err(Error::Refused("an internal DTD subset").into())
                } else {
                    Ok(())
                }
            }
            Event::Eof if self.started && self.open.is_empty() => Ok(()),
            Event::CData(_) => Err(Error::Refused("a CDATA section").into()),
            Event::PI(_) => Err(Error::Refused("a processing instruction").into()),
            Event::Eof => Err(Fault::Misplaced("the end")),
            Event::Empty(_) | Event::Decl(_) | Event::DocType(_) => Err(Fault::Misplaced("misplaced markup")),
        }
    }

    fn start(&mut self, name: &str) -> Result<(), Fault> {
        let element = match name {
            "plist" if !self.started => {
                self.started = true;
                self.open.push(Open::Plist { done: false });
                return Ok(());
            }
            "dict" => Open::Dict { key: true },
            "array" => Open::Array,
            "key" | "string" => Open::Text,
            "date" => Open::Date,
            "data" | "integer" | "real" | "true" | "false" => Open::Plain,
            _ => return Err(Fault::Misplaced("an unknown element")),
        };
        let is_key = name == "key";
        match self.open.last_mut() {
            Some(Open::Plist { done }) if !*done && !is_key => *done = true,
            Some(Open::Dict { key }) if *key == is_key => *key = !is_key,
            Some(Open::Array) if !is_key => {}
            _ => return Err(Fault::Misplaced("a misplaced element")),
        }
        self.keys += usize::from(is_key);
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Error::TooMany.into());
        }
        self.open.push(element);
        // The outermost entry is `plist`, which is no level.
        let container = matches!(element, Open::Dict { .. } | Open::Array);
        if container && self.open.len() > MAX_DEPTH + 1 {
            Err(Error::TooDeep.into())
        } else {
            Ok(())
        }
    }

    fn text(&self, text: &str) -> Result<(), Fault> {
        let fits = match self.open.last() {
            Some(Open::Text | Open::Plain) => true,
            Some(Open::Date) => is_date(text),
            _ => text.chars().all(char::is_whitespace),
        };
        if fits {
            Ok(())
        } else {
            Err(Fault::Misplaced("unexpected text"))
        }
    }

    fn reference(&self, name: &str) -> Result<(), Fault> {
        let known = name.starts_with('#') || matches!(name, "amp" | "lt" | "gt" | "apos" | "quot");
        match self.open.last() {
            Some(Open::Text) if known => Ok(()),
            _ if known => Err(Fault::Misplaced("unexpected text")),
            _ => Err(Error::Refused("an entity").into()),
        }
    }
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
