//! Keys, as they are read.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::line::{Line, Lines};
use super::{InvalidFacts, terms};
use crate::{Combine, Elements, Format, Key, Keys, MAX_DEPTH, Range, Shape, Support, Target};

/// Where a key's line stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// How far it is indented.
    pub(super) level: usize,
    /// How many keys and elements it is in.
    pub(super) holders: usize,
}

/// What a line says of a key after its type.
#[derive(Default)]
struct Said<'a> {
    required: bool,
    default: Option<serde_json::Value>,
    combine: Option<Combine>,
    refers: Option<Target>,
    allowed: Vec<String>,
    min: Option<&'a str>,
    max: Option<&'a str>,
    pattern: Option<String>,
    format: Option<Format>,
}

/// Reads a key, from its type on, and what is in it. Recursion ends at [`MAX_DEPTH`].
pub(super) fn read(
    lines: &mut Lines<'_>,
    mut line: Line<'_>,
    place: Place,
    inherited: &Support,
) -> Result<Key, InvalidFacts> {
    if place.holders >= MAX_DEPTH {
        return Err(line.invalid("nested too deep"));
    }
    let type_word = line.keyword().unwrap_or_default();
    let steps = match type_word {
        "above" => line.value("not a number of steps")?,
        _ => 0,
    };
    let said = Said::read(&mut line)?;
    let inner = Place {
        level: place.level + 1,
        holders: place.holders + 1,
    };
    let support = terms::read(lines, inner.level, inherited)?;
    let holds = support.as_ref().unwrap_or(inherited);
    let shape = match type_word {
        "any" => Shape::Any,
        "array" => Shape::Array {
            count: said.range(&line)?,
            elements: elements(lines, inner, holds)?,
        },
        "boolean" => Shape::Boolean,
        "data" => Shape::Data,
        "date" => Shape::Date,
        "dictionary" => Shape::Dictionary(named(lines, "key", inner, holds)?),
        "map" => Shape::Map(Box::new(each(lines, inner, holds)?)),
        "integer" => Shape::Integer {
            allowed: said.allowed(&line)?,
            range: said.range(&line)?,
        },
        "real" => Shape::Real {
            allowed: said.allowed(&line)?,
            range: said.range(&line)?,
        },
        "string" => Shape::String {
            allowed: said.allowed,
            pattern: said.pattern,
            format: said.format,
        },
        "above" if (1..=place.holders).contains(&steps) => Shape::Above(steps),
        "above" => return Err(line.invalid("above what holds it")),
        _ => return Err(line.invalid("unknown type of value")),
    };
    Ok(Key {
        shape,
        required: said.required,
        default: said.default,
        combine: said.combine,
        refers: said.refers,
        support,
    })
}

impl<'a> Said<'a> {
    fn read(line: &mut Line<'a>) -> Result<Self, InvalidFacts> {
        let mut said = Self::default();
        while let Some(word) = line.keyword() {
            match (word, &mut said.refers) {
                ("required", _) => said.required = true,
                ("default", _) => said.default = Some(line.json("not a value in JSON")?),
                ("in", _) => said.allowed = line.list()?,
                ("min", _) => said.min = line.keyword(),
                ("max", _) => said.max = line.keyword(),
                ("like", _) => said.pattern = Some(line.word()?.into_owned()),
                ("format", _) => said.format = Some(line.value("unknown format")?),
                ("combine", _) => said.combine = Some(line.value("unknown way to combine")?),
                ("refers", _) => {
                    said.refers = Some(Target {
                        kind: line.value("unknown kind")?,
                        types: Default::default(),
                        content_types: Default::default(),
                    })
                }
                ("to", Some(target)) => target.types = line.list()?,
                ("of", Some(target)) => target.content_types = line.list()?,
                _ => return Err(line.invalid("unknown word about a key")),
            }
        }
        Ok(said)
    }

    fn allowed<T: FromStr>(&self, line: &Line<'_>) -> Result<Vec<T>, InvalidFacts> {
        let values = self.allowed.iter();
        values
            .map(|value| {
                value
                    .parse()
                    .map_err(|_| line.invalid("not a number of its type"))
            })
            .collect()
    }

    fn range<T: FromStr>(&self, line: &Line<'_>) -> Result<Range<T>, InvalidFacts> {
        let bound = |bound: Option<&str>| bound.map(str::parse).transpose();
        let range = bound(self.min).and_then(|min| {
            Ok(Range {
                min,
                max: bound(self.max)?,
            })
        });
        range.map_err(|_| line.invalid("not a bound of its type"))
    }
}

fn elements(lines: &mut Lines<'_>, place: Place, inherited: &Support) -> Result<Elements, InvalidFacts> {
    let forms: BTreeMap<String, Key> = named(lines, "item", place, inherited)?;
    if forms.is_empty() {
        Ok(Elements::Alike(Box::new(each(lines, place, inherited)?)))
    } else {
        Ok(Elements::ByItem(forms))
    }
}

/// What follows `each`; anything without that.
fn each(lines: &mut Lines<'_>, place: Place, inherited: &Support) -> Result<Key, InvalidFacts> {
    match lines.next_with(place.level, "each") {
        Some(line) => read(lines, line, place, inherited),
        None => Ok(Shape::Any.into()),
    }
}

/// Every key that follows `word` and its name.
fn named(lines: &mut Lines<'_>, word: &str, place: Place, inherited: &Support) -> Result<Keys, InvalidFacts> {
    let mut keys = Keys::new();
    while let Some(mut line) = lines.next_with(place.level, word) {
        let name = line.word()?.into_owned();
        keys.insert(name, read(lines, line, place, inherited)?);
    }
    Ok(keys)
}
