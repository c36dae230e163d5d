//! `advisories/`: predicates that are known to harm some systems, beside those that Ordain knows of itself.

use ordain_catalog::{OsBuild, OsVersion, Platform};
use ordain_predicate::{Advisory, Trigger};

use crate::fields::{Fields, Text};
use crate::group::name;
use crate::problem::{Problem, Problems, quoted};
use crate::tree::{self, Node, Syntax, Value};

/// So many advisories a policy may have: each is compared with each predicate.
pub(crate) const MAX_ADVISORIES: usize = 100;
/// So many systems one may name.
const MAX_SYSTEMS: usize = 100;
/// The longest text that triggers one, and the longest that tells of it, in octets.
const MAX_TEXT: usize = 1024;

const UNKNOWN_WORD: &str = "unknown-word";
const TEXT_KEY: &str = "text";

/// Reads `files` as those of `advisories/`: their paths and their content.
///
/// # Errors
/// All problems, in order of file and place, when one of them is an error.
pub fn read_advisories(files: &[(String, Vec<u8>)]) -> Result<Vec<Advisory>, Vec<Problem>> {
    let mut problems = Problems::new(files.iter().map(|(path, _)| path.as_str()));
    let mut advisories = Vec::new();
    for (index, (path, bytes)) in (0..).zip(files) {
        let syntax = match path.to_ascii_lowercase().ends_with(".json") {
            true => Syntax::Json,
            false => Syntax::Yaml,
        };
        let node = tree::read(bytes, syntax, index, &mut problems);
        let advisory = node.and_then(|node| Some(read(&node, &mut problems)?.1));
        advisories.extend(advisory);
    }
    match problems.has_errors() {
        true => Err(problems.into_sorted()),
        false => Ok(advisories),
    }
}

/// Reads one of them, with its name.
pub(crate) fn read<'a>(file: &'a Node, problems: &mut Problems) -> Option<(Text<'a>, Advisory)> {
    let keys = [
        "name",
        "platform",
        "systems",
        "trigger",
        "consequence",
        "reference",
    ];
    let fields = Fields::of(file, &keys, problems)?;
    let platform = fields.required_text("platform", problems);
    let platform = platform.and_then(|text| {
        let platform = text.text.parse::<Platform>();
        if let Err(error) = &platform {
            problems.error(text.place, format!("{} is {error}", quoted(text.text)));
        }
        platform.ok()
    });
    let systems = systems(fields, problems);
    let trigger = fields
        .required("trigger", problems)
        .and_then(|node| trigger(node, problems));
    let consequence = told(fields, "consequence", problems);
    let reference = told(fields, "reference", problems);
    let name = name(fields, problems)?;
    let advisory = Advisory {
        platform: platform?.as_str().to_owned(),
        systems,
        trigger: trigger?,
        consequence: consequence?,
        reference: reference?,
    };
    Some((name, advisory))
}

/// Versions and builds.
fn systems(fields: Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let systems = fields.required_texts("systems", problems);
    if let Some(list) = fields
        .get("systems")
        .filter(|list| matches!(&list.value, Value::List(all) if all.is_empty() || all.len() > MAX_SYSTEMS))
    {
        problems.error(
            list.place,
            format!("`systems` has 1 to {MAX_SYSTEMS} versions or builds"),
        );
    }
    for system in &systems {
        let is_version =
            !system.text.contains(char::is_whitespace) && system.text.parse::<OsVersion>().is_ok();
        if !is_version && system.text.parse::<OsBuild>().is_err() {
            let message = format!(
                "{} is neither a version, such as 26.5, nor a build, such as 25F71",
                quoted(system.text)
            );
            problems.error(system.place, message);
        }
    }
    systems.into_iter().map(|system| system.text.to_owned()).collect()
}

/// `unknown-word`, or a part of canonical texts.
fn trigger(node: &Node, problems: &mut Problems) -> Option<Trigger> {
    if node.as_text() == Some(UNKNOWN_WORD) {
        return Some(Trigger::UnknownWord);
    }
    if !matches!(node.value, Value::Object(_)) {
        let message = format!(
            "a trigger is `{UNKNOWN_WORD}`, or `{TEXT_KEY}:` with a part of predicates in canonical form"
        );
        problems.error(node.place, message);
        return None;
    }
    let fields = Fields::of(node, &[TEXT_KEY], problems)?;
    told(fields, TEXT_KEY, problems).map(Trigger::Text)
}

/// A text that is neither empty nor longer than a reader takes.
fn told(fields: Fields<'_>, key: &str, problems: &mut Problems) -> Option<String> {
    let text = fields.required_text(key, problems)?;
    if text.text.trim().is_empty() || text.text.len() > MAX_TEXT {
        problems.error(text.place, format!("{} has 1 to {MAX_TEXT} octets", quoted(key)));
    }
    Some(text.text.to_owned())
}
