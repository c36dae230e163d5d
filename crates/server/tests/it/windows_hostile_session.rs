//! What a hostile client sends where Windows devices hold sessions, and what comes of it: nothing.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::bad_message::raw_answer;
use crate::house::House;
use crate::windows_element::Element;
use crate::windows_hostile::hostile_documents;
use crate::windows_raw::{DEVICE_ID, HARDWARE, RawPc};
use crate::windows_wire::PRIMARY;
use crate::windows_wire::{KEYS, Pc, token};

crate::on_each_database!(
    documents_that_are_not_read,
    bodies_that_are_too_large,
    messages_that_are_out_of_place,
    values_are_only_values,
    commands_that_are_no_devices,
);

async fn documents_that_are_not_read(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let good = pc.package_1();
    let documents = hostile_documents(&good, DEVICE_ID, "<Alert>", "SyncBody");
    let identity = pc.identity.clone();
    for (what, document) in &documents {
        // Nobody's is not even read.
        for (certificate, status) in [(None, 403), (identity.clone(), 400)] {
            pc.identity = certificate;
            let answer = pc.post_octets(document).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0), "{what}");
        }
    }
    pc.identity = identity;
    let answer = pc.send(&good).await;
    let mut next = pc.answer(&answer);
    while let Some(message) = next {
        let answer = pc.send(&message).await;
        for (what, document) in &documents {
            assert_eq!(pc.post_octets(document).await.status.as_u16(), 400, "{what}");
        }
        next = pc.answer(&answer);
    }
    assert_eq!(house.get("/devices").await["devices"][0]["state"], "converged");
}

async fn bodies_that_are_too_large(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let good = pc.package_1();
    let head = format!(
        "POST {PRIMARY} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.syncml.dm+xml\r\n"
    );
    for length in [(1 << 20) + 1, 10 << 20, 1_u64 << 62] {
        let head = format!("{head}Content-Length: {length}\r\n\r\n");
        assert_eq!(raw_answer(&house, &head, b"").await, "HTTP/1.1 413", "{length}");
    }
    let large = good.replace("<Final/>", &format!("<!--{}--><Final/>", "x".repeat(10 << 20)));
    let chunk = format!("{:x}\r\n", large.len());
    let body = [chunk.as_bytes(), large.as_bytes(), b"\r\n0\r\n\r\n"].concat();
    let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(raw_answer(&house, &head, &body).await, "HTTP/1.1 413");
    let fits = good.replace("<Final/>", &format!("<!--{}--><Final/>", "x".repeat(1000 << 10)));
    pc.send(&fits).await;
}

async fn messages_that_are_out_of_place(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    // Of somebody else: another device's certificate, another device's name.
    let other = Pc::new(&house, "OTHER").with("DeviceID", "OTHER");
    let other = other
        .enrolled(&token(&house, "other", 1).await, &KEYS[1])
        .await
        .identity;
    let first = pc.package_1();
    let own = pc.identity.replace(other);
    assert!(pc.post(&first).await.with(403).body.is_empty());
    pc.identity = None;
    assert!(pc.post(&first).await.with(403).body.is_empty());
    pc.identity = own;
    let as_other = first.replace(DEVICE_ID, "OTHER");
    assert!(pc.post(&as_other).await.with(403).body.is_empty());
    let mut sent: Vec<String> = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        let answer = pc.post(&message).await.with(200);
        assert_eq!(
            pc.post(&message).await.with(200).body,
            answer.body,
            "again, the same"
        );
        // Its number with another content, and those that were answered before.
        pc.post(&message.replace("<Final/>", "<Final/><!-- -->"))
            .await
            .with(400);
        for earlier in &sent {
            pc.post(earlier).await.with(400);
        }
        next = pc.answer(&Element::parse(answer.text()));
        sent.push(message);
    }
    // The session is over: its last message is answered as before, and no other one is.
    let last = sent.pop().expect("a message");
    let answer = pc.post(&last).await.with(200);
    assert_eq!(pc.post(&last).await.with(200).body, answer.body);
    let number = sent.len() + 1;
    let (this, next) = (format!("<MsgID>{number}<"), format!("<MsgID>{}<", number + 1));
    pc.post(&last.replace(&this, &next)).await.with(400);
    pc.post(&sent[0]).await.with(400);
    for nonsense in ["0", "-1", "4294967296", "x", ""] {
        let message = pc.package_1();
        pc.post(&message.replace("<MsgID>1<", &format!("<MsgID>{nonsense}<")))
            .await
            .with(400);
    }
    pc.session().await;
    assert_eq!(house.get("/devices").await["matching"], 2);
}

