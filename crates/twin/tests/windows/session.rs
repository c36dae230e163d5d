//! F2.1 to F2.4, F2.10, F2.13: the messages of a session.

use ordain_twin::windows::{Complaint, Event, Limits, Pc, Settings, Twin};
use ordain_windows::syncml::alert::LoginStatus;
use roxmltree::{Document, Node};

use crate::fake::{
    Fake, NOW, Say, child, code, command, converse, enrolled, get, keys, order, results, run, say, statuses,
    way,
};

const CAMERA: &str = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";

fn names(message: &str) -> Vec<String> {
    let document = Document::parse(message).unwrap();
    let body = child(document.root_element(), "SyncBody").unwrap();
    let elements = body.children().filter(Node::is_element);
    elements.map(|node| node.tag_name().name().to_owned()).collect()
}

fn ids(message: &str) -> Vec<u32> {
    let document = Document::parse(message).unwrap();
    let body = child(document.root_element(), "SyncBody").unwrap();
    let elements = body.children().filter(Node::is_element);
    elements
        .filter_map(|node| child(node, "CmdID")?.text()?.parse().ok())
        .collect()
}

fn header(message: &str, name: &str) -> String {
    let document = Document::parse(message).unwrap();
    let header = child(document.root_element(), "SyncHdr").unwrap();
    let mut node = child(header, name).unwrap();
    while let Some(inner) = node.children().find(Node::is_element) {
        node = inner;
    }
    node.text().unwrap().to_owned()
}

/// F2.1
#[test]
fn package_1_is_alerts_and_device_info() {
    let (mut twin, mut fake) = enrolled();
    let messages = converse(&mut twin, &mut fake, [], NOW);
    let [message] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!(names(message), ["Alert", "Alert", "Replace", "Final"]);
    assert!(message.contains("<Data>1200</Data>"), "a push began it");
    assert!(
        message.contains("com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data>"),
        "{message}"
    );
    for node in ["DevId", "Man", "Mod", "DmV", "Lang"] {
        assert!(message.contains(&format!("<Source><LocURI>./DevInfo/{node}</LocURI></Source>")));
    }
    assert_eq!(header(message, "VerDTD"), "1.2");
    assert_eq!(header(message, "Target"), "https://mdm.example.org/omadm");
    assert_eq!(header(message, "Source"), twin.account().unwrap().device_id);
    // F2.13
    assert!(message.contains(">65536</MaxMsgSize>"), "{message}");
    twin.sync(NOW);
    run(&mut twin, &mut fake, NOW);
    let message = fake.messages().pop().unwrap();
    assert!(message.contains("<Data>1201</Data>"), "the device began it");
    assert_eq!(
        fake.requests[0].content_type,
        Some("application/vnd.syncml.dm+xml")
    );
}

/// F2.2
#[test]
fn each_command_has_its_status_in_order_and_results_only_for_200() {
    let (mut twin, mut fake) = enrolled();
    let commands = [
        get(7, "./DevDetail/SwV"),
        command("Replace", 3, CAMERA, "int", "0"),
        get(9, "./Device/Vendor/MSFT/NoSuchCsp"),
        command("Exec", 4, "./Device/Vendor/MSFT/Defender/Scan", "int", "1"),
    ];
    let more = [get(5, CAMERA)];
    let messages = converse(
        &mut twin,
        &mut fake,
        [say(commands.concat()), say(more.concat())],
        NOW,
    );
    assert_eq!(messages.len(), 3, "F2.4: nothing answers the last one");
    let package = &messages[1];
    assert_eq!(
        names(package),
        [
            "Status", "Status", "Status", "Status", "Status", "Results", "Final"
        ]
    );
    assert_eq!([7, 3, 9, 4].map(|id| code(package, id)), [200, 200, 404, 200]);
    let refs: Vec<_> = Document::parse(package)
        .unwrap()
        .descendants()
        .filter(|node| node.tag_name().name() == "CmdRef")
        .filter_map(|node| node.text().map(str::to_owned))
        .collect();
    assert_eq!(
        refs,
        ["0", "7", "3", "9", "4", "7"],
        "the header first, then as they came"
    );
    assert_eq!(
        results(package, 7),
        [(
            "./DevDetail/SwV".to_owned(),
            "chr".to_owned(),
            "10.0.22631.3958".to_owned()
        )]
    );
    assert_eq!(results(package, 9), []);
    assert_eq!(results(&messages[2], 5)[0].2, "0");
    for message in &messages {
        let ids = ids(message);
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert!(!unique.contains(&0));
    }
    let numbers: Vec<_> = messages.iter().map(|message| header(message, "MsgID")).collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    assert_eq!(
        twin.history().last(),
        Some(&Event::Did("Defender/Scan 1".to_owned()))
    );
}

