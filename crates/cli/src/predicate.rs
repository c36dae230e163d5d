//! `ordain predicate`.

mod check;
mod evaluate;
mod fleet;
mod items;

use clap::{Args, Subcommand};
use ordain_predicate::{Dialect, ParseError, Predicate, parse};

use crate::output::{self, Refused};

/// The commands about predicates, with which devices decide what is in force.
#[derive(Debug, Subcommand)]
pub(crate) enum PredicateCommand {
    /// Tells whether a predicate can be published, and what is wrong with it
    Check(check::CheckArgs),
    /// Tells what a predicate comes to: true, false or unknown
    Eval(evaluate::EvalArgs),
    /// Tells why a predicate comes to what it does, term by term
    Explain(evaluate::ExplainArgs),
    /// Tells for which devices of the fleet a predicate is true, false or unknown
    Fleet(fleet::FleetArgs),
    /// Prints a predicate in canonical form
    Fmt(ExpressionArgs),
    /// Lists the status items that predicates can name, with their types
    Items(items::ItemsArgs),
}

/// The predicate.
#[derive(Debug, Args)]
pub(crate) struct ExpressionArgs {
    /// The predicate, such as "@status(device.model.family) == 'Mac'"
    #[arg(value_name = "EXPR")]
    expression: String,
}

/// Does it.
pub(crate) async fn run(command: PredicateCommand) -> anyhow::Result<()> {
    match command {
        PredicateCommand::Check(args) => check::run(&args),
        PredicateCommand::Eval(args) => evaluate::run(&args).await,
        PredicateCommand::Explain(args) => evaluate::explain(&args).await,
        PredicateCommand::Fleet(args) => fleet::run(args).await,
        PredicateCommand::Fmt(args) => output::text(&args.predicate(Dialect::Device)?.to_string()),
        PredicateCommand::Items(args) => items::run(&args),
    }
}

impl ExpressionArgs {
    /// What was meant, or why it is no predicate, which is remarked.
    fn predicate(&self, dialect: Dialect) -> anyhow::Result<Predicate> {
        parse(&self.expression, dialect).map_err(|error: ParseError| {
            output::note(&error.render(&self.expression));
            Refused.into()
        })
    }
}
