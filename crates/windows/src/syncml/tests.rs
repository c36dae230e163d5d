use proptest::prelude::*;

use super::alert::{AlertCode, AlertType, LoginStatus};
use super::credential::{Challenge, key};
use super::status::StatusCode;
use super::*;
use crate::tests::{infoset, with};

const PACKAGE_1: &str = include_str!("../../fixtures/package-1.xml");
const CHALLENGE: &str = include_str!("../../fixtures/challenge.xml");
const PACKAGE_2: &str = include_str!("../../fixtures/package-2.xml");
const PACKAGE_3: &str = include_str!("../../fixtures/package-3.xml");
const POLICY: &str = "./Device/Vendor/MSFT/Policy/Config/Area/Policy";

/// A message from the server.
fn server(message_id: u32, body: Vec<Command>, is_final: bool) -> Message {
    let header = Header {
        session_id: "A1".to_owned(),
        message_id,
        target: Location::new("7F00"),
        source: Location::new("https://mdm.lab.test/omadm"),
        response_uri: None,
        no_response: false,
        credential: None,
        meta: Meta::default(),
    };
    Message {
        header,
        body,
        is_final,
    }
}

fn status(id: u32, command: u32, name: &str, code: StatusCode) -> Command {
    Command::new(id, Kind::Status(Status::new(2, Some(command), name, code)))
}

fn verb(id: u32, verb: Verb, item: Item) -> Command {
    Command::new(id, Kind::Verb(verb, vec![item]))
}

fn read(octets: &[u8]) -> Message {
    let read = Message::parse(octets).unwrap();
    assert_eq!(Message::parse(&read.to_xml().unwrap()).unwrap(), read);
    read
}

/// A message of which only the body matters.
fn body(content: &str) -> String {
    let start = CHALLENGE.find("<SyncBody>").unwrap();
    format!("{}<SyncBody>{content}</SyncBody></SyncML>", &CHALLENGE[..start])
}

fn is_server_message(fixture: &str, expected: &Message) {
    assert_eq!(read(fixture.as_bytes()), *expected);
    assert_eq!(infoset(&expected.to_xml().unwrap()), infoset(fixture.as_bytes()));
}

