//! `cargo run --release -p ordain-bench --bin seed`: enrolls a fleet, as large as one likes.
#![allow(clippy::print_stdout, reason = "this is a program")]

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use ordain_bench::fleet::{Fleet, Plan};
use ordain_bench::{clock, seeding};

/// Enrolls twins into a server of its own until they are converged, and keeps what they show beside its data.
#[derive(Debug, Parser)]
struct Args {
    /// How many devices
    #[arg(long, value_name = "COUNT")]
    devices: usize,
    /// The server's data directory, empty or missing
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The groups to deal the devices out to: by a predicate over their serial numbers
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    audiences: usize,
    /// Let the groups list that many serial numbers instead, and at least those of all devices
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    listed: usize,
    /// A PostgreSQL URL; SQLite in the data directory otherwise
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// A mix of platforms instead of iPhones alone; Macs have a user's channel too
    #[arg(long)]
    mix: bool,
    /// The same seed makes the same devices
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    let plan = Plan {
        devices: args.devices,
        seed: args.seed,
        mix: args.mix,
        audiences: args.audiences,
        listed: args.listed,
        database: args.database,
    };
    std::fs::create_dir_all(&args.data_dir)?;
    let fleet = Arc::new(Fleet::create(&args.data_dir, plan)?);
    let bar = ProgressBar::new(args.devices as u64);
    bar.set_style(ProgressStyle::with_template(
        "{elapsed_precise} [{bar:40}] {pos}/{len} devices, {per_sec}, {eta} to go",
    )?);
    let begin = clock::begin();
    let runtime = tokio::runtime::Runtime::new()?;
    let done = {
        let bar = bar.clone();
        move || bar.inc(1)
    };
    let seeded = runtime.block_on(seeding::seed(fleet, &args.data_dir, runtime.handle(), done))?;
    bar.finish_and_clear();
    let seconds = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate to read")]
    let rate = seeded.devices as f64 / seconds;
    println!(
        "{} devices enrolled and converged with {} requests in {seconds:.1} s: {rate:.0} a second",
        seeded.devices, seeded.requests
    );
    Ok(())
}
