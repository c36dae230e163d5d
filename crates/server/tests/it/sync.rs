//! The wish changes while a device synchronises: it is served from the manifest that it was told of.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::{House, PUBLIC_URL};
use crate::policy::{Files, blueprint, passcode, rich, small};

crate::on_each_database!(
    a_change_between_items_and_fetches,
    a_removal_between_items_and_fetches,
    an_asset_that_is_wanted_no_more,
    tokens_pin_nothing,
    a_wish_that_returns,
    a_wish_that_returns_unseen,
    reports_about_old_tokens,
    a_policy_applied_again,
);

async fn enrolled(house: &House) -> Device {
    let device = Device::mac(house, "D");
    device.enroll().await;
    device
}

fn minimum_length(declaration: &Value) -> &Value {
    &declaration["Payload"]["MinimumLength"]
}

async fn a_change_between_items_and_fetches(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = enrolled(&house).await;
    let told = device.told().await;
    let (token, items) = device.items().await;
    assert_eq!(token, told.tokens.token);

    house.publish(&small(10)).await;
    let declarations = device.fetch(&items).await;
    let held = crate::device::Held { token, declarations };
    assert_eq!(minimum_length(held.find("passcode").expect("it is there")), 8);
    device.report_good(&held).await;
    let shown = house.device("D").await;
    let all = held.declarations.len();
    assert_eq!(
        shown["counts"],
        json!({"confirmed": all - 1, "settled": 0, "failed": 0, "pending": 1}),
        "what it said of the old passcode does not count for the new one"
    );
    assert_eq!(shown["state"], "pending");
    assert_eq!(
        shown["channels"][0]["converged"], false,
        "on something else than is wanted"
    );

    let next = device.told().await;
    assert_ne!(next.tokens.token, told.tokens.token);
    assert!(next.tokens.timestamp > told.tokens.timestamp);
    let held = device.converge().await;
    assert_eq!(held.token, next.tokens.token);
    assert_eq!(minimum_length(held.find("passcode").expect("it is there")), 10);
    assert_eq!(house.device("D").await["channels"][0]["converged"], true);
    assert_eq!(device.idle().await, None);
}

async fn a_removal_between_items_and_fetches(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = enrolled(&house).await;
    for endpoint in [
        "declaration/configuration/passcode",
        "declaration/configuration/nothing",
    ] {
        device.ddm(endpoint).await.with(404);
    }
    let before = device.sync().await;
    let without: Files = vec![
        passcode(8),
        ("blueprints/all.yaml", blueprint("base", "all", &["passcode"])),
    ];
    house.publish(&without).await;
    let pinned = device.ddm("declaration/management/organization").await.with(200);
    assert_eq!(Some(&pinned.json()), before.find("organization"));

    let after = device.sync().await;
    assert!(after.find("organization").is_none());
    // What is wanted no more, what is of another kind, and what never was: all the same.
    let nothing = device.ddm("declaration/management/nothing").await.with(404);
    assert!(nothing.body.is_empty());
    for endpoint in [
        "declaration/management/organization",
        "declaration/asset/passcode",
        "declaration/configuration/Passcode",
        "declaration/configuration/passcode/",
        "declaration/configuration/pass%63ode",
        "declaration/things/passcode",
        "declaration/configuration",
        "declaration",
        "tokens/",
    ] {
        assert_eq!(
            device.ddm(endpoint).await.told(),
            nothing.clone().told(),
            "{endpoint}"
        );
    }
}

async fn an_asset_that_is_wanted_no_more(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = enrolled(&house).await;
    let held = device.sync().await;
    let url = &held.find("company-ca.certificate").expect("an asset")["Payload"]["Reference"]["DataURL"];
    let path = url
        .as_str()
        .and_then(|url| url.strip_prefix(PUBLIC_URL))
        .expect("a URL");
    let before = device.agent.get(path).await.with(200);
    house.publish(&small(8)).await;
    assert_eq!(
        device.agent.get(path).await.with(200).told(),
        before.told(),
        "it is pinned"
    );
    device.sync().await;
    device.agent.get(path).await.with(404);
}

