//! What the catalog knows, as lines.

use std::collections::BTreeSet;

use ordain_catalog::{
    Catalog, Elements, Key, Keys, Kind, Platform, PlatformSupport, Range, Shape, Support, Terms,
};
use serde_json::{Number, Value};

use crate::round_trip::Lines;

pub(crate) fn declarations(catalog: &Catalog) -> Lines {
    let mut lines = Lines::new();
    for declaration in catalog.declarations() {
        let said = format!(
            "apply {:?} content {:?} status {:?} reasons {:?}",
            declaration
                .apply
                .map(|apply| apply.to_string())
                .unwrap_or_default(),
            declaration.content_types,
            declaration.status_items,
            declaration.reasons,
        );
        payload(
            &mut lines,
            &declaration.name,
            said,
            &declaration.support,
            &declaration.payload,
        );
    }
    lines
}

pub(crate) fn credentials(catalog: &Catalog) -> Lines {
    let mut lines = Lines::new();
    for credential in catalog.credentials() {
        let said = "apply \"\" content {} status {} reasons {}".to_owned();
        payload(
            &mut lines,
            &credential.name,
            said,
            &credential.support,
            &credential.payload,
        );
    }
    lines
}

pub(crate) fn status_items(catalog: &Catalog) -> Lines {
    let mut lines = Lines::new();
    for item in catalog.status_items() {
        lines.insert(item.name.clone(), format!("reasons {:?}", item.reasons));
        support(&mut lines, &item.name, &item.support);
        let value = Key::from(item.value.clone());
        key(&mut lines, &format!("{}/", item.name), &value, &item.support);
    }
    lines
}

pub(crate) fn commands(catalog: &Catalog) -> Lines {
    let mut lines = Lines::new();
    for command in catalog.commands() {
        let name = &command.request_type;
        message(
            &mut lines,
            name,
            &command.support,
            &command.keys,
            &command.answers,
        );
    }
    lines
}

pub(crate) fn check_ins(catalog: &Catalog) -> Lines {
    let mut lines = Lines::new();
    for check_in in catalog.check_ins() {
        let name = &check_in.message_type;
        message(
            &mut lines,
            name,
            &check_in.support,
            &check_in.keys,
            &check_in.answers,
        );
    }
    lines
}

pub(crate) fn profiles(catalog: &Catalog) -> Lines {
    let mut lines = Lines::new();
    for profile in catalog.profiles() {
        let said = profile.payload_type.clone();
        payload(
            &mut lines,
            &profile.name,
            said,
            &profile.support,
            &profile.payload,
        );
    }
    lines
}

pub(crate) fn shared(catalog: &Catalog, names: &[&str]) -> Lines {
    let mut lines = Lines::new();
    for &name in names {
        let shared = catalog.shared_keys(name).unwrap();
        payload(
            &mut lines,
            name,
            name.to_owned(),
            &shared.support,
            &shared.payload,
        );
    }
    lines
}

fn payload(lines: &mut Lines, name: &str, said: String, support: &Support, payload: &Shape) {
    lines.insert(name.to_owned(), said);
    self::support(lines, name, support);
    within(lines, name, payload, support);
}

fn message(lines: &mut Lines, name: &str, support: &Support, takes: &Keys, answers: &Keys) {
    self::support(lines, name, support);
    for (direction, keys) in [("payloadkeys", takes), ("responsekeys", answers)] {
        for (key_name, key) in keys {
            self::key(lines, &format!("{name} {direction}/{key_name}"), key, support);
        }
    }
}

fn within(lines: &mut Lines, place: &str, shape: &Shape, inherited: &Support) {
    let mut keys = |keys: &Keys, before: &str, after: &str| {
        for (name, held) in keys {
            key(lines, &format!("{place}/{before}{name}{after}"), held, inherited);
        }
    };
    match shape {
        Shape::Dictionary(held) => keys(held, "", ""),
        Shape::Array {
            elements: Elements::ByItem(forms),
            ..
        } => keys(forms, "[", "]"),
        Shape::Map(held) => key(lines, &format!("{place}/*"), held, inherited),
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } => key(lines, &format!("{place}/[]"), element, inherited),
        _ => {}
    }
}

