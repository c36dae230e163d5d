//! The grammar of values: literals, facts, paths, calls, arithmetic.

use serde_json::{Number, Value};

use crate::code::Code;
use crate::error::{ParseError, quoted};
use crate::fact::{Fact, Source};
use crate::formula::{Form, Formula};
use crate::parser::{Parsed, Parser, not_a_value};
use crate::span::Span;
use crate::term::{Arithmetic, Bare, Collect, FactTerm, Function, Step, Term, TermKind};
use crate::token::{Token, Word};

/// One of the levels of the grammar below comparison.
type Level<'a> = fn(&mut Parser<'a>) -> Result<Parsed, ParseError>;

fn additive(token: &Token<'_>) -> Option<Arithmetic> {
    match token {
        Token::Plus => Some(Arithmetic::Plus),
        Token::Minus => Some(Arithmetic::Minus),
        _ => None,
    }
}

fn multiplicative(token: &Token<'_>) -> Option<Arithmetic> {
    match token {
        Token::Times => Some(Arithmetic::Times),
        Token::Divide => Some(Arithmetic::Divide),
        _ => None,
    }
}

fn power(token: &Token<'_>) -> Option<Arithmetic> {
    (*token == Token::Power).then_some(Arithmetic::Power)
}

impl<'a> Parser<'a> {
    /// What must be a value here.
    pub(crate) fn value(&mut self) -> Result<Term, ParseError> {
        term(self.sum()?)
    }

    /// The loosest level of values. Like all below it, it passes on a group that holds a predicate.
    pub(crate) fn sum(&mut self) -> Result<Parsed, ParseError> {
        self.chain(Self::product, additive)
    }

    fn product(&mut self) -> Result<Parsed, ParseError> {
        self.chain(Self::power, multiplicative)
    }

    fn power(&mut self) -> Result<Parsed, ParseError> {
        self.chain(Self::unary, power)
    }

