//! Pushes of Windows devices through WNS: who is pushed, once, and who is not.

use std::net::TcpListener;
use std::time::Duration;

use ordain_pki::seal::KeyRing;
use ordain_testbed::Database;
use ordain_twin::windows::Way;
use ordain_twin::wns::{Courier, Trouble, Wns};
use serde_json::{Value, json};

use crate::client::Answer;
use crate::device::Device;
use crate::house::{House, PUBLIC_URL};
use crate::keys::{keys, put_keys};
use crate::policy::blueprint;
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(
    a_change_is_one_push_for_each,
    an_order_is_pushed_until_it_is_given,
    a_channel_that_is_gone_is_left_alone,
    tokens_that_expire_are_had_anew,
    credentials_that_are_wrong_pause_all,
    who_is_throttled_waits,
    addresses_that_are_not_of_wns_are_never_asked,
    without_credentials_they_come_by_their_schedule,
    another_package_needs_another_channel,
    credentials_that_cannot_be_read_stop_no_session,
    strangers_learn_nothing_of_wns,
);

const PACKAGE: &str = "./Vendor/MSFT/DMClient/Provider/Ordain/Push/PFN";

/// A server with its push service.
struct Scene {
    house: House,
    wns: Wns,
}

impl Scene {
    async fn open(database: Database) -> Self {
        let wns = Wns::start().await.expect("a push service");
        let mut house = House::closed(database);
        let ca = house.file("wns-ca.pem", &wns.authority().certificate().to_pem());
        house.settings().wns_url = Some(wns.url());
        house.settings().wns_ca = Some(ca);
        house.start().await.expect("a server");
        Self { house, wns }
    }

    async fn equipped(database: Database) -> Self {
        let scene = Self::open(database).await;
        scene.set(Wns::PACKAGE).await.with(200);
        scene
    }

    async fn set(&self, package: &str) -> Answer {
        let asked = json!({"package_family_name": package, "sid": Wns::SID, "secret": Wns::SECRET});
        self.house.admin("POST", "/wns", Some(asked)).await
    }

    /// A computer that has enrolled, and has told its channel.
    async fn computer(&self, index: usize) -> Pushed {
        let mut pushed = self.silent(index).await;
        pushed.subscribe(&self.house).await;
        // Whoever has told where it can be pushed is looked at.
        self.idle().await;
        pushed
    }

    /// One that has enrolled only.
    async fn silent(&self, index: usize) -> Pushed {
        let name = format!("lab {index}");
        let way = Way::new(PUBLIC_URL, "ada@example.org", token(&self.house, &name, 1).await);
        Pushed {
            managed: Managed::enrolled(&self.house, index, way).await,
            courier: self.wns.connect(),
        }
    }

    async fn publish(&self, days: u8) {
        let node = "./Device/Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays";
        let file = format!("Identifier: updates\nsettings:\n  - {node}: {days}\n");
        let files = [
            ("windows/updates.yaml", file),
            ("blueprints/all.yaml", blueprint("base", "all", &["updates"])),
        ];
        self.house.publish(&files).await;
    }

    /// Orders a package for a computer, another one for each number.
    async fn order(&self, id: &str, number: u16) -> Value {
        let keys = json!({
            "product": format!("{{01234567-89AB-CDEF-0123-45678901{number:04}}}"), "version": "1.0",
            "url": "https://example.org/a.msi", "sha256": "ab".repeat(32),
        });
        let body = json!({"request_type": "windows.install-msi", "devices": [id], "keys": keys});
        let made = self.house.admin("POST", "/commands", Some(body)).await;
        made.with(200).json()
    }

    async fn status(&self) -> Value {
        self.house.get("/wns").await
    }

    /// Waits until `is_so` is true of the status.
    async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
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

    async fn states(&self) -> Vec<Value> {
        let list = self.house.get("/devices").await;
        let rows = list["devices"].as_array().expect("devices").iter();
        rows.map(|row| row["state"].clone()).collect()
    }
}

/// A computer that can be pushed.
struct Pushed {
    managed: Managed,
    courier: Courier,
}

