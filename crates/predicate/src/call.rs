//! The grammar of what has parts with commas between them: lists, SUBQUERY, functions.

use crate::code::Code;
use crate::error::{ParseError, quoted};
use crate::parser::{Parsed, Parser};
use crate::span::Span;
use crate::term::{Function, Subquery, Term, TermKind};
use crate::token::Token;

impl<'a> Parser<'a> {
    pub(crate) fn aggregate(&mut self) -> Result<Parsed, ParseError> {
        let opening = self.enter()?;
        let elements = self.values(&Token::CloseBrace)?;
        let closing = self.close(
            &Token::CloseBrace,
            opening,
            "a comma or the closing } of the list",
        )?;
        Ok(Parsed::Term(Term {
            kind: TermKind::Aggregate(elements),
            span: opening.to(closing),
        }))
    }

    pub(crate) fn subquery(&mut self) -> Result<Parsed, ParseError> {
        let word = self.span;
        self.advance()?;
        let opening = self.open("SUBQUERY(list, $element, predicate)")?;
        let collection = self.value()?;
        self.expect(
            &Token::Comma,
            "a comma, as in SUBQUERY(list, $element, predicate)",
        )?;
        let Token::Variable(variable) = self.token else {
            return Err(self.expected("a variable, as in $app"));
        };
        self.advance()?;
        self.expect(
            &Token::Comma,
            "a comma, as in SUBQUERY(list, $element, predicate)",
        )?;
        let predicate = self.or()?;
        let predicate = self.formula(predicate)?;
        let closing = self.close(
            &Token::Close,
            opening,
            "AND, OR or the closing parenthesis of SUBQUERY",
        )?;
        let subquery = Subquery {
            collection,
            variable: variable.to_owned(),
            predicate,
        };
        Ok(Parsed::Term(Term {
            kind: TermKind::Subquery(Box::new(subquery)),
            span: word.to(closing),
        }))
    }

    pub(crate) fn named_call(&mut self, name: &'a str) -> Result<Parsed, ParseError> {
        if name.eq_ignore_ascii_case("FUNCTION") {
            let message = "FUNCTION(…) calls arbitrary code and is never allowed";
            return Err(ParseError::new(Code::Forbidden, self.span, message));
        }
        if name.eq_ignore_ascii_case("TERNARY") {
            return self.ternary();
        }
        match Function::named(name) {
            Some(function) => self.call(function),
            None => Err(self.refuse(format!("there is no function {}", quoted(name)))),
        }
    }

    pub(crate) fn call(&mut self, function: Function) -> Result<Parsed, ParseError> {
        let word = self.span;
        self.advance()?;
        let opening = self.open("CAST(value, 'type')")?;
        let arguments = self.values(&Token::Close)?;
        if function == Function::CAST && arguments.len() != 2 {
            return Err(ParseError::new(
                Code::Syntax,
                word,
                "expected two arguments: CAST(value, 'type')",
            ));
        }
        let closing = self.close(&Token::Close, opening, "a comma or a closing parenthesis")?;
        Ok(Parsed::Term(Term {
            kind: TermKind::Function(function, arguments),
            span: word.to(closing),
        }))
    }

    fn ternary(&mut self) -> Result<Parsed, ParseError> {
        const FORM: &str = "a comma, as in TERNARY(predicate, value, value)";
        let word = self.span;
        self.advance()?;
        let opening = self.enter()?;
        let predicate = self.or()?;
        let predicate = self.formula(predicate)?;
        self.expect(&Token::Comma, FORM)?;
        let yes = self.value()?;
        self.expect(&Token::Comma, FORM)?;
        let no = self.value()?;
        let closing = self.close(&Token::Close, opening, "a closing parenthesis")?;
        Ok(Parsed::Term(Term {
            kind: TermKind::Ternary(Box::new((predicate, yes, no))),
            span: word.to(closing),
        }))
    }

    /// Steps over the parenthesis of a call.
    fn open(&mut self, form: &str) -> Result<Span, ParseError> {
        match self.token {
            Token::Open => self.enter(),
            _ => Err(self.expected(&format!("a parenthesis, as in {form}"))),
        }
    }

    /// Values with commas between them, up to `closing`.
    fn values(&mut self, closing: &Token<'_>) -> Result<Vec<Term>, ParseError> {
        let mut values = Vec::new();
        if self.token == *closing {
            return Ok(values);
        }
        loop {
            values.push(self.value()?);
            if !self.eat(&Token::Comma)? {
                return Ok(values);
            }
        }
    }
}
