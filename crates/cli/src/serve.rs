//! `ordain serve`.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process;

use clap::Args;
use ordain_server::{Server, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::args::Usage;
use crate::output;
use crate::settings::SettingsArgs;

/// Options of `ordain serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// A TOML file with the same settings by the same names; options and environment come first
    #[arg(long, env = "ORDAIN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Serves until a signal ends it.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let file = args
        .config
        .as_deref()
        .map(SettingsArgs::read)
        .transpose()?
        .unwrap_or_default();
    let settings = args.settings.or(file).settings()?;
    log("info");
    // From here on a signal is heeded, also while the server still starts.
    let mut end = End::new()?;
    let server = tokio::select! {
        started = Server::start(settings) => started.map_err(|error| match error {
            StartError::Setting(why) => Usage(why).into(),
            other => anyhow::Error::new(other),
        })?,
        () = end.asked() => return Ok(()),
    };
    // Whoever waits for the line reads it; that nobody does is no reason not to serve.
    let _ = output::text(server.url());
    end.asked().await;
    tokio::select! {
        () = server.stop() => Ok(()),
        // Whoever asks twice does not want to wait.
        () = end.asked() => process::exit(1),
    }
}

/// Sends the log to standard error: what `RUST_LOG` names, otherwise what is at least at `level`.
pub(crate) fn log(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

/// The signals that ask a process to end.
pub(crate) struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// From now on they do not kill.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