impl Pushed {
    /// It gets the channel that its server wants, and tells it.
    async fn subscribe(&mut self, house: &House) {
        let package = self.managed.twin.wants_channel().expect("a package").to_owned();
        let uri = self.courier.channel(&package);
        self.tells(&package, uri, house).await;
    }

    async fn tells(&mut self, package: &str, uri: Option<String>, house: &House) {
        self.managed.twin.channel(package, uri, house.now());
        self.managed.hold().await;
        self.managed.is_content();
    }

    /// How many pushes reached it since it was asked last.
    fn pushes(&mut self) -> usize {
        std::iter::from_fn(|| self.courier.ready().then_some(())).count()
    }

    /// Waits for a push.
    async fn is_pushed(&mut self) {
        let push = self.courier.next();
        let push = tokio::time::timeout(Duration::from_secs(30), push);
        push.await.expect("a push");
    }

    /// Holds the session that a push asks for.
    async fn comes(&mut self, house: &House) {
        let before = self.managed.twin.sessions();
        self.managed.twin.push(house.now());
        self.managed.hold().await;
        self.managed.is_content();
        assert_eq!(self.managed.twin.sessions(), before + 1);
    }
}

async fn a_change_is_one_push_for_each(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut fleet = Vec::new();
    for index in 0..6 {
        fleet.push(scene.computer(index).await);
    }
    assert_eq!(scene.idle().await["channels"], 6);
    scene.publish(0).await;
    let sweep = scene.swept(1).await;
    assert_eq!((&sweep["pushed"], &sweep["passed"]), (&json!(6), &json!(6)));
    scene.publish(2).await;
    let sweep = scene.swept(2).await;
    assert_eq!((&sweep["pushed"], &sweep["waiting"]), (&json!(0), &json!(6)));
    // One never answers, and holds up nobody.
    for pushed in &mut fleet {
        assert_eq!(pushed.pushes(), 1);
    }
    for pushed in &mut fleet[1..] {
        pushed.comes(&scene.house).await;
    }
    let states = scene.states().await;
    assert_eq!(states.iter().filter(|state| **state == "converged").count(), 5);
    scene.publish(3).await;
    let sweep = scene.swept(3).await;
    assert_eq!((&sweep["pushed"], &sweep["waiting"]), (&json!(5), &json!(1)));
    for pushed in &mut fleet[1..] {
        assert_eq!(pushed.pushes(), 1);
        pushed.comes(&scene.house).await;
    }
    scene.house.pass(7 * 60);
    scene
        .until("the silent one pushed again", |status| status["due"] == 0)
        .await;
    let counts: Vec<_> = fleet.iter_mut().map(Pushed::pushes).collect();
    assert_eq!(counts, [1, 0, 0, 0, 0, 0]);
    fleet[0].comes(&scene.house).await;
    assert_eq!(scene.states().await, vec![json!("converged"); 6]);
    scene.house.pass(3 * 24 * 60 * 60);
    scene.idle().await;
    let counts = scene.wns.counts();
    assert_eq!(
        (counts.accepted, counts.tokens, counts.refused),
        (12, 1, [].into())
    );
}

async fn an_order_is_pushed_until_it_is_given(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut pushed = scene.computer(0).await;
    let made = scene.order(pushed.managed.id(), 0).await;
    scene.until("pushed", |status| status["unanswered"] == 1).await;
    assert_eq!(pushed.pushes(), 1);
    pushed.comes(&scene.house).await;
    let command = format!("/commands/{}", made["id"].as_str().expect("a name"));
    assert_eq!(scene.house.get(&command).await["deliveries"][0]["state"], "sent");
    scene.house.pass(24 * 60 * 60);
    scene.idle().await;
    assert_eq!(pushed.pushes(), 0, "it is not sent again");
}

