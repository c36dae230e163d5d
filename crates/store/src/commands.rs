//! Orders: commands that administrators gave, for listed channels at once, or for a group, member by member.

use std::collections::BTreeMap;

use ordain_model::ids::EnrollmentId;
use ordain_model::queue::{self, State};

use crate::audit::AuditRecord;
use crate::commit::device_of;
use crate::deliveries::{BATCH, state};
use crate::kept::Touch;
use crate::value::Row;
use crate::wakes::wake;
use crate::{Step, Store, StoreError};

/// An order as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommand {
    /// Its name, of which every `CommandUUID` of it is made.
    pub id: String,
    /// `RequestType`.
    pub request_type: String,
    /// The keys beside it, sealed.
    pub payload: Vec<u8>,
    /// From when on it is not given any more, in unix seconds.
    pub expires_at: i64,
    /// The group that it is for; it reaches its members later ([`Store::reach`]) when no channel is listed.
    pub for_group: Option<String>,
    /// From how many devices it takes something; 0 for what takes nothing.
    pub harms: u32,
}

/// A channel that a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Which one.
    pub id: EnrollmentId,
    /// The generation that is meant.
    pub generation: u64,
}

/// How much orders may take from devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// From how many devices,
    pub most: u32,
    /// since when, in unix seconds.
    pub since: i64,
}

/// An order in the list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRecord {
    /// Its number; numbers grow.
    pub number: i64,
    /// Its name.
    pub id: String,
    /// `RequestType`.
    pub request_type: String,
    /// When, in unix seconds.
    pub ordered_at: i64,
    /// By whom.
    pub ordered_by: String,
    /// From when on it is not given any more, in unix seconds.
    pub expires_at: i64,
    /// The group that it is for.
    pub for_group: Option<String>,
    /// Whether members of the group are still to be reached.
    pub is_reaching: bool,
    /// How far it has got.
    pub counts: Counts,
}

/// How far an order has got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many channels there are of each state.
    pub states: BTreeMap<State, u64>,
    /// How many are still to get it.
    pub open: u64,
}

/// An order for a group that has not reached all members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaching {
    /// Its name.
    pub id: String,
    /// `RequestType`.
    pub request_type: String,
    /// The group.
    pub group: String,
    /// Up to which device the members have got theirs; none yet.
    pub reached: Option<EnrollmentId>,
    /// From when on it is not given any more, in unix seconds.
    pub expires_at: i64,
}

/// The row on which orders that count against the budget wait for each other.
const BUDGET_LOCK: &str = "destructive-budget";
const COLUMNS: &str = "number, id, request_type, ordered_at, ordered_by, expires_at, for_group, reached";

