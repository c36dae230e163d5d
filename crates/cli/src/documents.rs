//! Documents of declared configuration, as `ordain device` shows them.

use ordain_server::api::{Document, Drift};

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

#[cfg(test)]
mod tests {
    use ordain_model::windows::documents::DriftKind;

    use super::*;

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
