//! Templates: `instances`, which fill in the placeholders of a document (`@#name#`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::validate::{At, Code, Finding};
use ordain_catalog::windows::{DataFormat, LocUri, Request};
use ordain_model::windows::document::template::{self, NotFilledIn, Piece, fill_in, pieces};
use ordain_model::windows::settings::Wanted;

use super::{Located, LocatedUri, MAX_OCTETS, address, is_xml};
use crate::compile::Compiler;
use crate::fields::Fields;
use crate::problem::{Place, quoted};
use crate::tree::{Node, Value};
use crate::windows::owner::{Owned, Resource};

/// The most `CSP` elements that a template may come to, and the most values of all its instances together: Ordain reads no
/// results, and simulated devices no data, that have more.
const MAX_CSPS: usize = 1_000;
const MAX_VALUES: usize = 10_000;
/// What surrounds a path in a result, in octets: results are no longer than documents, either.
const AROUND: usize = 100;
/// The longest name of a placeholder, in octets.
const MAX_NAME: usize = 64;

/// What a template is filled in with once, and where it stands.
pub(super) struct Instance {
    place: Place,
    /// The texts, by the names of the placeholders; none that can be used, where there were complaints of it.
    values: BTreeMap<String, (Option<String>, Place)>,
}

/// A document as it is checked: as it is, or with one instance filled in.
pub(super) struct Filling<'a> {
    instance: Option<&'a Instance>,
    /// Whether it is the first one.
    is_first: bool,
    pub(super) csps: Vec<Vec<Filled<'a>>>,
}

/// What was told of the instances.
#[derive(Default)]
pub(super) struct Told {
    /// By what the catalog found.
    findings: BTreeSet<(String, Code)>,
    /// Those of which it was, beside the first one.
    instances: BTreeSet<Place>,
}

/// A node of such a document.
pub(super) struct Filled<'a> {
    pub(super) path: Cow<'a, str>,
    pub(super) text: Option<Cow<'a, str>>,
}

/// What catalogs are asked for in place of a path with placeholders: their names.
pub(super) fn stand_in(path: &str) -> String {
    fill_in(path, MAX_OCTETS, |name| Some(name.to_owned())).unwrap_or_else(|_| path.to_owned())
}

/// Whether there is something to fill in, well or badly.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains("@#")
}

/// The names of the placeholders.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let pieces = pieces(text).unwrap_or_default().into_iter();
    pieces.filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

fn is_name(name: &str) -> bool {
    let is_letter = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_letter)
}

impl Instance {
    /// As documents have it.
    pub(super) fn to_model(&self) -> template::Instance {
        let values = self.values.iter();
        let value = |(name, (text, _)): (&String, &(Option<String>, Place))| {
            Some((name.clone(), Wanted::read(DataFormat::Chr, text.as_ref()?)?))
        };
        values.filter_map(value).collect()
    }

    /// `text`, filled in, in at most so many octets.
    fn fill_in<'a>(&self, text: &'a str, most: usize) -> Result<Cow<'a, str>, NotFilledIn> {
        if !has_placeholder(text) {
            return Ok(Cow::Borrowed(text));
        }
        fill_in(text, most, |name| self.values.get(name)?.0.clone()).map(Cow::Owned)
    }
}

