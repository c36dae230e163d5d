//! `ordain predicate check`.

use clap::Args;
use ordain_catalog::predicate::{PredicateSchema, Recipients};
use ordain_catalog::validate::DeviceKind;
use ordain_catalog::{Catalog, OsVersion, Platform, Scope};
use ordain_predicate::{Advisory, Dialect, Finding, Severity, Verdict};
use serde::Serialize;

use super::ExpressionArgs;
use crate::args::JsonArgs;
use crate::output::{self, Refused};
use crate::validate::counted;

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
        };
        schema.aim(Recipients {
            named: Scope::ALL.iter().map(on).collect(),
            ..Recipients::default()
        });
    }
    let verdict = ordain_predicate::check(text, Dialect::Device, &schema, &Advisory::shipped());
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
