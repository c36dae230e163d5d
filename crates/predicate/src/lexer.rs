//! The words of the predicate language. What no supported predicate can contain is refused here.

use std::ops::Range;

use serde_json::{Number, Value};

use crate::error::{ParseError, quoted};
use crate::formula::{Operator, Term};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Term(Term),
    Comparison(Operator),
    Constant(bool),
    And,
    Or,
    Not,
    Minus,
    Open,
    Close,
    End,
}

#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
}

/// The message for a part of the language that the parser does not know yet.
pub(crate) fn unsupported(what: &str) -> String {
    format!("{what}: Ordain does not support this yet")
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

/// The argument of `@status` or `@property`: segments joined by dots, each as an identifier with hyphens
/// inside.
fn is_name(name: &str) -> bool {
    name.split('.').all(|segment| {
        segment.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !segment.ends_with('-')
    })
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, rest: text }
    }

    /// The next token and its place. After the last one comes [`Token::End`], any number of times.
    pub(crate) fn next(&mut self) -> Result<(Token, Range<usize>), ParseError> {
        self.take_while(is_blank);
        let start = self.position();
        let token = self.token(start)?;
        Ok((token, start..self.position()))
    }

    fn token(&mut self, start: usize) -> Result<Token, ParseError> {
        match self.rest.chars().next() {
            Some(c) if c.is_ascii_digit() => return self.number(start),
            Some(c) if is_word(c) => return self.word(start),
            _ => {}
        }
        Ok(match self.take() {
            None => Token::End,
            Some('(') => Token::Open,
            Some(')') => Token::Close,
            Some('-') => Token::Minus,
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
            Some(quote @ ('\'' | '"')) => self.string(quote, start)?,
            Some('@') => self.at_word(start)?,
            Some(c) => return Err(self.stray(c, start)),
        })
    }

    /// A whole run of letters, digits and dots, so that `17.4.1` is one mistake and not several tokens.
    fn number(&mut self, start: usize) -> Result<Token, ParseError> {
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
        match number {
            Some(number) => Ok(Token::Term(Term::Literal(Value::Number(number)))),
            None => Err(self.refuse(
                start,
                format!(
                    "{} is not a number of 64 bits; versions and other strings need quotes",
                    quoted(text)
                ),
            )),
        }
    }

    fn word(&mut self, start: usize) -> Result<Token, ParseError> {
        let word = self.take_while(is_word);
        let message = match word.to_ascii_uppercase().as_str() {
            "AND" => return Ok(Token::And),
            "OR" => return Ok(Token::Or),
            "NOT" => return Ok(Token::Not),
            "TRUEPREDICATE" => return Ok(Token::Constant(true)),
            "FALSEPREDICATE" => return Ok(Token::Constant(false)),
            "TRUE" | "YES" => return Ok(Token::Term(Term::Literal(Value::Bool(true)))),
            "FALSE" | "NO" => return Ok(Token::Term(Term::Literal(Value::Bool(false)))),
            "NULL" | "NIL" => return Ok(Token::Term(Term::Literal(Value::Null))),
            operator @ ("IN" | "CONTAINS" | "BEGINSWITH" | "ENDSWITH" | "LIKE" | "MATCHES" | "BETWEEN") => {
                unsupported(&format!("the operator {operator}"))
            }
            quantifier @ ("ANY" | "SOME" | "ALL" | "NONE") => {
                unsupported(&format!("the quantifier {quantifier}"))
            }
            "SUBQUERY" => unsupported("SUBQUERY(…)"),
            "FUNCTION" => "FUNCTION(…) calls arbitrary code and is never allowed in an activation".to_owned(),
            _ if self.rest.trim_start_matches(is_blank).starts_with('(') => {
                unsupported(&format!("the function {}", quoted(word)))
            }
            _ => {
                let more = self.take_while(is_path);
                format!(
                    "{} stands for nothing: write @status(…) for a status item, @property(…) for a management \
                     property, and quotes around a string; Ordain does not support other key paths yet",
                    quoted(&format!("{word}{more}"))
                )
            }
        };
        Err(self.refuse(start, message))
    }

    fn string(&mut self, quote: char, start: usize) -> Result<Token, ParseError> {
        let mut value = String::new();
        loop {
            let at = self.position();
            match self.take() {
                Some(c) if c == quote => return Ok(Token::Term(Term::Literal(Value::String(value)))),
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

    fn at_word(&mut self, start: usize) -> Result<Token, ParseError> {
        let message = match self.take_while(is_word) {
            "status" => {
                return Ok(Token::Term(Term::Status(
                    self.name("@status(device.model.family)", start)?,
                )));
            }
            "property" => return Ok(Token::Term(Term::Property(self.name("@property(age)", start)?))),
            "key" => unsupported("@key(…), which belongs to SUBQUERY"),
            word => {
                let lower = word.to_ascii_lowercase();
                if matches!(lower.as_str(), "status" | "property" | "key") {
                    format!("write @{lower} in lower case")
                } else {
                    format!(
                        "{} is unknown, and can make real devices unmanageable: write @status(…) for a status item \
                         or @property(…) for a management property",
                        quoted(&format!("@{word}"))
                    )
                }
            }
        };
        Err(self.refuse(start, message))
    }

    /// The argument in parentheses, which is written bare; the term itself is at `start`.
    fn name(&mut self, example: &str, start: usize) -> Result<String, ParseError> {
        let end = self.clone();
        self.take_while(is_blank);
        if !self.eat('(') {
            return Err(end.refuse(
                start,
                format!("a name in parentheses is missing, as in {example}"),
            ));
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
        Ok(name.to_owned())
    }

    /// The error for a character that starts no token.
    fn stray(&mut self, c: char, start: usize) -> ParseError {
        let message = match c {
            '{' | '}' => unsupported("lists in braces"),
            '[' | ']' => unsupported("options such as [c], and indexes"),
            '+' | '*' | '/' => unsupported("arithmetic"),
            '$' => unsupported("variables, which belong to SUBQUERY"),
            '#' => unsupported("identifiers with #"),
            '.' => unsupported("key paths and collection operators after a dot"),
            ',' => unsupported("functions and lists"),
            ':' => "assignment is not allowed in an activation".to_owned(),
            '%' => {
                self.take();
                "format arguments are not allowed in an activation, where nothing fills them in: write the value"
                    .to_owned()
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

    /// An error at what was read since `start`.
    fn refuse(&self, start: usize, message: impl Into<String>) -> ParseError {
        ParseError {
            span: start..self.position(),
            message: message.into(),
        }
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