async fn tokens_pin_nothing(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = enrolled(&house).await;
    device.sync().await;
    house.publish(&small(10)).await;
    device.tokens().await;
    device.idle().await.expect("a command");
    let declaration = device
        .ddm("declaration/configuration/passcode")
        .await
        .with(200)
        .json();
    assert_eq!(minimum_length(&declaration), 8);
    let shown = house.device("D").await;
    let channel = &shown["channels"][0];
    assert_eq!(channel["offered_token"], channel["wanted_token"]);
    assert_ne!(channel["pinned_token"], channel["wanted_token"]);
}

async fn a_wish_that_returns(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = enrolled(&house).await;
    // The clock stands still, and yet time goes on for the device.
    let mut last: Option<crate::device::Command> = None;
    for (round, length) in [8, 10, 8, 10, 8].into_iter().enumerate() {
        house.publish(&small(length)).await;
        let told = device.told().await;
        let held = device.converge().await;
        assert_eq!(
            minimum_length(held.find("passcode").expect("it is there")),
            length
        );
        assert_eq!(held.token, told.tokens.token);
        if let Some(last) = &last {
            assert!(told.tokens.timestamp > last.tokens.timestamp, "round {round}");
            assert_ne!(told.tokens.token, last.tokens.token);
            assert_ne!(told.uuid, last.uuid);
        }
        assert_eq!(device.tokens().await, told.tokens);
        last = Some(told);
    }
    // A clock that is set back does not set the device back.
    house.pass(-10_000);
    house.publish(&small(12)).await;
    let told = device.told().await;
    assert!(told.tokens.timestamp > last.expect("rounds").tokens.timestamp);
}

async fn a_wish_that_returns_unseen(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = enrolled(&house).await;
    device.told().await;
    device.converge().await;
    let tokens = device.tokens().await;
    house.pass(100);
    for length in [10, 8] {
        house.publish(&small(length)).await;
    }
    assert_eq!(device.idle().await, None, "it holds what is wanted");
    assert_eq!(device.tokens().await, tokens);
}

async fn reports_about_old_tokens(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = enrolled(&house).await;
    let old = device.converge().await;
    house.publish(&small(10)).await;
    device.sync().await;
    // It has fetched the new one and still speaks of the old one.
    device.report_good(&old).await;
    let shown = house.device("D").await;
    let all = shown["channels"][0]["declarations"]
        .as_array()
        .expect("declarations")
        .clone();
    let facts = |identifier: &str| {
        let one = all
            .iter()
            .find(|one| one["identifier"] == identifier)
            .expect("it is there");
        ["fetched", "reported", "confirmed"].map(|fact| one[fact] == true)
    };
    assert_eq!(facts("passcode"), [true, false, false]);
    assert_eq!(facts("organization"), [true, true, true]);
    assert_eq!(shown["state"], "pending");
    // During a change a device may list both; the entry of the current token is the one that counts.
    let new = device.sync().await;
    let mut listing = old.all_good();
    listing["configurations"][0]["valid"] = json!("invalid");
    let both = new.all_good()["configurations"][0].clone();
    listing["configurations"]
        .as_array_mut()
        .expect("a list")
        .push(both);
    listing["activations"] = new.all_good()["activations"].clone();
    device
        .report(&json!({"StatusItems": {"management": {"declarations": listing}}}))
        .await;
    assert_eq!(house.device("D").await["state"], "converged");
}

async fn a_policy_applied_again(database: Database) {
    let house = House::open(database).await;
    assert_eq!(house.publish(&small(8)).await["revision"], 1);
    let device = enrolled(&house).await;
    device.told().await;
    device.converge().await;
    let before = house.everything().await;
    let mut files = small(8);
    files.reverse();
    let again = house.publish(&files).await;
    assert_eq!(
        (&again["revision"], &again["published"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        house.everything().await,
        before,
        "nothing happened, and nothing is said of it"
    );
    assert_eq!(device.idle().await, None, "nobody is told");
    // Another declaration that this device does not get: another revision, and nobody is told.
    files.push((
        "declarations/lonely.json",
        json!({"Type": "com.apple.management.properties", "Identifier": "lonely", "Payload": {"a": 1}})
            .to_string(),
    ));
    files.push(("groups/nobody.yaml", "name: nobody\nmembers: [X]\n".to_owned()));
    files.push((
        "blueprints/lonely.yaml",
        blueprint("lonely", "nobody", &["lonely"]),
    ));
    assert_eq!(house.publish(&files).await["revision"], 2);
    assert_eq!(device.idle().await, None);
    assert_eq!(house.device("D").await["channels"][0]["converged"], true);
}
