//! The frame of every decision: load what it needs, let the right identity in, decide, commit, or begin again.

use std::sync::Arc;

use ordain_model::checkin::{self, Presented, Refusal};
use ordain_model::decision::{Decision, Write};
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::EnrollmentId;
use ordain_model::migration;
use ordain_model::sync::Wanted;
use ordain_model::world::World;
use ordain_store::{AuditRecord, ChannelState, StoreError};
use serde_json::json;

use super::fault::Fault;
use crate::app::App;
use crate::house;

/// How often a decision is made again before the device is asked to come back.
pub(crate) const ATTEMPTS: u32 = 10;

/// Who is let in: [`checkin::admit`], or what another protocol has in its place.
pub(crate) type Admit = for<'a> fn(Option<&'a Enrollment>, &Presented) -> Result<&'a Enrollment, Refusal>;

/// What a decision about one channel of an admitted device is made from.
pub(crate) struct Scene {
    pub(crate) state: ChannelState,
    pub(crate) world: Arc<World>,
    pub(crate) now: i64,
}

impl Scene {
    /// The device channel; a scene is made of admitted devices only.
    pub(crate) fn device(&self) -> Result<&Enrollment, Fault> {
        self.state.device().ok_or(Fault::Refused(Refusal::NotEnrolled))
    }

    /// The channel that the message is about; a user's exists from its TokenUpdate on.
    pub(crate) fn channel(&self) -> Result<&Enrollment, Fault> {
        self.state.channel().ok_or(Fault::Refused(Refusal::NotEnrolled))
    }
}

impl App {
    /// Reads the channel of `id` and admits the holder of its certificate, if the device is one of Apple's.
    pub(crate) async fn scene(&self, id: &EnrollmentId, presented: &Presented) -> Result<Scene, Fault> {
        self.scene_by(checkin::admit, id, presented).await
    }

    /// The same for whom `admit` lets in.
    pub(crate) async fn scene_by(
        &self,
        admit: Admit,
        id: &EnrollmentId,
        presented: &Presented,
    ) -> Result<Scene, Fault> {
        for _ in 0..ATTEMPTS {
            let state = self.store.channel(id).await?;
            let now = self.now();
            match admit(state.holder(), presented) {
                Ok(_) => {
                    if let Some(channel) = state.channel() {
                        self.sightings.seen(channel, now);
                    }
                    return Ok(Scene {
                        state,
                        world: self.world(),
                        now,
                    });
                }
                Err(Refusal::WrongIdentity) => self.succeed(id, presented, now).await?,
                Err(Refusal::NotPinned) => self.first_contact(id, presented, now).await?,
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(contended())
    }

    /// Lets a certificate that was issued to renew the enrollment take the place of the pinned one, or refuses.
    async fn succeed(&self, id: &EnrollmentId, presented: &Presented, now: i64) -> Result<(), Fault> {
        let state = self.store.channel(&id.to_holder()).await?;
        let identity = self.store.identity(presented.pin.fingerprint).await?;
        let (Some(holder), Some(identity)) = (state.holder(), identity) else {
            return Err(Refusal::WrongIdentity.into());
        };
        let decision = checkin::succeed(holder, &identity, presented, now)?;
        match self.commit(&state, &decision.writes).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Pins the certificate of a migrated device that comes for the first time, or refuses.
    async fn first_contact(&self, id: &EnrollmentId, presented: &Presented, now: i64) -> Result<(), Fault> {
        let state = self.store.channel(&id.to_device()).await?;
        let device = state.device().ok_or(Refusal::NotEnrolled)?;
        // Somebody was faster.
        if device.identity.is_some() {
            return Ok(());
        }
        let window = self.migration_window().await?;
        let identity = self.store.identity(presented.pin.fingerprint).await?;
        let decision = migration::first_contact(device, identity.as_ref(), presented, window.as_ref(), now)?;
        let audit = AuditRecord {
            at: now,
            actor: house::the_server(),
            action: "pin-migrated".into(),
            detail: json!({"enrollment": device.id, "certificate": presented.pin.fingerprint}),
        };
        match self.store.commit(&state, &decision.writes, Some(&audit)).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides over `scene` by `decide`, again and again until the state has not changed meanwhile. The reply is
    /// returned after the commit of what it acknowledges.
    pub(crate) async fn decide<R>(
        &self,
        id: &EnrollmentId,
        presented: &Presented,
        decide: impl Fn(&Scene) -> Result<Decision<R>, Fault>,
    ) -> Result<R, Fault> {
        for _ in 0..ATTEMPTS {
            let scene = self.scene(id, presented).await?;
            match self.settle(&scene.state, decide(&scene)).await? {
                Some(reply) => return Ok(reply),
                None => continue,
            }
        }
        Err(contended())
    }

    /// The same for decisions that need to know what the channel should hold.
    pub(crate) async fn decide_wanted<R>(
        &self,
        id: &EnrollmentId,
        presented: &Presented,
        decide: impl Fn(&Scene, &Wanted) -> Result<Decision<R>, Fault>,
    ) -> Result<R, Fault> {
        for _ in 0..ATTEMPTS {
            let scene = self.scene(id, presented).await?;
            let wanted = self
                .wanted(&scene.world, scene.device()?, id, Some(scene.channel()?))
                .await?;
            match self.settle(&scene.state, decide(&scene, &wanted)).await? {
                Some(reply) => return Ok(reply),
                None => continue,
            }
        }
        Err(contended())
    }

    /// Commits a decision. `None`: the state has changed, or this node was behind, so decide again.
    pub(crate) async fn settle<R>(
        &self,
        state: &ChannelState,
        decision: Result<Decision<R>, Fault>,
    ) -> Result<Option<R>, Fault> {
        let decision = match decision {
            Err(Fault::Behind(_)) => {
                self.reload().await?;
                return Ok(None);
            }
            other => other?,
        };
        if decision.writes.is_empty() {
            return Ok(Some(decision.reply));
        }
        match self.commit(state, &decision.writes).await {
            Ok(()) => {
                if decision
                    .writes
                    .iter()
                    .any(|write| matches!(write, Write::Wake(..)))
                {
                    self.push.tell();
                }
                Ok(Some(decision.reply))
            }
            Err(StoreError::Conflict) => {
                self.metrics.conflicts.inc();
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

pub(crate) fn contended() -> Fault {
    Fault::Unavailable("too many changes to one enrollment at the same time".into())
}