impl Store {
    /// Notes an order, queues it on `recipients`, and has them woken; all or nothing. `audit` says who ordered, and
    /// when. A [`StoreError::Conflict`] means that one of them has left or enrolled anew, or that the budget does not
    /// suffice.
    pub async fn order(
        &self,
        command: &NewCommand,
        recipients: &[Recipient],
        budget: Budget,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let mut steps = Vec::new();
        if command.harms > 0 {
            let lock = "INSERT INTO setting (key, value) VALUES ($1, $2) \
                        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            steps.push(Step::one(lock, vec![BUDGET_LOCK.into(), Vec::new().into()]));
        }
        let is_reaching = command.for_group.is_some() && recipients.is_empty();
        steps.push(Step::one(
            "INSERT INTO command \
             (id, request_type, payload, ordered_at, ordered_by, expires_at, harms, for_group, reached) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            vec![
                command.id.clone().into(),
                command.request_type.clone().into(),
                command.payload.clone().into(),
                audit.at.into(),
                audit.actor.name.clone().into(),
                command.expires_at.into(),
                i64::from(command.harms).into(),
                command.for_group.clone().into(),
                is_reaching.then(String::new).into(),
            ],
        ));
        if command.harms > 0 {
            let sql = "UPDATE command SET harms = harms WHERE id = $1 AND \
                       (SELECT CAST(COALESCE(SUM(harms), 0) AS BIGINT) FROM command \
                       WHERE harms > 0 AND ordered_at > $2) <= $3";
            let most = i64::from(budget.most);
            steps.push(Step::one(
                sql,
                vec![command.id.clone().into(), budget.since.into(), most.into()],
            ));
        }
        // In one order, so that two orders wait for each other rather than stand in each other's way.
        let mut recipients: Vec<&Recipient> = recipients.iter().collect();
        recipients.sort_by(|a, b| a.id.cmp(&b.id));
        for Recipient { id, generation } in recipients {
            let lock = "UPDATE enrollment SET version = version \
                        WHERE id = $1 AND generation = $2 AND phase <> 'checked-out'";
            steps.push(Step::one(
                lock,
                vec![id.device_part().into(), (*generation).into()],
            ));
            let queue = queued(&command.id, id, command.expires_at);
            steps.push(Step {
                rows: Some(1),
                ..queue
            });
            steps.extend(wake(id, audit.at));
        }
        steps.push(audit.step());
        self.commit_steps(steps).await
    }

    /// How much was ordered since `since` that takes something from devices: when, and from how many; the oldest first.
    pub async fn harms(&self, since: i64) -> Result<Vec<(i64, u64)>, StoreError> {
        let sql =
            "SELECT ordered_at, harms FROM command WHERE harms > 0 AND ordered_at > $1 ORDER BY ordered_at";
        let rows = self.query(sql, vec![since.into()]).await?;
        let rows = rows.iter();
        rows.map(|row| Ok((row.integer(0)?, row.integer(1)?.unsigned_abs())))
            .collect()
    }

    /// The orders for groups that have not reached all members, the oldest first.
    pub async fn reaching(&self) -> Result<Vec<Reaching>, StoreError> {
        let sql = "SELECT id, for_group, reached, expires_at, request_type FROM command WHERE reached IS NOT NULL ORDER BY number";
        let rows = self.query(sql, vec![]).await?;
        let reaching = rows.iter().map(|row| {
            Ok(Reaching {
                id: row.text(0)?.to_owned(),
                request_type: row.text(4)?.to_owned(),
                group: row.text(1)?.to_owned(),
                reached: match row.text(2)? {
                    "" => None,
                    _ => Some(row.parse(2)?),
                },
                expires_at: row.integer(3)?,
            })
        });
        reaching.collect()
    }

    /// Queues an order on `members`, and notes that it has reached all up to `reached`; all members, if there is none.
    /// A [`StoreError::Conflict`] means that somebody else did so, or that it was cancelled.
    pub async fn reach(
        &self,
        command: &Reaching,
        members: &[EnrollmentId],
        reached: Option<&EnrollmentId>,
        now: i64,
    ) -> Result<(), StoreError> {
        let before = command.reached.as_ref().map(ToString::to_string);
        let mut steps = vec![Step::one(
            "UPDATE command SET reached = $3 WHERE id = $1 AND reached = $2",
            vec![
                command.id.clone().into(),
                before.unwrap_or_default().into(),
                reached.map(ToString::to_string).into(),
            ],
        )];
        for id in members {
            // Whoever leaves meanwhile gets nothing, and holds up nobody.
            let lock = "UPDATE enrollment SET version = version WHERE id = $1";
            steps.push(Step::new(lock, vec![id.to_string().into()]));
            steps.push(queued(&command.id, id, command.expires_at));
            steps.extend(wake(id, now));
        }
        self.commit_steps(steps).await
    }

    /// Takes an order back where it was not sent, or where the device could not do it. What was sent stays.
    pub async fn cancel(&self, id: &str, audit: &AuditRecord) -> Result<(), StoreError> {
        let find = "SELECT number FROM delivery WHERE command = $1 AND number > $2 AND is_open = 1 \
                    AND state <> 'sent' ORDER BY number LIMIT $3";
        let cancel = "UPDATE delivery SET state = 'cancelled', is_open = 0, reason = $4 WHERE command = $1 \
                      AND number > $2 AND number <= $3 AND is_open = 1 AND state <> 'sent'";
        let reason = format!("taken back by {}", audit.actor.name);
        // Nobody more is reached; the audit is written with the first of those who were.
        let mut steps = vec![
            Step::one("UPDATE command SET reached = NULL WHERE id = $1", vec![id.into()]),
            audit.step(),
        ];
        let mut after = 0;
        loop {
            let found = self
                .query(find, vec![id.into(), after.into(), BATCH.into()])
                .await?;
            let last = found.last().map(|row| row.integer(0)).transpose()?;
            if let Some(last) = last {
                let params = vec![id.into(), after.into(), last.into(), reason.clone().into()];
                steps.push(Step::new(cancel, params).touching(Touch::Any));
                after = last;
            }
            if last.is_none() && steps.is_empty() {
                return Ok(());
            }
            self.commit_steps(std::mem::take(&mut steps)).await?;
        }
    }

    /// The newest orders first: at most `limit`, those before number `before` only.
    pub async fn commands(&self, before: Option<i64>, limit: u32) -> Result<Vec<CommandRecord>, StoreError> {
        let which = "WHERE number < $1 ORDER BY number DESC LIMIT $2";
        let params = vec![before.unwrap_or(i64::MAX).into(), i64::from(limit).into()];
        self.commands_that(which, params).await
    }

    /// The order that goes by `id`.
    pub async fn command(&self, id: &str) -> Result<Option<CommandRecord>, StoreError> {
        let mut found = self.commands_that("WHERE id = $1", vec![id.into()]).await?;
        Ok(found.pop())
    }

    /// The sealed keys of an order.
    pub async fn payload(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT payload FROM command WHERE id = $1";
        let rows = self.query(sql, vec![id.into()]).await?;
        rows.first()
            .map(|row| row.bytes(0).map(<[u8]>::to_vec))
            .transpose()
    }

    async fn commands_that(
        &self,
        which: &str,
        params: Vec<crate::Value>,
    ) -> Result<Vec<CommandRecord>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM command {which}");
        let rows = self.query(&sql, params.clone()).await?;
        let sql = format!(
            "SELECT command, state, is_open, COUNT(*) FROM delivery WHERE command IN (SELECT id FROM command {which}) \
             GROUP BY command, state, is_open"
        );
        let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
        for row in self.query(&sql, params).await? {
            let counts = counts.entry(row.text(0)?.to_owned()).or_default();
            let count = row.integer(3)?.unsigned_abs();
            *counts.states.entry(state(row.text(1)?)?).or_default() += count;
            if row.integer(2)? == 1 {
                counts.open += count;
            }
        }
        let rows = rows.iter();
        rows.map(|row| record(row, counts.remove(row.text(1)?).unwrap_or_default()))
            .collect()
    }
}

/// Puts an order into the queue of a channel, once, unless it has left.
fn queued(command: &str, id: &EnrollmentId, expires_at: i64) -> Step {
    let sql = "INSERT INTO delivery (uuid, command, enrollment, generation, state, is_open, expires_at) \
               SELECT $1, $2, id, generation, 'queued', 1, CAST($4 AS BIGINT) FROM enrollment \
               WHERE id = $3 AND phase <> 'checked-out' ON CONFLICT (uuid) DO NOTHING";
    let step = Step::new(
        sql,
        vec![
            queue::command_uuid(command, id).into(),
            command.into(),
            id.to_string().into(),
            expires_at.into(),
        ],
    );
    step.touching(device_of(id))
}

fn record(row: &Row, counts: Counts) -> Result<CommandRecord, StoreError> {
    Ok(CommandRecord {
        number: row.integer(0)?,
        id: row.text(1)?.to_owned(),
        request_type: row.text(2)?.to_owned(),
        ordered_at: row.integer(3)?,
        ordered_by: row.text(4)?.to_owned(),
        expires_at: row.integer(5)?,
        for_group: row.optional_text(6)?.map(str::to_owned),
        is_reaching: row.optional_text(7)?.is_some(),
        counts,
    })
}
