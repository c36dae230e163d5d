//! The push sweep at work: reads who is due, pushes at its pace, and writes down what came of it.
//!
//! Rows that are due and the walk of a revision share the pace by halves. Nothing waits for a slow answer but the place
//! up to which the walk is kept; what a kill takes away is looked at again.

mod ahead;
mod equip;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ordain_model::enrollment::Service;
use ordain_model::ids::EnrollmentId;
use ordain_model::sweep::Tally;
use ordain_model::wake::{Outcome, Wake};
use ordain_store::{Looked, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::Client;
use super::look::Job;
use super::pace::Pace;
use super::trouble::Trouble;
use super::walk::Walk;
use crate::app::App;
use crate::start::stopped;

/// How often it looks for what is due, unless somebody tells.
const POLL: Duration = Duration::from_millis(250);
/// How soon it looks again when somebody has told: in a storm, not for each one.
const HASTE: Duration = Duration::from_millis(50);
/// Pushes under way at once.
const FLIGHTS: usize = 1_000;
/// Outcomes that are written together, at most,
const BATCH: usize = 250;
/// and how long one waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// How long a channel waits that the service could not serve, in seconds, unless the service says.
const RETRY: u32 = 10;
/// The pause after an error of the database.
const BREATH: Duration = Duration::from_secs(1);

/// Sweeps for `service` until it is stopped.
pub(crate) async fn run(app: Arc<App>, service: Service, mut stop: watch::Receiver<bool>) {
    let mut sweeper = Sweeper::new(app.clone(), service);
    let bell = app.push.bell(service);
    loop {
        let pause = match sweeper.turn().await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, ?service, "the push sweep pauses");
                BREATH
            }
        };
        tokio::select! {
            () = stopped(&mut stop) => break,
            () = bell.news.notified() => sweeper.is_news = true,
            () = bell.imported.notified() => sweeper.equipped_at = None,
            Some(landed) = sweeper.flights.join_next() => {
                if let Ok((job, outcome)) = landed {
                    sweeper.land(job, outcome);
                }
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
    sweeper.end().await;
}

struct Sweeper {
    app: Arc<App>,
    service: Service,
    client: Option<Client>,
    /// When what it pushes with was looked for; `None`: something else was imported.
    equipped_at: Option<Instant>,
    /// What is wrong with the service, and what was last written down of it.
    trouble: Option<Trouble>,
    told_trouble: Option<Trouble>,
    /// When the end of the certificate was warned of, in unix seconds.
    warned_at: Option<i64>,
    pace: Pace,
    /// When to ask for the lease again, and whether it is ours until then.
    lease: Option<(Instant, bool)>,
    /// When rows that are due were looked at, and whether somebody has told of news since.
    looked_at: Option<Instant>,
    is_news: bool,
    /// Whether there may be more rows due than were read.
    is_more_due: bool,
    /// Pushes to be made: those that are due, and those of the walk.
    due: VecDeque<Job>,
    walking: VecDeque<Job>,
    /// Whose turn it is.
    is_walks_turn: bool,
    walk: Option<Walk>,
    flights: JoinSet<(Job, Outcome)>,
    /// Who is in the queues, under way, or not written; and whether to look at him once more afterwards.
    taken: HashMap<EnrollmentId, bool>,
    landed: Vec<(Looked, Option<u64>, Tally)>,
    wrote_at: Instant,
}

impl Sweeper {
    fn new(app: Arc<App>, service: Service) -> Self {
        Self {
            pace: Pace::new(app.push.rate),
            app,
            service,
            client: None,
            equipped_at: None,
            trouble: None,
            told_trouble: None,
            warned_at: None,
            lease: None,
            looked_at: None,
            is_news: false,
            is_more_due: false,
            due: VecDeque::new(),
            walking: VecDeque::new(),
            is_walks_turn: false,
            walk: None,
            flights: JoinSet::new(),
            taken: HashMap::new(),
            landed: Vec::new(),
            wrote_at: Instant::now(),
        }
    }

    /// Does what can be done now. Returns how long there is nothing to do unless something happens.
    async fn turn(&mut self) -> Result<Duration, StoreError> {
        while let Some(landed) = self.flights.try_join_next() {
            if let Ok((job, outcome)) = landed {
                self.land(job, outcome);
            }
        }
        if self.landed.len() >= BATCH || self.wrote_at.elapsed() >= GATHER {
            self.write().await?;
        }
        if !self.has_lease().await? {
            return Ok(self.pause(POLL));
        }
        let is_equipped = self.is_equipped().await?;
        if self.told_trouble != self.trouble {
            self.app.keep_trouble(self.service, self.trouble.as_ref()).await?;
            self.told_trouble = self.trouble.clone();
        }
        let now = self.app.now();
        if !is_equipped || self.trouble.as_ref().is_some_and(|trouble| now < trouble.until) {
            if is_equipped {
                // Whatever is due is read when the pause is over.
                self.is_news = false;
            }
            return Ok(self.pause(POLL));
        }
        self.aim().await?;
        self.read_due().await?;
        self.read_walk().await?;
        Ok(self.dispatch())
    }

    /// Outcomes and news are not left waiting.
    fn pause(&self, longest: Duration) -> Duration {
        match (self.landed.is_empty(), self.is_news) {
            (false, _) => longest.min(GATHER),
            (true, true) => longest.min(HASTE),
            (true, false) => longest,
        }
    }

    /// Sends what may go now.
    fn dispatch(&mut self) -> Duration {
        let Some(client) = &self.client else {
            return self.pause(POLL);
        };
        // While there is trouble, one tries for all.
        let most = if self.trouble.is_some() { 1 } else { FLIGHTS };
        while self.flights.len() < most && !(self.due.is_empty() && self.walking.is_empty()) {
            if !self.pace.take() {
                return self.pause(self.pace.wait());
            }
            let (first, second) = match self.is_walks_turn {
                true => (&mut self.walking, &mut self.due),
                false => (&mut self.due, &mut self.walking),
            };
            self.is_walks_turn = !self.is_walks_turn;
            if let Some(job) = first.pop_front().or_else(|| second.pop_front()) {
                let (client, now) = (client.clone(), self.app.now());
                self.flights.spawn(async move {
                    let outcome = client.push(&job.to, now).await;
                    (job, outcome)
                });
            }
        }
        let is_walking = self.walk.as_ref().is_some_and(|walk| walk.ahead().is_some());
        match (is_walking || self.is_more_due) && self.flights.len() < most {
            true => Duration::ZERO,
            false => self.pause(POLL),
        }
    }

    /// Notes what came of a push.
    fn land(&mut self, job: Job, outcome: Outcome) {
        let now = self.app.now();
        let Job {
            mut looked,
            before,
            stretch,
            ..
        } = job;
        self.app.metrics.push.came_of(self.service, &outcome);
        let later = |after: u32| Wake {
            due_at: Some(now.saturating_add(i64::from(after))),
            ..before
        };
        let unreachable = Tally {
            unreachable: 1,
            ..Tally::default()
        };
        let is_failure = matches!(
            outcome,
            Outcome::Retry { .. } | Outcome::Throttled { .. } | Outcome::Misconfigured { .. }
        );
        // What was under way when a pause began does not end it.
        if !is_failure && self.trouble.as_ref().is_some_and(|trouble| trouble.until <= now) {
            self.trouble = None;
        }
        let all_wait = match &outcome {
            Outcome::Throttled { after, .. } => after.unwrap_or_default(),
            _ => 0,
        };
        let tally = match outcome {
            Outcome::Accepted => Tally {
                pushed: 1,
                ..Tally::default()
            },
            Outcome::Dead { .. } => {
                looked.wake = looked.wake.dead();
                unreachable
            }
            Outcome::Slow { reason, after } => {
                let after = now.saturating_add(after.map_or(0, i64::from));
                looked.wake = looked.wake.refused(reason, after);
                unreachable
            }
            Outcome::Refused { reason } => {
                looked.wake = looked.wake.refused(reason, now);
                unreachable
            }
            Outcome::Retry { reason, after } | Outcome::Throttled { reason, after } => {
                looked.wake = later(after.unwrap_or(RETRY));
                self.trouble = Some(Trouble::theirs(self.trouble.take(), reason, all_wait, now));
                Tally {
                    waiting: 1,
                    ..Tally::default()
                }
            }
            Outcome::Misconfigured { reason } => {
                looked.wake = later(0);
                self.blame_us(reason);
                Tally {
                    waiting: 1,
                    ..Tally::default()
                }
            }
        };
        self.keep(looked, stretch, tally);
    }

    fn keep(&mut self, looked: Looked, stretch: Option<u64>, tally: Tally) {
        self.taken.entry(looked.id.clone()).or_default();
        self.landed.push((looked, stretch, tally));
    }

    /// Writes what came of looking and pushing; then the walk may go on behind it.
    async fn write(&mut self) -> Result<(), StoreError> {
        self.wrote_at = Instant::now();
        if self.landed.is_empty() {
            return Ok(());
        }
        let now = self.app.now();
        for (looked, ..) in &mut self.landed {
            if self.taken.get(&looked.id) == Some(&true) {
                looked.wake.due_at = Some(looked.wake.due_at.map_or(now, |due| due.min(now)));
            }
        }
        let all = self.landed.iter().map(|(looked, ..)| looked.clone()).collect();
        self.app.store.looked(all).await?;
        self.app.metrics.wrote("push", self.landed.len() as u64);
        for (looked, stretch, tally) in std::mem::take(&mut self.landed) {
            self.taken.remove(&looked.id);
            if let (Some(number), Some(walk)) = (stretch, &mut self.walk) {
                walk.dealt_with(number, tally);
            }
        }
        self.settle().await
    }

    /// Keeps how far the walk is, if it has come further.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let now = self.app.now();
        if let Some(walk) = &mut self.walk
            && walk.settle(now)
        {
            self.app.metrics.push.swept(self.service, walk.kept());
            self.app.store.keep_sweep(self.service, walk.kept()).await?;
            if let Some(finished_at) = walk.kept().finished_at {
                let (revision, tally) = (walk.kept().revision, walk.kept().tally);
                let seconds = finished_at - walk.kept().started_at;
                let service = self.service;
                tracing::info!(revision, ?service, ?tally, seconds, "the push sweep is over");
            }
        }
        Ok(())
    }

    /// Writes what is known of those under way, as far as that is at once, and lets another node go on.
    async fn end(mut self) {
        while let Some(landed) = self.flights.try_join_next() {
            if let Ok((job, outcome)) = landed {
                self.land(job, outcome);
            }
        }
        let end = async {
            self.write().await?;
            self.app
                .store
                .release(self.lease_name(), &self.app.push.node)
                .await
        };
        if let Err(error) = end.await {
            tracing::warn!(%error, "the last pushes were not written down");
        }
    }
}
