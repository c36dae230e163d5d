//! What goes on at a device after a command was accepted.

use ordain_windows::syncml::alert::AlertType;
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::{Format, Item, Meta};

/// Work that takes a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::windows) struct Job {
    pub(super) kind: Kind,
    /// When it is done.
    pub(in crate::windows) done: i64,
    /// What it ends with.
    pub(super) hresult: u32,
    /// Whether its end was told.
    pub(in crate::windows) is_told: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The installation of a package of this version.
    Msi { version: String },
    /// A certificate by SCEP.
    Scep,
    /// A certificate with its key from a PFX file, which is done at once.
    Pfx,
}

impl Job {
    /// The `Status` of its node.
    pub(super) fn status(&self, now: i64) -> u32 {
        match (&self.kind, now >= self.done, self.hresult) {
            (Kind::Msi { .. }, false, _) => 50,
            (Kind::Msi { .. }, true, 0) => 70,
            (Kind::Msi { .. }, true, _) => 60,
            (Kind::Scep, false, _) => 2,
            (Kind::Scep, true, 0) => 1,
            (Kind::Scep, true, _) => 16,
            (Kind::Pfx, _, error) => error,
        }
    }

    /// The alert for its end, which only installations have.
    pub(in crate::windows) fn alert(&self, node: &LocUri) -> Option<Item> {
        if !matches!(self.kind, Kind::Msi { .. }) {
            return None;
        }
        let mut item = Item::from(node.to_string()).with(Format::Int, self.hresult.to_string());
        item.meta = Meta {
            kind: Some(AlertType::MsiInstalled.as_str().to_owned()),
            mark: Some("informational".to_owned()),
            ..item.meta
        };
        Some(item)
    }
}
