//! Whether a predicate can be published: what devices could stumble over, and what its author cannot have meant.

use std::collections::BTreeMap;

use crate::advisory::Advisory;
use crate::code::Code;
use crate::dialect::Dialect;
use crate::error::{ParseError, quoted};
use crate::fact::{Fact, Source};
use crate::finding::{Finding, Severity, Verdict};
use crate::formula::{Form, Formula};
use crate::parser::parse;
use crate::predicate::Predicate;
use crate::schema::{Lack, Schema, Target, Type};
use crate::span::Span;

/// Reads a predicate and checks it against what `schema` and `advisories` know.
///
/// It takes time in proportion to the text and the names in the schema, and at most
/// [`MAX_STEPS`](crate::MAX_STEPS) to find what is always true or false.
#[must_use]
pub fn check(text: &str, dialect: Dialect, schema: &dyn Schema, advisories: &[Advisory]) -> Verdict {
    let parsed = parse(text, dialect);
    let mut checker = Checker {
        dialect,
        schema,
        variables: Vec::new(),
        findings: Vec::new(),
    };
    checker.advise(text, &parsed, advisories);
    let predicate = match parsed {
        Ok(predicate) => {
            checker.formula(&predicate.formula);
            checker.cost(&predicate.formula);
            checker.constancy(&predicate);
            Some(predicate)
        }
        Err(error) => {
            checker.findings.push(error.into());
            None
        }
    };
    let mut findings = checker.findings;
    findings.sort_by_key(|finding| {
        (
            finding.span.start,
            std::cmp::Reverse(finding.severity),
            finding.code,
        )
    });
    findings.dedup();
    Verdict { predicate, findings }
}

pub(crate) struct Checker<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) schema: &'a dyn Schema,
    /// The variables of the SUBQUERYs around the present part, and the types of their elements.
    pub(crate) variables: Vec<(String, Type)>,
    findings: Vec<Finding>,
}

/// Items that change when an activation takes effect, so that one that depends on them can switch itself on and off.
const FLAPPING: [&str; 3] = [
    "management.declarations",
    "passcode.is-compliant",
    "app.managed.list",
];

