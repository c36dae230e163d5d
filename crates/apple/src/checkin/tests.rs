use proptest::prelude::*;

use super::*;
use crate::ids::Form;
use crate::plist::Value;
use ordain_model::ids::EnrollmentId;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
"#;

fn body(entries: &[(&str, Value)]) -> Vec<u8> {
    plist::to_xml(
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
    )
}

fn check_in(message_type: &str, more: &[(&str, Value)]) -> Result<CheckIn, Error> {
    let ids = [("MessageType", message_type.into()), ("UDID", "D".into())];
    Message::parse(&body(&[&ids[..], more].concat())).map(|message| message.check_in)
}

fn device(udid: &str) -> Ids {
    let enrollment = EnrollmentId::device(udid).unwrap();
    Ids {
        enrollment,
        form: Form::Udid,
        user_short_name: None,
        user_long_name: None,
    }
}

#[test]
fn authenticate_tells_what_the_device_says_of_itself() {
    let text = |text: &str| Some(text.to_owned());
    let mac = check_in(
        "Authenticate",
        &[
            ("Topic", "com.apple.mgmt.External.x".into()),
            ("BuildVersion", "25A1".into()),
            ("DeviceName", "Ann's Mac".into()),
            ("Model", "Mac14,2".into()),
            ("ModelName", "MacBook Air".into()),
            ("OSVersion", "26.1".into()),
            ("ProductName", "Mac14,2".into()),
            ("SerialNumber", "C02".into()),
        ],
    );
    let facts = DeviceFacts {
        serial: text("C02"),
        udid: text("D"),
        name: text("Ann's Mac"),
        model: text("Mac14,2"),
        platform: Some(Platform::MacOs),
        os_version: Some("26.1".parse().unwrap()),
        build: text("25A1"),
        topic: None,
        supervised: None,
        windows: None,
    };
    assert_eq!(
        mac,
        Ok(CheckIn::Authenticate {
            topic: "com.apple.mgmt.External.x".into(),
            facts
        })
    );

    let phone = check_in(
        "Authenticate",
        &[
            ("Topic", "t".into()),
            ("Model", "MQ6K2".into()),
            ("ModelName", "iPhone".into()),
        ],
    );
    let Ok(CheckIn::Authenticate { facts, .. }) = phone else {
        panic!("{phone:?}")
    };
    assert_eq!(
        (facts.model.as_deref(), facts.platform),
        (Some("MQ6K2"), Some(Platform::Ios))
    );

    let bare = [
        ("MessageType", "Authenticate".into()),
        ("EnrollmentID", "E".into()),
        ("Topic", "t".into()),
    ];
    let CheckIn::Authenticate { facts, .. } = Message::parse(&body(&bare)).unwrap().check_in else {
        panic!()
    };
    assert_eq!(facts, DeviceFacts::default());
}

#[test]
fn an_os_version_that_is_none_is_not_known() {
    let odd = check_in(
        "Authenticate",
        &[("Topic", "t".into()), ("OSVersion", "beta".into())],
    );
    let Ok(CheckIn::Authenticate { facts, .. }) = odd else {
        panic!("{odd:?}")
    };
    assert_eq!(facts.os_version, None);
}

#[test]
fn token_update() {
    let data = |octet| Value::Data(vec![octet; 32]);
    let required = [
        ("Topic", "t".into()),
        ("PushMagic", "m".into()),
        ("Token", data(1)),
    ];
    let update = |unlock_token, awaiting_configuration| {
        let (topic, push_magic, token) = ("t".into(), "m".into(), vec![1; 32]);
        Ok(CheckIn::TokenUpdate {
            topic,
            push_magic,
            token,
            unlock_token,
            awaiting_configuration,
        })
    };
    assert_eq!(check_in("TokenUpdate", &required), update(None, false));
    let full = [
        &required[..],
        &[("UnlockToken", data(2)), ("AwaitingConfiguration", true.into())],
    ]
    .concat();
    assert_eq!(check_in("TokenUpdate", &full), update(Some(vec![2; 32]), true));
    for (index, missing) in ["Topic", "PushMagic", "Token"].into_iter().enumerate() {
        let mut rest = required.to_vec();
        rest.remove(index);
        assert_eq!(check_in("TokenUpdate", &rest), Err(Error::Missing(missing)));
    }
    let empty = [
        ("Topic", "t".into()),
        ("PushMagic", "m".into()),
        ("Token", Value::Data(vec![])),
    ];
    assert_eq!(check_in("TokenUpdate", &empty), Err(Error::Missing("Token")));
    let huge = [
        &required[..],
        &[("UnlockToken", Value::Data(vec![0; MAX_TOKEN + 1]))],
    ]
    .concat();
    assert_eq!(
        check_in("TokenUpdate", &huge),
        Err(Error::NotAllowed("UnlockToken"))
    );
}

