//! The file of facts: our own line-oriented form of what the schema states.
//!
//! ```text
//! declaration com.apple.configuration.security.certificate multiple
//!   on iOS since 17.0 enrollments supervised,device,user,local scopes system shared-ipad system,user
//!   on macOS since 14.0 enrollments supervised,user,local scopes system,user
//!   refers CredentialAssetReference to asset com.apple.asset.credential.certificate
//! status mdm.app array identified
//!   on iOS since 16.0 enrollments supervised,device,user scopes system shared-ipad system,user
//!   on macOS never
//! command DeviceLock AllowPasscodeRemovalAndLock
//!   on iOS since 4.0 enrollments supervised,device,user
//!   takes PIN string
//!   answers MessageResult string
//! ```
//!
//! A line that is not indented begins a record; the indented ones say more of it, each beginning with a word
//! of its own, so that further words can come. In the path of `refers`, `*` is any key and `[]` each element
//! of an array; what a command `takes` is described in `facts/keys.rs`. There is exactly one text for a catalog,
//! sorted throughout, and no other is accepted.

mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::str::FromStr;

use crate::{
    Catalog, Command, DeclarationType, Keys, Kind, Platform, PlatformSupport, Reference, StatusItem, Step,
    Support, Terms, ValueType,
};

/// The facts of Apple's schema, as committed.
pub const APPLE: &str = include_str!("../facts/apple.facts");

const HEADER: &str = "\
# What Apple's published device-management schema states (MIT licence, see LICENSE-apple.txt).
# Made by tools/catalog; do not edit.
format 1
";

/// A text that is no file of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("facts, line {line}: {problem}")]
pub struct InvalidFacts {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Reads a text as [`write()`] makes it. Needs time and memory in proportion to its length.
pub fn read(text: &str) -> Result<Catalog, InvalidFacts> {
    let mut catalog = Catalog::default();
    let mut lines = (1..).zip(text.lines());
    // In this order `zip` takes no line beyond the header's.
    let other = HEADER
        .lines()
        .zip(lines.by_ref())
        .find(|(expected, (_, line))| line != expected);
    if let Some((_, (line, _))) = other {
        return Err(InvalidFacts {
            line,
            problem: "not facts of format 1",
        });
    }
    let mut lines = lines.peekable();
    while let Some((number, line)) = lines.next() {
        let invalid = |problem| InvalidFacts {
            line: number,
            problem,
        };
        let mut body = Body::default();
        while let Some((number, line)) = lines.next_if(|(_, line)| line.starts_with("  ")) {
            body.add(line).map_err(|problem| InvalidFacts {
                line: number,
                problem,
            })?;
        }
        add_record(&mut catalog, line, body).map_err(invalid)?;
    }
    // Whatever else may be wrong (order, repetition, blanks) shows as another text for the same catalog.
    let written = write(&catalog);
    if written != text {
        let same = written
            .lines()
            .zip(text.lines())
            .take_while(|(a, b)| a == b)
            .count();
        return Err(InvalidFacts {
            line: same + 1,
            problem: "not in the one form that this catalog has",
        });
    }
    Ok(catalog)
}

/// The one text for a catalog. [`read`] refuses it when a name in the catalog is empty or has blanks, commas
/// or, in a path, slashes.
pub fn write(catalog: &Catalog) -> String {
    Facts(catalog).to_string()
}

/// The indented lines of a record.
#[derive(Default)]
struct Body {
    platforms: BTreeMap<Platform, PlatformSupport>,
    references: BTreeSet<Reference>,
    keys: Keys,
    answers: BTreeMap<String, ValueType>,
}

impl Body {
    fn add(&mut self, line: &str) -> Result<(), &'static str> {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("on") => {
                let platform = parse(words.next(), "unknown platform")?;
                let support = match words.clone().next() {
                    Some("never") => PlatformSupport::Never,
                    _ => PlatformSupport::Supported(read_terms(words)?),
                };
                self.platforms.insert(platform, support);
                Ok(())
            }
            Some("refers") => {
                let path = words
                    .next()
                    .unwrap_or_default()
                    .split('/')
                    .map(Step::from)
                    .collect();
                if words.next() != Some("to") {
                    return Err("a reference without \"to\"");
                }
                let kind = parse(words.next(), "unknown kind")?;
                let types = words
                    .next()
                    .map(|list| list.split(',').map(str::to_owned).collect())
                    .unwrap_or_default();
                self.references.insert(Reference { path, kind, types });
                Ok(())
            }
            Some("takes") => keys::read(words, &mut self.keys),
            Some("answers") => {
                let name = words.next().ok_or("an answer without a name")?;
                let value = parse(words.next(), "unknown type of value")?;
                self.answers.insert(name.to_owned(), value);
                Ok(())
            }
            _ => Err("unknown word"),
        }
    }
}

