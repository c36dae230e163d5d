//! `cargo run --release -p ordain-bench --bin fleet`: what a server does with the data of a seeded fleet.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use ordain_bench::fleet::Fleet;
use ordain_bench::house::settings;
use ordain_bench::trial::{Ready, Trial};
use ordain_bench::{clock, steady};
use ordain_server::Server;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Serves a fleet that was seeded, and says how the server and the devices fare. The steady day comes before changes.
#[derive(Debug, Parser)]
struct Args {
    /// The data directory that was seeded
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Let a day go by on which nothing changes, and show the counters that rose
    #[arg(long)]
    steady: bool,
    /// How often a device asks for work on that day
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    polls: usize,
    /// Start cold, apply a change to all, and let some devices hold a whole sync
    #[arg(long)]
    verify: bool,
    /// How many devices that are, picked at random
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    sample: usize,
    /// Apply a change, kill the server, start it, and let so many devices come back at once
    #[arg(long, value_name = "COUNT")]
    storm: Option<usize>,
    /// Serve until standard input ends: what the trials start
    #[arg(long, hide = true)]
    serve: bool,
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    if args.serve {
        return runtime.block_on(serve(&args));
    }
    // A storm has a connection for each device.
    let limits = getrlimit(Resource::Nofile);
    let limits = Rlimit {
        current: limits.maximum,
        ..limits
    };
    setrlimit(Resource::Nofile, limits)?;
    runtime.block_on(run(&args))
}

async fn serve(args: &Args) -> Result<()> {
    let fleet: ordain_bench::fleet::Plan =
        serde_json::from_slice(&std::fs::read(args.data_dir.join("fleet.json"))?)?;
    let settings = settings(&args.data_dir, fleet.database.as_deref(), false)?;
    let server = Server::start(settings).await?;
    let ready = Ready {
        url: server.url().to_owned(),
        ca: server.ca().map(Into::into),
    };
    println!("{}", serde_json::to_string(&ready)?);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    server.stop().await;
    Ok(())
}

async fn run(args: &Args) -> Result<()> {
    let fleet = Arc::new(Fleet::open(&args.data_dir)?);
    let devices = fleet.plan.devices;
    println!("{devices} devices, {} audiences", fleet.plan.audiences);
    if args.steady {
        let begin = clock::begin();
        let handle = tokio::runtime::Handle::current();
        let rose = steady::day(fleet.clone(), &args.data_dir, args.polls, &handle).await?;
        let seconds = begin.elapsed().as_secs_f64();
        println!("a steady day with {} polls each, in {seconds:.1} s:", args.polls);
        for (name, value) in rose {
            println!("  {name} {value}");
        }
    }
    if args.verify {
        let trial = start(args, &fleet).await?;
        say_memory("after the start", &trial)?;
        apply(&trial).await?;
        say_memory("after the change", &trial)?;
        let begin = clock::begin();
        let held = trial.sync(args.sample, 64).await?;
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "whole syncs by {} devices in {seconds:.1} s: {held:?}",
            args.sample.min(devices)
        );
        say_memory("after the syncs", &trial)?;
    }
    if let Some(count) = args.storm {
        let trial = start(args, &fleet).await?;
        apply(&trial).await?;
        trial.kill()?;
        let trial = start(args, &fleet).await?;
        let begin = clock::begin();
        let held = trial.sync(count, count).await?;
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "a storm of {} devices at once, converged in {seconds:.1} s: {held:?}",
            count.min(devices)
        );
        say_memory("after the storm", &trial)?;
    }
    Ok(())
}

async fn start(args: &Args, fleet: &Arc<Fleet>) -> Result<Trial> {
    let mut program = Command::new(std::env::current_exe()?);
    program.arg("--serve").arg("--data-dir").arg(&args.data_dir);
    let trial = Trial::start(&mut program, &args.data_dir, fleet.clone()).await;
    let trial = trial.context("the server")?;
    println!("cold start to ready: {:.2} s", trial.cold_start);
    Ok(trial)
}

async fn apply(trial: &Trial) -> Result<()> {
    let applied = trial.apply().await?;
    println!(
        "apply of a change to all: {:.0} ms, for a policy of {} KiB",
        applied.seconds * 1000.0,
        applied.policy / 1024
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a size to read")]
fn say_memory(when: &str, trial: &Trial) -> Result<()> {
    let (now, most) = trial.memory()?;
    let mib = |octets: u64| octets as f64 / f64::from(1 << 20);
    println!("memory {when}: {:.0} MiB, at most {:.0} MiB", mib(now), mib(most));
    Ok(())
}