    fn chain(
        &mut self,
        tighter: Level<'a>,
        operator: fn(&Token<'_>) -> Option<Arithmetic>,
    ) -> Result<Parsed, ParseError> {
        let first = match tighter(self)? {
            Parsed::Term(first) => first,
            formula => return Ok(formula),
        };
        let mut span = first.span;
        let mut rest = Vec::new();
        while let Some(operator) = operator(&self.token) {
            self.advance()?;
            let next = term(tighter(self)?)?;
            span = span.to(next.span);
            rest.push((operator, next));
        }
        Ok(Parsed::Term(match rest.is_empty() {
            true => first,
            false => Term {
                kind: TermKind::Arithmetic(Box::new(first), rest),
                span,
            },
        }))
    }

    fn unary(&mut self) -> Result<Parsed, ParseError> {
        if self.token != Token::Minus {
            return self.postfix();
        }
        let minus = self.enter()?;
        let operand = term(self.postfix()?)?;
        self.leave();
        let span = minus.to(operand.span);
        let kind = match negated(&operand.kind) {
            Some(number) => TermKind::Literal(Value::Number(number)),
            None => TermKind::Negative(Box::new(operand)),
        };
        Ok(Parsed::Term(Term { kind, span }))
    }

    fn postfix(&mut self) -> Result<Parsed, ParseError> {
        let base = match self.atom()? {
            Parsed::Term(base) => base,
            formula => return Ok(formula),
        };
        let mut steps = Vec::new();
        let mut span = base.span;
        loop {
            let (step, end) = match self.token {
                Token::Dot => {
                    self.advance()?;
                    let end = self.span;
                    (self.component()?, end)
                }
                Token::OpenBracket => self.index()?,
                _ => break,
            };
            span = span.to(end);
            steps.push(step);
        }
        Ok(Parsed::Term(match (steps.is_empty(), base.kind) {
            (true, kind) => Term { kind, span },
            // `(a.b).c` is `a.b.c`; but what follows a collection operator would go to the elements.
            (false, TermKind::Path(base, mut first)) if !first.iter().any(Step::is_collection) => {
                first.append(&mut steps);
                let kind = TermKind::Path(base, first);
                Term { kind, span }
            }
            (false, kind) => {
                let base = Term {
                    kind,
                    span: base.span,
                };
                let kind = TermKind::Path(Box::new(base), steps);
                Term { kind, span }
            }
        }))
    }

    fn component(&mut self) -> Result<Step, ParseError> {
        let step = match self.token {
            Token::Key(name) | Token::Name(name, false) => Step::Key(name.to_owned()),
            Token::At(word) => match Collect::named(word) {
                Some(operator) => Step::Collect(operator),
                None => {
                    let message = format!("{} is no collection operator", quoted(&format!("@{word}")));
                    return Err(ParseError::new(Code::UnknownWord, self.span, message));
                }
            },
            Token::Fact(..) => return Err(self.refuse("this term has no object: it stands alone")),
            _ if self.found().starts_with(|c: char| c.is_ascii_alphabetic()) => {
                let message = format!(
                    "{} is no key as it stands: a reserved word is written .@key(…), or with a # before it",
                    quoted(self.found())
                );
                return Err(self.refuse(message));
            }
            _ => {
                return Err(
                    self.expected("a key, as in .@key(identifier), or a collection operator, as in .@count")
                );
            }
        };
        self.advance()?;
        Ok(step)
    }

    fn index(&mut self) -> Result<(Step, Span), ParseError> {
        let opening = self.enter()?;
        let step = match self.token {
            Token::Word(Word::First) => Step::First,
            Token::Word(Word::Last) => Step::Last,
            Token::Word(Word::Size) => Step::Size,
            _ => Step::Index(self.value()?),
        };
        if !matches!(step, Step::Index(_)) {
            self.advance()?;
        }
        let end = self.close(&Token::CloseBracket, opening, "the closing ] of the index")?;
        Ok((step, end))
    }

    fn atom(&mut self) -> Result<Parsed, ParseError> {
        let span = self.span;
        let kind = match &mut self.token {
            Token::Text(text) => TermKind::Literal(Value::String(std::mem::take(text))),
            Token::Number(number) => TermKind::Literal(Value::Number(number.clone())),
            Token::Word(Word::True) => TermKind::Literal(Value::Bool(true)),
            Token::Word(Word::False) => TermKind::Literal(Value::Bool(false)),
            Token::Word(Word::Nil) => TermKind::Literal(Value::Null),
            Token::Word(Word::SelfObject) => TermKind::Bare(Bare::SelfObject),
            Token::Word(word @ (Word::TruePredicate | Word::FalsePredicate)) => {
                let value = *word == Word::TruePredicate;
                self.advance()?;
                let form = Form::Constant(value);
                return Ok(Parsed::Formula(Formula { form, span }));
            }
            Token::Word(Word::Subquery) => return self.subquery(),
            Token::Word(Word::Cast) => return self.call(Function::CAST),
            Token::Key(name) => TermKind::Bare(Bare::Key((*name).to_owned())),
            Token::Variable(name) => TermKind::Variable((*name).to_owned()),
            Token::Name(name, true) => {
                let name = *name;
                return self.named_call(name);
            }
            Token::Name(name, false) => TermKind::Bare(Bare::Name((*name).to_owned())),
            Token::Fact(source, name) => {
                let (source, name) = (*source, *name);
                self.fact(source, name)?
            }
            Token::At(word) => {
                let word = *word;
                return Err(self.unknown_word(word));
            }
            Token::Open => return self.group(),
            Token::OpenBrace => return self.aggregate(),
            _ => {
                return Err(self.expected("a value, such as a string, a number, true, nil or @status(…)"));
            }
        };
        self.advance()?;
        Ok(Parsed::Term(Term { kind, span }))
    }

    fn fact(&mut self, source: Source, name: &str) -> Result<TermKind, ParseError> {
        if let Some((code, message)) = self.dialect.refusal(source, name) {
            return Err(ParseError::new(code, self.span, message));
        }
        let name = name.to_owned();
        let fact = Fact { source, name };
        let next = self.places.len();
        let place = *self.places.entry(fact.clone()).or_insert(next);
        Ok(TermKind::Fact(FactTerm { fact, place }))
    }

    fn unknown_word(&self, word: &str) -> ParseError {
        let lower = word.to_ascii_lowercase();
        let message = if matches!(lower.as_str(), "status" | "property" | "key" | "device" | "tag") {
            format!("write @{lower} in lower case")
        } else if Collect::named(word).is_some() {
            format!("@{word} follows a list and a dot, as in @status(mdm.app).@count")
        } else {
            format!(
                "{} is unknown, and can make real devices unmanageable: write {}",
                quoted(&format!("@{word}")),
                self.dialect.terms()
            )
        };
        ParseError::new(Code::UnknownWord, self.span, message)
    }

    fn group(&mut self) -> Result<Parsed, ParseError> {
        let opening = self.enter()?;
        let mut inner = self.or()?;
        if let (Parsed::Term(_), false) = (&inner, matches!(self.token, Token::Close | Token::End)) {
            return Err(self.expected("a comparison such as == or IN"));
        }
        let closing = self.close(&Token::Close, opening, "AND, OR or a closing parenthesis")?;
        match &mut inner {
            Parsed::Formula(formula) => formula.span = opening.to(closing),
            Parsed::Term(term) => term.span = opening.to(closing),
        }
        Ok(inner)
    }
}

fn term(parsed: Parsed) -> Result<Term, ParseError> {
    match parsed {
        Parsed::Term(term) => Ok(term),
        Parsed::Formula(formula) => Err(not_a_value(formula.span)),
    }
}

/// None when `kind` is not a number.
fn negated(kind: &TermKind) -> Option<Number> {
    let TermKind::Literal(Value::Number(number)) = kind else {
        return None;
    };
    match number.as_i64() {
        Some(integer) => Some(Number::from(integer.checked_neg()?)),
        None => Number::from_f64(-number.as_f64()?),
    }
}
