//! `ordain predicate check`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use ordain_catalog::predicate::{PredicateSchema, Recipients};
use ordain_catalog::validate::DeviceKind;
use ordain_catalog::{Catalog, OsBuild, OsVersion, Platform, Scope};
use ordain_predicate::{Advisory, Dialect, Finding, Severity, Verdict};
use serde::Serialize;

use super::ExpressionArgs;
use crate::args::JsonArgs;
use crate::catalog::source::limited;
use crate::output::{self, Refused};
use crate::validate::counted;

/// The largest file of advisories that is read.
const MAX_ADVISORY: u64 = 1 << 20;

/// Options of `ordain predicate check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    expression: ExpressionArgs,
    /// The platform that it is for: iOS, iPadOS, macOS, tvOS, visionOS or watchOS
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// The version of the platform, such as 26.5
    #[arg(long, value_name = "VERSION", requires = "platform")]
    os: Option<OsVersion>,
    /// The build of that version, such as 25F71
    #[arg(long, value_name = "BUILD", requires = "os")]
    build: Option<OsBuild>,
    /// What is known to harm systems beside what Ordain knows: files such as a policy has in advisories/
    #[arg(long, value_name = "FILE", num_args = 1..)]
    advisories: Vec<PathBuf>,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Serialize)]
struct Outcome<'a> {
    publishable: bool,
    /// The predicate in canonical form; none when the text is none.
    canonical: Option<String>,
    findings: &'a [Finding],
}

/// Checks as publishing does. Which properties a policy defines is not known here.
pub(super) fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let text = &args.expression.expression;
    let mut schema = PredicateSchema::new(Catalog::builtin());
    if let Some(platform) = args.platform {
        let on = |scope: &Scope| DeviceKind {
            platform,
            os_version: args.os,
            enrollment: None,
            scope: *scope,
            build: args.build,
        };
        schema.aim(Recipients {
            named: Scope::ALL.iter().map(on).collect(),
            ..Recipients::default()
        });
    }
    let mut advisories = Advisory::shipped();
    advisories.extend(args.advisories()?);
    let verdict = ordain_predicate::check(text, Dialect::Device, &schema, &advisories);
    if args.output.json {
        output::json(&Outcome {
            publishable: verdict.is_publishable(),
            canonical: verdict.predicate.as_ref().map(ToString::to_string),
            findings: &verdict.findings,
        })?;
    } else {
        output::text(&shown(&verdict, text))?;
    }
    match verdict.is_publishable() {
        true => Ok(()),
        false => Err(Refused.into()),
    }
}

impl CheckArgs {
    /// Those of the files. What is wrong with them is remarked.
    fn advisories(&self) -> anyhow::Result<Vec<Advisory>> {
        let files = self.advisories.iter().map(|path| {
            let name = path.display().to_string();
            let content = limited(path, MAX_ADVISORY).with_context(|| name.clone())?;
            Ok((name, content))
        });
        let files: Vec<(String, Vec<u8>)> = files.collect::<anyhow::Result<_>>()?;
        ordain_policy::read_advisories(&files).map_err(|problems| {
            problems
                .iter()
                .for_each(|problem| output::note(&problem.to_string()));
            Refused.into()
        })
    }
}

fn shown(verdict: &Verdict, text: &str) -> String {
    let mut parts = rendered(&verdict.findings, text);
    let count = |severity| {
        let findings = verdict.findings.iter();
        findings.filter(|finding| finding.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    parts.push(match (errors, warnings) {
        (0, 0) => "publishable: nothing is wrong".to_owned(),
        (0, warnings) => format!("publishable: {}", counted(warnings, "warning")),
        (errors, 0) => format!("not publishable: {}", counted(errors, "error")),
        (errors, warnings) => {
            let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
            format!("not publishable: {errors}, {warnings}")
        }
    });
    parts.join("\n\n")
}

/// Each finding with the place in the text.
pub(super) fn rendered(findings: &[Finding], text: &str) -> Vec<String> {
    findings.iter().map(|finding| finding.render(text)).collect()
}
