//! `ordain predicate eval` and `ordain predicate explain`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use ordain_catalog::Catalog;
use ordain_catalog::predicate::PredicateSchema;
use ordain_predicate::{Advisory, Dialect, Document, Predicate};
use ordain_server::api::{PredicateAnswer, PredicateQuestion, PropertiesOf};

use super::{ExpressionArgs, check};
use crate::args::{ConnectionArgs, JsonArgs};
use crate::catalog::source::limited;
use crate::client::{Client, encoded};
use crate::connection::Connection;
use crate::output::{self, Refused};
use crate::table::clean;

/// The largest file of facts that is read.
const MAX_FACTS: u64 = 16 << 20;

/// A predicate and what it is evaluated against.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    expression: ExpressionArgs,
    /// What is known of the device, a JSON file: {"status": {…}, "properties": {…}}, where `status` is the tree of a status
    /// report's StatusItems
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "device",
        conflicts_with = "device"
    )]
    facts: Option<PathBuf>,
    /// The device itself, by its serial number, UDID, or enrollment identifier: what it has reported counts, and what it was
    /// given
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
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
pub(super) async fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let outcome = match (&args.device, &args.facts) {
        (Some(device), _) => args.ask(device).await?.outcome.to_string(),
        (None, Some(facts)) => {
            let (predicate, facts) = args.read(facts)?;
            predicate.evaluate_with_unknown(&facts).to_string()
        }
        (None, None) => return Ok(()),
    };
    output::text(&outcome)
}

/// Tells the outcome of each part.
pub(super) async fn explain(args: &ExplainArgs) -> anyhow::Result<()> {
    let ExplainArgs { evaluation, output } = args;
    match (&evaluation.device, &evaluation.facts) {
        (Some(device), _) => {
            let answer = evaluation.ask(device).await?;
            match output.json {
                true => output::json(&answer),
                false => output::text(&view(&answer)),
            }
        }
        (None, Some(facts)) => {
            let (predicate, facts) = evaluation.read(facts)?;
            let explanation = predicate.explain(&facts);
            match output.json {
                true => output::json(&explanation),
                false => output::text(&explanation.to_string()),
            }
        }
        (None, None) => Ok(()),
    }
}

/// The outcome of each part, why what is missing is, and whose properties these are.
fn view(answer: &PredicateAnswer) -> String {
    let mut lines: Vec<String> = answer.text.lines().map(clean).collect();
    let missing = answer.missing.iter();
    lines.extend(missing.map(|missing| clean(&format!("! {}: {}", missing.fact, missing.why))));
    let whose = answer.properties.map(|whose| match whose {
        PropertiesOf::Pinned => "The properties are those that it was given.",
        PropertiesOf::Wanted => "The properties are those that it should have: it has fetched none yet.",
    });
    lines.extend(whose.map(str::to_owned));
    lines.join("\n")
}

impl EvalArgs {
    /// What the server says of a device. What publishing would find wrong is remarked, and hinders nothing.
    async fn ask(&self, device: &str) -> anyhow::Result<PredicateAnswer> {
        let text = &self.expression.expression;
        self.expression.predicate(Dialect::of(text))?;
        let client = Client::new(&Connection::find(&self.connection)?)?;
        let question = PredicateQuestion {
            predicate: text.clone(),
        };
        let path = format!("devices/{}/predicate", encoded(device));
        let answer: PredicateAnswer = client.post(&path, &question).await?;
        for finding in &answer.findings {
            output::note(finding);
        }
        Ok(answer)
    }

    /// The predicate and the facts. What publishing would find wrong is remarked, and hinders nothing.
    fn read(&self, facts: &Path) -> anyhow::Result<(Predicate, Document)> {
        let facts = document(facts).with_context(|| facts.display().to_string())?;
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
}

fn document(file: &Path) -> anyhow::Result<Document> {
    let json = limited(file, MAX_FACTS)?;
    serde_json::from_slice(&json).context("these are no facts")
}