/// F2.2: items that end differently are told apart.
#[test]
fn one_status_for_each_item_that_ended_otherwise() {
    let (mut twin, mut fake) = enrolled();
    let two = |second: &str| {
        format!(
            "<Get><CmdID>5</CmdID><Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item><Item><Target><LocURI>{second}</LocURI></Target></Item></Get>"
        )
    };
    let messages = converse(
        &mut twin,
        &mut fake,
        [say(two("./DevInfo/Mod")), say(two("./DevInfo/X"))],
        NOW,
    );
    assert_eq!(statuses(&messages[1], 5).len(), 1);
    assert_eq!(results(&messages[1], 5).len(), 2);
    let told: Vec<_> = statuses(&messages[2], 5)
        .into_iter()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(told, [200, 404]);
    assert!(messages[2].contains("<TargetRef>./DevInfo/X</TargetRef>"));
    assert_eq!(results(&messages[2], 5).len(), 1);
}

/// The complaints about a session with one message like this.
fn complaints(say: Say, change: Option<(&str, &str)>) -> (Vec<Complaint>, Twin, Vec<String>) {
    let (mut twin, mut fake) = enrolled();
    if let Some((old, new)) = change {
        fake = fake.change("/omadm", old, new);
    }
    fake.script = [say].into();
    twin.push(NOW);
    if let Some(request) = twin.request(NOW) {
        let response = fake.answer(&request);
        fake.changes.clear();
        twin.respond(&response, NOW);
    }
    run(&mut twin, &mut fake, NOW);
    let messages = fake.messages();
    (twin.complaints().kept().to_vec(), twin, messages)
}

/// F2.3: what makes a whole message worthless ends the session, and nothing of it is done.
#[test]
fn messages_that_are_not_for_this_device_or_session_are_refused() {
    let set = || say(command("Replace", 100, CAMERA, "int", "0"));
    for (old, new, expected) in [
        ("<VerDTD>1.2", "<VerDTD>1.1", "VerDTD is not"),
        ("<VerProto>DM/1.2", "<VerProto>DM/1.1", "VerProto is not"),
        ("<SessionID>", "<SessionID>9", "another SessionID"),
        ("<Target><LocURI>", "<Target><LocURI>X", "another Target"),
        (
            "<Source><LocURI>https://mdm",
            "<Source><LocURI>https://mdn",
            "another Source",
        ),
        ("<MsgID>1<", "<MsgID>0<", "MsgID is not"),
        ("<Final/>", "<Final/><Final/>", "Final is not"),
        ("<SyncML xmlns", "<!DOCTYPE x><SyncML xmlns", "a DTD refused"),
        (
            "<Cmd>SyncHdr</Cmd><Data>200",
            "<Cmd>SyncHdr</Cmd><Data>403",
            "SyncHdr is 403",
        ),
    ] {
        let (complaints, twin, messages) = complaints(set(), Some((old, new)));
        assert!(
            complaints[0].to_string().contains(expected),
            "{new}: {complaints:?}"
        );
        assert_eq!(twin.history().last(), Some(&Event::SessionFailed), "{new}");
        assert_eq!(messages.len(), 1, "{new}");
        assert_eq!(twin.value(CAMERA, NOW), None, "{new}");
    }
}

/// F2.4
#[test]
fn commands_without_a_status_for_the_header_are_not_done() {
    let mut said = say(command("Replace", 100, CAMERA, "int", "0"));
    said.header = "";
    let (complaints, twin, _) = complaints(said, None);
    assert!(complaints.contains(&Complaint::NoHeaderStatus));
    assert_eq!(twin.value(CAMERA, NOW), None);
}

