//! Migration from another server: the replay, the window, and the first contact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::api::create_token;
use crate::client::Answer;
use crate::device::{Device, mac};
use crate::house::House;
use crate::identity::{Identity, PLAIN, Proof, STRANGER, Shown, TRUSTED, V1_EC};
use crate::issue::{issued, renewed};
use crate::message::{Ids, Message, octets, value_of};
use crate::policy::rich;

crate::on_each_database!(
    a_fleet_moves_in,
    users_come_with_or_after_their_device,
    nobody_else_is_let_in,
    the_window_ends,
    a_replay_needs_an_administrator,
    a_replay_leaves_alone_what_is_here,
    a_migrated_device_may_enroll_anew,
);

const BOOTSTRAP: &[u8] = b"a bootstrap token from elsewhere";

/// Sends `body` as NanoMDM's tool does: with Basic authentication, and without a content type.
async fn send(house: &House, method: &str, authorization: Option<String>, body: &str) -> Answer {
    let headers: Vec<_> = authorization
        .map(|value| ("authorization".to_owned(), value))
        .into_iter()
        .collect();
    house
        .client()
        .send(method, "/migration", &headers, body.as_bytes())
        .await
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("nanomdm:{secret}")))
}

async fn replay(house: &House, message: &Message) -> Answer {
    send(house, "PUT", Some(basic(&house.admin_token())), &message.body).await
}

/// What another server keeps of a Mac, in the order in which the tool sends it.
fn stored(ids: &Ids, name: &str) -> [Message; 3] {
    let token = format!(
        "<key>BootstrapToken</key><data>{}</data>",
        STANDARD.encode(BOOTSTRAP)
    );
    [
        Message::authenticate(ids, &mac(&format!("S-{name}"))),
        Message::token_update(ids),
        Message::check_in(ids, "SetBootstrapToken", &token),
    ]
}

/// Migrates a Mac that has `identity`.
async fn migrated(house: &House, name: &str, identity: &Identity) -> Device {
    let device = Device::of(house, name, identity);
    for message in stored(&device.ids, name) {
        replay(house, &message).await.with(200);
    }
    device
}

async fn open(house: &House, ca: Option<String>) -> Value {
    let window = json!({"open_for": 1_000, "ca": ca});
    house
        .admin("POST", "/migration", Some(window))
        .await
        .with(200)
        .json()
}

/// (migrated, pinned, waiting).
async fn counts(house: &House) -> (Value, Value, Value) {
    let status = house.get("/migration").await;
    (
        status["migrated"].clone(),
        status["pinned"].clone(),
        status["waiting"].clone(),
    )
}

/// Refused as everybody who is: nothing is learned.
async fn is_refused(device: &Device) {
    for message in [
        Message::command(&device.ids, "Idle", ""),
        Message::token_update(&device.ids),
        Message::ddm(&device.ids, "declaration-items"),
        Message::check_in(&device.ids, "GetBootstrapToken", ""),
        Message::check_in(&device.ids, "CheckOut", crate::message::TOPIC),
    ] {
        let answer = device.agent.put(&message).await.with(403);
        assert!(answer.body.is_empty(), "{answer:?}");
    }
}

