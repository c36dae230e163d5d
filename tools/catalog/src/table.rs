//! The tables of MDM commands in `docs/commands.md`.

use std::fmt::Write as _;

use anyhow::Context as _;
use ordain_catalog::{Catalog, Command, Elements, ITEM, Keys, Platform, PlatformSupport, Shape};

/// The lines of the page that stand around what is made.
const BEGIN: &str =
    "<!-- begin: made by `cargo run -p ordain-catalog-tool -- --commands docs/commands.md` -->\n";
const END: &str = "<!-- end -->\n";

/// How many allowed values a table's cell names. Longer lists stand below.
const MOST_VALUES: usize = 12;

/// `page` with the tables of `catalog` between its two marks.
pub fn commands_page(page: &str, catalog: &Catalog) -> anyhow::Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("the page has no mark for the beginning")?;
    let (_, after) = rest.split_once(END).context("the page has no mark for the end")?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", tables(catalog)))
}

fn tables(catalog: &Catalog) -> String {
    let mut text =
        "| command | what it does | required keys | optional keys | platforms |\n|---|---|---|---|---|\n"
            .to_owned();
    for command in catalog.commands() {
        let purpose = command.purpose().unwrap_or_default();
        row(
            &mut text,
            [
                &format!("`{}`", command.request_type),
                purpose,
                &cell(&command.keys, true),
                &cell(&command.keys, false),
                &platforms(command),
            ],
        );
    }
    for command in catalog.commands() {
        for (name, key) in &command.keys {
            let Shape::Array {
                elements: Elements::ByItem(forms),
                ..
            } = &key.shape
            else {
                continue;
            };
            let title = format!("## Items of `{}` in `{}`", name, command.request_type);
            let _ = write!(
                text,
                "\n{title}\n\n| `Item` | required keys | optional keys |\n|---|---|---|\n"
            );
            for (item, form) in forms {
                if let Shape::Dictionary(keys) = &form.shape {
                    row(
                        &mut text,
                        [&format!("`{item}`"), &cell(keys, true), &cell(keys, false)],
                    );
                }
            }
        }
    }
    text.push_str("\n## Long lists of values\n");
    for command in catalog.commands() {
        for key in command.listed() {
            let mut allowed = key.shape.allowed();
            if allowed.len() > MOST_VALUES {
                allowed.sort();
                let list = allowed.join("`, `");
                let _ = write!(
                    text,
                    "\n- **{}**, `{}`: `{list}`\n",
                    command.request_type, key.path
                );
            }
        }
    }
    text
}

fn row<const N: usize>(text: &mut String, cells: [&str; N]) {
    let _ = writeln!(
        text,
        "| {} |",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    );
}

fn cell(keys: &Keys, required: bool) -> String {
    let keys = keys.iter().filter(|(_, key)| key.required == required);
    let cells: Vec<String> = keys
        .map(|(name, key)| format!("`{name}` {}", value(&key.shape)))
        .collect();
    cells.join("; ")
}

/// What a value must be, with all that is within it.
fn value(shape: &Shape) -> String {
    match shape {
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } => format!("[{}, …]", value(&element.shape)),
        Shape::Array { .. } => format!("[{{`{ITEM}`* one of those below; its keys}}, …]"),
        Shape::Dictionary(keys) => {
            let star = |required| if required { "*" } else { "" };
            let keys: Vec<String> = keys
                .iter()
                .map(|(name, key)| format!("`{name}`{} {}", star(key.required), value(&key.shape)))
                .collect();
            format!("{{{}}}", keys.join("; "))
        }
        _ => match shape.allowed() {
            allowed if allowed.is_empty() || allowed.len() > MOST_VALUES => shape.to_string(),
            allowed => allowed.join(" or "),
        },
    }
}

/// The platforms with the versions of each that have the command.
fn platforms(command: &Command) -> String {
    let mut cells = Vec::new();
    for &platform in Platform::ALL {
        // The facts of iPadOS are those of iOS.
        if platform == Platform::IpadOs {
            continue;
        }
        let Some(PlatformSupport::Supported(terms)) = command.support.on(platform) else {
            continue;
        };
        let mut cell = platform.to_string();
        if let Some(introduced) = terms.introduced {
            let _ = write!(cell, " {introduced}");
        }
        if let Some(removed) = terms.removed {
            let _ = write!(cell, " until {removed}");
        }
        cells.push(cell);
    }
    cells.join(", ")
}
