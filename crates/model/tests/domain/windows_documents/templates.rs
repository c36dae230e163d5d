//! Templates: what they are filled in with follows them, is sent again when it is lost, and never blindly.

use ordain_catalog::windows::Verb;
use ordain_model::convergence::Verdict as Judged;
use ordain_model::declaration::Declaration;
use ordain_model::windows::documents::{DriftKind, Told};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::bench::*;

const HOUR: i64 = 3_600;
const PFX: &str = "./Vendor/MSFT/ClientCertificateInstall/PFXCertInstall";

fn template(secret: &str) -> Declaration {
    declaration(
        "pfx",
        json!({"scenario": "MSFTClientCertificateInstall", "scope": "system", "request": "BulkTemplate",
            "csp": [{"name": "./Vendor/MSFT/ClientCertificateInstall", "settings": [
                {"path": "PFXCertInstall/@#thumb#/PFXCertBlob", "format": "chr", "value": "@#blob#"}]}],
            "instances": [{"thumb": "A1", "blob": secret}, {"thumb": "B2", "blob": secret}]}),
    )
}

/// The parts of these instances.
fn parts(all: &[(&str, &str, u32)]) -> Value {
    let parts = all.iter();
    let parts = parts.map(|(thumb, status, state)| json!({"path": format!("{PFX}/{thumb}/PFXCertBlob"), "status": status, "state": state}));
    parts.collect()
}

fn both() -> Value {
    // In another case, as devices may write it.
    parts(&[("a1", "200", 60), ("B2", "200", 60)])
}

/// A bench on which the template is sent, and answered so; what it is filled in with is answered with `code`.
fn sent(template: &Declaration, code: u16) -> Bench {
    let mut bench = Bench::new(std::slice::from_ref(template));
    let document = bench.hear(Some(vec![]), OK);
    assert_eq!(verbs(&document), [(Verb::Replace, "document")]);
    let path = format!("/Host/BulkTemplate/Documents/{}/", id(template));
    assert!(document[0].path.contains(&path), "{document:?}");
    let filled = bench.hear(Some(vec![told(template, 40, "")]), &|_| (code, None));
    assert_eq!(verbs(&filled), [(Verb::Replace, "instances")]);
    assert!(filled[0].path.contains(&path), "{filled:?}");
    assert_eq!(bench.hear(Some(vec![told(template, 1, "")]), OK), []);
    bench
}

/// A session in which the device lists the template so, and tells these parts of it when it is asked; what else it is sent.
fn session(
    bench: &mut Bench,
    template: &Declaration,
    state: u32,
    checksum: &str,
    parts: &Value,
) -> Vec<Verb> {
    bench.begin();
    let text = result(template, state, checksum, parts);
    let mut others = Vec::new();
    for _ in 0..3 {
        let list = Some(vec![told(template, state, checksum)]);
        let operations = bench.hear(list, &|_| (200, Some(text.clone())));
        let others_of = operations.iter().filter(|it| it.verb != Verb::Get);
        others.extend(others_of.map(|it| {
            assert!(it.path.ends_with("/BulkVariables/Value"), "{it:?}");
            it.verb
        }));
    }
    others
}

