//! Simulated PCs that a server sends to their linked enrollment, and how it ends.

use ordain_catalog::windows::Join;
use ordain_pki::Certificate;
use ordain_testbed::Database;
use ordain_twin::windows::Standing;
use serde_json::{Value, json};

use crate::house::House;
use crate::windows_actions::{order, state};
use crate::windows_tenant::{self, HOUR, enroll, house, in_entra, session};
use crate::windows_twin::Managed;

crate::on_each_database!(
    a_joined_pc_is_linked,
    a_registered_pc_is_linked,
    what_stays_at_failed_works,
    who_cannot_be_linked_is_told,
    unlinking,
    the_primarys_end_is_its_end,
);

/// Wants a document of all.
async fn publish(house: &House) {
    let document = "Identifier: wifi\nscenario: MSFTWifi\ncsp:\n  - name: ./Vendor/MSFT/WiFi\n    settings:\n      \
                    - path: Profile/Lab/WlanXml\n        format: chr\n        value: <WLANProfile/>\n";
    let blueprint = "name: base\ninclude: [all]\ndeclarations: [wifi]\n";
    house
        .publish(&[
            ("windows/wifi.yaml", document.to_owned()),
            ("blueprints/base.yaml", blueprint.to_owned()),
        ])
        .await;
}

async fn publish_nothing(house: &House) {
    let blueprint = "name: base\ninclude: [all]\ndeclarations: []\n".to_owned();
    house.publish(&[("blueprints/base.yaml", blueprint)]).await;
}

/// A PC that is joined to Entra, has enrolled, and has done all that it had to do.
async fn enrolled(house: &House) -> Managed {
    let mut managed = in_entra(house, Join::Joined);
    enroll(house, &mut managed).await;
    managed
}

/// The phase of the linked channel, and what is said of it.
async fn linked(house: &House, managed: &Managed) -> (Option<String>, Vec<String>) {
    let device = house.device(managed.id()).await;
    let channel = windows_tenant::linked(house, managed).await;
    let notes = device["notes"].as_array().expect("notes").iter();
    let notes = notes
        .filter_map(Value::as_str)
        .filter(|note| note.contains("linked"));
    (
        channel["phase"].as_str().map(str::to_owned),
        notes.map(str::to_owned).collect(),
    )
}

/// It is linked, and nothing speaks against that.
async fn is_linked(house: &House, managed: &Managed) {
    let is = (Some("enrolled".to_owned()), Vec::new());
    assert_eq!(linked(house, managed).await, is);
}

/// The certificate of its linked account.
fn certificate(managed: &Managed) -> Certificate {
    let account = managed.twin.linked().expect("a linked account");
    account.identity.certificate.clone()
}

async fn a_joined_pc_is_linked(database: Database) {
    let mut house = house(database).await;
    publish(&house).await;
    let mut managed = enrolled(&house).await;
    managed.is_content();
    let (primary, second) = {
        let account = managed.twin.linked().expect("a linked account");
        (
            managed.twin.account().expect("an account").clone(),
            account.clone(),
        )
    };
    assert_eq!(
        (primary.provider_id.as_str(), second.provider_id.as_str()),
        ("Ordain", "Ordain-DC")
    );
    assert_eq!(second.sessions(), 1);
    is_linked(&house, &managed).await;
    let audit = house.get("/audit").await;
    let linking = audit
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["action"] == "link");
    assert_eq!(
        linking.expect("a row")["who"],
        "Entra device 77777777-0000-0000-0000-000000000001"
    );
    house.restart().await;
    session(&house, &mut managed).await;
    let device = house.device(managed.id()).await;
    assert_eq!(device["channels"][0]["status"]["windows.linked.status"], 4);
    // Both go on by their own schedules, and nothing is begun again.
    house.pass(24 * HOUR);
    managed.twin.wake(house.now());
    managed.hold().await;
    session(&house, &mut managed).await;
    managed.is_content();
    assert!(managed.twin.linked().expect("a linked account").sessions() > 1);
    assert_eq!(certificate(&managed), second.identity.certificate);
    is_linked(&house, &managed).await;
}

