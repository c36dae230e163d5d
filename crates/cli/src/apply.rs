//! `ordain apply`.

use std::path::PathBuf;

use clap::Args;
use ordain_model::wish::{CatalogChange, Changes, Difference};
use ordain_server::api::Published;

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, ClientError};
use crate::connection::Connection;
use crate::table::Table;
use crate::{directory, output};

/// Options of `ordain apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The policy directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Only warn of types and keys that the catalog does not know: for systems that are newer than it
    #[arg(long)]
    allow_unknown: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Publishes the directory, and says what that changed.
pub(crate) async fn run(args: ApplyArgs) -> anyhow::Result<()> {
    let mut policy = directory::read(&args.dir)?;
    policy.allow_unknown = args.allow_unknown;
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let outcome = client.post("policy", &policy).await;
    show(outcome, &args.dir.display().to_string(), args.output)
}

/// Says what publishing `source` changed, or all that is wrong with it.
pub(crate) fn show(
    outcome: Result<Published, ClientError>,
    source: &str,
    output: JsonArgs,
) -> anyhow::Result<()> {
    let published = match outcome {
        Err(ClientError::Problem { status, problem }) if !problem.details.is_empty() => {
            output::note(&problem.details.join("\n"));
            return Err(ClientError::Problem { status, problem }.into());
        }
        other => other?,
    };
    if output.json {
        return output::json(&published);
    }
    if !published.warnings.is_empty() {
        output::note(&published.warnings.join("\n"));
    }
    output::text(&report(&published, source))
}

fn report(published: &Published, source: &str) -> String {
    let revision = published.revision;
    if !published.published {
        return format!("nothing changed: revision {revision} is what {source} says");
    }
    let mut text = format!(
        "revision {revision} is published: {}\n\n{}",
        summary(&published.changes),
        changes(&published.changes)
    );
    if published.memberships_due > 0 {
        text += &format!(
            "\n\nwhich of {} devices are in the groups by predicate is being decided: `ordain groups` shows how far",
            published.memberships_due
        );
    }
    text
}

/// The changes as a table of three columns: `+` added, `~` changed or `-` removed, what, and its name.
fn changes(changes: &Changes) -> String {
    let mut table = Table::bare();
    for (what, difference) in kinds(changes) {
        for (sign, names) in signs(difference) {
            for name in names {
                table.row([format!("  {sign}"), what.to_owned(), name.clone()]);
            }
        }
    }
    if let Some(CatalogChange { from, to }) = &changes.catalog {
        let name = format!("{from:.12} is now {to:.12}");
        table.row(["  ~".to_owned(), "catalog".to_owned(), name]);
    }
    table.to_string()
}

/// The changes as three counts: `2 added, 1 changed, 0 removed`; and whether the catalog is another one.
pub(crate) fn summary(changes: &Changes) -> String {
    let count = |names: fn(&Difference) -> &Vec<String>| -> usize {
        kinds(changes)
            .iter()
            .map(|(_, difference)| names(difference).len())
            .sum()
    };
    let catalog = changes.catalog.map_or("", |_| ", another catalog");
    format!(
        "{} added, {} changed, {} removed{catalog}",
        count(|difference| &difference.added),
        count(|difference| &difference.changed),
        count(|difference| &difference.removed)
    )
}

fn kinds(changes: &Changes) -> [(&'static str, &Difference); 3] {
    [
        ("declaration", &changes.declarations),
        ("blueprint", &changes.blueprints),
        ("group", &changes.groups),
    ]
}

fn signs(difference: &Difference) -> [(char, &Vec<String>); 3] {
    [
        ('+', &difference.added),
        ('~', &difference.changed),
        ('-', &difference.removed),
    ]
}

#[cfg(test)]
mod tests {
    use ordain_model::ids::Digest;

    use super::*;

    #[test]
    fn what_was_published_is_listed() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut published = Published {
            revision: 7,
            published: true,
            changes: Changes {
                declarations: Difference {
                    added: names(&["com.example.passcode", "com.example.wifi"]),
                    changed: names(&["com.example.org"]),
                    removed: Vec::new(),
                },
                blueprints: Difference {
                    changed: names(&["baseline"]),
                    ..Difference::default()
                },
                groups: Difference {
                    removed: names(&["lab"]),
                    ..Difference::default()
                },
                catalog: Some(CatalogChange {
                    from: Digest::of(b"old"),
                    to: Digest::of(b"new"),
                }),
            },
            warnings: Vec::new(),
            memberships_due: 1_200,
        };
        insta::assert_snapshot!(report(&published, "policy"), @r#"
        revision 7 is published: 2 added, 2 changed, 1 removed, another catalog

          +  declaration  com.example.passcode
          +  declaration  com.example.wifi
          ~  declaration  com.example.org
          ~  blueprint    baseline
          -  group        lab
          ~  catalog      cba06b5736fa is now 11507a0e2f5e

        which of 1200 devices are in the groups by predicate is being decided: `ordain groups` shows how far
        "#);
        published.published = false;
        assert_eq!(
            report(&published, "policy"),
            "nothing changed: revision 7 is what policy says"
        );
    }
}
