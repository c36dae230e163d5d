//! The types of values.

use serde_json::Value;

use crate::check::{Checker, nearest};
use crate::code::Code;
use crate::error::quoted;
use crate::schema::Type;
use crate::span::Span;
use crate::term::{Bare, Collect, Step, Term, TermKind};

impl Checker<'_> {
    /// The type of a term, after what is wrong inside of it was found.
    pub(crate) fn term(&mut self, term: &Term) -> Type {
        let span = term.span;
        match &term.kind {
            TermKind::Literal(value) => match value {
                Value::Bool(_) => Type::Boolean,
                Value::Number(_) => Type::Number,
                Value::String(_) => Type::Text,
                _ => Type::Any,
            },
            TermKind::Aggregate(terms) => {
                let mut types = terms.iter().map(|term| self.term(term)).collect::<Vec<_>>();
                types.dedup();
                let element = match types.pop() {
                    Some(only) if types.is_empty() => only,
                    _ => Type::Any,
                };
                Type::List(Box::new(element))
            }
            TermKind::Fact(term) => self.fact(&term.fact, span),
            TermKind::Bare(bare) => {
                let message = match bare {
                    Bare::Key(name) => {
                        format!("@key({name}) needs an element before it, as in $app.@key({name})")
                    }
                    Bare::SelfObject => format!("SELF is nothing here: write {}", self.dialect.terms()),
                    Bare::Name(name) => {
                        let terms = self.dialect.terms();
                        format!(
                            "{} stands for nothing: write {terms}, and quotes around a string",
                            quoted(name)
                        )
                    }
                };
                self.error(Code::BareKeyPath, span, message, None);
                Type::Any
            }
            TermKind::Variable(name) => {
                let bound = self.variables.iter().rev().find(|(known, _)| known == name);
                if let Some((_, element)) = bound {
                    return element.clone();
                }
                let message = format!("no SUBQUERY around it binds the variable ${name}");
                self.error(Code::UnboundVariable, span, message, None);
                Type::Any
            }
            TermKind::Negative(operand) => {
                self.number(operand);
                Type::Number
            }
            TermKind::Arithmetic(first, rest) => {
                self.number(first);
                rest.iter().for_each(|(_, operand)| self.number(operand));
                Type::Number
            }
            TermKind::Path(base, steps) => {
                let base = self.term(base);
                self.path(base, steps, span)
            }
            TermKind::Subquery(subquery) => {
                let collection = self.term(&subquery.collection);
                if !matches!(collection, Type::List(_) | Type::Any) {
                    let message = format!("SUBQUERY searches a list, and this is {}", collection.kind());
                    self.error(Code::TypeMismatch, subquery.collection.span, message, None);
                }
                let element = collection.element();
                self.variables.push((subquery.variable.clone(), element.clone()));
                self.formula(&subquery.predicate);
                self.variables.pop();
                Type::List(Box::new(element))
            }
            TermKind::Function(function, arguments) => {
                self.function(function.name(), span);
                arguments.iter().for_each(|argument| drop(self.term(argument)));
                Type::Any
            }
            TermKind::Ternary(parts) => {
                self.function("TERNARY", span);
                self.formula(&parts.0);
                self.term(&parts.1);
                self.term(&parts.2);
                Type::Any
            }
        }
    }

    fn function(&mut self, name: &str, span: Span) {
        let message = format!("whether devices have {name}(…) is not known, so it is not evaluated either");
        self.error(Code::UnconfirmedFunction, span, message, None);
    }

    fn number(&mut self, operand: &Term) {
        let found = self.term(operand);
        if !found.takes_number() {
            let message = format!("arithmetic needs numbers, and this is {}", found.kind());
            self.error(Code::TypeMismatch, operand.span, message, None);
        }
    }

    fn path(&mut self, mut found: Type, steps: &[Step], span: Span) -> Type {
        for (index, step) in steps.iter().enumerate() {
            found = match step {
                Step::Key(name) => self.key(&found, name, span),
                Step::Index(index) => self.index(&found, index, span),
                Step::First | Step::Last | Step::Size => {
                    self.unconfirmed(step, span);
                    self.list(&found, step, span);
                    match step {
                        Step::Size => Type::Number,
                        _ => found.element(),
                    }
                }
                Step::Collect(operator) => {
                    self.list(&found, step, span);
                    if *operator != Collect::Count {
                        self.unconfirmed(step, span);
                    }
                    let operand = |this: &mut Self| {
                        let after = steps.get(index + 1..).unwrap_or_default();
                        this.path(found.element(), after, span)
                    };
                    match operator {
                        Collect::FirstObject | Collect::LastObject => found.element(),
                        Collect::Count => return Type::Number,
                        Collect::Sum | Collect::Average => {
                            operand(self);
                            return Type::Number;
                        }
                        Collect::Minimum | Collect::Maximum => return operand(self),
                        Collect::UnionOfArrays => return operand(self),
                        Collect::UnionOfObjects | Collect::DistinctUnionOfObjects => {
                            return Type::List(Box::new(operand(self)));
                        }
                    }
                }
            };
        }
        found
    }

    fn unconfirmed(&mut self, step: &Step, span: Span) {
        let message = format!("whether devices have {step} is not known");
        self.warning(Code::UnconfirmedOperator, span, message, None);
    }

    /// Finds fault with anything but a list.
    fn list(&mut self, found: &Type, step: &Step, span: Span) {
        if !matches!(found, Type::List(_) | Type::Any) {
            let message = format!("{step} needs a list, and this is {}", found.kind());
            self.error(Code::TypeMismatch, span, message, None);
        }
    }

    fn key(&mut self, found: &Type, name: &str, span: Span) -> Type {
        match found {
            Type::Any => Type::Any,
            Type::Dictionary(keys) => {
                if let Some((_, found)) = keys.iter().find(|(known, _)| known == name) {
                    return found.clone();
                }
                let known = keys.iter().map(|(known, _)| known.as_str());
                let message = match nearest(name, known) {
                    Some(near) => format!("there is no key {}; did you mean {}?", quoted(name), quoted(near)),
                    None => format!("there is no key {}", quoted(name)),
                };
                self.error(Code::UnknownKey, span, message, None);
                Type::Any
            }
            Type::List(_) => {
                let message = "a key is of one element: use SUBQUERY(list, $element, $element.@key(…) == …)";
                self.error(Code::TypeMismatch, span, message, None);
                Type::Any
            }
            scalar => {
                let message = format!("{} has no keys", scalar.kind());
                self.error(Code::TypeMismatch, span, message, None);
                Type::Any
            }
        }
    }

    fn index(&mut self, found: &Type, index: &Term, span: Span) -> Type {
        let by = self.term(index);
        match found {
            Type::Any => Type::Any,
            Type::List(element) if by.takes_number() => (**element).clone(),
            Type::Dictionary(_) if by.takes_text() => match index.text() {
                Some(name) => self.key(found, name, span),
                None => Type::Any,
            },
            found => {
                let message = format!("{} does not index {}", by.kind(), found.kind());
                self.error(Code::TypeMismatch, span, message, None);
                Type::Any
            }
        }
    }
}
