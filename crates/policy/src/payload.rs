//! What a profile carries, as trees in which every value knows its place.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ordain_apple::plist::{self, Dictionary};

use crate::problem::Place;
use crate::tree::{Member, Node, Value};

/// A payload of a profile.
pub(crate) struct Payload {
    /// `PayloadType`.
    pub(crate) type_name: String,
    /// All of it, with the keys that every payload has.
    pub(crate) keys: Node,
}

/// The payloads of the profile `bytes`; none when it is no profile.
pub(crate) fn of_profile(file: u32, bytes: &[u8]) -> Vec<Payload> {
    let (Ok(text), Ok((profile, octets))) = (std::str::from_utf8(bytes), plist::parse_with_octets(bytes))
    else {
        return Vec::new();
    };
    let mut places = Places {
        text,
        passed: 0,
        place: Place::start_of(file),
        octets: octets.into_iter(),
    };
    let place = places.next();
    let mut profile = places.dictionary(place, &profile);
    let Value::Object(members) = &mut profile.value else {
        return Vec::new();
    };
    let content = members.iter_mut().find(|member| member.key == "PayloadContent");
    let Some(Value::List(payloads)) = content.map(|content| &mut content.value.value) else {
        return Vec::new();
    };
    let payloads = std::mem::take(payloads).into_iter();
    payloads
        .filter_map(|keys| {
            let type_name = keys.get("PayloadType")?.as_text()?.to_owned();
            Some(Payload { type_name, keys })
        })
        .collect()
}

/// Where keys and values begin, in the order of the document.
struct Places<'a> {
    text: &'a str,
    /// How many octets of the text are before `place`.
    passed: usize,
    place: Place,
    octets: std::vec::IntoIter<u64>,
}

impl Places<'_> {
    fn next(&mut self) -> Place {
        let octet = self.octets.next().and_then(|octet| usize::try_from(octet).ok());
        if let Some(between) = octet.and_then(|octet| self.text.get(self.passed..octet)) {
            between.chars().for_each(|c| self.place.pass(c));
            self.passed += between.len();
        }
        self.place
    }

    /// The tree of `value`, as it would be in JSON: data in base64, dates as texts. The depth is bounded by
    /// [`plist::MAX_DEPTH`].
    fn value(&mut self, value: &plist::Value) -> Node {
        let place = self.next();
        let value = match value {
            plist::Value::Dictionary(dictionary) => return self.dictionary(place, dictionary),
            plist::Value::Array(elements) => {
                Value::List(elements.iter().map(|element| self.value(element)).collect())
            }
            plist::Value::Boolean(value) => Value::Bool(*value),
            plist::Value::Data(data) => Value::String(BASE64_STANDARD.encode(data)),
            plist::Value::Date(date) => Value::String(date.to_xml_format()),
            plist::Value::Real(value) => Value::Real(*value),
            plist::Value::Integer(value) => value.as_signed().map_or(Value::Null, Value::Integer),
            plist::Value::String(text) => Value::String(text.clone()),
            _ => Value::Null,
        };
        Node { place, value }
    }

    fn dictionary(&mut self, place: Place, dictionary: &Dictionary) -> Node {
        let members = dictionary.iter().map(|(key, value)| Member {
            key: key.clone(),
            place: self.next(),
            value: self.value(value),
        });
        Node {
            place,
            value: Value::Object(members.collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_places() {
        let text = "<plist version=\"1.0\"><dict>\n<!-- \u{e9} --> <key>PayloadContent</key><array>\n  <dict>\n    \
                    <key>PayloadType</key><string>a</string>\n    <key>List</key>\n<array><true/><data>AAE=</data></array>\n\
                    </dict></array></dict></plist>";
        let payloads = of_profile(3, text.as_bytes());
        let [payload] = payloads.as_slice() else {
            panic!("one payload")
        };
        let told = |node: &Node| (node.place.file, node.place.line, node.place.column);
        assert_eq!(payload.type_name, "a");
        assert_eq!(told(&payload.keys), (3, 3, 3));
        assert_eq!(payload.keys.members()[1].place.line, 5);
        let list = payload.keys.get("List").unwrap();
        assert_eq!(told(list), (3, 6, 1));
        assert_eq!(told(list.pointer("/1").unwrap()), (3, 6, 15));
        assert_eq!(list.pointer("/1").unwrap().as_text(), Some("AAE="));
    }
}
