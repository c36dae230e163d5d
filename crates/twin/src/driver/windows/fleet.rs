//! Many Windows twins at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::line::{Line, Road};
use crate::driver::{DriverError, Roots, Until, clock};
use crate::windows::{Complaint, EnrollError, KeySource, Pc, Settings, Standing, Twin, Way};
use crate::wns::{Courier, Wns};

/// How many transport errors of a twin are kept in words.
const KEPT_ERRORS: usize = 20;
/// How soon a twin is asked again that a server has put off while it enrolled.
const PUT_OFF: Duration = Duration::from_secs(1);

/// How a fleet is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many twins hold sessions at once. At least one.
    pub sessions: usize,
    /// How long a twin sleeps between sessions.
    pub poll: Duration,
    /// When it ends: [`Until::Rest`] when each twin is at rest, or is not enrolled for good.
    pub until: Until,
}

/// Counts over a whole fleet, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The twins.
    pub twins: u64,
    /// Those that are enrolled.
    pub enrolled: u64,
    /// Those that are [at rest](Twin::is_at_rest).
    pub converged: u64,
    /// Those that have a linked enrollment.
    pub linked: u64,
    /// Sessions that ended well, of either enrollment.
    pub sessions: u64,
    /// Sessions that were begun by linked enrollments. One that is replaced takes its own along.
    pub linked_sessions: u64,
    /// Sessions that were given up.
    pub failed_sessions: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Attempts that got no answer.
    pub errors: u64,
    /// Complaints.
    pub complaints: u64,
}

/// How one twin fared, since it was made.
#[derive(Debug, Clone)]
pub struct TwinOutcome {
    /// Its host name.
    pub name: String,
    /// How far it is.
    pub standing: Standing,
    /// Whether it is [at rest](Twin::is_at_rest).
    pub is_at_rest: bool,
    /// Why enrolling or renewing came to nothing.
    pub error: Option<EnrollError>,
    /// Its first complaints.
    pub complaints: Vec<Complaint>,
    /// Its first transport errors, in words.
    pub errors: Vec<String>,
}

/// How a fleet fared.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The counts.
    pub progress: Progress,
    /// Each twin, in the fleet's order.
    pub twins: Vec<TwinOutcome>,
}

/// A fleet of Windows twins.
#[derive(Debug)]
pub struct Fleet {
    wns: Option<Arc<Wns>>,
    members: Vec<Arc<Mutex<Member>>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
struct Member {
    twin: Twin,
    way: Way,
    counted: Progress,
    errors: Vec<String>,
}

/// What the members share during a run.
struct Run {
    road: Road,
    permits: Semaphore,
    wns: Option<Arc<Wns>>,
    options: Options,
    progress: watch::Sender<Progress>,
}

impl Fleet {
    /// `count` twins that enroll as `way` says for each. The same seed makes the same computers.
    pub fn new(
        count: usize,
        seed: u64,
        settings: Settings,
        keys: &Arc<dyn KeySource>,
        way: impl Fn(usize, &Pc) -> Way,
    ) -> Self {
        let member = |index| {
            let pc = Pc::new(seed, index);
            let way = way(index, &pc);
            Arc::new(Mutex::new(Member {
                twin: Twin::new(pc, settings, keys.clone()),
                way,
                counted: Progress::default(),
                errors: Vec::new(),
            }))
        };
        let progress = Progress {
            twins: u64::try_from(count).unwrap_or(u64::MAX),
            ..Progress::default()
        };
        Self {
            wns: None,
            members: (0..count).map(member).collect(),
            progress: watch::Sender::new(progress),
        }
    }

    /// The same with a push service: twins have a channel there once the server wants one, and come when they are pushed.
    #[must_use]
    pub fn pushed_by(self, wns: Arc<Wns>) -> Self {
        Self {
            wns: Some(wns),
            ..self
        }
    }

    /// The counts, as they change.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Lets all twins enroll and hold sessions, until the end that `options` say or until `stop` is true.
    pub async fn run(
        &self,
        roots: &Roots,
        options: &Options,
        stop: &watch::Receiver<bool>,
    ) -> Result<Outcome, DriverError> {
        let run = Arc::new(Run {
            road: Road::new(roots)?,
            permits: Semaphore::new(options.sessions.max(1)),
            wns: self.wns.clone(),
            options: options.clone(),
            progress: self.progress.clone(),
        });
        let mut lives = JoinSet::new();
        for member in &self.members {
            lives.spawn(live(member.clone(), run.clone(), stop.clone()));
        }
        joined(&mut lives).await;
        Ok(self.outcome().await)
    }

    /// Lets each twin do once what is due by itself at `now`, in unix seconds: what its timers, its service, its schedules
    /// want, and nothing that nobody asked for. At most so many hold sessions at once. The time is whatever it is told to
    /// be, so that days pass at once.
    pub async fn pass(&self, roots: &Roots, sessions: usize, now: i64) -> Result<Outcome, DriverError> {
        let road = Arc::new(Road::new(roots)?);
        let permits = Arc::new(Semaphore::new(sessions.max(1)));
        let mut passes = JoinSet::new();
        for member in &self.members {
            let (member, road, permits) = (member.clone(), road.clone(), permits.clone());
            let progress = self.progress.clone();
            passes.spawn(async move {
                let _permit = permits.acquire().await;
                let mut held = member.lock().await;
                held.twin.wake(now);
                Box::pin(held.hold(&road, &progress, now)).await;
            });
        }
        joined(&mut passes).await;
        Ok(self.outcome().await)
    }

