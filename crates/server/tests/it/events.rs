//! The stream of events: each event once, in order, whatever happens in between.

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::api::create_token;
use crate::device::Device;
use crate::house::House;
use crate::policy::{passcode, small};

crate::on_each_database!(
    each_event_once_across_restarts,
    what_an_unchanged_fleet_writes,
    kinds_are_chosen,
    what_is_kept_no_more,
    a_token_that_ends_ends_its_streams,
    no_more_streams_than_there_may_be,
    questions_that_make_no_sense,
);

/// One message of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    event: String,
    data: Value,
}

/// A client of the stream, as the specification of server-sent events has it.
struct Listener {
    body: Incoming,
    text: String,
    /// What it sends as `Last-Event-ID` when it comes back.
    last: Option<String>,
}

impl Listener {
    async fn try_open(
        house: &House,
        query: &str,
        token: &str,
        last: Option<&str>,
    ) -> Result<Self, StatusCode> {
        let io = TokioIo::new(house.client().stream().await);
        let (mut sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        let mut request = Request::get(format!("/api/v1/events{query}"))
            .header("host", "localhost")
            .header("authorization", format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Empty::<bytes::Bytes>::new()).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        if answer.status() != StatusCode::OK {
            return Err(answer.status());
        }
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Ok(Self {
            body: answer.into_body(),
            text: String::new(),
            last: last.map(str::to_owned),
        })
    }

    /// One that has heard where the stream begins.
    async fn open(house: &House, query: &str, last: Option<&str>) -> Self {
        let listener = Self::try_open(house, query, &house.admin_token(), last).await;
        let mut listener = listener.expect("a stream");
        assert_eq!(listener.block().await, Some(None), "an id alone");
        listener
    }

    /// The next message; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.block().await? {
                return Some(message);
            }
        }
    }

    async fn take(&mut self, count: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        while messages.len() < count {
            messages.push(self.next().await.expect("a message"));
        }
        messages
    }

    async fn rest(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }

    /// What comes up to an empty line, which need not be a message.
    async fn block(&mut self) -> Option<Option<Message>> {
        let end = loop {
            if let Some(end) = self.text.find("\n\n") {
                break end;
            }
            let frame = self.body.frame().await?.ok()?;
            let data = frame.into_data().unwrap_or_default();
            self.text.push_str(std::str::from_utf8(&data).expect("text"));
        };
        let block: String = self.text.drain(..end + 2).collect();
        let field = |name: &str| {
            let begin = format!("{name}: ");
            block.lines().find_map(|line| line.strip_prefix(&begin))
        };
        self.last = field("id").map(str::to_owned).or(self.last.take());
        let data = field("data").map(|data| serde_json::from_str(data).expect("JSON"));
        Some(data.map(|data| Message {
            event: field("event").expect("a kind").to_owned(),
            data,
        }))
    }
}

/// The (kind, enrollment) of each.
fn names(messages: &[Message]) -> Vec<(&str, &str)> {
    messages
        .iter()
        .map(|message| {
            assert_eq!(message.data["kind"], message.event);
            (
                message.event.as_str(),
                message.data["enrollment"].as_str().expect("a text"),
            )
        })
        .collect()
}

async fn all(house: &House) -> Vec<Message> {
    Listener::open(house, "?after=0&follow=false", None)
        .await
        .rest()
        .await
}

/// All that is kept, once it is at least `count`: on PostgreSQL whoever writes elsewhere may hold some back.
async fn at_least(house: &House, count: usize) -> Vec<Message> {
    Listener::open(house, "?after=0", None).await.take(count).await;
    all(house).await
}

/// What events of these kinds say, once there are `count` of them, which must be all.
pub(crate) async fn told(house: &House, kinds: &str, count: usize) -> Vec<(String, Value)> {
    let query = |follow: &str| format!("?after=0&kind={kinds}{follow}");
    Listener::open(house, &query(""), None).await.take(count).await;
    let all = Listener::open(house, &query("&follow=false"), None)
        .await
        .rest()
        .await;
    assert_eq!(all.len(), count, "{all:?}");
    all.into_iter()
        .map(|message| (message.event, message.data["detail"].clone()))
        .collect()
}

async fn each_event_once_across_restarts(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&small(8)).await;
    let mut listener = Listener::open(&house, "", None).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    device.converge().await;
    let mut heard = listener.take(3).await;
    assert_eq!(
        names(&heard),
        [("enrolled", "D"), ("reported", "D"), ("converged", "D")]
    );
    assert_eq!(heard[0].data["detail"]["serial"], "S-D");
    assert_eq!(heard[0].data["at"], house.now());

    // A stream does not hold up a stop, and ends as it should.
    house.stop().await;
    assert_eq!(listener.next().await, None);
    house.start().await.expect("a server");
    device.user("U").token_update().await.with(200);
    let mut again = Listener::open(&house, "?after=0", listener.last.as_deref()).await;
    heard.extend(again.take(1).await);
    house.kill();
    house.start().await.expect("a server");
    house.publish(&[small(8), vec![passcode(10)]].concat()[1..]).await;
    device.told().await;
    device.converge().await;
    device.check_out().await.with(200);
    let mut third = Listener::open(&house, "", again.last.as_deref()).await;
    heard.extend(third.take(3).await);
    assert_eq!(
        names(&heard)[3..],
        [
            ("enrolled", "D:U"),
            ("reported", "D"),
            ("converged", "D"),
            ("checked-out", "D")
        ]
    );
    assert_eq!(all(&house).await, heard, "each once, and none is missing");
    // From the cursor of each, what came after it.
    for (place, message) in heard.iter().enumerate() {
        let cursor = message.data["cursor"].as_str().expect("a cursor");
        let query = format!("?follow=false&after={cursor}");
        let rest = Listener::open(&house, &query, None).await.rest().await;
        assert_eq!(rest, heard[place + 1..]);
    }
}

