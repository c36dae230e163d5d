//! Documents of declared configuration: a scenario, and what it is to be.

mod template;

use std::collections::BTreeMap;

use ordain_catalog::Scope;
use ordain_catalog::validate::{self, At, Finding, WindowsReach};
use ordain_catalog::windows::{DataFormat, Request, WindowsCatalog};
use ordain_model::windows::document::{DocId, Document, DocumentCsp, DocumentUri, OnRemoval, Provider};
use ordain_model::windows::settings::Wanted;

use self::template::{Filling, Instance, Told, has_placeholder, stand_in};
use super::WindowsFile;
use super::admx::is_of_xml;
use super::owner::{Owned, Resource};
use super::setting::Asked;
use super::text_at;
use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::fields::{Fields, Text};
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};

/// The limits of `RefreshInterval`, in minutes.
const REFRESH: std::ops::RangeInclusive<u64> = 30..=u32::MAX as u64;

/// The keys of a node that is written out.
const WRITTEN: [&str; 5] = ["path", "format", "value", "enabled", "data"];
/// The longest document, in octets before it is escaped. Devices get it in pieces.
const MAX_OCTETS: usize = 1 << 20;

/// A document, and where its parts stand.
struct Located {
    document: Document,
    /// Of the CSPs: the name, and their nodes.
    csps: Vec<(Place, Vec<LocatedUri>)>,
    providers: Vec<Place>,
    instances: Vec<Instance>,
}

/// Where a node of a document stands.
struct LocatedUri {
    path: Place,
    value: Place,
    /// The value as it is sent.
    text: Option<String>,
    /// There is a value, which was complained of.
    is_complained_of: bool,
}

