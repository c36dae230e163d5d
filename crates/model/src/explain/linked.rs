//! The linked enrollment of a Windows device, without which it gets no documents.

use ordain_catalog::windows::WindowsCatalog;

use super::case::{Case, fact, step};
use super::{Code, State, Step};
use crate::windows::facts::{LINK_ENDPOINT, LINK_ERROR, LINK_STATUS};
use crate::windows::link::LinkState;

impl Case<'_> {
    /// Whether the device is linked, and why not, where there is something for it or was.
    pub(super) fn linked(&self) -> Option<Step> {
        let link = self.of.link?;
        if !link.is_wanted && link.channel.is_none() {
            return None;
        }
        let items = &self.of.device_record.items;
        let item = |name: &str| items.get(name);
        let state = LinkState::of(item, link.channel, link.endpoint, WindowsCatalog::builtin());
        let (goes, cited): (State, &[&str]) = match &state {
            LinkState::Linked => (State::Done, &[]),
            LinkState::Unknown(what) => (State::Unknown, &[what.item()]),
            LinkState::Unable(_) => (
                State::Failed,
                &["windows.os.edition", "windows.os.version", "windows.join"],
            ),
            LinkState::Elsewhere(_) => (State::Failed, &[LINK_STATUS, LINK_ENDPOINT]),
            LinkState::Failed(_) => (State::Failed, &[LINK_STATUS, LINK_ERROR]),
            LinkState::Underway => (State::Missing, &[LINK_STATUS]),
            LinkState::Arriving | LinkState::Absent => (State::Missing, &[]),
        };
        let facts = cited
            .iter()
            .map(|name| fact(&["device-record", "items", name], &items.get(*name)));
        Some(step(Code::Linked, goes, state.to_string(), facts.collect()))
    }
}
