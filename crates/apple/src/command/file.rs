//! Ready-made commands, for what the catalog does not know.

use super::build::{Builder, MAX_OCTETS, deliverable, too_large};
use super::problem::{Path, Problem};
use crate::json;
use crate::plist::{self, Dictionary, required, required_text};

/// Reads a ready-made command, and gives its `RequestType` and what goes beside it: an XML property list or a JSON
/// object, whose outermost keys are the command's, or one that has it as `Command`, where other keys are ignored.
///
/// It is not compared with the catalog. JSON expresses neither data nor dates.
pub fn read_file(document: &[u8]) -> Result<(String, Dictionary), Vec<Problem>> {
    const REQUEST_TYPE: &str = "RequestType";

    let alone = |problem| vec![problem];
    if document.len() > MAX_OCTETS {
        return Err(alone(too_large()));
    }
    let outermost = if document.trim_ascii_start().starts_with(b"{") {
        let object =
            json::object_without_duplicates(document).map_err(|error| alone(Problem::of_command(error)))?;
        let mut builder = Builder::default();
        let dictionary = builder.any_keys(&object, &Path::Command);
        builder.problems.none_or_these()?;
        dictionary
    } else {
        plist::parse(document).map_err(|error| alone(Problem::of_command(error)))?
    };
    let command = if outermost.contains_key(REQUEST_TYPE) {
        Ok(&outermost)
    } else {
        required::<&Dictionary>(&outermost, "Command")
    };
    let (request_type, mut payload) = command
        .and_then(|command| Ok((required_text(command, REQUEST_TYPE)?.to_owned(), command.clone())))
        .map_err(|error| alone(Problem::of_command(error)))?;
    payload.remove(REQUEST_TYPE);
    let payload = deliverable(&request_type, payload).map_err(alone)?;
    Ok((request_type, payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::Command;
    use crate::plist::Value;
    use crate::plist::tests::values;

    #[test]
    fn a_file_holds_a_command_in_one_of_two_forms() {
        let expected = Dictionary::from_iter([("PIN".to_owned(), Value::from("1"))]);
        let flat = Dictionary::from_iter([
            ("RequestType".to_owned(), Value::from("NotYetKnown")),
            ("PIN".to_owned(), Value::from("1")),
        ]);
        let within = Command {
            uuid: "ignored".to_owned(),
            request_type: "NotYetKnown".to_owned(),
            payload: expected.clone(),
        };
        for file in [
            plist::to_xml(flat),
            within.to_xml(),
            b" {\"RequestType\": \"NotYetKnown\", \"PIN\": \"1\"}".to_vec(),
            b"{\"Command\": {\"RequestType\": \"NotYetKnown\", \"PIN\": \"1\"}, \"CommandUUID\": \"x\"}"
                .to_vec(),
        ] {
            assert_eq!(read_file(&file), Ok(("NotYetKnown".to_owned(), expected.clone())));
        }
    }

    #[test]
    fn a_file_without_a_command_is_refused() {
        for (file, expected) in [
            (&b"{}"[..], "Command is missing"),
            (b"{\"Command\": 1}", "Command is not a dictionary"),
            (b"{\"Command\": {}}", "RequestType is missing"),
            (b"{\"RequestType\": 1}", "RequestType is not a string"),
            (
                b"{\"RequestType\": \"A\", \"a\": null}",
                "a: null, which property lists have not",
            ),
            (
                b"{\"RequestType\": \"A\", \"a\": 1, \"a\": 2}",
                "an object has a key twice",
            ),
            (
                b"{\"RequestType\": \"DeclarativeManagement\"}",
                "DeclarativeManagement cannot be ordered",
            ),
            (b"", "not a property list: the end near octet 0"),
            (b"bplist00", "a binary property list; XML is expected"),
            (b"RequestType: DeviceLock", "not a property list"),
        ] {
            let problems = read_file(file).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert!(problems[0].to_string().starts_with(expected), "{problems:?}");
        }
        let large = vec![b' '; MAX_OCTETS + 1];
        assert_eq!(read_file(&large).unwrap_err(), [too_large()]);
        // On the way to a device a command is one level further down.
        let deep = format!(
            "{{\"RequestType\":\"A\",\"a\":{}1{}}}",
            "[".repeat(31),
            "]".repeat(31)
        );
        assert_eq!(
            read_file(deep.as_bytes()).unwrap_err(),
            [Problem::of_command(plist::Error::TooDeep)]
        );
        let real = plist::to_xml(Dictionary::from_iter([
            ("RequestType".to_owned(), Value::from("A")),
            ("a".to_owned(), Value::Real(f64::NAN)),
        ]));
        assert!(read_file(&real).is_err(), "it would not be equal to itself");
    }

    proptest! {
    #[test]
    fn any_bytes_are_a_command_file_or_none(file: Vec<u8>, text in r#"[ {]{0,2}["RequestTypeCommand:,{}\[\]01 ]{0,60}"#) {
        prop_assert!(read_file(&file).is_err());
        let _ = read_file(text.as_bytes());
    }

    #[test]
    fn a_file_that_is_taken_arrives_as_it_is(entries in prop::collection::vec(("[a-z]{1,8}", values()), 0..6)) {
        let payload: Dictionary = entries.into_iter().collect();
        let mut command = payload.clone();
        command.insert("RequestType".to_owned(), "A".into());
        if let Ok(read) = read_file(&plist::to_xml(command)) {
            prop_assert_eq!(read, ("A".to_owned(), payload));
        }
    }
    }
}
