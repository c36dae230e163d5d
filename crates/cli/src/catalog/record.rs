//! One thing that the catalog knows, in a form for people and machines.

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use ordain_catalog::{
    Catalog, Elements, EnrollmentType, Key, Keys, Platform, PlatformSupport, Range, Scope, Shape, Support,
    Terms,
};
use serde::Serialize;
use serde_json::Value;

/// The sorts of things that a catalog knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sort {
    /// Types of declarations
    Declaration,
    /// Documents that credential assets refer to
    Credential,
    /// Status items
    Status,
    /// MDM commands
    Command,
    /// Check-in messages
    CheckIn,
    /// Payloads of configuration profiles
    Profile,
    /// Nodes of Windows' configuration service providers
    Windows,
}

impl Sort {
    /// The word for one of them.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::Credential => "credential",
            Self::Status => "status",
            Self::Command => "command",
            Self::CheckIn => "check-in",
            Self::Profile => "profile",
            Self::Windows => "windows",
        }
    }
}

/// What is known of one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    pub(crate) sort: Sort,
    pub(crate) name: String,
    /// How several of one type act together; what right a command needs; and the like.
    #[serde(flatten)]
    pub(crate) particulars: BTreeMap<&'static str, Value>,
    pub(crate) support: Platforms,
    /// What it has in it, by part: `payload`, `value`, `takes`, `answers`.
    pub(crate) parts: BTreeMap<&'static str, Vec<Row>>,
}

/// By platform: on what terms, or none for never. A platform that is missing is not spoken of.
pub(crate) type Platforms = BTreeMap<Platform, Option<Said>>;

/// The terms on which a platform has something. What is missing is not stated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deprecated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) removed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enrollments: Option<BTreeSet<EnrollmentType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<BTreeSet<Scope>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shared_ipad: Option<BTreeSet<Scope>>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) requires: BTreeSet<String>,
}

/// A key, or what the elements of a list are.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The way to it: names with dots between them, `[]` for elements, `*` for any key.
    pub(crate) path: String,
    /// The last step of it.
    #[serde(skip)]
    pub(crate) name: String,
    /// In how many others it lies.
    #[serde(skip)]
    pub(crate) depth: usize,
    #[serde(rename = "type")]
    pub(crate) shape: String,
    pub(crate) required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) combine: Option<&'static str>,
    /// The types that it may name, or the kind of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) refers: Vec<String>,
    /// The platforms on which that is other than for what holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) support: Option<Platforms>,
}

/// Everything in `catalog` that has this name, of any sort.
pub(crate) fn named(catalog: &Catalog, name: &str) -> Vec<Record> {
    all(catalog).filter(|record| record.name == name).collect()
}

/// Everything in `catalog`, by sort and name.
pub(crate) fn all(catalog: &Catalog) -> impl Iterator<Item = Record> {
    let declarations = catalog.declarations().map(|it| {
        let mut particulars = BTreeMap::from([("kind", Value::from(it.kind.as_str()))]);
        particulars.extend(it.apply.map(|apply| ("apply", apply.as_str().into())));
        listed(&mut particulars, "status_items", &it.status_items);
        listed(&mut particulars, "content_types", &it.content_types);
        record(
            Sort::Declaration,
            &it.name,
            &it.support,
            [("payload", &it.payload)],
        )
        .with(particulars)
    });
    let credentials = catalog.credentials().map(|it| {
        record(
            Sort::Credential,
            &it.name,
            &it.support,
            [("payload", &it.payload)],
        )
    });
    let items = catalog
        .status_items()
        .map(|it| record(Sort::Status, &it.name, &it.support, [("value", &it.value)]));
    let commands = catalog.commands().map(|it| {
        let right = it.access_right.as_deref();
        let particulars = right.map(|right| ("access_right", Value::from(right)));
        of_keys(
            Sort::Command,
            &it.request_type,
            &it.support,
            &it.keys,
            &it.answers,
        )
        .with(particulars.into_iter().collect())
    });
    let check_ins = catalog.check_ins().map(|it| {
        of_keys(
            Sort::CheckIn,
            &it.message_type,
            &it.support,
            &it.keys,
            &it.answers,
        )
    });
    let profiles = catalog.profiles().map(|it| {
        let particulars = BTreeMap::from([("payload_type", Value::from(it.payload_type.as_str()))]);
        record(Sort::Profile, &it.name, &it.support, [("payload", &it.payload)]).with(particulars)
    });
    declarations
        .chain(credentials)
        .chain(items)
        .chain(commands)
        .chain(check_ins)
        .chain(profiles)
}

fn listed(particulars: &mut BTreeMap<&'static str, Value>, what: &'static str, names: &BTreeSet<String>) {
    if !names.is_empty() {
        particulars.insert(what, names.iter().cloned().collect());
    }
}