impl Compiler<'_> {
    /// Reads `instances`.
    pub(super) fn read_instances(&mut self, fields: Fields<'_>) -> Vec<Instance> {
        let items = self.items(fields, "instances").iter();
        items.filter_map(|item| self.read_instance(item)).collect()
    }

    fn read_instance(&mut self, item: &Node) -> Option<Instance> {
        if !matches!(item.value, Value::Object(_)) {
            let message = format!("an instance is an object of names and texts, not {}", item.what());
            self.problems.error(item.place, message);
            return None;
        }
        let mut values = BTreeMap::new();
        for member in item.members() {
            let place = member.value.place;
            // Numbers would lose their zeros.
            let text = self.value_text(&member.value, DataFormat::Chr);
            let message = match &text {
                Some(text) if !is_xml(text) => {
                    Some("it has a character that XML does not have, so that it cannot be sent")
                }
                // \[U\]: whether devices look through what they have filled in.
                Some(text) if has_placeholder(text) => {
                    Some("what is filled in has no placeholders of its own, and so no `@#`")
                }
                _ => None,
            };
            if let Some(message) = message {
                self.problems.error(place, message);
            }
            let text = text.filter(|_| message.is_none());
            values.insert(member.key.clone(), (text, place));
        }
        Some(Instance {
            place: item.place,
            values,
        })
    }

    /// Complains of placeholders that are not what they should be, are filled in by nobody, or do not exist.
    pub(super) fn check_placeholders(&mut self, located: &Located, fields: Fields<'_>) {
        if located.document.request != Request::BulkTemplate {
            // What the text is may be a secret.
            for (_, place) in located.texts().filter(|(text, _)| names(text).next().is_some()) {
                let message = "a placeholder, as `@#name#`, stands for itself in a file without `instances`";
                self.problems.warning(place, message);
            }
            return;
        }
        if let Some(providers) = fields.place_of("providers") {
            let message = "`instances` fill in nodes of CSPs, and no resources of providers";
            self.problems.error(providers, message);
        }
        let mut used: BTreeMap<&str, Place> = BTreeMap::new();
        for (text, place) in located.texts() {
            match pieces(text) {
                Err(_) => {
                    let message = "a placeholder, as `@#name#`, has no `#` at its end";
                    self.problems.error(place, message);
                }
                Ok(_) if text.contains("#@") && !has_placeholder(text) => {
                    let message = "if that is to be a placeholder: they are written `@#name#`";
                    self.problems.warning(place, message);
                }
                Ok(_) => {}
            }
            for name in names(text) {
                used.entry(name).or_insert(place);
            }
        }
        let mut spelt: BTreeMap<String, &str> = BTreeMap::new();
        for (name, place) in &used {
            let earlier = *spelt.entry(name.to_lowercase()).or_insert(name);
            if !is_name(name) {
                let message = format!(
                    "{} is no name of a placeholder: it has 1 to {MAX_NAME} letters, digits, `-` and `_`",
                    quoted(name)
                );
                self.problems.error(*place, message);
            } else if earlier != *name {
                // \[U\]: whether devices tell them apart.
                let message = format!(
                    "the placeholders {} and {} differ in case only",
                    quoted(earlier),
                    quoted(name)
                );
                self.problems.error(*place, message);
            }
        }
        let place = fields.place_of("instances").unwrap_or(fields.place());
        if used.is_empty() {
            let message = "no path and no value has a placeholder, as `@#name#`, to be filled in";
            self.problems.error(place, message);
            return;
        }
        for instance in &located.instances {
            for (name, place) in used
                .iter()
                .filter(|(name, _)| !instance.values.contains_key(**name))
            {
                let message = format!(
                    "the instance has nothing for {} (line {})",
                    quoted(&format!("@#{name}#")),
                    place.line
                );
                self.problems.error(instance.place, message);
            }
            for (name, (_, place)) in &instance.values {
                if !used.contains_key(name.as_str()) {
                    let message = format!("no placeholder has the name {}", quoted(name));
                    self.problems.unknown(*place, message, name, used.keys().copied());
                }
            }
        }
        let values = located
            .instances
            .iter()
            .flat_map(|instance| instance.values.values());
        let is_doubtful = |text: &String| text.contains(['<', '&']);
        let doubtful = values.filter(|(text, _)| text.as_ref().is_some_and(is_doubtful));
        if let Some(place) = doubtful.map(|(_, place)| *place).min() {
            let message =
                "it is not verified that devices fill in `<` and `&` as they are: better do without";
            self.problems.warning(place, message);
        }
        let count = located.instances.len();
        let each = [
            (located.csps.len(), MAX_CSPS, "CSPs"),
            (used.len(), MAX_VALUES, "values"),
        ];
        for (each, most, what) in each {
            let all = count.saturating_mul(each);
            if all > most {
                let message =
                    format!("filled in, these are {all} {what}, more than {most}: make several files of it");
                self.problems.error(place, message);
            }
        }
    }

    /// Complains of nodes that more than one instance sets.
    pub(super) fn check_instances(&mut self, located: &Located, fillings: &[Filling<'_>]) {
        let mut first: BTreeMap<LocUri, &Instance> = BTreeMap::new();
        for filling in fillings {
            let Some(instance) = filling.instance else {
                continue;
            };
            let mut is_told = false;
            for (uri, own, path) in filling.nodes(located) {
                let Some(earlier) = first.get(&path) else {
                    first.insert(path, instance);
                    continue;
                };
                if std::ptr::eq(*earlier, instance) {
                    continue;
                }
                let name = quoted(&path.to_string());
                if !has_placeholder(own) {
                    let message = format!("{name} has no placeholder, and is set by each instance");
                    self.problems.error(uri.path, message);
                } else if !std::mem::replace(&mut is_told, true) {
                    let message = format!(
                        "{name} is set by the instance on line {} as well: what fills in its path has to differ",
                        earlier.place.line
                    );
                    self.problems.error(instance.place, message);
                }
            }
        }
    }
}

