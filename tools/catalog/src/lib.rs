//! Makes the catalog's file of facts from a checkout of Apple's published device-management schema, and the tables of
//! `docs/commands.md` from the facts.

mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use ordain_catalog::Catalog;
use ordain_catalog::schema::{self, Problem};

pub use table::commands_page;

/// What the schema in `dir` states. Words that are not known are refused: the facts of a release leave nothing out.
pub fn catalog(dir: &Path) -> anyhow::Result<Catalog> {
    let mut files = Vec::new();
    collect(dir, "", &mut files)?;
    let schema = schema::read(files).map_err(|problems| anyhow::anyhow!(lines(&problems)))?;
    ensure!(schema.unknown.is_empty(), lines(&schema.unknown));
    Ok(schema.catalog)
}

/// The files below `dir`, by their paths from where the schema is, which is `before` away.
fn collect(dir: &Path, before: &str, files: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let wrong = || format!("cannot read {}", dir.display());
    for entry in fs::read_dir(dir).with_context(wrong)? {
        let entry = entry.with_context(wrong)?;
        let path = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type().with_context(wrong)?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if schema::takes(&path) {
            files.push((path, fs::read(entry.path()).with_context(wrong)?));
        }
    }
    Ok(())
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}
