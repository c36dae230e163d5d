//! What is measured on: the machine, its disk, and this process.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ordain_model::decision::{Identity, Role, Write};
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_store::{ChannelState, Store};
use serde::Serialize;

use crate::clock;

/// The machine and the source.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many threads it runs at once.
    pub cores: usize,
    /// The commit that was built, with a plus when there were changes.
    pub commit: String,
    /// How many appends of 4 KiB with fdatasync one thread makes in a second where the data is.
    pub syncs_per_second: f64,
}

impl Machine {
    /// Looks at this machine, whose disk is judged in `dir`.
    pub fn look(dir: &Path) -> Result<Self> {
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpus
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let git = |args: &[&str]| {
            let out = std::process::Command::new("git").args(args).output().ok()?;
            Some(String::from_utf8_lossy(&out.stdout).trim().to_owned())
        };
        let changed =
            git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|said| !said.is_empty());
        let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
        Ok(Self {
            processor: name.map_or_else(String::new, |(_, name)| name.trim().to_owned()),
            cores: std::thread::available_parallelism()?.get(),
            commit: format!("{commit}{}", if changed { "+" } else { "" }),
            syncs_per_second: syncs(dir)?,
        })
    }
}

fn syncs(dir: &Path) -> Result<f64> {
    let path = dir.join("syncs");
    let mut file = File::create(&path)?;
    let begin = clock::begin();
    let mut count = 0.0;
    while begin.elapsed() < Duration::from_millis(500) {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1.0;
    }
    let rate = count / begin.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// The octets of this process, or of another one, that are in memory: now, and at most so far.
pub fn memory(process: Option<u32>) -> Result<(u64, u64)> {
    let process = process.map_or_else(|| "self".to_owned(), |id| id.to_string());
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.with_context(|| format!("no {name} of {process}"))
    };
    Ok((kib("VmRSS:")? * 1024, kib("VmHWM:")? * 1024))
}

/// The smallest durable transactions that `store` commits in a second when `callers` wait for one each, all the time:
/// a row of its own for each, through the store's group commit.
pub async fn commits(store: Arc<Store>, callers: usize, duration: Duration) -> Result<f64> {
    let begin = clock::begin();
    let tasks = (0..callers).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            let state = ChannelState {
                id: EnrollmentId::device(format!("none-{caller}"))?,
                device: None,
                beside: None,
                queued: None,
            };
            let mut count = 0_u64;
            while begin.elapsed() < duration {
                let identity = Identity {
                    fingerprint: Digest::of(format!("{caller} {count} {begin:?}").as_bytes()),
                    role: Role::Issued,
                    enrollment: None,
                    serial: None,
                    usable_until: None,
                };
                store.commit(&state, &[Write::Identity(identity)], None).await?;
                count += 1;
            }
            anyhow::Ok(count)
        })
    });
    let mut count = 0;
    for task in tasks.collect::<Vec<_>>() {
        count += task.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate to read")]
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}