    /// Looks at each twin, in the fleet's order. Waits for those that hold a session.
    pub async fn look<T>(&self, mut at: impl FnMut(&mut Twin) -> T) -> Vec<T> {
        let mut seen = Vec::with_capacity(self.members.len());
        for member in &self.members {
            seen.push(at(&mut member.lock().await.twin));
        }
        seen
    }

    /// How the fleet has fared so far. Waits for those that hold a session.
    pub async fn outcome(&self) -> Outcome {
        let mut twins = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let member = member.lock().await;
            twins.push(TwinOutcome {
                name: member.twin.pc().name.clone(),
                standing: member.twin.standing(),
                is_at_rest: member.twin.is_at_rest(),
                error: member.twin.error().cloned(),
                complaints: member.twin.complaints().kept().to_vec(),
                errors: member.errors.clone(),
            });
        }
        Outcome {
            progress: *self.progress.borrow(),
            twins,
        }
    }
}

/// Waits for all; a panic of one is a panic here.
async fn joined(tasks: &mut JoinSet<()>) {
    while let Some(task) = tasks.join_next().await {
        if let Err(error) = task
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// One twin's run: sessions with pauses between them, which a push ends.
async fn live(member: Arc<Mutex<Member>>, run: Arc<Run>, mut stop: watch::Receiver<bool>) {
    let mut courier = run.wns.as_ref().map(|wns| wns.connect());
    let mut is_pushed = false;
    loop {
        let permit = tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            permit = run.permits.acquire() => permit,
        };
        let mut held = member.lock().await;
        // On the heap, so that a sleeping twin is small.
        let now = clock::now();
        held.begin(is_pushed, now);
        Box::pin(held.hold(&run.road, &run.progress, now)).await;
        if let Some(courier) = &mut courier
            && let Some(package) = held.twin.wants_channel().map(str::to_owned)
        {
            let uri = courier.channel(&package);
            held.twin.channel(&package, uri, now);
            Box::pin(held.hold(&run.road, &run.progress, now)).await;
        }
        drop(permit);
        let rests = run.options.until == Until::Rest && held.rests();
        if rests || held.is_gone() {
            return;
        }
        let pause = match held.twin.standing() {
            Standing::Enrolling => PUT_OFF,
            _ => run.options.poll,
        };
        drop(held);
        is_pushed = tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(pause) => false,
            () = pushed(&mut courier) => true,
        };
    }
}

/// Waits for a push; one session is enough for all that are there.
async fn pushed(courier: &mut Option<Courier>) {
    let Some(courier) = courier else {
        return std::future::pending().await;
    };
    courier.next().await;
    while courier.ready() {}
}

/// Waits until it is said to stop. When nobody can say so any more, that is never.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

impl Member {
    /// Enrolls, or asks for sessions of each enrollment; after a push, of the one that it is for.
    fn begin(&mut self, is_pushed: bool, now: i64) {
        if self.twin.standing() == Standing::New {
            // It is new, so that it can.
            let _ = self.twin.enroll(self.way.clone());
        } else if is_pushed {
            self.twin.push(now);
        } else {
            self.twin.sync(now);
        }
    }

    /// Does all that the twin has to do now.
    async fn hold(&mut self, road: &Road, progress: &watch::Sender<Progress>, now: i64) {
        let mut line = Line::new(road);
        line.hold(&mut self.twin, now).await;
        let room = KEPT_ERRORS.saturating_sub(self.errors.len());
        self.errors
            .extend(line.errors.iter().take(room).map(ToString::to_string));
        let before = std::mem::replace(&mut self.counted, counts(&self.twin));
        let after = self.counted;
        progress.send_modify(|progress| {
            progress.enrolled = progress.enrolled + after.enrolled - before.enrolled;
            progress.converged = progress.converged + after.converged - before.converged;
            progress.linked = progress.linked + after.linked - before.linked;
            progress.linked_sessions += after.linked_sessions.saturating_sub(before.linked_sessions);
            progress.sessions += after.sessions - before.sessions;
            progress.failed_sessions += after.failed_sessions - before.failed_sessions;
            progress.complaints += after.complaints - before.complaints;
            progress.requests += line.answered;
            progress.errors += u64::try_from(line.errors.len()).unwrap_or(u64::MAX);
        });
    }

    fn rests(&self) -> bool {
        self.twin.is_at_rest()
    }

    /// Whether it will never do anything any more.
    fn is_gone(&self) -> bool {
        matches!(
            self.twin.standing(),
            Standing::Refused | Standing::Unenrolled | Standing::Wiped
        )
    }
}

/// What a twin contributes to the counts of its fleet.
fn counts(twin: &Twin) -> Progress {
    Progress {
        enrolled: u64::from(twin.standing() == Standing::Enrolled),
        converged: u64::from(twin.is_at_rest()),
        linked: u64::from(twin.linked().is_some()),
        sessions: twin.sessions(),
        linked_sessions: twin.linked().map_or(0, |linked| u64::from(linked.sessions())),
        failed_sessions: twin.failed_sessions(),
        complaints: twin.complaints().count(),
        ..Progress::default()
    }
}
