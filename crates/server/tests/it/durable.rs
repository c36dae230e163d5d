//! What is acknowledged is there, whatever happens; and what cannot be stored is not acknowledged.

use std::process::Command;

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::{Agent, Device, Held};
use crate::house::House;
use crate::identity::{Proof, TRUSTED};
use crate::message::{Message, TOPIC};
use crate::policy::{Files, blueprint, rich, small};
use crate::relay::Relay;

crate::on_each_database!(killed_after_every_answer);

/// One step of a device's life; the server is killed after it.
async fn killed_after_every_answer(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    let user = device.user("U");
    let crash = async |house: &mut House| {
        let before = without_sightings(&house.device("D").await);
        house.kill();
        house.start().await.expect("a server");
        assert_eq!(without_sightings(&house.device("D").await), before);
    };
    device.authenticate().await.with(200);
    crash(&mut house).await;
    device.token_update().await.with(200);
    crash(&mut house).await;
    let command = device.idle().await.expect("a command");
    crash(&mut house).await;
    assert_eq!(device.idle().await, Some(command.clone()), "the same one again");
    assert_eq!(device.result("Acknowledged", &command.uuid).await, None);
    crash(&mut house).await;
    assert_eq!(device.idle().await, None, "its acknowledgement is known");
    let (token, items) = device.items().await;
    house.publish(&small(10)).await;
    crash(&mut house).await;
    // The pin was there before the answer was.
    let held = Held {
        token,
        declarations: device.fetch(&items).await,
    };
    assert_eq!(
        held.find("passcode").expect("it is there")["Payload"]["MinimumLength"],
        8
    );
    device.report_good(&held).await;
    crash(&mut house).await;
    let next = device.told().await;
    assert!(next.tokens.timestamp > command.tokens.timestamp);
    device.converge().await;
    user.token_update().await.with(200);
    crash(&mut house).await;
    let set = "<key>BootstrapToken</key><data>c2VjcmV0</data>";
    device
        .agent
        .put(&Message::check_in(&device.ids, "SetBootstrapToken", set))
        .await
        .with(200);
    crash(&mut house).await;
    let token = device
        .agent
        .put(&Message::check_in(&device.ids, "GetBootstrapToken", ""))
        .await;
    assert!(token.with(200).text().contains("c2VjcmV0"));
    device.check_out().await.with(200);
    crash(&mut house).await;
    device.ddm("tokens").await.with(403);
    let history = house.get("/audit").await;
    house
        .admin("POST", "/tokens", Some(json!({"name": "t", "role": "admin"})))
        .await
        .with(200);
    let longer = house.get("/audit").await;
    assert_ne!(longer, history);
    crash(&mut house).await;
    assert_eq!(house.get("/audit").await, longer);
}

/// Without what is gathered in memory for half a second: who was here, and what was fetched.
fn without_sightings(device: &Value) -> Value {
    let mut device = device.clone();
    device["seen_at"] = Value::Null;
    for channel in device["channels"].as_array_mut().expect("channels") {
        channel["seen_at"] = Value::Null;
        for declaration in channel["declarations"].as_array_mut().expect("declarations") {
            declaration["fetched"] = Value::Null;
        }
    }
    device
}