fn read_terms<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Terms, &'static str> {
    let mut terms = Terms::default();
    while let Some(term) = words.next() {
        let value = words.next();
        match term {
            "since" => terms.introduced = Some(parse(value, "not a version")?),
            "deprecated" => terms.deprecated = Some(parse(value, "not a version")?),
            "removed" => terms.removed = Some(parse(value, "not a version")?),
            "enrollments" => terms.enrollments = Some(parse_set(value, "unknown enrollment type")?),
            "scopes" => terms.scopes = Some(parse_set(value, "unknown scope")?),
            "shared-ipad" => terms.shared_ipad_scopes = Some(parse_set(value, "unknown scope")?),
            _ => return Err("unknown term"),
        }
    }
    Ok(terms)
}

fn add_record(catalog: &mut Catalog, line: &str, body: Body) -> Result<(), &'static str> {
    let mut words = line.split_whitespace();
    let record = words.next();
    let name = words.next().ok_or("a record without a name")?.to_owned();
    let support = Support::from_iter(body.platforms);
    match record {
        Some("declaration") => {
            let kind = Kind::of_type(&name).ok_or("not a declaration type")?;
            let apply = words
                .next()
                .map(|word| parse(Some(word), "unknown way to apply"))
                .transpose()?;
            catalog.add_declaration(DeclarationType {
                name,
                kind,
                apply,
                support,
                payload: crate::Shape::any_dictionary(),
                references: body.references,
            });
        }
        Some("status") => {
            let value = parse(words.next(), "unknown type of value")?;
            let identified = words.next() == Some("identified");
            catalog.add_status_item(StatusItem {
                name,
                value,
                identified,
                support,
            });
        }
        Some("command") => {
            catalog.add_command(Command {
                request_type: name,
                access_right: words.next().map(str::to_owned),
                support,
                keys: body.keys,
                answers: body.answers,
            });
        }
        _ => return Err("unknown record"),
    }
    Ok(())
}

fn parse<T: FromStr>(word: Option<&str>, problem: &'static str) -> Result<T, &'static str> {
    word.and_then(|word| word.parse().ok()).ok_or(problem)
}

const EMPTY_SET: &str = "none";

fn parse_set<T: FromStr + Ord>(
    words: Option<&str>,
    problem: &'static str,
) -> Result<BTreeSet<T>, &'static str> {
    match words {
        Some(EMPTY_SET) => Ok(BTreeSet::new()),
        Some(words) => words.split(',').map(|word| parse(Some(word), problem)).collect(),
        None => Err(problem),
    }
}

struct Facts<'a>(&'a Catalog);

impl Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for declaration in self.0.declarations() {
            write!(f, "declaration {}", declaration.name)?;
            if let Some(apply) = declaration.apply {
                write!(f, " {apply}")?;
            }
            writeln!(f)?;
            write_support(f, &declaration.support)?;
            for reference in &declaration.references {
                write!(
                    f,
                    "  refers {} to {}",
                    Joined("/", &reference.path),
                    reference.kind
                )?;
                if !reference.types.is_empty() {
                    write!(f, " {}", Joined(",", &reference.types))?;
                }
                writeln!(f)?;
            }
        }
        for item in self.0.status_items() {
            let identified = if item.identified { " identified" } else { "" };
            writeln!(f, "status {} {}{identified}", item.name, item.value)?;
            write_support(f, &item.support)?;
        }
        for command in self.0.commands() {
            write!(f, "command {}", command.request_type)?;
            if let Some(right) = &command.access_right {
                write!(f, " {right}")?;
            }
            writeln!(f)?;
            write_support(f, &command.support)?;
            keys::write(f, command)?;
            for (name, value) in &command.answers {
                writeln!(f, "  answers {name} {value}")?;
            }
        }
        Ok(())
    }
}

fn write_support(f: &mut fmt::Formatter<'_>, support: &Support) -> fmt::Result {
    for (platform, said) in &support.platforms {
        write!(f, "  on {platform}")?;
        match said {
            PlatformSupport::Never => f.write_str(" never")?,
            PlatformSupport::Supported(terms) => {
                write_term(f, "since", terms.introduced)?;
                write_term(f, "deprecated", terms.deprecated)?;
                write_term(f, "removed", terms.removed)?;
                write_term(
                    f,
                    "enrollments",
                    terms.enrollments.as_ref().map(|set| Joined(",", set)),
                )?;
                write_term(f, "scopes", terms.scopes.as_ref().map(|set| Joined(",", set)))?;
                write_term(
                    f,
                    "shared-ipad",
                    terms.shared_ipad_scopes.as_ref().map(|set| Joined(",", set)),
                )?;
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

fn write_term(f: &mut fmt::Formatter<'_>, term: &str, value: Option<impl Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {term} {value}"))
}

/// The items with a separator between them.
struct Joined<'a, I>(&'a str, I);

impl<I: Copy + IntoIterator<Item: Display>> Display for Joined<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = self.1.into_iter();
        let Some(first) = items.next() else {
            return f.write_str(EMPTY_SET);
        };
        write!(f, "{first}")?;
        items.try_for_each(|item| write!(f, "{}{item}", self.0))
    }
}
