//! Memberships that are due are decided behind the requests: after groups by predicate were published, or something was
//! learned of a device whose reports were not at hand. Publishing writes no row; each row says by which conditions it
//! was decided, so that a server that was killed goes on where it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use ordain_model::decision::Write;
use ordain_model::membership::{self, Basis};
use ordain_model::world::World;
use ordain_store::{KnownDevice, StoreError};
use tokio::sync::watch;

use crate::app::App;
use crate::start::stopped;

/// How many devices are read together,
const STRETCH: u32 = 500;
/// and how many are written at a time: what devices ask for goes between.
const AT_ONCE: usize = 32;
/// How often to look, unless somebody tells.
const PERIOD: Duration = Duration::from_secs(1);
/// What one node has while it works, and for how long unless it goes on, in seconds.
const LEASE: &str = "regroup";
const LEASE_LASTS: i64 = 30;

/// Works until the server is to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let work = async {
        loop {
            if let Err(error) = app.regroup().await {
                tracing::warn!(%error, "memberships wait to be decided");
            }
            // What comes first; a publication that comes meanwhile is not missed.
            let _ = tokio::time::timeout(PERIOD, app.regrouping.notified()).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stopped(&mut stop) => {}
    }
}

impl App {
    /// Decides all memberships that are due, unless another node does.
    async fn regroup(&self) -> Result<(), StoreError> {
        let mut left = None;
        loop {
            let world = self.world();
            let stretch = match world.conditions().digest() {
                Some(by) => self.store.undecided(by, STRETCH).await?,
                None => Vec::new(),
            };
            if stretch.is_empty() {
                break;
            }
            let (now, node) = (self.now(), &self.push.node);
            if !self.store.lease(LEASE, node, now, now + LEASE_LASTS).await? {
                return Ok(());
            }
            let due = match left {
                Some(due) => due,
                None => self.due(&world).await?,
            };
            let decided = self.regroup_all(&world, stretch).await?;
            let due = due.saturating_sub(decided);
            self.metrics.memberships_due.set(due.cast_signed());
            left = Some(due);
            if decided == 0 {
                // Devices were faster with all of them, or newer conditions are to be learned first.
                self.reload().await?;
                break;
            }
        }
        if left.is_some() {
            self.store.release(LEASE, &self.push.node).await?;
        }
        self.metrics.memberships_due.set(0);
        Ok(())
    }

    /// How many devices wait for the conditions of `world` to decide their memberships.
    pub(crate) async fn due(&self, world: &World) -> Result<u64, StoreError> {
        let Some(by) = world.conditions().digest() else {
            return Ok(0);
        };
        self.store.count_undecided(by).await
    }

    /// Decides those of `stretch`; of how many that was possible.
    async fn regroup_all(&self, world: &World, stretch: Vec<KnownDevice>) -> Result<u64, StoreError> {
        let decided = AtomicU64::new(0);
        let outcomes = stream::iter(stretch).map(async |known: KnownDevice| {
            let Some(device) = known.state.device() else {
                return Ok(());
            };
            let items = &known.items;
            let Ok(writes) = membership::redecided(world, Basis { device, items }, self.now()) else {
                return Ok(());
            };
            match self.store.commit(&known.state, &writes, None).await {
                Ok(()) => {
                    decided.fetch_add(1, Ordering::Relaxed);
                    if writes.iter().any(|write| matches!(write, Write::Wake(..))) {
                        self.push.tell();
                    }
                    Ok(())
                }
                // It has just said something, and is looked at again.
                Err(StoreError::Conflict) => Ok(()),
                Err(error) => Err(error),
            }
        });
        let outcomes: Vec<Result<(), StoreError>> = outcomes.buffer_unordered(AT_ONCE).collect().await;
        outcomes.into_iter().collect::<Result<(), _>>()?;
        Ok(decided.into_inner())
    }
}
