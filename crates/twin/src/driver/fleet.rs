//! Many twins at once. A fleet keeps its twins: after a change of policy it is run again, and they go on from there.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ordain_catalog::Platform;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;

use super::carrier::{Carrier, Road};
use super::identity::Identities;
use super::outcome::{Outcome, Progress, TwinOutcome};
use super::wake::Waker;
use super::{DriverError, Target, clock};
use crate::apns::Apns;
use crate::device::Device;
use crate::identity::Identity;
use crate::twin::{Settings, Standing, Twin};

/// A mix of platforms: what one finds in a company.
pub const MIX: &[Platform] = &[
    Platform::MacOs,
    Platform::Ios,
    Platform::IpadOs,
    Platform::Ios,
    Platform::MacOs,
    Platform::TvOs,
    Platform::Ios,
    Platform::WatchOs,
    Platform::IpadOs,
    Platform::VisionOs,
];

/// How many transport errors of a twin are kept in words.
const KEPT_ERRORS: usize = 20;

/// How a fleet is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many twins hold sessions at once; each has a connection then. At least one.
    pub sessions: usize,
    /// How long a twin sleeps between sessions, give or take a half.
    pub poll: Duration,
    /// When it ends.
    pub until: Until,
    /// The push service that twins are woken by. They enroll by themselves; those that have nothing of their own to do
    /// then sleep until they are pushed, or for `poll`, which may be long.
    pub apns: Option<Arc<Apns>>,
    /// The last of so many twins each is silent: once it has converged, it is switched off, whoever pushes it.
    pub silent: Option<NonZeroUsize>,
}

/// When a run ends. Stopping it ends it at any time, between sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// When each twin is converged and has found nothing more to do, or has unenrolled.
    Rest,
    /// When it is stopped.
    Stopped,
}

/// A fleet of twins.
#[derive(Debug)]
pub struct Fleet {
    topic: String,
    members: Vec<Arc<Mutex<Member>>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
struct Member {
    index: usize,
    twin: Twin,
    identity: Option<Identity>,
    errors: Vec<String>,
    pushes: u64,
    has_converged: bool,
}

/// What the members share during a run.
pub(super) struct Run {
    road: Road,
    sessions: Semaphore,
    pub(super) options: Options,
    pub(super) topic: String,
    pub(super) progress: watch::Sender<Progress>,
}

impl Fleet {
    /// `count` twins of these platforms in turn (Macs if there are none). The same seed makes the same devices.
    pub fn new(count: usize, seed: u64, platforms: &[Platform], settings: &Settings) -> Self {
        let member = |index: usize| {
            let platform = platforms.get(index % platforms.len().max(1));
            let device = Device::new(platform.copied().unwrap_or(Platform::MacOs), seed, index);
            let twin = Twin::new(device, settings.clone());
            Arc::new(Mutex::new(Member {
                index,
                twin,
                identity: None,
                errors: Vec::new(),
                pushes: 0,
                has_converged: false,
            }))
        };
        let progress = Progress {
            twins: u64::try_from(count).unwrap_or(u64::MAX),
            ..Progress::default()
        };
        Self {
            topic: settings.topic.clone(),
            members: (0..count).map(member).collect(),
            progress: watch::Sender::new(progress),
        }
    }

    /// Gives each twin an identity.
    pub async fn equip(&mut self, identities: &Identities) -> Result<(), DriverError> {
        let mut members = Vec::with_capacity(self.members.len());
        for member in &self.members {
            members.push(member.lock().await);
        }
        let devices: Vec<&Device> = members.iter().map(|member| member.twin.device()).collect();
        let mut issued = identities.issue(&devices).await?;
        for member in &mut members {
            member.identity = issued.pop_front();
            let shown = member
                .identity
                .as_ref()
                .map(|identity| identity.certificate.clone());
            member.twin.device_mut().identity = shown;
        }
        Ok(())
    }

    /// The counts, as they change.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Lets all twins hold sessions, until the end that `options` say or until `stop` is true.
    pub async fn run(
        &self,
        target: &Target,
        options: &Options,
        stop: &watch::Receiver<bool>,
    ) -> Result<Outcome, DriverError> {
        let run = Arc::new(Run {
            road: Road::new(target)?,
            sessions: Semaphore::new(options.sessions.max(1)),
            options: options.clone(),
            topic: self.topic.clone(),
            progress: self.progress.clone(),
        });
        let mut lives = JoinSet::new();
        for member in &self.members {
            lives.spawn(live(member.clone(), run.clone(), stop.clone()));
        }
        while let Some(life) = lives.join_next().await {
            match life {
                Ok(lived) => lived?,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => {}
            }
        }
        Ok(self.outcome().await)
    }

    /// Looks at each twin, in the fleet's order. Waits for those that hold a session.
    pub async fn look<T>(&self, mut at: impl FnMut(&Twin) -> T) -> Vec<T> {
        let mut seen = Vec::with_capacity(self.members.len());
        for member in &self.members {
            seen.push(at(&member.lock().await.twin));
        }
        seen
    }

