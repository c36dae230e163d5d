//! Webhooks: what receivers are sent, and what becomes of it when they do not take it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ordain_testbed::Database;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::device::Device;
use crate::house::House;
use crate::policy::small;

crate::on_each_database!(
    events_are_sent_in_order_and_signed,
    what_is_not_taken_is_sent_again,
    one_that_hangs_delays_no_other,
    redirects_are_not_followed,
    kinds_that_were_not_asked_for,
    receivers_that_are_refused,
    a_removed_one_is_sent_nothing,
    what_was_pruned_is_told,
);

const SECRET: &str = "a secret of at least sixteen octets";

/// How a receiver answers: with this status, or not at all.
#[derive(Clone, Copy)]
enum Manner {
    Status(u16),
    Redirect,
    Silence,
}

/// A receiver on this machine.
#[derive(Clone)]
struct Receiver {
    url: String,
    manner: Arc<Mutex<Manner>>,
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Receiver {
    async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let receiver = Self {
            url: format!("http://{}/hook?a=b", listener.local_addr().expect("an address")),
            manner: Arc::new(Mutex::new(manner)),
            got: Arc::default(),
        };
        let own = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                let answer = service_fn(move |request| own.clone().answer(request));
                tokio::spawn(async move {
                    // A server that is killed breaks off.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        receiver
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("POST", "/hook?a=b")
        );
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            std::future::pending().await
        };
        self.got.lock().unwrap().push((parts.headers, body.to_bytes()));
        let manner = *self.manner.lock().unwrap();
        let answer = match manner {
            Manner::Status(status) => Response::builder().status(status),
            Manner::Redirect => Response::builder().status(307).header("location", "/elsewhere"),
            Manner::Silence => std::future::pending().await,
        };
        Ok(answer.body(Empty::new()).expect("an answer"))
    }

    fn answers(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    /// The events of all messages, each of which is signed with the secret.
    fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        for (headers, body) in self.got.lock().unwrap().iter() {
            let message = verified(headers, body);
            assert_eq!(headers["content-type"], "application/json");
            let new = message["events"].as_array().expect("events");
            assert!(message["cursor"].is_string() && message.get("gap").is_none());
            events.extend(new.iter().cloned());
        }
        events
    }

    /// Its events, once there are `count`.
    async fn take(&self, count: usize) -> Vec<Value> {
        until(async || self.events().len() >= count).await;
        self.events()
    }
}

/// Waits for what comes without being asked for.
async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it happens");
}

/// The message, as one who holds the secret reads it.
fn verified(headers: &HeaderMap, body: &[u8]) -> Value {
    let signature = headers["ordain-signature"].to_str().expect("text");
    let (time, code) = signature
        .strip_prefix("t=")
        .and_then(|rest| rest.split_once(",v1="))
        .expect("its form");
    let signed = [time.as_bytes(), b".", body].concat();
    assert_eq!(code, hex::encode(hmac(SECRET.as_bytes(), &signed)));
    serde_json::from_slice(body).expect("JSON")
}