async fn a_channel_that_is_gone_is_left_alone(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut pushed = scene.computer(0).await;
    pushed.courier.expire();
    for revision in 1..3_u8 {
        scene.publish(revision).await;
        let sweep = scene.swept(revision.into()).await;
        assert_eq!(sweep["unreachable"], 1);
    }
    scene.house.pass(3 * 24 * 60 * 60);
    assert_eq!(scene.idle().await["dead"], 1);
    assert_eq!(scene.wns.counts().refused, [(410, 1)].into());
    // It renews its channel by itself, and comes with that.
    let uri = pushed.courier.channel(Wns::PACKAGE);
    pushed.tells(Wns::PACKAGE, uri, &scene.house).await;
    assert_eq!(
        scene.until("alive", |status| status["dead"] == 0).await["channels"],
        1
    );
    scene.idle().await;
    scene.publish(3).await;
    assert_eq!(scene.swept(3).await["pushed"], 1);
    assert_eq!(pushed.pushes(), 1);
    // One that was not told for thirty days has expired for certain.
    pushed.comes(&scene.house).await;
    scene.house.pass(31 * 24 * 60 * 60);
    scene.publish(4).await;
    assert_eq!(scene.swept(4).await["unreachable"], 1);
    pushed.managed.session().await;
    scene.publish(5).await;
    assert_eq!(scene.swept(5).await["pushed"], 1);
}

async fn tokens_that_expire_are_had_anew(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut pushed = scene.computer(0).await;
    for (revision, tokens) in [(1_u8, 1), (2, 2)] {
        scene.publish(revision).await;
        assert_eq!(scene.swept(revision.into()).await["pushed"], 1);
        assert_eq!(pushed.pushes(), 1);
        pushed.comes(&scene.house).await;
        assert_eq!(scene.wns.counts().tokens, tokens);
        scene.wns.expire_tokens();
    }
    assert_eq!(scene.wns.counts().refused, [(401, 1)].into());
    // What refuses each token blames the device.
    let trouble = Trouble {
        status: 401,
        fate: None,
        retry_after: None,
        times: u64::MAX,
    };
    scene.wns.turn(|knobs| knobs.trouble = Some(trouble));
    scene.publish(3).await;
    assert_eq!(scene.swept(3).await["unreachable"], 1);
    let status = scene.idle().await;
    assert_eq!(status["refused"], json!([{"reason": "HTTP 401", "channels": 1}]));
    assert_eq!(status["problem"], Value::Null);
}

async fn credentials_that_are_wrong_pause_all(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut fleet = [scene.computer(0).await, scene.computer(1).await];
    scene.wns.turn(|knobs| knobs.no_tokens = true);
    scene.publish(0).await;
    let status = scene
        .until("in trouble", |status| !status["problem"].is_null())
        .await;
    assert_eq!(status["problem"]["reason"], "invalid_client");
    assert_eq!(
        (&status["dead"], &status["refused"]),
        (&json!(0), &json!([])),
        "no device is to blame"
    );
    scene.wns.turn(|knobs| knobs.no_tokens = false);
    // Others are tried at once.
    scene.set(Wns::PACKAGE).await.with(200);
    let status = scene
        .until("all pushed", |status| status["unanswered"] == 2)
        .await;
    assert_eq!(status["problem"], Value::Null);
    for pushed in &mut fleet {
        assert_eq!(pushed.pushes(), 1);
    }
}

