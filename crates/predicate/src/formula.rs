//! A predicate in memory, its canonical text, and the facts that it needs.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// A well-formed activation predicate, made by [`parse`](crate::parse).
///
/// It displays in canonical form, and that text parses to an equal predicate. Devices should get the
/// author's own text: the canonical one is for people and for comparing.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate(pub(crate) Formula);

/// The names of what a predicate is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Status items: the arguments of `@status(…)`.
    pub status: BTreeSet<String>,
    /// Keys of management properties: the arguments of `@property(…)`.
    pub properties: BTreeSet<String>,
}

impl Predicate {
    /// The status items and properties on which the outcome depends.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        self.0.collect_needs(&mut needs);
        needs
    }
}

/// The parser and the constructors keep `And` and `Or` flat: at least two parts, none of the same kind. So
/// a long chain is not deep, and equal meaning by associativity is equality.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Formula {
    Constant(bool),
    Comparison(Comparison),
    Not(Box<Formula>),
    And(Vec<Formula>),
    Or(Vec<Formula>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) left: Term,
    pub(crate) operator: Operator,
    pub(crate) right: Term,
}

/// What a comparison compares. Literals are scalars; their integers are within i64, their floats finite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    Literal(Value),
    Status(String),
    Property(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Formula {
    pub(crate) fn and(self, other: Formula) -> Formula {
        let mut parts = match self {
            Formula::And(parts) => parts,
            part => vec![part],
        };
        match other {
            Formula::And(more) => parts.extend(more),
            part => parts.push(part),
        }
        Formula::And(parts)
    }

    pub(crate) fn or(self, other: Formula) -> Formula {
        let mut parts = match self {
            Formula::Or(parts) => parts,
            part => vec![part],
        };
        match other {
            Formula::Or(more) => parts.extend(more),
            part => parts.push(part),
        }
        Formula::Or(parts)
    }

    fn collect_needs(&self, needs: &mut Needs) {
        match self {
            Formula::Constant(_) => {}
            Formula::Comparison(comparison) => {
                for term in [&comparison.left, &comparison.right] {
                    match term {
                        Term::Literal(_) => false,
                        Term::Status(name) => needs.status.insert(name.clone()),
                        Term::Property(key) => needs.properties.insert(key.clone()),
                    };
                }
            }
            Formula::Not(part) => part.collect_needs(needs),
            Formula::And(parts) | Formula::Or(parts) => {
                parts.iter().for_each(|part| part.collect_needs(needs));
            }
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Formula::Constant(true) => f.write_str("TRUEPREDICATE"),
            Formula::Constant(false) => f.write_str("FALSEPREDICATE"),
            Formula::Comparison(comparison) => comparison.fmt(f),
            Formula::Not(part) => match **part {
                Formula::And(_) | Formula::Or(_) => write!(f, "NOT ({part})"),
                _ => write!(f, "NOT {part}"),
            },
            Formula::And(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " AND " })?;
                    match part {
                        Formula::Or(_) => write!(f, "({part})")?,
                        _ => part.fmt(f)?,
                    }
                }
                Ok(())
            }
            Formula::Or(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " OR " })?;
                    part.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.operator, self.right)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Status(name) => write!(f, "@status({name})"),
            Term::Property(key) => write!(f, "@property({key})"),
            Term::Literal(Value::Null) => f.write_str("nil"),
            Term::Literal(Value::String(text)) => write_string(f, text),
            Term::Literal(value) => value.fmt(f),
        }
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write;
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn canonical_text() {
        for (text, canonical) in [
            ("1=1", "1 == 1"),
            ("1 <> 2 or 1 =< 2 or 1 => 2", "1 != 2 OR 1 <= 2 OR 1 >= 2"),
            ("!(1 < 2)", "NOT 1 < 2"),
            ("!(1 < 2 && 2 > 1)", "NOT (1 < 2 AND 2 > 1)"),
            ("not NOT truePredicate", "NOT NOT TRUEPREDICATE"),
            ("((1==1) && ((2==2) && 3==3))", "1 == 1 AND 2 == 2 AND 3 == 3"),
            ("1==1 || 2==2 && 3==3", "1 == 1 OR 2 == 2 AND 3 == 3"),
            ("(1==1 || 2==2) && 3==3", "(1 == 1 OR 2 == 2) AND 3 == 3"),
            ("Yes == NO || Null == Nil", "true == false OR nil == nil"),
            (
                r#""it's \"so\" \\ \t" == 'a\u000a\u0007é'"#,
                r#"'it\'s "so" \\ \t' == 'a\n\u0007é'"#,
            ),
            (
                "@status( a.b-c )\n==\t@property(_d)",
                "@status(a.b-c) == @property(_d)",
            ),
            (
                "0x1F == 0o17 || 0b11 != - 5 || 1.50 < 2e3",
                "31 == 15 OR 3 != -5 OR 1.5 < 2000.0",
            ),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn needs_are_the_names_by_kind() {
        let needs = parse("@status(a) == @property(b) OR NOT (@status(c.d) == 1 AND @status(a) > 2)")
            .unwrap()
            .needs();
        assert_eq!(needs.status.iter().collect::<Vec<_>>(), ["a", "c.d"]);
        assert_eq!(needs.properties.iter().collect::<Vec<_>>(), ["b"]);
    }
}
