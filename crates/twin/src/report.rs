//! Status reports: what is to be said, what was said already, and when the rest is due.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Catalog, Kind, Scope};
use ordain_model::report::{Capabilities, DeclarationsReport, Reason, Report};
use serde_json::{Map, Value, json};

use crate::device::Device;

/// After how many seconds a device sends a full report, to be safe.
const FULL_REPORT: i64 = 24 * 60 * 60;

/// Everything that a channel has to tell, capabilities excepted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Picture {
    /// The subscribed items.
    pub(crate) items: BTreeMap<String, Value>,
    /// The subscribed items that cannot be given.
    pub(crate) errors: BTreeMap<String, Vec<Reason>>,
    pub(crate) declarations: DeclarationsReport<'static>,
}

/// What a channel has told.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    told: Picture,
    /// The system release whose capabilities were told.
    told_capabilities: Option<&'static str>,
    /// When the next full report is due; unknown before the first report.
    full_due: Option<i64>,
    /// What is on its way.
    sent: Option<Sent>,
    /// The last report was not taken: nothing more before the next wake.
    refused: bool,
}

#[derive(Debug)]
struct Sent {
    picture: Picture,
    release: &'static str,
    full: bool,
}

impl Reporter {
    /// A wake: what was not taken can be sent again.
    pub(crate) fn wake(&mut self) {
        self.refused = false;
        self.sent = None;
    }

    /// The report of what is new in `picture`, or of all of it when a full one is due; `None` when there is nothing
    /// to say, or this is no time to say it.
    pub(crate) fn report(
        &mut self,
        picture: &Picture,
        device: &Device,
        scope: Scope,
        now: i64,
    ) -> Option<Report<'static>> {
        if self.refused {
            return None;
        }
        let full = self.full_due.is_some_and(|due| now >= due);
        let release = device.system.build;
        let mut report = Report {
            full,
            ..Report::default()
        };
        if full {
            report.items = picture.items.clone();
            report.errors = picture.errors.clone();
        } else {
            report.items = changes(device.schema.catalog(), &self.told.items, &picture.items);
            report.errors = differing(&self.told.errors, &picture.errors);
        }
        if full || self.told.declarations != picture.declarations {
            report.declarations = Some(picture.declarations.clone());
        }
        if full || self.told_capabilities != Some(release) {
            report.capabilities = Some(capabilities(device, scope));
        }
        if report == Report::default() {
            // What is no longer subscribed to is not spoken of.
            self.told = picture.clone();
            return None;
        }
        self.sent = Some(Sent {
            picture: picture.clone(),
            release,
            full,
        });
        Some(report)
    }

    /// The report was answered with 200, which alone counts as delivered.
    pub(crate) fn taken(&mut self, now: i64) {
        let Some(sent) = self.sent.take() else {
            return;
        };
        self.told = sent.picture;
        self.told_capabilities = Some(sent.release);
        if sent.full || self.full_due.is_none() {
            self.full_due = Some(now.saturating_add(FULL_REPORT));
        }
    }

    /// The report was answered otherwise, or not at all.
    pub(crate) fn refused(&mut self) {
        self.refused = true;
        self.sent = None;
    }

    /// Whether all of this was told.
    pub(crate) fn has_told(&self, picture: &Picture) -> bool {
        self.told == *picture && self.told_capabilities.is_some()
    }

    /// Whether a report is due whatever has changed.
    pub(crate) fn is_full_due(&self, now: i64) -> bool {
        self.full_due.is_some_and(|due| now >= due)
    }
}

