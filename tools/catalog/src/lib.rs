//! Makes the catalog's file of facts from a checkout of Apple's published device-management schema, which is
//! YAML, and the tables of `docs/commands.md` from the facts.
//!
//! Types, versions, platforms, enrollment types, scopes, the places of references and the keys of commands are
//! taken; titles, descriptions and notes are not. Whatever has another form than expected is an error that names
//! the file, never a guess.

mod command;
mod schema;
mod support;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ordain_catalog::{Catalog, facts};
use saphyr::{LoadableYamlNode as _, Yaml};

pub use table::commands_page;

/// The facts that the schema in `dir` states. The same files make the same text.
pub fn facts(dir: &Path) -> anyhow::Result<String> {
    let mut catalog = Catalog::default();
    for_each_schema(&dir.join("declarative/declarations"), |yaml| {
        let Some(declaration) = schema::declaration(yaml)? else {
            return Ok(());
        };
        let before = catalog.add_declaration(declaration);
        ensure!(before.is_none(), "another file has the same declaration type");
        Ok(())
    })?;
    for_each_schema(&dir.join("declarative/status"), |yaml| {
        let Some(item) = schema::status_item(yaml)? else {
            return Ok(());
        };
        ensure!(
            catalog.add_status_item(item).is_none(),
            "another file has the same status item"
        );
        Ok(())
    })?;
    for_each_schema(&dir.join("mdm/commands"), |yaml| {
        let before = catalog.add_command(command::command(yaml)?);
        ensure!(before.is_none(), "another file has the same command");
        Ok(())
    })?;
    let text = facts::write(&catalog);
    let read = facts::read(&text).context("a name in the schema cannot be written")?;
    ensure!(read == catalog, "a name in the schema cannot be written");
    Ok(text)
}

fn for_each_schema(dir: &Path, mut take: impl FnMut(&Yaml<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for file in yaml_files(dir)? {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Yaml::load_from_str(&text)
            .map_err(anyhow::Error::from)
            .and_then(|documents| match documents.as_slice() {
                [schema] => take(schema),
                _ => anyhow::bail!("not one YAML document"),
            })
            .with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// The YAML files below `dir`, sorted by path.
fn yaml_files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(dir)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| format!("cannot read {}", dir.display()))?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(yaml_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(files)
}
