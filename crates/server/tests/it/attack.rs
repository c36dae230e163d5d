//! Every identity attack at every endpoint: refused, with nothing changed and nothing learned.

use ordain_testbed::Database;
use serde_json::Value;

use crate::attackers::{Scene, bootstrap_token, messages};
use crate::device::{Agent, Device};
use crate::house::PUBLIC_URL;
use crate::identity::{Proof, TRUSTED};
use crate::message::Message;

crate::on_each_database!(
    messages_of_the_wrong_identity,
    downloads_by_the_wrong_identity,
    a_device_that_checked_out,
    channels_that_are_not_there,
);

async fn messages_of_the_wrong_identity(database: Database) {
    let scene = Scene::set(database).await;
    let house = &scene.house;
    let nobody = Device::mac(house, "NOBODY");
    let targets = [
        scene.victim.ids.clone(),
        scene.victim.user("USER").ids,
        scene.victim.user("NO-USER").ids,
    ];
    let without = [
        nobody.ids.clone(),
        nobody.user("USER").ids,
        nobody.user("NO-USER").ids,
    ];
    // From here on, being seen would show.
    house.pass(1_000);
    let before = house.everything().await;
    for (name, proof) in scene.attackers().await {
        let agent = Agent::new(house, proof);
        for (target, nothing) in targets.iter().zip(&without) {
            for (message, in_vain) in messages(target, &scene.held)
                .iter()
                .zip(messages(nothing, &scene.held))
            {
                // A stranger's first Authenticate is another matter: it enrolls, or is refused for other reasons.
                let answer = agent.put(message).await;
                assert_eq!(answer.status, 403, "{name}: {}", message.body);
                assert!(answer.body.is_empty(), "{name}: {answer:?}");
                assert_eq!(answer.header("content-type"), None, "{name}");
                assert_eq!(answer.header("www-authenticate"), None, "{name}");
                let of_nothing = agent.put(&in_vain).await;
                assert_eq!(answer.told(), of_nothing.told(), "{name}: {}", message.body);
            }
        }
        assert_eq!(house.everything().await, before, "{name}");
    }
    // A certificate that nobody used yet may do nothing but authenticate.
    let agent = Agent::new(house, Proof::tls(&TRUSTED.ec()));
    for target in targets.iter().chain(&without) {
        let messages = messages(target, &scene.held);
        for message in messages
            .iter()
            .filter(|message| !message.body.contains(">Authenticate<"))
        {
            let answer = agent.put(message).await.with(403);
            assert!(answer.body.is_empty(), "{answer:?}");
        }
    }
    assert_eq!(house.everything().await, before);
    // The victim goes on as if nothing had been.
    for (name, proof) in scene.rightful() {
        let victim = Device::with(house, "VICTIM", &proof);
        assert_eq!(victim.idle().await, None, "{name}");
        assert_eq!(victim.sync().await, scene.held, "{name}");
    }
    let token = scene
        .victim
        .agent
        .put(&Message::check_in(&scene.victim.ids, "GetBootstrapToken", ""))
        .await;
    assert!(token.with(200).text().contains("c2VjcmV0"));
}

/// What only members of a group get does not exist for others, and nothing exists for strangers.
async fn downloads_by_the_wrong_identity(database: Database) {
    let scene = Scene::set(database).await;
    let house = &scene.house;
    let below = |url: &Value| {
        url.as_str()
            .and_then(|url| url.strip_prefix(PUBLIC_URL))
            .expect("a URL")
            .to_owned()
    };
    let payload = |identifier: &str| &scene.held.find(identifier).expect("a declaration")["Payload"];
    let secret = below(&payload("lab-ca.certificate")["Reference"]["DataURL"]);
    let profile = below(&payload("org.example.dns")["ProfileURL"]);
    let unknown = format!("/assets/{}", "0".repeat(64));
    for (_, proof) in scene.rightful() {
        let agent = Agent::new(house, proof);
        agent.get(&secret).await.with(200);
        agent.get(&profile).await.with(200);
        agent.get(&unknown).await.with(404);
        agent.get("/assets/passwd").await.with(404);
    }
    Agent::new(house, Proof::tls(&scene.other))
        .get(&profile)
        .await
        .with(200);
    house.pass(1_000);
    let before = house.everything().await;
    let unused = ("a certificate that nobody used yet", Proof::tls(&TRUSTED.ec()));
    for (name, proof) in scene.attackers().await.into_iter().chain([unused]) {
        // A request without a body is what a signature of nothing signs.
        if name == "a signature of nothing" {
            continue;
        }
        let agent = Agent::new(house, proof);
        let answer = agent.get(&secret).await;
        assert!([403, 404].contains(&answer.status.as_u16()), "{name}: {answer:?}");
        assert!(answer.body.is_empty(), "{name}: {answer:?}");
        let is_enrolled = agent.get(&profile).await.status == 200;
        assert_eq!(answer.status == 404, is_enrolled, "{name}");
        assert_eq!(answer.told(), agent.get(&unknown).await.told(), "{name}");
    }
    assert_eq!(house.everything().await, before);
}

async fn a_device_that_checked_out(database: Database) {
    let scene = Scene::set(database).await;
    let house = &scene.house;
    let user = scene.victim.user("USER");
    scene.victim.check_out().await.with(200);
    house.pass(1_000);
    let before = house.everything().await;
    assert_eq!(before["devices"][1]["state"], "left", "{before}");
    for ids in [&scene.victim.ids, &user.ids] {
        for message in messages(ids, &scene.held) {
            if message.body.contains(">Authenticate<") {
                continue;
            }
            let answer = scene.victim.agent.put(&message).await.with(403);
            assert!(answer.body.is_empty(), "{answer:?}");
        }
    }
    let asset =
        &scene.held.find("company-ca.certificate").expect("the asset")["Payload"]["Reference"]["DataURL"];
    let asset = asset
        .as_str()
        .and_then(|url| url.strip_prefix(PUBLIC_URL))
        .expect("a URL");
    scene.victim.agent.get(asset).await.with(403);
    assert_eq!(house.everything().await, before);
    // Its certificate stays its own: it may come back, and nobody else may come with it.
    Device::of(house, "SOMEBODY-ELSE", &scene.identity)
        .authenticate()
        .await
        .with(403);
    scene.victim.enroll().await;
    let message = Message::check_in(&scene.victim.ids, "GetBootstrapToken", "");
    let token = scene.victim.agent.put(&message).await.with(200);
    assert!(
        !token.text().contains("c2VjcmV0"),
        "what was escrowed does not cross generations"
    );
}

/// The right device, but a user that is not there: the same as for anybody.
async fn channels_that_are_not_there(database: Database) {
    let scene = Scene::set(database).await;
    let user = scene.victim.user("NO-USER");
    for endpoint in [
        "tokens",
        "declaration-items",
        "declaration/configuration/calendar",
    ] {
        assert!(user.ddm(endpoint).await.with(403).body.is_empty());
    }
    user.agent
        .put(&Message::command(&user.ids, "Idle", ""))
        .await
        .with(403);
    user.agent.put(&bootstrap_token(&user.ids)).await.with(403);
    assert_eq!(
        scene.house.device("VICTIM").await["channels"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    // What the protocol offers to users that are not managed.
    let message = Message::check_in(&user.ids, "UserAuthenticate", "");
    assert!(user.agent.put(&message).await.with(410).body.is_empty());
}
