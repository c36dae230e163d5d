//! `ordain-catalog-tool DIR FILE`: reads Apple's schema from `DIR`, writes the facts to `FILE`, and says how many.
//! `ordain-catalog-tool --commands FILE`: makes the tables of commands in `FILE` anew, from the facts.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use ordain_catalog::{Catalog, facts};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [what, file] = arguments.as_slice() else {
        bail!(
            "usage: ordain-catalog-tool DIR FILE (DIR: a checkout of the schema, FILE: the facts to write)\n   \
             or: ordain-catalog-tool --commands FILE (FILE: the page whose tables to make)"
        );
    };
    let file = Path::new(file);
    let text = if what == "--commands" {
        let page =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        ordain_catalog_tool::commands_page(&page, Catalog::builtin())?
    } else {
        let catalog = ordain_catalog_tool::catalog(Path::new(what))?;
        writeln!(std::io::stderr(), "{}", catalog.counts())?;
        facts::write(&catalog)
    };
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