impl<'c> Compiler<'c> {
    /// Reads a file of `windows/` that has a scenario.
    pub(super) fn read_document(&mut self, file: &Node) -> Option<Draft<'c>> {
        const KEYS: [&str; 9] = [
            "Identifier",
            "scenario",
            "scope",
            "inventory",
            "on-removal",
            "refresh-interval",
            "csp",
            "providers",
            "instances",
        ];
        let fields = Fields::of(file, &KEYS, &mut self.problems)?;
        let identifier = self.identifier(fields);
        let scenario = fields.required_text("scenario", &mut self.problems);
        let scope = self.context(fields);
        let known = scenario.and_then(|scenario| WindowsCatalog::builtin().scenario(scenario.text));
        let is_inventory = match (fields.get("inventory"), known) {
            (Some(_), _) => self.flag(fields, "inventory").unwrap_or_default(),
            (None, Some(known)) => known.requests.iter().eq([&Request::Inventory]),
            (None, None) => false,
        };
        let instances = self.read_instances(fields);
        let request = match (fields.get("instances").is_some(), is_inventory) {
            (true, _) => Request::BulkTemplate,
            (false, true) => Request::Inventory,
            (false, false) => Request::Complete,
        };
        let mut located = Located {
            document: Document {
                scenario: match (known, scenario) {
                    (Some(known), _) => known.name.clone(),
                    (None, scenario) => scenario.map_or("", |scenario| scenario.text).to_owned(),
                },
                scope,
                request,
                on_removal: self.on_removal(fields, request),
                refresh_interval: self.refresh_interval(fields),
                csp: Vec::new(),
                providers: Vec::new(),
                instances: instances.iter().map(Instance::to_model).collect(),
            },
            csps: Vec::new(),
            providers: Vec::new(),
            instances,
        };
        for item in self.items(fields, "csp") {
            self.read_csp(item, &mut located);
        }
        for item in self.items(fields, "providers") {
            self.read_provider(item, &mut located);
        }
        let Located { document, .. } = &located;
        let place = fields.place();
        if document.on_removal == OnRemoval::Clean && !document.providers.is_empty() {
            let message = "what a provider has set cannot be taken back: `on-removal` is delete or abandon";
            self.problems
                .error(fields.place_of("on-removal").unwrap_or(place), message);
        }
        self.check_placeholders(&located, fields);
        let name = identifier.map_or("", |identifier| identifier.text);
        self.check_by_scenario(name, &located, fields);
        self.inventories.extend(located.document.tells(name));
        let owned = located.owned();
        let file = WindowsFile::Document(located.document, owned);
        Some(file.into_draft(identifier?, place, Some(scope)))
    }

    /// `scope: device` or `user`: the words of documents.
    fn context(&mut self, fields: Fields<'_>) -> Scope {
        let Some(scope) = fields.text("scope", &mut self.problems) else {
            return Scope::System;
        };
        match scope.text {
            "device" => Scope::System,
            "user" => Scope::User,
            other => {
                let message = format!("unknown scope {}: it is device or user", quoted(other));
                self.problems.error(scope.place, message);
                Scope::System
            }
        }
    }

    fn on_removal(&mut self, fields: Fields<'_>, request: Request) -> OnRemoval {
        let Some(word) = fields.text("on-removal", &mut self.problems) else {
            return OnRemoval::default();
        };
        let known = OnRemoval::ALL.into_iter().find(|known| known.word() == word.text);
        let message = match known {
            Some(_) if request == Request::Inventory => {
                "an inventory sets nothing, so that it is deleted: it has no `on-removal`".to_owned()
            }
            // \[U\]: no page has a node to abandon a template by, nor says what becomes of one that is emptied.
            Some(known) if request == Request::BulkTemplate && known != OnRemoval::Delete => {
                "a template can only be deleted: it has no `on-removal`".to_owned()
            }
            Some(known) => return known,
            None => format!(
                "unknown `on-removal` {}: it is delete, abandon or clean",
                quoted(word.text)
            ),
        };
        self.problems.error(word.place, message);
        OnRemoval::default()
    }

    fn refresh_interval(&mut self, fields: Fields<'_>) -> Option<u32> {
        let node = fields.get("refresh-interval")?;
        if let Value::Integer(minutes) = &node.value
            && let Ok(minutes) = u64::try_from(*minutes)
            && REFRESH.contains(&minutes)
        {
            return u32::try_from(minutes).ok();
        }
        let message = format!(
            "`refresh-interval` is a number of minutes from {} to {}",
            REFRESH.start(),
            REFRESH.end()
        );
        self.problems.error(node.place, message);
        None
    }

    /// An item of `csp`: `name` and `settings`.
    fn read_csp(&mut self, item: &Node, located: &mut Located) {
        let Some(fields) = Fields::of(item, &["name", "settings"], &mut self.problems) else {
            return;
        };
        let name = fields.required_text("name", &mut self.problems);
        let settings = fields.required("settings", &mut self.problems);
        let (Some(name), Some(_)) = (name, settings) else {
            return;
        };
        let (mut settings, mut places) = (Vec::new(), Vec::new());
        for item in self.items(fields, "settings") {
            if let Some((uri, place)) = self.read_uri(item, name, &located.document) {
                settings.push(uri);
                places.push(place);
            }
        }
        located.document.csp.push(DocumentCsp {
            name: name.text.to_owned(),
            settings,
        });
        located.csps.push((name.place, places));
    }

    /// An item of a CSP: `PATH: VALUE`, `path` with `value` and `format`, or, where there is no value, the path alone.
    fn read_uri(
        &mut self,
        item: &Node,
        csp: Text<'_>,
        document: &Document,
    ) -> Option<(DocumentUri, LocatedUri)> {
        let (path, format, asked) = match (item.as_text(), item.members()) {
            (Some(path), _) => (text_at(path, item.place), None, None),
            (None, [only]) if only.key == "path" => {
                let fields = Fields::of(item, &["path"], &mut self.problems)?;
                (fields.required_text("path", &mut self.problems)?, None, None)
            }
            (None, [only]) if !WRITTEN.contains(&only.key.as_str()) => {
                let path = text_at(&only.key, only.place);
                (path, None, Some(Asked::Plain(&only.value)))
            }
            _ => {
                let written = self.written(item)?;
                (written.path, written.format, Some(written.value))
            }
        };
        let value_place = asked.as_ref().map_or(path.place, Asked::place);
        let is_template = document.request == Request::BulkTemplate;
        let known_as = match is_template {
            true => stand_in(path.text),
            false => path.text.to_owned(),
        };
        let known_as = address(csp.text, &known_as, document.scope);
        let found = WindowsCatalog::builtin().find(&known_as, &mut 0).ok();
        let asked = match asked {
            Some(_) if document.request == Request::Inventory => {
                let message = "an inventory asks for values, and has none";
                self.problems.error(value_place, message);
                Some(Asked::Nothing(value_place))
            }
            asked => asked,
        };
        let is_asked = asked.is_some();
        let is_filled_in = |node: &Node| is_template && node.as_text().is_some_and(has_placeholder);
        let (format, text) = match asked {
            Some(Asked::Admx(text, _)) => (Some(DataFormat::Chr), Some(text)),
            Some(Asked::Plain(node)) => {
                let address = address(csp.text, path.text, document.scope);
                let format = self.format(text_at(&address, path.place), format, found.as_ref());
                let text = match is_filled_in(node) {
                    // What it is in its format is seen then.
                    true => node.as_text().map(str::to_owned),
                    false => format.and_then(|format| self.value_text(node, format)),
                };
                (format, text)
            }
            Some(Asked::Nothing(_)) => (None, None),
            None => {
                let mut formats = found.iter().flat_map(|found| &found.node.formats);
                let first = formats.next().copied();
                (first.filter(|_| formats.next().is_none()), None)
            }
        };
        let is_open = is_template && text.as_deref().is_some_and(has_placeholder);
        let value = format.map(|format| if is_open { DataFormat::Chr } else { format });
        let value = value.zip(text.as_deref());
        let uri = DocumentUri {
            path: path.text.to_owned(),
            format,
            value: value.and_then(|(format, text)| Wanted::read(format, text)),
        };
        let located = LocatedUri {
            path: path.place,
            value: value_place,
            is_complained_of: is_asked && (text.is_none() || format.is_none()),
            text,
        };
        Some((uri, located))
    }

    /// An item of `providers`: `namespace`, `class`, `keys` and `values`.
    fn read_provider(&mut self, item: &Node, located: &mut Located) {
        const KEYS: [&str; 4] = ["namespace", "class", "keys", "values"];
        let Some(fields) = Fields::of(item, &KEYS, &mut self.problems) else {
            return;
        };
        let [namespace, class] =
            ["namespace", "class"].map(|key| fields.required_text(key, &mut self.problems));
        let is_inventory = located.document.request == Request::Inventory;
        let keys = fields.required("keys", &mut self.problems);
        let keys = keys.map(|keys| self.properties(keys, "keys")).unwrap_or_default();
        let values = match fields.get("values") {
            Some(_) if is_inventory => {
                let names = fields.texts("values", &mut self.problems);
                names.iter().map(|name| (name.text.to_owned(), None)).collect()
            }
            Some(values) => {
                let values = self.properties(values, "values").into_iter();
                values.map(|(name, value)| (name, Some(value))).collect()
            }
            None => BTreeMap::new(),
        };
        let (Some(namespace), Some(class)) = (namespace, class) else {
            return;
        };
        located.document.providers.push(Provider {
            namespace: namespace.text.to_owned(),
            class: class.text.to_owned(),
            keys,
            values,
        });
        located.providers.push(fields.place());
    }

    /// The properties of a resource, which are texts.
    fn properties(&mut self, node: &Node, key: &str) -> BTreeMap<String, Wanted> {
        if !matches!(node.value, Value::Object(_)) {
            let message = format!(
                "{} has to be an object of names and texts, not {}",
                quoted(key),
                node.what()
            );
            self.problems.error(node.place, message);
        }
        let mut properties = BTreeMap::new();
        for member in node.members() {
            let text = self.value_text(&member.value, DataFormat::Chr);
            if let Some(value) = text.and_then(|text| Wanted::read(DataFormat::Chr, &text)) {
                properties.insert(member.key.clone(), value);
            }
        }
        properties
    }

    /// Holds a document against the catalog, and its texts against what XML can say.
    fn check_by_scenario(&mut self, identifier: &str, located: &Located, fields: Fields<'_>) {
        let Located {
            document,
            csps,
            providers,
            ..
        } = located;
        let id = DocId::of(identifier, document.scope).to_string();
        let reach = WindowsReach {
            allow_unknown: self.allow_unknown,
            devices: self.windows.to_vec(),
        };
        let (fillings, is_short) = located.fillings();
        let mut told = Told::default();
        for filling in &fillings {
            let seen = located.seen(&id, filling);
            for finding in validate::document(WindowsCatalog::builtin(), &seen, &reach) {
                let Some(place) = located.place(&finding, fields) else {
                    continue;
                };
                let about = located.uri(&finding);
                let about = about.and_then(|(uri, at)| Some((uri.path.as_str(), at.text.as_deref()?)));
                if let Some((place, finding)) = filling.told(finding, about, place, &mut told) {
                    self.tell_of_windows(place, finding);
                }
            }
        }
        self.check_instances(located, &fillings);
        let unsayable = "it has a character that XML does not have, so that it cannot be sent";
        let names = document.csp.iter().zip(csps);
        let names = names.map(|(csp, (place, _))| (csp.name.as_str(), *place));
        for (_, place) in names.chain(located.texts()).filter(|(text, _)| !is_xml(text)) {
            self.problems.error(place, unsayable);
        }
        for (provider, place) in document.providers.iter().zip(providers) {
            let keys = provider.keys.iter().map(|(name, value)| (name, Some(value)));
            let values = provider.values.iter().map(|(name, value)| (name, value.as_ref()));
            let is_sayable = |(name, value): (&String, Option<&Wanted>)| {
                is_xml(name) && value.is_none_or(|value| is_xml(&value.text()))
            };
            if !is_xml(&provider.namespace) || !is_xml(&provider.class) || !keys.chain(values).all(is_sayable)
            {
                self.problems.error(*place, unsayable);
            }
        }
        let octets = serde_json::to_string(document).map_or(0, |text| text.len());
        if octets > MAX_OCTETS {
            let message = format!("the document is larger than {MAX_OCTETS} octets");
            self.problems.error(fields.place(), message);
        } else if !is_short {
            let message = format!(
                "filled in, the document is larger than {MAX_OCTETS} octets: make several files of it"
            );
            self.problems.error(fields.place(), message);
        }
    }
}

