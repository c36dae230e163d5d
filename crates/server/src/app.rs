//! What every request works with: the store, the world, and the rules that administrators set.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ordain_catalog::Catalog;
use ordain_model::checkin::EnrollmentPolicy;
use ordain_model::decision::Write;
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::EnrollmentId;
use ordain_model::sync::Wanted;
use ordain_model::wish::Revision;
use ordain_model::world::World;
use ordain_store::{ChannelState, Store, StoreError};
use tokio::sync::{Notify, Semaphore};

use crate::admission::Admission;
use crate::catalogs::{self, Catalogs};
use crate::clock::Clock;
use crate::events::Events;
use crate::house::PublicUrl;
use crate::identity::Trust;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::push::Push;
use crate::sightings::Sightings;
use crate::windows::entra::Entra;

/// One server's state. Everything durable is in the store.
pub(crate) struct App {
    pub(crate) store: Store,
    world: RwLock<Arc<World>>,
    pub(crate) catalogs: Catalogs,
    pub(crate) trust: Trust,
    pub(crate) enrollment: EnrollmentPolicy,
    pub(crate) seal: Keys,
    pub(crate) public_url: String,
    /// The public URL, as long as what is published names the one before.
    pub(crate) moved: Mutex<Option<PublicUrl>>,
    /// The certificates that devices need to trust this server, when it made its own.
    pub(crate) server_ca: Option<ordain_pki::Certificate>,
    pub(crate) objects: Objects,
    pub(crate) sightings: Sightings,
    pub(crate) events: Events,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) push: Push,
    pub(crate) clock: Clock,
    /// KiB of request bodies that may be in memory at once, for the whole server.
    pub(crate) in_flight: Arc<Semaphore>,
    pub(crate) admission: Admission,
    /// From how many devices an hour commands may take something.
    pub(crate) destructive_budget: u32,
    /// Tells that a group waits for its command.
    pub(crate) ordered: Notify,
    /// Tells that memberships are to be decided.
    pub(crate) regrouping: Notify,
    /// Who vouches for users of Microsoft Entra, if anybody does.
    pub(crate) entra: Option<Entra>,
}

/// Request bodies in memory at once, in KiB, whoever sends them.
pub(crate) const IN_FLIGHT_KIB: usize = 512 * 1024;

/// What an [`App`] is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) trust: Trust,
    pub(crate) enrollment: EnrollmentPolicy,
    pub(crate) seal: Keys,
    pub(crate) public_url: String,
    pub(crate) server_ca: Option<ordain_pki::Certificate>,
    pub(crate) events: Events,
    pub(crate) push: Push,
    pub(crate) clock: Clock,
    pub(crate) destructive_budget: u32,
    pub(crate) entra: Option<Entra>,
}

impl App {
    /// The application, with the newest revision of the store as its world.
    pub(crate) async fn new(parts: Parts) -> Result<Self, StoreError> {
        let Parts {
            store,
            trust,
            enrollment,
            seal,
            public_url,
            server_ca,
            events,
            push,
            clock,
            destructive_budget,
            entra,
        } = parts;
        let catalogs = Catalogs::load(&store).await?;
        let world = match store.newest_revision().await? {
            Some(revision) => {
                let catalog = catalogs.get(&store, revision.catalog).await?;
                World::new(revision, catalog)
            }
            None => World::new(
                Revision::nothing(catalogs::own_digest()),
                Catalog::builtin().clone(),
            ),
        };
        let app = Self {
            store,
            world: RwLock::new(Arc::new(world)),
            catalogs,
            trust,
            enrollment,
            seal,
            public_url,
            moved: Mutex::default(),
            server_ca,
            objects: Objects::default(),
            sightings: Sightings::default(),
            events,
            metrics: Arc::default(),
            push,
            clock,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_KIB)),
            admission: Admission::default(),
            destructive_budget,
            ordered: Notify::new(),
            regrouping: Notify::new(),
            entra,
        };
        app.metrics
            .revision
            .set(app.world().revision().number.cast_signed());
        Ok(app)
    }

    /// The present, in unix seconds.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// The revision that this node knows.
    pub(crate) fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes `revision`, published under `catalog`, for the wanted one, unless a newer one is known already.
    pub(crate) fn adopt(&self, revision: Revision, catalog: Arc<Catalog>) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        if revision.number > world.revision().number {
            self.metrics.revision.set(revision.number.cast_signed());
            *world = Arc::new(world.succeeded_by(revision, catalog));
            self.push.tell();
            self.regrouping.notify_one();
        }
    }

    /// Looks whether another node has published, and if so takes that for the wanted revision.
    pub(crate) async fn reload(&self) -> Result<(), StoreError> {
        if self.store.newest_revision_number().await? > self.world().revision().number
            && let Some(revision) = self.store.newest_revision().await?
        {
            let catalog = self.catalogs.get(&self.store, revision.catalog).await?;
            self.adopt(revision, catalog);
        }
        Ok(())
    }

    /// Commits what a device's message decided over `state`, and counts it.
    pub(crate) async fn commit(&self, state: &ChannelState, writes: &[Write]) -> Result<(), StoreError> {
        self.store.commit(state, writes, None).await?;
        self.wrote(writes);
        Ok(())
    }

    /// Counts what was committed.
    pub(crate) fn wrote(&self, writes: &[Write]) {
        for write in writes {
            self.metrics.wrote(write.word(), 1);
        }
    }

    /// What the channel `id` of `device` should hold; `channel` is its own row, when it has one.
    pub(crate) async fn wanted(
        &self,
        world: &World,
        device: &Enrollment,
        id: &EnrollmentId,
        channel: Option<&Enrollment>,
    ) -> Result<Wanted, StoreError> {
        let digest = channel.and_then(|channel| channel.capabilities);
        let capabilities = match digest {
            Some(digest) => self.objects.capabilities(&self.store, digest).await?,
            None => None,
        };
        let known = digest.zip(capabilities.as_deref());
        Ok(world.wanted(device, id, known))
    }
}
