//! A server in a process of its own, with the data of a seeded fleet: how it starts, what it takes of memory, how long
//! `apply` takes, and whether the fleet's devices are served.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ordain_server::api::Device;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::fleet::Fleet;
use crate::machine;
use crate::message::{Expect, Shot};
use crate::sync::{Held, hold};
use crate::wire::{Address, Connection};

/// Where a server says on its standard output that it answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Its URL.
    pub url: String,
    /// The file with the certificate to trust.
    pub ca: Option<PathBuf>,
}

/// A server's process. It is killed when this is dropped.
pub struct Trial {
    child: Child,
    address: Address,
    token: String,
    fleet: Arc<Fleet>,
    /// The seconds from its start until it was ready.
    pub cold_start: f64,
}

/// What `apply` told.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Applied {
    /// The seconds until the answer.
    pub seconds: f64,
    /// The octets of the policy.
    pub policy: usize,
}

impl Trial {
    /// Starts `program`, which is this one, with the arguments that make it serve `dir`.
    pub async fn start(program: &mut Command, dir: &Path, fleet: Arc<Fleet>) -> Result<Self> {
        let begin = clock::begin();
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("no standard output")?;
        BufReader::new(out).read_line(&mut line)?;
        let ready: Ready = serde_json::from_str(&line).context("the server did not start")?;
        let address = Address::new(&ready.url, ready.ca.as_deref())?;
        let mut connection = Connection::open(&address, None).await?;
        connection
            .fire(&Shot::new("GET", "/readyz", "", b"", Expect::Empty))
            .await?;
        let cold_start = begin.elapsed().as_secs_f64();
        let token = std::fs::read_to_string(dir.join("admin.token"))?;
        Ok(Self {
            child,
            address,
            token: token.trim().to_owned(),
            fleet,
            cold_start,
        })
    }

    /// Ends it as a power cut does.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The octets that it has in memory, now and at most so far.
    pub fn memory(&self) -> Result<(u64, u64)> {
        machine::memory(Some(self.child.id()))
    }

    /// Applies a change of a declaration that all devices have.
    pub async fn apply(&self) -> Result<Applied> {
        // Nothing else changes it: the time makes an edition that was not there before.
        let policy = self.fleet.plan.policy(clock::now().unsigned_abs());
        let body = serde_json::to_vec(&policy)?;
        let mut connection = Connection::open(&self.address, None).await?;
        let request = Shot::new(
            "POST",
            "/api/v1/policy",
            &self.authorization(),
            &body,
            Expect::Empty,
        );
        let begin = clock::begin();
        let answer = connection.exchange(&request.bytes).await?;
        let seconds = begin.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 200 && said.contains("\"published\":true"),
            "{} {said}",
            answer.status
        );
        Ok(Applied {
            seconds,
            policy: body.len(),
        })
    }

    /// Lets `count` devices, picked at random, hold a whole sync each, `at_once` at a time, and asks the server of a
    /// thousand of them whether they are converged.
    pub async fn sync(&self, count: usize, at_once: usize) -> Result<Held> {
        let picked = pick(count, self.fleet.plan.devices);
        let gate = Arc::new(tokio::sync::Semaphore::new(at_once.max(1)));
        let tasks: Vec<_> = picked
            .iter()
            .map(|&index| {
                let (fleet, address, gate) = (self.fleet.clone(), self.address.clone(), gate.clone());
                tokio::spawn(async move {
                    let _turn = gate.acquire().await?;
                    let client = fleet.client(index)?;
                    let held = hold(&address, &client).await;
                    held.with_context(|| format!("device {index}"))
                })
            })
            .collect();
        let mut held = Held::default();
        for task in tasks {
            held = held.and(task.await??);
        }
        let mut connection = Connection::open(&self.address, None).await?;
        for index in picked.into_iter().take(1_000) {
            let path = format!("/api/v1/devices/{}", self.fleet.plan.device(index).udid);
            let request = Shot::new("GET", &path, &self.authorization(), b"", Expect::Empty);
            let answer = connection.exchange(&request.bytes).await?;
            let device: Device = serde_json::from_slice(&answer.body)?;
            let row = device.row;
            ensure!(row.state == "converged", "device {index}: {}", row.state);
        }
        Ok(held)
    }

    fn authorization(&self) -> String {
        format!("authorization: Bearer {}\r\n", self.token)
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `count` of the numbers below `below`, at random.
fn pick(count: usize, below: usize) -> BTreeSet<usize> {
    let mut picked = BTreeSet::new();
    while picked.len() < count.min(below) {
        let number = usize::from_le_bytes(ordain_pki::random());
        picked.insert(number % below);
    }
    picked
}
