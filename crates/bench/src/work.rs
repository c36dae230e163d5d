//! What each measurement sends, and what the do-nothing handler answers to the same.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use ordain_apple::checkin::CheckIn;
use ordain_catalog::Platform;
use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_twin::Device;

use crate::house::House;
use crate::load::{Lane, Until};
use crate::manifest::Manifest;
use crate::message::{Client, Door, Expect, Message, Shot, TOPIC};
use crate::policy;
use crate::ratios::Bench;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Tokens(Door),
    Idle,
    Unchanged,
    Changed,
    Sync,
    Apply,
    Enroll,
    Sessions,
}

/// Requests, ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) lanes: Vec<Lane>,
    /// By the numbers in the requests.
    pub(crate) answers: Vec<(Option<String>, Bytes)>,
}

/// How many of the devices are not measured with: one is asked what all are to hold, and one's answers are recorded.
pub(crate) const NOT_MEASURED: usize = 2;
/// How many changes are applied in a round.
const APPLIES: u64 = 8;

impl Measure {
    pub(crate) const ALL: [Self; 10] = [
        Self::Tokens(Door::Tls),
        Self::Tokens(Door::Proxy),
        Self::Tokens(Door::Signature),
        Self::Idle,
        Self::Unchanged,
        Self::Changed,
        Self::Sync,
        Self::Apply,
        Self::Enroll,
        Self::Sessions,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tokens(Door::Tls) => "tokens by TLS",
            Self::Tokens(Door::Proxy) => "tokens by proxy header",
            Self::Tokens(Door::Signature) => "tokens by signature",
            Self::Idle => "idle polls",
            Self::Unchanged => "reports, unchanged",
            Self::Changed => "reports, changed",
            Self::Sync => "whole syncs",
            Self::Apply => "apply",
            Self::Enroll => "enrollments",
            Self::Sessions => "Windows sessions",
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Sync => "syncs",
            Self::Apply => "applies",
            Self::Enroll => "enrollments",
            Self::Sessions => "sessions",
            _ => "requests",
        }
    }

    /// Enrollments and Windows sessions come by the proxy's header: with TLS, each would be a handshake first, and that be
    /// measured.
    pub(crate) fn door(self) -> Door {
        match self {
            Self::Tokens(door) => door,
            Self::Enroll | Self::Sessions => Door::Proxy,
            _ => Door::Tls,
        }
    }

    pub(crate) fn goal(self, commits: f64) -> Option<String> {
        match self {
            Self::Tokens(Door::Signature) | Self::Apply | Self::Sessions => None,
            Self::Tokens(_) | Self::Idle | Self::Unchanged => Some("0.5".into()),
            Self::Sync => Some("0.4".into()),
            Self::Changed => Some(format!("0.2, or {commits:.0}/s")),
            // Authenticate and TokenUpdate, one transaction each.
            Self::Enroll => Some(format!("2700/s, or {:.0}/s", commits / 2.0)),
        }
    }

    /// Whether what is sent in one round cannot be sent in the next.
    pub(crate) fn is_new_each_round(self) -> bool {
        matches!(
            self,
            Self::Changed | Self::Sync | Self::Apply | Self::Enroll | Self::Sessions
        )
    }

    pub(crate) fn until(self, duration: Duration) -> Until {
        match self {
            Self::Sync | Self::Apply | Self::Enroll | Self::Sessions => Until::Done,
            _ => Until::Elapsed(duration),
        }
    }

    /// Those of `all` that have a connection. One administrator applies one change after the other.
    pub(crate) fn clients(self, all: &[Client]) -> &[Client] {
        let measured = all.get(NOT_MEASURED..).unwrap_or_default();
        match (self, measured) {
            (Self::Apply, [first, ..]) => std::slice::from_ref(first),
            _ => measured,
        }
    }

    /// Whether as many reports were `written` as `units` must have caused.
    #[expect(clippy::cast_precision_loss, reason = "few enough to be exact")]
    pub(crate) fn check(self, units: u64, written: f64) -> Result<()> {
        let right = match self {
            Self::Changed | Self::Sync => units as f64,
            _ => 0.0,
        };
        ensure!(units > 0, "nothing was done");
        ensure!(
            (written - right).abs() < 0.5,
            "{written} reports were written, and {right} were new"
        );
        Ok(())
    }
}

impl Bench {
    pub(crate) async fn work(&mut self, house: &House, measure: Measure) -> Result<Work> {
        match measure {
            Measure::Tokens(_) => {
                let token = self.manifest(house).await?.token;
                let messages = |client: &Client| vec![Message::ddm(&client.ids, "tokens", &token)];
                self.each(house, measure.door(), messages).await
            }
            Measure::Idle => {
                let messages = |client: &Client| vec![Message::idle(&client.ids, Expect::Empty)];
                self.each(house, measure.door(), messages).await
            }
            Measure::Unchanged => {
                let manifest = self.manifest(house).await?;
                let report = |client: &Client, backwards| {
                    Message::report(&client.ids, manifest.report("the same", backwards))
                };
                for client in &self.clients {
                    house.walk(client, &[report(client, true)]).await?;
                }
                let messages = |client: &Client| vec![report(client, false), report(client, true)];
                self.each(house, measure.door(), messages).await
            }
            Measure::Changed => {
                // A lane that begins again must not say what it said last.
                self.edition += 1;
                let manifest = self.manifest(house).await?;
                let messages = |client: &Client| {
                    let report = |value| {
                        let value = format!("{value} in {}", self.edition);
                        Message::report(&client.ids, manifest.report(&value, false))
                    };
                    ["one", "two", "three"].map(report).into()
                };
                self.each(house, measure.door(), messages).await
            }
            Measure::Sync => {
                self.edition += 1;
                house.publish(&policy::fifty(self.edition)).await?;
                let manifest = self.manifest(house).await?;
                ensure!(
                    manifest.items.len() == policy::FIFTY,
                    "{} declarations",
                    manifest.items.len()
                );
                let value = format!("after {}", self.edition);
                let messages = |client: &Client| sync(client, &manifest, &value);
                self.each(house, measure.door(), messages).await
            }
            Measure::Apply => self.applies(house),
            Measure::Enroll => self.enrollments(),
            Measure::Sessions => self.sessions(house).await,
        }
    }