#[test]
fn a_bootstrap_token_that_is_missing_or_empty_is_deleted() {
    let set = |more: &[(&str, Value)]| check_in("SetBootstrapToken", more);
    assert_eq!(
        set(&[("BootstrapToken", Value::Data(vec![7]))]),
        Ok(CheckIn::SetBootstrapToken(Some(vec![7])))
    );
    assert_eq!(
        set(&[("BootstrapToken", Value::Data(vec![]))]),
        Ok(CheckIn::SetBootstrapToken(None))
    );
    assert_eq!(set(&[]), Ok(CheckIn::SetBootstrapToken(None)));
    let text = set(&[("BootstrapToken", "x".into())]);
    assert_eq!(text.unwrap_err().to_string(), "BootstrapToken is not data");
}

#[test]
fn the_answer_to_get_bootstrap_token() {
    let with =
        format!("{HEAD}<dict>\n\t<key>BootstrapToken</key>\n\t<data>\n\tBwgJ\n\t</data>\n</dict>\n</plist>");
    assert_eq!(bootstrap_token(Some(&[7, 8, 9])), with.as_bytes());
    assert_eq!(
        bootstrap_token(None),
        format!("{HEAD}<dict/>\n</plist>").as_bytes()
    );
    assert_eq!(parse_bootstrap_token(with.as_bytes()), Ok(Some(vec![7, 8, 9])));
    assert_eq!(parse_bootstrap_token(&bootstrap_token(None)), Ok(None));
    assert_eq!(parse_bootstrap_token(&bootstrap_token(Some(&[]))), Ok(None));
}

#[test]
fn the_other_messages() {
    assert_eq!(
        check_in("CheckOut", &[("Topic", "t".into())]),
        Ok(CheckIn::CheckOut { topic: "t".into() })
    );
    assert_eq!(check_in("UserAuthenticate", &[]), Ok(CheckIn::UserAuthenticate));
    assert_eq!(check_in("GetBootstrapToken", &[]), Ok(CheckIn::GetBootstrapToken));
    assert_eq!(check_in("GetToken", &[]), Ok(CheckIn::Unknown("GetToken".into())));
    let ddm = |endpoint: &str, data: Option<&[u8]>| {
        Ok(CheckIn::DeclarativeManagement {
            endpoint: endpoint.into(),
            data: data.map(<[u8]>::to_vec),
        })
    };
    let request = |more: &[(&str, Value)]| check_in("DeclarativeManagement", more);
    assert_eq!(request(&[("Endpoint", "tokens".into())]), ddm("tokens", None));
    let status = [
        ("Endpoint", "status".into()),
        ("Data", Value::Data(b"{}".to_vec())),
    ];
    assert_eq!(request(&status), ddm("status", Some(b"{}")));
    assert_eq!(request(&[]), Err(Error::Missing("Endpoint")));
}

#[test]
fn what_is_wrong_is_said() {
    for (entries, error) in [
        (&[("UDID", "D".into())][..], "MessageType is missing"),
        (
            &[("MessageType", "CheckOut".into())],
            "UDID or EnrollmentID is missing",
        ),
        (
            &[("MessageType", 1.into()), ("UDID", "D".into())],
            "MessageType is not a string",
        ),
        (
            &[("MessageType", "CheckOut".into()), ("UDID", "D:E".into())],
            "the identifier of the device or the user has a value that is not allowed",
        ),
    ] {
        assert_eq!(Message::parse(&body(entries)).unwrap_err().to_string(), error);
    }
    let name = "x".repeat(plist::MAX_TEXT + 1);
    let long = check_in(
        "Authenticate",
        &[("Topic", "t".into()), ("DeviceName", name.into())],
    );
    assert_eq!(long, Err(Error::NotAllowed("DeviceName")));
}

