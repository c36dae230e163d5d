//! The keys that seal: what is escrowed is never in clear, and a new key takes over without anything being lost.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_model::decision::{EscrowKind, Write};
use ordain_model::ids::EnrollmentId;
use ordain_pki::seal::{KeyId, KeyRing};
use ordain_server::SealingKeys;
use ordain_store::escrow_context;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::api::create_token;
use crate::device::Device;
use crate::house::House;
use crate::message::{Message, TOPIC, octets, value_of};

crate::on_each_database!(
    no_token_lies_in_clear,
    a_new_key_takes_over,
    several_nodes_get_their_keys_by_hand,
    what_broke_off_goes_on,
    what_no_key_opens_is_named_and_kept,
    keys_of_the_environment_leave_no_file,
    keys_that_are_missing_or_broken,
    keys_are_for_administrators,
);

const BOOTSTRAP: &[u8] = b"the bootstrap token of a Mac";
const UNLOCK: &[u8] = b"what unlocks a forgotten passcode";

/// A device that has escrowed both of its tokens.
async fn escrowed(house: &House) -> Device {
    let device = Device::mac(house, "D");
    device.enroll().await;
    let unlock = format!(
        "{TOPIC}<key>PushMagic</key><string>magic</string><key>Token</key><data>AQIDBA==</data>\
         <key>UnlockToken</key><data>{}</data>",
        STANDARD.encode(UNLOCK)
    );
    let update = Message::check_in(&device.ids, "TokenUpdate", &unlock);
    device.agent.put(&update).await.with(200);
    let keys = format!(
        "<key>BootstrapToken</key><data>{}</data>",
        STANDARD.encode(BOOTSTRAP)
    );
    let set = Message::check_in(&device.ids, "SetBootstrapToken", &keys);
    device.agent.put(&set).await.with(200);
    device
}

/// The bootstrap token that the server gives back.
async fn bootstrap(device: &Device) -> Vec<u8> {
    let answer = device
        .agent
        .put(&Message::check_in(&device.ids, "GetBootstrapToken", ""))
        .await;
    let answer = answer.with(200);
    octets(value_of(answer.text(), "BootstrapToken", "data").expect("a token"))
}

pub(crate) fn key_file(house: &House) -> PathBuf {
    house.data_dir().join("installation.key")
}

pub(crate) fn keys(house: &House) -> Vec<String> {
    let text = std::fs::read_to_string(key_file(house)).expect("a file");
    KeyRing::entries(&text).map(str::to_owned).collect()
}

pub(crate) fn put_keys(house: &House, keys: &[&str]) {
    std::fs::write(key_file(house), keys.join("\n")).expect("a file");
}

pub(crate) fn id(key: &str) -> String {
    KeyRing::parse(key).expect("a key").first().to_string()
}

/// (key, role, values) of each key.
async fn status(house: &House) -> Vec<(String, String, Value)> {
    let status = house.get("/keys").await;
    let keys = status["keys"].as_array().expect("keys").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    keys.map(|key| (text(&key["id"]), text(&key["role"]), key["values"].clone()))
        .collect()
}

/// Rotates until it has ended.
async fn rotate(house: &House) -> Value {
    house.admin("POST", "/keys/rotate", None).await.with(200);
    loop {
        let rotation = house.get("/keys/rotate").await;
        if rotation["running"] == false {
            return rotation;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn everything() -> Value {
    json!({"setting": 1, "escrow": 2})
}

async fn no_token_lies_in_clear(database: Database) {
    let mut house = House::open(database).await;
    let device = escrowed(&house).await;
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    house.stop().await;
    let store = house.database.open().await.expect("a database");
    let device: EnrollmentId = "D".parse().expect("an id");
    for (kind, token) in [(EscrowKind::Bootstrap, BOOTSTRAP), (EscrowKind::Unlock, UNLOCK)] {
        let sealed = store
            .escrow(&device, kind)
            .await
            .expect("a database")
            .expect("a token");
        assert!(
            !sealed
                .windows(8)
                .any(|part| token.windows(8).any(|clear| clear == part))
        );
    }
    drop(store);
    let Some(path) = house.database.path() else { return };
    for entry in std::fs::read_dir(path.parent().expect("a directory")).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let octets = std::fs::read(&path).expect("a file");
        for token in [BOOTSTRAP, UNLOCK] {
            let (base64, hex) = (STANDARD.encode(token), hex::encode(token));
            for form in [token, base64.as_bytes(), hex.as_bytes()] {
                let found = octets.windows(form.len()).any(|part| part == form);
                assert!(!found, "in {}", path.display());
            }
        }
    }
}

async fn a_new_key_takes_over(database: Database) {
    if matches!(database, Database::Postgres(_)) {
        return;
    }
    let mut house = House::open(database).await;
    let device = escrowed(&house).await;
    let old = keys(&house).remove(0);
    assert_eq!(
        status(&house).await,
        [(id(&old), "seals".to_owned(), everything())]
    );
    let rotation = rotate(&house).await;
    assert_eq!(
        (&rotation["resealed"], &rotation["failure"]),
        (&json!(3), &Value::Null)
    );
    let new = keys(&house);
    assert_eq!(new.len(), 1);
    assert_ne!(new[0], old);
    assert_eq!(
        status(&house).await,
        [(id(&new[0]), "seals".to_owned(), everything())]
    );
    let mode = std::fs::metadata(key_file(&house))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    house.restart().await;
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["detail"]),
        (&json!("remove-keys"), &json!({"keys": [id(&old)]}))
    );
    assert_eq!(audit[1]["action"], "rotate-keys");
    assert_eq!(audit[1]["detail"], json!({"from": [id(&old)], "to": id(&new[0])}));
    assert_eq!(audit[1]["who"], "admin.token");
}

