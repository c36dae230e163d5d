//! Whatever a device says: the verdict is that of a naive reading of Microsoft's description.

use ordain_catalog::windows::Verb;
use ordain_model::convergence::Verdict as Judged;
use ordain_model::windows::documents::{State, Told};
use ordain_model::windows::session::Operation;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::bench::*;

/// What a device may say of the document: how often is up to it.
#[derive(Debug, Clone)]
struct Step {
    checksum: usize,
    result: usize,
    state: u32,
    is_listed: bool,
    code: u16,
    /// The result that it gives when it is asked.
    of: (usize, usize, usize, u32),
    parts: Vec<(Option<&'static str>, Option<u32>)>,
    is_new_session: bool,
}

const STATES: [u32; 13] = [0, 1, 3, 10, 21, 60, 60, 60, 61, 62, 63, 71, 99];

fn step() -> impl Strategy<Value = Step> {
    let state = || prop::sample::select(&STATES[..]);
    let status = prop::sample::select(vec![
        Some("200"),
        Some("200"),
        Some("200"),
        Some("404"),
        Some("0x86000002"),
        None,
    ]);
    let part = (
        status,
        prop::option::of(prop::sample::select(vec![60, 60, 60, 63, 61, 2, 99])),
    );
    let of = (0..8_usize, 0..8_usize, 0..3_usize, state());
    let flags = (
        prop::bool::weighted(0.9),
        any::<bool>(),
        prop::sample::select(vec![200, 200, 200, 215, 404, 500]),
    );
    (
        0..6_usize,
        0..3_usize,
        state(),
        flags,
        of,
        prop::collection::vec(part, 0..3),
    )
        .prop_map(
            |(checksum, result, state, (is_listed, is_new_session, code), of, parts)| Step {
                checksum,
                result,
                state,
                is_listed,
                code,
                of,
                parts,
                is_new_session,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// The verdict is that of a naive reading of Microsoft's description: a document is as wanted when the device lists it
    /// in the version that is wanted with a final good state, and the result of that version and of that very state is
    /// good throughout. What the server is told otherwise is no confirmation.
    #[test]
    fn confirmed_is_what_the_device_says_twice(steps in prop::collection::vec(step(), 1..12)) {
        let document = vpn("vpn", "a", "delete");
        let (own, version) = (id(&document), document.server_token.to_string());
        let other = id(&vpn("other", "a", "delete"));
        let results = [None, Some("A".to_owned()), Some("B".to_owned())];
        let mut bench = Bench::new(std::slice::from_ref(&document));
        // The naive reader: of the document, the last result that was of it and its version.
        let mut read: Option<(Option<String>, bool, bool)> = None;
        let mut asked: Option<(Option<String>, bool, bool)> = None;
        let mut refused = false;
        let mut sent_with: Option<u16> = None;
        for step in steps {
            if step.is_new_session {
                // What was asked last is never answered.
                bench.begin();
                (asked, sent_with) = (None, None);
            }
            let checksum = if step.checksum < 4 { version.clone() } else { format!("old{}", step.checksum) };
            let listed = Told {
                id: own.clone(),
                checksum: Some(checksum.clone()),
                result_checksum: results[step.result].clone(),
                state: Some(State(step.state)),
                abandoned: None,
            };
            let list: Vec<Told> = Some(listed).filter(|_| step.is_listed).into_iter().collect();
            let (of_id, of_version, of_result, of_state) = step.of;
            let result_id = if of_id == 0 { &other } else { &own };
            let result_version = if of_version == 0 { "old" } else { version.as_str() };
            let parts: Vec<Value> = step.parts.iter().map(|(status, state)| json!({"path": "p", "status": status, "state": state})).collect();
            let text = json!({"id": result_id, "checksum": result_version, "result": results[of_result], "state": of_state, "parts": parts}).to_string();
            let answers = |operation: &Operation| match operation.verb {
                Verb::Get => (200, Some(text.clone())),
                _ => (step.code, None),
            };
            // What the server was answered with this message counts from now on.
            read = asked.take().or(read);
            refused |= sent_with.take().is_some_and(|code| [404, 500].contains(&code));
            let operations = bench.hear(Some(list.clone()), &answers);
            for operation in &operations {
                if operation.path.contains("/Results/") && result_id == &own && result_version == version {
                    let is_good = |state: u32| [60, 63, 80].contains(&state);
                    let all = step.parts.iter().all(|(status, state)| *status == Some("200") && state.is_none_or(is_good));
                    let bad = |(status, state): &(Option<&str>, Option<u32>)| status.is_some_and(|it| it != "200") || *state == Some(61);
                    let any_bad = step.parts.iter().any(bad) || [61, 62, 71].contains(&of_state);
                    asked = Some((results[of_result].clone(), all && is_good(of_state), any_bad));
                }
                if operation.verb == Verb::Replace {
                    prop_assert!(operation.value.as_ref().unwrap().1.contains(&version));
                    prop_assert!(!refused, "what is refused is not sent");
                    sent_with = Some(step.code);
                }
            }
            let is_current = step.is_listed && checksum == version;
            let matching = read.as_ref().filter(|(result, ..)| result.is_some() && *result == results[step.result]);
            let expected = match (is_current, step.state) {
                (true, 60 | 63 | 80) if matching.is_some_and(|(_, good, _)| *good) => "confirmed",
                (true, 60 | 63 | 80) if matching.is_some_and(|(.., bad)| *bad) => "failed",
                (true, 61 | 62 | 81 | 82) => "failed",
                (false, _) if refused => "failed",
                _ => "pending",
            };
            let judged = match &bench.judged()[0] {
                Judged::Confirmed => "confirmed",
                Judged::Failed(_) => "failed",
                Judged::Pending => "pending",
                Judged::Settled => "settled",
            };
            prop_assert_eq!(judged, expected, "{:?} {:?}", step, bench.documents);
        }
    }
}
