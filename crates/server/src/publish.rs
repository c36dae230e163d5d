//! Publishing: policy files become the wanted revision, under the catalog in force.
//!
//! Whatever is published goes through [`App::publish_source`], and so through the one function that compiles policies:
//! nothing with errors can be published.

use std::sync::{Arc, PoisonError};

use ordain_catalog::Catalog;
use ordain_catalog::validate::DeviceKind;
use ordain_catalog::windows::WindowsDevice;
use ordain_model::wish::{Changes, Revision};
use ordain_policy::{Compiled, Problem, Surroundings};
use ordain_store::{Actor, AuditRecord, Blob, Publication, Source, StoreError};
use serde_json::json;

use crate::app::App;
use crate::catalogs::{self, InForce};
use crate::house::{self, PublicUrl};

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// The policy is wrong.
    #[error("the policy has errors; nothing was published")]
    Policy(Vec<Problem>),
    /// There is no such revision.
    #[error("there is no revision {0}")]
    NoRevision(u64),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server could not compile.
    #[error("the policy could not be compiled: {0}")]
    Failed(String),
}

/// What came of publishing.
pub(crate) struct Outcome {
    pub(crate) revision: u64,
    pub(crate) published: bool,
    pub(crate) changes: Changes,
    pub(crate) warnings: Vec<Problem>,
}

