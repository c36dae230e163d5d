//! What a parser says of a text that it refuses.

use std::ops::Range;

use crate::code::Code;

/// Why a text is not a predicate that Ordain takes, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What kind of mistake it is.
    pub code: Code,
    /// The offending bytes of the text, on character boundaries; empty at its end.
    pub span: Range<usize>,
    /// What was expected, or what to write instead.
    pub message: String,
}

impl ParseError {
    pub(crate) fn new(code: Code, span: impl Into<Range<usize>>, message: impl Into<String>) -> ParseError {
        ParseError {
            code,
            span: span.into(),
            message: message.into(),
        }
    }

    /// The line of `text` (the text that was parsed) with carets below the span, and the message below them.
    ///
    /// A long line is cut to the span's surroundings, and control characters show as blanks.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        format!("{}\n{}", point(text, &self.span), self.message)
    }
}

/// The line of `text` that `span` begins in, and carets below it.
pub(crate) fn point(text: &str, span: &Range<usize>) -> String {
    const CONTEXT: usize = 60;
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let (before, rest) = text.split_at_checked(span.start).unwrap_or((text, ""));
    let before = before.rsplit('\n').next().unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default();

    let hidden = before.chars().count().saturating_sub(CONTEXT);
    let mut line = String::new();
    if hidden > 0 {
        line.push('…');
    }
    line.extend(before.chars().skip(hidden).map(printable));
    let padding = line.chars().count();
    line.extend(rest.chars().take(CONTEXT).map(printable));
    if rest.chars().nth(CONTEXT).is_some() {
        line.push('…');
    }

    let marked = rest
        .char_indices()
        .take(CONTEXT)
        .take_while(|(at, _)| *at < span.len())
        .count()
        .max(1);
    format!("{line}\n{:padding$}{}", "", "^".repeat(marked))
}

/// `text` as a message quotes it: in backquotes, and shortened.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let shown = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>();
    let more = if text.chars().nth(SHOWN).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

#[cfg(test)]
mod tests {
    use crate::{Dialect, parse};

    fn rendered(text: &str) -> String {
        parse(text, Dialect::Device).unwrap_err().render(text)
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let shown = rendered("@status(é) == 1");
        assert!(shown.starts_with("@status(é) == 1\n        ^\n"), "{shown}");
        let shown = rendered("1 == 1\nAND\t2 == %@\nOR 3 == 3");
        assert!(shown.starts_with("AND 2 == %@\n         ^^\n"), "{shown}");
        let shown = rendered("1 ==");
        assert!(shown.starts_with("1 ==\n    ^\n"), "{shown}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}%@{}", "1 == 1 OR ".repeat(20), " OR 1 == 1".repeat(20));
        let shown = rendered(&text);
        let lines = shown.lines().collect::<Vec<_>>();
        assert_eq!(lines[0].chars().count(), 122);
        assert!(lines[0].starts_with('…') && lines[0].ends_with('…'));
        assert_eq!(lines[0].chars().nth(lines[1].find('^').unwrap()), Some('%'));
    }

    #[test]
    fn rendering_with_a_foreign_text_does_not_panic() {
        let error = parse("1 == 1 AND %@", Dialect::Device).unwrap_err();
        assert!(error.render("").contains('^'));
        assert!(error.render("ééééééééééé").contains('^'));
    }
}
