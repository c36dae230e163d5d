//! Seeding: twins enroll and converge within the process, many at once. What they leave behind differs in nothing
//! from what devices leave, since they go the same way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use ordain_server::clock;
use tokio::runtime::Handle;

use crate::fleet::Fleet;
use crate::house::{House, settings};
use crate::twins;

/// Twins at once: enough for full transactions.
const AT_ONCE: usize = 1_000;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seeded {
    /// The devices that are enrolled and converged.
    pub devices: usize,
    /// What they asked.
    pub requests: u64,
}

/// Seeds all of `fleet` into a server on `dir`; `done` is called after each device.
pub async fn seed(
    fleet: Arc<Fleet>,
    dir: &std::path::Path,
    threads: &Handle,
    done: impl Fn() + Clone + Send + 'static,
) -> Result<Seeded> {
    let settings = settings(dir, fleet.plan.database.as_deref(), false)?;
    let house = House::open(settings, clock::system(), threads).await?;
    house.publish(&fleet.plan.policy(0)).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (fleet, next, local, done) =
                (fleet.clone(), next.clone(), house.local().clone(), done.clone());
            threads.spawn(async move {
                let mut seeded = Seeded::default();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= fleet.plan.devices {
                        return anyhow::Ok(seeded);
                    }
                    let (device, certificate) = fleet.equip(index)?;
                    let mut twin = twins::new(device);
                    let now = crate::clock::now();
                    seeded.requests += twins::settle(&local, &mut twin, &certificate, now).await?;
                    seeded.devices += 1;
                    done();
                }
            })
        })
        .collect();
    let mut seeded = Seeded::default();
    for task in tasks {
        let more = task.await??;
        seeded.devices += more.devices;
        seeded.requests += more.requests;
    }
    house.close().await?;
    Ok(seeded)
}
