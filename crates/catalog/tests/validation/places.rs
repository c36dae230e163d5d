//! Every place of every declaration type, as its examples have it.

use std::sync::LazyLock;

use ordain_catalog::validate::{example, full_example};
use ordain_catalog::{Catalog, DeclarationType, Elements, Key, Shape, Support, Target};
use serde_json::Value;

pub(crate) fn catalog() -> &'static Catalog {
    Catalog::builtin()
}

/// A place of a schema that an example has.
pub(crate) struct Spot<'a> {
    pub(crate) pointer: String,
    /// With [`Shape::Above`] replaced.
    pub(crate) shape: &'a Shape,
    pub(crate) target: Option<&'a Target>,
    /// What has to support it, the type first.
    pub(crate) supports: Vec<&'a Support>,
    /// Whether it is a key of a dictionary that requires it.
    pub(crate) required: bool,
}

/// Every place of `value`, each after what holds it.
pub(crate) fn spots<'a>(declaration: &'a DeclarationType, value: &Value) -> Vec<Spot<'a>> {
    let mut found = Vec::new();
    let root = Spot {
        pointer: String::new(),
        shape: &declaration.payload,
        target: None,
        supports: vec![&declaration.support],
        required: false,
    };
    collect(root, &mut Vec::new(), value, &mut found);
    found
}

fn collect<'a>(spot: Spot<'a>, above: &mut Vec<&'a Shape>, value: &Value, found: &mut Vec<Spot<'a>>) {
    let shape = match spot.shape {
        Shape::Above(steps) => above[above.len() - steps],
        shape => shape,
    };
    let inner = |step: &str, key: &'a Key, required| Spot {
        pointer: format!("{}/{}", spot.pointer, step.replace('~', "~0").replace('/', "~1")),
        shape: &key.shape,
        target: key.refers.as_ref().or(spot.target),
        supports: spot.supports.iter().copied().chain(&key.support).collect(),
        required,
    };
    let below: Vec<(Spot<'a>, &Value)> = match (shape, value) {
        (Shape::Dictionary(keys), Value::Object(values)) => {
            let of = |(name, value): (&String, _)| (inner(name, &keys[name], keys[name].required), value);
            values.iter().map(of).collect()
        }
        (Shape::Map(key), Value::Object(values)) => values
            .iter()
            .map(|(name, value)| (inner(name, key, false), value))
            .collect(),
        (
            Shape::Array {
                elements: Elements::Alike(key),
                ..
            },
            Value::Array(values),
        ) => {
            let of = |(index, value): (usize, _)| (inner(&index.to_string(), key, false), value);
            values.iter().enumerate().map(of).collect()
        }
        _ => Vec::new(),
    };
    found.push(Spot { shape, ..spot });
    above.push(shape);
    for (spot, value) in below {
        collect(spot, above, value, found);
    }
    above.pop();
}

/// An example of a type.
pub(crate) type Example = fn(&Catalog, &str) -> Option<Value>;

/// The same types under other names, for which there are no rules of prose: their full examples have keys beside each
/// other that the rules keep apart.
pub(crate) fn without_prose() -> &'static Catalog {
    static WITHOUT: LazyLock<Catalog> = LazyLock::new(|| {
        let mut catalog = Catalog::default();
        for declaration in self::catalog().declarations() {
            let mut other = declaration.clone();
            other.name.push_str(".x");
            catalog.add_declaration(other);
        }
        catalog
    });
    &WITHOUT
}

/// Calls `each` with every declaration type, a payload that is right, and every place of it.
pub(crate) fn at_every_place(mut each: impl FnMut(&'static DeclarationType, &Value, &Spot<'static>)) {
    let mut places = 0;
    let kinds = [
        (catalog(), example as Example),
        (catalog(), full_example),
        (without_prose(), full_example),
    ];
    for (catalog, example) in kinds {
        for declaration in catalog.declarations() {
            let example = example(catalog, &declaration.name).unwrap();
            let payload = &example["Payload"];
            for spot in spots(declaration, payload) {
                each(declaration, payload, &spot);
                places += 1;
            }
        }
    }
    assert!(places > 2000, "{places}");
}
