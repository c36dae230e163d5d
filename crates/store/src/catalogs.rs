//! Catalogs: kept by the SHA-256 of their facts, and which of them is in force.

use ordain_model::ids::Digest;

use crate::audit::AuditRecord;
use crate::{Step, Store, StoreError, Value};

/// A catalog to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCatalog {
    /// Its facts, in their one form, without NUL.
    pub facts: String,
    /// Where it is from, in words for people.
    pub source: String,
}

impl NewCatalog {
    /// What it is known by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.facts.as_bytes())
    }
}

/// What is known of a catalog that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRecord {
    /// Where it is from, in words for people.
    pub source: String,
    /// When it was last imported, in unix seconds; a program's own never was.
    pub imported_at: Option<i64>,
}

impl Store {
    /// The imported catalog that is in force; none when it is the program's own.
    pub async fn catalog_in_force(&self) -> Result<Option<Digest>, StoreError> {
        let rows = self.query("SELECT digest FROM catalog_in_force", vec![]).await?;
        let row = rows
            .first()
            .ok_or_else(|| StoreError::Corrupt("no catalog was ever in force".into()))?;
        row.optional_text(0)?.map(|_| row.parse(0)).transpose()
    }

    /// What is known of the catalog of `digest`, if it is kept.
    pub async fn catalog(&self, digest: Digest) -> Result<Option<CatalogRecord>, StoreError> {
        let sql = "SELECT source, imported_at FROM catalog WHERE digest = $1";
        let rows = self.query(sql, vec![digest.to_string().into()]).await?;
        rows.first()
            .map(|row| {
                Ok(CatalogRecord {
                    source: row.text(0)?.to_owned(),
                    imported_at: row.optional_integer(1)?,
                })
            })
            .transpose()
    }

    /// The facts of the catalog of `digest`, if it is kept.
    pub async fn catalog_facts(&self, digest: Digest) -> Result<Option<String>, StoreError> {
        let sql = "SELECT facts FROM catalog WHERE digest = $1";
        let rows = self.query(sql, vec![digest.to_string().into()]).await?;
        rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Keeps `catalog`, and puts it in force. It takes nothing from any revision.
    pub async fn import_catalog(&self, catalog: &NewCatalog, audit: &AuditRecord) -> Result<(), StoreError> {
        let keep = Step::one(
            "INSERT INTO catalog (digest, facts, source, imported_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (digest) DO UPDATE SET source = excluded.source, imported_at = excluded.imported_at",
            [row(catalog), vec![audit.at.into()]].concat(),
        );
        let steps = vec![keep, put_in_force(Some(catalog.digest())), audit.step()];
        self.commit_steps(steps).await
    }

    /// Puts the program's own catalog in force again.
    pub async fn reset_catalog(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.commit_steps(vec![put_in_force(None), audit.step()]).await
    }
}

/// The catalog that is `imported`, or the program's own, is in force, and stays so until the commit: nobody puts another
/// one in its place while the row is locked.
pub(crate) fn is_in_force(imported: Option<Digest>) -> Step {
    let sql = "UPDATE catalog_in_force SET digest = digest WHERE digest IS NOT DISTINCT FROM $1";
    Step::one(sql, vec![written(imported)])
}

/// Keeps the program's own catalog, unless it is there already.
pub(crate) fn keep_catalog(catalog: &NewCatalog) -> Step {
    let sql =
        "INSERT INTO catalog (digest, facts, source) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING";
    Step::new(sql, row(catalog))
}

fn put_in_force(imported: Option<Digest>) -> Step {
    Step::one("UPDATE catalog_in_force SET digest = $1", vec![written(imported)])
}

fn written(digest: Option<Digest>) -> Value {
    digest.map(|digest| digest.to_string()).into()
}

fn row(catalog: &NewCatalog) -> Vec<Value> {
    vec![
        catalog.digest().to_string().into(),
        catalog.facts.clone().into(),
        catalog.source.clone().into(),
    ]
}
