//! A day on which nothing changes: every device asks for work now and then, and reports what it has reported.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use ordain_apple::command::Command;
use ordain_server::Local;
use tokio::runtime::Handle;

use crate::clock;
use crate::fleet::Fleet;
use crate::house::{House, ask, settings};
use crate::manifest::Manifest;
use crate::message::{Client, Expect, Message};
use crate::wire::{Answer, check};

const DAY: i64 = 24 * 60 * 60;
/// Devices at once.
const AT_ONCE: usize = 64;

/// What all devices of a day share.
struct Day {
    fleet: Arc<Fleet>,
    local: Local,
    polls: usize,
    now: Arc<AtomicI64>,
    begin: i64,
    done: AtomicUsize,
    manifests: Mutex<HashMap<String, Manifest>>,
    commands: Mutex<BTreeMap<String, f64>>,
}

/// Lets a day of the server's clock go by, in which each device of `fleet` asks for work `polls` times, and reports
/// once. The server's counters that rose, with the commands by their type.
pub async fn day(
    fleet: Arc<Fleet>,
    dir: &Path,
    polls: usize,
    threads: &Handle,
) -> Result<BTreeMap<String, f64>> {
    let begin = clock::now();
    let now = Arc::new(AtomicI64::new(begin));
    let settings = settings(dir, fleet.plan.database.as_deref(), false)?;
    let reading = now.clone();
    let house = House::open(
        settings,
        Arc::new(move || reading.load(Ordering::Relaxed)),
        threads,
    )
    .await?;
    let before = house.counters().await?;
    let day = Arc::new(Day {
        fleet,
        local: house.local().clone(),
        polls,
        now,
        begin,
        done: AtomicUsize::new(0),
        manifests: Mutex::default(),
        commands: Mutex::default(),
    });
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (day, next) = (day.clone(), next.clone());
            threads.spawn(async move {
                loop {
                    // All devices once, then all of them again: each a part of the day later.
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let (poll, index) = (turn / day.fleet.plan.devices, turn % day.fleet.plan.devices);
                    if poll >= day.polls {
                        return anyhow::Ok(());
                    }
                    day.visit(index, poll == 0).await?;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    // Sightings are written behind; a second is twice as long as they wait.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut rose: BTreeMap<String, f64> = house
        .counters()
        .await?
        .into_iter()
        .filter(|(name, _)| name.contains("_total"))
        .map(|(name, value)| {
            let less = before.get(&name).copied().unwrap_or_default();
            (name, value - less)
        })
        .filter(|(_, rise)| *rise > 0.0)
        .collect();
    house.close().await?;
    rose.append(&mut day.commands.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(rose)
}

impl Day {
    async fn visit(&self, index: usize, reports: bool) -> Result<()> {
        let client = self.fleet.client(index)?;
        if reports {
            self.report(&client).await?;
        }
        let mut answer = self
            .send(&client, &Message::idle(&client.ids, Expect::Empty))
            .await?;
        while !answer.body.is_empty() {
            let command = Command::parse(&answer.body)?;
            self.count(&command);
            let acknowledged = Message::acknowledged(&client.ids).answering(&command.uuid)?;
            answer = self.send(&client, &acknowledged).await?;
        }
        let done = self.done.fetch_add(1, Ordering::Relaxed);
        let share = done as i64 * DAY / (self.fleet.plan.devices * self.polls).max(1) as i64;
        self.now.fetch_max(self.begin + share, Ordering::Relaxed);
        Ok(())
    }

    fn count(&self, command: &Command) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("commands of type {}", command.request_type);
        *commands.entry(name).or_default() += 1.0;
    }

    /// The report that the device made when it was seeded.
    async fn report(&self, client: &Client) -> Result<()> {
        let tokens = self.checked(client, "tokens").await?;
        let text: serde_json::Value = serde_json::from_slice(&tokens.body)?;
        let token = text.pointer("/SyncTokens/DeclarationsToken");
        let token = token.and_then(serde_json::Value::as_str).context("no token")?;
        let known = self.manifest(token);
        let manifest = match known {
            Some(manifest) => manifest,
            None => {
                let items = self.checked(client, "declaration-items").await?;
                let manifest = Manifest::read(&items.body)?;
                self.keep(manifest.clone());
                manifest
            }
        };
        let message = Message::report(&client.ids, manifest.report("twin", true));
        check(&self.send(client, &message).await?, &message.expect, true)
    }

    fn manifest(&self, token: &str) -> Option<Manifest> {
        let manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        manifests.get(token).cloned()
    }

    fn keep(&self, manifest: Manifest) {
        let mut manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        manifests.insert(manifest.token.clone(), manifest);
    }

    async fn checked(&self, client: &Client, endpoint: &str) -> Result<Answer> {
        let message = Message::ddm(&client.ids, endpoint, "DeclarationsToken");
        let answer = self.send(client, &message).await?;
        check(&answer, &message.expect, true)?;
        Ok(answer)
    }

    async fn send(&self, client: &Client, message: &Message) -> Result<Answer> {
        ask(&self.local, Some(&client.certificate), message.request()?).await
    }
}
