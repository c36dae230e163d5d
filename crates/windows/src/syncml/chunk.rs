//! Large objects: data that is too long for one message goes in several (`MoreData`; OMA DM Protocol, section 7).

#[cfg(test)]
mod tests;

use quick_xml::escape::partial_escape;

use super::alert::AlertCode;
use super::status::StatusCode;
use super::{Format, Item, Meta};

/// Cuts the data of `item` into items that each have at most `max` octets of data when written; the first one tells
/// the whole size, all but the last have `MoreData`. An item that fits is left as it is. `max` is at least 5, the
/// longest that one character can be written.
pub fn split(item: Item, max: usize) -> Vec<Item> {
    let max = max.max(5);
    let data = item.data.as_deref().unwrap_or_default();
    let mut pieces = Vec::new();
    let (mut start, mut written) = (0, 0);
    for (at, c) in data.char_indices() {
        let length = partial_escape(&*c.encode_utf8(&mut [0; 4])).len();
        if written + length > max {
            pieces.push(data.get(start..at).unwrap_or_default().to_owned());
            (start, written) = (at, 0);
        }
        written += length;
    }
    if pieces.is_empty() {
        return vec![item];
    }
    let rest = data.get(start..).unwrap_or_default().to_owned();
    let part = |piece: String, size, more_data| Item {
        meta: Meta {
            size,
            ..item.meta.clone()
        },
        data: Some(piece),
        markup: false,
        more_data,
        target: item.target.clone(),
        source: item.source.clone(),
    };
    let mut size = Some(data.len() as u64);
    let mut parts: Vec<_> = pieces
        .into_iter()
        .map(|piece| part(piece, size.take(), true))
        .collect();
    parts.push(part(rest, None, false));
    parts
}

/// Data that has come in part.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembly {
    /// The item with what has come so far. `Meta` has the whole size.
    item: Item,
    size: u64,
    max: usize,
}

/// What there is after a part.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// More is to come: answer [`StatusCode::CHUNK_ACCEPTED`] and alert [`AlertCode::NEXT_MESSAGE`], without `Final`.
    More(Assembly),
    /// The whole item.
    Whole(Item),
}

/// Why data does not come together. What has come of it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The first part does not tell the whole size.
    #[error("no size")]
    NoSize,
    /// The whole is, or would be, larger than allowed.
    #[error("too large")]
    TooLarge,
    /// The whole is not of the size that the first part told.
    #[error("not of the size announced")]
    SizeMismatch,
    /// Another item came where the next part should have come.
    #[error("no end of data")]
    NoEndOfData,
}

impl ChunkError {
    /// The status for the part.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoSize => StatusCode::INCOMPLETE,
            Self::TooLarge => StatusCode::TOO_LARGE,
            Self::SizeMismatch => StatusCode::SIZE_MISMATCH,
            Self::NoEndOfData => StatusCode::BAD_REQUEST,
        }
    }

    /// The alert that goes with it.
    pub fn alert(self) -> Option<AlertCode> {
        (self == Self::NoEndOfData).then_some(AlertCode::NO_END_OF_DATA)
    }
}

impl Assembly {
    /// Takes the first part, which has `MoreData`, of a whole of at most `max` octets; one without it is the whole
    /// already.
    pub fn begin(item: Item, max: usize) -> Result<Progress, ChunkError> {
        if item.data.as_ref().is_some_and(|data| data.len() > max) {
            return Err(ChunkError::TooLarge);
        }
        if !item.more_data {
            return Ok(Progress::Whole(item));
        }
        let size = item.meta.size.ok_or(ChunkError::NoSize)?;
        if usize::try_from(size).map_or(true, |size| size > max) {
            return Err(ChunkError::TooLarge);
        }
        let first = Self { item, size, max };
        first.bounded().map(Progress::More)
    }

    /// Takes the next part.
    pub fn next(mut self, part: Item) -> Result<Progress, ChunkError> {
        if (&part.target, &part.source) != (&self.item.target, &self.item.source) {
            return Err(ChunkError::NoEndOfData);
        }
        let data = self.item.data.get_or_insert_default();
        data.push_str(part.data.as_deref().unwrap_or_default());
        if part.more_data {
            return self.bounded().map(Progress::More);
        }
        let whole = self.bounded()?;
        if !whole.is_complete() {
            return Err(ChunkError::SizeMismatch);
        }
        let mut item = whole.item;
        item.more_data = false;
        Ok(Progress::Whole(item))
    }

    /// The first part with all that has come so far, for whoever keeps it between messages and begins again with it.
    pub fn into_item(self) -> Item {
        self.item
    }

    fn bounded(self) -> Result<Self, ChunkError> {
        let length = self.item.data.as_deref().unwrap_or_default().len();
        if length > self.max {
            Err(ChunkError::TooLarge)
        } else {
            Ok(self)
        }
    }

    /// \[U\] whether the size of data in base64 is that of the text or that of the octets: both are taken.
    fn is_complete(&self) -> bool {
        let data = self.item.data.as_deref().unwrap_or_default();
        let octets = match self.item.meta.format {
            Some(Format::B64 | Format::Bin) => crate::binary::decode(data.as_bytes()),
            _ => None,
        };
        [Some(data.len()), octets.map(|octets| octets.len())]
            .into_iter()
            .flatten()
            .any(|length| length as u64 == self.size)
    }
}
