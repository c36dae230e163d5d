//! Patterns of MATCHES. Devices read them with ICU, we with the `regex` crate; so only what means the same to both
//! is let through, and the little that is spelled differently is translated.

use regex::{Regex, RegexBuilder};

use crate::formula::Options;

/// How large a compiled pattern may get, in bytes.
const MAX_COMPILED: usize = 512 * 1024;
/// How large its cache may get while it runs, in bytes.
const MAX_CACHE: usize = 256 * 1024;
/// How often a repetition may repeat.
const MAX_REPEAT: u32 = 1000;
/// How many groups may be open at one place.
const MAX_GROUPS: usize = 32;

/// A pattern that whole strings are matched against. Equality is that of text and options.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    ignore_case: bool,
    /// Whether it asks for white space.
    spaces: bool,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (&self.text, self.ignore_case) == (&other.text, other.ignore_case)
    }
}

impl Pattern {
    /// # Errors
    /// With what makes it unreadable.
    pub(crate) fn new(text: &str, options: Options) -> Result<Pattern, String> {
        if options.diacritics {
            return Err(
                "MATCHES with [d] is not readable in one way: write the letters with their diacritics".into(),
            );
        }
        if options.case && !text.is_ascii() {
            return Err("MATCHES[c] with letters beyond ASCII is not readable in one way".into());
        }
        let mut translation = Translation::new(text, options.case);
        translation.translate()?;
        let regex = RegexBuilder::new(&translation.output)
            .case_insensitive(options.case)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_CACHE)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "this pattern grows too large: repeat less".to_owned(),
                _ => "this pattern is not readable as a regular expression".to_owned(),
            })?;
        Ok(Pattern {
            text: text.to_owned(),
            ignore_case: options.case,
            spaces: translation.spaces,
            regex,
        })
    }

    /// Whether the whole of `text` matches. None where ICU, which ignores case by other tables, could differ, or where
    /// it is not agreed what white space is.
    pub(crate) fn matches(&self, text: &str) -> Option<bool> {
        if self.ignore_case && !text.is_ascii() || self.spaces && text.contains(DISPUTED_SPACES) {
            return None;
        }
        Some(self.regex.is_match(text))
    }
}

/// A pattern on its way from ICU's syntax to that of `regex`.
struct Translation<'a> {
    rest: std::str::Chars<'a>,
    output: String,
    groups: usize,
    /// Whether a repetition may follow.
    repeatable: bool,
    /// Whether white space was asked for.
    spaces: bool,
    ignore_case: bool,
}

/// What ends a line for ICU, and so is not matched by a dot.
const LINE_ENDS: &str = r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}";
/// What ICU's manual leaves out of white space, and its code does not.
const DISPUTED_SPACES: [char; 2] = ['\u{B}', '\u{85}'];

