//! Sessions of Windows devices behind a proxy that tells no certificates: credentials in messages (example 3).

use ordain_testbed::Database;
use ordain_twin::windows::{Standing, Way};
use serde_json::json;

use crate::client::{Manner, PROXY};
use crate::house::{House, PUBLIC_URL};
use crate::windows_element::Element;
use crate::windows_raw::{HARDWARE, RawPc};
use crate::windows_raw_session::publish;
use crate::windows_twin::Managed;
use crate::windows_wire::{KEYS, Pc, between, token};

crate::on_each_database!(
    the_exchange_of_the_examples,
    what_was_shown_is_good_for_one_message,
    who_cannot_answer_is_not_let_in,
    nobody_learns_who_is_there,
    only_a_proxy_that_tells_no_certificates,
    the_strict_twin_is_managed,
);

const CAMERA: &str = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";

/// A server behind a proxy that passes on no certificates.
async fn house(database: Database) -> House {
    House::open_with(database, |settings| settings.client_cert_header = None).await
}

fn proxy() -> Manner {
    Manner {
        from: PROXY,
        ..Manner::default()
    }
}

/// The status of the header.
fn code(answer: &Element) -> &str {
    answer.at("SyncBody/Status/Data")
}

/// The message that answers a challenge, with the right credentials.
async fn challenged(pc: &mut RawPc) -> String {
    pc.credential.clear();
    let first = pc.package_1();
    let answer = pc.send(&first).await;
    assert_eq!(code(&answer), "407");
    let secret = pc.secret.clone();
    pc.learns(&answer, HARDWARE, &secret);
    pc.package_1_again()
}

async fn the_exchange_of_the_examples(database: Database) {
    let house = house(database).await;
    publish(&house, "camera", &json!({"settings": [{CAMERA: 0}]})).await;
    let mut pc = RawPc::enrolled(&house).await.behind(proxy());
    let first = pc.package_1();
    let answer = pc.send(&first).await;
    let body = &answer.find("SyncBody").expect("a body").children;
    let names: Vec<&str> = body.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        (names, code(&answer)),
        (vec!["Status", "Final"], "407"),
        "nothing of it is done"
    );
    assert_eq!(
        house.device(HARDWARE).await["channels"][0]["phase"],
        "authenticated"
    );
    let secret = pc.secret.clone();
    pc.learns(&answer, HARDWARE, &secret);
    let mut next = Some(pc.package_1_again());
    let mut messages = 0;
    while let Some(message) = next {
        let answer = pc.send(&message).await;
        assert_eq!(code(&answer), "200");
        assert!(
            answer.find("SyncBody/Status/Chal/Meta/NextNonce").is_some(),
            "for the next message"
        );
        next = pc.answer(&answer);
        messages += 1;
    }
    assert!(messages > 2);
    assert_eq!(house.device(HARDWARE).await["channels"][0]["phase"], "enrolled");
    assert_eq!(house.get("/devices").await["devices"][0]["state"], "converged");
    // The next session begins with the nonce of the last one.
    let heard = pc.session().await;
    assert!(heard.iter().all(|answer| code(answer) == "200"));
    // A device that has lost it is told another one.
    let message = challenged(&mut pc).await;
    assert_eq!(code(&pc.send(&message).await), "200");
}

async fn what_was_shown_is_good_for_one_message(database: Database) {
    let mut house = house(database).await;
    let mut pc = RawPc::enrolled(&house).await.behind(proxy());
    let first = challenged(&mut pc).await;
    let mut sent: Vec<String> = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        let lost = pc.post(&message).await.with(200);
        // The same message gets the same answer, from another server too.
        house.kill();
        house.start().await.expect("a server");
        let answer = pc.post(&message).await.with(200);
        assert_eq!(answer.body, lost.body);
        // Its credentials are for no other message,
        let other = message.replace("<Final/>", "<Final/><!-- -->");
        assert_ne!(other, message);
        refused(&pc, &other).await;
        // and those of earlier ones for none.
        for earlier in &sent {
            refused(&pc, earlier).await;
        }
        next = pc.answer(&Element::parse(answer.text()));
        sent.push(message);
    }
    assert!(sent.len() > 2);
    let last = sent.last().expect("a message");
    pc.post(last).await.with(200);
    pc.session().await;
    refused(&pc, last).await;
}

