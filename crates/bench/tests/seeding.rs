//! Seeded enrollments are enrollments: compared with one that came over the wire, they differ in nothing but values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ordain_bench::fleet::{Fleet, Plan};
use ordain_bench::house::{House, settings};
use ordain_bench::message::{Message, TOPIC};
use ordain_bench::{seeding, steady};
use ordain_catalog::Platform;
use ordain_server::clock;
use ordain_testbed::{Database, connect, databases};
use ordain_twin::Device;
use ordain_twin::driver::{self, Identities, Issuer, Keys, Options, Proof, Roots, Target, Until};
use ordain_twin::twin::Settings;
use serde_json::Value;
use tokio::runtime::Handle;

const SEEDED: usize = 20;

fn plan(database: &Database) -> Plan {
    Plan {
        devices: SEEDED,
        seed: 1,
        mix: false,
        audiences: 1,
        listed: 0,
        database: match database {
            Database::Sqlite(_) => None,
            Database::Postgres(url) => Some(url.clone()),
        },
    }
}

/// A directory for the server, which is where the database is if it is SQLite.
fn directory(database: &Database) -> tempfile::TempDir {
    match database {
        Database::Sqlite(dir) => tempfile::tempdir_in(dir.path()).unwrap(),
        Database::Postgres(_) => tempfile::tempdir().unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seeded_enrollments_differ_in_no_column_from_enrolled_ones() {
    for database in databases().await {
        let dir = directory(&database);
        let fleet = Arc::new(Fleet::create(dir.path(), plan(&database)).unwrap());
        let seeded = seeding::seed(fleet.clone(), dir.path(), &Handle::current(), || ())
            .await
            .unwrap();
        assert_eq!(seeded.devices, SEEDED, "{}", database.name());
        let (wired, twin) = enroll_over_the_wire(dir.path(), &fleet).await;
        let shapes = |udid: String| {
            let (database, path) = (&database, dir.path().join("ordain.db"));
            async move { shapes(database, &path, &udid).await }
        };
        let expected = shapes(wired).await;
        for table in ["claim (", "enrollment (", "identity (", "sighting (", "status ("] {
            let has = expected.iter().any(|row| row.starts_with(table));
            assert!(has, "{table}: {expected:?}");
        }
        assert_eq!(shapes(twin).await, expected, "{}", database.name());
    }
}

/// Enrolls a twin over TLS that is of the same make as a seeded one; both UDIDs.
async fn enroll_over_the_wire(dir: &Path, fleet: &Fleet) -> (String, String) {
    let like = |one: &Device, other: &Device| {
        (one.supervised, one.passcode, one.system) == (other.supervised, other.passcode, other.system)
    };
    let settings = settings(dir, fleet.plan.database.as_deref(), false).unwrap();
    let house = House::open(settings, clock::system(), &Handle::current())
        .await
        .unwrap();
    let pem = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let identities = Identities {
        keys: Keys::Fresh,
        issuer: Issuer::authority(&pem("device-ca.pem"), &pem("device-ca.key")).unwrap(),
    };
    let twin_settings = Settings {
        topic: TOPIC.to_owned(),
        gather: 0,
    };
    let device = Device::new(Platform::Ios, 99, 0);
    let seeded = (0..SEEDED).map(|index| fleet.plan.device(index));
    let seeded = seeded.into_iter().find(|seeded| like(seeded, &device));
    let mut wire = driver::Fleet::new(1, 99, &[Platform::Ios], &twin_settings);
    wire.equip(&identities).await.unwrap();
    let address = house.address().unwrap();
    let target = Target {
        server_url: format!("https://localhost:{}/mdm", address.socket.port()),
        check_in_url: None,
        roots: Roots::Pem(address.ca.unwrap().to_pem().into_bytes()),
        proof: Proof::Tls,
    };
    let options = Options {
        sessions: 1,
        poll: Duration::from_millis(10),
        until: Until::Rest,
        apns: None,
        silent: None,
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let outcome = wire.run(&target, &options, &stopped).await.unwrap();
    assert_eq!(outcome.progress.converged, 1);
    house.close().await.unwrap();
    (device.udid, seeded.expect("a seeded one of the same make").udid)
}

/// The rows of a device in all tables that have any: which columns are null, and the keys in those that hold JSON.
async fn shapes(database: &Database, file: &Path, udid: &str) -> Vec<String> {
    let columns = match database {
        Database::Sqlite(_) => {
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' \
             ORDER BY 1, 2"
        }
        Database::Postgres(_) => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY 1, 2"
        }
    };
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in query(database, file, columns, 2).await {
        if let [Some(table), Some(column)] = row.as_slice() {
            tables.entry(table.clone()).or_default().push(column.clone());
        }
    }
    let mut all = Vec::new();
    for (table, columns) in tables {
        let names = ["enrollment", "device"]
            .iter()
            .find(|name| columns.iter().any(|column| column == *name));
        let Some(name) = names else { continue };
        let texts: Vec<_> = columns
            .iter()
            .map(|column| format!("CAST({column} AS TEXT)"))
            .collect();
        let sql = format!("SELECT {} FROM {table} WHERE {name} = '{udid}'", texts.join(", "));
        for row in query(database, file, &sql, columns.len()).await {
            let shapes = columns.iter().zip(row).map(|(column, value)| {
                let shape = match value.as_deref().map(serde_json::from_str::<Value>) {
                    None => "null".to_owned(),
                    Some(Ok(value @ (Value::Object(_) | Value::Array(_)))) => keys(&value),
                    Some(_) => "text".to_owned(),
                };
                format!("{column}: {shape}")
            });
            all.push(format!("{table} ({})", shapes.collect::<Vec<_>>().join(", ")));
        }
    }
    // A database gives rows in any order.
    all.sort();
    all
}

async fn query(database: &Database, file: &Path, sql: &str, columns: usize) -> Vec<Vec<Option<String>>> {
    match database {
        Database::Sqlite(_) => {
            let connection = rusqlite::Connection::open(file).unwrap();
            let mut statement = connection.prepare(sql).unwrap();
            // What is sealed is no text.
            let text = |row: &rusqlite::Row<'_>, at| {
                let value = row.get_ref(at)?;
                let bytes = value.as_bytes_or_null().unwrap_or_default();
                Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
            };
            let read = |row: &rusqlite::Row<'_>| (0..columns).map(|at| text(row, at)).collect();
            let rows = statement.query_map([], read).unwrap();
            rows.map(Result::unwrap).collect()
        }
        Database::Postgres(url) => {
            let rows = connect(url).await.query(sql, &[]).await.unwrap();
            let read = |row: &tokio_postgres::Row| (0..columns).map(|at| row.get(at)).collect();
            rows.iter().map(read).collect()
        }
    }
}

/// The keys of a JSON value, at all depths.
fn keys(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{key}{}", keys(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(" "))
        }
        Value::Array(elements) => {
            let kinds: BTreeSet<String> = elements.iter().map(keys).collect();
            format!("[{}]", kinds.into_iter().collect::<Vec<_>>().join("|"))
        }
        Value::Null => "?".to_owned(),
        _ => String::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_day_without_a_change_only_sightings_are_written() {
    for database in databases().await {
        let dir = directory(&database);
        let plan = Plan {
            audiences: 3,
            mix: true,
            ..plan(&database)
        };
        let fleet = Arc::new(Fleet::create(dir.path(), plan).unwrap());
        seeding::seed(fleet.clone(), dir.path(), &Handle::current(), || ())
            .await
            .unwrap();
        let rows = "SELECT state FROM enrollment WHERE is_device = 1";
        let rows = query(&database, &dir.path().join("ordain.db"), rows, 1).await;
        assert_eq!(rows.len(), SEEDED);
        let mut sites = BTreeSet::new();
        for row in rows {
            let state: Value = serde_json::from_str(row[0].as_deref().unwrap()).unwrap();
            let member = state["groups"]["member"].as_array().unwrap();
            assert_eq!(member.len(), 1, "{}: each is in one group", database.name());
            sites.insert(member[0].to_string());
        }
        assert_eq!(sites.len(), 3);
        let rose = steady::day(fleet, dir.path(), 2, &Handle::current())
            .await
            .unwrap();
        let written: Vec<_> = rose.keys().filter(|name| name.contains("writes")).collect();
        assert_eq!(
            written,
            ["ordain_writes_total{kind=\"sighting\"}"],
            "{}: {rose:?}",
            database.name()
        );
        assert!(!rose.keys().any(|name| name.starts_with("commands")), "{rose:?}");
    }
}

#[tokio::test]
async fn within_the_process_too_it_takes_the_right_certificate() {
    let database = Database::sqlite();
    let dir = directory(&database);
    let fleet = Arc::new(Fleet::create(dir.path(), plan(&database)).unwrap());
    seeding::seed(fleet.clone(), dir.path(), &Handle::current(), || ())
        .await
        .unwrap();
    let settings = settings(dir.path(), None, false).unwrap();
    let house = House::open(settings, clock::system(), &Handle::current())
        .await
        .unwrap();
    let (own, other) = (fleet.client(0).unwrap(), fleet.client(1).unwrap());
    for (certificate, status) in [
        (Some(&own.certificate), 200),
        (Some(&other.certificate), 403),
        (None, 403),
    ] {
        let message = Message::ddm(&own.ids, "tokens", "DeclarationsToken");
        let answer = house.ask(certificate, message.request().unwrap()).await.unwrap();
        assert_eq!(answer.status, status);
    }
    house.close().await.unwrap();
}
