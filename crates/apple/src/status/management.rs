//! The status items that are always reported: `management.declarations` and `management.client-capabilities`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ordain_catalog::Kind;
use ordain_model::report::{Capabilities, DeclarationsReport, Listed, Validity};
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::{Map, Value};

use super::{CAPABILITIES, DECLARATIONS, Problems, is_name, reasons, text};
use crate::json::take::{By, Leaf, Scalar, Take, next_key, skip_array, skip_object};

/// The key of a kind's array in both items.
pub(super) fn key(kind: Kind) -> String {
    kind.manifest_key().to_ascii_lowercase()
}

/// Takes `management.declarations`. An array that is missing was not reported, which is not the same as empty.
pub(super) struct Declarations<'p>(pub(super) &'p mut Problems);

impl<'de> Take<'de> for Declarations<'_> {
    type Taken = Option<DeclarationsReport<'de>>;

    fn scalar(self, scalar: Scalar<'de>) -> Self::Taken {
        if scalar != Scalar::Null {
            self.0.add(format!("{DECLARATIONS} is not an object"));
        }
        None
    }

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Taken, A::Error> {
        skip_array(elements)?;
        self.0.add(format!("{DECLARATIONS} is not an object"));
        Ok(None)
    }

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Taken, A::Error> {
        let mut report = DeclarationsReport::default();
        while let Some(name) = next_key(&mut entries)? {
            let Some(&kind) = Kind::ALL.iter().find(|&&kind| is_key(kind, &name)) else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            let array = List {
                kind,
                problems: &mut *self.0,
            };
            if let Some(listed) = entries.next_value_seed(By(array))? {
                report.listed.insert(kind, listed);
            }
        }
        Ok(Some(report))
    }
}

fn is_key(kind: Kind, name: &str) -> bool {
    let in_lower_case = !name.bytes().any(|octet| octet.is_ascii_uppercase());
    in_lower_case && kind.manifest_key().eq_ignore_ascii_case(name)
}

/// Takes the array of one kind.
struct List<'p> {
    kind: Kind,
    problems: &'p mut Problems,
}

impl List<'_> {
    fn refuse(self) {
        let key = key(self.kind);
        self.problems.add(format!("{DECLARATIONS}.{key} is not an array"));
    }
}

impl<'de> Take<'de> for List<'_> {
    type Taken = Option<Vec<Listed<'de>>>;

    fn scalar(self, scalar: Scalar<'de>) -> Self::Taken {
        if scalar != Scalar::Null {
            self.refuse();
        }
        None
    }

    fn array<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Taken, A::Error> {
        let mut list = Vec::new();
        loop {
            let element = Element {
                kind: self.kind,
                problems: &mut *self.problems,
                list: &mut list,
            };
            if elements.next_element_seed(By(element))?.is_none() {
                return Ok(Some(list));
            }
        }
    }

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Taken, A::Error> {
        skip_object(entries)?;
        self.refuse();
        Ok(None)
    }
}

/// What one declaration of a report has, as far as it is a scalar.
#[derive(Default)]
struct Fields<'de> {
    identifier: Option<Scalar<'de>>,
    server_token: Option<Scalar<'de>>,
    active: Option<Scalar<'de>>,
    valid: Option<Scalar<'de>>,
    reasons: Option<Value>,
}

/// Takes one declaration, and puts it at the end of the list: many of them would be moved about if they were handed out.
struct Element<'p, 'de> {
    kind: Kind,
    problems: &'p mut Problems,
    list: &'p mut Vec<Listed<'de>>,
}

impl Element<'_, '_> {
    fn refuse(self) {
        let key = key(self.kind);
        self.problems
            .add(format!("an element of {DECLARATIONS}.{key} is not an object"));
    }
}

impl<'de> Take<'de> for Element<'_, 'de> {
    type Taken = ();

