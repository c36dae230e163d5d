//! What predicates may name: the schema by which [`ordain_predicate::check`] judges them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use ordain_predicate::{Lack, Schema, Source, Target, Type};
use serde_json::Value;

use crate::validate::DeviceKind;
use crate::{Availability, Catalog, Elements, Shape, StatusItem, Unavailable};

/// How many names are compared at most to find those that were meant: predicates in which everything is misspelt must not
/// cost their square.
const MAX_COMPARISONS: usize = 20_000;
/// Of how many parts the type of a property may be; of a larger one nothing is known. A type is copied wherever its property
/// is named.
const MAX_PARTS: usize = 500;

/// The status items of a catalog, management properties, and those whom a predicate is for.
#[derive(Debug, Clone)]
pub struct PredicateSchema<'c> {
    catalog: &'c Catalog,
    /// Status items that are in no schema of Apple's.
    own: BTreeMap<String, Type>,
    properties: BTreeMap<String, Type>,
    whole: bool,
    recipients: Recipients,
    targets: Vec<Target>,
    comparisons: Cell<usize>,
}

/// For whom a predicate is. Without anybody, no status item is missed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Those whom its author named. What any of these cannot report is an error.
    pub named: Vec<DeviceKind>,
    /// The devices that there are.
    pub present: Vec<DeviceKind>,
    /// Those who may come. It is no error when nobody but some of these, or of those present, can report a status item.
    pub possible: Vec<DeviceKind>,
}

impl<'c> PredicateSchema<'c> {
    /// The status items of `catalog`. Nothing is known of properties: any may be.
    #[must_use]
    pub fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            own: BTreeMap::new(),
            properties: BTreeMap::new(),
            whole: false,
            recipients: Recipients::default(),
            targets: Vec::new(),
            comparisons: Cell::new(MAX_COMPARISONS),
        }
    }

    /// The same with these status items beside those of the catalog. Nobody is said to lack them.
    #[must_use]
    pub fn with_status(mut self, items: impl IntoIterator<Item = (impl Into<String>, Type)>) -> Self {
        self.own
            .extend(items.into_iter().map(|(name, kind)| (name.into(), kind)));
        self
    }

    /// The same with these properties, each with a value that it has somewhere; one may be given several times. When they
    /// are the `whole`, there are no others.
    #[must_use]
    pub fn with_properties<'a>(
        mut self,
        values: impl IntoIterator<Item = (&'a str, &'a Value)>,
        whole: bool,
    ) -> Self {
        for (key, value) in values {
            let found = Some(type_of_value(value))
                .filter(|found| parts(found) <= MAX_PARTS)
                .unwrap_or(Type::Any);
            self.properties
                .entry(key.to_owned())
                .and_modify(|known| {
                    if *known != found {
                        *known = Type::Any;
                    }
                })
                .or_insert(found);
        }
        self.whole = whole;
        self
    }

    /// From now on, predicates are for these.
    pub fn aim(&mut self, recipients: Recipients) {
        let Recipients {
            named,
            present,
            possible,
        } = &recipients;
        let unknown: &[DeviceKind] = match named.is_empty() && present.is_empty() {
            true => possible,
            false => &[],
        };
        self.targets.clear();
        for target in named.iter().chain(present).chain(unknown).map(target_of) {
            if !self.targets.contains(&target) {
                self.targets.push(target);
            }
        }
        self.recipients = recipients;
    }

    /// Those present who cannot report this status item, whatever their builds, and why; nobody when all can, or when
    /// the catalog has no such item.
    pub fn lacking(&self, name: &str) -> Vec<(DeviceKind, Unavailable)> {
        let Some(item) = self.catalog.status_item(name) else {
            return Vec::new();
        };
        let mut lacking = Vec::new();
        for kind in &self.recipients.present {
            let Availability::Unavailable(why) = availability(item, kind) else {
                continue;
            };
            let told = (DeviceKind { build: None, ..*kind }, why);
            if !lacking.contains(&told) {
                lacking.push(told);
            }
        }
        lacking
    }
}

