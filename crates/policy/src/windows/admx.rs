//! ADMX: the files that bring policies, and the texts of ADMX-backed policies (Policy CSP).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ordain_catalog::Scope;
use ordain_catalog::windows::{DataFormat, LocUri};
use ordain_model::windows::settings::{Setting, Wanted, plan};

use super::{Placed, admx_app};
use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::fields::{Fields, Text};
use crate::problem::quoted;
use crate::tree::{Node, Value};

/// The text of a policy that is disabled.
pub(super) const DISABLED: &str = "<disabled/>";
/// The largest ADMX file, in octets. Devices get it in pieces; every revision keeps it.
const MAX_OCTETS: usize = 2 << 20;
/// What stands between the items of a list, and between keys and values.
const SEPARATOR: char = '\u{f000}';

impl Compiler<'_> {
    /// The settings that have devices take the files under `admx`: `app`, `id` and `file`.
    pub(super) fn read_admx(&mut self, fields: Fields<'_>) -> Vec<Placed> {
        let items = self.items(fields, "admx").iter();
        items.filter_map(|item| self.read_admx_file(item)).collect()
    }

    fn read_admx_file(&mut self, item: &Node) -> Option<Placed> {
        let fields = Fields::of(item, &["app", "id", "file"], &mut self.problems)?;
        let [app, id, file] = ["app", "id", "file"].map(|key| fields.required_text(key, &mut self.problems));
        let [app, id] = [app, id].map(|name| name.filter(|name| self.is_admx_name(*name)));
        let text = self.admx_content(file?)?;
        let names = ["Vendor", "MSFT", "Policy", "ConfigOperations", "ADMXInstall"];
        let names = names.into_iter().chain([app?.text, "Policy", id?.text]);
        Some(Placed {
            setting: Setting {
                path: LocUri {
                    scope: Scope::System,
                    names: names.map(str::to_owned).collect(),
                },
                format: DataFormat::Chr,
                value: Wanted::read(DataFormat::Chr, text)?,
            },
            place: fields.place(),
        })
    }

    /// Whether it can be a name in the address of an ADMX file.
    fn is_admx_name(&mut self, Text { text, place }: Text<'_>) -> bool {
        const MAX: usize = 128;
        let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.len() <= MAX
            && text
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"-._ ".contains(&c));
        if !is_name {
            let message = format!(
                "{} cannot name an ADMX file or its app: names are letters, digits, blanks, `-`, `.` and `_`, at most {MAX}",
                quoted(text)
            );
            self.problems.error(place, message);
        }
        is_name
    }

    /// The text of an ADMX file.
    fn admx_content(&mut self, path: Text<'_>) -> Option<&str> {
        let bytes = self.file(path)?;
        let text = std::str::from_utf8(bytes).map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
        let message = match text {
            _ if bytes.len() > MAX_OCTETS => format!("the file is larger than {MAX_OCTETS} octets"),
            Err(_) => "the file is not UTF-8 text, as devices are sent it".to_owned(),
            Ok(text) if text.chars().any(|c| !is_of_xml(c)) => {
                "the file has characters that XML does not have".to_owned()
            }
            Ok(text) if !text.contains("policyDefinitions") => {
                "the file is no ADMX: it has no `policyDefinitions`".to_owned()
            }
            Ok(text) => return Some(text),
        };
        let message = format!("{}: {message}", quoted(path.text));
        self.problems.error(path.place, message);
        None
    }

    /// The text of a policy that is enabled, with its elements in order of their names.
    pub(super) fn enabled(&mut self, data: Option<&Node>) -> String {
        let mut elements: BTreeMap<&str, String> = BTreeMap::new();
        if let Some(data) = data
            && !matches!(data.value, Value::Object(_))
        {
            let message = format!(
                "`data` has to be an object of elements and their values, not {}",
                data.what()
            );
            self.problems.error(data.place, message);
        }
        for member in data.map(Node::members).unwrap_or_default() {
            if member.key.is_empty() || !is_sayable(&member.key) {
                let message = format!("{} cannot be the name of an element", quoted(&member.key));
                self.problems.error(member.place, message);
            } else if let Some(value) = self.element(&member.value) {
                elements.insert(&member.key, value);
            }
        }
        let mut text = "<enabled/>".to_owned();
        for (id, value) in elements {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "<data id=\"{}\" value=\"{}\"/>",
                escaped(id),
                escaped(&value)
            );
        }
        text
    }

    /// The value of an element: one, a list, or names with their values.
    fn element(&mut self, node: &Node) -> Option<String> {
        let parts: Vec<String> = match &node.value {
            Value::List(items) => items.iter().map(|item| self.part(item)).collect::<Option<_>>()?,
            Value::Object(members) => {
                let mut parts = Vec::new();
                for member in members {
                    let key = Node::text(member.place, member.key.as_str());
                    parts.extend([self.part(&key)?, self.part(&member.value)?]);
                }
                parts
            }
            _ => return self.part(node),
        };
        Some(parts.join(SEPARATOR.encode_utf8(&mut [0; 4])))
    }

    fn part(&mut self, node: &Node) -> Option<String> {
        let message = match &node.value {
            Value::String(text) if is_sayable(text) => return Some(text.clone()),
            Value::Integer(number) => return Some(number.to_string()),
            Value::Real(number) => return Some(number.to_string()),
            Value::Bool(value) => return Some(value.to_string()),
            Value::String(_) => "the value of an element has a character that cannot be sent".to_owned(),
            _ => format!("the value of an element cannot be {} here", node.what()),
        };
        self.problems.error(node.place, message);
        None
    }

    /// Warns of policies whose ADMX file no file of the policy has devices take.
    pub(crate) fn warn_of_missing_admx(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        let all = || drafts.values().flat_map(Draft::placed);
        let paths = all().map(|placed| &placed.setting.path);
        let apps: BTreeSet<&str> = paths
            .filter(|path| plan::is_admx(path))
            .filter_map(|path| path.names.get(5).map(String::as_str))
            .collect();
        for placed in all() {
            let Some(app) = admx_app(&placed.setting.path).filter(|app| !apps.contains(app)) else {
                continue;
            };
            let suggestion = self.problems.suggestion(app, apps.iter().copied());
            let message = format!(
                "no `admx` of the policy is of the app {}: devices refuse its policies until they have its file{suggestion}",
                quoted(app)
            );
            self.problems.warning(placed.place, message);
        }
    }
}

/// Whether a text can be in a value: no character that XML does not have, and no separator.
fn is_sayable(text: &str) -> bool {
    text.chars().all(|c| is_of_xml(c) && c != SEPARATOR)
}

/// XML 1.0, section 2.2.
pub(super) fn is_of_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A text as the value of an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' | SEPARATOR => {
                let _ = write!(escaped, "&#x{:X};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(
            escaped("a<b>&\"c\"\n\u{f000}'"),
            "a&lt;b&gt;&amp;&quot;c&quot;&#xA;&#xF000;'"
        );
    }
}
