//! Every measurement, small: that each answer was right, not how fast. The measurements themselves check statuses,
//! contents, and how many reports were written.

use ordain_bench::ratios::{Database, Options, measure};
use tokio::runtime::Runtime;

/// By the rows of a database, what was measured on it.
fn measured(database: Database) -> Option<Vec<&'static str>> {
    let (server, load) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let rows = load
        .block_on(measure(database, &Options::quick(), server.handle(), &|_| ()))
        .unwrap()?;
    assert!(rows.iter().all(|row| row.ordain > 0.0));
    Some(rows.into_iter().map(|row| row.name).collect())
}

const ALL: [&str; 13] = [
    "commit limit",
    "memory before",
    "tokens by TLS",
    "idle polls",
    "reports, unchanged",
    "reports, changed",
    "whole syncs",
    "apply",
    "tokens by proxy header",
    "tokens by signature",
    "enrollments",
    "Windows sessions",
    "memory after",
];

#[test]
fn everything_is_measured_on_sqlite() {
    assert_eq!(measured(Database::Sqlite).unwrap(), ALL);
}

#[test]
fn everything_is_measured_on_postgresql() {
    let Some(names) = measured(Database::Postgres) else {
        return;
    };
    assert_eq!(names, ALL);
}