    fn scalar(self, _: Scalar<'de>) {
        self.refuse();
    }

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<(), A::Error> {
        skip_array(elements)?;
        self.refuse();
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = next_key(&mut entries)? {
            match &*key {
                "identifier" => fields.identifier = entries.next_value_seed(By(Leaf))?,
                "server-token" => fields.server_token = entries.next_value_seed(By(Leaf))?,
                "active" => fields.active = entries.next_value_seed(By(Leaf))?,
                "valid" => fields.valid = entries.next_value_seed(By(Leaf))?,
                "reasons" => fields.reasons = Some(entries.next_value()?),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        self.list.extend(listed(fields, self.kind, self.problems));
        Ok(())
    }
}

/// Reads one declaration of a report. Without an identifier and a token it cannot be told what it is about; without
/// `active` or `valid` it counts as not active and not examined, which confirms nothing.
fn listed<'de>(fields: Fields<'de>, kind: Kind, problems: &mut Problems) -> Option<Listed<'de>> {
    let Some(identifier) = name(fields.identifier) else {
        problems.add(format!(
            "an element of {DECLARATIONS}.{} has no identifier",
            key(kind)
        ));
        return None;
    };
    let Some(server_token) = name(fields.server_token) else {
        problems.add(format!("{kind} {identifier} is listed without a server-token"));
        return None;
    };
    let active = match fields.active {
        Some(Scalar::Boolean(active)) => active,
        _ => {
            problems.add(format!(
                "{kind} {identifier} is listed without a boolean `active`"
            ));
            false
        }
    };
    let valid = match &fields.valid {
        Some(Scalar::Text(word)) if word == "valid" => Validity::Valid,
        Some(Scalar::Text(word)) if word == "invalid" => Validity::Invalid,
        Some(Scalar::Text(word)) if word == "unknown" => Validity::Unknown,
        _ => {
            problems.add(format!(
                "{kind} {identifier} is listed with a `valid` that is not known"
            ));
            Validity::Unknown
        }
    };
    let reasons = reasons(fields.reasons, &identifier, problems);
    Some(Listed {
        identifier,
        server_token,
        active,
        valid,
        reasons,
    })
}

fn name(scalar: Option<Scalar<'_>>) -> Option<Cow<'_, str>> {
    match scalar {
        Some(Scalar::Text(text)) if is_name(&text) => Some(text),
        _ => None,
    }
}

/// Reads `management.client-capabilities`, as far as it concerns what may be sent.
pub(super) fn capabilities(value: Value, problems: &mut Problems) -> Option<Capabilities> {
    let mut capabilities = object(Some(value), CAPABILITIES, problems)?;
    let Some(mut payloads) = object(
        capabilities.remove("supported-payloads"),
        "supported-payloads",
        problems,
    ) else {
        return Some(Capabilities::default());
    };
    let types = object(
        payloads.remove("declarations"),
        "supported-payloads.declarations",
        problems,
    );
    let declarations = types.and_then(|mut types| {
        let mut all = BTreeSet::new();
        for &kind in Kind::ALL {
            all.extend(names(types.remove(&key(kind)), &key(kind), problems)?);
        }
        Some(all)
    });
    let status_items = names(payloads.remove("status-items"), "status-items", problems);
    Some(Capabilities {
        declarations,
        status_items,
    })
}

/// A list of names, complete or not at all: a partial one would deny the device what it can do.
fn names(list: Option<Value>, what: &str, problems: &mut Problems) -> Option<BTreeSet<String>> {
    let names = match list {
        None | Some(Value::Null) => return None,
        Some(Value::Array(names)) => names.into_iter().map(|name| text(Some(name))).collect(),
        Some(_) => None,
    };
    if names.is_none() {
        problems.add(format!("{what} of supported-payloads is not an array of names"));
    }
    names
}

fn object(value: Option<Value>, what: &str, problems: &mut Problems) -> Option<Map<String, Value>> {
    match value {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(object),
        Some(_) => {
            problems.add(format!("{what} is not an object"));
            None
        }
    }
}
