//! The push sweep: who is woken, once, and who is not.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use ordain_testbed::Database;
use ordain_twin::apns::{Apns, Courier, Trouble};
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::message::{Message, value_of};
use crate::policy::small;

crate::on_each_database!(
    a_change_is_one_push_and_one_command,
    who_has_everything_is_not_pushed,
    a_killed_sweep_goes_on,
    a_dead_token_is_left_alone,
    nothing_is_pushed_without_a_certificate,
    what_is_set_up_wrong_pauses_all,
    a_certificate_of_another_topic,
    the_end_of_the_certificate_is_warned_of,
    profiles_and_tokens_take_the_topic_of_the_certificate,
    strangers_learn_nothing_of_pushes,
);

const TOPIC: &str = "com.apple.mgmt.External.test";

/// A server with its push service.
struct Scene {
    house: House,
    apns: Apns,
}

impl Scene {
    async fn open(database: Database) -> Self {
        let apns = Apns::start().await.expect("a push service");
        let mut house = House::closed(database);
        let ca = house.file("apns-ca.pem", &apns.authority().certificate().to_pem());
        house.settings().apns_url = Some(apns.url());
        house.settings().apns_ca = Some(ca);
        house.start().await.expect("a server");
        Self { house, apns }
    }

    async fn equipped(database: Database) -> Self {
        let scene = Self::open(database).await;
        scene.import(TOPIC, false).await.with(200);
        scene
    }

    async fn import(&self, topic: &str, other_topic: bool) -> crate::client::Answer {
        let pem = self.apns.push_certificate(topic).expect("a certificate");
        let asked = json!({"pem": pem, "other_topic": other_topic});
        self.house.admin("POST", "/push-certificate", Some(asked)).await
    }

    /// A Mac that enrolls, with a push token of its own.
    async fn mac(&self, number: usize) -> Pushed {
        let device = Device::mac(&self.house, &format!("D{number:02}"));
        device.authenticate().await.with(200);
        let token = format!("token {number:02}").into_bytes();
        let mut courier = self.apns.connect();
        courier.register(&token, TOPIC);
        let pushed = Pushed {
            device,
            courier,
            token,
        };
        pushed.tell_token().await;
        pushed
    }

    async fn fleet(&self, count: usize) -> Vec<Pushed> {
        in_turn((0..count).map(|number| self.mac(number))).await
    }

    async fn status(&self) -> Value {
        self.house.get("/push").await
    }

    /// Waits until `is_so` is true of the status.
    async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..400 + 2 * fleet_size() {
            let status = self.status().await;
            if is_so(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {what}: {}", self.status().await);
    }

    async fn swept(&self, revision: u64) -> Value {
        let status = self.until("swept", |status| {
            let sweep = &status["sweep"];
            sweep["revision"] == revision && !sweep["finished_at"].is_null()
        });
        status.await["sweep"].clone()
    }

    async fn idle(&self) -> Value {
        self.until("nothing due", |status| status["due"] == 0).await
    }
}

/// A device that can be pushed.
struct Pushed {
    device: Device,
    courier: Courier,
    token: Vec<u8>,
}

impl Pushed {
    async fn tell_token(&self) {
        use base64::Engine as _;
        let token = base64::engine::general_purpose::STANDARD.encode(&self.token);
        let keys = format!(
            "<key>Topic</key><string>{TOPIC}</string><key>PushMagic</key><string>magic</string>\
             <key>Token</key><data>{token}</data>"
        );
        let message = Message::check_in(&self.device.ids, "TokenUpdate", &keys);
        self.device.agent.put(&message).await.with(200);
    }

    /// How many pushes reached it since it was asked last.
    fn pushes(&mut self) -> usize {
        std::iter::from_fn(|| self.courier.ready()).count()
    }

    /// A session in which it does what it is told. How many DeclarativeManagement commands there were.
    async fn session(&self) -> usize {
        let put = async |status: &str, keys: &str| {
            let message = Message::command(&self.device.ids, status, keys);
            self.device.agent.put(&message).await.with(200)
        };
        let mut told = 0;
        let mut answer = put("Idle", "").await;
        while !answer.body.is_empty() {
            let text = |key| value_of(answer.text(), key, "string").expect("a text").to_owned();
            let (request_type, uuid) = (text("RequestType"), text("CommandUUID"));
            told += usize::from(request_type == "DeclarativeManagement");
            let keys = format!("<key>CommandUUID</key><string>{uuid}</string>");
            answer = put("Acknowledged", &keys).await;
        }
        if told > 0 {
            self.device.converge().await;
        }
        told
    }
}

/// What all come to: few at a time, so that a large fleet is not told to come back later.
async fn in_turn<T>(work: impl Iterator<Item: Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(64).collect().await
}

async fn sessions(fleet: &[Pushed]) -> Vec<usize> {
    in_turn(fleet.iter().map(Pushed::session)).await
}

fn pushes(fleet: &mut [Pushed]) -> Vec<usize> {
    fleet.iter_mut().map(Pushed::pushes).collect()
}

/// Sixty devices; `ORDAIN_PUSH_DEVICES` sets another number.
fn fleet_size() -> usize {
    std::env::var("ORDAIN_PUSH_DEVICES").map_or(60, |count| count.parse().expect("a number of devices"))
}

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
    ask("/tokens", token("a")).await.with(400);
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
