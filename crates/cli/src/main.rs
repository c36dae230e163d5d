//! The `ordain` command.
#![allow(rustdoc::bare_urls, reason = "the comments of arguments are their help texts")]

mod address;
mod apply;
mod args;
mod audit;
mod catalog;
mod channel;
mod client;
mod command;
mod command_keys;
mod commands;
mod compliance;
mod connection;
mod demo;
mod device;
mod devices;
mod directory;
mod documents;
mod enrollment_profile;
mod events;
mod example;
mod explain;
mod fleet;
mod groups;
mod inventory;
mod keys;
mod limits;
mod login;
mod meter;
mod migration;
mod output;
mod predicate;
mod push;
mod push_certificate;
mod revisions;
mod serve;
mod settings;
mod simulate;
mod table;
mod tags;
mod time;
mod tls;
mod tokens;
mod validate;
mod webhooks;
mod wns;

use std::process::ExitCode;

use crate::args::{Cli, Command, Usage};
use crate::output::{Different, ReaderGone, Refused};

/// Two things that were compared differ.
const DIFFERENCES: u8 = 2;
/// A command that does not make sense as written; clap would say 2.
const USAGE: u8 = 64;

/// A server under load allocates on every thread, and so do thousands of twins.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.exit_code() == 0 { 0 } else { USAGE };
            // Nothing is left to be done when help cannot be shown.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ReaderGone>() => ExitCode::SUCCESS,
        Err(error) if error.is::<Refused>() => ExitCode::FAILURE,
        Err(error) if error.is::<Different>() => ExitCode::from(DIFFERENCES),
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            ExitCode::from(if error.is::<Usage>() { USAGE } else { 1 })
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    limits::raise_open_files();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Login(args) => login::run(args).await,
            Command::Apply(args) => apply::run(args).await,
            Command::Validate(args) => validate::run(args).await,
            Command::Catalog(command) => catalog::run(command).await,
            Command::Predicate(command) => predicate::run(command).await,
            Command::Devices(args) => devices::run(args).await,
            Command::Compliance(args) => compliance::run(args).await,
            Command::Device(args) => device::run(args).await,
            Command::Explain(args) => explain::run(args).await,
            Command::Approve(args) => device::approve(args).await,
            Command::Tag(args) => tags::tag(args).await,
            Command::Untag(args) => tags::untag(args).await,
            Command::Groups(args) => groups::run(args).await,
            Command::Order(args) => command::run(args).await,
            Command::Commands(args) => commands::run(args).await,
            Command::Revisions(args) => revisions::run(args).await,
            Command::Token(command) => tokens::run(command).await,
            Command::Push(command) => push::run(command).await,
            Command::PushCertificate(command) => push_certificate::run(command).await,
            Command::Wns(command) => wns::run(command).await,
            Command::EnrollmentProfile(args) => enrollment_profile::run(args).await,
            Command::Audit(args) => audit::run(args).await,
            Command::Events(args) => events::run(args).await,
            Command::Webhook(command) => webhooks::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Migration(command) => migration::run(command).await,
        }
    })
}
