//! Lines and their words.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::iter::{Peekable, Zip};
use std::ops::RangeFrom;
use std::str::{FromStr, Lines as TextLines};

use serde::de::DeserializeOwned;

use super::InvalidFacts;

/// How far each level is indented.
const INDENTATION: &str = "  ";

pub(super) struct Lines<'a> {
    lines: Peekable<Zip<RangeFrom<usize>, TextLines<'a>>>,
}

/// A line, as far as it is not read yet.
pub(super) struct Line<'a> {
    number: usize,
    rest: &'a str,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            lines: (1..).zip(text.lines()).peekable(),
        }
    }

    pub(super) fn expect(&mut self, expected: &str, problem: &'static str) -> Result<(), InvalidFacts> {
        match self.lines.next() {
            Some((_, line)) if line == expected => Ok(()),
            Some((line, _)) => Err(InvalidFacts { line, problem }),
            None => Err(InvalidFacts { line: 1, problem }),
        }
    }

    /// The next line, if it stands at this level.
    pub(super) fn next_at(&mut self, level: usize) -> Option<Line<'a>> {
        let &(number, line) = self.lines.peek()?;
        let rest = line.trim_start_matches(' ');
        if line.len() - rest.len() != level * INDENTATION.len() {
            return None;
        }
        self.lines.next();
        Some(Line { number, rest })
    }

    /// The next line, if it stands at this level and begins with `word`, which is taken off.
    pub(super) fn next_with(&mut self, level: usize, word: &str) -> Option<Line<'a>> {
        let (_, line) = self.lines.peek()?;
        if line.trim_start_matches(' ').split(' ').next() != Some(word) {
            return None;
        }
        let mut line = self.next_at(level)?;
        line.keyword();
        Some(line)
    }

    /// The next line, if it says more of the record, and its level.
    pub(super) fn next_within(&mut self) -> Option<(usize, Line<'a>)> {
        let (_, line) = self.lines.peek()?;
        let level = (line.len() - line.trim_start_matches(' ').len()) / INDENTATION.len();
        (level > 0).then_some(())?;
        Some((level, self.next_at(level)?))
    }

    /// What no one took.
    pub(super) fn rest(&mut self) -> Option<Line<'a>> {
        self.lines.next().map(|(number, rest)| Line { number, rest })
    }
}

impl<'a> Line<'a> {
    pub(super) fn invalid(&self, problem: &'static str) -> InvalidFacts {
        InvalidFacts {
            line: self.number,
            problem,
        }
    }

    /// What is not read yet.
    pub(super) fn unread(&self) -> &'a str {
        self.rest
    }

    /// The next of the words that say what follows.
    pub(super) fn keyword(&mut self) -> Option<&'a str> {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The value of the next word.
    pub(super) fn value<T: FromStr>(&mut self, problem: &'static str) -> Result<T, InvalidFacts> {
        let value = self.keyword().and_then(|word| word.parse().ok());
        value.ok_or(self.invalid(problem))
    }

    /// A word of the schema.
    pub(super) fn word(&mut self) -> Result<Cow<'a, str>, InvalidFacts> {
        let word = self.part()?;
        self.end_of_word()?;
        Ok(word)
    }

    /// A word of the schema, if the line goes on.
    pub(super) fn optional_word(&mut self) -> Result<Option<Cow<'a, str>>, InvalidFacts> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.word().map(Some)
    }

    /// Words of the schema with commas between them.
    pub(super) fn list<C: FromIterator<String>>(&mut self) -> Result<C, InvalidFacts> {
        let mut words = vec![self.part()?.into_owned()];
        while let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            words.push(self.part()?.into_owned());
        }
        self.end_of_word()?;
        Ok(words.into_iter().collect())
    }

    /// A value in JSON, which is not as deep as JSON readers go.
    pub(super) fn json<T: DeserializeOwned>(&mut self, problem: &'static str) -> Result<T, InvalidFacts> {
        let value = self.json_part(problem)?;
        self.end_of_word()?;
        Ok(value)
    }

    fn part(&mut self) -> Result<Cow<'a, str>, InvalidFacts> {
        const PROBLEM: &str = "a word is missing, or is no JSON string";

        if self.rest.starts_with('"') {
            return self.json_part(PROBLEM).map(Cow::Owned);
        }
        let end = self.rest.find([' ', ',']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(self.invalid(PROBLEM));
        }
        self.rest = rest;
        Ok(Cow::Borrowed(word))
    }

    fn json_part<T: DeserializeOwned>(&mut self, problem: &'static str) -> Result<T, InvalidFacts> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter();
        let value = values.next().and_then(Result::ok).ok_or(self.invalid(problem))?;
        self.rest = self.rest.get(values.byte_offset()..).unwrap_or_default();
        Ok(value)
    }

    fn end_of_word(&mut self) -> Result<(), InvalidFacts> {
        self.rest = match self.rest.strip_prefix(' ') {
            Some(rest) => rest,
            None if self.rest.is_empty() => "",
            None => return Err(self.invalid("a word goes on after its end")),
        };
        Ok(())
    }
}

/// A word of the schema as it is written.
pub(super) struct Word<'a>(pub(super) &'a str);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',');
        if !self.0.is_empty() && self.0.bytes().all(is_plain) {
            f.write_str(self.0)
        } else {
            Display::fmt(&serde_json::Value::from(self.0), f)
        }
    }
}

/// The beginning of a line at this level.
pub(super) struct Indented(pub(super) usize);

impl Display for Indented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.0).try_for_each(|_| f.write_str(INDENTATION))
    }
}

/// Items with commas between them; there is one at least.
pub(super) struct Joined<I>(pub(super) I);

impl<I: Clone + Iterator<Item: Display>> Display for Joined<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.clone().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}