async fn what_an_unchanged_fleet_writes(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let held = device.converge().await;
    let before = at_least(&house, 3).await;
    for _ in 0..5 {
        house.pass(60 * 60);
        device.token_update().await.with(200);
        device.tokens().await;
        device.report_good(&held).await;
        assert_eq!(device.sync().await, held);
    }
    // Something of another device, behind which nothing can hide.
    Device::mac(&house, "E").enroll().await;
    let after = at_least(&house, before.len() + 1).await;
    assert_eq!(after[..before.len()], before);
    assert_eq!(names(&after[before.len()..]), [("enrolled", "E")]);
}

async fn kinds_are_chosen(database: Database) {
    let house = House::open(database).await;
    let mut listener = Listener::open(&house, "?kind=checked-out,enrolled", None).await;
    let mut reports = Listener::open(&house, "?kind=reported", None).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    device.converge().await;
    device.check_out().await.with(200);
    let heard = listener.take(2).await;
    assert_eq!(names(&heard), [("enrolled", "D"), ("checked-out", "D")]);
    assert_eq!(names(&reports.take(1).await), [("reported", "D")]);
}

async fn what_is_kept_no_more(database: Database) {
    let mut house = House::open_with(database, |settings| {
        settings.event_retention = std::time::Duration::from_secs(1_000);
    })
    .await;
    for name in ["A", "B", "C"] {
        Device::mac(&house, name).enroll().await;
    }
    let old = at_least(&house, 3).await;
    house.pass(2_000);
    Device::mac(&house, "D").enroll().await;
    at_least(&house, 4).await;
    // The old ones go when a server starts, and every minute.
    house.restart().await;
    while all(&house).await.len() > 1 {
        tokio::task::yield_now().await;
    }
    let cursor = |place: usize| old[place].data["cursor"].as_str().expect("a cursor").to_owned();
    let told = Listener::open(&house, "?follow=false", Some(&cursor(0)))
        .await
        .rest()
        .await;
    let gap = Message {
        event: "gap".into(),
        data: json!({"after": cursor(0)}),
    };
    assert_eq!((&told[0], names(&told[1..])), (&gap, vec![("enrolled", "D")]));
    let told = Listener::open(&house, "?follow=false", Some(&cursor(2)))
        .await
        .rest()
        .await;
    assert_eq!(names(&told), [("enrolled", "D")], "it had all that is gone");
}

async fn a_token_that_ends_ends_its_streams(database: Database) {
    let house = House::open(database).await;
    let (id, token) = create_token(&house, json!({"name": "listener", "role": "admin"})).await;
    let mut listener = Listener::try_open(&house, "", &token, None)
        .await
        .expect("a stream");
    Device::mac(&house, "D").enroll().await;
    assert_eq!(names(&listener.take(1).await), [("enrolled", "D")]);
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(204);
    Device::mac(&house, "E").enroll().await;
    assert_eq!(listener.next().await, None);
}

async fn no_more_streams_than_there_may_be(database: Database) {
    // Without TLS, since so many handshakes take a while.
    let house = House::open_with(database, |settings| settings.http = true).await;
    let token = house.admin_token();
    let mut listeners = Vec::new();
    for _ in 0..100 {
        listeners.push(Listener::open(&house, "", None).await);
    }
    let answer = house.admin("GET", "/events", None).await.with(503);
    assert_eq!(answer.header("retry-after"), Some("30"));
    drop(listeners);
    // The server notices that they left.
    while let Err(status) = Listener::try_open(&house, "", &token, None).await {
        assert_eq!(status, 503);
        tokio::task::yield_now().await;
    }
}

async fn questions_that_make_no_sense(database: Database) {
    let house = House::open(database).await;
    for query in [
        "?after=yesterday",
        "?after=1",
        "?kind=erased",
        "?kind=enrolled,,converged",
        "?follow=perhaps",
        "?from=1",
    ] {
        let answer = house.admin("GET", &format!("/events{query}"), None).await;
        assert!(answer.with(400).json()["error"].is_string(), "{query}");
    }
    let token = house.admin_token();
    let strange = Listener::try_open(&house, "", &token, Some("\t1")).await;
    assert_eq!(strange.err(), Some(StatusCode::BAD_REQUEST));
}
