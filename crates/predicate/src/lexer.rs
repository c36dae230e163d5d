//! Text becomes tokens. What no predicate can contain is refused here.

use std::ops::Range;

use serde_json::Number;

use crate::code::Code;
use crate::error::{ParseError, quoted};
use crate::fact::Source;
use crate::formula::Operator;
use crate::span::Span;
use crate::token::Token;

#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_path(c: char) -> bool {
    is_word(c) || c == '.' || c == '-'
}

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

/// The argument of `@status` and its like: segments joined by dots, each as an identifier with hyphens inside.
fn is_name(name: &str) -> bool {
    name.split('.')
        .all(|segment| segment.starts_with(begins_word) && !segment.ends_with('-'))
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, rest: text }
    }

    /// The next token and its place. After the last one comes [`Token::End`], any number of times.
    pub(crate) fn next(&mut self) -> Result<(Token<'a>, Span), ParseError> {
        self.take_while(is_blank);
        let start = self.position();
        let token = self.token(start)?;
        Ok((token, (start..self.position()).into()))
    }

    fn token(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        match self.rest.chars().next() {
            Some(c) if c.is_ascii_digit() => return self.number(start),
            Some(c) if begins_word(c) => return self.word(start),
            _ => {}
        }
        Ok(match self.take() {
            None => Token::End,
            Some('(') => Token::Open,
            Some(')') => Token::Close,
            Some('{') => Token::OpenBrace,
            Some('}') => Token::CloseBrace,
            Some('[') => Token::OpenBracket,
            Some(']') => Token::CloseBracket,
            Some(',') => Token::Comma,
            Some('.') => Token::Dot,
            Some('+') => Token::Plus,
            Some('-') => Token::Minus,
            Some('*') if self.eat('*') => Token::Power,
            Some('*') => Token::Times,
            Some('/') => Token::Divide,
            Some('=') if self.eat('<') => Token::Comparison(Operator::LessOrEqual),
            Some('=') if self.eat('>') => Token::Comparison(Operator::GreaterOrEqual),
            Some('=') => {
                self.eat('=');
                Token::Comparison(Operator::Equal)
            }
            Some('!') if self.eat('=') => Token::Comparison(Operator::NotEqual),
            Some('!') => Token::Not,
            Some('<') if self.eat('=') => Token::Comparison(Operator::LessOrEqual),
            Some('<') if self.eat('>') => Token::Comparison(Operator::NotEqual),
            Some('<') => Token::Comparison(Operator::Less),
            Some('>') if self.eat('=') => Token::Comparison(Operator::GreaterOrEqual),
            Some('>') => Token::Comparison(Operator::Greater),
            Some('&') if self.eat('&') => Token::And,
            Some('|') if self.eat('|') => Token::Or,
            Some(quote @ ('\'' | '"')) => Token::Text(self.string(quote, start)?),
            Some('@') => self.at_word(start)?,
            Some('$') => self.variable(start)?,
            Some('#') if self.rest.starts_with(begins_word) => {
                let name = self.take_while(is_word);
                self.name(name, start)?
            }
            Some(c) => return Err(self.stray(c, start)),
        })
    }

    /// A whole run of letters, digits and dots, so that `17.4.1` is one mistake and not several tokens.
    fn number(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        let from = self.rest;
        let run = self.take_while(|c| is_word(c) || c == '.');
        let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
            .into_iter()
            .find_map(|(prefix, radix)| Some((run.strip_prefix(prefix)?, radix)));
        if radix.is_none() && run.ends_with(['e', 'E']) && (self.eat('+') || self.eat('-')) {
            self.take_while(is_word);
        }
        let text = from.strip_suffix(self.rest).unwrap_or(from);
        let number = if let Some((digits, radix)) = radix {
            i64::from_str_radix(digits, radix).ok().map(Number::from)
        } else if text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse::<i64>().ok().map(Number::from)
        } else if text
            .split_once('.')
            .is_some_and(|(_, fraction)| !fraction.starts_with(|c: char| c.is_ascii_digit()))
        {
            None
        } else {
            text.parse::<f64>().ok().and_then(Number::from_f64)
        };
        number.map(Token::Number).ok_or_else(|| {
            self.refuse(
                start,
                format!(
                    "{} is not a number of 64 bits; versions and other strings need quotes",
                    quoted(text)
                ),
            )
        })
    }

    fn word(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        let word = self.take_while(is_word);
        match Token::reserved(word) {
            Some(token) => Ok(token),
            None => self.name(word, start),
        }
    }

    /// A name that was read. One that a hyphen continues is no subtraction, but a path that lacks its term.
    fn name(&mut self, name: &'a str, start: usize) -> Result<Token<'a>, ParseError> {
        if self
            .rest
            .strip_prefix('-')
            .is_some_and(|more| more.starts_with(begins_word))
        {
            self.take_while(is_path);
            let start = self.path_start(start);
            let path = self.text.get(start..self.position()).unwrap_or(name);
            let message = format!(
                "{} has hyphens, so it must stand inside of a term: @status(…), @property(…) or @key(…)",
                quoted(path)
            );
            return Err(self.refuse(start, message));
        }
        let called = self.rest.trim_start_matches(is_blank).starts_with('(');
        Ok(Token::Name(name, called))
    }

    /// Where the path begins whose last name is at `start`: there, unless only names come before.
    fn path_start(&self, start: usize) -> usize {
        let before = self.text.get(..start).unwrap_or_default();
        let rest = before.trim_end_matches(is_path);
        let names = before.get(rest.len()..).unwrap_or_default();
        match rest.ends_with(['$', ')', ']', '#']) || !names.starts_with(begins_word) {
            true => start,
            false => rest.len(),
        }
    }

    fn variable(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        let name = self.take_while(is_word);
        if !name.starts_with(begins_word) {
            return Err(self.refuse(start, "expected a variable's name after the $, as in $app"));
        }
        if Token::reserved(name).is_some() {
            let message = format!(
                "{} is a reserved word: give the variable another name",
                quoted(name)
            );
            return Err(self.refuse(start, message));
        }
        Ok(Token::Variable(name))
    }

    fn string(&mut self, quote: char, start: usize) -> Result<String, ParseError> {
        let mut value = String::new();
        loop {
            let at = self.position();
            match self.take() {
                Some(c) if c == quote => return Ok(value),
                Some('\\') => value.push(self.escape(at)?),
                Some(c) if c.is_control() => {
                    let message = format!(
                        "a control character in a string must be written as \\u{:04X}",
                        u32::from(c)
                    );
                    return Err(self.refuse(at, message));
                }
                Some(c) => value.push(c),
                None => return Err(self.refuse(start, format!("this string lacks its closing {quote}"))),
            }
        }
    }

    /// What follows a backslash at `start`.
    fn escape(&mut self, start: usize) -> Result<char, ParseError> {
        match self.take() {
            Some(c @ ('\'' | '"' | '\\')) => Ok(c),
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('u') => {
                let mut code = 0;
                for _ in 0..4 {
                    let digit = self.rest.chars().next().and_then(|c| c.to_digit(16));
                    let digit =
                        digit.ok_or_else(|| self.refuse(start, "\\u needs four hexadecimal digits"))?;
                    self.take();
                    code = code * 16 + digit;
                }
                char::from_u32(code).filter(|c| *c != '\0').ok_or_else(|| {
                    self.refuse(
                        start,
                        "this is not a character; one beyond \\uFFFF is written as itself",
                    )
                })
            }
            _ => Err(self.refuse(
                start,
                r#"unknown escape; write \\, \', \", \n, \t or \u and four digits"#,
            )),
        }
    }

    fn at_word(&mut self, start: usize) -> Result<Token<'a>, ParseError> {
        let word = self.take_while(is_word);
        let (source, example) = match word {
            "status" => (Some(Source::Status), "@status(device.model.family)"),
            "property" => (Some(Source::Property), "@property(age)"),
            "device" => (Some(Source::Device), "@device(os.version)"),
            "tag" => (Some(Source::Tag), "@tag(kiosk)"),
            "key" => (None, "$app.@key(identifier)"),
            _ => return Ok(Token::At(word)),
        };
        let name = self.argument(example, start)?;
        Ok(source.map_or(Token::Key(name), |source| Token::Fact(source, name)))
    }

    /// The argument in parentheses, which is written bare; the term itself is at `start`.
    fn argument(&mut self, example: &str, start: usize) -> Result<&'a str, ParseError> {
        let end = self.clone();
        self.take_while(is_blank);
        if !self.eat('(') {
            let message = format!("a name in parentheses is missing, as in {example}");
            return Err(end.refuse(start, message));
        }
        self.take_while(is_blank);
        let at = self.position();
        let name = self.take_while(is_path);
        if !name.is_empty() && !is_name(name) {
            let message = format!(
                "{} is not a name: its parts, joined by dots, start with a letter or _ and do not end with -",
                quoted(name)
            );
            return Err(self.refuse(at, message));
        }
        self.take_while(is_blank);
        if name.is_empty() || !self.eat(')') {
            let at = self.position();
            self.take();
            return Err(self.refuse(
                at,
                format!("expected a bare name and a closing parenthesis, as in {example}"),
            ));
        }
        Ok(name)
    }

    /// The error for a character that starts no token.
    fn stray(&mut self, c: char, start: usize) -> ParseError {
        let message = match c {
            '#' => "expected a name after the #, which escapes a reserved word".to_owned(),
            ':' => {
                return self.forbid(start, "assignment is not allowed where a device evaluates");
            }
            '%' => {
                self.take();
                return self.forbid(
                    start,
                    "format arguments are not allowed, since nothing fills them in: write the value",
                );
            }
            '&' => "write && or AND".to_owned(),
            '|' => "write || or OR".to_owned(),
            '‘' | '’' | '‚' | '‛' | '“' | '”' | '„' | '‟' | '‹' | '›' | '«' | '»' | '`' | '´' => {
                "this is a typographic quote: write the straight ' or \" around strings".to_owned()
            }
            c if c.is_whitespace() => format!("U+{:04X} is not a plain blank: write a space", u32::from(c)),
            c => format!(
                "the character U+{:04X} has no meaning outside of a string",
                u32::from(c)
            ),
        };
        self.refuse(start, message)
    }

    fn forbid(&self, start: usize, message: &str) -> ParseError {
        ParseError::new(Code::Forbidden, self.since(start), message)
    }

    /// An error at what was read since `start`.
    fn refuse(&self, start: usize, message: impl Into<String>) -> ParseError {
        ParseError::new(Code::Syntax, self.since(start), message)
    }

    fn since(&self, start: usize) -> Range<usize> {
        start..self.position()
    }

    fn position(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_while(&mut self, wanted: fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}