async fn who_is_throttled_waits(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut pushed = scene.computer(0).await;
    let mut other = scene.computer(1).await;
    let id = pushed.managed.id().to_owned();
    let first_tried = async |status: u16, fate: Option<&str>, is_so: &dyn Fn(&Value) -> bool| {
        let trouble = Trouble {
            status,
            fate: fate.map(str::to_owned),
            retry_after: Some(400),
            times: 1,
        };
        scene.wns.turn(|knobs| knobs.trouble = Some(trouble));
        scene.order(&id, status).await;
        scene.until("tried", is_so).await;
    };
    // All is too much: who has nothing to do with it waits, too.
    let until = scene.house.now() + 400;
    let is_throttled = |status: &Value| {
        let problem = &status["problem"];
        problem["reason"] == "throttled" && problem["tried_again_at"] == until
    };
    first_tried(406, None, &is_throttled).await;
    scene.order(other.managed.id(), 406).await;
    let only_other = |status: &Value| status["due"] == 1;
    scene.until("the outcome written", only_other).await;
    scene.house.pass(390);
    let status = scene.status().await;
    assert!(is_throttled(&status) && only_other(&status), "{status}");
    assert_eq!(status["unanswered"], 0);
    assert_eq!((pushed.pushes(), other.pushes()), (0, 0));
    scene.house.pass(20);
    for waiting in [&mut pushed, &mut other] {
        waiting.is_pushed().await;
        waiting.comes(&scene.house).await;
        assert_eq!(waiting.pushes(), 0);
    }
    // One server of WNS, or one channel: the others go on.
    let has_failed = |status: &Value| status["problem"]["reason"] == "HTTP 503";
    let is_slow = |status: &Value| status["refused"][0]["reason"] == "channelthrottled";
    for (status, fate, is_so) in [
        (503, None, &has_failed as &dyn Fn(&Value) -> bool),
        (200, Some("channelthrottled"), &is_slow),
    ] {
        first_tried(status, fate, is_so).await;
        scene.order(other.managed.id(), status).await;
        other.is_pushed().await;
        other.comes(&scene.house).await;
        scene.house.pass(390);
        scene.idle().await;
        assert_eq!(pushed.pushes(), 0, "{status}");
        scene.house.pass(20);
        pushed.is_pushed().await;
        pushed.comes(&scene.house).await;
        assert_eq!((pushed.pushes(), other.pushes()), (0, 0), "{status}");
    }
}

async fn addresses_that_are_not_of_wns_are_never_asked(database: Database) {
    let scene = Scene::equipped(database).await;
    let secret = TcpListener::bind("127.0.0.1:0").expect("a port");
    secret.set_nonblocking(true).expect("a listener");
    let port = secret.local_addr().expect("an address").port();
    let mut pushed = scene.silent(0).await;
    let url = scene.wns.url();
    for uri in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/?token=a"),
        format!("http://localhost:{port}/"),
        format!("{url}@localhost:{port}/"),
        format!("{}/?token=a", url.replace("https", "http")),
        "https://x.notify.windows.com/?token=a".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        "x".repeat(5_000),
        "=1+1".to_owned(),
        String::new(),
    ] {
        pushed.tells(Wns::PACKAGE, Some(uri.clone()), &scene.house).await;
        assert_eq!(scene.status().await["channels"], 0, "{uri}");
    }
    scene.publish(0).await;
    let swept = scene.swept(1).await;
    assert_eq!(
        (&swept["channels"], &swept["unreachable"]),
        (&json!(1), &json!(1))
    );
    assert!(secret.accept().is_err(), "nobody came");
    assert_eq!(scene.wns.counts().accepted, 0);
    // WNS' own, but of nobody: that alone is left alone.
    let nobody = format!("{url}/?token=nobody");
    pushed
        .tells(Wns::PACKAGE, Some(nobody.clone()), &scene.house)
        .await;
    scene.publish(1).await;
    scene.swept(2).await;
    assert_eq!(scene.idle().await["dead"], 1);
    let seen = scene.house.everything().await.to_string();
    assert!(!seen.contains("nobody") && !seen.contains(Wns::SECRET), "{seen}");
}

