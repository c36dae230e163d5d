//! PostgreSQL: a pool, and transactions whose statements travel together.

mod group;
mod many;
mod others;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;
use crate::kept::Kept;
use crate::value::{Row, Step, Value};
use others::Others;

/// Connections of one node. A statement holds one only while it runs, but for one that is held to ask for the others.
const CONNECTIONS: usize = 16;
/// How long to wait for a connection, and for an answer: a server that is cut off says nothing at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How each connection plans: once for each statement, whatever its values are, as on SQLite. Plans are kept: to read the
/// whole of a table that is small when one is made would be wrong once it is large, and nothing tells before the
/// statistics do, a minute later. What has no index is read as a whole all the same, and then looks so dear that it would
/// be compiled, which takes longer than to do it.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// The pool.
#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    others: Arc<Others>,
    writers: mpsc::Sender<group::Job>,
}

impl Postgres {
    /// A pool for `url`, as libpq writes it. TLS is used where the server has it, and demanded by `sslmode=require`;
    /// the server's certificate is then checked against the system's roots. What is written is told to `kept`.
    pub(crate) fn open(url: &str, kept: &Arc<Kept>) -> Result<Self, StoreError> {
        let config: tokio_postgres::Config = url
            .parse()
            .map_err(|error| StoreError::Unavailable(format!("the database URL: {error}")))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(config, MakeRustlsConnect::new(tls), recycling);
        let planning = Hook::async_fn(|client, _| {
            Box::pin(async { client.batch_execute(PLANS).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager)
            .post_create(planning)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let others = Arc::new(Others::default());
        let writers = group::start(&pool, kept, &others);
        Ok(Self {
            pool,
            others,
            writers,
        })
    }

    pub(crate) async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let client = client(&self.pool).await?;
        let answer = async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, &references(&params)).await
        };
        let rows = within_patience(answer).await??;
        rows.iter()
            .map(|row| {
                let values = (0..row.len())
                    .map(|column| Ok(row.try_get::<_, Option<Value>>(column)?.unwrap_or(Value::Null)));
                Ok(Row(values.collect::<Result<_, StoreError>>()?))
            })
            .collect()
    }

    /// The era of what is read from now on.
    pub(crate) async fn era(&self) -> Result<u64, StoreError> {
        self.others.era(&self.pool).await
    }

    /// Hands a transaction in and waits for its outcome. A caller that gives up leaves no connection inside of one.
    pub(crate) async fn commit(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.writers.send((steps, reply)).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }

    /// Runs a migration: many statements, alone, before anything else happens. It counts as another's.
    pub(crate) async fn execute_script(&self, sql: &str) -> Result<(), StoreError> {
        Ok(client(&self.pool).await?.batch_execute(sql).await?)
    }
}

async fn client(pool: &Pool) -> Result<Object, StoreError> {
    pool.get()
        .await
        .map_err(|error| StoreError::Unavailable(reason(&error)))
}

fn gone() -> StoreError {
    StoreError::Unavailable("nobody writes to the database any more".into())
}

async fn within_patience<T>(work: impl Future<Output = T>) -> Result<T, StoreError> {
    let late = |_| StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, work).await.map_err(late)
}

fn references(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

type BoxError = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(value) => value.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        <i64 as ToSql>::accepts(ty) || <String as ToSql>::accepts(ty) || <Vec<u8> as ToSql>::accepts(ty)
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        match *ty {
            Type::INT8 => Ok(Self::Integer(i64::from_sql(ty, raw)?)),
            Type::BYTEA => Ok(Self::Bytes(Vec::from_sql(ty, raw)?)),
            _ => Ok(Self::Text(String::from_sql(ty, raw)?)),
        }
    }

    fn accepts(ty: &Type) -> bool {
        <Self as ToSql>::accepts(ty)
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let lost = [
            SqlState::UNIQUE_VIOLATION,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::FOREIGN_KEY_VIOLATION,
            SqlState::DUPLICATE_TABLE,
            SqlState::DUPLICATE_OBJECT,
        ];
        match error.code() {
            Some(code) if lost.contains(code) => Self::Conflict,
            _ => Self::Unavailable(reason(&error)),
        }
    }
}

/// The error with what caused it: the outer one often says no more than "db error".
fn reason(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