impl Checker<'_> {
    pub(crate) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        rewriting: Option<String>,
    ) {
        self.find(Severity::Error, code, span, message.into(), rewriting);
    }

    pub(crate) fn warning(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        rewriting: Option<String>,
    ) {
        self.find(Severity::Warning, code, span, message.into(), rewriting);
    }

    fn find(
        &mut self,
        severity: Severity,
        code: Code,
        span: Span,
        message: String,
        rewriting: Option<String>,
    ) {
        let span = span.range();
        self.findings.push(Finding {
            code,
            severity,
            span,
            message,
            rewriting,
        });
    }

    fn advise(&mut self, text: &str, parsed: &Result<Predicate, ParseError>, advisories: &[Advisory]) {
        let canonical = parsed.as_ref().map(ToString::to_string);
        for advisory in advisories
            .iter()
            .filter(|advisory| advisory.is_triggered(&canonical))
        {
            let concerned: Vec<&Target> = self
                .schema
                .targets()
                .iter()
                .filter(|target| advisory.concerns(target))
                .collect();
            if concerned.is_empty() {
                continue;
            }
            let span = match parsed {
                Ok(_) => 0..text.len(),
                Err(error) => error.span.clone(),
            };
            let message = format!(
                "on {}, which this is for, {} ({})",
                names(concerned),
                advisory.consequence,
                advisory.reference
            );
            self.error(Code::KnownBad, span.into(), message, None);
        }
    }

    pub(crate) fn formula(&mut self, formula: &Formula) {
        if let Form::Comparison(comparison) = &formula.form {
            self.comparison(comparison, formula.span);
        }
        for part in formula.parts() {
            self.formula(part);
        }
    }

    pub(crate) fn fact(&mut self, fact: &Fact, span: Span) -> Type {
        match fact.source {
            Source::Status => self.status(fact, span),
            Source::Property => self.property(fact, span),
            Source::Device => match fact.name.as_str() {
                "supervised" => Type::Boolean,
                _ => Type::Text,
            },
            Source::Tag => Type::Any,
        }
    }

    fn status(&mut self, fact: &Fact, span: Span) -> Type {
        let name = fact.name.as_str();
        let (item, found) = match self.schema.status(name) {
            Some(found) => (name, found),
            None => match self.sub_path(name) {
                Some((item, found)) => {
                    let key = format!("{} is a key of the item {item}", quoted(name));
                    match self.dialect {
                        Dialect::Device => {
                            let message =
                                format!("{key}, and whether devices resolve that is not documented");
                            self.warning(Code::SubPath, span, message, None);
                        }
                        Dialect::Server => {
                            let message = format!("{key}, and the server knows items as a whole only");
                            self.error(Code::SubPath, span, message, None);
                        }
                    }
                    (item, found)
                }
                None => {
                    self.unknown(
                        fact,
                        Severity::Error,
                        Code::UnknownItem,
                        span,
                        "there is no status item",
                    );
                    return Type::Any;
                }
            },
        };
        if let Some(message) = self.lacking(item) {
            self.error(Code::UnavailableItem, span, message, None);
        }
        if self.dialect == Dialect::Device && FLAPPING.contains(&item) {
            let message = format!(
                "{item} changes when declarations take effect, so this activation could switch itself on and off"
            );
            self.warning(Code::Flapping, span, message, None);
        }
        found
    }

    /// The item whose key this name is, and the type of that key.
    /// Which of the targets cannot report this item, by the reasons.
    fn lacking(&self, item: &str) -> Option<String> {
        let mut lacking: BTreeMap<Lack, Vec<Target>> = BTreeMap::new();
        for target in self.schema.targets() {
            let Some(lack) = self.schema.lack(target, item) else {
                continue;
            };
            let told = lacking.entry(lack).or_default();
            let system = |target: &Target| (target.platform.clone(), target.version.clone());
            // That does not depend on the build.
            if !told.iter().any(|other| system(other) == system(target)) {
                told.push(Target {
                    build: None,
                    ..target.clone()
                });
            }
        }
        let told: Vec<String> = lacking
            .iter()
            .map(|(lack, targets)| match (lack, targets.as_slice()) {
                (Lack::Platform, [_]) => format!("{} has no status item {item}", names(targets)),
                (Lack::Platform, _) => format!("{} have no status item {item}", names(targets)),
                (Lack::Here(reason), _) => format!("{} cannot report {item}: {reason}", names(targets)),
            })
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn sub_path<'n>(&self, name: &'n str) -> Option<(&'n str, Type)> {
        name.rmatch_indices('.').find_map(|(dot, _)| {
            let (item, path) = name.split_at_checked(dot)?;
            let mut found = self.schema.status(item)?;
            for key in path.split('.').skip(1) {
                found = match found {
                    Type::Any => Type::Any,
                    Type::Dictionary(keys) => keys.into_iter().find(|(known, _)| known == key)?.1,
                    _ => return None,
                };
            }
            Some((item, found))
        })
    }

    fn property(&mut self, fact: &Fact, span: Span) -> Type {
        if fact.name.contains('.') {
            let message = "whether devices take a dot in a property's name for nesting is not documented";
            self.warning(Code::DottedProperty, span, message, None);
        }
        if let Some(found) = self.schema.property(&fact.name) {
            return found;
        }
        let severity = match self.schema.knows_all_properties() {
            true => Severity::Error,
            false => Severity::Warning,
        };
        self.unknown(
            fact,
            severity,
            Code::UndefinedProperty,
            span,
            "no declaration defines the property",
        );
        Type::Any
    }

    fn unknown(&mut self, fact: &Fact, severity: Severity, code: Code, span: Span, what: &str) {
        let names = self.schema.names(fact.source);
        let near = nearest(&fact.name, names).map(|near| Fact {
            source: fact.source,
            name: near.to_owned(),
        });
        let mut message = format!("{what} {}", quoted(&fact.name));
        if let Some(near) = &near {
            message.push_str(&format!("; did you mean {}?", quoted(&near.name)));
        }
        self.find(severity, code, span, message, near.map(|near| near.to_string()));
    }
}

/// The one of `names` that `name` is probably meant to be.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONG: usize = 100;
    if name.len() > LONG {
        return None;
    }
    let (distance, near) = names
        .into_iter()
        .filter(|known| known.len() <= LONG)
        .map(|known| (strsim::osa_distance(name, known), known))
        .min()?;
    (distance <= (name.len() / 4).max(2)).then_some(near)
}

/// What targets are called, as a list in a sentence.
fn names<'a>(targets: impl IntoIterator<Item = &'a Target, IntoIter: ExactSizeIterator>) -> String {
    const SHOWN: usize = 5;
    let targets = targets.into_iter();
    let count = targets.len();
    let mut names: Vec<String> = targets
        .take(SHOWN)
        .map(|target| match (&target.version, &target.build) {
            (Some(version), Some(build)) => format!("{} {version} ({build})", target.platform),
            (Some(version), None) => format!("{} {version}", target.platform),
            (None, Some(build)) => format!("{} ({build})", target.platform),
            (None, None) => target.platform.clone(),
        })
        .collect();
    if count > SHOWN {
        names.push(format!("{} more", count - SHOWN));
    }
    let last = names.pop().unwrap_or_default();
    match names.is_empty() {
        true => last,
        false => format!("{} and {last}", names.join(", ")),
    }
}
