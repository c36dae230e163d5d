//! The queues of channels, and what became of what was in them.

use ordain_model::ids::EnrollmentId;
use ordain_model::queue::{Delivery, Moved, State};

use crate::commit::{device_of, is_channel_of};
use crate::kept::Touch;
use crate::value::Row;
use crate::{ChannelState, Step, Store, StoreError};

/// How many rows one transaction behind the devices' backs changes at most.
pub(crate) const BATCH: i64 = 1_000;

/// A command in the queue of a channel, with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// What the queue says.
    pub delivery: Delivery,
    /// Whose queue.
    pub enrollment: EnrollmentId,
    /// The generation that it was ordered for.
    pub generation: u64,
    /// Whether the device is still to get it.
    pub is_open: bool,
    /// When it was ordered, in unix seconds.
    pub ordered_at: i64,
    /// When it was last sent, in unix seconds.
    pub sent_at: Option<i64>,
    /// When the device last answered, in unix seconds.
    pub answered_at: Option<i64>,
    /// Why it failed, was cancelled or is not open any more.
    pub reason: Option<String>,
    /// What the device answered, sealed.
    pub result: Option<Vec<u8>>,
}

/// Which queues to list.
#[derive(Debug, Clone, Copy)]
pub enum DeliveriesOf<'a> {
    /// What became of one order.
    Command(&'a str),
    /// Those of a device and of its users.
    Device(&'a EnrollmentId),
}

const QUEUED: &str = "d.number, d.uuid, d.command, c.request_type, d.state, d.expires_at";
const BESIDES: &str =
    "d.enrollment, d.generation, d.is_open, c.ordered_at, d.sent_at, d.answered_at, d.reason, d.result";

impl Store {
    /// The open commands of a channel with a number greater than `after`, in the order of their numbers; at most
    /// `limit`.
    pub async fn queue(
        &self,
        id: &EnrollmentId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql = format!(
            "SELECT {QUEUED} FROM delivery d JOIN command c ON c.id = d.command \
             WHERE d.enrollment = $1 AND d.is_open = 1 AND d.number > $2 ORDER BY d.number LIMIT $3"
        );
        let params = vec![id.to_string().into(), after.into(), i64::from(limit).into()];
        self.query(&sql, params).await?.iter().map(delivery).collect()
    }

    /// The command that `uuid` names on the channel of `id` in that generation, whatever became of it.
    pub async fn delivery(
        &self,
        uuid: &str,
        id: &EnrollmentId,
        generation: u64,
    ) -> Result<Option<Delivery>, StoreError> {
        let sql = format!(
            "SELECT {QUEUED} FROM delivery d JOIN command c ON c.id = d.command \
             WHERE d.uuid = $1 AND d.enrollment = $2 AND d.generation = $3"
        );
        let params = vec![uuid.into(), id.to_string().into(), generation.into()];
        self.query(&sql, params).await?.first().map(delivery).transpose()
    }

    /// What became of commands, the newest first: at most `limit`, those before number `before` only.
    pub async fn deliveries(
        &self,
        of: DeliveriesOf<'_>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        let mut params = vec![before.unwrap_or(i64::MAX).into(), i64::from(limit).into()];
        let which = match of {
            DeliveriesOf::Command(id) => {
                params.push(id.into());
                "d.command = $3"
            }
            DeliveriesOf::Device(device) => {
                // Its users' identifiers go on with a colon, after which comes the semicolon.
                let device = device.device_part();
                params.extend([
                    device.into(),
                    format!("{device}:").into(),
                    format!("{device};").into(),
                ]);
                "(d.enrollment = $3 OR (d.enrollment > $4 AND d.enrollment < $5))"
            }
        };
        let sql = format!(
            "SELECT {QUEUED}, {BESIDES} FROM delivery d JOIN command c ON c.id = d.command \
             WHERE d.number < $1 AND {which} ORDER BY d.number DESC LIMIT $2"
        );
        self.query(&sql, params).await?.iter().map(record).collect()
    }

    /// Closes what has expired by `now`. What was sent stays so: the device may have done it.
    pub async fn expire(&self, now: i64) -> Result<(), StoreError> {
        let due =
            "SELECT number FROM delivery WHERE is_open = 1 AND expires_at <= $1 ORDER BY expires_at LIMIT $2";
        let sql = format!(
            "UPDATE delivery SET is_open = 0, state = CASE WHEN state = 'sent' THEN state ELSE 'expired' END \
             WHERE number IN ({due})"
        );
        while !self.query(due, vec![now.into(), 1_i64.into()]).await?.is_empty() {
            let step = Step::new(sql.clone(), vec![now.into(), BATCH.into()]);
            self.commit_steps(vec![step.touching(Touch::Any)]).await?;
        }
        Ok(())
    }
}

/// A command goes on to its next state, if it is in the one that it was read in, and the channel of that generation.
pub(crate) fn moved(state: &ChannelState, moved: &Moved) -> Step {
    let sql = "UPDATE delivery SET state = $2, is_open = is_open * $3, \
               sent_at = CASE WHEN $2 = 'sent' THEN $4 ELSE sent_at END, \
               answered_at = CASE WHEN $2 = 'sent' THEN answered_at ELSE $4 END, reason = $5, result = $6 \
               WHERE number = $1 AND state = $7 AND enrollment = $8 AND generation = $9";
    let Moved {
        number,
        from,
        to,
        at,
        reason,
        result,
    } = moved;
    let generation = state.channel().map(|channel| channel.generation);
    let params = vec![
        (*number).into(),
        to.word().into(),
        i64::from(!to.is_final()).into(),
        (*at).into(),
        reason.clone().into(),
        result.clone().into(),
        from.word().into(),
        state.id.to_string().into(),
        generation.into(),
    ];
    Step::one(sql, params).keyed().touching(device_of(&state.id))
}

/// Nothing more is sent, for the reason $1. What was sent, and not answered, stays so.
const CLOSE: &str = "UPDATE delivery SET is_open = 0, reason = $1, \
                     state = CASE WHEN state = 'sent' THEN state ELSE 'cancelled' END WHERE is_open = 1 AND";
const ENDED: &str = "its enrollment ended";

/// Closes one command in the queue of a channel, if it is open.
pub(crate) fn withdraw(state: &ChannelState, number: i64, reason: &str) -> Step {
    let generation = state.channel().map(|channel| channel.generation);
    let step = Step::one(
        format!("{CLOSE} number = $2 AND enrollment = $3 AND generation = $4"),
        vec![
            reason.into(),
            number.into(),
            state.id.to_string().into(),
            generation.into(),
        ],
    );
    step.touching(device_of(&state.id))
}

/// Closes the queue of one channel.
pub(crate) fn close(id: &EnrollmentId) -> Step {
    let step = Step::new(
        format!("{CLOSE} enrollment = $2"),
        vec![ENDED.into(), id.to_string().into()],
    );
    step.touching(device_of(id))
}

/// Closes the queues of a device and of its users.
pub(crate) fn close_all(device: &EnrollmentId) -> Step {
    let channels = format!("SELECT id FROM enrollment WHERE {}", is_channel_of("$2"));
    let step = Step::new(
        format!("{CLOSE} enrollment IN ({channels})"),
        vec![ENDED.into(), device.device_part().into()],
    );
    step.touching(device_of(device))
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        number: row.integer(0)?,
        uuid: row.text(1)?.to_owned(),
        command: row.text(2)?.to_owned(),
        request_type: row.text(3)?.to_owned(),
        state: state(row.text(4)?)?,
        expires_at: row.integer(5)?,
    })
}

fn record(row: &Row) -> Result<DeliveryRecord, StoreError> {
    Ok(DeliveryRecord {
        delivery: delivery(row)?,
        enrollment: row.parse(6)?,
        generation: row.integer(7)?.unsigned_abs(),
        is_open: row.integer(8)? == 1,
        ordered_at: row.integer(9)?,
        sent_at: row.optional_integer(10)?,
        answered_at: row.optional_integer(11)?,
        reason: row.optional_text(12)?.map(str::to_owned),
        result: row.optional_bytes(13)?.map(<[u8]>::to_vec),
    })
}

pub(crate) fn state(word: &str) -> Result<State, StoreError> {
    State::of_word(word).ok_or_else(|| StoreError::Corrupt(format!("the state {word} of a command")))
}