/// RFC 2104, for keys that are no longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |with: u8| {
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        block.map(|octet: u8| octet ^ with)
    };
    let inner = Sha256::new_with_prefix(padded(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new_with_prefix(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

async fn set_up(house: &House, receiver: &Receiver, kinds: &[&str]) -> String {
    let asked = json!({"url": receiver.url, "secret": SECRET, "kinds": kinds});
    let made = house
        .admin("POST", "/webhooks", Some(asked))
        .await
        .with(200)
        .json();
    assert_eq!(made["secret"], SECRET);
    made["id"].as_str().expect("an id").to_owned()
}

async fn row(house: &House, id: &str) -> Value {
    let list = house.get("/webhooks").await;
    let mut rows = list.as_array().expect("rows").iter();
    rows.find(|row| row["id"] == id).expect("the webhook").clone()
}

fn kinds(events: &[Value]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|event| {
            assert!(event["cursor"].is_string());
            (
                event["kind"].as_str().expect("a text"),
                event["enrollment"].as_str().expect("a text"),
            )
        })
        .collect()
}

async fn converge(house: &House, name: &str) -> Device {
    let device = Device::mac(house, name);
    device.enroll().await;
    device.told().await;
    device.converge().await;
    device
}

async fn events_are_sent_in_order_and_signed(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    converge(&house, "before").await;
    let receiver = Receiver::new(Manner::Status(204)).await;
    let second = Receiver::new(Manner::Status(200)).await;
    let id = set_up(&house, &receiver, &[]).await;
    set_up(&house, &second, &[]).await;
    let mut expected = Vec::new();
    for name in ["A", "B"] {
        converge(&house, name).await.check_out().await.with(200);
        expected.extend(["enrolled", "reported", "converged", "checked-out"].map(|kind| (kind, name)));
    }
    let events = receiver.take(expected.len()).await;
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[0]["detail"]["serial"], "S-A");
    assert_eq!(second.take(expected.len()).await, events);
    let newest = &events[expected.len() - 1]["cursor"];
    until(async || row(&house, &id).await["cursor"] == *newest).await;
    let row = row(&house, &id).await;
    assert_eq!(
        (&row["state"], &row["attempts"], &row["delivered_at"]),
        (&json!("delivering"), &json!(0), &json!(house.now()))
    );
    let audit = house.get("/audit").await;
    assert_eq!(audit[1]["action"], "create-webhook");
    let said = format!("{audit}{}", house.get("/webhooks").await);
    assert!(!said.contains(SECRET), "{said}");
    assert!(
        !audit.to_string().contains("a=b"),
        "a URL may be a secret: {audit}"
    );
}

async fn what_is_not_taken_is_sent_again(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&small(8)).await;
    let receiver = Receiver::new(Manner::Status(500)).await;
    let id = set_up(&house, &receiver, &[]).await;
    converge(&house, "A").await;
    let attempts = async |house: &House, count: u64| {
        until(async || row(house, &id).await["attempts"] == count).await;
    };
    attempts(&house, 1).await;
    let failing = row(&house, &id).await;
    assert_eq!(
        (&failing["state"], &failing["problem"]),
        (
            &json!("retrying"),
            &json!("it answered 500 Internal Server Error")
        )
    );
    let wait = failing["next_at"].as_i64().expect("a time") - house.now();
    assert!((5..=7).contains(&wait), "{wait}");
    house.pass(7);
    attempts(&house, 2).await;
    house.kill();
    house.start().await.expect("a server");
    attempts(&house, 2).await;
    converge(&house, "B").await;
    house.pass(13);
    attempts(&house, 3).await;
    house.restart().await;
    house.pass(3 * 24 * 60 * 60);
    attempts(&house, 4).await;
    let failing = row(&house, &id).await;
    assert_eq!(
        (&failing["state"], &failing["delivered_at"]),
        (&json!("failing"), &Value::Null)
    );

    let refused = receiver.count();
    receiver.answers(Manner::Status(201));
    house.pass(5_000);
    until(async || row(&house, &id).await["state"] == "delivering").await;
    let expected: Vec<_> = ["A", "B"]
        .into_iter()
        .flat_map(|name| ["enrolled", "reported", "converged"].map(|kind| (kind, name)))
        .collect();
    // What was refused was the same each time; what was taken came once.
    receiver.got.lock().unwrap().drain(..refused);
    assert_eq!(kinds(&receiver.take(6).await), expected);
    let row = row(&house, &id).await;
    assert_eq!(
        (&row["attempts"], &row["problem"], &row["failing_since"]),
        (&json!(0), &Value::Null, &Value::Null)
    );
    // And nothing after a restart.
    house.restart().await;
    Device::mac(&house, "C").enroll().await;
    assert_eq!(kinds(&receiver.take(7).await)[6..], [("enrolled", "C")]);
}

async fn one_that_hangs_delays_no_other(database: Database) {
    let mut house = House::open(database).await;
    let hanging = Receiver::new(Manner::Silence).await;
    let good = Receiver::new(Manner::Status(200)).await;
    set_up(&house, &hanging, &[]).await;
    set_up(&house, &good, &[]).await;
    Device::mac(&house, "A").enroll().await;
    until(async || hanging.count() == 1).await;
    for (place, name) in ["B", "C", "D"].into_iter().enumerate() {
        Device::mac(&house, name).enroll().await;
        good.take(place + 2).await;
    }
    assert_eq!(hanging.count(), 1, "one message at a time");
    // Nor does it hold up a stop; what it did not take comes again.
    house.stop().await;
    hanging.answers(Manner::Status(200));
    hanging.got.lock().unwrap().clear();
    house.start().await.expect("a server");
    assert_eq!(
        kinds(&hanging.take(4).await),
        ["A", "B", "C", "D"].map(|name| ("enrolled", name))
    );
    assert_eq!(good.events().len(), 4);
}

async fn redirects_are_not_followed(database: Database) {
    let house = House::open(database).await;
    let receiver = Receiver::new(Manner::Redirect).await;
    let id = set_up(&house, &receiver, &[]).await;
    Device::mac(&house, "A").enroll().await;
    until(async || row(&house, &id).await["attempts"] == 1).await;
    assert_eq!(
        row(&house, &id).await["problem"],
        "it answered 307 Temporary Redirect"
    );
    assert_eq!(receiver.count(), 1);
}

