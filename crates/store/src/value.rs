//! What goes into SQL and comes out of it: three types, which both databases have.

use std::borrow::Cow;

use crate::StoreError;
use crate::kept::Touch;

/// One value. Everything of ours is a whole number, a text, or bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        // Generations and revisions count events; 2^63 of them do not happen.
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    fn get(&self, column: usize) -> Result<&Value, StoreError> {
        self.0
            .get(column)
            .ok_or_else(|| StoreError::Corrupt(format!("no column {column} in a row")))
    }

    pub(crate) fn integer(&self, column: usize) -> Result<i64, StoreError> {
        self.optional_integer(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.get(column)? {
            Value::Null => Ok(None),
            Value::Integer(value) => Ok(Some(*value)),
            _ => Err(missing(column)),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.optional_text(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.get(column)? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            _ => Err(missing(column)),
        }
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        self.optional_bytes(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn optional_bytes(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self.get(column)? {
            Value::Null => Ok(None),
            Value::Bytes(value) => Ok(Some(value)),
            _ => Err(missing(column)),
        }
    }

    /// A text that has a form of its own: a digest, an identifier, JSON.
    pub(crate) fn parse<T: std::str::FromStr>(&self, column: usize) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| missing(column))
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.text(column)?)
            .map_err(|error| StoreError::Corrupt(format!("column {column}: {error}")))
    }
}

fn missing(column: usize) -> StoreError {
    StoreError::Corrupt(format!("column {column} is not of its type"))
}

/// One statement of a transaction.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<Value>,
    /// When set, the transaction is lost unless exactly so many rows were written.
    pub(crate) rows: Option<u64>,
    /// What it changes of the rows and queues of channels.
    pub(crate) touches: Option<Touch>,
    /// Whether `$1` says what it is about: see [`Step::keyed`].
    pub(crate) is_keyed: bool,
}

impl Step {
    /// A statement that may write any number of rows.
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        Self {
            sql: sql.into(),
            params,
            rows: None,
            touches: None,
            is_keyed: false,
        }
    }

    /// Whether it says what it touches, if it writes rows or queues of channels and does not merely lock them.
    pub(crate) fn is_told(&self) -> bool {
        let writes = [
            "UPDATE enrollment ",
            "INTO enrollment ",
            "DELETE FROM enrollment ",
            "UPDATE delivery ",
            "INTO delivery ",
            "DELETE FROM delivery ",
        ];
        let locks = ["SET version = version WHERE", "SET generation = generation WHERE"];
        let has = |parts: &[&str]| parts.iter().any(|part| self.sql.contains(part));
        self.touches.is_some() || !has(&writes) || has(&locks)
    }

    /// The same, which changes something of a channel or of its queue.
    pub(crate) fn touching(self, touch: Touch) -> Self {
        Self {
            touches: Some(touch),
            ..self
        }
    }

    /// The same, whose `$1` says what it is about: whatever it reads or writes, no keyed statement with another `$1` does.
    /// PostgreSQL may be sent many such of the same SQL as one (`postgres/many.rs`).
    pub(crate) fn keyed(self) -> Self {
        Self {
            is_keyed: true,
            ..self
        }
    }

    /// What it is about, if it [says so](Step::keyed).
    pub(crate) fn key(&self) -> Option<&Value> {
        self.params.first().filter(|_| self.is_keyed)
    }

    /// A statement that must write one row, or somebody else was faster.
    pub(crate) fn one(sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        Self {
            rows: Some(1),
            ..Self::new(sql, params)
        }
    }
}