/// The entries that are new or have another value.
fn differing<V: Clone + PartialEq>(
    before: &BTreeMap<String, V>,
    now: &BTreeMap<String, V>,
) -> BTreeMap<String, V> {
    now.iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The items that are new or have another value; of lists by identifier only the elements that changed.
fn changes(
    catalog: &Catalog,
    before: &BTreeMap<String, Value>,
    now: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let mut changed = differing(before, now);
    for (name, value) in &mut changed {
        let by_identifier = catalog.status_item(name).is_some_and(|item| item.identified());
        if let (true, Some(Value::Array(before)), Value::Array(elements)) =
            (by_identifier, before.get(name), value)
        {
            *elements = changed_elements(before, elements);
        }
    }
    changed
}

fn changed_elements(before: &[Value], now: &[Value]) -> Vec<Value> {
    let by_identifier = |elements: &[Value]| -> Map<String, Value> {
        elements
            .iter()
            .filter_map(|element| Some((element.get("identifier")?.as_str()?.to_owned(), element.clone())))
            .collect()
    };
    let (before, mut now) = (by_identifier(before), by_identifier(now));
    let removed: Vec<Value> = before
        .keys()
        .filter(|identifier| !now.contains_key(*identifier))
        .map(|identifier| json!({"identifier": identifier, "_removed": true}))
        .collect();
    now.retain(|identifier, element| before.get(identifier) != Some(element));
    now.into_iter()
        .map(|(_, element)| element)
        .chain(removed)
        .collect()
}

/// What the device can be sent and asked on the channel of `scope`.
fn capabilities(device: &Device, scope: Scope) -> Capabilities {
    let catalog = device.schema.catalog();
    let declarations: BTreeSet<String> = catalog
        .declarations()
        .filter(|declaration| Kind::of_type(&declaration.name).is_some())
        .filter(|declaration| device.supports(&declaration.support, scope))
        .map(|declaration| declaration.name.clone())
        .collect();
    let status_items = catalog
        .status_items()
        .filter(|item| device.supports(&item.support, scope))
        .map(|item| item.name.clone())
        .collect();
    Capabilities {
        declarations: Some(declarations),
        status_items: Some(status_items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(value: Value) -> BTreeMap<String, Value> {
        value.as_object().cloned().unwrap().into_iter().collect()
    }

    #[test]
    fn only_what_changed_is_told_of_lists_element_by_element() {
        let app = |identifier: &str, state: &str| json!({"identifier": identifier, "state": state});
        let before = items(json!({
            "app.managed.list": [app("a", "managed"), app("b", "queued"), app("c", "managed")],
            "test.array-value": [{"key1": 1}, {"key1": 2}],
            "test.string-value": "same",
        }));
        let changes = |now| changes(Catalog::builtin(), &before, now);
        assert_eq!(changes(&before), BTreeMap::new());
        let now = items(json!({
            "app.managed.list": [app("a", "managed"), app("b", "managed"), app("d", "queued")],
            "test.array-value": [{"key1": 1}, {"key1": 3}],
            "test.string-value": "same",
            "device.model.family": "Mac",
        }));
        let expected = items(json!({
            "app.managed.list": [app("b", "managed"), app("d", "queued"), {"identifier": "c", "_removed": true}],
            "test.array-value": [{"key1": 1}, {"key1": 3}],
            "device.model.family": "Mac",
        }));
        assert_eq!(changes(&now), expected);
    }

    #[test]
    fn what_was_not_taken_is_told_again_with_what_came_since() {
        let device = Device::new(ordain_catalog::Platform::Ios, 1, 1);
        let mut reporter = Reporter::default();
        let mut picture = Picture {
            items: items(json!({"test.string-value": "a"})),
            ..Picture::default()
        };
        let first = reporter.report(&picture, &device, Scope::System, 0).unwrap();
        assert!(first.capabilities.is_some() && !first.full);
        reporter.refused();
        assert_eq!(
            reporter.report(&picture, &device, Scope::System, 1),
            None,
            "not before it wakes"
        );
        reporter.wake();
        picture.items.insert("test.real-value".into(), json!(1.5));
        let again = reporter.report(&picture, &device, Scope::System, 2).unwrap();
        assert_eq!(again.items, picture.items);
        assert_eq!(again.capabilities, first.capabilities);
        reporter.taken(2);
        assert!(reporter.has_told(&picture));
        assert_eq!(reporter.report(&picture, &device, Scope::System, 3), None);
        let full = reporter
            .report(&picture, &device, Scope::System, 2 + FULL_REPORT)
            .unwrap();
        assert!(full.full && full.items == picture.items && full.capabilities.is_some());
    }
}
