//! The push sweep: who is woken, once, and who is not.

use std::collections::BTreeMap;
use std::time::Duration;

use ordain_testbed::Database;
use ordain_twin::apns::Trouble;
use serde_json::{Value, json};

use crate::policy::small;
use crate::push_scene::{Pushed, Scene, TOPIC, fleet_size, pushes, sessions};

crate::on_each_database!(
    a_change_is_one_push_and_one_command,
    who_has_everything_is_not_pushed,
    a_killed_sweep_goes_on,
    a_dead_token_is_left_alone,
    what_is_set_up_wrong_pauses_all,
    strangers_learn_nothing_of_pushes,
);

async fn a_change_is_one_push_and_one_command(database: Database) {
    let all = fleet_size();
    // A tenth never answers.
    let silent = all / 10;
    let awake = all - silent;
    let scene = Scene::equipped(database).await;
    scene.house.publish(&small(8)).await;
    let mut fleet = scene.fleet(all).await;
    scene
        .until("all enrolled ones pushed", |status| status["unanswered"] == all)
        .await;
    assert_eq!(pushes(&mut fleet), vec![1; all]);
    assert_eq!(sessions(&fleet).await, vec![1; all]);
    scene.swept(1).await;
    scene.idle().await;

    scene.house.publish(&small(9)).await;
    let sweep = scene.swept(2).await;
    assert_eq!((&sweep["pushed"], &sweep["passed"]), (&json!(all), &json!(all)));
    scene.house.publish(&small(10)).await;
    let sweep = scene.swept(3).await;
    assert_eq!((&sweep["pushed"], &sweep["waiting"]), (&json!(0), &json!(all)));
    assert_eq!(
        pushes(&mut fleet),
        vec![1; all],
        "the second change before they wake is told by the first push"
    );
    assert_eq!(sessions(&fleet[silent..]).await, vec![1; awake]);
    for device in &fleet[silent..] {
        assert_eq!(device.session().await, 0, "nobody is told twice");
    }

    scene.house.publish(&small(11)).await;
    let sweep = scene.swept(4).await;
    assert_eq!(
        (&sweep["pushed"], &sweep["waiting"]),
        (&json!(awake), &json!(silent))
    );
    assert_eq!(
        pushes(&mut fleet[silent..]),
        vec![1; awake],
        "the silent ones delay nobody"
    );
    assert_eq!(sessions(&fleet[silent..]).await, vec![1; awake]);
    assert_eq!(pushes(&mut fleet[..silent]), vec![0; silent]);
    scene.house.pass(7 * 60);
    scene
        .until("they are pushed again", |status| status["due"] == 0)
        .await;
    assert_eq!(
        pushes(&mut fleet[..silent]),
        vec![1; silent],
        "APNs may have lost it"
    );
    scene.house.pass(7 * 60);
    scene.idle().await;
    assert_eq!(
        pushes(&mut fleet[..silent]),
        vec![0; silent],
        "the second pause is longer"
    );
    assert_eq!(sessions(&fleet[..silent]).await, vec![1; silent]);
    let refused = scene.apns.counts().refused;
    assert_eq!(refused, BTreeMap::new());
}

