//! Who may enroll, under which certificate, and what follows a device into its next generation.

use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::identity::{Identity, TRUSTED};
use crate::issue::issued;
use crate::message::{Message, octets, value_of};
use crate::policy::rich;

crate::on_each_database!(
    closed_enrollment,
    certificates_past_their_end,
    a_certificate_is_one_device,
    memberships_wait_for_approval,
    memberships_that_are_allowed,
    memberships_of_a_bound_certificate,
    a_serial_number_claimed_by_another,
    a_name_of_another_kind,
    a_name_once_claimed,
    an_approved_name,
    a_bound_certificate_under_the_name_of_another,
    a_name_claimed_by_two_at_once,
    a_new_generation_has_nothing_of_the_old,
    a_user_who_comes_back,
);

async fn closed_enrollment(database: Database) {
    let mut house = House::open(database).await;
    let before = Device::mac(&house, "BEFORE");
    before.enroll().await;
    house.settings().enroll_closed = true;
    house.restart().await;
    let stranger = Device::mac(&house, "D");
    assert!(stranger.authenticate().await.with(403).body.is_empty());
    // Shut for new certificates of the device CAs: not for one's own issue, and not for who is in.
    Device::of(&house, "D", &issued(&house, None).await)
        .enroll()
        .await;
    before.enroll().await;
    assert_eq!(house.device("BEFORE").await["generation"], 2);
}

async fn certificates_past_their_end(database: Database) {
    let house = House::open(database).await;
    Device::of(&house, "D", &TRUSTED.expired())
        .authenticate()
        .await
        .with(403);
    let key = || KeyPair::generate(KeyKind::P256).expect("a key");
    let soon = TRUSTED.issue(key(), house.now() + 100);
    let device = Device::of(&house, "D", &soon);
    device.enroll().await;
    let unused = issued(&house, None).await;
    house.pass(31 * 24 * 60 * 60);
    // Pinned, it works on, and is warned of.
    device.ddm("tokens").await.with(200);
    device.enroll().await;
    let notes = house.device("D").await["notes"].to_string();
    assert!(notes.contains("certificate has expired"), "{notes}");
    // Issued, it waits for its first use for 30 days.
    Device::of(&house, "E", &unused).authenticate().await.with(403);
}

async fn a_certificate_is_one_device(database: Database) {
    let house = House::open(database).await;
    let identity = TRUSTED.ec();
    Device::of(&house, "D", &identity).enroll().await;
    Device::of(&house, "E", &identity).authenticate().await.with(403);
    // An erased device comes with a new certificate, and the old one is retired.
    let erased = TRUSTED.ec();
    Device::of(&house, "D", &erased).enroll().await;
    for name in ["D", "E"] {
        Device::of(&house, name, &identity).authenticate().await.with(403);
    }
    Device::of(&house, "D", &identity).ddm("tokens").await.with(403);
    let shown = house.device("D").await;
    assert_eq!(
        (&shown["generation"], &shown["certificate"]),
        (&json!(2), &json!(erased.fingerprint()))
    );
    // On a user's channel there is nothing to authenticate.
    let user = Device::of(&house, "D", &erased).user("U");
    user.authenticate().await.with(400);
    assert_eq!(house.device("D").await["generation"], 2);
}

/// Enrolls `device` again under a new certificate and says whether it is given what its group gets.
async fn comes_back(house: &House, identity: &Identity) -> (Value, bool) {
    let device = Device::of(house, "D", identity);
    device.enroll().await;
    let gets = device.sync().await.find("lab-properties").is_some();
    (house.device("D").await["memberships"].clone(), gets)
}

async fn memberships_wait_for_approval(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    assert_eq!(comes_back(&house, &TRUSTED.ec()).await, (json!("granted"), true));
    let again = TRUSTED.ec();
    assert_eq!(comes_back(&house, &again).await, (json!("waiting"), false));
    let shown = house.device("D").await;
    assert!(shown["notes"].to_string().contains("ordain approve D"), "{shown}");
    assert!(
        !shown["groups"]
            .as_array()
            .expect("groups")
            .contains(&json!("lab")),
        "{shown}"
    );

    assert!(
        house
            .admin("POST", "/devices/S-D/approve", None)
            .await
            .with(204)
            .body
            .is_empty()
    );
    house.admin("POST", "/devices/S-D/approve", None).await.with(409);
    house
        .admin("POST", "/devices/nobody/approve", None)
        .await
        .with(404);
    let device = Device::of(&house, "D", &again);
    device.told().await;
    assert!(device.sync().await.find("lab-properties").is_some());
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["detail"]),
        (&json!("approve"), &json!({"enrollment": "D", "generation": 2}))
    );
    // One approval is for one generation, also under the same certificate.
    assert_eq!(comes_back(&house, &again).await, (json!("waiting"), false));
}