    /// What the devices are to hold now, as the first one is told, which is not measured with.
    async fn manifest(&self, house: &House) -> Result<Manifest> {
        let messages = |client: &Client| [Message::ddm(&client.ids, "declaration-items", "Declarations")];
        let [first, ..] = self.clients.as_slice() else {
            anyhow::bail!("no devices")
        };
        let answers = house.walk(first, &messages(first)).await?;
        Manifest::read(
            &answers
                .first()
                .map(|answer| answer.body.clone())
                .unwrap_or_default(),
        )
    }

    /// The same of every device but the first two; the answers to the second are the do-nothing handler's.
    async fn each(
        &self,
        house: &House,
        door: Door,
        messages: impl Fn(&Client) -> Vec<Message>,
    ) -> Result<Work> {
        let [_, second, others @ ..] = self.clients.as_slice() else {
            anyhow::bail!("too few devices")
        };
        let answers = house.walk(second, &messages(second)).await?;
        let mut lanes = Vec::new();
        for (index, client) in others.iter().enumerate() {
            lanes.push(lane(index, client, door, &messages(client))?);
        }
        let answers = answers
            .into_iter()
            .map(|answer| (answer.content_type, answer.body.freeze()))
            .collect();
        Ok(Work { lanes, answers })
    }

    /// Devices that nobody has seen: Authenticate and TokenUpdate.
    fn enrollments(&mut self) -> Result<Work> {
        // The proxy has checked who holds the key; here it is one for all.
        let key = KeyPair::generate(KeyKind::P256)?;
        let mut lanes = Vec::new();
        for index in 0..self.options.enrollments {
            let device = Device::new(Platform::Ios, 2, self.fresh);
            self.fresh += 1;
            let client = Client::new(&device, self.ca.certify(&device, &key)?, key.clone())?;
            let [push, _] = device.push.clone();
            let authenticate = CheckIn::Authenticate {
                topic: TOPIC.to_owned(),
                facts: device.facts(),
            };
            let token_update = CheckIn::TokenUpdate {
                topic: TOPIC.to_owned(),
                push_magic: push.magic,
                token: push.token,
                unlock_token: None,
                awaiting_configuration: false,
            };
            let messages = [authenticate, token_update]
                .map(|check_in| Message::check_in(&client.ids, check_in, Expect::Empty));
            lanes.push(lane(index, &client, Door::Proxy, &messages)?);
        }
        Ok(Work {
            lanes,
            answers: vec![(None, Bytes::new()); 2],
        })
    }

    /// Changes of one declaration, applied by an administrator: one after the other, each of them new.
    fn applies(&mut self, house: &House) -> Result<Work> {
        let headers = format!(
            "authorization: Bearer {}\r\ncontent-type: application/json\r\n",
            house.token()
        );
        let mut lanes = Vec::new();
        for _ in 0..APPLIES {
            self.edition += 1;
            let body = serde_json::to_vec(&policy::fifty(self.edition))?;
            let published = Expect::Json(Bytes::from_static(b"\"published\":true"));
            let shot = Shot::new("POST", "/api/v1/policy?0", &headers, &body, published);
            lanes.push(Lane {
                client: 0,
                shots: vec![shot],
            });
        }
        let answer = r#"{"revision":1000,"published":true,"changes":{"added":[],"changed":["setting-01"],"removed":[]},"warnings":[]}"#;
        Ok(Work {
            lanes,
            answers: vec![(
                Some("application/json".into()),
                Bytes::from_static(answer.as_bytes()),
            )],
        })
    }
}

/// A whole sync as a device holds it: told by a command, it fetches what is listed, and says that all is in force.
pub(crate) fn sync(client: &Client, manifest: &Manifest, value: &str) -> Vec<Message> {
    let ids = &client.ids;
    let mut messages = vec![
        Message::idle(ids, Expect::Command),
        Message::acknowledged(ids),
        Message::ddm(ids, "tokens", &manifest.token),
        Message::ddm(ids, "declaration-items", &manifest.token),
    ];
    for item in &manifest.items {
        messages.push(Message::ddm(ids, &item.endpoint, &item.server_token));
    }
    messages.push(Message::report(ids, manifest.report(value, false)));
    messages
}

fn lane(index: usize, client: &Client, door: Door, messages: &[Message]) -> Result<Lane> {
    let shots = messages
        .iter()
        .enumerate()
        .map(|(number, message)| message.shot(client, door, number))
        .collect::<Result<_>>()?;
    Ok(Lane { client: index, shots })
}