fn key(lines: &mut Lines, place: &str, key: &Key, inherited: &Support) {
    let support = key.support.as_ref().unwrap_or(inherited);
    self::support(lines, place, support);
    let mut said = key.shape.word().to_owned();
    let mut add = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            said += &format!(" {word} {value}");
        }
    };
    add(
        "default",
        key.default.as_ref().map(|default| match default {
            Value::Number(number) => real(number),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
    );
    let numbers = |range: &Range<Number>| [range.min.as_ref().map(real), range.max.as_ref().map(real)];
    let (allowed, bounds) = match &key.shape {
        Shape::Array { count, .. } => (vec![], [count.min, count.max].map(|n| n.map(|n| n.to_string()))),
        Shape::Integer { allowed, range } => (
            allowed.iter().map(i64::to_string).collect(),
            [range.min, range.max].map(|n| n.map(|n| n.to_string())),
        ),
        Shape::Real { allowed, range } => (allowed.iter().map(real).collect(), numbers(range)),
        Shape::String { allowed, .. } => (allowed.clone(), [None, None]),
        _ => (vec![], [None, None]),
    };
    add("in", Some(format!("{allowed:?}")).filter(|_| !allowed.is_empty()));
    let [min, max] = bounds;
    add("min", min);
    add("max", max);
    if let Shape::String { pattern, format, .. } = &key.shape {
        add("like", pattern.clone());
        add("format", format.map(|format| format.to_string()));
    }
    add("combine", key.combine.map(|combine| combine.to_string()));
    let assets = key.refers.as_ref().filter(|target| target.kind == Kind::Asset);
    add(
        "assets",
        assets.map(|target| format!("{:?} {:?}", target.types, target.content_types)),
    );
    if let Shape::Above(steps) = key.shape {
        said = said.replacen("above", &format!("above {steps}"), 1);
    }
    if key.required {
        let (word, rest) = said
            .split_once(' ')
            .map_or((said.as_str(), ""), |(word, rest)| (word, rest));
        said = format!("{word} required {rest}").trim_end().to_owned();
    }
    lines.insert(place.to_owned(), said);
    within(lines, place, &key.shape, support);
}

fn real(number: &Number) -> String {
    number.as_f64().unwrap().to_string()
}

fn support(lines: &mut Lines, place: &str, support: &Support) {
    for &platform in Platform::ALL {
        if platform != Platform::IpadOs
            && let Some(said) = support.on(platform)
        {
            let said = match said {
                PlatformSupport::Never => "never".to_owned(),
                PlatformSupport::Supported(terms) => self::terms(terms),
            };
            lines.insert(format!("{place} on {platform}"), said);
        }
    }
}

fn terms(terms: &Terms) -> String {
    fn or_not<T: ToString>(value: Option<T>) -> String {
        value.map_or("?".to_owned(), |value| value.to_string())
    }
    fn words<T: ToString>(set: &Option<BTreeSet<T>>) -> String {
        let words = |set: &BTreeSet<T>| set.iter().map(T::to_string).collect::<Vec<_>>().join(" ");
        or_not(set.as_ref().map(words))
    }
    let requires: Vec<String> = terms.requires.iter().map(|word| word.to_string()).collect();
    format!(
        "since {} deprecated {} removed {} enrollments ({}) scopes ({}) shared ({}) requires {requires:?} multiple {} \
         manual {}",
        or_not(terms.introduced),
        or_not(terms.deprecated),
        or_not(terms.removed),
        words(&terms.enrollments),
        words(&terms.scopes),
        words(&terms.shared_ipad_scopes),
        or_not(terms.multiple),
        or_not(terms.manual_install),
    )
}
