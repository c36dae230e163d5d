//! The catalog at run time: what is imported decides what can be published, and takes nothing from devices.

use ordain_catalog::{
    Catalog, Command, DeclarationType, Keys, Platform, PlatformSupport, Shape, StatusItem, Support, Terms,
    facts,
};
use ordain_model::ids::Digest;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::bad_message::raw_answer;
use crate::device::Device;
use crate::house::{House, START};
use crate::policy::{Files, blueprint, organization, rich, small};

crate::on_each_database!(
    a_type_that_is_imported_can_be_published_at_once,
    an_import_takes_nothing_from_any_device,
    nothing_with_errors_is_published_by_any_path,
    what_cannot_be_moved_stays_as_it_is,
    facts_that_are_refused,
    commands_go_by_the_catalog_in_force,
    status_items_are_those_of_either_catalog,
    nodes_agree,
);

const PASSCODE: &str = "com.apple.configuration.passcode.settings";
const NEW: &str = "com.apple.configuration.passcode.example";

/// The built-in catalog after `change`, as facts.
fn changed(change: impl FnOnce(&mut Catalog)) -> String {
    let mut catalog = Catalog::clone(Catalog::builtin());
    change(&mut catalog);
    facts::write(&catalog)
}

fn passcode_type() -> DeclarationType {
    Catalog::builtin().declaration(PASSCODE).expect("a type").clone()
}

/// With one type more.
fn wider() -> String {
    let new = DeclarationType {
        name: NEW.to_owned(),
        ..passcode_type()
    };
    changed(|catalog| drop(catalog.add_declaration(new)))
}

/// The passcode is for a macOS that nobody has.
pub(crate) fn narrower() -> String {
    let later = Terms {
        introduced: "99.0".parse().ok(),
        ..Terms::default()
    };
    let passcode = DeclarationType {
        support: Support::from_iter([(Platform::MacOs, PlatformSupport::Supported(later))]),
        ..passcode_type()
    };
    changed(|catalog| drop(catalog.add_declaration(passcode)))
}

/// There is no passcode.
fn without_passcode() -> String {
    let builtin = Catalog::builtin();
    let mut catalog = Catalog::default();
    for known in builtin.declarations().filter(|known| known.name != PASSCODE) {
        catalog.add_declaration(known.clone());
    }
    for item in builtin.status_items() {
        catalog.add_status_item(item.clone());
    }
    for command in builtin.commands() {
        catalog.add_command(command.clone());
    }
    facts::write(&catalog)
}

fn digest(facts: &str) -> String {
    Digest::of(facts.as_bytes()).to_string()
}

/// A policy with a declaration of the new type.
fn newest() -> Files {
    let new = json!({"Type": NEW, "Identifier": "new", "Payload": {"RequirePasscode": true}});
    vec![
        ("declarations/new.json", new.to_string()),
        ("blueprints/all.yaml", blueprint("base", "all", &["new"])),
    ]
}

/// A policy that any catalog here takes.
fn plain() -> Files {
    vec![
        organization("Example"),
        ("blueprints/all.yaml", blueprint("base", "all", &["organization"])),
    ]
}

/// What is wrong with a policy that was refused.
fn details(refusal: &Value) -> Vec<&str> {
    assert_eq!(refusal["error"], "the policy has errors; nothing was published");
    let details = refusal["details"].as_array().expect("details");
    details
        .iter()
        .map(|detail| detail.as_str().expect("a text"))
        .collect()
}

fn is_unknown(refusal: &Value, file: &str, type_name: &str) -> bool {
    let message = format!("unknown declaration type `{type_name}`");
    details(refusal)
        .iter()
        .any(|detail| detail.starts_with(&format!("error: {file}:")) && detail.contains(&message))
}