async fn a_fleet_moves_in(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let identity = TRUSTED.ec();
    let device = migrated(&house, "D", &identity).await;
    assert_eq!(counts(&house).await, (json!(1), json!(0), json!(1)));
    let shown = house.device("D").await;
    assert_eq!(
        (&shown["generation"], &shown["certificate"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(shown["memberships"], "granted", "an administrator vouches for it");
    assert!(
        shown["notes"][0].as_str().expect("a note").contains("migrated"),
        "{shown}"
    );
    is_refused(&device).await;

    let opened = open(&house, None).await;
    assert_eq!(
        (&opened["open"], &opened["until"]),
        (&json!(true), &json!(house.now() + 1_000))
    );
    device.told().await;
    device.converge().await;
    assert_eq!(counts(&house).await, (json!(1), json!(1), json!(0)));
    assert_eq!(
        house.device("D").await["certificate"],
        identity.fingerprint().as_str()
    );
    let answer = device
        .agent
        .put(&Message::check_in(&device.ids, "GetBootstrapToken", ""))
        .await;
    let token = value_of(answer.text(), "BootstrapToken", "data")
        .expect("a token")
        .to_owned();
    assert_eq!(octets(&token), BOOTSTRAP);

    // Sent again, nothing is changed; after the window the pin stays.
    let before = house.everything().await;
    for message in stored(&device.ids, "D") {
        replay(&house, &message).await.with(200);
    }
    assert_eq!(house.everything().await, before);
    house.admin("DELETE", "/migration", None).await.with(200);
    house.restart().await;
    assert_eq!(device.idle().await, None);
    is_refused(&Device::of(&house, "D", &TRUSTED.ec())).await;

    let audit = house.get("/audit").await;
    let actions = audit
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["action"].as_str().expect("a text"));
    let actions: Vec<_> = actions.take(6).collect();
    assert_eq!(
        actions,
        [
            "close-migration",
            "pin-migrated",
            "open-migration",
            "migrate",
            "migrate",
            "migrate"
        ]
    );
    assert_eq!(
        audit[3]["detail"],
        json!({"enrollment": "D", "message": "SetBootstrapToken"})
    );
    let pinned = json!({"enrollment": "D", "certificate": identity.fingerprint()});
    assert_eq!(
        (&audit[1]["detail"], &audit[1]["who"]),
        (&pinned, &json!("server"))
    );
}

async fn users_come_with_or_after_their_device(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let early = Device::of(&house, "D", &TRUSTED.ec()).user("ANN");
    let answer = replay(&house, &Message::token_update(&early.ids)).await.with(409);
    assert!(answer.text().contains("Authenticate"), "{answer:?}");
    let device = migrated(&house, "D", &TRUSTED.ec()).await;
    let ann = device.user("ANN");
    replay(&house, &Message::token_update(&ann.ids)).await.with(200);
    is_refused(&ann).await;
    open(&house, None).await;
    // It is the user's message that is the first.
    ann.told().await;
    ann.converge().await;
    assert_eq!(counts(&house).await, (json!(1), json!(1), json!(0)));
    device.told().await;
    // And one whose message is replayed when the device has come already.
    let bob = device.user("BOB");
    replay(&house, &Message::token_update(&bob.ids)).await.with(200);
    bob.told().await;
    let others = Device::of(&house, "D", &TRUSTED.ec());
    is_refused(&others.user("ANN")).await;
}

async fn nobody_else_is_let_in(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let own = issued(&house, None).await;
    let bound = issued(&house, Some("S-D")).await;
    let first = issued(&house, None).await;
    let other = Device::of(&house, "OTHER", &first);
    other.enroll().await;
    // A renewal retires the certificate before it.
    let second = renewed(&house, "OTHER").await;
    Device::of(&house, "OTHER", &second).idle().await;
    let third = TRUSTED.ec();
    Device::of(&house, "THIRD", &third).enroll().await;
    let rightful = TRUSTED.ec();
    let device = migrated(&house, "D", &rightful).await;
    open(&house, None).await;
    let waiting = house.get("/migration").await;
    for (what, wrong) in [
        ("Ordain's own, unused", &own),
        ("Ordain's own for this serial number", &bound),
        ("retired", &first),
        ("another device's, from Ordain", &second),
        ("another device's", &third),
        ("expired", &TRUSTED.expired()),
        ("of a stranger", &STRANGER.ec()),
    ] {
        is_refused(&Device::of(&house, "D", wrong)).await;
        is_refused(&Device::of(&house, "D", wrong).user("ANN")).await;
        assert_eq!(house.get("/migration").await, waiting, "{what}");
    }
    let none = Device::with(&house, "D", &Proof::default());
    is_refused(&none).await;
    let two = Proof::tls(&rightful).and(Shown::Signature(third, PLAIN));
    is_refused(&Device::with(&house, "D", &two)).await;
    assert_eq!(house.get("/migration").await, waiting);
    // What is not migrated is not let in by the window either.
    is_refused(&Device::of(&house, "UNKNOWN", &TRUSTED.ec())).await;
    device.told().await;
}

async fn the_window_ends(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let (a, b) = (
        migrated(&house, "A", &TRUSTED.ec()).await,
        migrated(&house, "B", &TRUSTED.ec()).await,
    );
    let v1 = migrated(&house, "C", &V1_EC).await;
    open(&house, None).await;
    house.pass(999);
    a.told().await;
    house.pass(1);
    is_refused(&b).await;
    assert_eq!(house.get("/migration").await["open"], false);
    open(&house, None).await;
    house.admin("DELETE", "/migration", None).await.with(200);
    is_refused(&b).await;
    assert_eq!(a.idle().await, None, "who has come stays");

    // For one authority only, as people write its fingerprint.
    let ca = ordain_pki::Certificate::from_pem(&TRUSTED.pem())
        .expect("PEM")
        .remove(0);
    let octets = ca.fingerprint().map(|octet| format!("{octet:02X}"));
    open(&house, Some(octets.join(":"))).await;
    is_refused(&v1).await;
    b.told().await;
    assert_eq!(counts(&house).await, (json!(3), json!(2), json!(1)));
    for wrong in [
        json!({"open_for": 0}),
        json!({"open_for": 999_999_999_999_i64}),
        json!({"open_for": 10, "ca": "00"}),
        json!({"open_for": 10, "ca": "00".repeat(32)}),
        json!({"open_for": 10, "for": 1}),
        json!({}),
    ] {
        house.admin("POST", "/migration", Some(wrong)).await.with(400);
    }
    let alone = House::open_with(Database::sqlite(), |settings| settings.device_cas.clear()).await;
    let answer = alone
        .admin("POST", "/migration", Some(json!({"open_for": 10})))
        .await
        .with(409);
    assert!(answer.text().contains("--device-ca"), "{answer:?}");
}

async fn a_replay_needs_an_administrator(database: Database) {
    let house = House::open(database).await;
    let (_, enrollment) =
        create_token(&house, json!({"name": "e", "role": "enrollment", "topic": "t"})).await;
    let (revoked, gone) = create_token(&house, json!({"name": "r", "role": "admin"})).await;
    house
        .admin("DELETE", &format!("/tokens/{revoked}"), None)
        .await
        .with(204);
    let before = house.everything().await;
    let device = Device::mac(&house, "D");
    let [authenticate, ..] = stored(&device.ids, "D");
    let admin = house.admin_token();
    for wrong in [
        None,
        Some("Bearer nobody".to_owned()),
        Some(format!("Bearer {enrollment}")),
        Some(basic(&enrollment)),
        Some(basic(&gone)),
        Some(basic("")),
        Some(format!("Basic {}", STANDARD.encode(&admin))),
        Some("Basic !".to_owned()),
        Some(format!("Digest {admin}")),
    ] {
        for method in ["PUT", "POST"] {
            send(&house, method, wrong.clone(), &authenticate.body)
                .await
                .with(401);
        }
        let headers: Vec<_> = wrong
            .map(|value| ("authorization".to_owned(), value))
            .into_iter()
            .collect();
        for method in ["GET", "POST", "DELETE"] {
            house
                .client()
                .send(method, "/api/v1/migration", &headers, b"")
                .await
                .with(401);
        }
    }
    // Its own certificate is no administrator's token, nor the other way round.
    device
        .agent
        .send("PUT", "/migration", "", authenticate.body.as_bytes())
        .await
        .with(401);
    assert_eq!(house.everything().await, before);

    for nonsense in ["", "<plist", "{}"] {
        send(&house, "PUT", Some(basic(&admin)), nonsense).await.with(400);
    }
    for other in ["CheckOut", "GetBootstrapToken", "UserAuthenticate", "Unheard"] {
        let message = Message::check_in(&device.ids, other, crate::message::TOPIC);
        replay(&house, &message).await.with(400);
    }
    let user = Message::authenticate(&device.user("ANN").ids, &mac("S-D"));
    replay(&house, &user).await.with(400);
    assert_eq!(house.everything().await, before);
    send(
        &house,
        "POST",
        Some(format!("Bearer {admin}")),
        &authenticate.body,
    )
    .await
    .with(200);
    assert_eq!(counts(&house).await, (json!(1), json!(0), json!(1)));
}

async fn a_replay_leaves_alone_what_is_here(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    device.converge().await;
    let before = house.everything().await;
    for message in stored(&device.ids, "D") {
        let answer = replay(&house, &message).await.with(409);
        assert!(answer.text().contains("enrolled here already"), "{answer:?}");
    }
    let ann = device.user("ANN");
    replay(&house, &Message::token_update(&ann.ids)).await.with(409);
    assert_eq!(house.everything().await, before);
    // A replayed name that another device went by first: its memberships wait.
    let thief = Device::of(&house, "E", &TRUSTED.ec());
    replay(&house, &Message::authenticate(&thief.ids, &mac("S-D")))
        .await
        .with(200);
    assert_eq!(house.device("E").await["memberships"], "waiting");
}

async fn a_migrated_device_may_enroll_anew(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    migrated(&house, "D", &TRUSTED.ec()).await;
    // Erased before it came: it begins as any device that was known before.
    let device = Device::mac(&house, "D");
    device.enroll().await;
    let shown = house.device("D").await;
    assert_eq!(
        (&shown["generation"], &shown["memberships"]),
        (&json!(1), &json!("waiting"))
    );
    assert_eq!(counts(&house).await, (json!(0), json!(0), json!(0)));
    let answer = device
        .agent
        .put(&Message::check_in(&device.ids, "GetBootstrapToken", ""))
        .await;
    assert_eq!(value_of(answer.with(200).text(), "BootstrapToken", "data"), None);
}
