//! Places in a text.

use std::ops::Range;

/// The bytes of a part of a text, which [`MAX_LENGTH`](crate::MAX_LENGTH) keeps short.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// From the beginning of this one to the end of `last`.
    pub(crate) fn to(self, last: Span) -> Span {
        Span {
            start: self.start,
            end: last.end,
        }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Span> for Range<usize> {
    fn from(Span { start, end }: Span) -> Range<usize> {
        start..end
    }
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Span {
        Span { start, end }
    }
}
