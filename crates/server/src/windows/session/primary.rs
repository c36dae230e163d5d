//! Sessions on the device's own channel: what it is, its settings, what was ordered.

use ordain_model::decision::Write;
use ordain_model::ids::{Channel, Digest};
use ordain_model::windows::enroll;
use ordain_model::windows::session::{self as model, OutOfTurn, Session, Turn};

use super::{Answered, Hearing, Speaks, policy, wire};
use crate::app::App;
use crate::device::fault::Fault;
use crate::device::scene::Scene;
use crate::windows::MANAGEMENT;
use crate::windows::linked::Linked;

impl Speaks for Session {
    const CHANNEL: Channel = Channel::Device;
    const PATH: &str = MANAGEMENT;

    fn begin(id: String, before: Option<&Self>) -> Self {
        Self::begin(id, before)
    }

    fn turn(before: Option<&Self>, id: &str, message: u32, heard: Digest) -> Result<Turn, OutOfTurn> {
        Self::turn(before, id, message, heard)
    }

    async fn answer(mut self, hearing: Hearing<'_>) -> Result<Answered<Self>, Fault> {
        let Hearing {
            app,
            scene,
            channel: device,
            manifest,
            wanted,
            heard,
            digest,
        } = hearing;
        let policy = policy::load(app, &scene.state, &manifest, self.set()).await?;
        let address = format!("{}{MANAGEMENT}", app.public_url);
        let linked = Linked::load(app, &scene.world, device).await?;
        let view = policy.scene(&address, linked.link(), scene.now);
        self.hears(heard.header.message_id, digest);
        let first = u32::try_from(heard.statuses.len() + 1).unwrap_or(u32::MAX);
        let answer = self.respond(&view, heard.said.clone(), first);
        let mut writes = self.queue_writes(&view, device);
        if let Some(channel) = linked.channel().filter(|_| self.has_unlinked()) {
            writes.extend(enroll::unenroll(device, channel, scene.now).writes);
        }
        if answer.reports {
            writes.extend(policy.report(app, scene, device, wanted, &view, &self).await?);
            for place in self.taken() {
                if let Some(place) = policy.places.get(place) {
                    app.sightings.fetched(device, manifest.token(), *place, scene.now);
                }
            }
        }
        let reply = wire::write(heard, &answer)?;
        Ok(Answered {
            session: self,
            writes,
            reply,
        })
    }

    async fn leave(app: &App, scene: &Scene) -> Result<Vec<Write>, Fault> {
        let device = scene.device()?;
        let queue = app.store.queue(&device.id, 0, u32::MAX).await?;
        let mut writes = model::left(device, &queue, scene.now);
        writes.extend(enroll::unenroll(device, device, scene.now).writes);
        Ok(writes)
    }
}
