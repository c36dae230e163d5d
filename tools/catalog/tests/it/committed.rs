//! The committed facts are what the tool makes of the schema, and the page of commands what it makes of the facts.

use ordain_catalog::{Catalog, facts};

use crate::{SKIPPED, schema};

#[test]
fn the_committed_facts_are_those_of_the_schema() {
    // With or without the schema: nothing but facts, in the one form that the tool writes.
    let committed = facts::read(facts::APPLE).unwrap();
    assert_eq!(facts::write(&committed), facts::APPLE);

    let Some(schema) = schema() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let made = || facts::write(&ordain_catalog_tool::catalog(&schema).unwrap());
    let first = made();
    if let Some(line) = first
        .lines()
        .zip(facts::APPLE.lines())
        .position(|(made, committed)| made != committed)
    {
        let (made, committed) = (first.lines().nth(line), facts::APPLE.lines().nth(line));
        panic!(
            "line {}: committed {committed:?}, made {made:?}; crates/catalog says how to make them",
            line + 1
        );
    }
    assert_eq!(first.len(), facts::APPLE.len());
    assert_eq!(made(), first, "the tool is not deterministic");
}

#[test]
fn the_page_of_commands_has_the_tables_of_the_facts() {
    let page = include_str!("../../../../docs/commands.md");
    let made = ordain_catalog_tool::commands_page(page, Catalog::builtin()).unwrap();
    let line = page
        .lines()
        .zip(made.lines())
        .position(|(page, made)| page != made);
    assert!(
        made == page,
        "docs/commands.md differs from the facts (line {:?}); make it anew by \
         `cargo run -p ordain-catalog-tool -- --commands docs/commands.md`",
        line.map(|line| line + 1)
    );
    for command in Catalog::builtin().commands() {
        assert!(page.contains(&format!("\n| `{}` | ", command.request_type)));
    }
    let without_mark = ordain_catalog_tool::commands_page("# MDM commands\n", Catalog::builtin());
    assert!(without_mark.unwrap_err().to_string().contains("no mark"));
}