async fn memberships_that_are_allowed(database: Database) {
    let house = House::open_with(database, |settings| settings.allow_reenrollment = true).await;
    house.publish(&rich("S-D")).await;
    for _ in 0..2 {
        assert_eq!(comes_back(&house, &TRUSTED.ec()).await, (json!("granted"), true));
    }
}

async fn memberships_of_a_bound_certificate(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    comes_back(&house, &TRUSTED.ec()).await;
    // Our own issue for this serial number is as good as approval; for another it is none at all.
    let bound = issued(&house, Some("S-D")).await;
    let elsewhere = issued(&house, Some("S-E")).await;
    Device::of(&house, "D", &elsewhere).authenticate().await.with(403);
    let mut nameless = Device::of(&house, "D", &bound);
    nameless.facts = String::new();
    nameless.authenticate().await.with(403);
    assert_eq!(comes_back(&house, &bound).await, (json!("granted"), true));
    assert_eq!(comes_back(&house, &bound).await, (json!("granted"), true));
    let unbound = issued(&house, None).await;
    assert_eq!(comes_back(&house, &unbound).await, (json!("waiting"), false));
}

async fn a_serial_number_claimed_by_another(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    comes_back(&house, &TRUSTED.ec()).await;
    let mut thief = Device::mac(&house, "E");
    thief.facts = crate::device::mac("S-D");
    thief.enroll().await;
    assert!(thief.sync().await.find("lab-properties").is_none());
    assert_eq!(house.device("E").await["memberships"], "waiting");
    let answer = house.admin("GET", "/devices/S-D", None).await.with(409);
    assert!(answer.text().contains("D, E"), "{answer:?}");
}

/// A device that claims `serial` under the UDID `name`.
fn claiming(house: &House, name: &str, serial: &str, identity: &Identity) -> Device {
    let mut device = Device::of(house, name, identity);
    device.facts = crate::device::mac(serial);
    device
}

/// Enrolls `device`, which is `name`, and asserts that it is given what its group gets, or waits for that.
async fn assert_gets(house: &House, device: &Device, name: &str, gets: bool) {
    device.enroll().await;
    let memberships = &house.device(name).await["memberships"];
    assert_eq!(memberships, if gets { "granted" } else { "waiting" }, "{name}");
    assert_eq!(
        device.sync().await.find("lab-properties").is_some(),
        gets,
        "{name}"
    );
}

/// Lists do not say what kind of name they hold: a UDID may spell a serial number, and a serial number a UDID.
async fn a_name_of_another_kind(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    assert_gets(&house, &Device::mac(&house, "D"), "D", true).await;
    let thief = claiming(&house, "S-D", "S-X", &TRUSTED.ec());
    thief.enroll().await;
    assert!(thief.sync().await.find("lab-properties").is_none());
    house.publish(&rich("D")).await;
    assert_gets(&house, &claiming(&house, "E", "D", &TRUSTED.ec()), "E", false).await;
    assert!(thief.sync().await.find("lab-properties").is_none());
    // Nor is it a second try under one's own certificate that makes it another name.
    let turncoat = claiming(&house, "F", "S-F", &TRUSTED.ec());
    turncoat.authenticate().await.with(200);
    let turncoat = Device {
        facts: crate::device::mac("D"),
        ..turncoat
    };
    assert_gets(&house, &turncoat, "F", false).await;
}

/// What its device says afterwards frees no name for others.
async fn a_name_once_claimed(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let identity = TRUSTED.ec();
    assert_gets(&house, &Device::of(&house, "D", &identity), "D", true).await;
    claiming(&house, "D", "S-X", &identity).enroll().await;
    assert_gets(&house, &claiming(&house, "E", "S-D", &TRUSTED.ec()), "E", false).await;
    // And nobody else is kept waiting.
    Device::mac(&house, "F").enroll().await;
    assert_eq!(house.device("F").await["memberships"], "granted");
}

/// A device with another logic board, and so with another UDID.
async fn an_approved_name(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    assert_gets(&house, &Device::mac(&house, "D"), "D", true).await;
    let repaired = claiming(&house, "E", "S-D", &TRUSTED.ec());
    repaired.authenticate().await.with(200);
    house.admin("POST", "/devices/E/approve", None).await.with(204);
    // The profile failed to install, and it tries again: the name is its own.
    assert_gets(&house, &repaired, "E", true).await;
    assert_gets(&house, &claiming(&house, "F", "S-D", &TRUSTED.ec()), "F", false).await;
}

