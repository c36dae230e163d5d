//! The audit: who did what, when, from where; written in the transaction of what was done.

use serde_json::Value as Json;

use crate::{Step, Store, StoreError};

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name of the administrator's token, or of the part of the server that acts by itself.
    pub name: String,
    /// The address it came from, or `server`.
    pub origin: String,
}

/// One administrative change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// When, in unix seconds.
    pub at: i64,
    /// Who.
    pub actor: Actor,
    /// What, in a word such as `publish`.
    pub action: String,
    /// What exactly. Never a secret.
    pub detail: Json,
}

impl AuditRecord {
    pub(crate) fn step(&self) -> Step {
        Step::one(
            "INSERT INTO audit (at, who, origin, action, detail) VALUES ($1, $2, $3, $4, $5)",
            vec![
                self.at.into(),
                self.actor.name.clone().into(),
                self.actor.origin.clone().into(),
                self.action.clone().into(),
                self.detail.to_string().into(),
            ],
        )
    }
}

impl Store {
    /// Notes what is not done in the database, before it is done.
    pub async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.commit_steps(vec![audit.step()]).await
    }

    /// The newest records first, each with its number: at most `limit`, those before number `before` only.
    pub async fn audit(
        &self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, AuditRecord)>, StoreError> {
        let sql =
            "SELECT id, at, who, origin, action, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let rows = self
            .query(
                sql,
                vec![before.unwrap_or(i64::MAX).into(), i64::from(limit).into()],
            )
            .await?;
        rows.iter()
            .map(|row| {
                let record = AuditRecord {
                    at: row.integer(1)?,
                    actor: Actor {
                        name: row.text(2)?.to_owned(),
                        origin: row.text(3)?.to_owned(),
                    },
                    action: row.text(4)?.to_owned(),
                    detail: row.json(5)?,
                };
                Ok((row.integer(0)?, record))
            })
            .collect()
    }
}
