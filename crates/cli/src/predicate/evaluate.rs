//! `ordain predicate eval` and `ordain predicate explain`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use ordain_catalog::Catalog;
use ordain_catalog::predicate::PredicateSchema;
use ordain_predicate::{Advisory, Dialect, Document, Predicate};

use super::{ExpressionArgs, check};
use crate::args::JsonArgs;
use crate::catalog::source::limited;
use crate::output::{self, Refused};

/// The largest file of facts that is read.
const MAX_FACTS: u64 = 16 << 20;

/// A predicate and what it is evaluated against.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    expression: ExpressionArgs,
    /// What is known of the device, a JSON file: {"status": {…}, "properties": {…}}, where `status` is the tree of a status
    /// report's StatusItems
    #[arg(long, value_name = "FILE")]
    facts: PathBuf,
}

/// Options of `ordain predicate explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    evaluation: EvalArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Tells the outcome, alone on a line.
pub(super) fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let (predicate, facts) = args.read()?;
    output::text(&predicate.evaluate_with_unknown(&facts).to_string())
}

/// Tells the outcome of each part.
pub(super) fn explain(args: &ExplainArgs) -> anyhow::Result<()> {
    let (predicate, facts) = args.evaluation.read()?;
    let explanation = predicate.explain(&facts);
    match args.output.json {
        true => output::json(&explanation),
        false => output::text(&explanation.to_string()),
    }
}

impl EvalArgs {
    /// The predicate and the facts. What publishing would find wrong is remarked, and hinders nothing.
    fn read(&self) -> anyhow::Result<(Predicate, Document)> {
        let facts = self.facts().with_context(|| self.facts.display().to_string())?;
        let text = &self.expression.expression;
        let properties = facts.properties.iter();
        let properties = properties.map(|(key, value)| (key.as_str(), value));
        let schema = PredicateSchema::new(Catalog::builtin()).with_properties(properties, false);
        let verdict = ordain_predicate::check(text, Dialect::Device, &schema, &Advisory::shipped());
        for finding in check::rendered(&verdict.findings, text) {
            output::note(&finding);
        }
        let predicate = verdict.predicate.ok_or(Refused)?;
        Ok((predicate, facts))
    }

    fn facts(&self) -> anyhow::Result<Document> {
        let json = limited(&self.facts, MAX_FACTS)?;
        serde_json::from_slice(&json).context("these are no facts")
    }
}
