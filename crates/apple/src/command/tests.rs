use proptest::prelude::*;

use super::*;
use crate::checkin::tests::all_ids;
use crate::ddm::TokensResponse;
use crate::plist::tests::values;

fn body(entries: &[(&str, Value)]) -> Vec<u8> {
    plist::to_xml(
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
    )
}

#[test]
fn the_bytes_of_the_declarative_management_command() {
    let tokens = TokensResponse {
        timestamp: 0,
        declarations_token: "t".into(),
    }
    .to_json();
    let command = Command::declarative_management("8E0C".into(), tokens);
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>CommandUUID</key>
	<string>8E0C</string>
	<key>Command</key>
	<dict>
		<key>RequestType</key>
		<string>DeclarativeManagement</string>
		<key>Data</key>
		<data>
		eyJTeW5jVG9rZW5zIjp7IlRpbWVzdGFtcCI6IjE5NzAtMDEtMDFUMDA6MDA6MDBaIiwi
		RGVjbGFyYXRpb25zVG9rZW4iOiJ0In19
		</data>
	</dict>
</dict>
</plist>"#;
    assert_eq!(String::from_utf8(command.to_xml()).unwrap(), expected);
    assert_eq!(Command::parse(expected.as_bytes()).unwrap(), command);
}

#[test]
fn a_device_refuses_a_command_that_lacks_something() {
    let command = |entries: &[(&str, Value)]| {
        Value::Dictionary(
            entries
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    };
    let typed = command(&[("RequestType", "DeviceInformation".into())]);
    for (entries, error) in [
        (vec![("Command", typed.clone())], Error::Missing("CommandUUID")),
        (
            vec![("CommandUUID", "".into()), ("Command", typed)],
            Error::Missing("CommandUUID"),
        ),
        (vec![("CommandUUID", "1".into())], Error::Missing("Command")),
        (
            vec![("CommandUUID", "1".into()), ("Command", command(&[]))],
            Error::Missing("RequestType"),
        ),
        (
            vec![("CommandUUID", "1".into()), ("Command", "x".into())],
            Error::WrongType {
                key: "Command",
                expected: "a dictionary",
            },
        ),
    ] {
        assert_eq!(Command::parse(&body(&entries)), Err(error));
    }
}

#[test]
fn what_devices_answer() {
    let idle = Message::parse(&body(&[("Status", "Idle".into()), ("UDID", "D".into())])).unwrap();
    assert_eq!((idle.status, idle.command_uuid), (Status::Idle, None));
    let done = [
        ("UDID", "D".into()),
        ("Status", "Acknowledged".into()),
        ("CommandUUID", "1".into()),
        ("QueryResponses", Value::Array(vec![1.into()])),
    ];
    let done = Message::parse(&body(&done)).unwrap();
    assert_eq!(
        (done.status, done.command_uuid.as_deref()),
        (Status::Acknowledged, Some("1"))
    );
    assert_eq!(done.results.keys().collect::<Vec<_>>(), ["QueryResponses"]);
    for status in ["Error", "CommandFormatError", "NotNow"] {
        let answer = [
            ("UDID", "D".into()),
            ("Status", status.into()),
            ("CommandUUID", "1".into()),
        ];
        assert_eq!(Message::parse(&body(&answer)).unwrap().status.as_str(), status);
        assert_eq!(
            Message::parse(&body(&answer[..2])),
            Err(Error::Missing("CommandUUID"))
        );
    }
    for (status, error) in [
        ("Done", Error::NotAllowed("Status")),
        ("", Error::Missing("Status")),
    ] {
        let answer = [
            ("UDID", "D".into()),
            ("Status", status.into()),
            ("CommandUUID", "1".into()),
        ];
        assert_eq!(Message::parse(&body(&answer)), Err(error));
    }
    let nobody = [("Status", "Idle".into())];
    assert_eq!(
        Message::parse(&body(&nobody)),
        Err(Error::Missing("UDID or EnrollmentID"))
    );
}

#[test]
fn an_error_chain_is_taken_as_far_as_it_goes() {
    let entry = |entries: &[(&str, Value)]| {
        Value::Dictionary(
            entries
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    };
    let read = |chain: Value| {
        let answer = [
            ("UDID", "D".into()),
            ("Status", "Error".into()),
            ("CommandUUID", "1".into()),
            ("ErrorChain", chain),
        ];
        Message::parse(&body(&answer)).unwrap().error_chain
    };
    let good = entry(&[
        ("ErrorCode", 12021.into()),
        ("ErrorDomain", "MCMDMErrorDomain".into()),
        ("LocalizedDescription", "é".repeat(1000).into()),
        ("USEnglishDescription", 1.into()),
    ]);
    let chain = read(Value::Array(vec![good, "no entry".into(), entry(&[])]));
    assert_eq!(chain.len(), 2);
    assert_eq!(
        (chain[0].code, chain[0].domain.as_deref()),
        (Some(12021), Some("MCMDMErrorDomain"))
    );
    assert_eq!(
        chain[0].localized_description.as_ref().map(String::len),
        Some(MAX_TEXT)
    );
    assert_eq!(chain[0].us_english_description, None);
    assert_eq!(chain[1], ChainedError::default());
    assert_eq!(read("no chain".into()), []);
    assert_eq!(read(Value::Array(vec![entry(&[]); 100])).len(), MAX_CHAIN);
}

fn texts() -> impl Strategy<Value = Option<String>> {
    prop::option::of("\\PC{1,40}")
}

fn chains() -> impl Strategy<Value = Vec<ChainedError>> {
    let error = (any::<Option<i64>>(), texts(), texts(), texts()).prop_map(
        |(code, domain, localized_description, us_english_description)| ChainedError {
            code,
            domain,
            localized_description,
            us_english_description,
        },
    );
    prop::collection::vec(error, 0..4)
}

fn dictionaries() -> impl Strategy<Value = Dictionary> {
    // No key of the protocol is of this form.
    prop::collection::vec(("x[a-z]{0,8}", values()), 0..4).prop_map(|entries| entries.into_iter().collect())
}

proptest! {
    #[test]
    fn what_a_twin_answers_is_what_is_read(
        ids in all_ids(),
        status in prop::sample::select(Status::ALL.to_vec()),
        error_chain in chains(),
        results in dictionaries(),
    ) {
        let command_uuid = (status != Status::Idle).then(|| "1".to_owned());
        let message = Message { ids, status, command_uuid, error_chain, results };
        prop_assert_eq!(Message::parse(&message.to_xml()).unwrap(), message);
    }

    #[test]
    fn what_is_commanded_is_what_a_twin_reads(uuid in "[A-F0-9-]{1,36}", request_type in "[A-Za-z]{1,20}", payload in dictionaries()) {
        let command = Command { uuid, request_type, payload };
        prop_assert_eq!(Command::parse(&command.to_xml()).unwrap(), command);
    }

    #[test]
    fn whatever_comes_is_read_or_refused(octets: Vec<u8>, values in prop::collection::vec(values(), 4)) {
        let _ = (Message::parse(&octets), Command::parse(&octets));
        let keys = ["UserID", "CommandUUID", "ErrorChain", "Command"];
        let mut message: Dictionary = keys.into_iter().map(str::to_owned).zip(values).collect();
        message.insert("UDID".into(), "D".into());
        message.insert("Status".into(), "Error".into());
        let message = plist::to_xml(message);
        let _ = (Message::parse(&message), Command::parse(&message));
    }
}