async fn kinds_that_were_not_asked_for(database: Database) {
    let house = House::open(database).await;
    let receiver = Receiver::new(Manner::Status(200)).await;
    let id = set_up(&house, &receiver, &["checked-out", "enrolled"]).await;
    let device = converge(&house, "A").await;
    device.check_out().await.with(200);
    assert_eq!(
        kinds(&receiver.take(2).await),
        [("enrolled", "A"), ("checked-out", "A")]
    );
    let other = converge(&house, "B").await;
    receiver.take(3).await;
    // What it does not want moves its cursor, too, though not with every event.
    let cursor = row(&house, &id).await["cursor"].clone();
    until(async || {
        house.pass(100);
        let report = json!({"StatusItems": {"device": {"battery": house.now()}}});
        other.report(&report).await;
        row(&house, &id).await["cursor"] != cursor
    })
    .await;
    assert_eq!(receiver.events().len(), 3);
}

async fn receivers_that_are_refused(database: Database) {
    let house = House::open(database).await;
    let before = house.everything().await;
    let good = "https://hooks.example.org";
    for asked in [
        json!({}),
        json!({"url": ""}),
        json!({"url": "hooks.example.org"}),
        json!({"url": "ftp://hooks.example.org"}),
        json!({"url": "file:///etc/passwd"}),
        json!({"url": "http://hooks.example.org"}),
        json!({"url": "http://192.0.2.1/"}),
        json!({"url": "http://localhost.example.org/"}),
        json!({"url": "https://ann:secret@hooks.example.org"}),
        json!({"url": "https://hooks.example.org/#part"}),
        json!({"url": format!("{good}/{}", "x".repeat(2_000))}),
        json!({"url": good, "secret": "too short"}),
        json!({"url": good, "secret": "x".repeat(256)}),
        json!({"url": good, "secret": "sixteen octets \n and more"}),
        json!({"url": good, "kinds": ["erased"]}),
        json!({"url": good, "kinds": "enrolled"}),
        json!({"url": good, "more": 1}),
    ] {
        let answer = house.admin("POST", "/webhooks", Some(asked.clone())).await;
        assert_eq!(answer.status, 400, "{asked}: {answer:?}");
    }
    for id in ["nothing", "%00"] {
        let path = format!("/webhooks/{id}");
        house.admin("DELETE", &path, None).await.with(404);
    }
    assert_eq!(house.get("/webhooks").await, json!([]));
    assert_eq!(house.everything().await, before);
    for number in 0..50 {
        let url = if number == 0 {
            "http://localhost:1/".to_owned()
        } else {
            format!("{good}/{number}")
        };
        let made = house
            .admin("POST", "/webhooks", Some(json!({"url": url})))
            .await
            .with(200);
        assert!(
            made.json()["secret"]
                .as_str()
                .is_some_and(|secret| secret.len() >= 32)
        );
    }
    house
        .admin("POST", "/webhooks", Some(json!({"url": good})))
        .await
        .with(409);
}

async fn a_removed_one_is_sent_nothing(database: Database) {
    let house = House::open(database).await;
    let receiver = Receiver::new(Manner::Status(500)).await;
    let other = Receiver::new(Manner::Status(200)).await;
    let id = set_up(&house, &receiver, &[]).await;
    Device::mac(&house, "A").enroll().await;
    until(async || receiver.count() == 1).await;
    let path = format!("/webhooks/{id}");
    house.admin("DELETE", &path, None).await.with(204);
    house.admin("DELETE", &path, None).await.with(404);
    assert_eq!(house.get("/audit").await[0]["action"], "remove-webhook");
    set_up(&house, &other, &[]).await;
    receiver.answers(Manner::Status(200));
    house.pass(10);
    Device::mac(&house, "B").enroll().await;
    assert_eq!(
        kinds(&other.take(1).await),
        [("enrolled", "B")],
        "not what was before it"
    );
    assert_eq!(receiver.count(), 1);
}

async fn what_was_pruned_is_told(database: Database) {
    let mut house = House::open_with(database, |settings| {
        settings.event_retention = Duration::from_secs(1_000);
    })
    .await;
    let receiver = Receiver::new(Manner::Status(500)).await;
    let id = set_up(&house, &receiver, &[]).await;
    Device::mac(&house, "A").enroll().await;
    until(async || row(&house, &id).await["attempts"] == 1).await;
    house.pass(2_000);
    house.restart().await;
    until(async || {
        let (headers, body) = receiver.got.lock().unwrap().last().cloned().expect("a message");
        let message = verified(&headers, &body);
        house.pass(10_000);
        message["gap"] == true && message["events"] == json!([])
    })
    .await;
}