#[test]
fn the_bytes_of_a_ddm_request() {
    let check_in = CheckIn::DeclarativeManagement {
        endpoint: "tokens".into(),
        data: None,
    };
    let expected = "<dict>\n\t<key>MessageType</key>\n\t<string>DeclarativeManagement</string>\n\t<key>UDID</key>\n\t<string>D</string>\n\t<key>Endpoint</key>\n\t<string>tokens</string>\n</dict>\n</plist>";
    assert_eq!(
        Message {
            ids: device("D"),
            check_in
        }
        .to_xml(),
        format!("{HEAD}{expected}").as_bytes()
    );
}

fn names() -> impl Strategy<Value = String> {
    "[A-Za-z0-9@.<&-]{1,40}"
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..100)
}

pub(crate) fn all_ids() -> impl Strategy<Value = Ids> {
    let forms = prop::sample::select(vec![Form::Udid, Form::SharedIpad, Form::EnrollmentId]);
    (
        forms,
        names(),
        prop::option::of(names()),
        prop::option::of(names()),
        prop::option::of(names()),
    )
        .prop_map(
            |(form, device, user, user_short_name, user_long_name)| match (form, user) {
                (Form::SharedIpad, Some(user)) => Ids {
                    enrollment: EnrollmentId::user(device, user.clone()).unwrap(),
                    form,
                    user_short_name: Some(user),
                    user_long_name,
                },
                (form, user) => Ids {
                    enrollment: match user {
                        Some(user) => EnrollmentId::user(device, user).unwrap(),
                        None => EnrollmentId::device(device).unwrap(),
                    },
                    form: if form == Form::SharedIpad {
                        Form::Udid
                    } else {
                        form
                    },
                    user_short_name,
                    user_long_name,
                },
            },
        )
}

fn check_ins() -> impl Strategy<Value = CheckIn> {
    prop_oneof![
        (
            names(),
            names(),
            octets(),
            prop::option::of(octets()),
            any::<bool>()
        )
            .prop_map(
                |(topic, push_magic, token, unlock_token, awaiting_configuration)| CheckIn::TokenUpdate {
                    topic,
                    push_magic,
                    token,
                    unlock_token,
                    awaiting_configuration
                }
            ),
        names().prop_map(|topic| CheckIn::CheckOut { topic }),
        Just(CheckIn::UserAuthenticate),
        Just(CheckIn::GetBootstrapToken),
        prop::option::of(octets()).prop_map(CheckIn::SetBootstrapToken),
        (names(), prop::option::of(octets()))
            .prop_map(|(endpoint, data)| CheckIn::DeclarativeManagement { endpoint, data }),
    ]
}

proptest! {
    #[test]
    fn what_a_twin_sends_is_what_is_read(ids in all_ids(), check_in in check_ins()) {
        let message = Message { ids, check_in };
        prop_assert_eq!(Message::parse(&message.to_xml()).unwrap(), message);
    }

    #[test]
    fn what_a_twin_says_of_itself_is_what_is_read(
        ids in all_ids(),
        topic in names(),
        name in prop::option::of(names()),
        model in prop::option::of(prop::sample::select(vec!["Mac14,2", "iPad13,4", "Watch6,1"])),
        os_version in prop::option::of(prop::sample::select(vec!["15.0", "26.1", "26.1.2"])),
    ) {
        let facts = DeviceFacts {
            udid: ids.udid().map(str::to_owned),
            serial: name.clone(),
            build: name.clone(),
            topic: None,
            supervised: None,
            windows: None,
            name,
            platform: model.and_then(Platform::from_model),
            model: model.map(str::to_owned),
            os_version: os_version.map(|version| version.parse().unwrap()),
        };
        let message = Message { ids, check_in: CheckIn::Authenticate { topic, facts } };
        prop_assert_eq!(Message::parse(&message.to_xml()).unwrap(), message);
    }

    #[test]
    fn whatever_comes_is_read_or_refused(
        octets: Vec<u8>,
        message_type in prop::sample::select(vec!["Authenticate", "TokenUpdate", "SetBootstrapToken", "DeclarativeManagement", "x"]),
        values in prop::collection::vec(crate::plist::tests::values(), 9),
    ) {
        let _ = Message::parse(&octets);
        let keys = ["UserID", "Topic", "PushMagic", "Token", "UnlockToken", "OSVersion", "BootstrapToken", "Endpoint", "Data"];
        let mut message: Dictionary = keys.into_iter().map(str::to_owned).zip(values).collect();
        message.insert("UDID".into(), "D".into());
        message.insert("MessageType".into(), message_type.into());
        let _ = Message::parse(&plist::to_xml(message));
    }
}
