//! Tokens are functions of content: the same bytes at every reading, on every database, after every restart.

use bytes::Bytes;
use ordain_testbed::Database;

use crate::device::Device;
use crate::house::House;
use crate::policy::{Files, rich};

crate::on_each_database!(read_a_thousand_times, after_restarts, from_files_in_another_order);

/// Every answer of DDM to a device and one of its users, as bytes.
async fn answers(device: &Device) -> Vec<(String, Bytes)> {
    let mut answers = Vec::new();
    for channel in [device.clone(), device.user("U")] {
        let (_, items) = channel.items().await;
        let declarations = items
            .iter()
            .map(|(kind, identifier, _)| format!("declaration/{kind}/{identifier}"));
        let endpoints = ["tokens".to_owned(), "declaration-items".to_owned()]
            .into_iter()
            .chain(declarations);
        for endpoint in endpoints {
            let answer = channel.ddm(&endpoint).await.with(200);
            answers.push((endpoint, answer.body));
        }
    }
    answers
}

async fn enrolled(house: &House, name: &str) -> Device {
    let device = Device::mac(house, name);
    device.enroll().await;
    device.user("U").token_update().await.with(200);
    device
}

async fn read_a_thousand_times(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = enrolled(&house, "D").await;
    let (tokens, items) = (device.ddm("tokens").await, device.ddm("declaration-items").await);
    for _ in 0..1_000 {
        house.pass(1);
        assert_eq!(device.ddm("tokens").await.body, tokens.body);
    }
    assert_eq!(device.ddm("declaration-items").await.body, items.body);
    // Another device of this audience, whenever it comes, is told the same token.
    let other = enrolled(&house, "E").await;
    assert_eq!(other.ddm("declaration-items").await.body, items.body);
    assert_eq!(other.tokens().await.token, device.tokens().await.token);
}

async fn after_restarts(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = enrolled(&house, "D").await;
    let before = answers(&device).await;
    for _ in 0..3 {
        house.pass(100);
        house.restart().await;
        assert_eq!(answers(&device).await, before);
    }
    house.kill();
    house.start().await.expect("a server");
    assert_eq!(answers(&device).await, before);
}

async fn from_files_in_another_order(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = enrolled(&house, "D").await;
    let before = answers(&device).await;
    for turn in 1..rich("nobody").len() {
        let mut files = rich("nobody");
        files.rotate_left(turn);
        assert_eq!(house.publish(&files).await["published"], false);
        files.reverse();
        assert_eq!(house.publish(&files).await["published"], false);
    }
    // The same words in other files, and written in another way.
    let renamed: Files = rich("nobody")
        .into_iter()
        .map(|(path, content)| match path {
            "declarations/passcode.json" => (
                "declarations/first.yaml",
                "# as YAML\nPayload: {MinimumLength: 8, RequirePasscode: true}\nIdentifier: passcode\n\
                 Type: com.apple.configuration.passcode.settings\n"
                    .to_owned(),
            ),
            other => (other, content),
        })
        .collect();
    house.publish(&renamed).await;
    assert_eq!(answers(&device).await, before);
}

/// One server on each database, never in touch with each other.
#[tokio::test]
async fn on_both_databases() {
    let Some(postgres) = Database::postgres().await else {
        return;
    };
    let mut told = Vec::new();
    for database in [Database::sqlite(), postgres] {
        let house = House::open(database).await;
        house.publish(&rich("S-D")).await;
        told.push(answers(&enrolled(&house, "D").await).await);
    }
    assert_eq!(told[0], told[1]);
}