#[test]
fn package_1() {
    let message = read(PACKAGE_1.as_bytes());
    assert_eq!(message.header.session_id, "A1");
    assert_eq!(message.header.source.name.as_deref(), Some("ida@lab.test"));
    assert_eq!(message.header.meta.max_message_size, Some(524_288));
    assert!(message.is_final);
    let cred = message.header.credential.unwrap();
    assert!(cred.answers(&key("9C2D7B1E5A", "correct-horse"), b"nonce-0001"));
    let [session, login, documents, info] = &message.body[..] else {
        panic!()
    };
    let alert = |command: &Command| match &command.kind {
        Kind::Alert(alert) => alert.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(alert(session).code, AlertCode::CLIENT_INITIATED);
    let login = alert(login);
    assert_eq!(login.code, AlertCode::CLIENT_EVENT);
    assert_eq!(AlertType::of(&login.items[0]), Some(AlertType::LoginStatus));
    assert_eq!(
        login.items[0].data.as_deref().and_then(LoginStatus::from_data),
        Some(LoginStatus::User)
    );
    // Its type is outside of Meta, its data are markup.
    let documents = alert(documents);
    assert_eq!(
        AlertType::of(&documents.items[0]),
        Some(AlertType::DeclaredConfigurationDocuments)
    );
    let data = documents.items[0].data.as_deref().unwrap();
    assert!(
        data.starts_with("<DeclaredConfigurations schema=\"1.0\"><") && data.ends_with("s>"),
        "{data}"
    );
    let Kind::Verb(Verb::Replace, items) = &info.kind else {
        panic!()
    };
    let values: Vec<_> = items.iter().map(|item| item.data.as_deref().unwrap()).collect();
    assert_eq!(values, ["7F00", "=cmd|' /C calc'!A0", "<script>", "1.3", "en-US"]);
    assert_eq!(
        items[1],
        Item {
            data: Some(values[1].to_owned()),
            ..Item::from("./DevInfo/Man")
        }
    );
}

#[test]
fn the_challenge() {
    let mut status = Status::new(1, Some(0), "SyncHdr", StatusCode::CREDENTIALS_MISSING);
    status.challenge = Some(Challenge::md5(b"nonce-0001"));
    is_server_message(
        CHALLENGE,
        &server(1, vec![Command::new(1, Kind::Status(status))], true),
    );
}

#[test]
fn package_2() {
    let scep = |name: &str| {
        Item::to(format!(
            "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/One/Install/{name}"
        ))
    };
    let mut policy = Item::to(POLICY).with(Format::Chr, "<enabled/><data id=\"a\" value=\"k&#xF000;v\"/>");
    policy.meta.kind = Some("text/plain".to_owned());
    let mut enroll = Item::to("./Device/Vendor/MSFT/DMClient/Provider/LabMDM/LinkedEnrollment/Enroll");
    enroll.meta.format = Some(Format::Null);
    let unenroll = Item::to("./Vendor/MSFT/DMClient/Provider/LabMDM/Unenroll").with(Format::Chr, "LabMDM");
    let message = server(
        2,
        vec![
            status(1, 0, "SyncHdr", StatusCode::AUTHENTICATED),
            status(2, 2, "Alert", StatusCode::OK),
            verb(5, Verb::Get, Item::to("./DevDetail/SwV")),
            verb(6, Verb::Replace, policy),
            Command::new(
                7,
                Kind::Atomic(vec![
                    verb(8, Verb::Add, scep("KeyLength").with(Format::Int, "2048")),
                    verb(9, Verb::Exec, scep("Enroll")),
                ]),
            ),
            verb(10, Verb::Exec, unenroll),
            verb(11, Verb::Exec, enroll),
            verb(
                12,
                Verb::Delete,
                Item::to("./Device/Vendor/MSFT/WiFi/Profile/Lab%20net"),
            ),
        ],
        true,
    );
    is_server_message(PACKAGE_2, &message);
}

#[test]
fn package_3() {
    let message = read(PACKAGE_3.as_bytes());
    let statuses: Vec<_> = message
        .body
        .iter()
        .filter_map(|command| match &command.kind {
            Kind::Status(status) => Some(status),
            _ => None,
        })
        .collect();
    let codes: Vec<_> = statuses
        .iter()
        .map(|status| (status.command, status.code.0))
        .collect();
    let expected = [
        (Some(0), 200),
        (Some(5), 200),
        (Some(7), 507),
        (Some(8), 216),
        (Some(9), 404),
        (None, 400),
    ];
    assert_eq!(codes, expected);
    assert_eq!(statuses[0].targets, ["x"]);
    assert_eq!(statuses[4].original_error, Some(0x8600_0002));
    let Kind::Results(results) = &message.body[2].kind else {
        panic!()
    };
    assert_eq!((results.message, results.command), (2, 5));
    // The command's format is the item's; white space in values is kept.
    assert_eq!(
        results.items,
        [Item::from("./DevDetail/SwV").with(Format::Int, " 10.0.22631.3958 ")]
    );
    let types: Vec<_> = message
        .body
        .iter()
        .filter_map(|command| match &command.kind {
            Kind::Alert(alert) => Some((alert.code, AlertType::of(&alert.items[0]).unwrap())),
            _ => None,
        })
        .collect();
    let expected = [
        (AlertCode::CLIENT_EVENT, AlertType::MsiInstalled),
        (AlertCode::GENERIC, AlertType::Unenrolling),
    ];
    assert_eq!(types, expected);
}

#[test]
fn the_end_of_a_session() {
    let written = server(3, vec![status(1, 0, "SyncHdr", StatusCode::OK)], true)
        .to_xml()
        .unwrap();
    let expected = body(
        "<Status><CmdID>1</CmdID><MsgRef>2</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status><Final/>",
    );
    assert_eq!(
        infoset(&written),
        infoset(&with(&expected, "<MsgID>1", "<MsgID>3"))
    );
}

#[test]
fn installing_an_msi() {
    let uri = "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B1%7D/DownloadInstall";
    let job = "<MsiInstallJob id=\"{1}\"><Product Version=\"1.2.0\"/></MsiInstallJob>";
    // As markup, as entities, in a CDATA section: the same.
    let escaped = job.replace('<', "&lt;").replace('>', "&gt;");
    for data in [
        job.to_owned(),
        escaped,
        format!("<![CDATA[{job}]]>"),
        format!("\n  {job}\n  "),
    ] {
        let text = body(&format!(
            "<Exec><CmdID>3</CmdID><Item><Target><LocURI>{uri}</LocURI></Target><Meta><Format xmlns='syncml:metinf'>xml</Format></Meta><Data>{data}</Data></Item></Exec>"
        ));
        let item = Item::to(uri).with(Format::Xml, job);
        assert_eq!(read(text.as_bytes()).body, [verb(3, Verb::Exec, item)]);
    }
}

#[test]
fn what_is_malformed_harms_only_itself() {
    let text = body(
        "<Copy><CmdID>1</CmdID></Copy>
         <Get><Item/></Get>
         <Get><CmdID>0</CmdID></Get>
         <Status><CmdID>2</CmdID><MsgRef>1</MsgRef></Status>
         <Alert><CmdID>3</CmdID><Data>ouch</Data></Alert>
         <Results><CmdID>4</CmdID><CmdRef>9</CmdRef></Results>
         <Atomic><CmdID>5</CmdID><Put/><Get><CmdID>6</CmdID><CmdID>7</CmdID></Get></Atomic>
         <Replace><CmdID>8</CmdID><Item><Data>a</Data><Data>b</Data></Item></Replace>
         <Get><CmdID>9</CmdID></Get>",
    );
    let message = Message::parse(text.as_bytes()).unwrap();
    let malformed = |id, name: &str| Command {
        id,
        kind: Kind::Malformed(name.to_owned()),
    };
    let results = Kind::Results(Results {
        message: 1,
        command: 9,
        items: Vec::new(),
    });
    let expected = [
        malformed(Some(1), "Copy"),
        malformed(None, "Get"),
        malformed(None, "Get"),
        malformed(Some(2), "Status"),
        malformed(Some(3), "Alert"),
        Command::new(4, results),
        Command::new(
            5,
            Kind::Atomic(vec![malformed(None, "Put"), malformed(None, "Get")]),
        ),
        malformed(Some(8), "Replace"),
        malformed(Some(9), "Get"),
    ];
    assert_eq!(message.body, expected);
    assert!(!message.is_final);
    assert_eq!(message.to_xml(), Err(Unwritable));
}

#[test]
fn what_is_no_message_is_refused() {
    for (old, new, error) in [
        ("SYNCML:SYNCML1.2", "SYNCML:SYNCML1.3", Error::Value("SyncML")),
        ("<VerDTD>1.2", "<VerDTD>1.1", Error::Value("VerDTD")),
        ("DM/1.2", "DM/1.1", Error::Value("VerProto")),
        ("<MsgID>1", "<MsgID>0", Error::Value("MsgID")),
        ("<MsgID>1", "<MsgID>4294967296", Error::Value("MsgID")),
        ("<MsgID>", "<MsgID>1</MsgID><MsgID>", Error::Repeated("MsgID")),
        ("<SessionID>A1", "<SessionID>", Error::Value("SessionID")),
        ("<Final/>", "<Final/><Final/>", Error::Value("Final")),
        ("<SyncBody>", "<SyncBody/><SyncBody>", Error::Repeated("SyncBody")),
        ("<Target>", "<Target/><Target>", Error::Repeated("Target")),
    ] {
        assert_eq!(
            Message::parse(&with(CHALLENGE, old, new)).unwrap_err(),
            error,
            "{new}"
        );
    }
}

#[test]
fn original_errors_are_read_in_any_form() {
    let error = |text: &str| {
        let text = body(&format!(
            "<Status xmlns:m='http://schemas.microsoft.com/MobileDevice/MDM'><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data m:originalerror='{text}'>500</Data></Status>"
        ));
        match &read(text.as_bytes()).body[0].kind {
            Kind::Status(status) => status.original_error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error("0x8000FFFF"), Some(0x8000_ffff));
    assert_eq!(error("-2147418113"), Some(0x8000_ffff));
    assert_eq!(error("5"), Some(5));
    assert_eq!(
        (error("0x+5"), error("soon"), error("0x100000000")),
        (None, None, None)
    );
}

fn text() -> impl Strategy<Value = String> {
    "[ -~\r\n\t<>&\"'äß€😀]{0,20}"
}

fn item() -> impl Strategy<Value = Item> {
    let meta = (
        proptest::option::of("[a-z0-9]{1,5}"),
        proptest::option::of("[!-~]{1,20}"),
        any::<Option<u64>>(),
    );
    let uri = proptest::option::of("[!-~]{1,20}");
    (
        uri.clone(),
        uri,
        meta,
        proptest::option::of(text()),
        any::<bool>(),
    )
        .prop_map(|(target, source, (format, kind, size), data, more_data)| Item {
            target: target.map(Location::new),
            source: source.map(Location::new),
            meta: Meta {
                format: format.map(Format::Other).map(|format| match format.as_str() {
                    "chr" | "int" | "bool" | "b64" | "bin" | "xml" | "null" | "node" | "float" | "date"
                    | "time" => Format::Chr,
                    _ => format,
                }),
                kind,
                size,
                ..Meta::default()
            },
            data,
            markup: false,
            more_data,
        })
}

fn command() -> impl Strategy<Value = Command> {
    let items = || proptest::collection::vec(item(), 1..3);
    let verbs = proptest::sample::select(vec![
        Verb::Add,
        Verb::Replace,
        Verb::Delete,
        Verb::Get,
        Verb::Exec,
    ]);
    let kind = prop_oneof![
        (verbs, items()).prop_map(|(verb, items)| Kind::Verb(verb, items)),
        (any::<u16>(), items()).prop_map(|(code, items)| Kind::Alert(Alert {
            code: AlertCode(code),
            items
        })),
        (any::<u32>(), any::<u32>(), items()).prop_map(|(message, command, items)| Kind::Results(Results {
            message,
            command,
            items,
        })),
        (
            any::<u32>(),
            any::<Option<u32>>(),
            any::<u16>(),
            any::<Option<u32>>(),
            item()
        )
            .prop_map(|(message, command, code, original_error, item)| {
                let mut status = Status::new(message, command, "Get", StatusCode(code));
                status.original_error = original_error;
                status.challenge = item.meta.kind.map(|kind| Challenge { kind, nonce: None });
                Kind::Status(status)
            }),
    ];
    let leaf = (1..u32::MAX, kind).prop_map(|(id, kind)| Command::new(id, kind));
    leaf.prop_recursive(3, 8, 3, |inner| {
        let group = proptest::collection::vec(inner, 0..3);
        (1..u32::MAX, group, any::<bool>()).prop_map(|(id, commands, atomic)| {
            Command::new(
                id,
                if atomic {
                    Kind::Atomic(commands)
                } else {
                    Kind::Sequence(commands)
                },
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read(body in proptest::collection::vec(command(), 0..5), is_final in any::<bool>()) {
        let message = server(1, body, is_final);
        let written = message.to_xml().unwrap();
        prop_assert_eq!(Message::parse(&written).unwrap(), message);
    }
}
