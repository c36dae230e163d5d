//! A server with a push service, and devices that it can reach.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use ordain_testbed::Database;
use ordain_twin::apns::{Apns, Courier};
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::message::{Message, value_of};

pub(crate) const TOPIC: &str = "com.apple.mgmt.External.test";

/// A server with its push service.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) apns: Apns,
}

impl Scene {
    pub(crate) async fn open(database: Database) -> Self {
        let apns = Apns::start().await.expect("a push service");
        let mut house = House::closed(database);
        let ca = house.file("apns-ca.pem", &apns.authority().certificate().to_pem());
        house.settings().apns_url = Some(apns.url());
        house.settings().apns_ca = Some(ca);
        house.start().await.expect("a server");
        Self { house, apns }
    }

    pub(crate) async fn equipped(database: Database) -> Self {
        let scene = Self::open(database).await;
        scene.import(TOPIC, false).await.with(200);
        scene
    }

    pub(crate) async fn import(&self, topic: &str, other_topic: bool) -> crate::client::Answer {
        let pem = self.apns.push_certificate(topic).expect("a certificate");
        let asked = json!({"pem": pem, "other_topic": other_topic});
        self.house.admin("POST", "/push-certificate", Some(asked)).await
    }

    /// A Mac that enrolls, with a push token of its own.
    pub(crate) async fn mac(&self, number: usize) -> Pushed {
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

    pub(crate) async fn fleet(&self, count: usize) -> Vec<Pushed> {
        in_turn((0..count).map(|number| self.mac(number))).await
    }

    pub(crate) async fn status(&self) -> Value {
        self.house.get("/push").await
    }

    /// Waits until `is_so` is true of the status.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..400 + 2 * fleet_size() {
            let status = self.status().await;
            if is_so(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {what}: {}", self.status().await);
    }

    pub(crate) async fn swept(&self, revision: u64) -> Value {
        let status = self.until("swept", |status| {
            let sweep = &status["sweep"];
            sweep["revision"] == revision && !sweep["finished_at"].is_null()
        });
        status.await["sweep"].clone()
    }

    pub(crate) async fn idle(&self) -> Value {
        self.until("nothing due", |status| status["due"] == 0).await
    }
}

/// A device that can be pushed.
pub(crate) struct Pushed {
    pub(crate) device: Device,
    pub(crate) courier: Courier,
    pub(crate) token: Vec<u8>,
}

impl Pushed {
    pub(crate) async fn tell_token(&self) {
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
    pub(crate) fn pushes(&mut self) -> usize {
        std::iter::from_fn(|| self.courier.ready()).count()
    }

    /// A session in which it does what it is told. How many DeclarativeManagement commands there were.
    pub(crate) async fn session(&self) -> usize {
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
pub(crate) async fn in_turn<T>(work: impl Iterator<Item: Future<Output = T>>) -> Vec<T> {
    stream::iter(work).buffered(64).collect().await
}

pub(crate) async fn sessions(fleet: &[Pushed]) -> Vec<usize> {
    in_turn(fleet.iter().map(Pushed::session)).await
}

pub(crate) fn pushes(fleet: &mut [Pushed]) -> Vec<usize> {
    fleet.iter_mut().map(Pushed::pushes).collect()
}

/// Sixty devices; `ORDAIN_PUSH_DEVICES` sets another number.
pub(crate) fn fleet_size() -> usize {
    std::env::var("ORDAIN_PUSH_DEVICES").map_or(60, |count| count.parse().expect("a number of devices"))
}