impl Located {
    /// The document as it is to be checked: once for each instance that fills in all, as long as all of that is no longer
    /// than a document may be; and whether it is.
    pub(super) fn fillings(&self) -> (Vec<Filling<'_>>, bool) {
        if self.document.request != Request::BulkTemplate {
            return (vec![self.as_it_is()], true);
        }
        let (mut fillings, mut left) = (Vec::new(), MAX_OCTETS);
        for instance in self.instances.iter().take(MAX_CSPS) {
            match self.filling(instance, fillings.is_empty(), &mut left) {
                Ok(filling) => fillings.push(filling),
                Err(NotFilledIn::TooLong) => return (fillings, false),
                // There was a complaint of it.
                Err(NotFilledIn::Unclosed | NotFilledIn::Undefined) => {}
            }
        }
        (fillings, true)
    }

    fn as_it_is(&self) -> Filling<'_> {
        let csps = self.document.csp.iter().zip(&self.csps).map(|(csp, (_, uris))| {
            let uris = csp.settings.iter().zip(uris).map(|(uri, located)| Filled {
                path: Cow::Borrowed(&*uri.path),
                text: located.text.as_deref().map(Cow::Borrowed),
            });
            uris.collect()
        });
        Filling {
            instance: None,
            is_first: true,
            csps: csps.collect(),
        }
    }

    /// The document with `instance` filled in, in as many octets as are `left`.
    fn filling<'a>(
        &'a self,
        instance: &'a Instance,
        is_first: bool,
        left: &mut usize,
    ) -> Result<Filling<'a>, NotFilledIn> {
        let mut csps = Vec::new();
        for (csp, (_, uris)) in self.document.csp.iter().zip(&self.csps) {
            let mut filled = Vec::new();
            for (uri, located) in csp.settings.iter().zip(uris) {
                let path = instance.fill_in(&uri.path, *left)?;
                let text = located.text.as_deref();
                let text = text.map(|text| instance.fill_in(text, *left)).transpose()?;
                let octets = AROUND + path.len() + text.as_ref().map_or(0, |text| text.len());
                *left = left.checked_sub(octets).ok_or(NotFilledIn::TooLong)?;
                filled.push(Filled { path, text });
            }
            csps.push(filled);
        }
        Ok(Filling {
            instance: Some(instance),
            is_first,
            csps,
        })
    }
}

impl<'a> Filling<'a> {
    /// Its nodes: where each stands, its path as it is written, and its address.
    fn nodes(&self, located: &'a Located) -> impl Iterator<Item = (&'a LocatedUri, &'a str, LocUri)> {
        let csps = located.document.csp.iter().zip(&located.csps).zip(&self.csps);
        csps.flat_map(|((csp, (_, uris)), filled)| {
            let uris = csp.settings.iter().zip(uris).zip(filled);
            uris.filter_map(|((own, uri), filled)| {
                let address = address(&csp.name, &filled.path, located.document.scope);
                Some((uri, own.path.as_str(), address.parse().ok()?))
            })
        })
    }

    /// What it owns.
    pub(super) fn owned(&self, located: &'a Located) -> Vec<Owned> {
        let nodes = self.nodes(located);
        let owned = nodes.map(|(uri, _, address)| Owned {
            resource: Resource::of_node(&address),
            place: self.instance.map_or(uri.path, |instance| instance.place),
        });
        owned.collect()
    }

    /// What is told of a finding about the node at `path` with the value `text`, and where. What an instance fills in for a
    /// value is told where it stands, and not shown; all else once, of the first instance that has it: of the very first one
    /// at `place`. `None`: it was `told`, or something else was of this instance.
    pub(super) fn told(
        &self,
        finding: Finding,
        about: Option<(&str, &str)>,
        place: Place,
        told: &mut Told,
    ) -> Option<(Place, Finding)> {
        let Some(instance) = self.instance else {
            return Some((place, finding));
        };
        let filled_in = about.filter(|_| finding.at == At::Value);
        let filled_in = filled_in.and_then(|(path, text)| Some((path, names(text).next()?)));
        if let Some((path, name)) = filled_in {
            let place = instance
                .values
                .get(name)
                .map_or(instance.place, |(_, place)| *place);
            let message = format!(
                "{} does not take that: `ordain catalog show` says what it does",
                quoted(path)
            );
            return Some((place, Finding { message, ..finding }));
        }
        let place = if self.is_first { place } else { instance.place };
        let is_new = told.findings.insert((finding.pointer.clone(), finding.code));
        let is_told = is_new && (self.is_first || told.instances.insert(instance.place));
        is_told.then_some((place, finding))
    }
}
