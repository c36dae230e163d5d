//! The measurements: each against the do-nothing handler, in rounds that alternate, since machines are noisy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ordain_catalog::Platform;
use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_server::clock;
use ordain_store::Store;
use ordain_testbed::Postgres;
use ordain_twin::Device;
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::ca::Ca;
use crate::computers::Computer;
use crate::house::{Answers, House, Nothing, settings};
use crate::load::Load;
use crate::machine;
use crate::message::{Client, Door};
use crate::policy;
use crate::twins;
use crate::work::{Measure, NOT_MEASURED, Work};

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rounds; what is told is the median.
    pub rounds: usize,
    /// How long a round takes, where it goes by time.
    pub duration: Duration,
    /// How many devices are measured with: each has a connection of its own, and a request under way all the time.
    pub devices: usize,
    /// How many devices enroll in a round.
    pub enrollments: usize,
    /// Only the measurements whose name contains this.
    pub only: Option<String>,
}

impl Options {
    /// For results.
    pub fn full() -> Self {
        Self {
            rounds: 5,
            duration: Duration::from_millis(1500),
            devices: 256,
            enrollments: 4_096,
            only: None,
        }
    }

    /// To see that everything works: some 50 requests of each kind.
    pub fn quick() -> Self {
        Self {
            rounds: 1,
            duration: Duration::from_millis(100),
            devices: 8,
            enrollments: 24,
            only: None,
        }
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }
}

/// A database to measure on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file in a temporary directory.
    Sqlite,
    /// A server of the system's binaries with its own defaults.
    Postgres,
}

impl Database {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The result of a measurement.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The database.
    pub database: &'static str,
    /// What was measured.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// In a second, by the do-nothing handler: the median.
    pub nothing: Option<f64>,
    /// In a second, by Ordain: the median.
    pub ordain: f64,
    /// The second divided by the first: the median of the rounds' own.
    pub ratio: Option<f64>,
    /// What it should be.
    pub goal: Option<String>,
}

/// Measures on one database. `None` when this machine has none. `say` is told what is going on.
pub async fn measure(
    database: Database,
    options: &Options,
    threads: &Handle,
    say: &dyn Fn(&str),
) -> Result<Option<Vec<Row>>> {
    let postgres = match database {
        Database::Sqlite => None,
        Database::Postgres => match Postgres::durable() {
            None => return Ok(None),
            Some(postgres) => Some(postgres),
        },
    };
    let dir = TempDir::new()?;
    let url = match &postgres {
        None => None,
        Some(postgres) => Some(postgres.database().await),
    };
    let mut bench = Bench {
        ca: Ca::open(dir.path(), CA)?,
        dir: dir.path().to_owned(),
        url,
        database,
        options: options.clone(),
        threads: threads.clone(),
        clients: Vec::new(),
        computers: Vec::new(),
        fresh: 0,
        edition: 0,
        commits: 0.0,
        rows: Vec::new(),
    };
    let limit_url = match &postgres {
        None => None,
        Some(postgres) => Some(postgres.database().await),
    };
    bench.commit_limit(limit_url.as_deref()).await?;
    bench.memory("memory before")?;
    for door in [Door::Tls, Door::Proxy] {
        bench.behind(door, say).await?;
    }
    bench.memory("memory after")?;
    Ok(Some(bench.rows))
}

/// The key of the CA of those that measure: as the server's own device CA has it.
const CA: KeyKind = KeyKind::Rsa2048;

/// What the measurements of one database share.
pub(crate) struct Bench {
    pub(crate) ca: Ca,
    dir: PathBuf,
    url: Option<String>,
    database: Database,
    pub(crate) options: Options,
    threads: Handle,
    /// The first [`NOT_MEASURED`] have no part in the load.
    pub(crate) clients: Vec<Client>,
    /// Windows computers, enrolled when they are first measured with.
    pub(crate) computers: Vec<Computer>,
    /// How many devices were made that are none of the clients.
    pub(crate) fresh: usize,
    /// Of the policy.
    pub(crate) edition: u64,
    commits: f64,
    rows: Vec<Row>,
}