impl Located {
    /// The document, as the catalog looks at it.
    fn seen<'a>(&'a self, id: &'a str, filling: &'a Filling<'_>) -> validate::Document<'a> {
        let Self { document, .. } = self;
        let csps = document.csp.iter().zip(&filling.csps).map(|(csp, filled)| {
            let uris = csp.settings.iter().zip(filled);
            validate::DocumentCsp {
                name: &csp.name,
                uris: uris
                    .map(|(uri, filled)| validate::DocumentUri {
                        path: &filled.path,
                        format: uri.format,
                        value: filled.text.as_deref(),
                    })
                    .collect(),
            }
        });
        validate::Document {
            id,
            scenario: &document.scenario,
            scope: document.scope,
            request: document.request,
            csps: csps.collect(),
            dsc: document.providers.len(),
        }
    }

    /// Paths and values of nodes, with their places.
    fn texts(&self) -> impl Iterator<Item = (&str, Place)> {
        let csps = self.document.csp.iter().zip(&self.csps);
        csps.flat_map(|(csp, (_, uris))| {
            csp.settings.iter().zip(uris).flat_map(|(uri, located)| {
                let value = located.text.as_deref().map(|text| (text, located.value));
                [(uri.path.as_str(), located.path)].into_iter().chain(value)
            })
        })
    }

