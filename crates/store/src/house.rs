//! The house: settings, tokens, and identities issued but not used yet.

use ordain_model::decision::Identity;
use ordain_model::enrollment::Service;
use ordain_model::ids::{Digest, EnrollmentId};

use crate::audit::AuditRecord;
use crate::value::Row;
use crate::wakes::retry_refused;
use crate::{Step, Store, StoreError};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRole {
    /// The admin API.
    Admin,
    /// Enrolling devices.
    Enrollment,
}

impl TokenRole {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Enrollment => "enrollment",
        }
    }
}

/// A token as it is made. The secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What is known of it.
    pub record: TokenRecord,
    /// SHA-256 of the secret.
    pub hash: Digest,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public name in lists.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is good for.
    pub role: TokenRole,
    /// When it was made, in unix seconds.
    pub created_at: i64,
    /// Until when it works; `None`: until it is revoked.
    pub expires_at: Option<i64>,
    /// How many devices may still enroll with it; `None`: any number.
    pub uses_left: Option<i64>,
    /// The serial number that it is bound to.
    pub serial: Option<String>,
    /// The push topic of the profiles that it gives out.
    pub topic: Option<String>,
}

impl TokenRecord {
    /// Whether a device can be enrolled with it at `now`, in unix seconds.
    pub fn enrolls_at(&self, now: i64) -> bool {
        self.role == TokenRole::Enrollment
            && self.expires_at.is_some_and(|end| now < end)
            && self.uses_left.is_some_and(|left| left > 0)
    }
}

const TOKEN_COLUMNS: &str = "id, name, role, created_at, expires_at, uses_left, serial, topic";

impl Store {
    /// A setting.
    pub async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self
            .query("SELECT value FROM setting WHERE key = $1", vec![key.into()])
            .await?;
        rows.first()
            .map(|row| row.bytes(0).map(<[u8]>::to_vec))
            .transpose()
    }

    /// Keeps `value` under `key` unless something is there already; what is there then, whoever was first.
    pub async fn setting_or(&self, key: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let sql = "INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        self.commit_steps(vec![Step::new(sql, vec![key.into(), value.into()])])
            .await?;
        self.setting(key)
            .await?
            .ok_or_else(|| StoreError::Corrupt(format!("the setting {key} vanished")))
    }

    /// Changes a setting.
    pub async fn set(&self, key: &str, value: Vec<u8>, audit: &AuditRecord) -> Result<(), StoreError> {
        self.commit_steps(vec![write_setting(key, value), audit.step()])
            .await
    }

    /// Changes a setting that the server keeps for itself.
    pub async fn keep(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.commit_steps(vec![write_setting(key, value)]).await
    }

    /// Changes the setting that holds what the server pushes with; `None` takes it away. What `service` refused until now
    /// is tried again.
    pub async fn set_pushed_with(
        &self,
        service: Service,
        key: &str,
        value: Option<Vec<u8>>,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let written = match value {
            Some(value) => write_setting(key, value),
            None => Step::one("DELETE FROM setting WHERE key = $1", vec![key.into()]),
        };
        let steps = vec![written, retry_refused(service, audit.at), audit.step()];
        self.commit_steps(steps).await
    }

    /// Keeps a new token.
    pub async fn create_token(&self, token: &NewToken, audit: &AuditRecord) -> Result<(), StoreError> {
        let TokenRecord {
            id,
            name,
            role,
            created_at,
            expires_at,
            uses_left,
            serial,
            topic,
        } = token.record.clone();
        let step = Step::one(
            format!("INSERT INTO token ({TOKEN_COLUMNS}, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
            vec![
                id.into(),
                name.into(),
                role.word().into(),
                created_at.into(),
                expires_at.into(),
                uses_left.into(),
                serial.into(),
                topic.into(),
                token.hash.to_string().into(),
            ],
        );
        self.commit_steps(vec![step, audit.step()]).await
    }

    /// Every token, the newest first.
    pub async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        let sql = format!("SELECT {TOKEN_COLUMNS} FROM token ORDER BY created_at DESC, id");
        self.query(&sql, vec![]).await?.iter().map(token).collect()
    }

    /// The token whose secret has `hash`.
    pub async fn token_by_hash(&self, hash: Digest) -> Result<Option<TokenRecord>, StoreError> {
        let sql = format!("SELECT {TOKEN_COLUMNS} FROM token WHERE hash = $1");
        self.query(&sql, vec![hash.to_string().into()])
            .await?
            .first()
            .map(token)
            .transpose()
    }

    /// Ends a token. [`StoreError::Conflict`] when there is none of this `id`.
    pub async fn revoke_token(&self, id: &str, audit: &AuditRecord) -> Result<(), StoreError> {
        let step = Step::one("DELETE FROM token WHERE id = $1", vec![id.into()]);
        self.commit_steps(vec![step, audit.step()]).await
    }

    /// Notes certificates that Ordain issued. With `token`, one use of that enrollment token is taken for it;
    /// [`StoreError::Conflict`] when it has none left.
    pub async fn issue(
        &self,
        identities: Vec<Identity>,
        token: Option<&str>,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO identity (fingerprint, role, enrollment, serial, usable_until) \
                   VALUES ($1, 'issued', $2, $3, $4)";
        let taken = token.map(take_use);
        let notes = identities.into_iter().map(|identity| {
            let enrollment = identity.enrollment.as_ref().map(EnrollmentId::to_string);
            Step::one(
                sql,
                vec![
                    identity.fingerprint.to_string().into(),
                    enrollment.into(),
                    identity.serial.into(),
                    identity.usable_until.into(),
                ],
            )
        });
        self.commit_steps(taken.into_iter().chain(notes).chain([audit.step()]).collect())
            .await
    }
}

/// Takes one use of the token `id`; the transaction is lost when it has none left, or was revoked.
pub(crate) fn take_use(id: &str) -> Step {
    let sql =
        "UPDATE token SET uses_left = uses_left - 1 WHERE id = $1 AND (uses_left IS NULL OR uses_left > 0)";
    Step::one(sql, vec![id.into()])
}

fn write_setting(key: &str, value: Vec<u8>) -> Step {
    let sql = "INSERT INTO setting (key, value) VALUES ($1, $2) \
               ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    Step::one(sql, vec![key.into(), value.into()])
}

fn token(row: &Row) -> Result<TokenRecord, StoreError> {
    let role = match row.text(2)? {
        "admin" => TokenRole::Admin,
        "enrollment" => TokenRole::Enrollment,
        other => return Err(StoreError::Corrupt(format!("the token role {other}"))),
    };
    Ok(TokenRecord {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        role,
        created_at: row.integer(3)?,
        expires_at: row.optional_integer(4)?,
        uses_left: row.optional_integer(5)?,
        serial: row.optional_text(6)?.map(str::to_owned),
        topic: row.optional_text(7)?.map(str::to_owned),
    })
}
