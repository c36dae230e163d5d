//! The grammar of predicates: NOT binds tighter than AND, AND tighter than OR.
//!
//! A parenthesis opens a group of predicate or of value, and nothing tells which before it closes. So every level
//! reads either, and says what it was; no text is read twice.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::code::Code;
use crate::dialect::Dialect;
use crate::error::{ParseError, quoted};
use crate::fact::Fact;
use crate::formula::{Form, Formula, Operator, Options};
use crate::lexer::Lexer;
use crate::predicate::Predicate;
use crate::span::Span;
use crate::term::{Term, TermKind};
use crate::token::{Token, Word};

/// The longest predicate, in bytes of its text and of its canonical text.
pub const MAX_LENGTH: usize = 16 * 1024;

/// How many parentheses, brackets, braces, NOTs and minus signs may be open at one place.
pub const MAX_NESTING: usize = 64;

/// How many patterns of MATCHES a predicate may have.
pub const MAX_PATTERNS: usize = 32;

/// Reads a predicate. It takes time and memory in proportion to the text, and a bounded amount for each pattern.
///
/// # Errors
/// At the first place where `text` leaves the language of this dialect, and when it exceeds [`MAX_LENGTH`],
/// [`MAX_NESTING`] or [`MAX_PATTERNS`].
pub fn parse(text: &str, dialect: Dialect) -> Result<Predicate, ParseError> {
    let too_long = |what: &str| {
        let span = text.floor_char_boundary(MAX_LENGTH)..text.len();
        ParseError::new(
            Code::TooLarge,
            span,
            format!("{what} is longer than {MAX_LENGTH} bytes"),
        )
    };
    if text.len() > MAX_LENGTH {
        return Err(too_long("the predicate"));
    }
    let mut parser = Parser {
        text,
        dialect,
        lexer: Lexer::new(text),
        token: Token::End,
        span: (0..0).into(),
        nesting: 0,
        places: BTreeMap::new(),
        patterns: 0,
    };
    parser.advance()?;
    if parser.token == Token::End {
        return Err(parser.refuse("the predicate is empty; one that is always true is TRUEPREDICATE"));
    }
    let parsed = parser.or()?;
    let formula = parser.formula(parsed)?;
    match parser.token {
        Token::End => {}
        Token::Close => return Err(parser.refuse("this parenthesis closes none")),
        _ => return Err(parser.expected("AND, OR or the end")),
    }
    let predicate = Predicate::new(formula, dialect, parser.places);
    if predicate.to_string().len() > MAX_LENGTH {
        return Err(too_long("the predicate's canonical form"));
    }
    Ok(predicate)
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    pub(crate) dialect: Dialect,
    lexer: Lexer<'a>,
    /// The token to be looked at, and its place.
    pub(crate) token: Token<'a>,
    pub(crate) span: Span,
    nesting: usize,
    /// The facts named so far, with their numbers.
    pub(crate) places: BTreeMap<Fact, usize>,
    /// How many patterns were read.
    pub(crate) patterns: usize,
}

/// What a group turned out to hold.
pub(crate) enum Parsed {
    Formula(Formula),
    Term(Term),
}

impl<'a> Parser<'a> {
    pub(crate) fn or(&mut self) -> Result<Parsed, ParseError> {
        let first = self.and()?;
        if self.token != Token::Or {
            return Ok(first);
        }
        let mut formula = self.formula(first)?;
        while self.eat(&Token::Or)? {
            let next = self.and()?;
            formula = formula.or(self.formula(next)?);
        }
        Ok(Parsed::Formula(formula))
    }

    fn and(&mut self) -> Result<Parsed, ParseError> {
        let first = self.not()?;
        if self.token != Token::And {
            return Ok(first);
        }
        let mut formula = self.formula(first)?;
        while self.eat(&Token::And)? {
            let next = self.not()?;
            formula = formula.and(self.formula(next)?);
        }
        Ok(Parsed::Formula(formula))
    }

    fn not(&mut self) -> Result<Parsed, ParseError> {
        if self.token != Token::Not {
            return self.comparison();
        }
        let start = self.enter()?;
        let negated = self.not()?;
        let negated = self.formula(negated)?;
        self.leave();
        Ok(Parsed::Formula(Formula {
            span: start.to(negated.span),
            form: Form::Not(Box::new(negated)),
        }))
    }

    fn comparison(&mut self) -> Result<Parsed, ParseError> {
        let start = self.span;
        let quantifier = match self.token {
            Token::Quantifier(quantifier) => {
                self.advance()?;
                Some(quantifier)
            }
            _ => None,
        };
        let left = match (self.sum()?, quantifier) {
            (Parsed::Term(left), _) => left,
            (formula, None) => return Ok(formula),
            (Parsed::Formula(formula), Some(_)) => return Err(not_a_value(formula.span)),
        };
        let Token::Comparison(operator) = self.token else {
            return match quantifier {
                None => Ok(Parsed::Term(left)),
                Some(_) => Err(self.expected("a comparison such as == or IN")),
            };
        };
        self.advance()?;
        let options = self.options(operator)?;
        let right = self.value()?;
        let span = start.to(right.span);
        let comparison = self.prepare(quantifier, left, operator, options, right)?;
        Ok(Parsed::Formula(Formula {
            form: Form::Comparison(Box::new(comparison)),
            span,
        }))
    }