async fn a_registered_pc_is_linked(database: Database) {
    // It needs nothing of Entra that this server knows of.
    let house = House::open(database).await;
    publish(&house).await;
    let mut managed = in_entra(&house, Join::Registered);
    enroll(&house, &mut managed).await;
    managed.is_content();
    is_linked(&house, &managed).await;
    let audit = house.get("/audit").await;
    assert_eq!(audit[0]["who"], format!("device {}", managed.id()));
}

async fn what_stays_at_failed_works(database: Database) {
    let house = house(database).await;
    publish(&house).await;
    let mut managed = in_entra(&house, Join::Joined);
    managed.twin.quirks_mut().link_status_stays_failed = true;
    enroll(&house, &mut managed).await;
    let before = certificate(&managed);
    for _ in 0..3 {
        house.pass(HOUR);
        session(&house, &mut managed).await;
    }
    let device = house.device(managed.id()).await;
    assert_eq!(device["channels"][0]["status"]["windows.linked.status"], 3);
    is_linked(&house, &managed).await;
    assert_eq!(certificate(&managed), before);
}

async fn who_cannot_be_linked_is_told(database: Database) {
    let house = house(database).await;
    publish(&house).await;
    let mut managed = in_entra(&house, Join::Joined);
    managed.twin.pc_mut().edition = 101;
    enroll(&house, &mut managed).await;
    managed.is_content();
    assert!(managed.twin.linked().is_none());
    let why = "not linked: the device cannot be: not in the edition home";
    assert_eq!(linked(&house, &managed).await, (None, vec![why.to_owned()]));
    let device = house.device(managed.id()).await;
    assert_eq!(device["state"], "pending", "what is wanted is not there");
    for path in ["explain", "explain?declaration=wifi"] {
        let explained = house.get(&format!("/devices/{}/{path}", managed.id())).await;
        assert!(explained.to_string().contains(why), "{explained}");
    }
    // Nothing is said where nothing is wanted.
    publish_nothing(&house).await;
    assert_eq!(linked(&house, &managed).await, (None, vec![]));
    let explained = house.get(&format!("/devices/{}/explain", managed.id())).await;
    assert!(!explained.to_string().contains("linked"), "{explained}");
    // An upgrade, and it can be.
    publish(&house).await;
    managed.twin.pc_mut().edition = 48;
    session(&house, &mut managed).await;
    is_linked(&house, &managed).await;
}

async fn unlinking(database: Database) {
    let house = house(database).await;
    publish(&house).await;
    let mut managed = enrolled(&house).await;
    let before = certificate(&managed);
    publish_nothing(&house).await;
    session(&house, &mut managed).await;
    assert!(
        managed.twin.linked().is_some(),
        "it stays linked until it is told otherwise"
    );
    let mut body = json!({"request_type": "windows.unlink", "devices": [managed.id()]});
    house
        .admin("POST", "/commands", Some(body.clone()))
        .await
        .with(428);
    body["confirm"] = json!(true);
    let id = order(&house, body).await;
    session(&house, &mut managed).await;
    assert_eq!(
        state(&house, &id).await.0,
        "sent",
        "that it was taken is not that it was done"
    );
    assert_eq!(linked(&house, &managed).await.0.as_deref(), Some("enrolled"));
    session(&house, &mut managed).await;
    assert_eq!(state(&house, &id).await.0, "acknowledged");
    assert_eq!(linked(&house, &managed).await, (None, vec![]));
    assert!(managed.twin.linked().is_none());
    // Wanted again, it is linked anew.
    publish(&house).await;
    session(&house, &mut managed).await;
    session(&house, &mut managed).await;
    is_linked(&house, &managed).await;
    assert_ne!(certificate(&managed), before);
    managed.is_content();
}

async fn the_primarys_end_is_its_end(database: Database) {
    let house = house(database).await;
    publish(&house).await;
    let mut managed = enrolled(&house).await;
    assert!(managed.twin.linked().is_some());
    let body = json!({"request_type": "windows.unenroll", "devices": [managed.id()], "confirm": true});
    order(&house, body).await;
    managed.twin.sync(house.now());
    managed.hold().await;
    assert_eq!(managed.twin.standing(), Standing::Unenrolled);
    assert!(managed.twin.linked().is_none());
    assert_eq!(linked(&house, &managed).await, (None, vec![]));
}