    /// The node that a finding of the catalog's is about, if it is about one.
    fn uri(&self, finding: &Finding) -> Option<(&DocumentUri, &LocatedUri)> {
        let mut steps = finding.pointer.strip_prefix("/csps/")?.split('/');
        let csp = steps.next()?.parse::<usize>().ok()?;
        let uri = steps.nth(1)?.parse::<usize>().ok()?;
        let (_, places) = self.csps.get(csp)?;
        Some((self.document.csp.get(csp)?.settings.get(uri)?, places.get(uri)?))
    }

    /// Where a finding of the catalog's belongs; nowhere, when there was a complaint of it already.
    fn place(&self, finding: &Finding, fields: Fields<'_>) -> Option<Place> {
        let of = |key: &str| fields.get(key).map_or(fields.place(), |node| node.place);
        let mut steps = finding.pointer.split('/').skip(1);
        let (part, index) = (steps.next().unwrap_or_default(), steps.next());
        let csp = index.and_then(|index| self.csps.get(index.parse::<usize>().ok()?));
        let own = ["inventory", "instances"];
        Some(match (part, csp) {
            ("scenario", _) => of("scenario"),
            ("scope", _) => of("scope"),
            ("request", _) => of(own
                .into_iter()
                .find(|key| fields.get(key).is_some())
                .unwrap_or("scenario")),
            ("dsc", _) => of("providers"),
            ("csps", None) => of("csp"),
            ("csps", Some((name, _))) => match (self.uri(finding), finding.at) {
                (None, _) => *name,
                (Some((_, uri)), At::Value) if uri.is_complained_of => return None,
                (Some((_, uri)), At::Value) => uri.value,
                (Some((_, uri)), At::Key | At::Type) => uri.path,
            },
            _ => fields.place(),
        })
    }

    /// What the document owns. One that only asks owns nothing.
    fn owned(&self) -> Vec<Owned> {
        if self.document.request == Request::Inventory {
            return Vec::new();
        }
        let (fillings, _) = self.fillings();
        let nodes = fillings.iter().flat_map(|filling| filling.owned(self));
        let providers = self.document.providers.iter().zip(&self.providers);
        let resources = providers.map(|(provider, place)| Owned {
            resource: Resource::of_provider(provider),
            place: *place,
        });
        nodes.chain(resources).collect()
    }
}

/// The address of a node in a document.
fn address(csp: &str, path: &str, scope: Scope) -> String {
    let root = match scope {
        Scope::System => "./Device",
        Scope::User => "./User",
    };
    format!("{root}/{}/{path}", csp.strip_prefix("./").unwrap_or(csp))
}

fn is_xml(text: &str) -> bool {
    text.chars().all(is_of_xml)
}
