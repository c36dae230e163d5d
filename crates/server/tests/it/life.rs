//! A whole life, by each form of identity and on each kind of channel: enroll, be told, synchronise, report.

use ordain_testbed::Database;
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};

use crate::device::{Device, Held, facts};
use crate::house::House;
use crate::identity::{PLAIN, Proof, Shown, Signing, TRUSTED, V1_EC, V1_RSA};
use crate::message::SHARED_USER;
use crate::policy::{rich, small};

crate::on_each_database!(
    every_form_of_identity,
    certificates_of_x509_v1,
    over_http2,
    signatures_on_downloads,
    a_user_of_a_mac,
    users_of_a_shared_ipad,
    a_user_enrollment,
    one_command_in_a_session,
    what_fails_is_shown_with_its_reasons,
);

/// The five facts are shown of each declaration, and each is as `facts` says.
fn assert_facts(channel: &Value, identifiers: &[&str], facts: [bool; 5]) {
    let declarations = channel["declarations"].as_array().expect("declarations");
    let mut names: Vec<&str> = declarations
        .iter()
        .map(|declaration| declaration["identifier"].as_str().expect("a text"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, identifiers);
    for declaration in declarations {
        let shown =
            ["wanted", "offered", "fetched", "reported", "confirmed"].map(|fact| declaration[fact] == true);
        assert_eq!(shown, facts, "{declaration}");
    }
}

/// From Authenticate to the end of the first sync. The device reports declarations, and nothing of its capabilities.
async fn live(house: &House, device: &Device) -> Held {
    let name = device.ids[0].1.as_str();
    assert!(device.authenticate().await.with(200).body.is_empty());
    assert_eq!(device.idle().await, None, "its enrollment is not complete");
    assert!(device.token_update().await.with(200).body.is_empty());

    let command = device.told().await;
    let tokens = device.tokens().await;
    assert_eq!(
        tokens, command.tokens,
        "the command and the endpoint say the same"
    );
    let (token, items) = device.items().await;
    assert_eq!(token, tokens.token);
    let identifiers: Vec<_> = items
        .iter()
        .map(|(_, identifier, _)| identifier.as_str())
        .collect();
    assert!(
        identifiers.contains(&"passcode") && identifiers.contains(&"organization"),
        "{identifiers:?}"
    );
    let channel = &house.device(name).await["channels"][0];
    let mut sorted = identifiers.clone();
    sorted.sort_unstable();
    assert_facts(channel, &sorted, [true, true, false, false, false]);

    let declarations = device.fetch(&items).await;
    let channel = &house.device(name).await["channels"][0];
    assert_facts(channel, &sorted, [true, true, true, false, false]);
    assert_eq!(channel["converged"], false);

    let held = Held { token, declarations };
    device.report_good(&held).await;
    let shown = house.device(name).await;
    let channel = &shown["channels"][0];
    assert_facts(channel, &sorted, [true; 5]);
    assert_eq!(channel["converged"], true, "{channel}");
    assert_eq!(shown["state"], "converged");
    assert_eq!(channel["reported_at"], house.now());
    assert_eq!(device.idle().await, None, "it holds what it should");
    held
}

async fn every_form_of_identity(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    for kind in ["ec", "rsa"] {
        let new = || if kind == "ec" { TRUSTED.ec() } else { TRUSTED.rsa() };
        let mut forms = vec![
            ("tls", Proof::tls(&new())),
            ("rfc9440", Proof::proxied([Shown::Rfc9440(new())])),
            ("escaped", Proof::proxied([Shown::EscapedPem(new())])),
        ];
        for (name, attributes, streamed) in [
            ("der-bare", false, false),
            ("der-attributes", true, false),
            ("ber-bare", false, true),
            ("ber-attributes", true, true),
        ] {
            let signing = Signing { attributes, streamed };
            forms.push((name, Proof::headers([Shown::Signature(new(), signing)])));
        }
        // Several that agree are one.
        let identity = new();
        let both = Proof::tls(&identity).and(Shown::Signature(identity, PLAIN));
        forms.push(("tls-and-signature", both));
        for (name, proof) in forms {
            live(&house, &Device::with(&house, &format!("{kind}-{name}"), &proof)).await;
        }
    }
}

async fn certificates_of_x509_v1(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    for (name, identity) in [("ec", &*V1_EC), ("rsa", &*V1_RSA)] {
        // The same device by each version of TLS, and by its signature: one identity.
        let mut tls12 = Proof::tls(identity);
        tls12.manner.versions = vec![&TLS12];
        let mut tls13 = Proof::tls(identity);
        tls13.manner.versions = vec![&TLS13];
        let signed = Proof::headers([Shown::Signature(identity.clone(), PLAIN)]);
        let held = live(&house, &Device::with(&house, name, &tls12)).await;
        for proof in [tls13, signed] {
            assert_eq!(Device::with(&house, name, &proof).sync().await, held);
        }
    }
}

async fn over_http2(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let mut proof = Proof::tls(&TRUSTED.ec());
    proof.manner.http2 = true;
    live(&house, &Device::with(&house, "D", &proof)).await;
}

async fn signatures_on_downloads(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let proof = Proof::headers([Shown::Signature(TRUSTED.ec(), PLAIN)]);
    let device = Device::with(&house, "D", &proof);
    let held = live(&house, &device).await;
    // A signature on a GET covers the empty body.
    let asset = held.find("company-ca.certificate").expect("the asset");
    let data = &asset["Payload"]["Reference"];
    let path = data["DataURL"]
        .as_str()
        .and_then(|url| url.strip_prefix(crate::house::PUBLIC_URL));
    let answer = device
        .agent
        .get(path.expect("below the public URL"))
        .await
        .with(200);
    assert_eq!(answer.body.len(), data["Size"].as_u64().expect("a size") as usize);
    assert_eq!(answer.header("content-type"), data["ContentType"].as_str());
    let profile = held.find("org.example.dns").expect("the profile");
    let path = profile["Payload"]["ProfileURL"].as_str().expect("a URL");
    let path = path
        .strip_prefix(crate::house::PUBLIC_URL)
        .expect("below the public URL");
    assert!(path.starts_with("/profiles/"), "{path}");
    let answer = device.agent.get(path).await.with(200);
    assert!(answer.text().contains("<string>org.example.dns</string>"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-apple-aspen-config")
    );
}

async fn a_user_of_a_mac(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = Device::mac(&house, "D");
    let user = device.user("U");
    device.authenticate().await.with(200);
    user.token_update().await.with(403);
    device.token_update().await.with(200);
    user.agent
        .put(&crate::message::Message::command(&user.ids, "Idle", ""))
        .await
        .with(403);
    assert!(user.token_update().await.with(200).body.is_empty());

    let for_device = device.told().await;
    let for_user = user.told().await;
    assert_ne!(for_device.tokens.token, for_user.tokens.token);
    let held = user.converge().await;
    assert_eq!(held.token, for_user.tokens.token);
    let configurations = held
        .declarations
        .iter()
        .filter(|(kind, _)| *kind == "configuration");
    assert_eq!(configurations.count(), 1, "{held:?}");
    assert!(held.find("calendar").is_some(), "{held:?}");
    let shown = house.device("D").await;
    assert_eq!(shown["channels"][1]["id"], "D:U");
    assert_facts(&shown["channels"][1], &held.identifiers(), [true; 5]);
    assert_eq!(shown["channels"][1]["converged"], true);
    assert_eq!(
        shown["channels"][0]["converged"], false,
        "its device has not reported"
    );

    // What fails for a user is seen in the list; that the user is silent would not be.
    device.converge().await;
    let state = async || house.device("D").await["state"].clone();
    assert_eq!(state().await, "converged");
    let mut listing = held.all_good();
    listing["configurations"][0]["valid"] = json!("invalid");
    let report = json!({"StatusItems": {"management": {"declarations": listing}}, "Errors": []});
    user.report(&report).await;
    assert_eq!(state().await, "failed");
    assert_eq!(house.get("/devices").await["states"]["failed"], 1);

    // The user leaves, the device stays.
    user.check_out().await.with(200);
    user.ddm("tokens").await.with(403);
    device.ddm("tokens").await.with(200);
    assert_eq!(
        house.device("D").await["channels"].as_array().map(Vec::len),
        Some(1)
    );
}

async fn users_of_a_shared_ipad(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let mut device = Device::mac(&house, "D");
    device.facts = facts("iPad13,4", "26.1", "S");
    device.enroll().await;
    let user = |name: &str| {
        let mut ids = device.ids.clone();
        ids.push(("UserID", SHARED_USER.to_owned()));
        ids.push(("UserShortName", name.to_owned()));
        device.channel(ids)
    };
    let (ann, bob) = (user("ann@example.org"), user("bob@example.org"));
    ann.token_update().await.with(200);
    ann.told().await;
    let held = ann.converge().await;
    bob.ddm("tokens").await.with(403);
    bob.token_update().await.with(200);
    bob.told().await;
    assert_eq!(bob.tokens().await.token, held.token, "one audience");
    let shown = house.device("D").await;
    let channels: Vec<_> = shown["channels"].as_array().expect("channels").iter().collect();
    let state = |channel: &Value| (channel["id"].clone(), channel["converged"].clone());
    assert_eq!(channels.len(), 3);
    assert_eq!(state(channels[1]), (json!("D:ann@example.org"), json!(true)));
    assert_eq!(state(channels[2]), (json!("D:bob@example.org"), json!(false)));
}

async fn a_user_enrollment(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let mut device = Device::mac(&house, "D").channel(vec![("EnrollmentID", "E-1".to_owned())]);
    // It shows neither its serial number nor what it is.
    device.facts = String::new();
    live(&house, &device).await;
    let shown = house.device("E-1").await;
    assert_eq!(
        (&shown["serial"], &shown["platform"]),
        (&Value::Null, &Value::Null)
    );

    let mut ids = device.ids.clone();
    ids.push(("EnrollmentUserID", "EU-1".to_owned()));
    let user = device.channel(ids);
    user.token_update().await.with(200);
    user.told().await;
    user.converge().await;
    assert_eq!(house.device("E-1").await["channels"][1]["id"], "E-1:EU-1");
}

/// Whatever is published, and whatever came of it: a session has one, and a broken session has the same again.
async fn one_command_in_a_session(database: Database) {
    let house = House::open(database).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    // The first one comes though nothing is declared: it switches DDM on.
    let first = device.idle().await.expect("a command");
    assert_eq!(device.idle().await, Some(first.clone()), "the answer was lost");
    assert_eq!(device.result("NotNow", &first.uuid).await, None);
    assert_eq!(
        device.idle().await,
        Some(first.clone()),
        "it comes back by itself"
    );
    assert_eq!(
        device.result("Acknowledged", "something else").await,
        Some(first.clone()),
        "the result of what nobody knows is as good as nothing"
    );
    house.publish(&small(8)).await;
    assert_eq!(
        device.result("Acknowledged", &first.uuid).await,
        None,
        "a session has one"
    );
    assert_eq!(
        device.result("Acknowledged", &first.uuid).await,
        None,
        "said twice"
    );

    let second = device.idle().await.expect("another one, for another wish");
    assert_ne!(second.uuid, first.uuid);
    assert_ne!(second.tokens.token, first.tokens.token);
    assert!(second.tokens.timestamp > first.tokens.timestamp);
    let chain = "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>12021</integer>\
                 <key>ErrorDomain</key><string>MCMDMErrorDomain</string>\
                 <key>USEnglishDescription</key><string>Not supported</string></dict></array>";
    let keys = format!("<key>CommandUUID</key><string>{}</string>{chain}", second.uuid);
    let answer = device
        .agent
        .put(&crate::message::Message::command(&device.ids, "Error", &keys))
        .await;
    assert!(answer.with(200).body.is_empty());
    let said = house.device("D").await["channels"][0]["command"].to_string();
    assert!(said.contains("MCMDMErrorDomain 12021: Not supported"), "{said}");
    // Repeated with growing delay, until the items are fetched.
    assert_eq!(device.idle().await, None, "not at once");
    house.pass(60);
    let third = device.told().await;
    assert_ne!(third.uuid, second.uuid);
    assert_eq!(third.tokens, second.tokens);
    house.pass(60);
    assert_eq!(device.idle().await, None, "later each time");
    house.pass(60);
    device.told().await;
    device.items().await;
    house.pass(1_000_000);
    assert_eq!(device.idle().await, None, "it has the items");
}

async fn what_fails_is_shown_with_its_reasons(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let held = device.sync().await;
    let mut listing = held.all_good();
    let failed = &mut listing["configurations"][0];
    failed["active"] = json!(false);
    failed["valid"] = json!("invalid");
    failed["reasons"] = json!([{"code": "Error.ConfigurationCannotBeApplied", "description": "no"}]);
    device
        .report(&json!({"StatusItems": {"management": {"declarations": listing}}}))
        .await;
    let failing_since = house.now();
    house.pass(100);
    device
        .report(&json!({"StatusItems": {"passcode": {"is-present": true}}}))
        .await;

    let shown = house.device("D").await;
    assert_eq!(shown["state"], "failed");
    let channel = &shown["channels"][0];
    assert_eq!(channel["status"], json!({"passcode.is-present": true}));
    let all = channel["declarations"].as_array().expect("declarations");
    let of = |identifier: &str| {
        all.iter()
            .find(|one| one["identifier"] == identifier)
            .expect("a declaration")
    };
    let passcode = of("passcode");
    assert_eq!(
        (
            &passcode["state"],
            &passcode["reported"],
            &passcode["confirmed"],
            &passcode["failing_since"]
        ),
        (
            &json!("failed"),
            &json!(true),
            &json!(false),
            &json!(failing_since)
        )
    );
    assert_eq!(
        passcode["reasons"][0]["code"],
        "Error.ConfigurationCannotBeApplied"
    );
    assert_eq!(
        of("organization")["state"],
        "confirmed",
        "one bad thing harms only itself"
    );
}
