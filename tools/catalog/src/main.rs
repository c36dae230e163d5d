//! `ordain-catalog-tool DIR FILE`: reads Apple's schema from `DIR` and writes the facts to `FILE`.

use std::path::Path;

use anyhow::{Context as _, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [schema, facts] = arguments.as_slice() else {
        bail!(
            "usage: ordain-catalog-tool DIR FILE (DIR: a checkout of the schema, FILE: the facts to write)"
        );
    };
    let text = ordain_catalog_tool::facts(Path::new(schema))?;
    std::fs::write(facts, text).with_context(|| format!("cannot write {}", Path::new(facts).display()))
}
