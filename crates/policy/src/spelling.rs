//! Where a part of a string stands in its file, by how the file spells the string.

use crate::compile::Compiler;
use crate::problem::Place;

/// A string, and what its file has from where it begins to the end of that line.
#[derive(Clone, Copy)]
pub(crate) struct Spelling<'a> {
    place: Place,
    text: &'a str,
    line: &'a str,
}

impl Compiler<'_> {
    /// How the file spells `text`, which begins at `place`.
    pub(crate) fn spelling<'a>(&'a self, place: Place, text: &'a str) -> Spelling<'a> {
        let line = || {
            let file = std::str::from_utf8(self.files.get(self.problems.path(place))?).ok()?;
            let file = file.strip_prefix('\u{feff}').unwrap_or(file);
            let line = file.lines().nth(before(place.line))?;
            let (start, _) = line.char_indices().nth(before(place.column))?;
            line.get(start..)
        };
        Spelling {
            place,
            text,
            line: line().unwrap_or_default(),
        }
    }
}

impl Spelling<'_> {
    /// Where the part stands that begins `octet` octets into the text: none unless all before it is on that line, as it is
    /// or with a backslash before quotes and backslashes, or with single quotes doubled between single quotes.
    pub(crate) fn place_of(self, octet: usize) -> Option<Place> {
        let mut place = self.place;
        let mut spelt = self.line.chars().peekable();
        let quote = spelt.next_if(|c| matches!(c, '"' | '\''));
        place.column = place.column.saturating_add(u32::from(quote.is_some()));
        for c in self.text.get(..octet)?.chars() {
            let escape = match (quote, c) {
                (Some('"'), _) => spelt.next_if_eq(&'\\').filter(|_| matches!(c, '"' | '\\')),
                (Some('\''), '\'') => spelt.next_if_eq(&'\''),
                _ => None,
            };
            spelt.next_if_eq(&c)?;
            place.column = place.column.saturating_add(1 + u32::from(escape.is_some()));
        }
        Some(place)
    }
}

/// How many come before what is counted from one.
fn before(count: u32) -> usize {
    usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The column of the octet in a file that spells the text so from its first column on.
    fn column(line: &str, text: &str, octet: usize) -> Option<u32> {
        let place = Place::start_of(0);
        Spelling { place, text, line }
            .place_of(octet)
            .map(|place| place.column)
    }

    #[test]
    fn columns_are_those_of_the_file() {
        assert_eq!(column("1 == 2", "1 == 2", 5), Some(6));
        assert_eq!(column("\"1 == 2\",", "1 == 2", 5), Some(7));
        assert_eq!(
            column("\"'é' == \\\"b\\\" AND c\"", "'é' == \"b\" AND c", 16),
            Some(19)
        );
        assert_eq!(column("'''a'' == b'", "'a' == b", 7), Some(11));
        assert_eq!(column("'1 == 2' # x", "1 == 2", 6), Some(8));
    }

    #[test]
    fn what_is_spelt_otherwise_has_no_column() {
        assert_eq!(column("\"\\u0031 == 2\"", "1 == 2", 5), None);
        assert_eq!(column("\"a\\nb\"", "a\nb", 2), None);
        assert_eq!(column(">-", "1 == 2", 5), None);
        assert_eq!(column("1 ==", "1 == 2", 5), None, "the rest is on the next line");
        assert_eq!(column("1 ==", "1 == 2", 2), Some(3));
        assert_eq!(column("", "é", 1), None);
    }
}