/// A certificate that is bound to S-E proves that it is S-E, and not that it is D.
async fn a_bound_certificate_under_the_name_of_another(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("D")).await;
    assert_gets(&house, &Device::mac(&house, "D"), "D", true).await;
    let bound = claiming(&house, "D", "S-E", &issued(&house, Some("S-E")).await);
    assert_gets(&house, &bound, "D", false).await;
    assert_gets(&house, &bound, "D", false).await;
    // The serial number may be anybody's, the UDID not.
    house.publish(&rich("S-E")).await;
    let bound = issued(&house, Some("S-E")).await;
    assert_gets(&house, &claiming(&house, "E", "S-E", &bound), "E", true).await;
    let bound = issued(&house, Some("S-E")).await;
    let device = claiming(&house, "S-D", "S-E", &bound);
    device.enroll().await;
    assert!(device.sync().await.find("lab-properties").is_none());
}

async fn a_name_claimed_by_two_at_once(database: Database) {
    let house = House::open(database).await;
    for round in 0..10 {
        let serial = format!("S-{round}");
        let (one, other) = (format!("A{round}"), format!("B{round}"));
        let devices = [&one, &other].map(|name| claiming(&house, name, &serial, &TRUSTED.ec()));
        let answers = tokio::join!(devices[0].authenticate(), devices[1].authenticate());
        answers.0.with(200);
        answers.1.with(200);
        let mut memberships = Vec::new();
        for name in [one, other] {
            memberships.push(house.device(&name).await["memberships"].clone());
        }
        memberships.sort_by_key(Value::to_string);
        assert_eq!(memberships, ["granted", "waiting"], "round {round}");
    }
}

/// A user's channel ends, and begins again while the clock is behind: for the user, time goes on.
async fn a_user_who_comes_back(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = Device::mac(&house, "D");
    let user = device.user("U");
    device.enroll().await;
    user.token_update().await.with(200);
    let mut last = user.tokens().await;
    for leaves in [&user, &device] {
        house.pass(-100);
        leaves.check_out().await.with(200);
        if leaves.ids == device.ids {
            device.enroll().await;
        }
        user.token_update().await.with(200);
        let next = user.tokens().await;
        assert!(next.timestamp > last.timestamp, "{next:?} after {last:?}");
        last = next;
    }
    house.pass(-100);
    device.enroll().await;
    user.token_update().await.with(200);
    assert!(user.tokens().await.timestamp > last.timestamp);
}

async fn a_new_generation_has_nothing_of_the_old(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = Device::mac(&house, "D");
    let user = device.user("U");
    device.enroll().await;
    user.token_update().await.with(200);
    let told = device.told().await;
    let held = device.converge().await;
    device
        .report(&json!({"StatusItems": {"passcode": {"is-present": true}}}))
        .await;
    let set = Message::check_in(
        &device.ids,
        "SetBootstrapToken",
        "<key>BootstrapToken</key><data>c2VjcmV0</data>",
    );
    device.agent.put(&set).await.with(200);
    let get = Message::check_in(&device.ids, "GetBootstrapToken", "");
    let token = device.agent.put(&get).await.with(200);
    assert_eq!(
        value_of(token.text(), "BootstrapToken", "data").map(octets),
        Some(b"secret".to_vec())
    );

    device.authenticate().await.with(200);
    let shown = house.device("D").await;
    assert_eq!(shown["generation"], 2);
    assert_eq!(
        shown["channels"].as_array().map(Vec::len),
        Some(1),
        "its users are gone"
    );
    let channel = &shown["channels"][0];
    assert_eq!(
        [
            &channel["phase"],
            &channel["offered_token"],
            &channel["pinned_token"],
            &channel["command"],
            &channel["status"]
        ],
        [
            &json!("authenticated"),
            &Value::Null,
            &Value::Null,
            &Value::Null,
            &json!({})
        ]
    );
    for declaration in channel["declarations"].as_array().expect("declarations") {
        for fact in ["offered", "fetched", "reported", "confirmed"] {
            assert_eq!(declaration[fact], false, "{declaration}");
        }
    }
    device.ddm("declaration/configuration/passcode").await.with(404);
    user.ddm("tokens").await.with(403);
    let token = device.agent.put(&get).await.with(200);
    assert_eq!(value_of(token.text(), "BootstrapToken", "data"), None);
    device.token_update().await.with(200);
    let again = device.told().await;
    assert_ne!(again.uuid, told.uuid);
    assert_eq!(again.tokens.token, held.token);
    assert!(
        again.tokens.timestamp > told.tokens.timestamp,
        "time goes on over generations"
    );
}
