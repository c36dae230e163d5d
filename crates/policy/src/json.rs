//! JSON (RFC 8259), strictly: what serde_json takes, with the place of every value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::Place;
use crate::tree::{Broken, Builder, Member, Node, Value};

/// Reads `text`, which is a whole file but for a byte order mark.
pub(crate) fn read(text: &str, builder: &mut Builder<'_>) -> Result<Node, Broken> {
    let place = Place::start_of(builder.file);
    let mut reader = Reader {
        text,
        passed: 0,
        place,
        builder,
    };
    // This walks the whole text without recursion: what comes after can be no syntax error but in an escape.
    match serde_json::from_str(text) {
        Ok(value) => reader.node(value, 0),
        Err(error) => Err(reader.broken(&error)),
    }
}

struct Reader<'a, 'b, 'p> {
    text: &'a str,
    /// How many octets of the text lie before `place`.
    passed: usize,
    place: Place,
    builder: &'b mut Builder<'p>,
}

impl<'a> Reader<'a, '_, '_> {
    /// The tree of `raw`, a slice of the text. Every level scans its octets once more, so the bound on depth bounds
    /// the time; values come in order of their places.
    fn node(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node, Broken> {
        let json = raw.get();
        let place = self.place_of(json);
        self.builder.begin(place, depth)?;
        let misread = |error: serde_json::Error| Broken {
            place,
            message: message(&error),
        };
        match json.as_bytes().first() {
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(json).map_err(misread)?;
                let members = entries
                    .into_iter()
                    .map(|(key, value)| self.member(key, value, depth + 1));
                let members = members.collect::<Result<_, _>>()?;
                Ok(self.builder.object(place, members))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(json).map_err(misread)?;
                let items = items
                    .into_iter()
                    .map(|item| self.node(item, depth + 1))
                    .collect::<Result<_, _>>()?;
                Ok(Node {
                    place,
                    value: Value::List(items),
                })
            }
            Some(b'"') => {
                let text = serde_json::from_str(json).map_err(misread)?;
                Ok(self.builder.string(place, text))
            }
            _ => Ok(self.builder.plain(place, json)),
        }
    }

    fn member(&mut self, key: &'a RawValue, value: &'a RawValue, depth: usize) -> Result<Member, Broken> {
        let key = self.node(key, depth)?;
        let value = self.node(value, depth)?;
        self.builder.member(key, value)
    }

    /// Where `part`, a slice of the text not before the one asked for last, begins.
    fn place_of(&mut self, part: &str) -> Place {
        let offset = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        for c in self.text.get(self.passed..offset).unwrap_or_default().chars() {
            self.place.pass(c);
            self.passed += c.len_utf8();
        }
        self.place
    }

    /// serde_json counts columns in octets, and says the last one that it took.
    fn broken(&self, error: &serde_json::Error) -> Broken {
        let lines = self
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1));
        let octet = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let place = Place::of_octet(self.builder.file, self.text, octet);
        Broken {
            place,
            message: message(error),
        }
    }
}

/// What the error says, without its place.
fn message(error: &serde_json::Error) -> String {
    let message = error.to_string();
    format!(
        "not JSON: {}",
        message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(message, _)| message)
    )
}

/// The entries of an object in order, unread.
struct Entries<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
