//! `ordain catalog`.

mod difference;
mod import;
mod list;
mod record;
mod show;
pub(crate) mod source;
mod status;
mod windows;

use clap::Subcommand;

use crate::args::AskArgs;

/// The commands about the catalog: what Apple devices accept and report, by platform and version, and what Windows devices
/// take.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Tells which catalog is in force, and how much it knows
    Status(status::StatusArgs),
    /// Lists what the catalog knows
    List(list::ListArgs),
    /// Shows a type: its keys, and who can take it
    Show(show::ShowArgs),
    /// Prints a minimal declaration of a type
    Example(show::ExampleArgs),
    /// Tells what differs between two catalogs; exits with 2 if anything does
    Diff(difference::DiffArgs),
    /// Puts another catalog in force on a server, such as a newer checkout of Apple's schema
    Import(import::ImportArgs),
    /// Puts the catalog in force again that came with the server
    Reset(AskArgs),
}

/// Does it.
pub(crate) async fn run(command: CatalogCommand) -> anyhow::Result<()> {
    match command {
        CatalogCommand::Status(args) => status::run(args).await,
        CatalogCommand::List(args) => list::run(args).await,
        CatalogCommand::Show(args) => show::run(args).await,
        CatalogCommand::Example(args) => show::example(args).await,
        CatalogCommand::Diff(args) => difference::run(args).await,
        CatalogCommand::Import(args) => import::import(args).await,
        CatalogCommand::Reset(args) => import::reset(args).await,
    }
}
