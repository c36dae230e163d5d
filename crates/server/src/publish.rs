//! Publishing: policy files become the wanted revision.

use std::sync::Arc;

use ordain_catalog::Catalog;
use ordain_model::wish::{Changes, Revision};
use ordain_policy::{Compiled, Problem, Surroundings};
use ordain_store::{Actor, AuditRecord, Blob, Publication, SourceFile, StoreError};
use serde_json::json;

use crate::app::App;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// The policy is wrong.
    #[error("the policy has errors; nothing was published")]
    Policy(Vec<Problem>),
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
        source: Vec<SourceFile>,
        actor: &Actor,
    ) -> Result<Outcome, PublishError> {
        let (source, compiled) = self.compile(source).await?;
        let warnings = compiled.warnings;
        let downloads: Vec<Blob> = compiled
            .downloads
            .into_iter()
            .map(|download| Blob {
                content_type: Some(download.content_type),
                body: download.body,
            })
            .collect();
        loop {
            let newest = self.store.newest_revision().await?;
            let changes = compiled.wish.changes_since(&newest.wish);
            if changes.is_empty() && newest.number > 0 {
                let revision = newest.number;
                self.adopt(newest);
                return Ok(Outcome {
                    revision,
                    published: false,
                    changes,
                    warnings,
                });
            }
            let revision = Revision {
                number: newest.number + 1,
                wish: compiled.wish.clone(),
            };
            let number = revision.number;
            let audit = AuditRecord {
                at: self.now(),
                actor: actor.clone(),
                action: "publish".into(),
                detail: json!({"revision": number, "changes": changes}),
            };
            let publication = Publication {
                revision,
                changes: changes.clone(),
                downloads: downloads.clone(),
                source: source.clone(),
            };
            match self.store.publish(&publication, &audit).await {
                Ok(()) => {
                    tracing::info!(revision = number, by = actor.name, "published");
                    self.adopt(publication.revision);
                    return Ok(Outcome {
                        revision: number,
                        published: true,
                        changes,
                        warnings,
                    });
                }
                // Somebody published at the same time: ours comes after theirs.
                Err(StoreError::Conflict) => continue,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Publishes the newest revision's own source again, since what is compiled into it has moved.
    pub(crate) async fn republish(self: &Arc<Self>, actor: &Actor) -> Result<(), PublishError> {
        let revision = self.store.newest_revision_number().await?;
        if revision > 0 {
            let source = self.store.source(revision).await?;
            self.publish(source, actor).await?;
        }
        Ok(())
    }

    async fn compile(
        self: &Arc<Self>,
        source: Vec<SourceFile>,
    ) -> Result<(Vec<SourceFile>, Compiled), PublishError> {
        let app = self.clone();
        let work = move || {
            let files: Vec<_> = source
                .iter()
                .map(|file| (file.path.clone(), file.body.clone()))
                .collect();
            let world = app.world();
            let surroundings = Surroundings {
                catalog: Catalog::builtin(),
                public_url: &app.public_url,
                before: Some(&world.revision().wish),
                devices: &[],
                allow_unknown: false,
            };
            let compiled = ordain_policy::compile(&files, &surroundings);
            compiled.map(|compiled| (source, compiled))
        };
        let compiled = tokio::task::spawn_blocking(work).await;
        compiled
            .map_err(|error| PublishError::Failed(error.to_string()))?
            .map_err(PublishError::Policy)
    }
}
