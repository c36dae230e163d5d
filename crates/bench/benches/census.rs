//! `cargo bench -p ordain-bench --bench census`: how long `ordain predicate fleet` takes over a seeded fleet on SQLite,
//! against reading and evaluating the status record of each device.
#![allow(clippy::print_stdout, reason = "this is a program")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use axum::body::Body;
use clap::Parser;
use http::Request;
use ordain_bench::fleet::{Fleet, Plan};
use ordain_bench::house::{House, settings};
use ordain_bench::{clock, seeding};
use ordain_model::subject::Subject;
use ordain_predicate::{Dialect, Predicate, Truth, parse};
use ordain_server::api::{FleetAnswer, FleetCounts, FleetQuestion};
use ordain_store::Store;
use tabled::builder::Builder;
use tabled::settings::Style;
use tokio::runtime::Handle;

/// Asks a fleet predicates of scalar items, and reads it record by record.
#[derive(Debug, Parser)]
struct Args {
    /// How many devices; a mix of platforms
    #[arg(long, value_name = "COUNT", default_value_t = 100_000)]
    devices: usize,
    /// How many rounds, of which the median counts
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: usize,
    /// Where the fleet is, or is to be seeded
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PREDICATES: [(&str, &str); 3] = [
    ("one item", "@status(device.model.family) == 'Mac'"),
    (
        "three terms",
        "@device(os.version) >= '26.1' AND @status(passcode.is-present) == TRUE AND @status(device.model.family) != 'Mac'",
    ),
    (
        "by serial number",
        "@device(serial) BEGINSWITH 'C' AND @status(passcode.is-present) == TRUE",
    ),
];
const STRETCH: u32 = 1_000;

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(&args))
}

async fn run(args: &Args) -> Result<()> {
    let made = tempfile::tempdir()?;
    let dir = args.data_dir.as_deref().unwrap_or(made.path());
    let threads = Handle::current();
    if !dir.join("fleet.json").exists() {
        std::fs::create_dir_all(dir)?;
        let plan = Plan {
            devices: args.devices,
            seed: 1,
            mix: true,
            audiences: 1,
            listed: 0,
            database: None,
        };
        let begin = clock::begin();
        let seeded = seeding::seed(Arc::new(Fleet::create(dir, plan)?), dir, &threads, || ()).await?;
        println!(
            "{} devices seeded in {:.0} s\n",
            seeded.devices,
            begin.elapsed().as_secs_f64()
        );
    }
    let house = House::open(
        settings(dir, None, false)?,
        ordain_server::clock::system(),
        &threads,
    )
    .await?;
    let result = measure(&house, dir, args.rounds.max(1)).await;
    house.close().await?;
    result
}

async fn measure(house: &House, dir: &Path, rounds: usize) -> Result<()> {
    let store = Store::sqlite(&dir.join("ordain.db")).await?;
    let mut table = Builder::new();
    table.push_record([
        "",
        "true",
        "false",
        "unknown",
        "first s",
        "s",
        "by records s",
        "times",
    ]);
    for (name, text) in PREDICATES {
        let predicate = parse(text, Dialect::Server)?;
        let (mut first, mut taken, mut baseline) = (None, Vec::new(), Vec::new());
        let mut counts = FleetCounts::default();
        for _ in 0..rounds {
            let begin = clock::begin();
            counts = asked(house, text).await?;
            let seconds = begin.elapsed().as_secs_f64();
            first.get_or_insert(seconds);
            taken.push(seconds);
            let begin = clock::begin();
            let read = by_records(&store, &predicate).await?;
            baseline.push(begin.elapsed().as_secs_f64());
            ensure!(read == counts, "{name}: {read:?} by the records, {counts:?} else");
        }
        let (seconds, records) = (median(taken), median(baseline));
        table.push_record([
            name.to_owned(),
            counts.holds.to_string(),
            counts.fails.to_string(),
            counts.unknown.to_string(),
            format!("{:.2}", first.unwrap_or_default()),
            format!("{seconds:.2}"),
            format!("{records:.1}"),
            format!("{:.0}", records / seconds),
        ]);
    }
    println!("{}", table.build().with(Style::markdown()));
    Ok(())
}

/// As the command does it, up to the last stretch.
async fn asked(house: &House, text: &str) -> Result<FleetCounts> {
    let mut counts = FleetCounts::default();
    let mut question = FleetQuestion {
        predicate: text.to_owned(),
        outcome: None,
        after: None,
        limit: Some(0),
    };
    loop {
        let request = Request::post("/api/v1/predicate/fleet")
            .header("authorization", format!("Bearer {}", house.token()))
            .header("content-type", "application/json")
            .body(Body::from(serde_json::to_vec(&question)?))?;
        let answer = house.ask(None, request).await?;
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer: FleetAnswer = serde_json::from_slice(&answer.body)?;
        counts.holds += answer.counts.holds;
        counts.fails += answer.counts.fails;
        counts.unknown += answer.counts.unknown;
        match answer.next {
            Some(next) => question.after = Some(next),
            None => return Ok(counts),
        }
    }
}

/// The row and the record of each device.
async fn by_records(store: &Store, predicate: &Predicate) -> Result<FleetCounts> {
    let mut counts = FleetCounts::default();
    let mut after = None;
    loop {
        let stretch = store.devices(after.as_ref(), STRETCH).await?;
        let Some(last) = stretch.last() else {
            return Ok(counts);
        };
        after = Some(last.device.enrollment.id.clone());
        for row in &stretch {
            let record = store.said(&row.device.enrollment.id).await?;
            *match predicate.evaluate_with_unknown(&Subject::new(&row.device.enrollment, &record.items)) {
                Truth::True => &mut counts.holds,
                Truth::False => &mut counts.fails,
                Truth::Unknown => &mut counts.unknown,
            } += 1;
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
