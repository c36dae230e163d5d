//! What a device answered, to be kept and shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::plist::{Dictionary, Value};

/// Results as JSON: data in base64, dates as RFC 3339 has them. A number that JSON cannot express becomes null.
///
/// For what [`crate::plist::parse`] has read, which bounds depth and size.
pub fn results_to_json(results: &Dictionary) -> Json {
    let entries = results.iter().map(|(key, value)| (key.clone(), to_json(value)));
    Json::Object(entries.collect())
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Array(array) => array.iter().map(to_json).collect(),
        Value::Dictionary(dictionary) => results_to_json(dictionary),
        Value::Boolean(boolean) => (*boolean).into(),
        Value::Data(data) => STANDARD.encode(data).into(),
        Value::Date(date) => date.to_xml_format().into(),
        Value::Integer(integer) => {
            let signed = integer.as_signed().map(Json::from);
            signed.or_else(|| integer.as_unsigned().map(Json::from)).into()
        }
        Value::Real(real) => (*real).into(),
        Value::String(text) => text.as_str().into(),
        // XML has no other values.
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plist::Date;

    #[test]
    fn results_are_kept_as_json() {
        let date = Date::from_xml_format("2026-11-01T09:30:00Z").unwrap();
        let results = Dictionary::from_iter([
            ("Data".to_owned(), Value::Data(vec![0, 1, 2])),
            ("Date".to_owned(), Value::Date(date)),
            ("Large".to_owned(), Value::from(u64::MAX)),
            (
                "List".to_owned(),
                Value::Array(vec![Value::from(-1i64), Value::Real(0.5), true.into()]),
            ),
            ("None".to_owned(), Value::Real(f64::INFINITY)),
        ]);
        let expected = json!({
            "Data": "AAEC", "Date": "2026-11-01T09:30:00Z", "Large": u64::MAX, "List": [-1, 0.5, true], "None": null,
        });
        assert_eq!(results_to_json(&results), expected);
    }
}