async fn several_nodes_get_their_keys_by_hand(database: Database) {
    if matches!(database, Database::Sqlite(_)) {
        return;
    }
    let mut house = House::open(database).await;
    let device = escrowed(&house).await;
    let old = keys(&house).remove(0);
    let answer = house.admin("POST", "/keys/rotate", None).await.with(409);
    assert!(
        answer.text().contains("of every node as the second line"),
        "{answer:?}"
    );
    assert_eq!(keys(&house), std::slice::from_ref(&old));

    let new = KeyRing::new_entry();
    put_keys(&house, &[&old, &new]);
    house.restart().await;
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    put_keys(&house, &[&new, &old]);
    house.restart().await;
    let under = |key: &str, role: &str, values| (id(key), role.to_owned(), values);
    assert_eq!(
        status(&house).await,
        [
            under(&new, "seals", json!({})),
            under(&old, "opens", everything())
        ]
    );
    assert_eq!(rotate(&house).await["resealed"], 3);
    assert_eq!(
        status(&house).await,
        [
            under(&new, "seals", everything()),
            under(&old, "opens", json!({}))
        ]
    );
    assert_eq!(
        keys(&house),
        [new.clone(), old],
        "other nodes have theirs as well"
    );
    put_keys(&house, &[&new]);
    house.restart().await;
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
}

async fn what_broke_off_goes_on(database: Database) {
    let mut house = House::open(database).await;
    let device = escrowed(&house).await;
    let old = keys(&house).remove(0);
    house.stop().await;
    // Enough that a kill finds it at work.
    let ring = KeyRing::parse(&old).expect("a key");
    let store = house.database.open().await.expect("a database");
    let owner: EnrollmentId = "D".parse().expect("an id");
    let channel = |number: usize| -> EnrollmentId { format!("D:user-{number}").parse().expect("an id") };
    for batch in 0..10 {
        let writes: Vec<_> = (batch * 100..batch * 100 + 100)
            .map(|number| {
                let context = escrow_context(&channel(number), EscrowKind::Bootstrap);
                let sealed = ring
                    .seal(&context, number.to_string().as_bytes())
                    .expect("sealed");
                Write::Escrow(channel(number), EscrowKind::Bootstrap, Some(sealed))
            })
            .collect();
        let state = store.channel(&owner).await.expect("a database");
        store.commit(&state, &writes, None).await.expect("a database");
    }
    drop(store);
    // As a kill leaves it that comes right after the new key was written.
    let new = KeyRing::new_entry();
    put_keys(&house, &[&new, &old]);
    house.start().await.expect("a server");
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    house.admin("POST", "/keys/rotate", None).await.with(200);
    house.kill();
    house.start().await.expect("a server");
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    let rotation = rotate(&house).await;
    assert_eq!(
        (&rotation["unopened"], &rotation["failure"]),
        (&json!(0), &Value::Null)
    );
    let all = status(&house).await;
    assert_eq!(
        all[0],
        (
            id(&new),
            "seals".to_owned(),
            json!({"setting": 1, "escrow": 1_002})
        )
    );
    assert!(
        all[1..]
            .iter()
            .all(|(_, role, values)| role == "opens" && *values == json!({})),
        "{all:?}"
    );
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    house.stop().await;
    let ring = KeyRing::parse(&new).expect("a key");
    let store = house.database.open().await.expect("a database");
    for number in [0, 1, 500, 999] {
        let sealed = store.escrow(&channel(number), EscrowKind::Bootstrap).await;
        let sealed = sealed.expect("a database").expect("a token");
        let context = escrow_context(&channel(number), EscrowKind::Bootstrap);
        assert_eq!(
            ring.open(&context, &sealed).expect("opens"),
            number.to_string().as_bytes()
        );
    }
}

