//! `ordain catalog list`.

use std::borrow::Cow;

use clap::Args;
use ordain_catalog::{Availability, Catalog, EnrollmentType, OsVersion, Platform, Scope, Support};
use serde::Serialize;

use crate::args::{JsonArgs, Usage};
use crate::catalog::record::Sort;
use crate::catalog::source::SourceArgs;
use crate::catalog::windows;
use crate::output;
use crate::table::Table;

/// Options of `ordain catalog list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only these
    #[arg(long, value_enum, value_name = "SORT")]
    sort: Option<Sort>,
    /// Only what devices of this platform can take: iOS, iPadOS, macOS, tvOS, visionOS or watchOS
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// Only what this version of it can take, such as 27.0
    #[arg(long, value_name = "VERSION")]
    os: Option<OsVersion>,
    /// Only what devices can take that are enrolled so: supervised, device or user
    #[arg(long, value_name = "ENROLLMENT")]
    enrollment: Option<EnrollmentType>,
    /// Only what this channel can take: system or user
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Serialize)]
struct Item<'a> {
    sort: Sort,
    name: Cow<'a, str>,
    /// Whether the devices that were asked for can take it: `available`, or `unknown` where the schema does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    availability: Option<&'static str>,
}

/// Lists.
pub(crate) async fn run(args: ListArgs) -> anyhow::Result<()> {
    if args.platform.is_none() && (args.os.is_some() || args.enrollment.is_some() || args.scope.is_some()) {
        let message =
            "--os, --enrollment and --scope need a --platform: versions and rules differ between them";
        return Err(Usage(message.to_owned()).into());
    }
    let catalog = args.source.read().await?;
    let items = items(&catalog, &args);
    if args.output.json {
        return output::json(&items);
    }
    if items.is_empty() {
        return output::text("nothing in the catalog is so");
    }
    if items.iter().any(|item| item.availability == Some(UNKNOWN)) {
        let why =
            "unknown: the schema does not say, or it depends on what was not asked for (--os, --enrollment)";
        output::note(why);
    }
    let mut table = Table::bare();
    for item in items {
        let doubt = match item.availability {
            Some(UNKNOWN) => "unknown",
            _ => "",
        };
        table.row([
            item.sort.word().to_owned(),
            item.name.into_owned(),
            doubt.to_owned(),
        ]);
    }
    output::text(&table.to_string())
}

const UNKNOWN: &str = "unknown";

fn items<'a>(catalog: &'a Catalog, args: &ListArgs) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut add = |sort: Sort, name: &'a str, support: &Support| {
        let availability = match args.platform.map(|_| availability(support, args)) {
            Some(Availability::Unavailable(_)) => return,
            Some(Availability::Available) => Some("available"),
            Some(Availability::Unknown) => Some(UNKNOWN),
            None => None,
        };
        if args.sort.is_none_or(|asked| asked == sort) {
            items.push(Item {
                sort,
                name: name.into(),
                availability,
            });
        }
    };
    catalog
        .declarations()
        .for_each(|it| add(Sort::Declaration, &it.name, &it.support));
    catalog
        .credentials()
        .for_each(|it| add(Sort::Credential, &it.name, &it.support));
    catalog
        .status_items()
        .for_each(|it| add(Sort::Status, &it.name, &it.support));
    catalog
        .commands()
        .for_each(|it| add(Sort::Command, &it.request_type, &it.support));
    catalog
        .check_ins()
        .for_each(|it| add(Sort::CheckIn, &it.message_type, &it.support));
    catalog
        .profiles()
        .for_each(|it| add(Sort::Profile, &it.name, &it.support));
    // Platforms are Apple's.
    if args.platform.is_none() && args.sort.is_none_or(|asked| asked == Sort::Windows) {
        items.extend(windows::nodes().map(|(name, _)| Item {
            sort: Sort::Windows,
            name: name.into(),
            availability: None,
        }));
    }
    items
}

/// Whether the devices that were asked for can take it, on the channel that was asked for or on any.
fn availability(support: &Support, args: &ListArgs) -> Availability {
    let on = |scope| support.availability(args.platform, args.os.as_ref(), args.enrollment, scope);
    match args.scope {
        Some(scope) => on(scope),
        None => match (on(Scope::System), on(Scope::User)) {
            (Availability::Unavailable(_), other) | (other, Availability::Unavailable(_)) => other,
            (Availability::Available, _) | (_, Availability::Available) => Availability::Available,
            (Availability::Unknown, Availability::Unknown) => Availability::Unknown,
        },
    }
}
