//! Documents of declared configuration, as `ordain device` shows them.

use ordain_server::api::{Cleaning, Document, Drift};

use crate::time;

/// Each document with how it is, and below it its parts in the device's words.
pub(crate) fn documents(all: &[Document], now: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for document in all {
        let state = match (document.history.last(), document.taken) {
            (Some(seen), _) => format!("{}, since {}", seen.state, time::moment(Some(seen.at), now)),
            (None, true) => "taken; the device has not said more".to_owned(),
            (None, false) => "not taken".to_owned(),
        };
        lines.push(format!("{}: {state}", document.identifier));
        let parts = document.outcomes.iter();
        lines.extend(parts.map(|part| format!("  {}: {}", part.path, part.said)));
        let unnamed = document.unnamed.iter();
        lines.extend(unnamed.map(|part| format!("  {part}: the result does not name it")));
    }
    lines
}

/// Each drift, the latest last.
pub(crate) fn drift(all: &[Drift], now: i64) -> Vec<String> {
    let line = |drift: &Drift| {
        let repaired = drift
            .repaired
            .map(|at| format!(", repaired {}", time::moment(Some(at), now)));
        let settings = match drift.settings.is_empty() {
            true => String::new(),
            false => format!(": {}", drift.settings.join(", ")),
        };
        let (document, kind) = (&drift.document, drift.kind.word());
        let since = time::moment(Some(drift.since), now);
        format!(
            "{document}: {kind}, since {since}{}{settings}",
            repaired.unwrap_or_default()
        )
    };
    all.iter().map(line).collect()
}

/// What is being taken away of documents that are gone, and what stays.
pub(crate) fn cleaning(all: &[Cleaning], now: i64) -> Vec<String> {
    let lines = |gone: &Cleaning| {
        let (identifier, since) = (gone.identifier.clone(), time::moment(Some(gone.at), now));
        let line = move |(node, stays): (&String, &Option<String>)| match stays {
            Some(why) => format!("{identifier}, gone {since}: {node} stays: {why}"),
            None => format!("{identifier}, gone {since}: {node} is removed in a session of the device's own"),
        };
        gone.nodes.iter().map(line).collect::<Vec<_>>()
    };
    all.iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use ordain_model::windows::documents::DriftKind;

    use super::*;

    #[test]
    fn what_is_gone_is_told_node_by_node() {
        let (work, home) = (
            "./Device/Vendor/MSFT/VPNv2/Work",
            "./Device/Vendor/MSFT/VPNv2/Home",
        );
        let gone = Cleaning {
            identifier: "vpn".into(),
            nodes: [(home.into(), None), (work.into(), Some("it is needed".into()))].into(),
            at: 1_800_000_000,
        };
        assert_eq!(
            cleaning(&[gone], 1_800_007_200),
            [
                format!(
                    "vpn, gone 2 h ago (2027-01-15 08:00:00Z): {home} is removed in a session of the device's own"
                ),
                format!("vpn, gone 2 h ago (2027-01-15 08:00:00Z): {work} stays: it is needed"),
            ]
        );
    }

    #[test]
    fn drift_is_told_with_times_and_settings() {
        let drift = |repaired, settings: &[&str]| Drift {
            document: "vpn".into(),
            kind: DriftKind::Unrepaired,
            since: 1_800_000_000,
            repaired,
            settings: settings.iter().map(|path| (*path).to_owned()).collect(),
        };
        let lines = super::drift(
            &[drift(None, &[]), drift(Some(1_800_003_600), &["a", "b"])],
            1_800_007_200,
        );
        assert_eq!(lines[0], "vpn: unrepaired, since 2 h ago (2027-01-15 08:00:00Z)");
        assert!(
            lines[1].ends_with(": a, b") && lines[1].contains("repaired 1 h ago (2027-01-15 09:00:00Z)"),
            "{lines:?}"
        );
    }
}