/// What looks like SQL, HTML, a formula, a format, or steers a terminal where it is not shown as what it is.
const NASTY: [&str; 7] = [
    "'; DROP TABLE enrollment; --",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\"><img src=x>&amp;",
    "%s%n${jndi:ldap://x}",
    // CSI in one character, and what turns the direction of writing: XML can carry both.
    "\u{9b}31mred\u{202e}",
];

async fn values_are_only_values(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    for nasty in NASTY {
        for node in [
            "DevDetail/Ext/Microsoft/DeviceName",
            "DevDetail/Ext/Microsoft/SMBIOSSerialNumber",
        ] {
            pc.tree.insert(format!("./{node}"), nasty.to_owned());
        }
        let escaped = nasty.replace('&', "&amp;").replace('<', "&lt;");
        let mut next = Some(pc.package_1().replace("Desk 1", &escaped));
        while let Some(message) = next {
            let answer = pc.send(&message).await;
            next = pc.answer(&answer);
        }
        let device = house.device(HARDWARE).await;
        let items = &device["channels"][0]["status"];
        for item in ["device.name", "device.model", "device.serial-number"] {
            assert_eq!(items[format!("windows.{item}")], nasty);
        }
        // What is known of it changes nothing else, and is told as data wherever it is told.
        assert_eq!(house.get("/devices").await["matching"], 1);
        house.get(&format!("/devices/{HARDWARE}/explain")).await;
    }
    // A refusal in the device's own words is its words.
    let alert = "<Alert><CmdID>4</CmdID><Data>1224</Data><Item><Source><LocURI>&lt;b&gt;'; DROP TABLE x</LocURI></Source><Meta><Type xmlns=\"syncml:metinf\">Reversed-Domain-Name:com.microsoft.mdm.win32csp_install</Type></Meta><Data>0</Data></Item></Alert>";
    pc.alerts = alert.to_owned();
    pc.session().await;
    // So is what it calls its session.
    let odd = pc.package_1().replace("<SessionID>", "<SessionID>&lt;s&gt;");
    let answer = pc.send(&odd).await;
    assert!(answer.at("SyncHdr/SessionID").starts_with("<s>"));
    assert_eq!(house.get("/devices").await["matching"], 1);
}

async fn commands_that_are_no_devices(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let deep = "<Atomic><CmdID>9</CmdID>".repeat(30) + &"</Atomic>".repeat(30);
    let many: String = (100..1_100)
        .map(|id| format!("<Get><CmdID>{id}</CmdID></Get>"))
        .collect();
    for (what, commands, statuses) in [
        ("a Get", "<Get><CmdID>9</CmdID><Item><Target><LocURI>./Users</LocURI></Target></Item></Get>".to_owned(), vec!["405"]),
        ("an Exec of nothing", "<Exec><CmdID>9</CmdID></Exec>".to_owned(), vec!["400"]),
        ("an Atomic in an Atomic", deep, vec!["406"]),
        ("an element that is none", "<Steal><CmdID>9</CmdID></Steal>".to_owned(), vec!["400"]),
        ("results of nothing", "<Results><CmdID>9</CmdID><MsgRef>77</MsgRef><CmdRef>77</CmdRef><Item><Source><LocURI>./X</LocURI></Source><Data>x</Data></Item></Results>".to_owned(), vec![]),
        ("a status of nothing", "<Status><CmdID>9</CmdID><MsgRef>77</MsgRef><CmdRef>77</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status>".to_owned(), vec![]),
        ("a thousand of nothing", many, vec!["400"; 1_000]),
    ] {
        let message = pc.package_1().replace("<Final/>", &format!("{commands}<Final/>"));
        let answer = pc.post(&message).await.with(200);
        let answer = Element::parse(answer.text());
        let body = &answer.find("SyncBody").expect("a body").children;
        let codes: Vec<&str> = body.iter().filter(|it| it.name == "Status").map(|it| it.at("Data")).collect();
        assert_eq!(codes[4..], statuses, "{what}");
    }
    pc.session().await;
    let state: Value = house.get("/devices").await["devices"][0]["state"].clone();
    assert_eq!(state, json!("converged"));
}
