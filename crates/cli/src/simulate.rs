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
use ordain_server::api::CreatedToken;
use ordain_twin::apns::Apns;
use ordain_twin::driver::{Fleet, Identities, Issuer, Keys, MIX, Options, Proof, Target, Until, windows};
use ordain_twin::twin::Settings;
use ordain_twin::windows::{KeySource, Pc, Way};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::address::Address;
use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::fleet::{Account, Course, Progress, TOPIC, Twins, enrollment_token, revoke, roots, server_issuer};
use crate::meter::Meter;
use crate::serve::End;
use crate::{output, time};

/// Options of `ordain simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// How many devices of Apple, a mix of platforms [default: 50, and none with --windows]
    #[arg(short = 'n', long, value_name = "COUNT")]
    number: Option<usize>,
    /// How many Windows computers, besides
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = parse_windows)]
    windows: usize,
    /// The same seed makes the same devices
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The CA that certifies Apple's devices; otherwise the server does, asked with an administrator's token
    #[arg(long, value_name = "PEM", requires = "device_ca_key")]
    device_ca: Option<PathBuf>,
    /// The key of that CA
    #[arg(long, value_name = "PEM", requires = "device_ca")]
    device_ca_key: Option<PathBuf>,
    /// The enrollment token that Windows computers show; otherwise one is made, with an administrator's token
    #[arg(long, value_name = "FILE", requires = "windows")]
    enrollment_token_file: Option<PathBuf>,
    /// Deal out the keys in this directory (*.pem) instead of making one for each device: P-256, and RSA for Windows
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// How Apple's devices show who they are
    #[arg(long, value_enum, default_value_t = ProofBy::Tls)]
    proof: ProofBy,
    /// Where devices check in, when that is not where they ask for commands
    #[arg(long, value_name = "URL")]
    check_in_url: Option<String>,
    /// The push topic that Apple's devices enroll with
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
    /// How many devices hold sessions at once, of Apple's and of Windows' each
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    sessions: usize,
    /// Run a push service here too, for a server with its --apns-url; Apple's devices then wait for pushes
    #[arg(long, value_name = "ADDR", requires = "apns_dir")]
    apns_listen: Option<SocketAddr>,
    /// Where to write what the server needs for that: url, ca.pem, and push.pem to import
    #[arg(long, value_name = "DIR", requires = "apns_listen")]
    apns_dir: Option<PathBuf>,
    /// With a push service: every so many-th device of Apple is switched off once it has converged
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
    let keys = match &args.keys {
        Some(dir) => Keys::pool(dir).await?,
        None => Keys::Fresh,
    };
    let apns = match (args.apns_listen, &args.apns_dir) {
        (Some(listen), Some(dir)) => Some(Arc::new(push_service(listen, dir, &args.topic).await?)),
        _ => None,
    };
    let mut end = End::new()?;
    let number = args.apple();
    output::note(&match (number, args.windows) {
        (_, 0) => format!("{number} devices are given identities"),
        (0, windows) => format!("{windows} Windows computers are given keys"),
        (_, windows) => {
            format!("{number} devices are given identities, and {windows} Windows computers keys")
        }
    });
    let (apple, source) = tokio::select! {
        equipped = equipped(&args, &connection, keys) => equipped?,
        () = end.asked() => bail!("interrupted before any device set out"),
    };
    let server = connection.address.to_string();
    let token = Token::find(&args, &connection).await?;
    let secret = token.as_ref().map_or("", Token::secret);
    let way = |_: usize, pc: &Pc| Way::new(server.as_str(), format!("{}@example.org", pc.name), secret);
    let windows = windows::Fleet::new(args.windows, args.seed, Default::default(), &source, way);
    let twins = Twins { apple, windows };
    output::note(&format!(
        "they enroll with {}",
        if number == 0 { &server } else { &target.server_url }
    ));
    let begun = Instant::now();
    let course = Course {
        target,
        options: args.options(apns),
        windows_poll: args.poll,
    };
    let account = watched(&twins, &course, args.timeout, &mut end).await;
    let seconds = begun.elapsed().as_secs_f64();
    let told = account.as_ref().map_or(Ok(()), |account| match args.output.json {
        true => output::json(account),
        false => output::text(&format!("{}\nin {seconds:.1} s", account.view())),
    });
    if let Some(token) = &token {
        token.end().await;
    }
    let account = account?;
    told?;
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

