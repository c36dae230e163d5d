//! Drift: what it is, and that it is told once.

use ordain_catalog::windows::Verb;
use ordain_model::convergence::Verdict as Judged;
use ordain_model::enrollment::Drifted;
use ordain_model::windows::documents::{DriftKind, Told};
use serde_json::json;

use super::bench::*;

#[test]
fn drift_is_what_nobody_here_has_done() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = confirmed(&document);
    // Repaired before anybody saw: another result of the same version.
    bench.begin();
    bench.now += 100;
    let text = result(&document, 60, "R2", &good());
    bench.hear(Some(vec![told(&document, 60, "R2")]), &|_| {
        (200, Some(text.replace("\"timestamp\":7", "\"timestamp\":9")))
    });
    assert_eq!(bench.judged(), [Judged::Pending], "that result was not read");
    bench.hear(Some(vec![told(&document, 60, "R2")]), OK);
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    assert_eq!(bench.drift(), [(DriftKind::Repaired, true)]);
    let repaired_at = Some(bench.now);
    let drifted = |open| Drifted { open, repaired_at };
    assert_eq!(bench.documents.drifted(), drifted(0));
    // Not repaired, with the setting; and then it is.
    bench.begin();
    bench.now += 100;
    let bad = json!([{"path": "./Vendor/MSFT/VPNv2/Work/Servers", "status": "404", "state": 61}]);
    let text = result(&document, 61, "R3", &bad);
    bench.hear(Some(vec![told(&document, 61, "R3")]), &|_| {
        (200, Some(text.clone()))
    });
    assert_eq!(
        bench.hear(Some(vec![told(&document, 61, "R3")]), OK),
        [],
        "it is not sent again blindly"
    );
    let open = bench.documents.drift.last().unwrap().clone();
    assert_eq!(
        (open.kind, open.since, open.repaired, open.is_examined),
        (DriftKind::Unrepaired, bench.now, None, true)
    );
    assert_eq!(open.settings, ["./Vendor/MSFT/VPNv2/Work/Servers"]);
    assert_eq!(bench.documents.drifted(), drifted(1));
    let Judged::Failed(reasons) = &bench.judged()[0] else {
        panic!("failed")
    };
    assert_eq!(
        (reasons[0].code.as_str(), reasons[0].description.as_deref()),
        (
            "Error.Status404",
            Some("./Vendor/MSFT/VPNv2/Work/Servers: there is no such node (404), failed (state 61)")
        )
    );
    bench.begin();
    bench.now += 100;
    bench.hear(Some(vec![told(&document, 60, "R2")]), OK);
    assert_eq!(
        bench.drift(),
        [(DriftKind::Repaired, true), (DriftKind::Unrepaired, true)]
    );
    // Only what it repaired unseen is surely its own doing.
    assert_eq!(bench.documents.drifted(), drifted(0));
    // Lost, and sent again; somebody else's; and a document of nobody.
    bench.begin();
    assert_eq!(
        verbs(&bench.hear(Some(vec![]), OK)),
        [(Verb::Replace, "document")]
    );
    bench.hear(Some(vec![told(&document, 60, "R9")]), OK);
    assert_eq!(bench.drift()[2..], [(DriftKind::Missing, true)]);
    bench.begin();
    let strange = Told {
        checksum: Some("X".into()),
        ..told(&document, 60, "R9")
    };
    assert_eq!(
        verbs(&bench.hear(Some(vec![strange]), OK)),
        [(Verb::Replace, "document")]
    );
    bench.hear(Some(vec![told(&document, 60, "R9")]), OK);
    assert_eq!(bench.drift()[3..], [(DriftKind::Replaced, true)]);
    bench.begin();
    let other = vpn("other", "a", "delete");
    let sent = bench.hear(Some(vec![told(&document, 60, "R9"), told(&other, 60, "R")]), OK);
    assert_eq!(verbs(&sent), [(Verb::Delete, "document"), (Verb::Get, "result")]);
    assert_eq!(bench.drift()[4..], [(DriftKind::Foreign, false)]);
    bench.hear(Some(vec![told(&document, 60, "R9")]), OK);
    assert_eq!(bench.drift()[4..], [(DriftKind::Foreign, true)]);
}

/// However many there are: no message makes news of what the one before has told, and nobody's drift pushes out another's.
#[test]
fn drift_is_told_once_however_much_there_is() {
    let document = vpn("vpn", "a", "delete");
    let mut bench = confirmed(&document);
    let list = |from: usize| {
        let foreign = (from..from + 300).map(|number| Told {
            id: format!("foreign-{number}"),
            ..told(&document, 60, "")
        });
        Some([told(&document, 61, "R2")].into_iter().chain(foreign).collect())
    };
    bench.begin();
    bench.hear(list(0), OK);
    bench.hear(list(0), OK);
    let first = bench.documents.drift.clone();
    let open = |bench: &Bench, kind| {
        bench
            .drift()
            .into_iter()
            .filter(|is| *is == (kind, false))
            .count()
    };
    assert_eq!(
        (
            open(&bench, DriftKind::Unrepaired),
            open(&bench, DriftKind::Foreign)
        ),
        (1, 50)
    );
    for _ in 0..3 {
        bench.now += 60;
        bench.begin();
        bench.hear(list(0), OK);
        assert_eq!(bench.documents.drift, first);
    }
    // What is gone makes room.
    bench.hear(list(10), OK);
    assert_eq!(
        (
            open(&bench, DriftKind::Unrepaired),
            open(&bench, DriftKind::Foreign)
        ),
        (1, 50)
    );
    assert_eq!(bench.documents.drift.len(), 61);

    let documents: Vec<_> = (0..250)
        .map(|number| vpn(&format!("vpn{number}"), "a", "delete"))
        .collect();
    let mut bench = Bench::new(&documents);
    let list = |state| {
        Some(
            documents
                .iter()
                .map(|document| told(document, state, "R1"))
                .collect(),
        )
    };
    bench.hear(list(60), OK);
    bench.hear(list(61), OK);
    bench.hear(list(61), OK);
    let first = bench.documents.drift.clone();
    assert_eq!(open(&bench, DriftKind::Unrepaired), 200);
    bench.now += 60;
    bench.hear(list(61), OK);
    assert_eq!(bench.documents.drift, first);
}
