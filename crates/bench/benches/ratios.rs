//! `cargo bench -p ordain-bench`: the server's ratios against a do-nothing handler on the same stack.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

use anyhow::Result;
use clap::{Parser, ValueEnum};
use ordain_bench::machine::Machine;
use ordain_bench::ratios::{self, Database, Options, Row};
use serde_json::json;
use tabled::builder::Builder;
use tabled::settings::Style;

/// Measures the server against a do-nothing handler on the same HTTP stack with the same bodies.
#[derive(Debug, Parser)]
struct Args {
    /// Some 50 requests of each kind, to see that everything works
    #[arg(long)]
    quick: bool,
    /// Only the measurements whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Only on this database
    #[arg(long, value_enum)]
    database: Option<DatabaseArg>,
    /// How many devices there are: each has a connection, and a request under way all the time
    #[arg(long, value_name = "COUNT")]
    devices: Option<usize>,
    /// How many rounds, of which the median counts
    #[arg(long, value_name = "COUNT")]
    rounds: Option<usize>,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the table as docs/benchmarks.md has it
    #[arg(long)]
    markdown: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DatabaseArg {
    Sqlite,
    Postgres,
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    let mut options = if args.quick {
        Options::quick()
    } else {
        Options::full()
    };
    options.only = args.only.clone();
    options.devices = args.devices.unwrap_or(options.devices).max(1);
    options.rounds = args.rounds.unwrap_or(options.rounds).max(1);
    // The server has threads of its own, as it has alone; the load has others.
    let server = tokio::runtime::Runtime::new()?;
    let load = tokio::runtime::Runtime::new()?;
    load.block_on(run(&args, &options, server.handle()))
}

async fn run(args: &Args, options: &Options, server: &tokio::runtime::Handle) -> Result<()> {
    let dir = std::env::temp_dir();
    if !ratios::is_on_disk(&dir)? {
        eprintln!(
            "{} is in memory: nothing is durable there; set TMPDIR",
            dir.display()
        );
    }
    let machine = Machine::look(&dir)?;
    let mut rows = Vec::new();
    for (database, arg) in [
        (Database::Sqlite, DatabaseArg::Sqlite),
        (Database::Postgres, DatabaseArg::Postgres),
    ] {
        if args.database.is_some_and(|only| only != arg) {
            continue;
        }
        match ratios::measure(database, options, server, &|what| eprintln!("{what}")).await? {
            Some(more) => rows.extend(more),
            None => eprintln!("SKIPPED: no {} on this machine", database.name()),
        }
    }
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&json!({"machine": machine, "rows": rows}))?
        );
        return Ok(());
    }
    let Machine {
        processor,
        cores,
        commit,
        syncs_per_second,
    } = &machine;
    println!("{processor}, {cores} cores; {syncs_per_second:.0} fdatasync/s; commit {commit}\n");
    println!("{}", table(&rows, args.markdown));
    Ok(())
}

fn table(rows: &[Row], markdown: bool) -> String {
    let mut builder = Builder::default();
    builder.push_record(["database", "", "do nothing", "Ordain", "", "ratio", "goal"]);
    for row in rows {
        let rate = |value: f64| {
            if value < 100.0 {
                format!("{value:.1}")
            } else {
                format!("{value:.0}")
            }
        };
        let unit = if row.unit == "MiB" {
            row.unit.to_owned()
        } else {
            format!("{}/s", row.unit)
        };
        builder.push_record([
            row.database.to_owned(),
            row.name.to_owned(),
            row.nothing.map(rate).unwrap_or_default(),
            rate(row.ordain),
            unit,
            row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            row.goal.clone().unwrap_or_default(),
        ]);
    }
    let mut table = builder.build();
    if markdown {
        table.with(Style::markdown());
    } else {
        table.with(Style::rounded());
    }
    table.to_string()
}
