//! A setting: the node, and the value that it is to have.

use ordain_catalog::validate::{self, At, Code, Finding, Severity, WindowsReach};
use ordain_catalog::windows::{Change, DataFormat, Found, LocUri, Verb, WindowsCatalog};
use ordain_model::windows::settings::{Setting, Wanted};

use super::{Placed, admx, text_at};
use crate::compile::Compiler;
use crate::fields::{Fields, Text};
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};

/// A setting as it is written.
pub(super) struct Written<'a> {
    pub(super) path: Text<'a>,
    pub(super) format: Option<Text<'a>>,
    pub(super) value: Asked<'a>,
}

/// The value that is asked for.
pub(super) enum Asked<'a> {
    /// As it is.
    Plain(&'a Node),
    /// The text of an ADMX-backed policy.
    Admx(String, Place),
    /// None that can be used, which was complained of.
    Nothing(Place),
}

impl Asked<'_> {
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Plain(node) => node.place,
            Self::Admx(_, place) | Self::Nothing(place) => *place,
        }
    }
}

impl Compiler<'_> {
    /// Reads an item of `settings`: `path` with `value` or `enabled`, or `PATH: VALUE`.
    pub(super) fn read_setting(&mut self, item: &Node) -> Option<Placed> {
        let written = match item.members() {
            [only] if only.key.contains('/') => Written {
                path: text_at(&only.key, only.place),
                format: None,
                value: Asked::Plain(&only.value),
            },
            _ => self.written(item)?,
        };
        self.setting(&written)
    }

    pub(super) fn written<'a>(&mut self, item: &'a Node) -> Option<Written<'a>> {
        let known = ["path", "format", "value", "enabled", "data"];
        let fields = Fields::of(item, &known, &mut self.problems)?;
        let format = fields.text("format", &mut self.problems);
        let value = match (fields.get("value"), fields.get("enabled")) {
            (Some(value), None) => Asked::Plain(value),
            (None, Some(enabled)) => Asked::Admx(self.admx_text(enabled, fields), enabled.place),
            (None, None) | (Some(_), Some(_)) => {
                let message = "a setting has either a `value`, or `enabled` if it is an ADMX-backed policy";
                self.problems.error(fields.place(), message);
                Asked::Nothing(fields.place())
            }
        };
        let is_admx = matches!(value, Asked::Admx(..));
        let misplaced = match is_admx {
            true => fields.place_of("format").map(|place| (place, "format", "value")),
            false => fields.place_of("data").map(|place| (place, "data", "enabled")),
        };
        if let Some((place, key, other)) = misplaced {
            self.problems
                .error(place, format!("{} goes with {}", quoted(key), quoted(other)));
        }
        Some(Written {
            path: fields.required_text("path", &mut self.problems)?,
            format: format.filter(|_| !is_admx),
            value,
        })
    }

    /// The setting, checked by the catalog.
    fn setting(&mut self, written: &Written<'_>) -> Option<Placed> {
        let catalog = WindowsCatalog::builtin();
        let found = catalog.find(written.path.text, &mut 0).ok();
        let value_place = written.value.place();
        let is_leaf = found.as_ref().is_none_or(has_a_value);
        let format = match (&written.value, is_leaf) {
            (Asked::Nothing(_), _) | (_, false) => None,
            (Asked::Admx(..), true) => Some(DataFormat::Chr),
            (Asked::Plain(_), true) => self.format(written.path, written.format, found.as_ref()),
        };
        let text = format.and_then(|format| match &written.value {
            Asked::Plain(node) => self.value_text(node, format),
            Asked::Admx(text, _) => Some(text.clone()),
            Asked::Nothing(_) => None,
        });
        let way = found.as_ref().map(|found| found.node.way_to_change());
        let verb = match way {
            Some(Some(Change::AddThenReplace | Change::DeleteThenAdd)) | None => Verb::Add,
            Some(Some(Change::Replace) | None) => Verb::Replace,
        };
        let setting = validate::Setting {
            uri: written.path.text,
            verb,
            format,
            value: text.as_deref(),
        };
        let reach = WindowsReach {
            allow_unknown: self.allow_unknown,
            devices: self.windows.to_vec(),
        };
        for finding in validate::csp(catalog, setting, &reach) {
            // Without a usable value, there were complaints of it already.
            let place = match finding.at {
                At::Value if text.is_none() => continue,
                At::Value => value_place,
                At::Key | At::Type => written.path.place,
            };
            self.tell_of_windows(place, finding);
        }
        // Of what cannot be set at all, that was said.
        if !is_leaf && way.flatten().is_some() {
            let message = format!(
                "{} has no value: nothing can be set there",
                quoted(written.path.text)
            );
            self.problems.error(written.path.place, message);
        }
        let path = written.path.text.parse().ok()?;
        self.warn_of_the_account(&path, written.path.place);
        let (format, text) = (format?, text?);
        Some(Placed {
            setting: Setting {
                path,
                format,
                value: Wanted::read(format, &text)?,
            },
            place: written.path.place,
        })
    }

    pub(super) fn tell_of_windows(&mut self, place: Place, finding: Finding) {
        let others_may_come = finding.code == Code::Unsupported && !self.devices_only;
        match finding.severity {
            Severity::Error if !others_may_come => self.problems.error(place, finding.message),
            _ => self.problems.warning(place, finding.message),
        }
    }

    /// The format that is given, else the only one that the catalog has.
    pub(super) fn format(
        &mut self,
        path: Text<'_>,
        format: Option<Text<'_>>,
        found: Option<&Found<'_>>,
    ) -> Option<DataFormat> {
        if let Some(Text { text, place }) = format {
            match text.parse::<DataFormat>() {
                Ok(format) if format.is_empty() => {
                    let message =
                        format!("the format {format} has no value, so that there is nothing to set");
                    self.problems.error(place, message);
                }
                Ok(format) => return Some(format),
                Err(_) => {
                    let known = DataFormat::ALL.iter().map(|format| format.as_str());
                    let message = format!("unknown format {}", quoted(text));
                    self.problems.unknown(place, message, text, known);
                }
            }
            return None;
        }
        let formats = found.map(|found| &found.node.formats);
        let mut formats = formats.into_iter().flatten().filter(|format| !format.is_empty());
        let place = path.place;
        let path = quoted(path.text);
        let message = match (formats.next(), formats.next()) {
            (Some(only), None) => return Some(*only),
            // The path is complained of.
            (None, _) if found.is_none() && !self.allow_unknown => return None,
            (None, _) => format!("the catalog does not know the format of {path}: say which with `format`"),
            (Some(first), Some(second)) => {
                let names: Vec<&str> = [first, second]
                    .into_iter()
                    .chain(formats)
                    .map(|format| format.as_str())
                    .collect();
                format!(
                    "{path} may be of the formats {}: say which with `format`",
                    names.join(", ")
                )
            }
        };
        self.problems.error(place, message);
        None
    }

    /// The text that says the value in a format, whose own check is the catalog's.
    pub(super) fn value_text(&mut self, node: &Node, format: DataFormat) -> Option<String> {
        let is_text = !matches!(format, DataFormat::Int | DataFormat::Float | DataFormat::Bool);
        let message = match &node.value {
            // What is no base64 may be a secret, which the catalog would show.
            Value::String(text) if format == DataFormat::B64 && format.value(text).is_none() => {
                "the value is not base64".to_owned()
            }
            Value::String(text) => return Some(text.clone()),
            Value::Integer(number) if !is_text => return Some(number.to_string()),
            Value::Real(number) if !is_text => return Some(number.to_string()),
            Value::Bool(value) if !is_text => return Some(value.to_string()),
            Value::Integer(_) | Value::Real(_) | Value::Bool(_) => format!(
                "a value of the format {format} has to be a string, not {}; put it in quotes",
                node.what()
            ),
            Value::Null | Value::List(_) | Value::Object(_) => {
                format!("a value of the format {format} cannot be {}", node.what())
            }
        };
        self.problems.error(node.place, message);
        None
    }

    /// Warns of what could cut devices off from the server.
    fn warn_of_the_account(&mut self, path: &LocUri, place: Place) {
        let last = path.names.last().map(String::as_str);
        let is_of_the_account = match path.names.as_slice() {
            [syncml, accounts, ..] => syncml == "SyncML" && accounts == "DMAcc",
            _ => false,
        };
        let is_the_address = path.names.iter().any(|name| name == "DMClient")
            && matches!(
                last,
                Some("ManagementServiceAddress" | "ManagementServerAddressList")
            );
        if is_of_the_account || is_the_address {
            let message = format!(
                "{} is how devices find the server and sign in to it, which Ordain sees to: they could be cut off",
                quoted(&path.to_string())
            );
            self.problems.warning(place, message);
        }
    }

    /// The text of an ADMX-backed policy.
    fn admx_text(&mut self, enabled: &Node, fields: Fields<'_>) -> String {
        let is_enabled = self.flag(fields, "enabled").unwrap_or_default();
        let data = fields.get("data");
        if let (false, Value::Bool(_), Some(data)) = (is_enabled, &enabled.value, data) {
            let message = "a policy that is not enabled has no `data`";
            self.problems.error(data.place, message);
        }
        match is_enabled {
            true => self.enabled(data),
            false => admx::DISABLED.to_owned(),
        }
    }
}

/// Whether the node may have a value.
fn has_a_value(found: &Found<'_>) -> bool {
    let formats = &found.node.formats;
    formats.is_empty() || formats.iter().any(|format| !format.is_empty())
}
