//! Where sealed values lie: the one list of places, by which keys are counted and values sealed anew.

use ordain_model::decision::EscrowKind;
use ordain_model::ids::EnrollmentId;

use crate::kept::Touch;
use crate::value::Row;
use crate::{Step, Store, StoreError, Value};

/// A column that holds sealed values.
#[derive(Debug)]
pub struct SealedPlace {
    /// Its table.
    pub table: &'static str,
    /// The columns of text that together name one row of it.
    keys: &'static [&'static str],
    /// The column itself. Nothing is sealed in a row where it is null.
    column: &'static str,
    /// Which rows only, as a condition of SQL.
    only: &'static str,
    /// What a value is bound to, by the keys of its row.
    context: fn(&[String]) -> Vec<u8>,
}

/// Every place. What is sealed elsewhere, no rotation finds.
pub static SEALED_PLACES: [SealedPlace; 6] = [
    SealedPlace {
        table: "setting",
        keys: &["key"],
        column: "value",
        // The other settings are no secrets.
        only: "key IN ('device-ca', 'push-certificate', 'wns')",
        context: |keys| keys.concat().into_bytes(),
    },
    SealedPlace {
        table: "escrow",
        keys: &["enrollment", "kind"],
        column: "sealed",
        only: "1 = 1",
        context: |keys| match keys {
            [enrollment, kind] => escrow(enrollment, kind),
            _ => Vec::new(),
        },
    },
    SealedPlace {
        table: "windows_session",
        keys: &["enrollment"],
        column: "sealed",
        only: "1 = 1",
        context: |keys| session_context(&keys.concat()),
    },
    SealedPlace {
        table: "webhook",
        keys: &["id"],
        column: "secret",
        only: "1 = 1",
        context: |keys| webhook_context(&keys.concat()),
    },
    SealedPlace {
        table: "command",
        keys: &["id"],
        column: "payload",
        only: "1 = 1",
        context: |keys| command_context(&keys.concat()),
    },
    SealedPlace {
        table: "delivery",
        keys: &["uuid"],
        column: "result",
        only: "1 = 1",
        context: |keys| result_context(&keys.concat()),
    },
];

/// What the keys of the order `id` are bound to.
pub fn command_context(id: &str) -> Vec<u8> {
    format!("command\n{id}").into_bytes()
}

/// What the result of the command `uuid` is bound to.
pub fn result_context(uuid: &str) -> Vec<u8> {
    format!("result\n{uuid}").into_bytes()
}

/// What the session of the Windows device `id` is bound to.
pub fn windows_session_context(id: &EnrollmentId) -> Vec<u8> {
    session_context(&id.to_string())
}

fn session_context(enrollment: &str) -> Vec<u8> {
    format!("windows-session\n{enrollment}").into_bytes()
}

/// What the secret of the webhook `id` is bound to.
pub fn webhook_context(id: &str) -> Vec<u8> {
    format!("webhook\n{id}").into_bytes()
}

/// What an escrowed token is bound to: it opens for no other channel and as no other kind.
pub fn escrow_context(id: &EnrollmentId, kind: EscrowKind) -> Vec<u8> {
    escrow(&id.to_string(), kind.word())
}

fn escrow(enrollment: &str, kind: &str) -> Vec<u8> {
    format!("escrow\n{kind}\n{enrollment}").into_bytes()
}

/// A sealed value, or as much of its beginning as was asked for.
#[derive(Debug, Clone)]
pub struct SealedValue {
    place: &'static SealedPlace,
    keys: Vec<String>,
    /// The value.
    pub sealed: Vec<u8>,
}

impl SealedValue {
    /// What it is bound to.
    pub fn context(&self) -> Vec<u8> {
        (self.place.context)(&self.keys)
    }

    /// What people call the place where it lies.
    pub fn name(&self) -> String {
        format!("{} {}", self.place.table, self.keys.join(" "))
    }
}

impl Store {
    /// At most `limit` values of a place, in the order of their keys, those behind `after` only. With `head`, no more
    /// than so many octets of each.
    pub async fn sealed(
        &self,
        place: &'static SealedPlace,
        after: Option<&SealedValue>,
        head: Option<usize>,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError> {
        let SealedPlace {
            table, column, only, ..
        } = place;
        let keys = place.keys.join(", ");
        let value = head.map_or((*column).to_owned(), |head| {
            format!("substr({column}, 1, {head})")
        });
        let count = place.keys.len();
        let numbers: Vec<_> = (1..=count).map(|number| format!("${number}")).collect();
        let sql = format!(
            "SELECT {keys}, {value} FROM {table} WHERE ({keys}) > ({}) AND {column} IS NOT NULL AND {only} \
             ORDER BY {keys} LIMIT ${}",
            numbers.join(", "),
            count + 1
        );
        // No key is empty, so an empty one comes before all.
        let after = after.map_or_else(|| vec![String::new(); count], |value| value.keys.clone());
        let params = after.into_iter().map(Value::Text);
        let rows = self
            .query(&sql, params.chain([i64::from(limit).into()]).collect())
            .await?;
        let value = |row: &Row| {
            let keys = (0..count).map(|column| row.text(column).map(str::to_owned));
            Ok(SealedValue {
                place,
                keys: keys.collect::<Result<_, StoreError>>()?,
                sealed: row.bytes(count)?.to_vec(),
            })
        };
        rows.iter().map(value).collect()
    }

    /// Puts values in the place of those that they were made of. One that has changed meanwhile is left as it is.
    pub async fn reseal(&self, values: Vec<(SealedValue, Vec<u8>)>) -> Result<(), StoreError> {
        let step = |(old, new): (SealedValue, Vec<u8>)| {
            let SealedPlace { table, column, .. } = old.place;
            let named: Vec<_> = (old.place.keys.iter().zip(3..))
                .map(|(key, number)| format!("{key} = ${number}"))
                .collect();
            let sql = format!(
                "UPDATE {table} SET {column} = $1 WHERE {column} = $2 AND {}",
                named.join(" AND ")
            );
            let params = [Value::Bytes(new), Value::Bytes(old.sealed)];
            let keys = old.keys.into_iter().map(Value::Text);
            // Results lie in the queues.
            Step::new(sql, params.into_iter().chain(keys).collect()).touching(Touch::Any)
        };
        self.commit_steps(values.into_iter().map(step).collect()).await
    }
}
