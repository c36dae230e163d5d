//! Looking at one channel: what is to be done about it, by the domain's decision.

use ordain_model::agenda::agenda;
use ordain_model::enrollment::Push;
use ordain_model::ids::EnrollmentId;
use ordain_model::wake::{self, Next, Wake};
use ordain_model::world::World;
use ordain_store::{Looked, Sleeper, StoreError};

use crate::app::App;

/// A push to be made.
pub(super) struct Job {
    pub(super) to: Push,
    /// What to keep once the service has taken it.
    pub(super) looked: Looked,
    /// What was kept before.
    pub(super) before: Wake,
    /// The stretch of the walk that it belongs to.
    pub(super) stretch: Option<u64>,
}

impl Job {
    /// Whom it is for.
    pub(super) fn id(&self) -> &EnrollmentId {
        &self.looked.id
    }
}

/// What came of looking.
pub(super) enum Verdict {
    /// Push.
    Push(Box<Job>),
    /// It was pushed, or is to be looked at later.
    Wait(Looked),
    /// Nothing to do now.
    Rest(Looked),
    /// It cannot be pushed.
    Unreachable(Looked),
}

/// Looks at one channel.
pub(super) async fn look(
    app: &App,
    world: &World,
    sleeper: Sleeper,
    now: i64,
) -> Result<Verdict, StoreError> {
    let Sleeper {
        enrollment,
        device,
        wakes,
        queued,
        wake: before,
        asked,
    } = sleeper;
    let device = device.as_ref().unwrap_or(&enrollment);
    let id = &enrollment.id;
    let wanted = app.wanted(world, device, id, Some(&enrollment)).await?;
    let token = wanted.manifest.token();
    let agenda = agenda(&enrollment, &device.facts, token, queued, world.catalog(), now);
    let push = enrollment.push.as_ref();
    let next = wake::next(id, &before, push, agenda.as_ref(), wakes, app.push.run, now);
    let looked = |wake| Looked {
        id: id.clone(),
        generation: enrollment.generation,
        asked,
        wake,
    };
    Ok(match (next, push) {
        (Next::Push(wake), Some(push)) => Verdict::Push(Box::new(Job {
            to: push.clone(),
            looked: looked(wake),
            before,
            stretch: None,
        })),
        (Next::Wait(wake), _) => Verdict::Wait(looked(wake)),
        (Next::Rest(wake), _) => Verdict::Rest(looked(wake)),
        (Next::Unreachable(wake) | Next::Push(wake), _) => Verdict::Unreachable(looked(wake)),
    })
}
