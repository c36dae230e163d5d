//! What no device should send: refused with the right status, and it costs nobody anything.

use std::time::Duration;

use ordain_testbed::Database;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, Manner};
use crate::device::Device;
use crate::house::House;
use crate::identity::TRUSTED;
use crate::message::{CHECK_IN, COMMAND, Ids, Message, TOPIC, property_list};
use crate::policy::small;

crate::on_each_database!(
    bodies_that_cannot_be_read,
    content_types,
    methods_and_paths,
    what_is_not_known,
    bodies_that_are_too_large,
    bodies_that_do_not_come,
);

/// A device that has converged, on a server that has nothing else.
pub(crate) async fn converged(database: Database) -> (House, Device) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    device.converge().await;
    house.pass(1_000);
    (house, device)
}

/// Everything but when it was last seen: being admitted is no secret.
pub(crate) async fn without_sightings(house: &House) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.remove("seen_at");
                object.values_mut().for_each(strip);
            }
            Value::Array(array) => array.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut everything = house.everything().await;
    strip(&mut everything);
    everything
}

async fn bodies_that_cannot_be_read(database: Database) {
    let (house, device) = converged(database).await;
    let before = without_sightings(&house).await;
    let good = Message::ddm(&device.ids, "tokens").body;
    let ddm = |keys: &str| property_list(&device.ids, &format!("<key>MessageType</key>{keys}"));
    let (head, dict) = good.split_once("<dict>").expect("a dictionary");
    let (open, close) = good.split_once("<key>MessageType</key>").expect("a key");
    let with_dtd = |dtd: &str, text: &str| {
        let body = good.replace("<string>tokens</string>", &format!("<string>{text}</string>"));
        let (_, after) = body.split_once("<plist").expect("a plist");
        format!("<?xml version=\"1.0\"?>\n{dtd}\n<plist{after}")
    };
    let entities: String = (1..10)
        .map(|n| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10)))
        .collect();
    let ids = |entries: &[(&'static str, &str)]| -> Ids {
        entries
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect()
    };
    let named = |entries: &[(&'static str, &str)]| Message::ddm(&ids(entries), "tokens").body;
    let mut bodies: Vec<(&str, Vec<u8>)> = [
        ("nothing", String::new()),
        ("blanks", " \n ".to_owned()),
        (
            "JSON",
            json!({"MessageType": "DeclarativeManagement", "UDID": "D"}).to_string(),
        ),
        ("text", "hello".to_owned()),
        ("HTML", "<html><body>hello</body></html>".to_owned()),
        ("no dictionary", format!("{head}<array/></plist>")),
        (
            "two roots",
            format!("{good}<plist version=\"1.0\"><dict/></plist>"),
        ),
        ("a dictionary too many", format!("{head}<dict/><dict>{dict}")),
        ("something after", format!("{good}x")),
        (
            "an unknown element",
            good.replace("<dict>", "<dict><key>a</key><set/>"),
        ),
        (
            "a key without value",
            good.replace("<dict>", "<dict><key>a</key>"),
        ),
        ("a value without key", good.replace("<dict>", "<dict><true/>")),
        (
            "a key twice",
            good.replace("<dict>", "<dict><key>Endpoint</key><string>status</string>"),
        ),
        ("the wrong end tag", good.replace("</dict>", "</array>")),
        ("no MessageType", property_list(&device.ids, "")),
        ("a MessageType that is a number", ddm("<integer>1</integer>")),
        ("no Endpoint", ddm("<string>DeclarativeManagement</string>")),
        ("no Topic", ddm("<string>CheckOut</string>")),
        (
            "no push token",
            ddm(&format!("<string>TokenUpdate</string>{TOPIC}")),
        ),
        (
            "data that is none",
            ddm("<string>SetBootstrapToken</string><key>BootstrapToken</key><data>%%</data>"),
        ),
        (
            "a token that is text",
            ddm("<string>SetBootstrapToken</string><key>BootstrapToken</key><string>a</string>"),
        ),
        (
            "a date that is none",
            ddm("<string>CheckOut</string><key>a</key><date>yesterday</date>"),
        ),
        ("no identifier", named(&[])),
        ("an empty identifier", named(&[("UDID", "")])),
        ("a colon in the identifier", named(&[("UDID", "D:U")])),
        ("a line in the identifier", named(&[("UDID", "D\nE")])),
        ("a long identifier", named(&[("UDID", &"D".repeat(10_000))])),
        (
            "a Shared iPad without user",
            named(&[("UDID", "D"), ("UserID", crate::message::SHARED_USER)]),
        ),
        ("an unknown entity", good.replace("tokens", "&tokens;")),
        (
            "an internal DTD",
            with_dtd("<!DOCTYPE plist [<!ENTITY a \"tokens\">]>", "&a;"),
        ),
        (
            "an unused DTD",
            with_dtd("<!DOCTYPE plist [<!ELEMENT plist ANY>]>", "tokens"),
        ),
        (
            "an external entity",
            with_dtd(
                "<!DOCTYPE plist [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>",
                "&a;",
            ),
        ),
        (
            "an entity bomb",
            with_dtd(
                &format!("<!DOCTYPE plist [<!ENTITY e0 \"a\">{entities}]>"),
                "&e9;",
            ),
        ),
        (
            "deep arrays",
            format!(
                "{open}<key>a</key>{}{}<key>MessageType</key>{close}",
                "<array>".repeat(4_000),
                "</array>".repeat(4_000)
            ),
        ),
        ("very deep arrays", format!("{head}{}", "<array>".repeat(500_000))),
        (
            "deep dictionaries",
            format!("{head}{}", "<dict><key>a</key>".repeat(100_000)),
        ),
        (
            "many elements",
            format!(
                "{open}<key>a</key><array>{}</array><key>MessageType</key>{close}",
                "<true/>".repeat(500_000)
            ),
        ),
    ]
    .map(|(name, body)| (name, body.into_bytes()))
    .into();
    let binary = [b"bplist00\xd1\x01\x02", &b"\x08\x0b\x0d\x00".repeat(20)[..]].concat();
    let utf16 = good.encode_utf16().flat_map(u16::to_le_bytes);
    bodies.push(("a binary property list", binary));
    bodies.push(("UTF-16", [0xFF, 0xFE].into_iter().chain(utf16).collect()));
    bodies.push((
        "no UTF-8",
        good.replace("tokens", "t\u{1}")
            .into_bytes()
            .iter()
            .map(|b| b | 0x80)
            .collect(),
    ));
    bodies.push(("a NUL", good.replace("tokens", "tok\0ens").into_bytes()));
    let end = good.trim_end().len();
    bodies.extend(
        (1..end)
            .step_by(17)
            .map(|end| ("truncated", good.as_bytes()[..end].to_vec())),
    );

    for (name, body) in bodies {
        for (path, content_type) in [
            ("/mdm", CHECK_IN),
            ("/mdm", COMMAND),
            ("/mdm", "text/xml"),
            ("/mdm/checkin", CHECK_IN),
        ] {
            let answer = device.agent.send("PUT", path, content_type, &body).await;
            assert_eq!(answer.status, 400, "{name} as {content_type}");
            assert!(answer.body.is_empty(), "{name}: {answer:?}");
        }
    }
    assert_eq!(without_sightings(&house).await, before);
    device.ddm("tokens").await.with(200);
}

/// The content type decides; where it says neither, the message does.
async fn content_types(database: Database) {
    let (_house, device) = converged(database).await;
    let (check_in, command) = (
        Message::ddm(&device.ids, "tokens"),
        Message::command(&device.ids, "Idle", ""),
    );
    for content_type in [
        "",
        "text/plain",
        "application/xml",
        "application/json",
        "*/*;;",
        "x",
    ] {
        for message in [&check_in, &command] {
            device
                .agent
                .send("PUT", "/mdm", content_type, message.body.as_bytes())
                .await
                .with(200);
        }
        device
            .agent
            .send("PUT", "/mdm/checkin", content_type, check_in.body.as_bytes())
            .await
            .with(200);
        device
            .agent
            .send("PUT", "/mdm/checkin", content_type, command.body.as_bytes())
            .await
            .with(400);
    }
    for (content_type, right, wrong) in [(CHECK_IN, &check_in, &command), (COMMAND, &command, &check_in)] {
        let with_charset = format!("{content_type}; charset=UTF-8");
        device
            .agent
            .send("PUT", "/mdm", &with_charset, right.body.as_bytes())
            .await
            .with(200);
        device
            .agent
            .send("PUT", "/mdm", content_type, wrong.body.as_bytes())
            .await
            .with(400);
    }
}

async fn methods_and_paths(database: Database) {
    let (house, device) = converged(database).await;
    let before = without_sightings(&house).await;
    let message = Message::ddm(&device.ids, "tokens");
    for method in ["GET", "POST", "DELETE", "PATCH", "OPTIONS", "MDM"] {
        for path in ["/mdm", "/mdm/checkin"] {
            device
                .agent
                .send(method, path, CHECK_IN, message.body.as_bytes())
                .await
                .with(405);
        }
    }
    for method in ["PUT", "POST", "DELETE"] {
        device.agent.send(method, "/assets/00", "", b"").await.with(405);
    }
    for path in [
        "/",
        "/mdm/",
        "/mdm/checkin/x",
        "/MDM",
        "/assets/",
        "/assets",
        "/assets/a/b",
        "/assets/..%2f..%2fetc%2fpasswd",
    ] {
        device.agent.get(path).await.with(404);
    }
    assert_eq!(without_sightings(&house).await, before);
}

async fn what_is_not_known(database: Database) {
    let (house, device) = converged(database).await;
    let before = without_sightings(&house).await;
    for message_type in ["GetToken", "ReturnToService", "authenticate", "Future"] {
        let message = Message::check_in(&device.ids, message_type, TOPIC);
        assert!(device.agent.put(&message).await.with(400).body.is_empty());
    }
    for endpoint in [
        "Tokens",
        "token",
        "declarations",
        "declaration/configuration/",
        "declaration//passcode",
        "/tokens",
    ] {
        assert!(device.ddm(endpoint).await.with(404).body.is_empty(), "{endpoint}");
    }
    for (status, keys) in [
        ("Finished", ""),
        ("idle", ""),
        ("Acknowledged", ""),
        ("Error", "<key>CommandUUID</key><integer>1</integer>"),
    ] {
        device
            .agent
            .put(&Message::command(&device.ids, status, keys))
            .await
            .with(400);
    }
    assert_eq!(without_sightings(&house).await, before);
}

/// The beginning of the answer to a request that is sent as it is; as much of it as the server takes.
pub(crate) async fn raw_answer(house: &House, head: &str, body: &[u8]) -> String {
    let manner = Manner {
        certificate: Some(TRUSTED.ec()),
        ..Manner::default()
    };
    let stream = Client::new(house.site.clone(), manner).stream().await;
    let (mut read, mut write) = tokio::io::split(stream);
    let send = async {
        write.write_all(head.as_bytes()).await?;
        write.write_all(body).await?;
        write.flush().await
    };
    let mut answer = vec![0; 12];
    // A server that has answered need not take the rest.
    let (_sent, received) = tokio::join!(send, read.read_exact(&mut answer));
    received.expect("an answer");
    String::from_utf8(answer).expect("text")
}

async fn bodies_that_are_too_large(database: Database) {
    let (house, device) = converged(database).await;
    let before = without_sightings(&house).await;
    let most = 4 << 20;
    let large = vec![b' '; most + 1];
    for path in ["/mdm", "/mdm/checkin"] {
        let head = format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {CHECK_IN}\r\n");
        for length in [most + 1, 1 << 40, 1 << 62] {
            let head = format!("{head}Content-Length: {length}\r\n\r\n");
            assert_eq!(raw_answer(&house, &head, b"").await, "HTTP/1.1 413", "{length}");
        }
        // The length comes out while it is sent.
        let chunk = format!("{:x}\r\n", large.len());
        let body = [chunk.as_bytes(), &large, b"\r\n0\r\n\r\n"].concat();
        let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        assert_eq!(raw_answer(&house, &head, &body).await, "HTTP/1.1 413");
        // The largest that is read at all; blanks are no message.
        device
            .agent
            .send("PUT", path, CHECK_IN, &large[..most])
            .await
            .with(400);
    }
    assert_eq!(without_sightings(&house).await, before);
}

/// Strangers who announce the most that is read, and send nothing of it, hold up nobody.
async fn bodies_that_do_not_come(database: Database) {
    let (house, device) = converged(database).await;
    let head = "PUT /mdm HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";
    let mut open = Vec::new();
    for length in ["Content-Length: 4194304", "Transfer-Encoding: chunked"].repeat(50) {
        let mut stream = Client::new(house.site.clone(), Manner::default()).stream().await;
        let request = format!("{head}{length}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        open.push(stream);
    }
    let answer = tokio::time::timeout(Duration::from_secs(5), device.ddm("tokens")).await;
    answer.expect("an answer, in spite of them").with(200);
}
