//! Orders for groups: they reach their members stretch by stretch, behind the requests, and go on where they were when
//! the server was killed. What has expired is closed here, too.

use std::sync::Arc;
use std::time::Duration;

use ordain_model::ids::EnrollmentId;
use ordain_store::{Reaching, StoreError};
use tokio::sync::watch;

use crate::app::App;
use crate::orders::takes;
use crate::start::stopped;

/// How many devices are looked at in one transaction.
const STRETCH: u32 = 500;
/// How often to look for what another node left, and for what has expired.
const PERIOD: Duration = Duration::from_secs(2);

/// Works until the server is to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let work = async {
        loop {
            if let Err(error) = app.work_off().await {
                tracing::warn!(%error, "commands for groups wait");
            }
            // What comes first; an order that comes meanwhile is not missed.
            let _ = tokio::time::timeout(PERIOD, app.ordered.notified()).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stopped(&mut stop) => {}
    }
}

impl App {
    async fn work_off(&self) -> Result<(), StoreError> {
        self.store.expire(self.now()).await?;
        for command in self.store.reaching().await? {
            match self.reach_all(command).await {
                // Another node works at it, or it was cancelled.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn reach_all(&self, mut command: Reaching) -> Result<(), StoreError> {
        loop {
            let stretch = self.store.devices(command.reached.as_ref(), STRETCH).await?;
            let is_last = stretch.len() < STRETCH as usize;
            let last = stretch.last().map(|row| row.device.enrollment.id.clone());
            let reached = last.filter(|_| !is_last);
            let world = self.world();
            let devices = stretch.into_iter().map(|row| row.device.enrollment);
            let members: Vec<EnrollmentId> = devices
                .filter(|device| {
                    takes(device, &command.request_type) && world.is_member(device, &command.group)
                })
                .map(|device| device.id)
                .collect();
            self.store
                .reach(&command, &members, reached.as_ref(), self.now())
                .await?;
            self.push.tell();
            if reached.is_none() {
                return Ok(());
            }
            command.reached = reached;
        }
    }
}