/// Challenged, or sent away: nothing is done.
async fn refused(pc: &RawPc, message: &str) {
    let answer = pc.post(message).await;
    match answer.status.as_u16() {
        200 => {
            let answer = Element::parse(answer.text());
            assert_eq!(
                (code(&answer), answer.find("SyncBody/Get").is_some()),
                ("401", false)
            );
        }
        other => assert_eq!((other, answer.body.len()), (403, 0)),
    }
}

async fn who_cannot_answer_is_not_let_in(database: Database) {
    let house = house(database).await;
    let mut pc = RawPc::enrolled(&house).await.behind(proxy());
    let secret = pc.secret.clone();
    for (user, secret) in [
        (HARDWARE, "wrong"),
        ("9C2D7B1E5A", secret.as_str()),
        (HARDWARE, ""),
    ] {
        pc.credential.clear();
        let first = pc.package_1();
        let answer = pc.send(&first).await;
        pc.learns(&answer, user, secret);
        let second = pc.package_1_again();
        let answer = pc.send(&second).await;
        assert_eq!(code(&answer), "401");
        // There is one more attempt, and then no more in this session.
        pc.learns(&answer, user, secret);
        let third = pc.package_1_again();
        assert!(pc.post(&third).await.with(403).body.is_empty());
    }
    // Name and password in clear are none.
    let basic = challenged(&mut pc).await.replace("auth-md5", "auth-basic");
    assert_eq!(code(&pc.send(&basic).await), "401");
    assert_eq!(
        house.device(HARDWARE).await["channels"][0]["phase"],
        "authenticated"
    );
    let metrics = house.client().send("GET", "/metrics", &[], b"").await;
    let counted = metrics
        .with(200)
        .text()
        .contains(r#"reason="wrong credentials"} 4"#);
    assert!(counted, "each attempt that is told so");
    // Another device proves what it is, and no more: neither its secret nor its certificate is this one's.
    let other = Pc::new(&house, "OTHER").with("DeviceID", "OTHER");
    let other = other.enrolled(&token(&house, "other", 1).await, &KEYS[1]).await;
    let (_, account) = other.document.split_once("APPSRV").expect("an account");
    let secret = between(account, r#"name="AAUTHSECRET" value=""#, "\"");
    let first = challenged(&mut pc).await;
    for user in ["OTHER", HARDWARE] {
        let answer = pc.send(&first).await;
        pc.learns(&answer, user, secret);
        let message = pc.package_1_again();
        refused(&pc, &message).await;
    }
    // One that has left is nobody.
    let message = challenged(&mut pc).await;
    let answer = pc.send(&message).await;
    let mut message = pc.answer(&answer).expect("more");
    message = message.replace(
        "<Final/>",
        "<Alert><CmdID>900</CmdID><Data>1226</Data><Item><Meta><Type xmlns=\"syncml:metinf\">com.microsoft:mdm.unenrollment.userrequest</Type></Meta><Data>1</Data></Item></Alert><Final/>",
    );
    pc.send(&message).await;
    assert_eq!(
        house.device(HARDWARE).await["channels"][0]["phase"],
        "checked-out"
    );
    let message = challenged(&mut pc).await;
    assert_eq!(code(&pc.send(&message).await), "401");
}

async fn nobody_learns_who_is_there(database: Database) {
    let house = house(database).await;
    let mut pc = RawPc::enrolled(&house).await.behind(proxy());
    let known = pc.package_1();
    let unknown = known.replace("9C2D7B1E5A", "9C2D7B1E5B");
    let mut told = Vec::new();
    for message in [&known, &unknown] {
        let credential = "<Source><LocURI>";
        let shown = message.replace(
            "</Source>\n",
            "</Source><Cred><Meta><Type xmlns=\"syncml:metinf\">syncml:auth-md5</Type></Meta><Data>Wye3WIqUyZtfGoyzDsNumA==</Data></Cred>\n",
        );
        assert!(shown.len() > message.len() && shown.contains(credential));
        for message in [message.clone(), shown] {
            let answer = pc.post(&message).await.with(200).told();
            let again = pc.post(&message).await.with(200).told();
            assert_eq!(answer, again, "nothing was written");
            let text = answer.text().to_owned();
            let nonce = Element::parse(&text)
                .at("SyncBody/Status/Chal/Meta/NextNonce")
                .to_owned();
            assert_eq!(nonce.len(), 24);
            let source = Element::parse(&text).at("SyncHdr/Target/LocURI").to_owned();
            told.push((text.replace(&nonce, "").replace(&source, ""), nonce));
        }
    }
    let [(known, one), (wrong, two), (unknown, three), (wrong_too, four)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((known, wrong), (unknown, wrong_too));
    assert!(known.contains("407") && wrong.contains("401"));
    assert_eq!((one == two, three == four, one == three), (true, true, false));
    // Each message is challenged with another one.
    let next = pc.package_1();
    let nonce = pc
        .send(&next)
        .await
        .at("SyncBody/Status/Chal/Meta/NextNonce")
        .to_owned();
    assert_ne!(&nonce, one);
    assert_eq!(house.get("/devices").await["matching"], 1);
}

async fn only_a_proxy_that_tells_no_certificates(database: Database) {
    let mut house = house(database).await;
    let pc = RawPc::enrolled(&house).await;
    let identity = pc.identity.clone();
    let mut pc = pc.behind(proxy());
    let message = challenged(&mut pc).await;
    // From anybody else, it is a message without a certificate.
    pc.manner = Manner::default();
    assert!(pc.post(&message).await.with(403).body.is_empty());
    let bare = pc.package_1();
    assert!(pc.post(&bare).await.with(403).body.is_empty());
    // With one, it needs no credentials, and is asked for none.
    pc.identity = identity;
    pc.session().await;
    // A proxy that tells certificates has told that there is none.
    pc.identity = None;
    pc.manner = proxy();
    house.settings().client_cert_header = Some(crate::house::PROXY_HEADER.to_owned());
    house.restart().await;
    let message = pc.package_1();
    assert!(pc.post(&message).await.with(403).body.is_empty());
}

async fn the_strict_twin_is_managed(database: Database) {
    let mut house = house(database).await;
    publish(&house, "camera", &json!({"settings": [{CAMERA: 0}]})).await;
    let mut managed = Managed::proxied(&house, 0);
    let way = Way::new(PUBLIC_URL, "ada@example.org", token(&house, "lab", 1).await);
    managed.enroll(way).await;
    managed.is_content();
    assert_eq!(managed.value(CAMERA).as_deref(), Some("0"));
    publish(&house, "camera", &json!({"settings": [{CAMERA: 1}]})).await;
    managed.twin.sync(house.now());
    while let Some(request) = managed.request() {
        assert!(request.identity.is_none());
        let lost = managed.send(&request).await.with(200);
        house.kill();
        house.start().await.expect("a server");
        let answer = managed.send(&request).await.with(200);
        assert_eq!(answer.body, lost.body);
        managed.respond(&answer);
    }
    managed.is_content();
    assert_eq!(managed.value(CAMERA).as_deref(), Some("1"));
    assert_eq!(house.get("/devices").await["devices"][0]["state"], "converged");
    managed.twin.unenroll();
    managed.hold().await;
    assert_eq!(managed.twin.standing(), Standing::Unenrolled);
    assert_eq!(
        house.device(managed.id()).await["channels"][0]["phase"],
        "checked-out"
    );
}
