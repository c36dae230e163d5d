//! The grammar of predicates: NOT binds tighter than AND, AND tighter than OR.

use std::ops::Range;

use serde_json::{Number, Value};

use crate::error::{ParseError, quoted};
use crate::formula::{Comparison, Formula, Predicate, Term};
use crate::lexer::{Lexer, Token, unsupported};

/// The longest predicate, in bytes of its text and of its canonical text.
pub const MAX_LENGTH: usize = 16 * 1024;

/// How many parentheses and NOTs may be open at one place.
pub const MAX_NESTING: usize = 64;

/// Reads an activation predicate.
///
/// # Errors
/// At the first place where `text` leaves the language, or the part of it that is supported yet, and when
/// it exceeds [`MAX_LENGTH`] or [`MAX_NESTING`].
pub fn parse(text: &str) -> Result<Predicate, ParseError> {
    let too_long = |what: &str| ParseError {
        span: text.floor_char_boundary(MAX_LENGTH)..text.len(),
        message: format!("{what} is longer than {MAX_LENGTH} bytes"),
    };
    if text.len() > MAX_LENGTH {
        return Err(too_long("the predicate"));
    }
    let mut parser = Parser {
        text,
        lexer: Lexer::new(text),
        token: Token::End,
        span: 0..0,
        nesting: 0,
    };
    parser.advance()?;
    if parser.token == Token::End {
        return Err(parser.refuse("the predicate is empty; one that is always true is TRUEPREDICATE"));
    }
    let predicate = Predicate(parser.or()?);
    match parser.token {
        Token::End if predicate.to_string().len() > MAX_LENGTH => {
            Err(too_long("the predicate's canonical form"))
        }
        Token::End => Ok(predicate),
        Token::Close => Err(parser.refuse("this parenthesis closes none")),
        _ => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token to be looked at, and its place.
    token: Token,
    span: Range<usize>,
    nesting: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Formula, ParseError> {
        let mut formula = self.and()?;
        while self.eat(&Token::Or)? {
            formula = formula.or(self.and()?);
        }
        Ok(formula)
    }

    fn and(&mut self) -> Result<Formula, ParseError> {
        let mut formula = self.not()?;
        while self.eat(&Token::And)? {
            formula = formula.and(self.not()?);
        }
        Ok(formula)
    }

    fn not(&mut self) -> Result<Formula, ParseError> {
        match self.token {
            Token::Not => {
                self.enter()?;
                let negated = self.not()?;
                self.nesting -= 1;
                Ok(Formula::Not(Box::new(negated)))
            }
            Token::Open => {
                let opening = self.enter()?;
                let group = self.or()?;
                match self.token {
                    Token::Close => self.advance()?,
                    Token::End => {
                        let message = "this parenthesis is not closed".to_owned();
                        return Err(ParseError {
                            span: opening,
                            message,
                        });
                    }
                    _ => return Err(self.expected("AND, OR or a closing parenthesis")),
                }
                self.nesting -= 1;
                Ok(group)
            }
            Token::Constant(value) => {
                self.advance()?;
                Ok(Formula::Constant(value))
            }
            _ => self.comparison(),
        }
    }

    /// Steps over the token that opens a level, and tells its place. The grammar recurses only here.
    fn enter(&mut self) -> Result<Range<usize>, ParseError> {
        if self.nesting == MAX_NESTING {
            return Err(self.refuse(format!("more than {MAX_NESTING} levels of parentheses and NOT")));
        }
        self.nesting += 1;
        let opening = self.span.clone();
        self.advance()?;
        Ok(opening)
    }

    fn comparison(&mut self) -> Result<Formula, ParseError> {
        let place = self.span.clone();
        let left = self.term()?;
        let Token::Comparison(operator) = self.token else {
            return Err(self.uncompared(&left, place));
        };
        self.advance()?;
        let right = self.term()?;
        Ok(Formula::Comparison(Comparison {
            left,
            operator,
            right,
        }))
    }

    fn term(&mut self) -> Result<Term, ParseError> {
        let negative = self.eat(&Token::Minus)?;
        let term = match &self.token {
            Token::Term(term) if negative => negated(term),
            Token::Term(term) => Some(term.clone()),
            _ if negative => None,
            Token::Open => return Err(self.refuse(unsupported("parentheses around a value"))),
            _ => {
                return Err(self
                    .expected("a value: a string, a number, true, false, nil, @status(…) or @property(…)"));
            }
        };
        let Some(term) = term else {
            return Err(self.refuse(unsupported("a minus sign before anything but a number")));
        };
        self.advance()?;
        match self.token {
            Token::Minus => Err(self.refuse(unsupported("arithmetic"))),
            _ => Ok(term),
        }
    }

    /// The error for a term, in its place, that no comparison follows.
    fn uncompared(&self, term: &Term, place: Range<usize>) -> ParseError {
        let message = match self.token {
            Token::Close if self.compares_after_closing() => unsupported("parentheses around a value"),
            Token::And | Token::Or | Token::Close | Token::End => {
                let advice = match term {
                    Term::Literal(Value::Bool(true)) => "write TRUEPREDICATE".to_owned(),
                    Term::Literal(Value::Bool(false)) => "write FALSEPREDICATE".to_owned(),
                    Term::Literal(_) => "compare it with another".to_owned(),
                    term => format!("compare it, as in {term} == true"),
                };
                format!("a value alone is not a predicate: {advice}")
            }
            _ => return self.expected("a comparison: ==, !=, <, <=, > or >="),
        };
        ParseError { span: place, message }
    }

    fn compares_after_closing(&self) -> bool {
        let mut lexer = self.lexer.clone();
        loop {
            match lexer.next() {
                Ok((Token::Close, _)) => {}
                Ok((token, _)) => return matches!(token, Token::Comparison(_)),
                Err(_) => return false,
            }
        }
    }

    fn eat(&mut self, token: &Token) -> Result<bool, ParseError> {
        let found = self.token == *token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn advance(&mut self) -> Result<(), ParseError> {
        (self.token, self.span) = self.lexer.next()?;
        Ok(())
    }

    /// The error for another token than those that may stand here.
    fn expected(&self, what: &str) -> ParseError {
        match self.text.get(self.span.clone()) {
            None | Some("") => self.refuse(format!("expected {what}; found the end")),
            Some(found) => self.refuse(format!("expected {what}; found {}", quoted(found))),
        }
    }

    /// An error at the present token.
    fn refuse(&self, message: impl Into<String>) -> ParseError {
        ParseError {
            span: self.span.clone(),
            message: message.into(),
        }
    }
}

/// None when `term` is not a number.
fn negated(term: &Term) -> Option<Term> {
    let Term::Literal(Value::Number(number)) = term else {
        return None;
    };
    let number = match number.as_i64() {
        Some(integer) => Number::from(integer.checked_neg()?),
        None => Number::from_f64(-number.as_f64()?)?,
    };
    Some(Term::Literal(Value::Number(number)))
}
