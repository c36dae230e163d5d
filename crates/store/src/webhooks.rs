//! Webhooks: whom events are sent to, up to which event each of them has them, and how it fails.

use std::collections::BTreeSet;

use ordain_model::event::EventKind;

use crate::audit::AuditRecord;
use crate::commit::json;
use crate::events::Cursor;
use crate::value::Row;
use crate::{Step, Store, StoreError};

/// One receiver of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name in lists.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// Those that are sent; all when it is empty.
    pub kinds: BTreeSet<EventKind>,
    /// What its messages are signed with, sealed.
    pub secret: Vec<u8>,
    /// When it was made, in unix seconds.
    pub created_at: i64,
    /// It has what it wants of everything up to here.
    pub after: Cursor,
    /// How it went.
    pub progress: Progress,
}

/// How deliveries to a receiver went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// When it last took events, in unix seconds.
    pub delivered_at: Option<i64>,
    /// How often it failed since then.
    pub attempts: u32,
    /// When it is tried again, in unix seconds.
    pub next_at: i64,
    /// When the first of these failures was, in unix seconds.
    pub failing_since: Option<i64>,
    /// What the last one was.
    pub problem: Option<String>,
}

const COLUMNS: &str = "id, url, kinds, secret, created_at, after_tx, after_id, delivered_at, attempts, next_at, \
                       failing_since, problem";

impl Store {
    /// Keeps a new receiver.
    pub async fn create_webhook(&self, webhook: &Webhook, audit: &AuditRecord) -> Result<(), StoreError> {
        let step = Step::one(
            format!(
                "INSERT INTO webhook ({COLUMNS}, lease, lease_until) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, 0, $5, NULL, NULL, NULL, 0)"
            ),
            vec![
                webhook.id.clone().into(),
                webhook.url.clone().into(),
                json(&webhook.kinds)?,
                webhook.secret.clone().into(),
                webhook.created_at.into(),
                webhook.after.tx.into(),
                webhook.after.id.into(),
            ],
        );
        self.commit_steps(vec![step, audit.step()]).await
    }

    /// Every receiver, the oldest first.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM webhook ORDER BY created_at, id");
        self.query(&sql, vec![]).await?.iter().map(webhook).collect()
    }

    /// The receiver of this `id`, unless it was removed.
    pub async fn webhook(&self, id: &str) -> Result<Option<Webhook>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM webhook WHERE id = $1");
        let rows = self.query(&sql, vec![id.into()]).await?;
        rows.first().map(webhook).transpose()
    }

    /// Ends a receiver. [`StoreError::Conflict`] when there is none of this `id`.
    pub async fn remove_webhook(&self, id: &str, audit: &AuditRecord) -> Result<(), StoreError> {
        let step = Step::one("DELETE FROM webhook WHERE id = $1", vec![id.into()]);
        self.commit_steps(vec![step, audit.step()]).await
    }

    /// From `now` until `until` (unix seconds) only the holder of `lease` sends to `webhook`. [`StoreError::Conflict`]
    /// when somebody else does, or has since it was read.
    pub async fn lease_webhook(
        &self,
        webhook: &Webhook,
        lease: &str,
        now: i64,
        until: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE webhook SET lease = $4, lease_until = $5 \
                   WHERE id = $1 AND after_tx = $2 AND after_id = $3 AND next_at <= $6 \
                   AND (lease IS NULL OR lease = $4 OR lease_until <= $6)";
        let values = vec![
            webhook.id.clone().into(),
            webhook.after.tx.into(),
            webhook.after.id.into(),
            lease.into(),
            until.into(),
            now.into(),
        ];
        self.commit_steps(vec![Step::one(sql, values)]).await
    }

    /// Ends the lease, and notes how far the receiver has got and how it went. [`StoreError::Conflict`] when the lease
    /// was lost.
    pub async fn settle_webhook(
        &self,
        id: &str,
        lease: &str,
        after: Cursor,
        progress: &Progress,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE webhook SET lease = NULL, after_tx = $3, after_id = $4, delivered_at = $5, attempts = $6, \
                   next_at = $7, failing_since = $8, problem = $9 WHERE id = $1 AND lease = $2";
        let values = vec![
            id.into(),
            lease.into(),
            after.tx.into(),
            after.id.into(),
            progress.delivered_at.into(),
            i64::from(progress.attempts).into(),
            progress.next_at.into(),
            progress.failing_since.into(),
            progress.problem.clone().into(),
        ];
        self.commit_steps(vec![Step::one(sql, values)]).await
    }
}

fn webhook(row: &Row) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: row.text(0)?.to_owned(),
        url: row.text(1)?.to_owned(),
        kinds: row.json(2)?,
        secret: row.bytes(3)?.to_vec(),
        created_at: row.integer(4)?,
        after: Cursor {
            tx: row.integer(5)?,
            id: row.integer(6)?,
        },
        progress: Progress {
            delivered_at: row.optional_integer(7)?,
            attempts: u32::try_from(row.integer(8)?).unwrap_or(u32::MAX),
            next_at: row.integer(9)?,
            failing_since: row.optional_integer(10)?,
            problem: row.optional_text(11)?.map(str::to_owned),
        },
    })
}