impl App {
    /// Compiles `source`, and publishes it unless the newest revision says the same already.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        source: Source,
        actor: &Actor,
    ) -> Result<Outcome, PublishError> {
        self.publish_source(source, None, actor).await
    }

    /// Publishes the source of `revision` as it would be published today.
    pub(crate) async fn publish_again(
        self: &Arc<Self>,
        revision: u64,
        actor: &Actor,
    ) -> Result<Outcome, PublishError> {
        let source = self.store.source(revision).await?;
        let source = source.ok_or(PublishError::NoRevision(revision))?;
        self.publish_source(source, Some(revision), actor).await
    }

    /// Publishes the newest revision again, since the public URL that is compiled into it has moved. If that cannot be
    /// published any more, devices go on with it as it is, and the next publication makes it good.
    pub(crate) async fn move_to(self: &Arc<Self>, public_url: PublicUrl) -> Result<(), StoreError> {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(public_url);
        let revision = self.store.newest_revision_number().await?;
        if revision == 0 {
            return self.keep_moved().await;
        }
        match self.publish_again(revision, &house::the_server()).await {
            Ok(_) => Ok(()),
            Err(PublishError::Store(error)) => Err(error),
            Err(error) => {
                let problems = match &error {
                    PublishError::Policy(problems) => problems.iter().map(ToString::to_string).collect(),
                    _ => Vec::new(),
                };
                tracing::error!(
                    revision, url = self.public_url, %error, problems = problems.join("; "),
                    "the newest revision cannot be published for the new public URL: devices go on with it as it is"
                );
                Ok(())
            }
        }
    }

    /// What is wrong with the newest revision, if it still names the public URL that was before.
    pub(crate) fn outdated(&self) -> Option<String> {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let before = moved.as_ref()?.before.as_ref()?;
        let revision = self.world().revision().number;
        Some(format!(
            "revision {revision} still tells devices {before}: it could not be published again for {}; \
             `ordain revisions publish {revision}` says why",
            self.public_url
        ))
    }

    /// Keeps the public URL, now that what is published names it.
    async fn keep_moved(&self) -> Result<(), StoreError> {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(public_url) = moved {
            house::keep_public_url(&self.store, &public_url, self.now()).await?;
        }
        Ok(())
    }

    /// `of` is the revision that `source` was published as before.
    async fn publish_source(
        self: &Arc<Self>,
        source: Source,
        of: Option<u64>,
        actor: &Actor,
    ) -> Result<Outcome, PublishError> {
        let source = Arc::new(source);
        loop {
            self.catalogs.reload(&self.store).await?;
            let in_force = self.catalogs.in_force();
            let compiled = self.compile(source.clone(), in_force.catalog.clone()).await?;
            let downloads = compiled.downloads.into_iter().map(|download| Blob {
                content_type: Some(download.content_type),
                body: download.body,
            });
            let mut publication = Publication {
                revision: Revision {
                    wish: compiled.wish,
                    ..Revision::nothing(in_force.digest)
                },
                own_catalog: (!in_force.is_imported).then(catalogs::own_catalog),
                changes: Changes::default(),
                downloads: downloads.collect(),
                source: Source::clone(&source),
            };
            if let Some(published) = self
                .commit_publication(&mut publication, &in_force, of, actor)
                .await?
            {
                if let Err(error) = self.keep_moved().await {
                    tracing::warn!(%error, "the public URL was not kept; the next start does that");
                }
                return Ok(Outcome {
                    revision: publication.revision.number,
                    published,
                    changes: publication.changes,
                    warnings: compiled.warnings,
                });
            }
        }
    }

    /// Publishes as the next revision, and tells whether that was needed. None when another catalog is in force
    /// meanwhile than the one that it was compiled by.
    async fn commit_publication(
        &self,
        publication: &mut Publication,
        in_force: &InForce,
        of: Option<u64>,
        actor: &Actor,
    ) -> Result<Option<bool>, PublishError> {
        loop {
            let newest = self.store.newest_revision().await?;
            let newest = newest.unwrap_or_else(|| Revision::nothing(in_force.digest));
            let changes = publication.revision.changes_since(&newest);
            if changes.is_empty() && newest.number > 0 {
                publication.revision.number = newest.number;
                publication.changes = changes;
                self.adopt(newest, in_force.catalog.clone());
                return Ok(Some(false));
            }
            let number = newest.number + 1;
            publication.revision.number = number;
            publication.changes = changes;
            let audit = AuditRecord {
                at: self.now(),
                actor: actor.clone(),
                action: "publish".into(),
                detail: json!({
                    "revision": number, "source_of": of, "catalog": in_force.digest,
                    "allow_unknown": publication.source.allow_unknown, "changes": publication.changes,
                }),
            };
            match self.store.publish(publication, &audit).await {
                Ok(()) => {
                    tracing::info!(revision = number, by = actor.name, "published");
                    self.adopt(publication.revision.clone(), in_force.catalog.clone());
                    return Ok(Some(true));
                }
                // Somebody published at the same time, and ours comes after theirs; or another catalog was imported.
                Err(StoreError::Conflict) => {
                    self.catalogs.reload(&self.store).await?;
                    if self.catalogs.in_force().imported() != in_force.imported() {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What could be published of `source`, for the devices that there are.
    async fn compile(
        self: &Arc<Self>,
        source: Arc<Source>,
        catalog: Arc<Catalog>,
    ) -> Result<Compiled, PublishError> {
        let kinds = self.store.kinds().await?;
        // A word that a newer node wrote may not be known here, and then counts for nothing.
        let devices: Vec<DeviceKind> = kinds.iter().filter_map(|kind| kind.parse().ok()).collect();
        let windows: Vec<WindowsDevice> = kinds.iter().filter_map(|kind| kind.parse().ok()).collect();
        let app = self.clone();
        let work = move || {
            let files = source.files.iter();
            let files: Vec<_> = files.map(|file| (file.path.clone(), file.body.clone())).collect();
            let world = app.world();
            let surroundings = Surroundings {
                catalog: &catalog,
                public_url: &app.public_url,
                before: Some(&world.revision().wish),
                devices: &devices,
                windows: &windows,
                devices_only: false,
                allow_unknown: source.allow_unknown,
            };
            ordain_policy::compile(&files, &surroundings)
        };
        let compiled = tokio::task::spawn_blocking(work).await;
        compiled
            .map_err(|error| PublishError::Failed(error.to_string()))?
            .map_err(PublishError::Policy)
    }
}