#[tokio::test]
async fn a_lost_database() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let Database::Postgres(url) = &database else {
        unreachable!("it was asked for");
    };
    let (relay, by_relay) = Relay::before(url).await;
    let house = House::open_with(database, |settings| settings.database = Some(by_relay)).await;
    house.publish(&rich("S-D")).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let held = device.sync().await;
    let before = house.everything().await;
    let client = house.client();

    relay.cut();
    let report = json!({"StatusItems": {"management": {"declarations": held.all_good()}}});
    let set = "<key>BootstrapToken</key><data>c2VjcmV0</data>";
    let messages = [
        Message::authenticate(&device.ids, &device.facts),
        Message::token_update(&device.ids),
        Message::status(&device.ids, report.to_string().as_bytes()),
        Message::ddm(&device.ids, "tokens"),
        Message::ddm(&device.ids, "declaration-items"),
        Message::ddm(&device.ids, "declaration/configuration/passcode"),
        Message::command(&device.ids, "Idle", ""),
        Message::check_in(&device.ids, "SetBootstrapToken", set),
        Message::check_in(&device.ids, "GetBootstrapToken", ""),
        Message::check_in(&device.ids, "CheckOut", TOPIC),
    ];
    let stranger = Agent::new(&house, Proof::tls(&TRUSTED.ec()));
    for message in &messages {
        for agent in [&*device.agent, &stranger] {
            let answer = agent.put(message).await.with(503);
            assert!(answer.body.is_empty(), "{answer:?}");
            let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((20..60).contains(&after), "{after}");
        }
    }
    client.send("GET", "/readyz", &[], b"").await.with(503);
    client.send("GET", "/healthz", &[], b"").await.with(200);
    house.try_publish(&small(10)).await.with(503);
    house.admin("GET", "/devices", None).await.with(503);

    relay.mend();
    client.send("GET", "/readyz", &[], b"").await.with(200);
    let after = house.everything().await;
    assert_eq!(
        without_sightings(&after["devices"][0]),
        without_sightings(&before["devices"][0])
    );
    for part in ["audit", "revisions", "tokens"] {
        assert_eq!(after[part], before[part]);
    }
    for message in &messages {
        device.agent.put(message).await.with(200);
    }
}

/// What tells the process that runs [`a_full_disk`] under a limit from the one that starts it.
const LIMITED: &str = "ORDAIN_TEST_FILES_CANNOT_GROW";

/// In a process of its own, whose files may not grow beyond some megabytes.
#[test]
fn a_full_disk() {
    if std::env::var_os(LIMITED).is_some() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        return runtime.block_on(where_files_cannot_grow());
    }
    let limited = "trap '' XFSZ; ulimit -f 12288; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "durable::a_full_disk", "--nocapture"])
        .env(LIMITED, "1")
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

async fn where_files_cannot_grow() {
    let mut house = House::open(Database::sqlite()).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    device.converge().await;
    // Profiles of a megabyte, until no more fit.
    let mut full = None;
    for size in 1..20 {
        let before = house.everything().await;
        let answer = house.try_publish(&heavy(size)).await;
        if answer.status != 200 {
            full = Some((answer, before));
            break;
        }
        assert_eq!(answer.json()["published"], true);
        device.told().await;
        device.converge().await;
    }
    let (answer, before) = full.expect("no disk is that large");
    answer.with(503);
    assert_eq!(house.everything().await, before, "all of it or nothing");

    // Devices go on for as long as what they say fits, and what does not fit is not acknowledged.
    let (mut acknowledged, mut is_refused) = (0, false);
    for number in 0..2_000 {
        let report =
            json!({"StatusItems": {"of-the-future": {"number": number, "text": "x".repeat(100_000)}}});
        let answer = device
            .agent
            .put(&Message::status(&device.ids, report.to_string().as_bytes()))
            .await;
        match answer.status.as_u16() {
            200 => acknowledged = number,
            503 => {
                is_refused = true;
                break;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(is_refused);
    let known = house.device("D").await;
    assert_eq!(
        known["channels"][0]["status"]["of-the-future.number"],
        acknowledged
    );
    house.kill();
    house.start().await.expect("a server");
    assert_eq!(
        without_sightings(&house.device("D").await),
        without_sightings(&known)
    );
    assert_eq!(house.get("/revisions").await, before["revisions"]);
    assert_eq!(device.idle().await, None, "it still holds what is wanted");
}

/// A policy with a profile of a megabyte, another one for each `number`.
fn heavy(number: usize) -> Files {
    let (_, profile) = rich("nobody")
        .into_iter()
        .find(|(path, _)| path.starts_with("profiles/"))
        .expect("a profile");
    let random: Vec<u8> = (0..16_000).flat_map(|_| ordain_pki::random::<32>()).collect();
    let filling = format!(
        "<key>PayloadDescription</key><string>{number} {}</string>",
        hex::encode(random)
    );
    let (head, rest) = profile.split_once("<dict>").expect("a dictionary");
    let mut files = small(8);
    files.push((
        "profiles/heavy.mobileconfig",
        format!("{head}<dict>{filling}{rest}"),
    ));
    files.push((
        "blueprints/heavy.yaml",
        blueprint("heavy", "all", &["org.example.dns"]),
    ));
    files
}
