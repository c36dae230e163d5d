//! Distinguished names (RFC 5280 §4.1.2.4), on their DER.
//!
//! Names are compared as bytes, since an authority copies its own subject into what it issues; so they
//! are never decoded and encoded again on the way.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519;
use der::asn1::{PrintableString, SetOfVec};
use der::{Any, AnyRef, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;

/// Upper bounds of X.520 in characters.
const MAX_NAME_CHARACTERS: usize = 64;

/// The last attribute of this type in a name, as text. Strings of an unknown type count as absent.
pub(crate) fn attribute(name: &[u8], wanted: ObjectIdentifier) -> der::Result<Option<String>> {
    let mut found = None;
    let mut reader = SliceReader::new(name)?;
    reader.sequence(|name| {
        while !name.is_finished() {
            let relative = AnyRef::decode(name)?;
            relative.tag().assert_eq(Tag::Set)?;
            let mut members = SliceReader::new(relative.value())?;
            while !members.is_finished() {
                let (kind, value) = members.sequence(|member| {
                    Ok::<_, der::Error>((ObjectIdentifier::decode(member)?, AnyRef::decode(member)?))
                })?;
                if kind == wanted {
                    found = text(value);
                }
            }
        }
        Ok::<_, der::Error>(())
    })?;
    reader.finish()?;
    Ok(found)
}

fn text(value: AnyRef<'_>) -> Option<String> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            std::str::from_utf8(value.value()).ok().map(str::to_owned)
        }
        // Teletex strings are Latin-1 in practice.
        Tag::TeletexString => Some(value.value().iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units = value.value().chunks(2).map(|pair| match *pair {
                [high, low] => u16::from_be_bytes([high, low]),
                _ => 0xd800, // half a unit: not decodable
            });
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// The DER of a name with these parts; `None` where one is empty, longer than X.520 allows, or (serial
/// number) not a printable string.
pub(crate) fn encode(
    common_name: &str,
    organization: Option<&str>,
    serial_number: Option<&str>,
    user_id: Option<&str>,
) -> Option<Vec<u8>> {
    let utf8 = |text: &str| Any::new(Tag::Utf8String, text.as_bytes()).ok();
    let mut parts = Vec::new();
    if let Some(user_id) = user_id {
        parts.push((rfc4519::USER_ID, user_id, utf8(user_id)?));
    }
    if let Some(organization) = organization {
        parts.push((rfc4519::ORGANIZATION_NAME, organization, utf8(organization)?));
    }
    if let Some(serial) = serial_number {
        let value = Any::encode_from(&PrintableString::new(serial).ok()?).ok()?;
        parts.push((rfc4519::SERIAL_NUMBER, serial, value));
    }
    parts.push((rfc4519::COMMON_NAME, common_name, utf8(common_name)?));
    let mut name = Vec::new();
    for (oid, text, value) in parts {
        if !(1..=MAX_NAME_CHARACTERS).contains(&text.chars().count()) {
            return None;
        }
        name.push(SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }]).ok()?);
    }
    name.to_der().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let name = encode("Mac 7 ü", Some("Acme"), Some("C02ABC"), Some("com.example")).unwrap();
        let read = |oid| attribute(&name, oid).unwrap();
        assert_eq!(read(rfc4519::COMMON_NAME).as_deref(), Some("Mac 7 ü"));
        assert_eq!(read(rfc4519::ORGANIZATION_NAME).as_deref(), Some("Acme"));
        assert_eq!(read(rfc4519::SERIAL_NUMBER).as_deref(), Some("C02ABC"));
        assert_eq!(read(rfc4519::USER_ID).as_deref(), Some("com.example"));
        assert_eq!(read(rfc4519::COUNTRY_NAME), None);
    }

    #[test]
    fn bounds_of_x520() {
        assert!(encode("", None, None, None).is_none());
        assert!(encode(&"x".repeat(64), None, None, None).is_some());
        assert!(encode(&"x".repeat(65), None, None, None).is_none());
        assert!(encode("x", None, Some("ü"), None).is_none());
    }

    #[test]
    fn old_string_types() {
        let bmp = hex::decode("3010310e300c06035504031e0500410042ff").unwrap();
        assert!(attribute(&bmp, rfc4519::COMMON_NAME).is_ok_and(|name| name.is_none()));
        let bmp = hex::decode("300f310d300b06035504031e0400410042").unwrap();
        assert_eq!(
            attribute(&bmp, rfc4519::COMMON_NAME).unwrap().as_deref(),
            Some("AB")
        );
    }
}
