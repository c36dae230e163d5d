//! A PostgreSQL server made of the system's binaries, which lives no longer than the process that started it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio_postgres::{Client, NoTls};

/// What `postgres.sh` exits with when there is no PostgreSQL.
const NONE_HERE: Option<i32> = Some(3);

/// A server for tests: its files are temporary, it does not sync them (a [durable](Postgres::durable) one does), and
/// it trusts whoever connects from here.
///
/// A shell script keeps it, and ends it when its standard input closes. The kernel closes that with this process,
/// whether it returns, panics, or is killed.
pub struct Postgres {
    keeper: Mutex<Child>,
    /// As URLs name it.
    host: String,
    port: u16,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts one; takes about two seconds. `None` when this machine has no PostgreSQL.
    ///
    /// # Panics
    /// When there is one that does not start, and when there is none although `ORDAIN_REQUIRE_POSTGRES` is `1`.
    pub fn start() -> Option<Self> {
        Self::of("")
    }

    /// One with PostgreSQL's defaults: what it has acknowledged is on the disk, and who is on the same machine comes by its
    /// Unix socket. For measuring.
    ///
    /// # Panics
    /// As [`Postgres::start`] does.
    pub fn durable() -> Option<Self> {
        Self::of("durable")
    }

    fn of(durability: &str) -> Option<Self> {
        let is_required = std::env::var_os("ORDAIN_REQUIRE_POSTGRES").is_some_and(|value| value == "1");
        let server = Self::try_start(durability).or_else(|complaint| {
            // Somebody else may have taken the port between its choice and its use.
            eprintln!("PostgreSQL did not start, trying once more: {complaint}");
            Self::try_start(durability)
        });
        let server = server.unwrap_or_else(|complaint| panic!("PostgreSQL does not start: {complaint}"));
        assert!(
            server.is_some() || !is_required,
            "ORDAIN_REQUIRE_POSTGRES=1, and this machine has no PostgreSQL"
        );
        server
    }

    fn try_start(durability: &str) -> Result<Option<Self>, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(text)?
            .port();
        let mut keeper = Command::new("sh")
            .args([
                concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres.sh"),
                &port.to_string(),
                durability,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(text)?;
        let mut ready = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut ready).map_err(text)?;
        }
        if !ready.is_empty() {
            let host = match durability {
                "" => "127.0.0.1".to_owned(),
                _ => ready.trim_end().replace('/', "%2F"),
            };
            return Ok(Some(Self {
                keeper: Mutex::new(keeper),
                host,
                port,
                databases: AtomicU32::new(0),
            }));
        }
        let mut complaint = String::new();
        if let Some(mut stderr) = keeper.stderr.take() {
            stderr.read_to_string(&mut complaint).map_err(text)?;
        }
        if keeper.wait().map_err(text)?.code() == NONE_HERE {
            Ok(None)
        } else {
            Err(complaint)
        }
    }

    /// The URL of a database of its own, fresh and empty.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let admin = connect(&self.url("postgres")).await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("a database for a test");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}:{}/{database}", self.host, self.port)
    }

    /// Ends the server at once, as a crash would.
    pub fn stop(&self) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        drop(keeper.stdin.take());
        keeper.wait().expect("the keeper of PostgreSQL ends");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A connection of one's own to `url`, for what the store's API does not do.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("PostgreSQL answers");
    // It ends with the client; what broke it, the client says as well.
    tokio::spawn(async move { drop(connection.await) });
    client
}

/// The URL of an empty database on the server of this test process, which the first caller starts. `None`, and said
/// once on standard error, when this machine has no PostgreSQL.
pub async fn postgres_url() -> Option<String> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let server = Postgres::start();
        if server.is_none() {
            // Not `eprintln`, which the test harness keeps to itself while tests pass.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no PostgreSQL on this machine, nothing is tested on it"
            );
        }
        server
    });
    match server {
        Some(server) => Some(server.database().await),
        None => None,
    }
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}
