//! What one catalog states and another does not.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::line::Lines;
use super::{HEADER, InvalidFacts, write};
use crate::Catalog;

/// A record about which two catalogs do not state the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is of: `declaration`, `status` and so on, the first word of its line in the facts.
    pub sort: String,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub change: Change,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", content = "statements", rename_all = "kebab-case")]
pub enum Change {
    /// Only the newer catalog has it.
    Added,
    /// Only the older one has it.
    Removed,
    /// Both have it, and these differ.
    Changed(Vec<Statement>),
}

/// Something stated of a record, in the words of the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Of what: the way to a key, with dots between names and `[]` for elements, then the platform or what else the line
    /// is about. Empty for the record as a whole.
    pub about: String,
    /// What the older catalog says.
    pub before: Option<String>,
    /// What the newer one says.
    pub after: Option<String>,
}

/// Everything in which `new` differs from `old`, in the order of the facts.
pub fn differences(old: &Catalog, new: &Catalog) -> Vec<Difference> {
    let (old, new) = (write(old), write(new));
    // What `write` makes can be read.
    let (old, new) = (
        outline(&old).unwrap_or_default(),
        outline(&new).unwrap_or_default(),
    );
    pairs(&old, &new)
        .filter_map(|((sort, name), old, new)| {
            let change = match (old, new) {
                (None, _) => Change::Added,
                (_, None) => Change::Removed,
                (Some(old), Some(new)) if old == new => return None,
                (Some(old), Some(new)) => Change::Changed(statements(old, new)),
            };
            Some(Difference {
                sort: (*sort).to_owned(),
                name: name.to_string(),
                change,
            })
        })
        .collect()
}

fn statements(old: &Body<'_>, new: &Body<'_>) -> Vec<Statement> {
    pairs(old, new)
        .filter(|(_, before, after)| before != after)
        .map(|(about, before, after)| Statement {
            about: about.clone(),
            before: before.map(|text| (*text).to_owned()),
            after: after.map(|text| (*text).to_owned()),
        })
        .collect()
}

/// Every key that either has, in order, with both values.
fn pairs<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: std::collections::BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(|key| (key, old.get(key), new.get(key)))
}

/// What is said of a record, by what it is said of.
type Body<'a> = BTreeMap<String, &'a str>;

/// Every record of a text, by sort and name.
type Outline<'a> = BTreeMap<(&'a str, Cow<'a, str>), Body<'a>>;

/// The text of a catalog, without its header, as statements about places.
fn outline(text: &str) -> Result<Outline<'_>, InvalidFacts> {
    let mut outline = Outline::new();
    let mut lines = Lines::of(text.strip_prefix(HEADER).unwrap_or(text));
    while let Some(mut line) = lines.next_at(0) {
        let sort = line.keyword().unwrap_or_default();
        let name = line.word()?;
        let body = outline.entry((sort, name)).or_default();
        if !line.unread().is_empty() {
            body.insert(String::new(), line.unread());
        }
        // The way to what the next line is about: a name for each level above it.
        let mut way: Vec<String> = Vec::new();
        while let Some((level, mut line)) = lines.next_within() {
            way.truncate(level - 1);
            let word = line.keyword().unwrap_or_default();
            match word {
                "key" | "takes" => way.push(line.word()?.into_owned()),
                "answers" => way.push(format!("answer {}", line.word()?)),
                "item" => way.push(format!("[{}]", line.word()?)),
                "each" => way.push("[]".to_owned()),
                // What payloads and values have in them is told by its own name.
                "payload" | "value" => way.push(String::new()),
                "on" => {
                    let platform = line.keyword().unwrap_or_default();
                    body.insert(about(&way, &format!("on {platform}")), line.unread());
                    continue;
                }
                _ => {
                    body.insert(about(&way, word), line.unread());
                    continue;
                }
            }
            let is_inside = matches!(word, "payload" | "value");
            body.insert(about(&way, if is_inside { word } else { "" }), line.unread());
        }
    }
    Ok(outline)
}

/// `A.B[].C: what`.
fn about(way: &[String], what: &str) -> String {
    let mut about = String::new();
    for name in way.iter().filter(|name| !name.is_empty()) {
        if !about.is_empty() && !name.starts_with('[') {
            about.push('.');
        }
        about.push_str(name);
    }
    match (about.is_empty(), what.is_empty()) {
        (true, _) => what.to_owned(),
        (false, true) => about,
        (false, false) => format!("{about}, {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::read;

    fn catalog(body: &str) -> Catalog {
        read(&format!("{HEADER}{body}")).unwrap()
    }

    const OLD: &str = "\
declaration com.apple.configuration.a.settings combined
  on iOS since 18.0
  payload dictionary
    key List array
      each dictionary
        key Name string required
    key Size integer
      on macOS never
status a.b
  value string
";

    const NEW: &str = "\
declaration com.apple.configuration.a.settings combined
  on iOS since 18.0 removed 27.0
  payload dictionary
    key List array
      each dictionary
        key Colour string in red,\"light blue\"
        key Name string
    key Size integer
      on macOS since 14.0
declaration com.apple.configuration.b.settings
  payload dictionary
";

    #[test]
    fn what_differs_is_told_with_its_place() {
        let differences = differences(&catalog(OLD), &catalog(NEW));
        let told: Vec<String> = differences
            .iter()
            .flat_map(|difference| {
                let (sign, statements) = match &difference.change {
                    Change::Added => ('+', &[][..]),
                    Change::Removed => ('-', &[][..]),
                    Change::Changed(statements) => ('~', statements.as_slice()),
                };
                let head = format!("{sign} {} {}", difference.sort, difference.name);
                let said = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
                let statements = statements
                    .iter()
                    .map(move |it| format!("{}: {} > {}", it.about, said(&it.before), said(&it.after)));
                std::iter::once(head).chain(statements)
            })
            .collect();
        assert_eq!(
            told,
            [
                "~ declaration com.apple.configuration.a.settings",
                "List[].Colour: - > string in red,\"light blue\"",
                "List[].Name: string required > string",
                "Size, on macOS: never > since 14.0",
                "on iOS: since 18.0 > since 18.0 removed 27.0",
                "+ declaration com.apple.configuration.b.settings",
                "- status a.b",
            ]
        );
    }

    #[test]
    fn every_key_has_a_place_of_its_own() {
        // Statements that took each other's place would hide a difference.
        let lines = crate::facts::APPLE.lines().skip(HEADER.lines().count());
        let records = lines.clone().filter(|line| !line.starts_with(' '));
        let with_more = records.filter(|line| line.split(' ').count() > 2).count();
        let within = lines.filter(|line| line.starts_with(' ')).count();
        let outline = outline(crate::facts::APPLE).unwrap();
        let statements: usize = outline.values().map(BTreeMap::len).sum();
        assert_eq!(statements, within + with_more);
    }

    #[test]
    fn equal_catalogs_differ_in_nothing() {
        assert_eq!(differences(&catalog(OLD), &catalog(OLD)), []);
        assert_eq!(differences(Catalog::builtin(), Catalog::builtin()), []);
    }
}