/// F2.3: each command that the device sent has its status.
#[test]
fn missing_and_stray_statuses_are_complained_of() {
    let mut said = say(get(100, "./DevInfo/Man"));
    said.statuses = false;
    let (missing, twin, messages) = complaints(said, None);
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert!(
        missing
            .iter()
            .all(|one| matches!(one, Complaint::NoStatus { .. }))
    );
    assert_eq!(
        code(&messages[1], 100),
        200,
        "what was asked is answered all the same"
    );
    assert_eq!(twin.history().last(), Some(&Event::Session));
    let stray = |message: &str, command: &str| {
        say(format!(
            "<Status><CmdID>90</CmdID><MsgRef>{message}</MsgRef><CmdRef>{command}</CmdRef><Cmd>Alert</Cmd><Data>200</Data></Status>"
        ))
    };
    for said in [stray("1", "77"), stray("7", "1"), stray("1", "1")] {
        let (complaints, ..) = complaints(said, None);
        assert!(
            matches!(complaints[..], [Complaint::StrayStatus { .. }]),
            "{complaints:?}"
        );
    }
    let (complaints, ..) = complaints(
        say(""),
        Some(("<Cmd>Alert</Cmd><Data>200", "<Cmd>Alert</Cmd><Data>500")),
    );
    assert!(
        matches!(complaints[..], [Complaint::CommandStatus { .. }]),
        "{complaints:?}"
    );
}

/// F2.3: 400 for what is unknown or malformed, one by one.
#[test]
fn malformed_commands_are_answered_with_400_and_the_others_are_done() {
    let (mut twin, mut fake) = enrolled();
    let commands = format!(
        "<Copy><CmdID>100</CmdID></Copy><Get><Item><Target><LocURI>./DevInfo/Man</LocURI></Target></Item></Get>
        <Get><CmdID>0</CmdID><Item/></Get><Get><CmdID>101</CmdID></Get><Surprise><CmdID>102</CmdID></Surprise>{}{}{}{}",
        get(103, "./DevInfo/Man"),
        get(103, "./DevInfo/Man"),
        get(104, "/DevInfo/Man"),
        get(105, "./Vendor/../DevInfo"),
    );
    let messages = converse(&mut twin, &mut fake, [say(commands)], NOW);
    let package = &messages[1];
    assert_eq!(package.matches("<CmdRef></CmdRef>").count(), 2, "{package}");
    assert_eq!([100, 101, 102, 104, 105].map(|id| code(package, id)), [400; 5]);
    let twice: Vec<_> = statuses(package, 103).into_iter().map(|(code, _)| code).collect();
    assert_eq!(twice, [200, 400]);
    let complaints = twin.complaints().kept();
    assert_eq!(
        complaints
            .iter()
            .filter(|one| matches!(one, Complaint::Malformed(_)))
            .count(),
        5,
        "{complaints:?}"
    );
    assert_eq!(
        complaints
            .iter()
            .filter(|one| matches!(one, Complaint::LocUri(_)))
            .count(),
        2
    );
    assert!(complaints.contains(&Complaint::CommandIdTwice(103)));
    // [U] codes: 1100 and the like are for people.
    let alert = |code: u16| say(format!("<Alert><CmdID>100</CmdID><Data>{code}</Data></Alert>"));
    let messages = converse(&mut twin, &mut fake, [alert(1100), alert(1224)], NOW);
    assert_eq!([code(&messages[1], 100), code(&messages[2], 100)], [406, 200]);
}

/// F2.4
#[test]
fn a_message_that_neither_ends_nor_goes_on() {
    let mut said = say("");
    said.is_final = false;
    let (complaints, twin, _) = complaints(said, None);
    assert_eq!(complaints, [Complaint::NoFinal]);
    assert_eq!(twin.history().last(), Some(&Event::SessionFailed));
    // A package of several messages is asked for with 1222.
    let (mut twin, mut fake) = enrolled();
    let mut first = say(get(100, "./DevInfo/Man"));
    first.is_final = false;
    let messages = converse(&mut twin, &mut fake, [first, say(get(100, "./DevInfo/Mod"))], NOW);
    assert!(
        messages[1].contains("<Data>1222</Data>") && !messages[1].contains("<Final/>"),
        "{}",
        messages[1]
    );
    assert!(messages[2].contains("<Final/>"));
    assert_eq!(twin.complaints().kept(), []);
    // 1223 ends a session.
    let messages = converse(
        &mut twin,
        &mut fake,
        [say("<Alert><CmdID>100</CmdID><Data>1223</Data></Alert>")],
        NOW,
    );
    assert_eq!(messages.len(), 1);
}