impl Bench {
    fn row(&mut self, name: &'static str, unit: &'static str, ordain: f64) {
        if self.options.is_wanted(name) {
            self.rows.push(Row {
                database: self.database.name(),
                name,
                unit,
                nothing: None,
                ordain,
                ratio: None,
                goal: None,
            });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a size to read")]
    fn memory(&mut self, name: &'static str) -> Result<()> {
        let (now, _) = machine::memory(None)?;
        self.row(name, "MiB", now as f64 / f64::from(1 << 20));
        Ok(())
    }

    async fn commit_limit(&mut self, url: Option<&str>) -> Result<()> {
        let (callers, duration, path) = (
            self.options.devices,
            self.options.duration,
            self.dir.join("limit.db"),
        );
        let url = url.map(str::to_owned);
        let work = async move {
            let store = match url {
                None => Store::sqlite(&path).await?,
                Some(url) => Store::postgres(&url).await?,
            };
            machine::commits(Arc::new(store), callers, duration).await
        };
        self.commits = self.threads.spawn(work).await??;
        self.row("commit limit", "commits", self.commits);
        Ok(())
    }

    /// Everything that comes by `door`, with a server that has that one.
    async fn behind(&mut self, door: Door, say: &dyn Fn(&str)) -> Result<()> {
        let measures: Vec<Measure> = Measure::ALL
            .into_iter()
            .filter(|measure| {
                measure.door().is_tls() == door.is_tls() && self.options.is_wanted(measure.name())
            })
            .collect();
        if measures.is_empty() {
            return Ok(());
        }
        let settings = settings(&self.dir, self.url.as_deref(), !door.is_tls())?;
        let house = House::open(settings, clock::system(), &self.threads).await?;
        if self.clients.is_empty() {
            house.publish(&policy::fifty(0)).await?;
            self.enroll(&house).await?;
        }
        for measure in measures {
            say(&format!("{}: {}", self.database.name(), measure.name()));
            self.rounds(&house, measure)
                .await
                .with_context(|| format!("{}: {}", self.database.name(), measure.name()))?;
        }
        house.close().await
    }

    /// Makes the devices and lets them converge, as twins.
    async fn enroll(&mut self, house: &House) -> Result<()> {
        for index in 0..self.options.devices + NOT_MEASURED {
            let device = Device::new(Platform::Ios, 1, index);
            let key = KeyPair::generate(KeyKind::P256)?;
            let certificate = self.ca.certify(&device, &key)?;
            self.clients.push(Client::new(&device, certificate.clone(), key)?);
            let (local, mut twin) = (house.local().clone(), twins::new(device));
            let now = crate::clock::now();
            let settle = async move { twins::settle(&local, &mut twin, &certificate, now).await };
            self.threads.spawn(settle).await??;
        }
        Ok(())
    }

    async fn rounds(&mut self, house: &House, measure: Measure) -> Result<()> {
        let answers = Answers::default();
        let http = !measure.door().is_tls();
        let beside = self.dir.join("nothing");
        Ca::open(&beside, CA)?;
        let nothing = Nothing::open(beside, http, answers.clone(), &self.threads).await?;
        let mut loads: Option<[Load; 2]> = None;
        let (mut bases, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut work = Work::default();
        for round in 0..self.options.rounds {
            if round == 0 || measure.is_new_each_round() {
                work = self.work(house, measure).await?;
            }
            answers
                .write()
                .map_err(|_| anyhow::anyhow!("a reader of the answers panicked"))?
                .clone_from(&work.answers);
            if loads.is_none() {
                let clients = measure.clients(&self.clients);
                let open = async |address| Load::open(address, measure.door(), clients).await;
                loads = Some([open(&nothing.address()?).await?, open(&house.address()?).await?]);
            }
            let [base, our] = loads.as_mut().context("connections")?;
            let until = measure.until(self.options.duration);
            let base = rate(base.run(work.lanes.clone(), until).await?);
            let before = house.writes("status").await?;
            let (units, seconds) = our.run(work.lanes.clone(), until).await?;
            let written = house.writes("status").await? - before;
            measure.check(units, written)?;
            let our = rate((units, seconds));
            bases.push(base);
            ours.push(our);
            ratios.push(our / base);
        }
        nothing.close().await?;
        self.rows.push(Row {
            database: self.database.name(),
            name: measure.name(),
            unit: measure.unit(),
            nothing: median(&mut bases),
            ordain: median(&mut ours).context("no rounds")?,
            ratio: median(&mut ratios),
            goal: measure.goal(self.commits),
        });
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate to read")]
fn rate((units, seconds): (u64, f64)) -> f64 {
    units as f64 / seconds
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Makes sure that a path is where measuring makes sense: not in memory.
pub fn is_on_disk(dir: &Path) -> Result<bool> {
    ensure!(dir.exists(), "{}: no such directory", dir.display());
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let dir = dir.canonicalize()?;
    let mount = mounts
        .lines()
        .filter_map(|line| {
            let mut parts = line.split_whitespace().skip(1);
            Some((parts.next()?, parts.next()?))
        })
        .filter(|(point, _)| dir.starts_with(point))
        .max_by_key(|(point, _)| point.len());
    Ok(mount.is_none_or(|(_, kind)| kind != "tmpfs"))
}
