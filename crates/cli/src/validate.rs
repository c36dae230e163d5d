//! `ordain validate`.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use ordain_catalog::validate::{DeviceKind, InvalidDeviceKind};
use ordain_catalog::windows::{InvalidWindowsDevice, WindowsDevice};
use ordain_model::windows::channel_of;
use ordain_model::wish::Wish;
use ordain_policy::{Problem, Severity, Surroundings};
use serde::Serialize;

use crate::args::JsonArgs;
use crate::catalog::source::SourceArgs;
use crate::directory;
use crate::output::{self, Refused};

/// Where devices download from is not known here, and what is validated is not delivered.
const NOWHERE: &str = "https://server.invalid";

/// Options of `ordain validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The policy directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Devices that there are, such as macOS:26.4:supervised or iOS:27.0: platform, system version, enrollment, scope,
    /// build, as far as they are known; or Windows:10.0.22631:pro:entra-joined: version, edition, join state; may be given
    /// again
    #[arg(long = "for", value_name = "KIND")]
    devices: Vec<Device>,
    /// Only warn of types and keys that the catalog does not know: for systems that are newer than it
    #[arg(long)]
    allow_unknown: bool,
    /// The server's address, to tell what could cut devices off from it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// A kind of devices.
#[derive(Debug, Clone, Copy)]
enum Device {
    Apple(DeviceKind),
    Windows(WindowsDevice),
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.starts_with("Windows") {
            true => text
                .parse()
                .map(Self::Windows)
                .map_err(|error: InvalidWindowsDevice| error.to_string()),
            false => text
                .parse()
                .map(Self::Apple)
                .map_err(|error: InvalidDeviceKind| error.to_string()),
        }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Verdict {
    errors: usize,
    warnings: usize,
    problems: Vec<Problem>,
    /// What the policy has, when it has no errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    has: Option<Has>,
}

#[derive(Debug, Serialize)]
struct Has {
    declarations: usize,
    /// How many of them are for Windows devices.
    windows: usize,
    blueprints: usize,
    groups: usize,
}

/// Checks the directory as publishing would.
pub(crate) async fn run(args: ValidateArgs) -> anyhow::Result<()> {
    let catalog = args.source.read().await?;
    let (policy, unreadable) = directory::read_what_can_be(&args.dir)?;
    let files = policy.files.into_iter().map(|file| {
        let content = STANDARD.decode(file.content);
        Ok((file.path, content.context("what was encoded can be decoded")?))
    });
    let files: Vec<(String, Vec<u8>)> = files.collect::<anyhow::Result<_>>()?;
    let of_apple = |device: &Device| match device {
        Device::Apple(kind) => Some(*kind),
        Device::Windows(_) => None,
    };
    let of_windows = |device: &Device| match device {
        Device::Windows(kind) => Some(*kind),
        Device::Apple(_) => None,
    };
    let devices: Vec<DeviceKind> = args.devices.iter().filter_map(of_apple).collect();
    let windows: Vec<WindowsDevice> = args.devices.iter().filter_map(of_windows).collect();
    let surroundings = Surroundings {
        catalog: &catalog,
        public_url: args.public_url.as_deref().unwrap_or(NOWHERE),
        before: None,
        allow_unknown: args.allow_unknown,
        devices: &devices,
        windows: &windows,
        devices_only: true,
    };
    let (has, mut problems) = match ordain_policy::compile(&files, &surroundings) {
        Ok(compiled) => (Some(Has::of(&compiled.wish)), compiled.warnings),
        Err(problems) => (None, problems),
    };
    problems.extend(unreadable.into_iter().map(|unreadable| Problem {
        severity: Severity::Error,
        file: unreadable.path,
        line: 1,
        column: 1,
        message: format!("cannot be read: {:#}", unreadable.error),
    }));
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let verdict = Verdict {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        has,
        problems,
    };
    if args.output.json {
        output::json(&verdict)?;
    } else {
        output::text(&text(&verdict, &args.dir.display().to_string()))?;
    }
    match verdict.errors {
        0 => Ok(()),
        _ => Err(Refused.into()),
    }
}

impl Has {
    fn of(wish: &Wish) -> Self {
        let windows = wish.declarations.values();
        let windows = windows.filter(|declaration| channel_of(&declaration.type_name).is_some());
        Self {
            declarations: wish.declarations.len(),
            windows: windows.count(),
            blueprints: wish.blueprints.len(),
            groups: wish.groups.len(),
        }
    }
}

fn text(verdict: &Verdict, dir: &str) -> String {
    let mut lines: Vec<String> = verdict.problems.iter().map(ToString::to_string).collect();
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let found = match (verdict.errors, verdict.warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (errors, warnings) => {
            let found = [(errors, "error"), (warnings, "warning")].into_iter();
            let found = found
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| counted(count, what));
            found.collect::<Vec<_>>().join(", ")
        }
    };
    let has = verdict.has.as_ref().map(|has| {
        let windows = match has.windows {
            0 => String::new(),
            count => format!(" ({count} for Windows)"),
        };
        let counted = [
            counted(has.declarations, "declaration") + &windows,
            counted(has.blueprints, "blueprint"),
            counted(has.groups, "group"),
        ];
        format!(" with {}", counted.join(", "))
    });
    lines.push(format!("{dir}{}: {found}", has.unwrap_or_default()));
    lines.join("\n")
}

/// So many of something: `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
