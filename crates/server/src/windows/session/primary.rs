//! Sessions on the device's own channel: what it is, its settings, what was ordered.

use std::collections::BTreeMap;

use ordain_model::decision::Write;
use ordain_model::held::Listing;
use ordain_model::ids::{Channel, Digest};
use ordain_model::windows::enroll;
use ordain_model::windows::session::{self as model, OutOfTurn, Session, Turn};

use super::{Answered, Hearing, Speaks, policy, report, wire};
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

    fn turn(
        before: Option<&Self>,
        id: &str,
        message: u32,
        heard: Digest,
        begins: u32,
    ) -> Result<Turn, OutOfTurn> {
        Self::turn(before, id, message, heard, begins)
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
        // Without the package the device keeps the one that it has.
        let wns = app.wns().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "no package to push for is known");
            None
        });
        let package = wns.as_ref().map(|wns| wns.package.as_str());
        let declared = match policy.cleans() {
            true => linked.resources(app).await?,
            false => BTreeMap::new(),
        };
        let standing = policy.standing(&address, package);
        let view = policy.scene(&standing, package, linked.link(), &declared, scene.now);
        self.hears(heard.header.message_id, digest);
        let first = u32::try_from(heard.statuses.len() + 1).unwrap_or(u32::MAX);
        let answer = self.respond(&view, heard.said.clone(), first);
        let mut writes = self.queue_writes(&view, device);
        if let Some(channel) = linked.channel().filter(|_| self.has_unlinked()) {
            writes.extend(enroll::unenroll(device, channel, scene.now).writes);
        }
        if answer.reports {
            let is_wns = |uri: &str| app.push.is_channel(uri);
            let moved = package.and_then(|package| self.moved(device, package, is_wns, scene.now));
            let (moved, wakes) = moved.unzip();
            let device = moved.as_ref().unwrap_or(device);
            let is_linked = linked.channel().is_some() && !self.has_unlinked();
            let made = |listing: &Listing<'_>| policy.told(&view, &self, is_linked, listing);
            let reported = report(app, scene, device, wanted, policy.record(), made).await?;
            let is_row = |write: &Write| matches!(write, Write::Enrollment(_));
            if moved.is_some() && !reported.iter().any(is_row) {
                writes.push(Write::Enrollment(Box::new(device.clone())));
            }
            writes.extend(reported.into_iter().chain(wakes.into_iter().flatten()));
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
