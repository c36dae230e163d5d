//! `ordain simulate`.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use ordain_twin::apns::Apns;
use ordain_twin::driver::{Fleet, Identities, Issuer, Keys, MIX, Options, Progress, Proof, Target, Until};
use ordain_twin::twin::Settings;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::address::Address;
use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::fleet::{Account, TOPIC, roots, server_issuer};
use crate::meter::Meter;
use crate::serve::End;
use crate::{output, time};

/// Options of `ordain simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// How many devices, a mix of platforms
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    number: usize,
    /// The same seed makes the same devices
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The CA that certifies the devices; otherwise the server does, asked with an administrator's token
    #[arg(long, value_name = "PEM", requires = "device_ca_key")]
    device_ca: Option<PathBuf>,
    /// The key of that CA
    #[arg(long, value_name = "PEM", requires = "device_ca")]
    device_ca_key: Option<PathBuf>,
    /// Deal out the keys in this directory (*.pem) instead of making a P-256 key for each device
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// How devices show who they are
    #[arg(long, value_enum, default_value_t = ProofBy::Tls)]
    proof: ProofBy,
    /// Where devices check in, when that is not where they ask for commands
    #[arg(long, value_name = "URL")]
    check_in_url: Option<String>,
    /// The push topic that devices enroll with
    #[arg(long, default_value = TOPIC)]
    topic: String,
    /// When it ends
    #[arg(long, value_enum, default_value_t = EndsWhen::Converged)]
    until: EndsWhen,
    /// Give up after this
    #[arg(long, value_name = "SPAN", default_value = "15m", value_parser = time::parse_span)]
    timeout: Duration,
    /// How long a device sleeps between its sessions
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = time::parse_span)]
    poll: Duration,
    /// How long a device gathers changes of status before it reports them; real ones take a minute
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = time::parse_span)]
    gather: Duration,
    /// How many devices hold sessions at once
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    sessions: usize,
    /// Run a push service here too, for a server with its --apns-url; devices then wait for pushes
    #[arg(long, value_name = "ADDR", requires = "apns_dir")]
    apns_listen: Option<SocketAddr>,
    /// Where to write what the server needs for that: url, ca.pem, and push.pem to import
    #[arg(long, value_name = "DIR", requires = "apns_listen")]
    apns_dir: Option<PathBuf>,
    /// With a push service: every so many-th device is switched off once it has converged
    #[arg(long, value_name = "NUMBER", requires = "apns_listen")]
    silent: Option<NonZeroUsize>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProofBy {
    /// By a TLS client certificate
    Tls,
    /// By signing each message: Mdm-Signature
    Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EndsWhen {
    /// When every device has done what it was told, and is told nothing more
    Converged,
    /// When it is interrupted
    Stopped,
}

/// Runs a fleet of twins against a server.
pub(crate) async fn run(mut args: SimulateArgs) -> anyhow::Result<()> {
    // The address of a server, or of its endpoint for devices: both are meant.
    let endpoint = match &mut args.connection.server {
        Some(url) => {
            let (server, endpoint) = Address::of_endpoint(url)?;
            *url = server.to_string();
            Some(endpoint)
        }
        None => None,
    };
    let connection = Connection::find(&args.connection)?;
    let target = Target {
        server_url: endpoint.unwrap_or_else(|| format!("{}/mdm", connection.address)),
        check_in_url: args.check_in_url.clone(),
        roots: roots(&connection),
        proof: match args.proof {
            ProofBy::Tls => Proof::Tls,
            ProofBy::Signature => Proof::Signature,
        },
    };
    let identities = Identities {
        keys: match &args.keys {
            Some(dir) => Keys::pool(dir).await?,
            None => Keys::Fresh,
        },
        issuer: match (&args.device_ca, &args.device_ca_key) {
            (Some(certificate), Some(key)) => authority(certificate, key)?,
            _ => server_issuer(Client::new(&connection)?),
        },
    };
    let apns = match (args.apns_listen, &args.apns_dir) {
        (Some(listen), Some(dir)) => Some(Arc::new(push_service(listen, dir, &args.topic).await?)),
        _ => None,
    };
    let mut end = End::new()?;
    let settings = Settings {
        topic: args.topic.clone(),
        gather: i64::try_from(args.gather.as_secs())?,
    };
    let mut fleet = Fleet::new(args.number, args.seed, MIX, &settings);
    output::note(&format!("{} devices are given identities", args.number));
    tokio::select! {
        equipped = fleet.equip(&identities) => equipped?,
        () = end.asked() => bail!("interrupted before any device set out"),
    }
    output::note(&format!("they enroll with {}", target.server_url));
    let begun = Instant::now();
    let account = watched(&fleet, &target, &args, apns, &mut end).await?;
    if args.output.json {
        output::json(&account)?;
    } else {
        output::text(&format!(
            "{}\nin {:.1} s",
            account.view(),
            begun.elapsed().as_secs_f64()
        ))?;
    }
    let total = account.total;
    if args.until == EndsWhen::Converged && total.converged < total.twins {
        bail!(
            "{} of {} devices have not converged",
            total.twins - total.converged,
            total.twins
        );
    }
    if !account.is_clean() {
        bail!(
            "there were {} errors and {} complaints",
            account.errors,
            account.complaints
        );
    }
    Ok(())
}

/// Runs the fleet until it ends by itself, by a signal, or by its time.
async fn watched(
    fleet: &Fleet,
    target: &Target,
    args: &SimulateArgs,
    apns: Option<Arc<Apns>>,
    end: &mut End,
) -> anyhow::Result<Account> {
    let options = Options {
        sessions: args.sessions,
        poll: args.poll,
        until: match args.until {
            EndsWhen::Converged => Until::Rest,
            EndsWhen::Stopped => Until::Stopped,
        },
        apns,
        silent: args.silent,
    };
    let (stop, stopped) = watch::channel(false);
    let progress = fleet.progress();
    let run = fleet.run(target, &options, &stopped);
    tokio::pin!(run);
    let mut meter = Meter::new(progress.borrow().twins);
    let mut tick = interval(meter.period());
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deadline = Instant::now() + args.timeout;
    let outcome = loop {
        let is_stopped = *stop.borrow();
        tokio::select! {
            outcome = &mut run => break outcome?,
            _ = tick.tick() => {
                let now = *progress.borrow();
                meter.show(now.converged, words(&now));
            }
            () = sleep_until(deadline), if !is_stopped => {
                stop.send_replace(true);
            }
            () = end.asked() => {
                // Whoever asks twice does not want to wait.
                if stop.send_replace(true) {
                    process::exit(1);
                }
            }
        }
    };
    meter.end();
    Ok(Account::of(&outcome))
}

/// A push service, and the files that tell a server of it.
async fn push_service(listen: SocketAddr, dir: &Path, topic: &str) -> anyhow::Result<Apns> {
    let apns = Apns::start_at(listen).await?;
    let write = |name: &str, text: &str| {
        let file = dir.join(name);
        fs::write(&file, text).with_context(|| file.display().to_string())
    };
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    write("url", &apns.url())?;
    write("ca.pem", &apns.authority().certificate().to_pem())?;
    write("push.pem", &apns.push_certificate(topic)?)?;
    output::note(&format!(
        "a push service runs at {}: give the server --apns-url {} --apns-ca {}, and then import {}",
        apns.url(),
        apns.url(),
        dir.join("ca.pem").display(),
        dir.join("push.pem").display()
    ));
    Ok(apns)
}

fn words(progress: &Progress) -> String {
    let Progress {
        twins,
        enrolled,
        converged,
        errors,
        complaints,
        ..
    } = progress;
    let trouble = match (errors, complaints) {
        (0, 0) => String::new(),
        _ => format!(", {errors} errors, {complaints} complaints"),
    };
    format!("{enrolled} of {twins} enrolled, {converged} converged{trouble}")
}

fn authority(certificate: &Path, key: &Path) -> anyhow::Result<Issuer> {
    let read = |file: &Path| fs::read_to_string(file).with_context(|| file.display().to_string());
    Issuer::authority(&read(certificate)?, &read(key)?)
        .with_context(|| format!("{} with {}", certificate.display(), key.display()))
}
