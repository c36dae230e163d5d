//! A comparison is checked for what must be written out, and made ready for being evaluated often.

use serde_json::Value;

use crate::code::Code;
use crate::dialect::OS_VERSION;
use crate::error::ParseError;
use crate::fact::Source;
use crate::fold::fold_value;
use crate::formula::{Comparison, Manner, Operator, Options, Quantifier};
use crate::parser::{MAX_PATTERNS, Parser};
use crate::pattern::Pattern;
use crate::term::{Operand, Term, TermKind};
use crate::version;

impl Parser<'_> {
    pub(crate) fn prepare(
        &mut self,
        quantifier: Option<Quantifier>,
        left: Term,
        operator: Operator,
        options: Options,
        right: Term,
    ) -> Result<Comparison, ParseError> {
        let pattern = match operator {
            Operator::Matches => Some(self.pattern(&right, options)?),
            _ => None,
        };
        if operator == Operator::Like && right.text().is_some_and(|text| text.contains('\\')) {
            let message =
                "a backslash in a pattern of LIKE could mean itself or escape what follows: use MATCHES";
            return Err(ParseError::new(Code::UnreadablePattern, right.span, message));
        }
        if operator == Operator::Between {
            check_bounds(&right)?;
        }
        let versions = compares_versions(operator) && (is_os_version(&left) || is_os_version(&right));
        if versions {
            check_versions(&left)?;
            check_versions(&right)?;
        }
        Ok(Comparison {
            quantifier,
            left: Operand::new(left, options),
            operator,
            manner: Manner { options, versions },
            right: Operand::new(right, options),
            pattern,
        })
    }

    fn pattern(&mut self, term: &Term, options: Options) -> Result<Pattern, ParseError> {
        let refuse = |code, message: String| Err(ParseError::new(code, term.span, message));
        let Some(text) = term.text() else {
            let message = "the pattern of MATCHES must be written out as a string, so that it can be checked";
            return refuse(Code::UnreadablePattern, message.to_owned());
        };
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return refuse(Code::TooLarge, format!("more than {MAX_PATTERNS} patterns"));
        }
        Pattern::new(text, options).or_else(|message| refuse(Code::UnreadablePattern, message))
    }
}

impl Operand {
    fn new(term: Term, options: Options) -> Operand {
        let constant = term.constant().map(|value| fold_value(value, options));
        Operand { term, constant }
    }
}

/// What can be seen of the right side of BETWEEN.
fn check_bounds(right: &Term) -> Result<(), ParseError> {
    match &right.kind {
        TermKind::Aggregate(bounds) if bounds.len() == 2 => Ok(()),
        TermKind::Aggregate(_) | TermKind::Literal(_) => Err(ParseError::new(
            Code::Syntax,
            right.span,
            "expected the two bounds of BETWEEN, as in {1, 10}",
        )),
        _ => Ok(()),
    }
}

fn compares_versions(operator: Operator) -> bool {
    operator.orders()
        || matches!(
            operator,
            Operator::Equal | Operator::NotEqual | Operator::Between | Operator::In
        )
}

fn is_os_version(term: &Term) -> bool {
    matches!(&term.kind, TermKind::Fact(term) if term.fact.source == Source::Device && term.fact.name == OS_VERSION)
}

/// Refuses a literal that is no version.
fn check_versions(term: &Term) -> Result<(), ParseError> {
    match &term.kind {
        TermKind::Literal(Value::String(text)) if version::is_version(text) => Ok(()),
        TermKind::Literal(_) => Err(ParseError::new(
            Code::TypeMismatch,
            term.span,
            "@device(os.version) compares with a version in quotes, such as '17.4'",
        )),
        TermKind::Aggregate(terms) => terms.iter().try_for_each(check_versions),
        _ => Ok(()),
    }
}
