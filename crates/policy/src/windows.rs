//! `windows/`: what is set on Windows devices. Each file becomes one declaration, of nodes of CSPs with their values.

mod admx;
mod company;
mod poll;
mod setting;

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Scope;
use ordain_catalog::windows::{LocUri, WindowsCatalog};
use ordain_model::declaration::{Declaration, Placement};
use ordain_model::windows::settings::{Setting, Settings, plan};

use crate::compile::Compiler;
use crate::declaration::{Declared, Draft};
use crate::fields::{Fields, Text};
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};

/// A setting and where its path stands.
pub(crate) struct Placed {
    setting: Setting,
    place: Place,
}

impl<'c> Compiler<'c> {
    /// Reads a file of `windows/`.
    pub(crate) fn read_windows(&mut self, file: &Node) -> Option<Draft<'c>> {
        const KEYS: [&str; 5] = ["Identifier", "atomic", "admx", "poll", "settings"];
        let fields = Fields::of(file, &KEYS, &mut self.problems)?;
        let atomic = self.flag(fields, "atomic");
        let mut placed = self.read_admx(fields);
        for item in self.items(fields, "settings") {
            placed.extend(self.read_setting(item));
        }
        placed.extend(self.read_poll(fields));
        let sets = ["settings", "admx", "poll"];
        if sets.iter().all(|key| fields.get(key).is_none()) {
            let message = "the file sets nothing: it has neither `settings` nor `admx` nor `poll`";
            self.problems.error(fields.place(), message);
        }
        self.check_scopes(&placed);
        self.check_twice(&placed);
        self.check_poll(&placed);
        let identifier = self.identifier(fields)?;
        let scope = placed.first().map(|first| first.setting.path.scope);
        Some(Draft {
            identifier: identifier.text.to_owned(),
            place: identifier.place,
            type_place: fields.place(),
            declared: Some(Declared::Windows),
            payload: Node::made(fields.place(), []),
            has_payload: false,
            carried: Vec::new(),
            placement: Placement {
                scope,
                ..Placement::default()
            },
            when: None,
            references: BTreeSet::new(),
            downloads: BTreeSet::new(),
            atomic,
            settings: placed,
        })
    }

    /// The boolean of this key; false without it.
    fn flag(&mut self, fields: Fields<'_>, key: &str) -> bool {
        let Some(node) = fields.get(key) else { return false };
        if let Value::Bool(flag) = node.value {
            return flag;
        }
        let message = format!("{} has to be true or false, not {}", quoted(key), node.what());
        self.problems.error(node.place, message);
        false
    }

    /// The items in the list of this key; none without it.
    fn items<'a>(&mut self, fields: Fields<'a>, key: &str) -> &'a [Node] {
        let Some(node) = fields.get(key) else { return &[] };
        let message = match &node.value {
            Value::List(items) if !items.is_empty() => return items,
            Value::List(_) => format!("{} is empty", quoted(key)),
            _ => format!("{} has to be a list, not {}", quoted(key), node.what()),
        };
        self.problems.error(node.place, message);
        &[]
    }

    /// Complains of what is not in the scope of the first.
    fn check_scopes(&mut self, placed: &[Placed]) {
        let Some(first) = placed.first() else { return };
        let which = |scope| match scope {
            Scope::System => "a device",
            Scope::User => "a user",
        };
        let scope = first.setting.path.scope;
        let mut last = None;
        for other in placed.iter().filter(|other| other.setting.path.scope != scope) {
            // What was written once is told once.
            if last.replace(other.place) == Some(other.place) {
                continue;
            }
            let message = format!(
                "{} is in the scope of {}, and {} ({}) in that of {}: a file has one scope",
                quoted(&other.setting.path.to_string()),
                which(other.setting.path.scope),
                quoted(&first.setting.path.to_string()),
                self.problems.name(first.place),
                which(scope),
            );
            self.problems.error(other.place, message);
        }
    }

    /// Complains of nodes that are set twice.
    fn check_twice(&mut self, placed: &[Placed]) {
        let mut first: BTreeMap<&LocUri, Place> = BTreeMap::new();
        for Placed { setting, place } in placed {
            let earlier = *first.entry(&setting.path).or_insert(*place);
            if earlier != *place {
                let message = format!(
                    "{} is already set on line {}",
                    quoted(&setting.path.to_string()),
                    earlier.line
                );
                self.problems.error(*place, message);
            }
        }
    }

    /// Warns of what was set, is not any more, and stays on devices.
    pub(crate) fn warn_of_what_stays(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        let Some(before) = self.before else { return };
        let now: Vec<Settings> = drafts.values().filter_map(Draft::windows).collect();
        let now: Vec<&Settings> = now.iter().collect();
        let declared = before.declarations.values();
        for (declaration, settings) in declared.filter_map(with_settings) {
            let removing = plan::remove(&settings, &now, WindowsCatalog::builtin());
            let draft = drafts.get(&declaration.identifier);
            let place = draft.map_or(Place::POLICY, |draft| draft.place);
            for stays in removing.stays {
                let message = format!(
                    "{} no longer sets {}: {}",
                    quoted(&declaration.identifier),
                    quoted(&stays.path.to_string()),
                    stays.why
                );
                self.problems.warning(place, message);
            }
        }
    }
}

fn with_settings(declaration: &Declaration) -> Option<(&Declaration, Settings)> {
    Some((declaration, Settings::of(declaration)?))
}

impl Draft<'_> {
    /// What it sets, when it is of Windows devices.
    pub(crate) fn windows(&self) -> Option<Settings> {
        matches!(self.declared, Some(Declared::Windows)).then(|| Settings {
            atomic: self.atomic,
            settings: self
                .settings
                .iter()
                .map(|placed| placed.setting.clone())
                .collect(),
        })
    }
}

/// The name in front of `~Policy~` in the area of a policy that an ADMX file brought.
fn admx_app(path: &LocUri) -> Option<&str> {
    match path.names.as_slice() {
        [vendor, msft, policy, config, area, ..]
            if [vendor, msft, policy, config]
                .iter()
                .eq(["Vendor", "MSFT", "Policy", "Config"].iter()) =>
        {
            area.split_once("~Policy~").map(|(app, _)| app)
        }
        _ => None,
    }
}

/// A text at its place.
fn text_at(text: &str, place: Place) -> Text<'_> {
    Text { text, place }
}