async fn who_has_everything_is_not_pushed(database: Database) {
    let scene = Scene::equipped(database).await;
    scene.house.publish(&small(8)).await;
    let device = scene.mac(1).await;
    device.session().await;
    // A user has no inventory of his own that could be due.
    let token = b"token of the user".to_vec();
    let mut courier = scene.apns.connect();
    courier.register(&token, TOPIC);
    let mut user = Pushed {
        device: device.device.user("U"),
        courier,
        token,
    };
    user.tell_token().await;
    for _ in 0..400 {
        if scene.apns.accepted(&user.token) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(user.pushes(), 1);
    assert_eq!(user.session().await, 1);
    scene.swept(1).await;
    scene.idle().await;
    for passcode in 9..12 {
        scene.house.publish(&small(passcode)).await;
        let sweep = scene.swept(u64::from(passcode - 7)).await;
        assert_eq!(
            (&sweep["up_to_date"], &sweep["passed"]),
            (&json!(1), &json!(2)),
            "{sweep}"
        );
    }
    scene.house.pass(3 * 24 * 60 * 60);
    scene.idle().await;
    assert_eq!(user.pushes(), 0, "it has what it should have");
}

async fn a_killed_sweep_goes_on(database: Database) {
    let mut scene = Scene::equipped(database).await;
    scene.house.publish(&small(8)).await;
    let mut fleet = scene.fleet(60).await;
    scene
        .until("all pushed", |status| status["unanswered"] == 60)
        .await;
    assert_eq!(sessions(&fleet).await, [1; 60]);
    pushes(&mut fleet);
    scene.house.stop().await;
    scene.house.settings().push_rate = 60;
    scene.house.start().await.expect("a server");
    let before = scene.apns.counts().accepted;
    scene.house.publish(&small(9)).await;
    while scene.apns.counts().accepted < before + 10 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.house.kill();
    let by_then = scene.apns.counts().accepted - before;
    assert!(by_then < 60, "it was killed on its way: {by_then}");
    scene.house.settings().push_rate = 500;
    scene.house.start().await.expect("a server");
    scene.swept(2).await;
    scene.idle().await;
    let counts = pushes(&mut fleet);
    assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
    let twice = counts.iter().filter(|count| **count == 2).count();
    assert!(
        twice <= 15,
        "only what was not written down is pushed again: {twice}"
    );
    assert_eq!(sessions(&fleet).await, [1; 60]);
}

async fn a_dead_token_is_left_alone(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut device = scene.mac(1).await;
    scene
        .until("it is pushed", |status| status["unanswered"] == 1)
        .await;
    device.session().await;
    device.courier.unregister();
    for revision in 1..3 {
        scene.house.publish(&small(7 + revision)).await;
        let sweep = scene.swept(u64::from(revision)).await;
        assert_eq!(sweep["unreachable"], 1);
    }
    scene.house.pass(3 * 24 * 60 * 60);
    let status = scene.idle().await;
    assert_eq!(status["dead"], 1);
    assert_eq!(
        scene.apns.counts().refused,
        [("Unregistered".to_owned(), 1)].into()
    );

    pushes(std::slice::from_mut(&mut device));
    device.token = b"another one".to_vec();
    device.courier.register(&device.token, TOPIC);
    device.tell_token().await;
    let status = scene
        .until("it is alive", |status| status["unanswered"] == 1)
        .await;
    assert_eq!(status["dead"], 0);
    assert_eq!(device.pushes(), 1);
    assert_eq!(device.session().await, 1);
}

async fn what_is_set_up_wrong_pauses_all(database: Database) {
    let scene = Scene::equipped(database).await;
    let trouble = Trouble {
        status: 403,
        reason: "BadCertificate".to_owned(),
        retry_after: None,
        times: u64::MAX,
    };
    scene.apns.turn(|knobs| knobs.trouble = Some(trouble));
    let mut fleet = scene.fleet(3).await;
    let status = scene
        .until("in trouble", |status| !status["problem"].is_null())
        .await;
    assert_eq!(status["problem"]["reason"], "BadCertificate");
    let now = scene.house.now();
    assert_eq!(status["problem"]["tried_again_at"], now + 30);
    let tried = || scene.apns.counts().refused["BadCertificate"];
    let first = tried();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(tried() <= 3, "those under way, and then nobody: {}", tried());
    let pauses = tried();
    scene.house.pass(30);
    let again = scene
        .until("tried again", |status| {
            status["problem"]["tried_again_at"] == now + 30 + 60
        })
        .await;
    assert_eq!(again["problem"]["since"], now);
    assert_eq!(tried(), pauses + 1, "one tries for all: {first}");
    assert_eq!(again["dead"], 0, "no device is to blame");
    assert_eq!(again["refused"], json!([]));
    scene.apns.turn(|knobs| knobs.trouble = None);
    scene.house.pass(60);
    let status = scene
        .until("all pushed", |status| status["unanswered"] == 3)
        .await;
    assert_eq!(status["problem"], Value::Null);
    assert_eq!(pushes(&mut fleet), [1; 3]);
}

async fn strangers_learn_nothing_of_pushes(database: Database) {
    let scene = Scene::equipped(database).await;
    let device = scene.mac(1).await;
    for (method, path) in [
        ("GET", "/push"),
        ("GET", "/push-certificate"),
        ("POST", "/push-certificate"),
    ] {
        let path = format!("/api/v1{path}");
        let wrong = [("authorization".to_owned(), "Bearer wrong".to_owned())];
        for headers in [&[][..], &wrong] {
            let client = scene.house.client();
            client.send(method, &path, headers, b"{}").await.with(401);
        }
        device
            .device
            .agent
            .send(method, &path, "application/json", b"{}")
            .await
            .with(401);
    }
    for pem in ["", "no certificate", &"x".repeat(300 * 1024)] {
        let asked = Some(json!({"pem": pem}));
        scene
            .house
            .admin("POST", "/push-certificate", asked)
            .await
            .with(400);
    }
}
