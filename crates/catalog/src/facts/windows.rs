//! The facts about Windows: CSPs with their nodes, and scenarios.

mod read;
mod write;

use super::{InvalidFacts, in_one_form};
use crate::windows::WindowsCatalog;

pub use write::write_windows;

const HEADER: &str = "\
# What Windows' configuration service providers and declared-configuration scenarios take. Written by hand.
format 1 of Windows
";

/// What is not stated, where there has to be a word.
const NOT_STATED: &str = "-";

/// Reads a text as [`write_windows`] makes it, in the form of lines and words that [`facts`](super) describes. Needs time
/// and memory in proportion to its length.
///
/// ```text
/// csp ./Vendor/MSFT/WiFi node Get
///   scopes system,user
///   node Profile node Get
///     node {SSID} node Add,Delete,Get
///       delete removes
///       node WiFiCost int Add,Delete,Get,Replace
///         value integer min 1 max 3
/// scenario MSFTWifi
///   body csp
///   csps ./Vendor/MSFT/WiFi
///   requests Complete
///   scopes system unverified user
/// ```
///
/// A CSP or a node has its name, formats, commands (`-` where they are not stated), and `reboot`, `unverified` and
/// `hidden` where that holds. Below it is what else is known:
///
/// | line | of |
/// |---|---|
/// | `scopes`, `editions`, `since VERSIONS`, `join STATE since VERSIONS`, `change`, `together` | what holds for the nodes in it as well, unless they have their own |
/// | `named` | what stands for a placeholder |
/// | `value`, `means NUMBER WORD …`, `example` | its values |
/// | `delete`, `outcome PATH done N pending N,N` | what a `Delete` does, and where to read what came of it, by which numbers |
/// | `node` | what is in it |
///
/// What is known to be read and written, without its commands being named, has `Add,Delete,Get,Replace`: a command that a
/// device refuses does less harm than one that is never sent.
///
/// A scenario has `draft` where only a draft names it; `unverified` comes before what is only seen or inferred.
pub fn read_windows(text: &str) -> Result<WindowsCatalog, InvalidFacts> {
    let catalog = read::read(text)?;
    in_one_form(text, &write_windows(&catalog))?;
    Ok(catalog)
}
