//! `windows/`: what is set on Windows devices. Each file becomes one declaration: of nodes of CSPs with their values, or a
//! document of declared configuration.

mod admx;
mod company;
mod document;
mod owner;
mod poll;
mod setting;

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Scope;
use ordain_catalog::windows::{LocUri, Request, WindowsCatalog};
use ordain_model::declaration::Placement;
use ordain_model::windows::document::{DOCUMENT_TYPE, Document, OnRemoval};
use ordain_model::windows::settings::{SETTINGS_TYPE, Setting, Settings, plan};
use serde_json::{Map, Value as Json};

use self::owner::Owned;

use crate::compile::Compiler;
use crate::declaration::{Declared, Draft};
use crate::fields::{Fields, Text};
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};

/// What a file of `windows/` says.
#[derive(Clone)]
pub(crate) enum WindowsFile {
    /// Whether all or none of the settings are to be taken, and the settings.
    Settings(bool, Vec<Placed>),
    /// A document, and what it owns on a device.
    Document(Document, Vec<Owned>),
}

/// A setting and where its path stands.
#[derive(Clone)]
pub(crate) struct Placed {
    setting: Setting,
    place: Place,
}

impl<'c> Compiler<'c> {
    /// Reads a file of `windows/`.
    pub(crate) fn read_windows(&mut self, file: &Node) -> Option<Draft<'c>> {
        match file.get("scenario") {
            Some(_) => self.read_document(file),
            None => self.read_settings(file),
        }
    }

    fn read_settings(&mut self, file: &Node) -> Option<Draft<'c>> {
        const KEYS: [&str; 5] = ["Identifier", "atomic", "admx", "poll", "settings"];
        let fields = Fields::of(file, &KEYS, &mut self.problems)?;
        let atomic = self.flag(fields, "atomic").unwrap_or_default();
        let mut placed = self.read_admx(fields);
        for item in self.items(fields, "settings") {
            placed.extend(self.read_setting(item));
        }
        placed.extend(self.read_poll(fields));
        let sets = ["settings", "admx", "poll"];
        if sets.iter().all(|key| fields.get(key).is_none()) {
            let message =
                "the file sets nothing: it has neither `settings` nor `admx` nor `poll`, nor a `scenario`";
            self.problems.error(fields.place(), message);
        }
        self.check_scopes(&placed);
        self.check_twice(&placed);
        self.check_poll(&placed);
        let identifier = self.identifier(fields)?;
        let scope = placed.first().map(|first| first.setting.path.scope);
        let file = WindowsFile::Settings(atomic, placed);
        Some(file.into_draft(identifier, fields.place(), scope))
    }

    /// The boolean of this key, if it has one.
    fn flag(&mut self, fields: Fields<'_>, key: &str) -> Option<bool> {
        let node = fields.get(key)?;
        if let Value::Bool(flag) = node.value {
            return Some(flag);
        }
        let message = format!("{} has to be true or false, not {}", quoted(key), node.what());
        self.problems.error(node.place, message);
        None
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
        let now: Vec<Settings> = drafts
            .values()
            .filter_map(|draft| draft.windows()?.settings())
            .collect();
        let now: Vec<&Settings> = now.iter().collect();
        for declaration in before.declarations.values() {
            let draft = drafts.get(&declaration.identifier);
            let place = draft.map_or(Place::POLICY, |draft| draft.place);
            let name = quoted(&declaration.identifier);
            if let Some(settings) = Settings::of(declaration) {
                let removing = plan::remove(&settings, &now, WindowsCatalog::builtin());
                for stays in removing.stays {
                    let path = quoted(&stays.path.to_string());
                    let message = format!("{name} no longer sets {path}: {}", stays.why);
                    self.problems.warning(place, message);
                }
            }
            let document =
                Document::of(declaration).filter(|document| document.request != Request::Inventory);
            let Some(document) = document else { continue };
            let message = match draft {
                None if document.on_removal != OnRemoval::Clean => {
                    let word = document.on_removal.word();
                    format!(
                        "the document {name} is gone, and what it set stays on devices: its `on-removal` was {word}"
                    )
                }
                Some(draft) if draft.request().is_some_and(|request| request != document.request) => format!(
                    "the document {name} is sent as another kind: devices delete the old one first, and what only that set stays"
                ),
                _ => continue,
            };
            self.problems.warning(place, message);
        }
    }
}

impl WindowsFile {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Settings(..) => SETTINGS_TYPE,
            Self::Document(..) => DOCUMENT_TYPE,
        }
    }

    pub(crate) fn to_payload(&self) -> Map<String, Json> {
        match self {
            Self::Settings(..) => self
                .settings()
                .map(|settings| settings.to_payload())
                .unwrap_or_default(),
            Self::Document(document, _) => document.to_payload(),
        }
    }

    /// The settings that it has, when it is a file of them.
    fn settings(&self) -> Option<Settings> {
        match self {
            Self::Settings(atomic, placed) => Some(Settings {
                atomic: *atomic,
                settings: placed.iter().map(|placed| placed.setting.clone()).collect(),
            }),
            Self::Document(..) => None,
        }
    }

    /// The same, with their places.
    fn placed(&self) -> &[Placed] {
        match self {
            Self::Settings(_, placed) => placed,
            Self::Document(..) => &[],
        }
    }

    fn into_draft<'c>(self, identifier: Text<'_>, place: Place, scope: Option<Scope>) -> Draft<'c> {
        Draft {
            identifier: identifier.text.to_owned(),
            place: identifier.place,
            type_place: place,
            declared: Some(Declared::Windows(self)),
            payload: Node::made(place, []),
            has_payload: false,
            carried: Vec::new(),
            placement: Placement {
                scope,
                ..Placement::default()
            },
            when: None,
            references: BTreeSet::new(),
            downloads: BTreeSet::new(),
        }
    }
}

impl Draft<'_> {
    /// How the document is sent that it is.
    fn request(&self) -> Option<Request> {
        match self.windows()? {
            WindowsFile::Document(document, _) => Some(document.request),
            WindowsFile::Settings(..) => None,
        }
    }

    /// The settings of Windows devices that it has.
    fn placed(&self) -> &[Placed] {
        self.windows().map(WindowsFile::placed).unwrap_or_default()
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
