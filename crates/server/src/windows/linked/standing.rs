//! How it stands with the linked channel of a device, for its own sessions and for administrators.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_catalog::windows::{LocUri, WindowsCatalog};
use ordain_model::enrollment::Enrollment;
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::windows::link::{Channel, LinkState};
use ordain_model::windows::session::Link;
use ordain_model::world::World;
use ordain_store::{ChannelState, StoreError};

use super::DISCOVERY;
use crate::app::App;
use crate::device::fault::Fault;

/// What the server knows of it.
pub(crate) struct Linked {
    state: ChannelState,
    wanted: Arc<Manifest>,
    endpoint: String,
    known: Option<Channel>,
}

impl Linked {
    /// Reads what is stored.
    pub(crate) async fn load(app: &App, world: &World, device: &Enrollment) -> Result<Self, StoreError> {
        let id = device.id.to_linked();
        let state = app.store.channel(&id).await?;
        let wanted = app.wanted(world, device, &id, state.channel()).await?;
        let known = match state.channel() {
            Some(channel) => {
                let seen = app.store.sighting(&id).await?;
                let seen_at = channel.last_heard(seen.map(|seen| seen.seen_at));
                Some(Channel::seen(channel.phase, seen_at, app.now()))
            }
            None => None,
        };
        Ok(Self {
            wanted: wanted.manifest,
            endpoint: format!("{}{DISCOVERY}", app.public_url),
            known,
            state,
        })
    }

    pub(crate) fn channel(&self) -> Option<&Enrollment> {
        self.state.channel()
    }

    fn is_wanted(&self) -> bool {
        !self.wanted.entries().is_empty()
    }

    /// What the documents set that are for the device.
    pub(crate) async fn resources(&self, app: &App) -> Result<BTreeMap<LocUri, String>, Fault> {
        super::session::resources(app, &self.wanted).await
    }

    pub(crate) fn link(&self) -> Link<'_> {
        Link {
            is_wanted: self.is_wanted(),
            endpoint: &self.endpoint,
            channel: self.known,
        }
    }

    /// How it stands by what the device reported; `None` when nothing is wanted, nor is there anything.
    pub(crate) fn judge(&self, record: &StatusRecord) -> Option<LinkState> {
        let is_concerned = self.is_wanted() || self.known.is_some();
        is_concerned.then(|| {
            let item = |name: &str| record.items.get(name);
            LinkState::of(item, self.known, &self.endpoint, WindowsCatalog::builtin())
        })
    }
}