impl SimulateArgs {
    /// How many devices of Apple.
    fn apple(&self) -> usize {
        let unless_said = if self.windows == 0 { 50 } else { 0 };
        self.number.unwrap_or(unless_said)
    }

    fn options(&self, apns: Option<Arc<Apns>>) -> Options {
        Options {
            sessions: self.sessions,
            poll: self.poll,
            until: match self.until {
                EndsWhen::Converged => Until::Rest,
                EndsWhen::Stopped => Until::Stopped,
            },
            apns,
            silent: self.silent,
        }
    }
}

/// As many as a token enrolls.
fn parse_windows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 0..=100_000) => Ok(count),
        _ => Err("a number, of at most 100000".to_owned()),
    }
}

/// The enrollment token of Windows computers.
enum Token {
    Given(String),
    /// To be revoked when all have come.
    Made(Box<Client>, CreatedToken),
}

impl Token {
    /// `None` when there are no Windows computers.
    async fn find(args: &SimulateArgs, connection: &Connection) -> anyhow::Result<Option<Self>> {
        Ok(match (args.windows, &args.enrollment_token_file) {
            (0, _) => None,
            (_, Some(file)) => {
                let token = fs::read_to_string(file).with_context(|| file.display().to_string())?;
                Some(Self::Given(token.trim().to_owned()))
            }
            (windows, None) => {
                let client = Client::new(connection)?;
                let token = enrollment_token(&client, windows, args.timeout).await?;
                Some(Self::Made(Box::new(client), token))
            }
        })
    }

    /// Nobody enrolls with it any more, if it was made here. It may be ended by hand where that fails, and would end by itself:
    /// what the twins have come to counts all the same.
    async fn end(&self) {
        let Self::Made(client, token) = self else { return };
        if let Err(error) = revoke(client, token).await {
            output::note(&format!(
                "the enrollment token {} is still valid, since it could not be revoked: {error:#}",
                token.row.id
            ));
        }
    }

    fn secret(&self) -> &str {
        match self {
            Self::Given(token) => token,
            Self::Made(_, created) => &created.token,
        }
    }
}

/// Apple's devices with their identities, and the keys of Windows computers.
async fn equipped(
    args: &SimulateArgs,
    connection: &Connection,
    keys: Keys,
) -> anyhow::Result<(Fleet, Arc<dyn KeySource>)> {
    let settings = Settings {
        topic: args.topic.clone(),
        gather: i64::try_from(args.gather.as_secs())?,
    };
    let source = windows::source(&keys, args.windows).await?;
    let mut apple = Fleet::new(args.apple(), args.seed, MIX, &settings);
    if args.apple() > 0 {
        let issuer = match (&args.device_ca, &args.device_ca_key) {
            (Some(certificate), Some(key)) => authority(certificate, key)?,
            _ => server_issuer(Client::new(connection)?),
        };
        apple.equip(&Identities { keys, issuer }).await?;
    }
    Ok((apple, source))
}

/// Runs the fleet until it ends by itself, by a signal, or by its time.
async fn watched(
    twins: &Twins,
    course: &Course,
    timeout: Duration,
    end: &mut End,
) -> anyhow::Result<Account> {
    let (stop, stopped) = watch::channel(false);
    let run = twins.run(course, &stopped);
    tokio::pin!(run);
    let mut meter = Meter::new(twins.progress().twins);
    let mut tick = interval(meter.period());
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deadline = Instant::now() + timeout;
    let account = loop {
        let is_stopped = *stop.borrow();
        tokio::select! {
            account = &mut run => break account?,
            _ = tick.tick() => {
                let now = twins.progress();
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
    Ok(account)
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
