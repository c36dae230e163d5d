//! `on PLATFORM …`: where something is supported, on which terms.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::str::FromStr;

use super::InvalidFacts;
use super::line::{Indented, Joined, Line, Lines};
use crate::{PlatformSupport, Support, Terms};

const EMPTY_SET: &str = "none";

/// Reads the lines at this level that say where something is supported, and completes them by what is inherited;
/// `None` without any.
pub(super) fn read(
    lines: &mut Lines<'_>,
    level: usize,
    inherited: &Support,
) -> Result<Option<Support>, InvalidFacts> {
    let mut support = None;
    while let Some(mut line) = lines.next_with(level, "on") {
        let platform = line.value("unknown platform")?;
        let said = read_platform(&mut line)?;
        support
            .get_or_insert_with(|| inherited.clone())
            .extend([(platform, said)]);
    }
    Ok(support)
}

fn read_platform(line: &mut Line<'_>) -> Result<PlatformSupport, InvalidFacts> {
    let mut terms = Terms::default();
    while let Some(term) = line.keyword() {
        match term {
            "never" => return Ok(PlatformSupport::Never),
            "since" => terms.introduced = Some(line.value("not a version")?),
            "deprecated" => terms.deprecated = Some(line.value("not a version")?),
            "removed" => terms.removed = Some(line.value("not a version")?),
            "enrollments" => terms.enrollments = Some(read_set(line, "unknown enrollment type")?),
            "scopes" => terms.scopes = Some(read_set(line, "unknown scope")?),
            "shared-ipad" => terms.shared_ipad_scopes = Some(read_set(line, "unknown scope")?),
            "requires" => terms.requires = read_set(line, "unknown requirement")?,
            "multiple" => terms.multiple = Some(line.value("neither true nor false")?),
            "manual-install" => terms.manual_install = Some(line.value("neither true nor false")?),
            _ => return Err(line.invalid("unknown term")),
        }
    }
    Ok(PlatformSupport::Supported(terms))
}

pub(super) fn read_set<T: FromStr + Ord>(
    line: &mut Line<'_>,
    problem: &'static str,
) -> Result<BTreeSet<T>, InvalidFacts> {
    let words = line.keyword().ok_or(line.invalid(problem))?;
    if words == EMPTY_SET {
        return Ok(BTreeSet::new());
    }
    let words = words
        .split(',')
        .map(|word| word.parse().map_err(|_| line.invalid(problem)));
    words.collect()
}

/// Writes where the support differs from what is inherited.
pub(super) fn write(
    f: &mut fmt::Formatter<'_>,
    level: usize,
    support: &Support,
    inherited: &Support,
) -> fmt::Result {
    for (platform, said) in &support.platforms {
        if inherited.platforms.get(platform) == Some(said) {
            continue;
        }
        write!(f, "{}on {platform}", Indented(level))?;
        match said {
            PlatformSupport::Never => f.write_str(" never")?,
            PlatformSupport::Supported(terms) => write_terms(f, terms)?,
        }
        writeln!(f)?;
    }
    Ok(())
}

fn write_terms(f: &mut fmt::Formatter<'_>, terms: &Terms) -> fmt::Result {
    write_term(f, "since", terms.introduced)?;
    write_term(f, "deprecated", terms.deprecated)?;
    write_term(f, "removed", terms.removed)?;
    write_set(f, "enrollments", terms.enrollments.as_ref())?;
    write_set(f, "scopes", terms.scopes.as_ref())?;
    write_set(f, "shared-ipad", terms.shared_ipad_scopes.as_ref())?;
    write_set(
        f,
        "requires",
        Some(&terms.requires).filter(|requires| !requires.is_empty()),
    )?;
    write_term(f, "multiple", terms.multiple)?;
    write_term(f, "manual-install", terms.manual_install)
}

fn write_term(f: &mut fmt::Formatter<'_>, term: &str, value: Option<impl Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {term} {value}"))
}

fn write_set<T: Display>(f: &mut fmt::Formatter<'_>, term: &str, set: Option<&BTreeSet<T>>) -> fmt::Result {
    match set {
        Some(set) if set.is_empty() => write!(f, " {term} {EMPTY_SET}"),
        Some(set) => write!(f, " {term} {}", Joined(set.iter())),
        None => Ok(()),
    }
}