    /// How the fleet has fared so far. Waits for those that hold a session.
    pub async fn outcome(&self) -> Outcome {
        let mut twins = Vec::with_capacity(self.members.len());
        for member in &self.members {
            twins.push(member.lock().await.outcome());
        }
        Outcome {
            progress: *self.progress.borrow(),
            twins,
        }
    }
}

/// One twin's run: sessions with pauses between them.
async fn live(
    member: Arc<Mutex<Member>>,
    run: Arc<Run>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DriverError> {
    let mut waker = Waker::new(member.lock().await.twin.device(), &run);
    let mut pushes = 0;
    for session in 0u32.. {
        let pause = {
            let permit = tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(()),
                permit = run.sessions.acquire() => permit,
            };
            let mut member = member.lock().await;
            if member.is_off(&run.options) {
                return Ok(());
            }
            // On the heap, so that a sleeping twin is small.
            Box::pin(member.hold_session(&run, pushes)).await?;
            drop(permit);
            let rests = run.options.until == Until::Rest && member.twin.is_at_rest();
            if rests || member.is_off(&run.options) {
                return Ok(());
            }
            waker
                .pause(&member.twin, run.options.poll)
                .mul_f64(jitter(member.index, session))
        };
        pushes = tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            pushes = waker.sleep(pause, &run.progress) => pushes,
        };
    }
    Ok(())
}

/// Waits until it is said to stop. When nobody can say so any more, that is never.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}

/// A factor of 0.5 to 1.5, spread evenly over twins and sessions.
fn jitter(index: usize, session: u32) -> f64 {
    // Multiples of the golden ratio, modulo one, never bunch.
    const GOLDEN: u32 = 0x9e37_79b9;
    let index = u32::try_from(index % (1 << 16)).unwrap_or_default();
    let spread = index
        .wrapping_add(session.wrapping_mul(7919))
        .wrapping_mul(GOLDEN);
    0.5 + f64::from(spread) / f64::from(u32::MAX)
}

impl Member {
    /// Whether it is silent, and has come so far.
    fn is_off(&self, options: &Options) -> bool {
        let is_silent = |every: NonZeroUsize| self.index % every == every.get() - 1;
        self.has_converged && options.silent.is_some_and(is_silent)
    }

    /// Holds a session that so many pushes began.
    async fn hold_session(&mut self, run: &Run, pushes: u64) -> Result<(), DriverError> {
        let Self {
            twin,
            identity,
            errors,
            ..
        } = self;
        let identity = identity.as_ref().ok_or(DriverError::NoIdentity)?;
        let mut carrier = Carrier::new(&run.road, identity)?;
        let before = Counts::of(twin);
        twin.wake(clock::now());
        while let Some(request) = twin.request(clock::now()) {
            match carrier.carry(&request).await {
                Some(response) => twin.respond(&response, clock::now()),
                None => {
                    twin.interrupted();
                    break;
                }
            }
        }
        let after = Counts::of(twin);
        run.progress.send_modify(|progress| {
            progress.requests += carrier.answered;
            progress.errors += u64::try_from(carrier.errors.len()).unwrap_or(u64::MAX);
            progress.throttled += carrier.throttled;
            progress.enrolled = progress.enrolled + after.enrolled - before.enrolled;
            progress.converged = progress.converged + after.converged - before.converged;
            progress.complaints = progress.complaints + after.complaints - before.complaints;
            progress.pushes += pushes;
            progress.pushed_sessions += u64::from(pushes > 0);
            progress.syncs = progress.syncs + after.syncs - before.syncs;
        });
        self.pushes += pushes;
        self.has_converged |= after.converged > 0;
        let room = KEPT_ERRORS.saturating_sub(errors.len());
        errors.extend(carrier.errors.iter().take(room).map(ToString::to_string));
        Ok(())
    }

    fn outcome(&self) -> TwinOutcome {
        let device = self.twin.device();
        let (declarations, invalid) = self.twin.tally();
        TwinOutcome {
            serial: device.serial.clone(),
            udid: device.udid.clone(),
            platform: device.platform,
            standing: self.twin.standing(),
            declarations,
            invalid,
            pushes: self.pushes,
            syncs: self.twin.syncs(),
            complaints: self.twin.complaints().kept().to_vec(),
            errors: self.errors.clone(),
        }
    }
}

/// What a twin contributes to the counts of its fleet.
struct Counts {
    enrolled: u64,
    converged: u64,
    complaints: u64,
    syncs: u64,
}

impl Counts {
    fn of(twin: &Twin) -> Self {
        let standing = twin.standing();
        Self {
            enrolled: u64::from(matches!(standing, Standing::Enrolled | Standing::Converged)),
            converged: u64::from(standing == Standing::Converged),
            complaints: twin.complaints().count(),
            syncs: twin.syncs(),
        }
    }
}
