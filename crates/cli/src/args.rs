//! The command line: its commands, and the options that several of them share.

use std::env;
use std::path::PathBuf;

use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use ordain_server::api::Page;

use crate::{
    apply, audit, catalog, command, command_keys, commands, compliance, demo, device, devices,
    enrollment_profile, events, explain, groups, keys, login, migration, predicate, push, push_certificate,
    revisions, serve, simulate, tags, tokens, validate, webhooks, wns,
};

/// Declarative device management: publish what devices should be, and see how far they have got.
#[derive(Debug, Parser)]
#[command(name = "ordain", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What the command line says. Empty variables of the environment count as unset.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let command = Self::command().mut_subcommands(|command| command.mut_args(without_empty_variable));
        let words = command_keys::spelled_out(&command, env::args_os().collect());
        Self::from_arg_matches(&command.try_get_matches_from(words)?)
    }
}

fn without_empty_variable(arg: Arg) -> Arg {
    let value = arg.get_env().and_then(env::var_os);
    match value.is_some_and(|value| value.is_empty()) {
        true => arg.env(None::<&str>),
        false => arg,
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the server.
    Serve(serve::ServeArgs),
    /// Shows it all on this machine: a server, 50 simulated devices of Apple and Windows, a policy and a change of it.
    Demo(demo::DemoArgs),
    /// Runs simulated devices against a server.
    Simulate(simulate::SimulateArgs),
    /// Stores the address of a server and a token for it, for the other commands.
    Login(login::LoginArgs),
    /// Publishes a policy directory.
    Apply(apply::ApplyArgs),
    /// Checks a policy directory, without a server.
    Validate(validate::ValidateArgs),
    /// Shows and compares what Apple devices accept and report, and takes newer schemas of it.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Checks, evaluates and explains predicates, for one device or for all.
    #[command(subcommand)]
    Predicate(predicate::PredicateCommand),
    /// Lists the devices and how far they have got.
    Devices(devices::DevicesArgs),
    /// Counts the devices by platform: as they should be, failed, pending, unknown.
    Compliance(compliance::ComplianceArgs),
    /// Shows all about one device.
    Device(device::DeviceArgs),
    /// Tells why a device has what it has, or one declaration of it, and what is missing.
    Explain(explain::ExplainArgs),
    /// Lets the listed memberships of a device that enrolled anew count again.
    Approve(device::ApproveArgs),
    /// Attaches tags to a device, for groups to ask for.
    Tag(tags::TagArgs),
    /// Takes tags from a device.
    Untag(tags::TagArgs),
    /// Lists the groups; shows who is in one, and of whom that is unknown.
    Groups(groups::GroupsArgs),
    /// Orders a command for a device or for a group.
    #[command(name = "command")]
    Order(command::CommandArgs),
    /// Lists the commands that were ordered, the newest first; shows one, or takes it back.
    Commands(commands::CommandsArgs),
    /// Lists what was published, the newest first; publishes an older revision again.
    Revisions(revisions::RevisionsArgs),
    /// Makes, lists and revokes tokens.
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// Shows how far devices have been told.
    #[command(subcommand)]
    Push(push::PushCommand),
    /// Takes and shows the certificate that devices are pushed with.
    #[command(subcommand)]
    PushCertificate(push_certificate::PushCertificateCommand),
    /// Takes, shows and removes the credentials that Windows devices are pushed with.
    #[command(subcommand)]
    Wns(wns::WnsCommand),
    /// Makes a .mobileconfig that enrolls one Apple device.
    EnrollmentProfile(enrollment_profile::EnrollmentProfileArgs),
    /// Lists what administrators did, the newest first.
    Audit(audit::AuditArgs),
    /// Tells what happened to devices, and with --follow what happens.
    Events(events::EventsArgs),
    /// Sets up, lists and removes receivers of events.
    #[command(subcommand)]
    Webhook(webhooks::WebhookCommand),
    /// Shows and rotates the keys under which secrets are sealed.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Takes over devices from another server.
    #[command(subcommand)]
    Migration(migration::MigrationCommand),
}

/// Which server to talk to, and as whom. What is not given comes from the environment, then from `ordain login`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// The server's address, such as https://mdm.example.org [env: ORDAIN_SERVER]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// A file that holds the token [env: ORDAIN_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Trust only this authority, a PEM file, instead of the system's [env: ORDAIN_CA]
    #[arg(long, value_name = "PEM")]
    pub(crate) ca: Option<PathBuf>,
    /// The data directory of a server on this machine: tells address, token and authority
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How to print.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct JsonArgs {
    /// Print JSON, as the API gives it
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of a command that has no others: which server to ask, and how to print its answer.
#[derive(Debug, Clone, Args)]
pub(crate) struct AskArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    #[command(flatten)]
    pub(crate) output: JsonArgs,
}

/// Which part of a long list, the newest first.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PageArgs {
    /// Only entries with a smaller number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// At most so many [default: 100]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

impl PageArgs {
    /// The same as the API takes it.
    pub(crate) fn page(self) -> Page {
        Page {
            before: self.before,
            limit: self.limit,
        }
    }
}

/// A command that cannot be meant as written, though each word of it can be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