/// A record of a thing with these parts.
pub(super) fn record<const N: usize>(
    sort: Sort,
    name: &str,
    support: &Support,
    parts: [(&'static str, &Shape); N],
) -> Record {
    let rows = |shape: &Shape| {
        let mut rows = Vec::new();
        match shape {
            Shape::Dictionary(keys) => of_dictionary(keys, "", 0, &said(support), &mut rows),
            shape => row("", "", 0, &Key::from(shape.clone()), &said(support), &mut rows),
        }
        rows
    };
    Record {
        sort,
        name: name.to_owned(),
        particulars: BTreeMap::new(),
        support: said(support),
        parts: parts
            .into_iter()
            .map(|(part, shape)| (part, rows(shape)))
            .collect(),
    }
}

fn of_keys(sort: Sort, name: &str, support: &Support, takes: &Keys, answers: &Keys) -> Record {
    let parts = [("takes", takes), ("answers", answers)].map(|(part, keys)| {
        let mut rows = Vec::new();
        of_dictionary(keys, "", 0, &said(support), &mut rows);
        (part, rows)
    });
    Record {
        parts: parts.into_iter().filter(|(_, rows)| !rows.is_empty()).collect(),
        ..record(sort, name, support, [])
    }
}

impl Record {
    /// With what else is said of it.
    pub(super) fn with(mut self, particulars: BTreeMap<&'static str, Value>) -> Self {
        self.particulars = particulars;
        self
    }
}

/// What is said of each platform.
fn said(support: &Support) -> Platforms {
    let platforms = Platform::ALL
        .iter()
        .copied()
        .filter(|&platform| platform != Platform::IpadOs);
    let said = platforms.filter_map(|platform| {
        Some(match support.on(platform)? {
            PlatformSupport::Never => (platform, None),
            PlatformSupport::Supported(terms) => (platform, Some(Said::from(terms))),
        })
    });
    said.collect()
}

/// What of `own` is not so for what holds the key.
fn elsewhere(own: &Platforms, holder: &Platforms) -> Platforms {
    let differs = own
        .iter()
        .filter(|(platform, said)| holder.get(platform) != Some(*said));
    differs
        .map(|(platform, said)| (*platform, said.clone()))
        .collect()
}

impl From<&Terms> for Said {
    fn from(terms: &Terms) -> Self {
        Self {
            since: terms.introduced.map(|version| version.to_string()),
            deprecated: terms.deprecated.map(|version| version.to_string()),
            removed: terms.removed.map(|version| version.to_string()),
            enrollments: terms.enrollments.clone(),
            scopes: terms.scopes.clone(),
            shared_ipad: terms.shared_ipad_scopes.clone(),
            requires: terms.requires.iter().map(ToString::to_string).collect(),
        }
    }
}

fn of_dictionary(keys: &Keys, before: &str, depth: usize, holder: &Platforms, rows: &mut Vec<Row>) {
    for (name, key) in keys {
        row(before, name, depth, key, holder, rows);
    }
}

/// The row of a key, and those of what is in it. Schemas that nest without end say so themselves.
fn row(before: &str, name: &str, depth: usize, key: &Key, holder: &Platforms, rows: &mut Vec<Row>) {
    let own = key.support.as_ref().map(said);
    let dot = if before.is_empty() || name.starts_with('[') {
        ""
    } else {
        "."
    };
    let path = format!("{before}{dot}{name}");
    let mut row = Row {
        path: path.clone(),
        name: name.to_owned(),
        depth,
        shape: key.shape.to_string(),
        required: key.required,
        default: key.default.clone(),
        allowed: Vec::new(),
        min: None,
        max: None,
        pattern: None,
        format: None,
        combine: key.combine.map(|combine| combine.as_str()),
        refers: Vec::new(),
        support: own.as_ref().map(|own| elsewhere(own, holder)),
    };
    if let Some(target) = &key.refers {
        row.refers = target.types.iter().cloned().collect();
        if row.refers.is_empty() {
            row.refers.push(target.kind.to_string());
        }
    }
    match &key.shape {
        Shape::Integer { allowed, range } => {
            row.allowed = allowed.iter().map(|&value| value.into()).collect();
            row.bounds(range);
        }
        Shape::Real { range, .. } => row.bounds(range),
        Shape::String {
            allowed,
            pattern,
            format,
        } => {
            row.allowed = allowed.iter().map(|value| value.as_str().into()).collect();
            row.pattern.clone_from(pattern);
            row.format = format.map(|format| format.as_str());
        }
        Shape::Array { count, .. } => row.bounds(count),
        Shape::Above(_) => row.shape = "as above".to_owned(),
        _ => {}
    }
    rows.push(row);
    let holder = own.as_ref().unwrap_or(holder);
    let within = depth + usize::from(!name.is_empty());
    match &key.shape {
        Shape::Dictionary(keys) => of_dictionary(keys, &path, within, holder, rows),
        Shape::Map(value) if value.shape != Shape::Any => self::row(&path, "*", within, value, holder, rows),
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } if says_more(element) => {
            self::row(&path, "[]", within, element, holder, rows);
        }
        Shape::Array {
            elements: Elements::ByItem(forms),
            ..
        } => {
            for (item, form) in forms {
                self::row(&path, &format!("[{item}]"), within, form, holder, rows);
            }
        }
        _ => {}
    }
}

/// Whether an element has more to say than its type, which its list says already.
fn says_more(element: &Key) -> bool {
    let is_plain = match &element.shape {
        Shape::Any | Shape::Boolean | Shape::Data | Shape::Date => true,
        shape => *shape == Shape::STRING,
    };
    !is_plain || element.refers.is_some() || element.support.is_some()
}

impl Row {
    fn bounds<T: Serialize>(&mut self, range: &Range<T>) {
        let value = |bound: &Option<T>| bound.as_ref().and_then(|bound| serde_json::to_value(bound).ok());
        self.min = value(&range.min);
        self.max = value(&range.max);
    }
}