async fn what_no_key_opens_is_named_and_kept(database: Database) {
    let mut house = House::open(database).await;
    let device = escrowed(&house).await;
    let old = keys(&house).remove(0);
    house.stop().await;
    let stranger = KeyRing::parse(&KeyRing::new_entry()).expect("a key");
    let lost: EnrollmentId = "D:lost".parse().expect("an id");
    let store = house.database.open().await.expect("a database");
    let sealed = stranger
        .seal(&escrow_context(&lost, EscrowKind::Unlock), b"token")
        .expect("sealed");
    // One that was moved here from elsewhere opens under no context of its own.
    let ring = KeyRing::parse(&old).expect("a key");
    let moved = ring.seal(b"another place", b"token").expect("sealed");
    let writes = [
        Write::Escrow(lost.clone(), EscrowKind::Unlock, Some(sealed.clone())),
        Write::Escrow(lost.clone(), EscrowKind::Bootstrap, Some(moved.clone())),
    ];
    let state = store
        .channel(&"D".parse().expect("an id"))
        .await
        .expect("a database");
    store.commit(&state, &writes, None).await.expect("a database");
    drop(store);
    let new = KeyRing::new_entry();
    put_keys(&house, &[&new, &old]);
    house.start().await.expect("a server");
    let rotation = rotate(&house).await;
    assert_eq!(
        (&rotation["resealed"], &rotation["unopened"]),
        (&json!(3), &json!(2))
    );
    let problems = rotation["problems"].to_string();
    let unknown = KeyId::of(&sealed).expect("a key").to_string();
    assert!(
        problems.contains("escrow D:lost unlock") && problems.contains(&unknown),
        "{problems}"
    );
    assert!(problems.contains("escrow D:lost bootstrap"), "{problems}");
    assert_eq!(keys(&house).len(), 2, "something lies under the old key yet");
    let missing = status(&house).await.pop().expect("a key");
    assert_eq!(missing, (unknown, "missing".to_owned(), json!({"escrow": 1})));
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    house.stop().await;
    let store = house.database.open().await.expect("a database");
    let kept = async |kind| store.escrow(&lost, kind).await.expect("a database");
    assert_eq!(kept(EscrowKind::Unlock).await, Some(sealed));
    assert_eq!(kept(EscrowKind::Bootstrap).await, Some(moved));
}

async fn keys_of_the_environment_leave_no_file(database: Database) {
    let mut house = House::closed(database);
    let (old, new) = (KeyRing::new_entry(), KeyRing::new_entry());
    let set = |house: &mut House, text: String| house.settings().sealing_keys = Some(SealingKeys::new(text));
    set(&mut house, old.clone());
    house.start().await.expect("a server");
    let device = escrowed(&house).await;
    assert!(!key_file(&house).exists());
    assert_eq!(house.get("/keys").await["source"], "ORDAIN_SEALING_KEYS");
    let answer = house.admin("POST", "/keys/rotate", None).await.with(409);
    assert!(answer.text().contains("ORDAIN_SEALING_KEYS"), "{answer:?}");
    house.stop().await;
    set(&mut house, format!("{new},{old}"));
    house.start().await.expect("a server");
    assert_eq!(rotate(&house).await["resealed"], 3);
    house.stop().await;
    set(&mut house, new);
    house.start().await.expect("a server");
    assert_eq!(bootstrap(&device).await, BOOTSTRAP);
    assert!(!key_file(&house).exists());
    assert!(!format!("{:?}", house.settings()).contains(&old));
}

async fn keys_that_are_missing_or_broken(database: Database) {
    let mut house = House::open(database).await;
    house.stop().await;
    let good = keys(&house).remove(0);
    let refused = async |house: &mut House, what: &str| {
        let error = house.start().await.expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
    };
    put_keys(&house, &[&good, "nonsense"]);
    refused(&mut house, "key 2 is not 32 bytes in base64").await;
    put_keys(&house, &[&KeyRing::new_entry()]);
    refused(&mut house, &id(&good)).await;
    std::fs::remove_file(key_file(&house)).expect("a file");
    refused(&mut house, "the file is missing").await;
    assert!(
        !key_file(&house).exists(),
        "a key that opens nothing would only mislead"
    );
    let elsewhere = house.file("elsewhere.key", &good);
    house.settings().key_file = Some(elsewhere);
    house.settings().sealing_keys = Some(SealingKeys::new(good));
    refused(&mut house, "give one of them").await;
    house.settings().sealing_keys = None;
    house.start().await.expect("a server");
    assert!(!key_file(&house).exists());
}

async fn keys_are_for_administrators(database: Database) {
    let house = House::open(database).await;
    let topic = json!({"name": "e", "role": "enrollment", "topic": "t"});
    let (_, secret) = create_token(&house, topic).await;
    let before = keys(&house);
    for header in [
        None,
        Some("Bearer nobody".to_owned()),
        Some(format!("Bearer {secret}")),
    ] {
        let headers: Vec<_> = header
            .map(|value| ("authorization".to_owned(), value))
            .into_iter()
            .collect();
        for (method, path) in [
            ("GET", "/api/v1/keys"),
            ("GET", "/api/v1/keys/rotate"),
            ("POST", "/api/v1/keys/rotate"),
        ] {
            house.client().send(method, path, &headers, b"").await.with(401);
        }
    }
    assert_eq!(keys(&house), before);
}
