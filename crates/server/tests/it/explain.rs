//! Why a device has what it has, as the API tells it, and what a device disputes.

use ordain_model::compile::made_activation;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::policy::{Files, blueprint, rich};

crate::on_each_database!(channels_are_explained, disputes_are_noted_and_counted);

async fn told(house: &House, path: &str) -> Value {
    house.get(&format!("/devices/{path}")).await
}

fn headline(told: &Value) -> &str {
    told["channels"][0]["headline"]["sentence"]
        .as_str()
        .expect("a sentence")
}

async fn channels_are_explained(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let refused = async |path: &str| {
        let answer = house
            .admin("GET", &format!("/devices/{path}"), None)
            .await
            .with(404);
        answer.json()["error"].as_str().expect("words").to_owned()
    };
    let awaited = refused("S-D/explain").await;
    assert!(awaited.contains("the policy lists it in lab"), "{awaited}");
    assert!(refused("S-E/explain").await.contains("no device goes by S-E"));

    let device = Device::mac(&house, "D");
    device.enroll().await;
    let early = told(&house, "D/explain?declaration=passcode").await;
    assert_eq!(
        headline(&early),
        "not on the device yet: the server has not offered it to the device: it does so when the device asks for work"
    );
    let user = device.user("U");
    user.token_update().await.with(200);
    device.told().await;
    device.converge().await;

    let both = told(&house, "S-D/explain").await;
    let ids: Vec<_> = both["channels"]
        .as_array()
        .expect("channels")
        .iter()
        .map(|channel| &channel["channel"])
        .collect();
    assert_eq!(ids, ["D", "D:U"]);
    assert!(headline(&both).starts_with("converged: "), "{both:#}");
    let lab = told(&house, "D/explain?declaration=lab-ca").await;
    assert_eq!(
        headline(&lab),
        "in force: the device says that it is valid and active"
    );
    // A declaration is told of where it is, and a user's channel by its name.
    for path in [
        "D/explain?declaration=calendar",
        "D:U/explain?declaration=calendar",
    ] {
        let calendar = told(&house, path).await;
        assert_eq!(calendar["channels"].as_array().expect("channels").len(), 1);
        assert_eq!(calendar["channels"][0]["channel"], "D:U");
        assert!(
            headline(&calendar).starts_with("not on the device yet: "),
            "{calendar:#}"
        );
    }
    assert!(refused("D:V/explain").await.contains("no device goes by D:V"));
    let near = refused("D/explain?declaration=passcodes").await;
    assert!(near.ends_with("did you mean passcode?"), "{near}");
}

fn of_macs() -> Files {
    let model = "@status(device.model.family)";
    let declaration = json!({
        "Type": "com.apple.configuration.passcode.settings",
        "Identifier": "passcode",
        "Payload": {"RequirePasscode": true},
        "when": format!("{model} == 'Mac'"),
    });
    vec![
        ("declarations/passcode.json", declaration.to_string()),
        ("blueprints/all.yaml", blueprint("base", "all", &["passcode"])),
    ]
}

async fn disputes_are_noted_and_counted(database: Database) {
    let house = House::open(database).await;
    house.publish(&of_macs()).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let held = device.sync().await;
    let mut listing = held.all_good();
    // Ordain's own subscription, which the predicate needs, is listed beside it.
    let mut said_of = |kind: &str, identifier: &str, said: Value| {
        let listed = listing[kind].as_array_mut().expect("a list");
        let of = listed
            .iter_mut()
            .find(|listed| listed["identifier"] == identifier);
        let of = of.expect("listed").as_object_mut().expect("an object");
        of.extend(said.as_object().expect("an object").clone());
    };
    let by_predicate = json!({"active": false, "reasons": [{"code": "Info.Predicate"}]});
    said_of("activations", &made_activation("passcode"), by_predicate);
    said_of("configurations", "passcode", json!({"active": false}));
    let report = json!({
        "StatusItems": {"device": {"model": {"family": "Mac"}}, "management": {"declarations": listing}},
        "Errors": [],
    });
    let disputes = async || -> String {
        let answer = house.client().send("GET", "/metrics", &[], b"").await.with(200);
        let text = answer.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("ordain_predicate_disagreements_total "));
        line.expect("the counter").to_owned()
    };
    assert_eq!(disputes().await, "0");
    device.report(&report).await;
    device.report(&report).await;
    assert_eq!(disputes().await, "1", "the same report says nothing new");
    let shown = house.device("D").await;
    let note = shown["notes"][0].as_str().expect("a note");
    assert!(note.contains("1 of its activations"), "{note}");
    let explained = told(&house, "D/explain?declaration=passcode").await;
    assert!(
        headline(&explained).contains("against what follows from its own reports"),
        "{explained:#}"
    );
    device.report_good(&held).await;
    assert_eq!(house.device("D").await["notes"], json!([]));
    assert_eq!(disputes().await, "1");
}