    fn options(&mut self, operator: Operator) -> Result<Options, ParseError> {
        let mut options = Options::default();
        if self.token != Token::OpenBracket {
            return Ok(options);
        }
        self.advance()?;
        const EXPECTED: &str = "options: the small letters c, d, n or l, as in [cd]";
        let Token::Name(letters, _) = self.token else {
            return Err(self.expected(EXPECTED));
        };
        for letter in letters.chars() {
            match letter {
                'c' => options.case = true,
                'd' => options.diacritics = true,
                'n' => options.normalized = true,
                'l' => options.locale = true,
                _ => return Err(self.expected(EXPECTED)),
            }
        }
        if operator == Operator::Between {
            return Err(self.refuse("BETWEEN has no options"));
        }
        self.advance()?;
        self.expect(&Token::CloseBracket, "the closing ] of the options")?;
        Ok(options)
    }

    /// What must be a predicate here, ending before the present token.
    pub(crate) fn formula(&self, parsed: Parsed) -> Result<Formula, ParseError> {
        let term = match parsed {
            Parsed::Formula(formula) => return Ok(formula),
            Parsed::Term(term) => term,
        };
        match self.token {
            Token::And | Token::Or | Token::Close | Token::Comma | Token::End => {}
            _ => return Err(self.expected("a comparison such as == or IN")),
        }
        let advice = match &term.kind {
            TermKind::Literal(Value::Bool(true)) => "write TRUEPREDICATE".to_owned(),
            TermKind::Literal(Value::Bool(false)) => "write FALSEPREDICATE".to_owned(),
            TermKind::Literal(_) | TermKind::Aggregate(_) => "compare it with another".to_owned(),
            TermKind::Fact(_) => format!("compare it, as in {term} == true"),
            TermKind::Subquery(_) => "compare how many it finds, as in SUBQUERY(…).@count != 0".to_owned(),
            _ => "compare it, as in … == true".to_owned(),
        };
        Err(ParseError::new(
            Code::BareValue,
            term.span,
            format!("a value alone is not a predicate: {advice}"),
        ))
    }

    /// Steps over the token that opens a level, and tells its place. The grammar recurses only after this.
    pub(crate) fn enter(&mut self) -> Result<Span, ParseError> {
        if self.nesting == MAX_NESTING {
            let message = format!("more than {MAX_NESTING} levels of nesting");
            return Err(ParseError::new(Code::TooLarge, self.span, message));
        }
        self.nesting += 1;
        let opening = self.span;
        self.advance()?;
        Ok(opening)
    }

    pub(crate) fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Steps over `closing`, which ends the level that was opened at `opening`, and tells its place.
    pub(crate) fn close(
        &mut self,
        closing: &Token<'_>,
        opening: Span,
        what: &str,
    ) -> Result<Span, ParseError> {
        if self.token == Token::End {
            let opened = self.text.get(opening.range()).unwrap_or_default();
            let message = match opened {
                "(" => "this parenthesis is not closed".to_owned(),
                opened => format!("{} is not closed", quoted(opened)),
            };
            return Err(ParseError::new(Code::Syntax, opening, message));
        }
        let span = self.span;
        self.expect(closing, what)?;
        self.leave();
        Ok(span)
    }

    pub(crate) fn expect(&mut self, token: &Token<'_>, what: &str) -> Result<(), ParseError> {
        if self.eat(token)? {
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    pub(crate) fn eat(&mut self, token: &Token<'_>) -> Result<bool, ParseError> {
        let found = self.token == *token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(crate) fn advance(&mut self) -> Result<(), ParseError> {
        (self.token, self.span) = self.lexer.next()?;
        Ok(())
    }

    /// The error for another token than those that may stand here.
    pub(crate) fn expected(&self, what: &str) -> ParseError {
        match self.found() {
            "" => self.refuse(format!("expected {what}; found the end")),
            found if self.token == Token::Word(Word::Useless) => self.refuse(format!(
                "expected {what}; found {}, which is reserved and has no use in an activation",
                quoted(found)
            )),
            found => self.refuse(format!("expected {what}; found {}", quoted(found))),
        }
    }

    /// The present token as written; empty at the end.
    pub(crate) fn found(&self) -> &'a str {
        self.text.get(self.span.range()).unwrap_or_default()
    }

    /// An error at the present token.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> ParseError {
        ParseError::new(Code::Syntax, self.span, message)
    }
}

pub(crate) fn not_a_value(span: Span) -> ParseError {
    ParseError::new(Code::Syntax, span, "expected a value; this is a predicate")
}
