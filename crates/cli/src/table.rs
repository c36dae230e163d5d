//! Tables for people: plain columns that a terminal of 100 columns can hold.

use std::fmt;

use tabled::builder::Builder;
use tabled::settings::{Padding, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Of a terminal.
pub(crate) const COLUMNS: usize = 100;
/// The same for whatever is not known.
pub(crate) const NOTHING: &str = "-";

/// Columns side by side, as wide as their widest cell, with two spaces between.
pub(crate) struct Table {
    rows: Builder,
}

impl Table {
    /// A table whose columns have names.
    pub(crate) fn new<const N: usize>(names: [&str; N]) -> Self {
        let mut table = Self::bare();
        table.row(names.map(str::to_uppercase));
        table
    }

    /// A table without names.
    pub(crate) fn bare() -> Self {
        Self { rows: Builder::new() }
    }

    /// Puts a row below the others.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push_record(cells.map(|cell| clean(&cell)));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = self.rows.clone().build();
        table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        out.write_str(&lines.join("\n"))
    }
}

/// A text on one line without what could steer a terminal or turn its words round: devices choose their names.
pub(crate) fn clean(text: &str) -> String {
    let steers = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let shown = |letter: char| match letter {
        '\n' | '\t' => ' ',
        letter if steers(letter) => '\u{fffd}',
        letter => letter,
    };
    text.chars().map(shown).collect()
}

/// A text of at most `width` columns, which must be more than one: what is too much at its end is left out.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        text
    } else {
        format!("{}…", fitting(text.chars(), width - 1).trim_end())
    }
}

/// The same, but its middle is left out: the ends of an identifier say the most.
pub(crate) fn abridged(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text;
    }
    let tail: String = fitting(text.chars().rev(), (width - 1) / 2)
        .chars()
        .rev()
        .collect();
    format!("{}…{tail}", fitting(text.chars(), width - 1 - tail.width()))
}

/// A text in lines of at most [`COLUMNS`] where it has blanks, those after the first one with an indent.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let width = word.trim_end().width();
        if used + width > COLUMNS && used > indent {
            lines.truncate(lines.trim_end().len());
            lines += &format!("\n{:indent$}", "");
            used = indent;
        }
        lines += word;
        used += word.width();
    }
    lines
}

/// As many letters as `width` columns hold.
fn fitting(letters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += letter.width().unwrap_or(0);
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_also_for_wide_letters() {
        let mut table = Table::new(["name", "state"]);
        table.row(["京都のMac".to_owned(), "pending".to_owned()]);
        table.row(["a".to_owned(), "converged".to_owned()]);
        insta::assert_snapshot!(table.to_string(), @r#"
        NAME       STATE
        京都のMac  pending
        a          converged
        "#);
    }

    #[test]
    fn long_lines_are_broken_at_blanks() {
        let text = wrapped(&format!("  {} {}", "word ".repeat(30), "x".repeat(120)), 4);
        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert_eq!(widths, [96, 58, 124]);
        assert!(
            text.lines().skip(1).all(|line| line.starts_with("    ")),
            "{text}"
        );
        assert_eq!(wrapped("short", 4), "short");
    }

    #[test]
    fn what_steers_terminals_is_replaced() {
        assert_eq!(
            clean("a\u{1b}[2Jb\nc\u{202e}d\u{9b}e"),
            "a\u{fffd}[2Jb c\u{fffd}d\u{fffd}e"
        );
        let mut table = Table::bare();
        table.row(["two\nlines".to_owned(), "x".to_owned()]);
        assert_eq!(table.to_string(), "two lines  x");
    }

    #[test]
    fn long_texts_lose_their_end_or_their_middle() {
        assert_eq!(shortened("0123456789", 10), "0123456789");
        assert_eq!(shortened("0123456789a", 10), "012345678…");
        assert_eq!(abridged("com.example.passcode", 11), "com.e…scode");
        assert_eq!(abridged("com.example.passcode", 20), "com.example.passcode");
        // A letter of two columns is not cut in two.
        assert_eq!(shortened("京都京都", 6), "京都…");
        assert!(abridged("京都京都京都", 6).width() <= 6);
    }
}
