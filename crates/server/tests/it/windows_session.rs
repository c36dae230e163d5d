//! Management sessions of Windows devices: how they go, and which messages are refused.

use ordain_testbed::Database;
use ordain_twin::windows::{Standing, Way};
use ordain_windows::discovery::AuthPolicy;
use serde_json::json;

use crate::house::{House, PUBLIC_URL};
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(
    both_ways_of_enrolling_lead_to_sessions,
    who_leaves_is_gone,
    what_a_device_tells_are_facts,
    facts_decide_groups,
    messages_out_of_turn,
    a_killed_server_goes_on,
    who_is_not_the_device_is_refused,
);

pub(crate) const ACCOUNT: &str = "./Vendor/MSFT/DMClient/Provider/Ordain";

async fn way(house: &House) -> Way {
    Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await)
}

async fn both_ways_of_enrolling_lead_to_sessions(database: Database) {
    let mut house = House::open(database).await;
    for (index, offers) in [vec![AuthPolicy::OnPremise], vec![AuthPolicy::Federated]]
        .into_iter()
        .enumerate()
    {
        let way = Way {
            offers,
            ..way(&house).await
        };
        let mut managed = Managed::enrolled(&house, index, way).await;
        assert_eq!(
            managed.twin.sessions(),
            1,
            "{:?}",
            managed.twin.complaints().kept()
        );
        managed.is_content();
        let account = |name: &str| managed.value(&format!("{ACCOUNT}/{name}"));
        assert_eq!(account("SyncApplicationVersion").as_deref(), Some("3.0"));
        assert_eq!(
            account("Poll/IntervalForRemainingScheduledRetries").as_deref(),
            Some("1560")
        );
        let device = house.device(managed.id()).await;
        assert_eq!(device["channels"][0]["phase"], "enrolled");
        managed.session().await;
        house.restart().await;
        managed.session().await;
    }
}

async fn who_leaves_is_gone(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    managed.twin.unenroll();
    let request = managed.request().expect("a last message");
    let answer = managed.send(&request).await.with(200);
    managed.respond(&answer);
    assert_eq!(managed.twin.standing(), Standing::Unenrolled);
    managed.is_content();
    let device = house.device(managed.id()).await;
    assert_eq!(device["channels"][0]["phase"], "checked-out");
    // Its certificate is worth nothing any more.
    let answer = managed.send(&request).await.with(403);
    assert!(answer.body.is_empty());
}

async fn what_a_device_tells_are_facts(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::new(&house, 0);
    managed.twin.pc_mut().model = "<script>=1+1".to_owned();
    managed.twin.enroll(way(&house).await).expect("a new computer");
    managed.hold().await;
    managed.is_content();
    let device = house.device(managed.id()).await;
    let items = &device["channels"][0]["status"];
    assert_eq!(items["windows.device.name"], json!(managed.twin.pc().name));
    assert_eq!(items["windows.os.version"], json!(managed.twin.pc().version));
    assert_eq!(items["windows.os.edition"], json!("pro"));
    assert_eq!(items["windows.device.model"], json!("<script>=1+1"));
    managed.twin.pc_mut().version = "10.0.26100.9".to_owned();
    managed.session().await;
    let device = house.device(managed.id()).await;
    assert_eq!(device["os_version"], json!("10.0.26100.9"));
}

async fn messages_out_of_turn(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    managed.twin.sync(house.now());
    let mut sent = Vec::new();
    while let Some(request) = managed.request() {
        let answer = managed.send(&request).await.with(200);
        let again = managed.send(&request).await.with(200);
        assert_eq!(again.body, answer.body, "the same message gets the same answer");
        // Its number with another content.
        let mut other = request.clone();
        other.body.extend_from_slice(b"<!-- -->");
        managed.send(&other).await.with(400);
        for earlier in &sent {
            managed.send(earlier).await.with(400);
        }
        managed.respond(&answer);
        sent.push(request);
    }
    managed.is_content();
    assert!(sent.len() > 1);
    // The session is over.
    managed.send(&sent[0]).await.with(400);
    let mut next = sent.pop().expect("a message");
    managed.send(&next).await.with(200);
    let text = String::from_utf8(next.body).expect("text");
    let number = sent.len() + 1;
    let forged = text.replace(&format!("<MsgID>{number}<"), &format!("<MsgID>{}<", number + 1));
    next.body = forged.into_bytes();
    managed.send(&next).await.with(400);
    managed.session().await;
}

async fn a_killed_server_goes_on(database: Database) {
    let mut house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    managed.twin.sync(house.now());
    while let Some(request) = managed.request() {
        let lost = managed.send(&request).await.with(200);
        house.kill();
        house.start().await.expect("a server");
        let answer = managed.send(&request).await.with(200);
        assert_eq!(answer.body, lost.body);
        managed.respond(&answer);
    }
    managed.is_content();
    assert_eq!(managed.twin.sessions(), 2);
}

async fn who_is_not_the_device_is_refused(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    let other = Managed::enrolled(
        &house,
        1,
        Way::new(PUBLIC_URL, "bob@example.org", token(&house, "bob", 1).await),
    )
    .await;
    managed.twin.sync(house.now());
    let request = managed.request().expect("a message");
    let account = other.twin.account().expect("an account");
    for identity in [None, Some(account.identity.clone())] {
        let mut forged = request.clone();
        forged.identity = identity;
        let answer = managed.send(&forged).await.with(403);
        assert!(answer.body.is_empty());
    }
    let answer = managed.send(&request).await.with(200);
    managed.respond(&answer);
    managed.hold().await;
    managed.is_content();
}

async fn facts_decide_groups(database: Database) {
    let house = House::open(database).await;
    let group = |predicate: &str| {
        let group = json!({"name": "pros", "where": predicate}).to_string();
        let blueprint = "name: base\ninclude: [pros]\ndeclarations: []\n".to_owned();
        [("groups/pros.json", group), ("blueprints/base.yaml", blueprint)]
    };
    house
        .publish(&group("@status(windows.os.edition) == 'pro'"))
        .await;
    house
        .try_publish(&group("@status(windows.os.editon) == 'pro'"))
        .await
        .with(422);
    let managed = Managed::enrolled(&house, 0, way(&house).await).await;
    let device = house.device(managed.id()).await;
    assert_eq!(device["groups"], json!(["all", "pros"]), "{device}");
    // Apple's devices are not asked for what they do not have, and their predicates do not know it.
    let mac = crate::device::Device::mac(&house, "D");
    mac.enroll().await;
    let device = house.device("D").await;
    assert!(!device["channels"].to_string().contains("windows."), "{device}");
}
