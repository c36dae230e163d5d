//! A whole sync over the wire by a seeded device, which learns from the answers what to ask, as devices do.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::manifest::Manifest;
use crate::message::{Client, Door, Expect, Message};
use crate::wire::{Address, Answer, Connection, check};

/// More attempts than this at one request are a failure.
const ATTEMPTS: u32 = 12;
/// The pause after a connection that broke; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How a sync went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Requests that were answered with 200.
    pub requests: u64,
    /// Those that were told to come back: 503 with Retry-After.
    pub shed: u64,
    /// Connections that did not come about, or broke.
    pub broken: u64,
}

impl Held {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            shed: self.shed + other.shed,
            broken: self.broken + other.broken,
        }
    }
}

struct Device<'a> {
    address: &'a Address,
    client: &'a Client,
    connection: Option<Connection>,
    held: Held,
}

/// Holds a sync that a command must begin; when it ends, the server has been told that everything is in force.
pub async fn hold(address: &Address, client: &Client) -> Result<Held> {
    let mut device = Device {
        address,
        client,
        connection: None,
        held: Held::default(),
    };
    let ids = &client.ids;
    let command = device.send(&Message::idle(ids, Expect::Command)).await?;
    let uuid = crate::message::command_uuid(&command.body).context("no CommandUUID")?;
    let acknowledged = Message::acknowledged(ids).answering(uuid)?;
    device.send(&acknowledged).await?;
    device
        .send(&Message::ddm(ids, "tokens", "DeclarationsToken"))
        .await?;
    let items = device
        .send(&Message::ddm(ids, "declaration-items", "DeclarationsToken"))
        .await?;
    let manifest = Manifest::read(&items.body)?;
    for item in &manifest.items {
        device
            .send(&Message::ddm(ids, &item.endpoint, &item.server_token))
            .await?;
    }
    device
        .send(&Message::report(ids, manifest.report("twin", false)))
        .await?;
    let rest = device.send(&Message::idle(ids, Expect::Empty)).await?;
    ensure!(rest.body.is_empty(), "told again");
    Ok(device.held)
}

impl Device<'_> {
    async fn send(&mut self, message: &Message) -> Result<Answer> {
        let shot = message.shot(self.client, Door::Tls, 0)?;
        let mut pause = FIRST_PAUSE;
        for _ in 0..ATTEMPTS {
            match self.exchange(&shot.bytes).await {
                Ok(answer) if answer.status == 503 => {
                    let seconds = answer.retry_after.context("503 without Retry-After")?;
                    self.held.shed += 1;
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                Ok(answer) => {
                    check(&answer, &message.expect, true)?;
                    self.held.requests += 1;
                    return Ok(answer);
                }
                Err(_) => {
                    self.held.broken += 1;
                    self.connection = None;
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        anyhow::bail!("no answer after {ATTEMPTS} attempts")
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address, Some(self.client)).await?,
        };
        let answer = connection.exchange(request).await?;
        self.connection = Some(connection);
        Ok(answer)
    }
}