impl Schema for PredicateSchema<'_> {
    fn status(&self, name: &str) -> Option<Type> {
        let Some(item) = self.catalog.status_item(name) else {
            return self.own.get(name).cloned();
        };
        let last = name.rsplit('.').next().unwrap_or(name);
        Some(type_of_shape(last, &item.value))
    }

    fn property(&self, key: &str) -> Option<Type> {
        self.properties.get(key).cloned()
    }

    /// Fewer, and in the end none, when much was asked for already.
    fn names(&self, source: Source) -> Vec<&str> {
        let left = self.comparisons.get();
        let names: Vec<&str> = match source {
            Source::Status => self
                .catalog
                .status_items()
                .map(|item| item.name.as_str())
                .chain(self.own.keys().map(String::as_str))
                .take(left)
                .collect(),
            Source::Property => self.properties.keys().take(left).map(String::as_str).collect(),
            Source::Device | Source::Tag => Vec::new(),
        };
        self.comparisons.set(left.saturating_sub(names.len()));
        names
    }

    fn knows_all_properties(&self) -> bool {
        self.whole
    }

    fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn lack(&self, target: &Target, name: &str) -> Option<Lack> {
        let item = self.catalog.status_item(name)?;
        let can = |kind: &DeviceKind| !matches!(availability(item, kind), Availability::Unavailable(_));
        let of_target = |kind: &&DeviceKind| target_of(kind) == *target;
        let Recipients {
            named,
            present,
            possible,
        } = &self.recipients;
        let others = || present.iter().chain(possible);
        let mut meant: Vec<&DeviceKind> = named.iter().filter(of_target).collect();
        // Of one system there may be several channels; one of them is enough.
        let is_lacking = match meant.is_empty() {
            true => !others().any(can),
            false => !meant.iter().any(|kind| can(kind)),
        };
        if meant.is_empty() {
            meant.extend(others().filter(of_target));
        }
        is_lacking.then(|| why(item, &meant))
    }
}

/// Why none of these reports the item, each reason once.
fn why(item: &StatusItem, kinds: &[&DeviceKind]) -> Lack {
    let mut reasons: Vec<String> = Vec::new();
    for kind in kinds {
        match availability(item, kind) {
            Availability::Unavailable(Unavailable::Platform(_)) => return Lack::Platform,
            Availability::Unavailable(reason) => reasons.push(reason.to_string()),
            Availability::Available | Availability::Unknown => {}
        }
    }
    let mut told = BTreeSet::new();
    reasons.retain(|reason| told.insert(reason.clone()));
    Lack::Here(reasons.join(", "))
}

fn availability(item: &StatusItem, kind: &DeviceKind) -> Availability {
    let version = kind.os_version.as_ref();
    item.support
        .availability(Some(kind.platform), version, kind.enrollment, kind.scope)
}

fn target_of(kind: &DeviceKind) -> Target {
    Target {
        platform: kind.platform.as_str().to_owned(),
        version: kind.os_version.map(|version| version.to_string()),
        build: kind.build.map(|build| build.to_string()),
    }
}

/// The type of what `key` names. Apple's schema does not tell versions from other strings, but names them alike.
fn type_of_shape(key: &str, shape: &Shape) -> Type {
    match shape {
        Shape::Boolean => Type::Boolean,
        Shape::Integer { .. } | Shape::Real { .. } => Type::Number,
        Shape::String { .. } if key == "version" || key.ends_with("-version") => Type::Version,
        Shape::String { .. } => Type::Text,
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } => Type::List(Box::new(type_of_shape("", &element.shape))),
        Shape::Array { .. } => Type::List(Box::new(Type::Any)),
        Shape::Dictionary(keys) => Type::Dictionary(
            keys.iter()
                .map(|(key, value)| (key.clone(), type_of_shape(key, &value.shape)))
                .collect(),
        ),
        // What devices make of bytes and dates in predicates is not documented.
        Shape::Any | Shape::Data | Shape::Date | Shape::Map(_) | Shape::Above(_) => Type::Any,
    }
}

/// Of what type a value is. Elements of several types are of any.
fn type_of_value(value: &Value) -> Type {
    match value {
        Value::Null => Type::Any,
        Value::Bool(_) => Type::Boolean,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::Text,
        Value::Array(elements) => {
            let mut types = elements.iter().map(type_of_value);
            let first = types.next().unwrap_or(Type::Any);
            let alike = types.all(|element| element == first);
            Type::List(Box::new(if alike { first } else { Type::Any }))
        }
        Value::Object(members) => Type::Dictionary(
            members
                .iter()
                .map(|(key, value)| (key.clone(), type_of_value(value)))
                .collect(),
        ),
    }
}

fn parts(found: &Type) -> usize {
    match found {
        Type::List(element) => 1 + parts(element),
        Type::Dictionary(keys) => 1 + keys.iter().map(|(_, found)| parts(found)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
