//! Records and keys, as they are written.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::line::{Indented, Joined, Word};
use super::{HEADER, terms};
use crate::{Catalog, Elements, Key, Keys, Range, Shape, Support};

/// The one text for a catalog. [`read`](super::read) makes the same catalog of it, but that support which a key has of
/// its own is taken to be inherited where it is the same, and where it says nothing of a platform. It refuses what is
/// nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH), and [`Shape::Above`] without anything there.
pub fn write(catalog: &Catalog) -> String {
    Facts(catalog).to_string()
}

struct Facts<'a>(&'a Catalog);

impl Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for declaration in self.0.declarations() {
            write!(f, "declaration {}", Word(&declaration.name))?;
            if let Some(apply) = declaration.apply {
                write!(f, " {apply}")?;
            }
            writeln!(f)?;
            support(f, &declaration.support)?;
            words(f, "content-types", &declaration.content_types)?;
            words(f, "status-items", &declaration.status_items)?;
            words(f, "reasons", &declaration.reasons)?;
            shape(f, "payload", &declaration.payload, &declaration.support)?;
        }
        for credential in self.0.credentials() {
            writeln!(f, "credential {}", Word(&credential.name))?;
            support(f, &credential.support)?;
            shape(f, "payload", &credential.payload, &credential.support)?;
        }
        for item in self.0.status_items() {
            writeln!(f, "status {}", Word(&item.name))?;
            support(f, &item.support)?;
            words(f, "reasons", &item.reasons)?;
            shape(f, "value", &item.value, &item.support)?;
        }
        for command in self.0.commands() {
            write!(f, "command {}", Word(&command.request_type))?;
            if let Some(right) = &command.access_right {
                write!(f, " {}", Word(right))?;
            }
            writeln!(f)?;
            support(f, &command.support)?;
            keys(f, "takes", &command.keys, 1, &command.support)?;
            keys(f, "answers", &command.answers, 1, &command.support)?;
        }
        for message in self.0.check_ins() {
            writeln!(f, "check-in {}", Word(&message.message_type))?;
            support(f, &message.support)?;
            keys(f, "takes", &message.keys, 1, &message.support)?;
            keys(f, "answers", &message.answers, 1, &message.support)?;
        }
        for profile in self.0.profiles() {
            writeln!(
                f,
                "profile {} {}",
                Word(&profile.name),
                Word(&profile.payload_type)
            )?;
            support(f, &profile.support)?;
            shape(f, "payload", &profile.payload, &profile.support)?;
        }
        for shared in self.0.shared() {
            writeln!(f, "shared {}", Word(&shared.name))?;
            support(f, &shared.support)?;
            words(f, "reasons", &shared.reasons)?;
            shape(f, "payload", &shared.payload, &shared.support)?;
        }
        Ok(())
    }
}

/// The support of a record.
fn support(f: &mut fmt::Formatter<'_>, support: &Support) -> fmt::Result {
    terms::write(f, 1, support, &Support::default())
}

fn words(f: &mut fmt::Formatter<'_>, word: &str, words: &BTreeSet<String>) -> fmt::Result {
    if words.is_empty() {
        return Ok(());
    }
    writeln!(f, "{}{word} {}", Indented(1), list(words))
}

pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a String, IntoIter: Clone>) -> impl Display {
    Joined(words.into_iter().map(|word| Word(word)))
}

/// What a record holds: its one line has no name.
fn shape(f: &mut fmt::Formatter<'_>, word: &str, shape: &Shape, inherited: &Support) -> fmt::Result {
    write!(f, "{}{word} ", Indented(1))?;
    type_of(f, shape)?;
    writeln!(f)?;
    within(f, shape, 2, inherited)
}

fn keys(
    f: &mut fmt::Formatter<'_>,
    word: &str,
    keys: &Keys,
    level: usize,
    inherited: &Support,
) -> fmt::Result {
    for (name, held) in keys {
        write!(f, "{}{word} {} ", Indented(level), Word(name))?;
        key(f, held, level, inherited)?;
    }
    Ok(())
}

/// What is to be said of a key after its name.
pub(super) fn key(f: &mut fmt::Formatter<'_>, key: &Key, level: usize, inherited: &Support) -> fmt::Result {
    type_of(f, &key.shape)?;
    if key.required {
        f.write_str(" required")?;
    }
    if let Some(default) = &key.default {
        write!(f, " default {default}")?;
    }
    if let Some(combine) = key.combine {
        write!(f, " combine {combine}")?;
    }
    if let Some(target) = &key.refers {
        write!(f, " refers {}", target.kind)?;
        if !target.types.is_empty() {
            write!(f, " to {}", list(&target.types))?;
        }
        if !target.content_types.is_empty() {
            write!(f, " of {}", list(&target.content_types))?;
        }
    }
    writeln!(f)?;
    if let Some(support) = &key.support {
        terms::write(f, level + 1, support, inherited)?;
    }
    within(
        f,
        &key.shape,
        level + 1,
        key.support.as_ref().unwrap_or(inherited),
    )
}

/// The type, and the limits of its values.
pub(super) fn type_of(f: &mut fmt::Formatter<'_>, shape: &Shape) -> fmt::Result {
    match shape {
        Shape::Map(_) => f.write_str("map"),
        Shape::Above(steps) => write!(f, "above {steps}"),
        Shape::Array { count, .. } => {
            f.write_str("array")?;
            bounds(f, count)
        }
        Shape::Integer { allowed, range } => {
            f.write_str("integer")?;
            one_of(f, allowed)?;
            bounds(f, range)
        }
        Shape::Real { allowed, range } => {
            f.write_str("real")?;
            one_of(f, allowed)?;
            bounds(f, range)
        }
        Shape::String {
            allowed,
            pattern,
            format,
        } => {
            f.write_str("string")?;
            if !allowed.is_empty() {
                write!(f, " in {}", list(allowed))?;
            }
            if let Some(pattern) = pattern {
                write!(f, " like {}", Word(pattern))?;
            }
            format.map_or(Ok(()), |format| write!(f, " format {format}"))
        }
        _ => f.write_str(shape.word()),
    }
}

fn one_of(f: &mut fmt::Formatter<'_>, numbers: &[impl Display]) -> fmt::Result {
    if numbers.is_empty() {
        return Ok(());
    }
    write!(f, " in {}", Joined(numbers.iter()))
}

fn bounds(f: &mut fmt::Formatter<'_>, range: &Range<impl Display>) -> fmt::Result {
    if let Some(min) = &range.min {
        write!(f, " min {min}")?;
    }
    range.max.as_ref().map_or(Ok(()), |max| write!(f, " max {max}"))
}

/// The lines for what is in a value.
fn within(f: &mut fmt::Formatter<'_>, shape: &Shape, level: usize, inherited: &Support) -> fmt::Result {
    match shape {
        Shape::Dictionary(held) => keys(f, "key", held, level, inherited),
        Shape::Map(held) => each(f, held, level, inherited),
        Shape::Array { elements, .. } => match elements {
            Elements::Alike(element) => each(f, element, level, inherited),
            Elements::ByItem(forms) => keys(f, "item", forms, level, inherited),
        },
        _ => Ok(()),
    }
}

fn each(f: &mut fmt::Formatter<'_>, held: &Key, level: usize, inherited: &Support) -> fmt::Result {
    if *held == Shape::Any.into() {
        return Ok(());
    }
    write!(f, "{}each ", Indented(level))?;
    key(f, held, level, inherited)
}
