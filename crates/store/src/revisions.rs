//! Revisions: published in one transaction, with the source bytes that they were compiled from.

use ordain_model::ids::Digest;
use ordain_model::wish::{Changes, Revision, Wish};

use crate::audit::AuditRecord;
use crate::catalogs::{NewCatalog, is_in_force, keep_catalog};
use crate::commit::{json, keep_declaration};
use crate::{Blob, Step, Store, StoreError};

/// What is published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The new revision; its number is one more than that of the newest, and its catalog the one in force.
    pub revision: Revision,
    /// That catalog, when it is the program's own; an imported one is kept already.
    pub own_catalog: Option<NewCatalog>,
    /// What it changes.
    pub changes: Changes,
    /// Bytes that its declarations tell devices to download.
    pub downloads: Vec<Blob>,
    /// What it was compiled from.
    pub source: Source,
}

/// What a revision was compiled from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The files of a policy directory, by path.
    pub files: Vec<SourceFile>,
    /// Whether types and keys were allowed that the catalog does not know.
    pub allow_unknown: bool,
}

/// A file of a policy directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path below the directory, with `/` between the parts.
    pub path: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A revision in the list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionSummary {
    /// Its number.
    pub number: u64,
    /// The hash of the wish.
    pub digest: Digest,
    /// When, in unix seconds.
    pub published_at: i64,
    /// By whom.
    pub published_by: String,
    /// The facts of the catalog that it was published under.
    pub catalog: Digest,
    /// What it changed.
    pub changes: Changes,
}

impl Store {
    /// The newest revision, if there is one.
    pub async fn newest_revision(&self) -> Result<Option<Revision>, StoreError> {
        let sql = "SELECT number, wish, catalog FROM revision ORDER BY number DESC LIMIT 1";
        let rows = self.query(sql, vec![]).await?;
        rows.first()
            .map(|row| {
                Ok(Revision {
                    number: row.integer(0)?.unsigned_abs(),
                    wish: row.json(1)?,
                    catalog: row.parse(2)?,
                })
            })
            .transpose()
    }

    /// The number of the newest revision; 0 when there is none.
    pub async fn newest_revision_number(&self) -> Result<u64, StoreError> {
        let rows = self.query("SELECT max(number) FROM revision", vec![]).await?;
        let newest = rows.first().map_or(Ok(None), |row| row.optional_integer(0))?;
        Ok(newest.unwrap_or(0).unsigned_abs())
    }

    /// The newest revisions first, at most `limit`, those before `before` only.
    pub async fn revisions(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RevisionSummary>, StoreError> {
        let sql = "SELECT number, digest, published_at, published_by, catalog, changes FROM revision \
                   WHERE number < $1 ORDER BY number DESC LIMIT $2";
        let before = before.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
        let rows = self
            .query(sql, vec![before.into(), i64::from(limit).into()])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(RevisionSummary {
                    number: row.integer(0)?.unsigned_abs(),
                    digest: row.parse(1)?,
                    published_at: row.integer(2)?,
                    published_by: row.text(3)?.to_owned(),
                    catalog: row.parse(4)?,
                    changes: row.json(5)?,
                })
            })
            .collect()
    }

    /// What was published before revision `before`, the newest first, at most `limit`: the number, when (unix seconds), and
    /// the wish.
    pub async fn wishes(&self, before: u64, limit: u32) -> Result<Vec<(u64, i64, Wish)>, StoreError> {
        let sql =
            "SELECT number, published_at, wish FROM revision WHERE number < $1 ORDER BY number DESC LIMIT $2";
        let rows = self
            .query(sql, vec![before.into(), i64::from(limit).into()])
            .await?;
        rows.iter()
            .map(|row| Ok((row.integer(0)?.unsigned_abs(), row.integer(1)?, row.json(2)?)))
            .collect()
    }

    /// What a revision was compiled from, if there is such a revision.
    pub async fn source(&self, revision: u64) -> Result<Option<Source>, StoreError> {
        let sql = "SELECT allow_unknown FROM revision WHERE number = $1";
        let rows = self.query(sql, vec![revision.into()]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let allow_unknown = row.integer(0)? != 0;
        let sql = "SELECT f.path, b.body FROM revision_file f JOIN blob b ON b.digest = f.digest \
                   WHERE f.revision = $1 ORDER BY f.path";
        let rows = self.query(sql, vec![revision.into()]).await?;
        let files = rows.iter().map(|row| {
            Ok(SourceFile {
                path: row.text(0)?.to_owned(),
                body: row.bytes(1)?.to_vec(),
            })
        });
        Ok(Some(Source {
            files: files.collect::<Result<_, StoreError>>()?,
            allow_unknown,
        }))
    }

    /// Publishes. [`StoreError::Conflict`] when another revision of this number was published meanwhile, or when another
    /// catalog than that of the revision is in force.
    pub async fn publish(&self, publication: &Publication, audit: &AuditRecord) -> Result<(), StoreError> {
        let Publication {
            revision,
            own_catalog,
            changes,
            downloads,
            source,
        } = publication;
        let wish: &Wish = &revision.wish;
        let imported = own_catalog.is_none().then_some(revision.catalog);
        let mut steps = vec![is_in_force(imported)];
        steps.extend(own_catalog.as_ref().map(keep_catalog));
        steps.push(Step::new(
            "INSERT INTO revision (number, digest, published_at, published_by, catalog, allow_unknown, changes, wish) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                revision.number.into(),
                wish.digest().to_string().into(),
                audit.at.into(),
                audit.actor.name.clone().into(),
                revision.catalog.to_string().into(),
                i64::from(source.allow_unknown).into(),
                json(changes)?,
                json(wish)?,
            ],
        ));
        steps.extend(wish.declarations.values().map(keep_declaration));
        steps.extend(
            downloads
                .iter()
                .map(|blob| keep_blob(blob.content_type.as_deref(), &blob.body)),
        );
        for file in &source.files {
            steps.push(keep_blob(None, &file.body));
            steps.push(Step::new(
                "INSERT INTO revision_file (revision, path, digest) VALUES ($1, $2, $3)",
                vec![
                    revision.number.into(),
                    file.path.clone().into(),
                    Digest::of(&file.body).to_string().into(),
                ],
            ));
        }
        steps.push(audit.step());
        self.commit_steps(steps).await
    }
}

fn keep_blob(content_type: Option<&str>, body: &[u8]) -> Step {
    Step::new(
        "INSERT INTO blob (digest, content_type, body) VALUES ($1, $2, $3) ON CONFLICT (digest) \
         DO UPDATE SET content_type = COALESCE(excluded.content_type, blob.content_type)",
        vec![
            Digest::of(body).to_string().into(),
            content_type.map(str::to_owned).into(),
            body.to_vec().into(),
        ],
    )
}