impl<'a> Translation<'a> {
    fn new(text: &'a str, ignore_case: bool) -> Translation<'a> {
        // The whole string must match, so these two say nothing more.
        let text = text.strip_prefix('^').unwrap_or(text);
        let text = match text.strip_suffix('$') {
            Some(before) if (before.len() - before.trim_end_matches('\\').len()).is_multiple_of(2) => before,
            _ => text,
        };
        Translation {
            rest: text.chars(),
            output: String::with_capacity(2 * text.len()),
            groups: 0,
            repeatable: false,
            spaces: false,
            ignore_case,
        }
    }

    fn translate(&mut self) -> Result<(), String> {
        self.output.push_str(r"\A(?:");
        while let Some(c) = self.rest.next() {
            self.piece(c)?;
        }
        if self.groups > 0 {
            return Err("a group of this pattern is not closed".to_owned());
        }
        self.output.push_str(r")\z");
        Ok(())
    }

    fn piece(&mut self, c: char) -> Result<(), String> {
        let repeatable = match c {
            '(' => {
                self.open()?;
                false
            }
            ')' if self.groups == 0 => return Err("a parenthesis of this pattern closes none".to_owned()),
            ')' => {
                self.groups -= 1;
                self.output.push(')');
                true
            }
            '|' => {
                self.output.push('|');
                false
            }
            '*' | '+' | '?' | '{' => {
                self.repeat(c)?;
                false
            }
            '.' => {
                self.output.push_str(&format!("[^{LINE_ENDS}]"));
                true
            }
            '[' => {
                self.class()?;
                true
            }
            '\\' => {
                self.escape()?;
                true
            }
            '^' | '$' => {
                return Err(format!(
                    "{c} is only readable in one way at the pattern's beginning or end"
                ));
            }
            ']' | '}' => return Err(format!("{c} without an opening one is written \\{c}")),
            c if c.is_control() => {
                return Err("a control character in a pattern is not readable in one way".to_owned());
            }
            c => {
                self.literal(c);
                true
            }
        };
        self.repeatable = repeatable;
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        self.groups += 1;
        if self.groups > MAX_GROUPS {
            return Err(format!("more than {MAX_GROUPS} groups are open in this pattern"));
        }
        if self.rest.as_str().starts_with('?') {
            match self.rest.as_str().strip_prefix("?:") {
                Some(rest) => self.rest = rest.chars(),
                None => return Err("of groups that begin with (? only (?: is supported".to_owned()),
            }
        }
        self.output.push_str("(?:");
        Ok(())
    }

    fn repeat(&mut self, c: char) -> Result<(), String> {
        if !self.repeatable {
            return Err(format!(
                "{c} has nothing to repeat; to mean itself it is written \\{c}"
            ));
        }
        if c == '{' {
            let bounds = self.bounds().ok_or_else(|| {
                format!("expected a repetition such as {{2}}, {{2,}} or {{2,5}}, up to {MAX_REPEAT}; {{ itself is \\{{")
            })?;
            self.output.push_str(&bounds);
        } else {
            self.output.push(c);
        }
        let next = self.rest.as_str();
        if next.starts_with('+') {
            return Err("possessive repetitions are not supported".to_owned());
        }
        // Lazy or not, the same strings match.
        if let Some(rest) = next.strip_prefix('?') {
            self.rest = rest.chars();
        }
        Ok(())
    }

    /// `2}`, `2,}` or `2,5}`, after the brace.
    fn bounds(&mut self) -> Option<String> {
        let (inner, rest) = self.rest.as_str().split_once('}')?;
        let number = |digits: &str| {
            let plain = digits.len() <= 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
            digits
                .parse::<u32>()
                .ok()
                .filter(|number| plain && *number <= MAX_REPEAT)
        };
        let bounds = match inner.split_once(',') {
            None => format!("{{{}}}", number(inner)?),
            Some((least, "")) => format!("{{{},}}", number(least)?),
            Some((least, most)) => {
                let (least, most) = (number(least)?, number(most)?);
                (least <= most).then(|| format!("{{{least},{most}}}"))?
            }
        };
        self.rest = rest.chars();
        Some(bounds)
    }

    /// What follows a backslash; inside of brackets it means the same.
    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.rest.next() else {
            return Err("this pattern ends in a backslash, which a predicate spells \\\\".to_owned());
        };
        self.spaces |= matches!(c, 's' | 'S');
        match c {
            's' | 'S' | 'd' | 'D' | 'w' | 'W' | 't' | 'n' | 'r' => {
                self.output.push('\\');
                self.output.push(c);
            }
            c if c.is_ascii_punctuation() || c == ' ' => self.literal(c),
            c => {
                return Err(format!(
                    "\\{c} is not supported in patterns; supported are \\d \\w \\s, their opposites, \\t \\n \\r, \
                     and a backslash before a sign"
                ));
            }
        }
        Ok(())
    }

    fn literal(&mut self, c: char) {
        self.output.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }

    /// A set of characters, after its opening bracket.
    fn class(&mut self) -> Result<(), String> {
        const UNREADABLE: &str = "this set of characters is not readable in one way: in brackets, put a backslash before \
                                  whatever is no letter or digit";
        self.output.push('[');
        if let Some(rest) = self.rest.as_str().strip_prefix('^') {
            if self.ignore_case {
                return Err("what a set leaves out is not readable in one way with [c]".to_owned());
            }
            self.rest = rest.chars();
            self.output.push('^');
        }
        let mut members = 0;
        loop {
            let Some(c) = self.rest.next() else {
                return Err("a set of characters in this pattern lacks its closing ]".to_owned());
            };
            match c {
                ']' if members > 0 => break,
                '\\' => self.escape()?,
                c if is_plain(c) => {
                    self.literal(c);
                    self.range(c)?;
                }
                '-' if members == 0 || self.rest.as_str().starts_with(']') => self.output.push_str(r"\-"),
                _ => return Err(UNREADABLE.to_owned()),
            }
            members += 1;
        }
        self.output.push(']');
        Ok(())
    }

    /// The rest of a range that begins with `first`, if it is one: both ends letters or digits of one sort.
    fn range(&mut self, first: char) -> Result<(), String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || ahead.as_str().starts_with(']') {
            return Ok(());
        }
        let last = ahead.next().unwrap_or_default();
        let alike = [
            char::is_ascii_digit,
            char::is_ascii_lowercase,
            char::is_ascii_uppercase,
        ]
        .iter()
        .any(|sort| sort(&first) && sort(&last));
        if !alike || first > last {
            return Err(
                "a range in brackets goes from one letter or digit to another of its sort, as in a-z"
                    .to_owned(),
            );
        }
        self.output.push('-');
        self.output.push(last);
        self.rest = ahead;
        Ok(())
    }
}

/// What stands for itself in brackets, to any reader.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '_' | '.' | ',' | ';' | '/' | '@' | '!' | '%' | '=' | '\'' | '"'
        )
}