async fn without_credentials_they_come_by_their_schedule(database: Database) {
    let scene = Scene::open(database).await;
    let mut pushed = scene.silent(0).await;
    assert_eq!(pushed.managed.value(PACKAGE), None);
    assert_eq!(pushed.managed.twin.wants_channel(), None);
    let note = scene.status().await["note"].clone();
    assert!(note.as_str().expect("a note").contains("`ordain wns set`"));
    scene.publish(0).await;
    pushed.managed.session().await;
    assert_eq!(scene.states().await, ["converged"]);
    scene.house.admin("DELETE", "/wns", None).await.with(404);

    for (package, sid, secret) in [
        ("Contoso", Wns::SID, Wns::SECRET),
        (Wns::PACKAGE, "S-1-5-21", Wns::SECRET),
        (Wns::PACKAGE, Wns::SID, ""),
    ] {
        let asked = json!({"package_family_name": package, "sid": sid, "secret": secret});
        scene.house.admin("POST", "/wns", Some(asked)).await.with(400);
    }
    let shown: Value = scene.set(Wns::PACKAGE).await.with(200).json();
    assert_eq!((&shown["note"], &shown["sid"]), (&Value::Null, &json!(Wns::SID)));
    assert!(!shown.to_string().contains(Wns::SECRET));
    pushed.managed.session().await;
    pushed.subscribe(&scene.house).await;
    assert_eq!(pushed.managed.value(PACKAGE).as_deref(), Some(Wns::PACKAGE));
    scene.publish(1).await;
    assert_eq!(
        scene.until("pushed", |status| status["unanswered"] == 1).await["channels"],
        1
    );
    pushed.comes(&scene.house).await;

    scene.house.admin("DELETE", "/wns", None).await.with(200);
    let actions = scene.house.get("/audit").await;
    assert_eq!(actions[0]["action"], "remove-wns");
    let accepted = scene.wns.counts().accepted;
    scene.publish(0).await;
    pushed.managed.session().await;
    assert_eq!(scene.states().await, ["converged"]);
    assert_eq!(scene.wns.counts().accepted, accepted);
}

async fn another_package_needs_another_channel(database: Database) {
    let scene = Scene::equipped(database).await;
    let mut pushed = scene.computer(0).await;
    assert_eq!(scene.status().await["channels"], 1);
    let other = "Other.MDM_8wekyb3d8bbwe";
    scene.set(other).await.with(200);
    scene.publish(0).await;
    // With the channel of another app, WNS would refuse it.
    scene.swept(1).await;
    assert_eq!(scene.idle().await["refused"][0]["channels"], 1);
    pushed.managed.session().await;
    assert_eq!(scene.status().await["channels"], 0);
    assert_eq!(pushed.managed.twin.wants_channel(), Some(other));
    // WNS knows no such app, and the device says so.
    pushed.subscribe(&scene.house).await;
    assert_eq!(scene.status().await["channels"], 0);
    assert_eq!(scene.wns.counts().accepted, 0);
}

async fn credentials_that_cannot_be_read_stop_no_session(database: Database) {
    let mut scene = Scene::open(database).await;
    let (kept, lost) = (keys(&scene.house).remove(0), KeyRing::new_entry());
    put_keys(&scene.house, &[&lost, &kept]);
    scene.house.restart().await;
    scene.set(Wns::PACKAGE).await.with(200);
    put_keys(&scene.house, &[&kept, &lost]);
    scene.house.restart().await;
    let mut pushed = scene.computer(0).await;
    let id = pushed.managed.id().to_owned();
    put_keys(&scene.house, &[&kept]);
    scene.house.restart().await;
    scene.publish(2).await;
    pushed.managed.session().await;
    assert_eq!(scene.states().await, ["converged"]);
    assert_eq!(pushed.managed.value(PACKAGE).as_deref(), Some(Wns::PACKAGE));
    let answer = scene.house.admin("GET", "/wns", None).await;
    let told = answer.with(503).json();
    assert!(
        told["error"].as_str().expect("why").contains("set them again"),
        "{told}"
    );
    // What one wants to know of Apple's devices does not depend on it.
    let device = Device::mac(&scene.house, "A");
    device.enroll().await;
    scene.house.get("/devices/A/explain").await;
    // Whoever sets them is heard at once, and the channel is still there.
    scene.set(Wns::PACKAGE).await.with(200);
    scene.house.get(&format!("/devices/{id}/explain")).await;
    scene.publish(3).await;
    pushed.is_pushed().await;
    pushed.comes(&scene.house).await;
}

async fn strangers_learn_nothing_of_wns(database: Database) {
    let scene = Scene::equipped(database).await;
    for method in ["GET", "POST", "DELETE"] {
        let wrong = [("authorization".to_owned(), "Bearer wrong".to_owned())];
        for headers in [&[][..], &wrong] {
            let client = scene.house.client();
            client.send(method, "/api/v1/wns", headers, b"{}").await.with(401);
        }
    }
}