/// F2.4: a server that never stops.
#[test]
fn a_session_has_an_end() {
    let (mut twin, mut fake) = enrolled();
    fake.script = (0..600).map(|_| say(get(100, "./DevInfo/Man"))).collect();
    fake.requests.clear();
    twin.push(NOW);
    run(&mut twin, &mut fake, NOW);
    assert_eq!(fake.messages().len(), 500);
    assert!(twin.complaints().kept().contains(&Complaint::Endless(500)));
}

/// F2.10
#[test]
fn the_users_settings_need_the_user() {
    let (mut twin, mut fake) = enrolled();
    let mine = "./User/Vendor/MSFT/Policy/Config/Experience/AllowCortana";
    for (login, expected) in [
        (LoginStatus::Others, 405),
        (LoginStatus::None, 405),
        (LoginStatus::User, 200),
    ] {
        twin.pc_mut().login = login;
        assert_eq!(order(&mut twin, &mut fake, "Replace", mine, "int", "0"), expected);
        let first = fake.messages().swap_remove(0);
        assert!(first.contains(&format!("<Data>{}</Data>", login.as_str())));
    }
    let other = "./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana";
    assert_eq!(twin.value(other, NOW), None, "the device's is another one");
    // Only the device has it.
    assert_eq!(
        order(
            &mut twin,
            &mut fake,
            "Exec",
            "./User/Vendor/MSFT/Reboot/RebootNow",
            "",
            ""
        ),
        405
    );
}

/// F2.13
#[test]
fn a_message_that_is_too_large_is_refused_as_a_whole() {
    let (mut twin, mut fake) = enrolled();
    let long = format!(
        "{}<!--{}-->",
        command("Replace", 100, CAMERA, "int", "0"),
        "x".repeat(70_000)
    );
    let messages = converse(&mut twin, &mut fake, [say(long)], NOW);
    assert_eq!(names(&messages[1]), ["Status", "Final"]);
    assert_eq!(code(&messages[1], 0), 413);
    assert_eq!(twin.value(CAMERA, NOW), None);
    assert!(matches!(twin.complaints().kept(), [Complaint::TooLarge(_)]));
}

/// What is behind a failure is told from version 3.0 on, sessions are numbered otherwise from 2.0 on, and 2.0 does not go
/// back to 1.0.
#[test]
fn versions_of_the_client_that_the_server_asks_for() {
    let (mut twin, mut fake) = enrolled();
    let version = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion";
    let missing = |twin: &mut Twin, fake: &mut Fake| {
        let messages = converse(twin, fake, [say(get(100, "./Device/Vendor/MSFT/NoSuchCsp"))], NOW);
        (
            statuses(&messages[1], 100).remove(0).1,
            header(&messages[0], "SessionID"),
        )
    };
    assert_eq!(missing(&mut twin, &mut fake).0, None);
    assert_eq!(order(&mut twin, &mut fake, "Replace", version, "chr", "3.0"), 200);
    for _ in 0..7 {
        missing(&mut twin, &mut fake);
    }
    let (original, session) = missing(&mut twin, &mut fake);
    assert_eq!(original.as_deref(), Some("0x86000002"));
    assert_eq!(session, "B", "the eleventh");
    assert_eq!(order(&mut twin, &mut fake, "Replace", version, "chr", "1.0"), 500);
    assert_eq!(order(&mut twin, &mut fake, "Replace", version, "chr", "9.0"), 500);
    assert_eq!(order(&mut twin, &mut fake, "Replace", version, "chr", "4.0"), 200);
}

/// The hardware's identifier is the device's name where the account says so.
#[test]
fn the_hardware_id_may_be_the_name() {
    let mut fake = Fake::new();
    fake.document.push((
        "<parm name=\"BACKCOMPATRETRYDISABLED\"/>".to_owned(),
        "<parm name=\"USEHWDEVID\"/>".to_owned(),
    ));
    let limits = Limits {
        message: 4096,
        object: 8192,
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let mut twin = Twin::new(Pc::new(1, 0), settings, std::sync::Arc::new(keys()));
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert_eq!(twin.complaints().kept(), []);
    let message = fake.messages().remove(0);
    assert_eq!(header(&message, "Source"), twin.pc().hardware_id);
    assert!(message.contains(">4096</MaxMsgSize>") && message.contains(">8192</MaxObjSize>"));
}
