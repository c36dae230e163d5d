//! A predicate as its users see it, and the facts that it needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::fact::{Fact, Source};
use crate::formula::{Form, Formula};
use crate::term::{Bare, Step, Term, TermKind};

/// A well-formed predicate, made by [`parse`](crate::parse) and ready to be evaluated often: patterns are
/// compiled, constants folded, facts numbered.
///
/// It displays in canonical form, and that text parses to an equal predicate. Devices should get the
/// author's own text: the canonical one is for people and for comparing.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    pub(crate) formula: Formula,
    dialect: Dialect,
    facts: Vec<Fact>,
}

/// The names of what a predicate is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Status items: the arguments of `@status(…)`.
    pub status: BTreeSet<String>,
    /// Keys of management properties: the arguments of `@property(…)`.
    pub properties: BTreeSet<String>,
    /// Keys of elements and dictionaries: the arguments of `@key(…)`. Of values that have them, nothing else
    /// has to be kept, unless one is compared as a whole.
    pub keys: BTreeSet<String>,
    /// The arguments of `@device(…)`.
    pub device: BTreeSet<String>,
    /// The arguments of `@tag(…)`.
    pub tags: BTreeSet<String>,
}

impl Predicate {
    pub(crate) fn new(formula: Formula, dialect: Dialect, places: BTreeMap<Fact, usize>) -> Predicate {
        let mut numbered: Vec<(Fact, usize)> = places.into_iter().collect();
        numbered.sort_by_key(|(_, place)| *place);
        Predicate {
            formula,
            dialect,
            facts: numbered.into_iter().map(|(fact, _)| fact).collect(),
        }
    }

    /// The dialect that it was read in.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Each fact once, in the order in which they first appear.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The names on which the outcome depends, by kind.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        for fact in &self.facts {
            let names = match fact.source {
                Source::Status => &mut needs.status,
                Source::Property => &mut needs.properties,
                Source::Device => &mut needs.device,
                Source::Tag => &mut needs.tags,
            };
            names.insert(fact.name.clone());
        }
        self.formula.for_each_term(&mut |term| match &term.kind {
            TermKind::Path(_, steps) => needs.keys.extend(steps.iter().filter_map(|step| match step {
                Step::Key(name) => Some(name.clone()),
                _ => None,
            })),
            TermKind::Bare(Bare::Key(name)) => {
                needs.keys.insert(name.clone());
            }
            _ => {}
        });
        needs
    }
}

impl Formula {
    /// Visits every value, outer ones first, also within SUBQUERYs.
    pub(crate) fn for_each_term<'a>(&'a self, visit: &mut dyn FnMut(&'a Term)) {
        if let Form::Comparison(comparison) = &self.form {
            comparison.left.term.for_each_term(visit);
            comparison.right.term.for_each_term(visit);
        }
        self.parts().iter().for_each(|part| part.for_each_term(visit));
    }
}

impl Term {
    /// Visits this value, and then all within it.
    pub(crate) fn for_each_term<'a>(&'a self, visit: &mut dyn FnMut(&'a Term)) {
        visit(self);
        match &self.kind {
            TermKind::Literal(_) | TermKind::Fact(_) | TermKind::Bare(_) | TermKind::Variable(_) => {}
            TermKind::Aggregate(terms) | TermKind::Function(_, terms) => {
                terms.iter().for_each(|term| term.for_each_term(visit));
            }
            TermKind::Negative(term) => term.for_each_term(visit),
            TermKind::Arithmetic(first, rest) => {
                first.for_each_term(visit);
                rest.iter().for_each(|(_, term)| term.for_each_term(visit));
            }
            TermKind::Path(base, steps) => {
                base.for_each_term(visit);
                for step in steps {
                    if let Step::Index(term) = step {
                        term.for_each_term(visit);
                    }
                }
            }
            TermKind::Subquery(subquery) => {
                subquery.collection.for_each_term(visit);
                subquery.predicate.for_each_term(visit);
            }
            TermKind::Ternary(parts) => {
                parts.0.for_each_term(visit);
                parts.1.for_each_term(visit);
                parts.2.for_each_term(visit);
            }
        }
    }
}
