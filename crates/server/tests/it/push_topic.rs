//! Whose pushes are sent: the push certificate's topic, what is so without a certificate, and when it ends.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::message::value_of;
use crate::policy::small;
use crate::push_scene::{Scene, TOPIC, pushes};

crate::on_each_database!(
    nothing_is_pushed_without_a_certificate,
    a_certificate_of_another_topic,
    the_end_of_the_certificate_is_warned_of,
    profiles_and_tokens_take_the_topic_of_the_certificate,
);

async fn nothing_is_pushed_without_a_certificate(database: Database) {
    let scene = Scene::open(database).await;
    let status = scene.status().await;
    let note = status["note"].as_str().expect("a text");
    assert!(note.contains("there is no push certificate"), "{note}");
    scene
        .house
        .admin("GET", "/push-certificate", None)
        .await
        .with(404);
    scene.house.publish(&small(8)).await;
    let mut device = scene.mac(1).await;
    let status = scene.status().await;
    assert_eq!((&status["due"], &status["sweep"]), (&json!(1), &Value::Null));
    assert_eq!(scene.apns.counts().connections, 0);
    scene.import(TOPIC, false).await.with(200);
    let status = scene
        .until("it is pushed", |status| status["unanswered"] == 1)
        .await;
    assert_eq!(device.pushes(), 1);
    assert_eq!(status["note"], Value::Null);
    assert_eq!(status["certificate"]["topic"], TOPIC);
    assert_eq!(status["certificate"]["channels"], 1);
    assert!(!status.to_string().contains("PRIVATE"));
    let audit = scene.house.get("/audit").await;
    assert_eq!(audit[0]["action"], "import-push-certificate");
    assert_eq!(audit[0]["detail"]["topic"], TOPIC);
}

async fn a_certificate_of_another_topic(database: Database) {
    const OTHER: &str = "com.apple.mgmt.External.other";
    let scene = Scene::equipped(database).await;
    let mut device = scene.mac(1).await;
    scene
        .until("it is pushed", |status| status["unanswered"] == 1)
        .await;
    device.session().await;
    pushes(std::slice::from_mut(&mut device));
    let refused = scene.import(OTHER, false).await.with(409).json();
    let words = refused["error"].as_str().expect("a text");
    for part in [OTHER, TOPIC, "enroll anew", "--other-topic"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(scene.status().await["certificate"]["topic"], TOPIC);

    let taken = scene.import(OTHER, true).await.with(200).json();
    assert_eq!((&taken["topic"], &taken["channels"]), (&json!(OTHER), &json!(0)));
    assert!(
        taken["warnings"][0]
            .as_str()
            .expect("a text")
            .starts_with("1 channels"),
        "{taken}"
    );
    scene.house.publish(&small(8)).await;
    let sweep = scene.swept(1).await;
    assert_eq!(sweep["unreachable"], 1);
    assert_eq!(device.pushes(), 0);
    let status = scene.status().await;
    assert_eq!(status["refused"][0]["channels"], 1, "{status}");

    scene.import(TOPIC, false).await.with(200);
    scene
        .until("it is pushed after all", |status| status["unanswered"] == 1)
        .await;
    assert_eq!(device.pushes(), 1);
}

async fn the_end_of_the_certificate_is_warned_of(database: Database) {
    let scene = Scene::equipped(database).await;
    let certificate = scene.house.get("/push-certificate").await;
    assert_eq!(certificate["warnings"], json!([]));
    let end = certificate["expires_at"].as_i64().expect("a number");
    const DAY: i64 = 24 * 60 * 60;
    for (days, word) in [(29, "29 days"), (6, "6 days")] {
        scene.house.pass(end - days * DAY - 1 - scene.house.now());
        let certificate = scene.house.get("/push-certificate").await;
        let warning = certificate["warnings"][0].as_str().expect("a text");
        assert!(warning.contains(word) && warning.contains("renew"), "{warning}");
        assert_eq!(
            (&certificate["days_left"], &certificate["is_expired"]),
            (&json!(days), &json!(false))
        );
    }
    scene.house.pass(7 * DAY);
    let certificate = scene.house.get("/push-certificate").await;
    assert_eq!(certificate["is_expired"], true);
    let warning = certificate["warnings"][0].as_str().expect("a text");
    assert!(warning.contains("has expired"), "{warning}");
    scene.import(TOPIC, false).await.with(400);
}

async fn profiles_and_tokens_take_the_topic_of_the_certificate(database: Database) {
    let scene = Scene::open(database).await;
    let token = |name: &str| json!({"name": name, "role": "enrollment"});
    let ask = async |path: &str, body: Value| scene.house.admin("POST", path, Some(body)).await;
    ask("/enrollment-profiles", json!({})).await.with(400);
    // A token without a topic is for Windows devices alone, and a device of Apple's gets no profile for it.
    let without = ask("/tokens", token("w")).await.with(200).json();
    assert_eq!((&without["topic"], &without["url"]), (&Value::Null, &Value::Null));
    let path = format!("/enroll/{}", without["token"].as_str().expect("a token"));
    scene.house.client().send("GET", &path, &[], b"").await.with(404);
    scene.import(TOPIC, false).await.with(200);
    let profile = ask("/enrollment-profiles", json!({})).await.with(200);
    assert_eq!(value_of(profile.text(), "Topic", "string"), Some(TOPIC));
    let named = ask(
        "/enrollment-profiles",
        json!({"topic": "com.apple.mgmt.External.named"}),
    )
    .await;
    assert_eq!(
        value_of(named.with(200).text(), "Topic", "string"),
        Some("com.apple.mgmt.External.named")
    );
    let made = ask("/tokens", token("a")).await.with(200).json();
    assert_eq!(made["topic"], TOPIC);
}