async fn a_type_that_is_imported_can_be_published_at_once(database: Database) {
    let mut house = House::open(database).await;
    let builtin = Catalog::builtin();
    let status = json!({
        "digest": digest(facts::APPLE),
        "source": format!("Ordain {}", env!("CARGO_PKG_VERSION")),
        "imported_at": null,
        "is_builtin": true,
        "builtin_digest": digest(facts::APPLE),
        "revision": 0,
        "revision_digest": null,
        "counts": {
            "declarations": builtin.declarations().count(),
            "credentials": builtin.credentials().count(),
            "status_items": builtin.status_items().count(),
            "commands": builtin.commands().count(),
            "check_ins": builtin.check_ins().count(),
            "profiles": builtin.profiles().count(),
            "profile_types": builtin.counts().profile_types,
        },
    });
    assert_eq!(house.get("/catalog").await, status);
    let device = Device::mac(&house, "D");
    device.enroll().await;
    let refusal = house.try_publish(&newest()).await.with(422).json();
    assert!(is_unknown(&refusal, "declarations/new.json", NEW), "{refusal}");

    house.pass(7);
    let imported = house.import(wider().as_bytes()).await.with(200).json();
    let mut expected = status.clone();
    expected["digest"] = json!(digest(&wider()));
    expected["source"] = json!("a test");
    expected["imported_at"] = json!(START + 7);
    expected["is_builtin"] = json!(false);
    expected["counts"]["declarations"] = json!(builtin.declarations().count() + 1);
    assert_eq!(house.get("/catalog").await, expected);
    expected["touched"] = json!([]);
    assert_eq!(imported, expected);
    assert_eq!(house.publish(&newest()).await["revision"], 1);
    assert_eq!(house.get("/revisions").await[0]["catalog"], digest(&wider()));
    device.told().await;
    let held = device.converge().await;
    assert!(held.find("new").is_some());

    // It stays in force over a restart, and what was published under it over the next one in force.
    house.restart().await;
    let status = house.get("/catalog").await;
    assert_eq!(status["digest"], digest(&wider()));
    assert_eq!(status["revision_digest"], digest(&wider()));
    assert_eq!(house.publish(&newest()).await["published"], false);
    let reset = house.admin("DELETE", "/catalog", None).await.with(200).json();
    assert_eq!(
        (&reset["is_builtin"], &reset["imported_at"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(reset["revision_digest"], digest(&wider()));
    assert_eq!(reset["touched"], json!([{"identifier": "new", "type": NEW}]));
    house.try_publish(&newest()).await.with(422);
    house.restart().await;
    assert_eq!(house.get("/catalog").await["is_builtin"], true);
    assert_eq!(device.idle().await, None);
    assert_eq!(device.sync().await, held);

    // All of them can be had.
    let facts_of = async |query: String| house.admin("GET", &format!("/catalog/facts{query}"), None).await;
    assert_eq!(facts_of(String::new()).await.with(200).text(), facts::APPLE);
    let kept = facts_of(format!("?digest={}", digest(&wider()))).await.with(200);
    assert_eq!(kept.text(), wider());
    facts_of(format!("?digest={}", digest("another"))).await.with(404);
    facts_of("?digest=abc".to_owned()).await.with(400);
}

async fn an_import_takes_nothing_from_any_device(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let before = device.converge().await;
    assert!(before.find("passcode").is_some());
    let touched = json!([{"identifier": "passcode", "type": PASSCODE}]);
    for facts in [narrower(), without_passcode()] {
        let imported = house.import(facts.as_bytes()).await.with(200).json();
        assert_eq!(imported["touched"], touched);
        assert_eq!(device.idle().await, None);
        assert_eq!(device.sync().await, before);
        // Whoever is new gets the same.
        let other = Device::mac(&house, &format!("E-{}", &digest(&facts)[..4]));
        other.enroll().await;
        other.told().await;
        assert_eq!(other.converge().await.token, before.token);
        house.restart().await;
        assert_eq!(device.idle().await, None);
        assert_eq!(device.sync().await, before);
    }
    let refusal = house.try_publish(&small(8)).await.with(422).json();
    assert!(
        is_unknown(&refusal, "declarations/passcode.json", PASSCODE),
        "{refusal}"
    );
    assert_eq!(device.idle().await, None);

    // Only what is published under it takes it away, and says why.
    house.import(narrower().as_bytes()).await.with(200);
    let published = house.publish(&small(8)).await;
    assert_eq!(
        (&published["revision"], &published["published"]),
        (&json!(2), &json!(true))
    );
    let change = json!({"from": digest(facts::APPLE), "to": digest(&narrower())});
    assert_eq!(published["changes"]["catalog"], change);
    assert_eq!(
        published["changes"]["declarations"],
        json!({"added": [], "changed": [], "removed": []})
    );
    device.told().await;
    let after = device.converge().await;
    assert!(after.find("passcode").is_none() && after.find("organization").is_some());
    let omissions = house.device("D").await["channels"][0]["omissions"].clone();
    let omitted = omissions.as_array().expect("omissions").iter();
    let mut omitted = omitted.filter(|omission| omission["identifier"] == "passcode");
    let reason = omitted.next().expect("one of the passcode")["reason"].clone();
    assert!(
        reason.as_str().is_some_and(|reason| reason.contains("99.0")),
        "{reason}"
    );
    assert_eq!(house.publish(&small(8)).await["published"], false);

    house.admin("DELETE", "/catalog", None).await.with(200);
    assert_eq!(device.idle().await, None);
    assert_eq!(house.publish(&small(8)).await["revision"], 3);
    device.told().await;
    assert_eq!(device.converge().await.token, before.token);
}

async fn nothing_with_errors_is_published_by_any_path(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&plain()).await;
    house.publish(&small(8)).await;
    house.import(without_passcode().as_bytes()).await.with(200);
    let before = house.get("/revisions").await;
    let by_apply = house.try_publish(&small(8)).await.with(422).json();
    assert!(
        is_unknown(&by_apply, "declarations/passcode.json", PASSCODE),
        "{by_apply}"
    );
    let again = async |number: &str| {
        let path = format!("/revisions/{number}/publish");
        house.admin("POST", &path, None).await
    };
    assert_eq!(
        again("2").await.with(422).json(),
        by_apply,
        "the newest under a newer catalog"
    );
    again("3").await.with(404);
    again("0").await.with(404);
    again("18446744073709551615").await.with(404);
    again("x").await.with(400);
    assert_eq!(house.get("/revisions").await, before);

    // An older one that has no errors is published, under today's catalog.
    let published = again("1").await.with(200).json();
    assert_eq!(
        (&published["revision"], &published["published"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(
        published["changes"]["declarations"]["removed"],
        json!(["passcode"])
    );
    assert_eq!(published["changes"]["catalog"]["to"], digest(&without_passcode()));
    assert_eq!(again("1").await.with(200).json()["published"], false);
    assert_eq!(again("2").await.with(422).json(), by_apply, "an older one");
    house.settings().public_url = Some("https://elsewhere.example.org".into());
    house.restart().await;
    assert_eq!(house.get("/overview").await["revision"], 3);
    assert_eq!(house.get("/overview").await.get("problem"), None);
}

/// The policy names the public URL, which moves; but under the catalog in force it has errors.
async fn what_cannot_be_moved_stays_as_it_is(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let before = device.converge().await;
    house.import(without_passcode().as_bytes()).await.with(200);
    let moved = "https://elsewhere.example.org";
    house.settings().public_url = Some(moved.into());
    let audit = house.get("/audit").await;
    for _ in 0..2 {
        house.restart().await;
        let overview = house.get("/overview").await;
        assert_eq!(
            (&overview["revision"], &overview["public_url"]),
            (&json!(1), &json!(moved))
        );
        let problem = overview["problem"].as_str().expect("a problem");
        for part in ["revision 1", "https://mdm.example.org", moved] {
            assert!(problem.contains(part), "{problem}");
        }
        assert_eq!(device.idle().await, None);
        assert_eq!(device.sync().await, before);
        assert_eq!(house.get("/audit").await, audit, "nothing moved");
    }
    house.admin("POST", "/revisions/1/publish", None).await.with(422);
    assert!(house.get("/overview").await["problem"].is_string());

    // With the catalog that it is good for, it moves.
    house.admin("DELETE", "/catalog", None).await.with(200);
    let published = house
        .admin("POST", "/revisions/1/publish", None)
        .await
        .with(200)
        .json();
    assert_eq!(published["revision"], 2);
    assert_eq!(house.get("/overview").await.get("problem"), None);
    device.told().await;
    assert_ne!(device.converge().await.token, before.token);
    assert_eq!(house.get("/audit").await[0]["action"], "set-public-url");
    house.settings().public_url = None;
    house.restart().await;
    let overview = house.get("/overview").await;
    assert_eq!(
        (&overview["revision"], &overview["public_url"]),
        (&json!(2), &json!(moved))
    );
}

async fn facts_that_are_refused(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let before = house.everything().await;
    let good = wider();
    let lines = good.lines().count();
    let header = good.split_inclusive('\n').take(3).collect::<String>();
    let refused: Vec<(Vec<u8>, String)> = vec![
        (vec![], "line 1: ".into()),
        (header.into(), "without a single declaration type".into()),
        (b"\xff\xfe".to_vec(), "invalid utf-8".into()),
        (b"hello".to_vec(), "line 1: ".into()),
        (b"{\"facts\": 1}".to_vec(), "line 1: ".into()),
        (
            format!("{good}nonsense\n").into(),
            format!("line {}: ", lines + 1),
        ),
        (
            format!("{good}status a\0b string\n").into(),
            format!("line {}: ", lines + 1),
        ),
        (format!("{good}\n").into(), format!("line {}: ", lines + 1)),
        (good.replace('\n', "\r\n").into(), "line 1: ".into()),
    ];
    for (facts, reason) in refused {
        let answer = house.import(&facts).await.with(400).json();
        let said = answer["error"].as_str().expect("a text");
        assert!(
            said.starts_with("facts") && said.contains(&reason),
            "{reason} is not in {said}"
        );
    }
    let most = 8 << 20;
    house.import(&vec![b'#'; most]).await.with(400);
    let head = format!(
        "POST /api/v1/catalog HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        house.admin_token(),
        most + 1
    );
    assert_eq!(raw_answer(&house, &head, b"").await, "HTTP/1.1 413");
    let long = "a".repeat(201);
    for query in [
        "source=a%00b",
        "source=a%0ab",
        &format!("source={long}"),
        "sauce=a",
    ] {
        house
            .admin("POST", &format!("/catalog?{query}"), None)
            .await
            .with(400);
    }
    assert_eq!(house.everything().await, before);
}

async fn commands_go_by_the_catalog_in_force(database: Database) {
    let house = House::open(database).await;
    Device::mac(&house, "D").enroll().await;
    let order = json!({"devices": ["D"], "request_type": "ExampleCommand", "keys": {}, "confirm": true});
    let refusal = house
        .admin("POST", "/commands", Some(order.clone()))
        .await
        .with(422);
    assert!(refusal.text().contains("no such command is known"), "{refusal:?}");
    let facts = changed(|catalog| {
        catalog.add_command(Command {
            request_type: "ExampleCommand".into(),
            access_right: None,
            support: Support::default(),
            keys: Keys::default(),
            answers: Default::default(),
        });
    });
    house.import(facts.as_bytes()).await.with(200);
    house.admin("POST", "/commands", Some(order)).await.with(200);
}

/// What is imported is read at once, and what was known when the wish was published goes on being read.
async fn status_items_are_those_of_either_catalog(database: Database) {
    let house = House::open(database).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    let item = |value: i64| json!({"StatusItems": {"example": {"item": {"a": value}}}});
    let status = async || house.device("D").await["channels"][0]["status"].clone();
    device.report(&item(1)).await;
    assert_eq!(status().await, json!({"example.item.a": 1}));

    let with_item = changed(|catalog| {
        catalog.add_status_item(StatusItem {
            name: "example.item".into(),
            support: Support::default(),
            value: Shape::any_dictionary(),
            reasons: Default::default(),
        });
    });
    house.import(with_item.as_bytes()).await.with(200);
    device.report(&item(2)).await;
    assert_eq!(status().await["example.item"], json!({"a": 2}));
    house.publish(&plain()).await;
    house.admin("DELETE", "/catalog", None).await.with(200);
    device.report(&item(3)).await;
    assert_eq!(status().await["example.item"], json!({"a": 3}));
}

/// What is imported on one node holds for what is published on another.
async fn nodes_agree(database: Database) {
    let Database::Postgres(url) = &database else {
        return;
    };
    let beside = Database::Postgres(url.clone());
    let house = House::open(database).await;
    let key_file = house.data_dir().join("installation.key");
    let other = House::open_with(beside, |settings| settings.key_file = Some(key_file)).await;
    house.publish(&small(8)).await;
    house.import(wider().as_bytes()).await.with(200);
    assert_eq!(other.publish(&newest()).await["revision"], 2);
    assert_eq!(other.get("/catalog").await["digest"], digest(&wider()));
    other.admin("DELETE", "/catalog", None).await.with(200);
    house.try_publish(&newest()).await.with(422);
    assert_eq!(house.get("/catalog").await["is_builtin"], true);
    // At once, either comes first; but nothing is published under a catalog that is not in force any more.
    for minimum_length in 11..16 {
        let (wider, files) = (wider(), small(minimum_length));
        let (imported, published) = tokio::join!(house.import(wider.as_bytes()), other.publish(&files));
        imported.with(200);
        let audit = house.get("/audit").await;
        let rows = audit.as_array().expect("rows");
        let at = |action: &str| {
            rows.iter()
                .position(|row| row["action"] == action)
                .expect("a row")
        };
        let under = &rows[at("publish")]["detail"];
        assert_eq!(under["revision"], published["revision"]);
        let is_later = at("publish") < at("import-catalog");
        let expected = if is_later {
            digest(&wider)
        } else {
            digest(facts::APPLE)
        };
        assert_eq!(under["catalog"], expected);
        house.admin("DELETE", "/catalog", None).await.with(200);
    }
}