fn described(bench: &Bench) -> String {
    match &bench.judged()[0] {
        Judged::Failed(reasons) => reasons[0].description.clone().unwrap_or_default(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_template_is_filled_in_and_confirmed_by_its_result() {
    let document = template("one");
    assert_ne!(document.server_token, template("two").server_token);
    let mut bench = sent(&document, 200);
    assert_eq!(bench.judged(), [Judged::Pending]);
    assert_eq!(session(&mut bench, &document, 60, "R1", &both()), []);
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    assert_eq!(session(&mut bench, &document, 60, "R1", &both()), []);
    assert_eq!(bench.drift(), []);
    // In any way of writing nodes.
    let spelled = both()
        .to_string()
        .replace("./Vendor", "./Device/vendor")
        .replace("/a1/", "/%611/");
    let mut bench = sent(&document, 200);
    let spelled = serde_json::from_str(&spelled).unwrap();
    assert_eq!(session(&mut bench, &document, 60, "R1", &spelled), []);
    assert_eq!(bench.judged(), [Judged::Confirmed]);
    // A result that does not name what every instance comes to is of something else.
    for others in [
        parts(&[("A1", "200", 60)]),
        parts(&[("@#thumb#", "200", 60)]),
        json!([]),
    ] {
        let mut bench = sent(&document, 200);
        assert_eq!(session(&mut bench, &document, 60, "R1", &others), []);
        assert_eq!(bench.judged(), [Judged::Pending], "{others}");
    }
    // Nobody has it filled in, whatever the device says.
    let mut bench = sent(&document, 215);
    bench.begin();
    let text = result(&document, 60, "R1", &both());
    for _ in 0..3 {
        bench.hear(
            Some(vec![told(&document, 60, "R1")]),
            &|operation| match operation.verb {
                Verb::Get => (200, Some(text.clone())),
                _ => (215, None),
            },
        );
        assert_eq!(bench.judged(), [Judged::Pending]);
    }
    assert_eq!(bench.documents.known[&id(&document)].good, None);
    // As a part of the next session it comes again, also where the device lists nothing.
    assert_eq!(
        session(&mut bench, &document, 40, "", &json!([])),
        [Verb::Replace]
    );
    let mut bench = sent(&document, 215);
    bench.begin();
    assert_eq!(verbs(&bench.hear(None, OK)), [(Verb::Get, "root")]);
    assert_eq!(verbs(&bench.hear(None, OK)), [(Verb::Replace, "instances")]);
    assert_eq!(bench.hear(None, OK), []);
}

/// E6.
#[test]
fn what_is_lost_is_filled_in_again() {
    let document = template("one");
    let bad = parts(&[("A1", "200", 60), ("B2", "404", 61)]);
    for state in [61, 62, 64] {
        let mut bench = sent(&document, 200);
        session(&mut bench, &document, 60, "R1", &both());
        bench.now += 5 * HOUR;
        bench.begin();
        let text = result(&document, state, "R2", &bad);
        let list = || Some(vec![told(&document, state, "R2")]);
        let asked = bench.hear(list(), &|_| (200, Some(text.clone())));
        assert_eq!(
            verbs(&asked),
            [(Verb::Get, "result")],
            "it is known first what is lost"
        );
        let again = bench.hear(list(), OK);
        assert_eq!(verbs(&again), [(Verb::Replace, "instances")], "{state}");
        assert_eq!(bench.drift(), [(DriftKind::Unrepaired, false)]);
        assert_eq!(
            bench.documents.drift[0].settings,
            [format!("{PFX}/B2/PFXCertBlob")]
        );
        assert_eq!(bench.hear(Some(vec![told(&document, 1, "R2")]), OK), []);
        assert_ne!(bench.judged(), [Judged::Confirmed], "a 200 says nothing");
        // It is the result that says that it is good again.
        bench.now += 60;
        assert_eq!(session(&mut bench, &document, 60, "R3", &both()), []);
        assert_eq!(bench.judged(), [Judged::Confirmed]);
        assert_eq!(bench.drift(), [(DriftKind::Unrepaired, true)]);
        // Lost again at once: not before the pause is over, and then ever more seldom.
        let mut times = Vec::new();
        for half_hours in 1..48 {
            bench.now += HOUR / 2;
            if !session(&mut bench, &document, state, "R2", &bad).is_empty() {
                times.push(half_hours);
            }
        }
        assert_eq!(times, [2, 4, 8, 16, 32], "{state}");
    }
    // One that waits, although it was filled in, has lost it, too.
    let mut bench = sent(&document, 200);
    bench.now += HOUR / 2;
    assert_eq!(session(&mut bench, &document, 40, "", &json!([])), []);
    bench.now += HOUR / 2;
    assert_eq!(
        session(&mut bench, &document, 40, "", &json!([])),
        [Verb::Replace]
    );
}

#[test]
fn where_there_are_no_templates_that_is_told() {
    for code in [404, 405] {
        let document = template("one");
        let other = vpn("vpn", "a", "delete");
        let mut bench = Bench::new(&[document.clone(), other]);
        // Even a device that lists nothing has documents.
        assert_eq!(verbs(&bench.hear(None, OK)), [(Verb::Get, "root")]);
        let sent = bench.hear(None, &|operation| {
            let is_template = operation.path.contains("/BulkTemplate/");
            (if is_template { code } else { 200 }, None)
        });
        assert_eq!(sent.len(), 2);
        assert_eq!(bench.hear(None, OK), []);
        assert_eq!(bench.documents.unsupported, None);
        bench.begin();
        bench.hear(Some(vec![]), OK);
        assert!(
            described(&bench).starts_with("templates are not supported here"),
            "{}",
            described(&bench)
        );
        // Or only what they are filled in with.
        let mut bench = self::sent(&document, code);
        assert!(described(&bench).starts_with("templates are not supported here"));
        assert_eq!(session(&mut bench, &document, 40, "", &json!([])), []);
        bench.want(&[template("two")]);
        bench.begin();
        let next = bench.hear(Some(vec![told(&document, 40, "")]), OK);
        assert_eq!(verbs(&next), [(Verb::Replace, "document")]);
    }
    // What it has taken once may be taken again.
    let document = template("one");
    let mut bench = sent(&document, 200);
    let bad = parts(&[("A1", "200", 60), ("B2", "404", 61)]);
    let text = result(&document, 61, "R2", &bad);
    let mut times = Vec::new();
    for hours in 1..12 {
        bench.now += HOUR;
        bench.begin();
        for _ in 0..3 {
            let list = Some(vec![told(&document, 61, "R2")]);
            let operations = bench.hear(list, &|operation| match operation.verb {
                Verb::Get => (200, Some(text.clone())),
                _ => (500, None),
            });
            times.extend(
                operations
                    .iter()
                    .filter(|it| it.verb == Verb::Replace)
                    .map(|_| hours),
            );
        }
    }
    assert_eq!(times, [1, 3, 7]);
}

#[test]
fn templates_go_and_come() {
    let document = template("one");
    let mut bench = sent(&document, 200);
    session(&mut bench, &document, 60, "R1", &both());
    bench.want(&[]);
    bench.begin();
    let gone = bench.hear(Some(vec![told(&document, 60, "R1")]), OK);
    assert_eq!(verbs(&gone), [(Verb::Delete, "document")]);
    assert!(gone[0].path.contains("/Host/BulkTemplate/Documents/"), "{gone:?}");
    assert_eq!(bench.hear(Some(vec![]), OK), []);
    assert!(bench.documents.known.is_empty() && bench.documents.stays.contains_key("pfx"));
    // Lost with all that it was: it comes again, and is filled in again.
    let mut bench = sent(&document, 200);
    session(&mut bench, &document, 60, "R1", &both());
    bench.begin();
    assert_eq!(
        verbs(&bench.hear(Some(vec![]), OK)),
        [(Verb::Replace, "document")]
    );
    let again = bench.hear(Some(vec![told(&document, 40, "")]), OK);
    assert_eq!(verbs(&again), [(Verb::Replace, "instances")]);
    assert_eq!(bench.drift(), [(DriftKind::Missing, false)]);
    // A document of another kind goes before its successor comes.
    let complete = vpn("pfx", "a", "delete");
    let mut bench = confirmed(&complete);
    bench.want(std::slice::from_ref(&document));
    bench.begin();
    let gone = bench.hear(Some(vec![told(&complete, 60, "R1")]), OK);
    assert_eq!(verbs(&gone), [(Verb::Delete, "document")]);
    assert!(gone[0].path.contains("/Host/Complete/Documents/"), "{gone:?}");
    bench.begin();
    assert_eq!(bench.hear(Some(vec![told(&complete, 10, "R1")]), OK), []);
    bench.begin();
    let next = bench.hear(Some(vec![]), OK);
    assert!(next[0].path.contains("/Host/BulkTemplate/Documents/"), "{next:?}");
    assert_eq!(bench.drift(), []);
}

#[test]
fn a_template_that_nobody_remembers_is_filled_in_once_more() {
    let document = template("one");
    let mut bench = Bench::new(std::slice::from_ref(&document));
    bench.hear(Some(vec![]), OK);
    bench.begin();
    let list: Vec<Told> = vec![told(&document, 1, "")];
    let again = bench.hear(Some(list), OK);
    assert_eq!(verbs(&again), [(Verb::Replace, "instances")]);
}

/// What a device may say of the template, and how it answers.
#[derive(Debug, Clone)]
struct Step {
    state: u32,
    result: &'static str,
    is_listed: bool,
    is_whole: bool,
    code: u16,
    minutes: i64,
    is_new_session: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let state = prop::sample::select(&[1, 40, 60, 60, 60, 61, 62, 64][..]);
    let code = prop::sample::select(&[200, 200, 200, 215, 404, 500][..]);
    let result = prop::sample::select(&["", "A", "B"][..]);
    let flags = (
        prop::bool::weighted(0.9),
        any::<bool>(),
        prop::bool::weighted(0.4),
    );
    (state, result, code, 0..150_i64, flags).prop_map(
        |(state, result, code, minutes, (is_listed, is_whole, is_new_session))| Step {
            state,
            result,
            is_listed,
            is_whole,
            code,
            minutes,
            is_new_session,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever a device says: nothing is confirmed that it has not taken whole since it was last sent, nor without a result
    /// that names all of it; and what it is filled in with comes once in a session, and then not within the hour.
    #[test]
    fn nothing_is_confirmed_or_sent_without_need(steps in prop::collection::vec(step(), 1..16)) {
        let document = template("one");
        let mut bench = Bench::new(std::slice::from_ref(&document));
        let (mut is_filled_in, mut is_read) = (false, false);
        // What follows from the answers to the last message, if the session goes on.
        let (mut filled, mut read, mut answers) = (None, None, false);
        let (mut of_session, mut answered_at) = (0, None);
        for step in steps {
            if step.is_new_session {
                bench.begin();
                (filled, read, answers, of_session) = (None, None, false, 0);
            }
            bench.now += step.minutes * 60;
            if std::mem::take(&mut answers) {
                answered_at = Some(bench.now);
            }
            if filled == Some(false) {
                answered_at = None;
            }
            is_filled_in = filled.take().unwrap_or(is_filled_in);
            is_read = read.take().unwrap_or(is_read);
            let parts = if step.is_whole { both() } else { parts(&[("A1", "200", 60)]) };
            let text = result(&document, step.state, step.result, &parts);
            let list = Some(told(&document, step.state, step.result)).filter(|_| step.is_listed);
            let operations = bench.hear(Some(list.into_iter().collect()), &|operation| match operation.verb {
                Verb::Get => (200, Some(text.clone())),
                _ => (step.code, None),
            });
            for (verb, what) in verbs(&operations) {
                let is_taken = step.code == 200;
                match (verb, what) {
                    (Verb::Get, "result") => read = Some(step.is_whole && step.state == 60),
                    (Verb::Replace, "document") if is_taken => filled = Some(false),
                    (Verb::Replace, "instances") => {
                        of_session += 1;
                        if let Some(before) = answered_at {
                            prop_assert!(bench.now - before >= HOUR, "{step:?}");
                        }
                        if is_taken {
                            filled = Some(true);
                        }
                        answers = step.code != 215;
                    }
                    _ => {}
                }
            }
            prop_assert!(of_session <= 1, "{:?}", operations);
            if bench.judged() == [Judged::Confirmed] {
                prop_assert!(is_filled_in && is_read && step.is_listed && step.state == 60, "{:?}", step);
            }
        }
    }
}
