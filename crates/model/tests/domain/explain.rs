//! What administrators are told of devices: chains that somebody understands who does not know Ordain, each sentence resting
//! on stored facts.

mod cases;
mod stored;

use std::fmt::Write as _;

use ordain_model::explain::{Code, Explanation, State, Step};

use crate::fixtures::NOW;
use stored::Stored;

/// Each case, and the declaration that is asked about.
fn all() -> Vec<(&'static str, Stored, &'static str)> {
    vec![
        ("converged", cases::converged(), "certificate"),
        ("predicate_false", cases::predicate_false(), "passcode"),
        ("predicate_unknown", cases::predicate_unknown(), "passcode"),
        ("predicate_disputed", cases::predicate_disputed(), "passcode"),
        ("asset_missing", cases::asset_missing(), "certificate"),
        ("unsupported_system", cases::unsupported(), "disks"),
        ("excluded_by_a_group", cases::excluded(), "passcode"),
        ("never_seen", cases::never_seen(), "passcode"),
        ("pushed_and_silent", cases::pushed_and_silent(), "organization"),
        ("invalid", cases::invalid(), "passcode"),
        ("out_of_date", cases::out_of_date(), "passcode"),
        ("waiting_for_approval", cases::waiting(), "passcode"),
        ("member_by_condition", cases::member_by_condition(), "passcode"),
        ("no_member_by_condition", cases::no_member(), "passcode"),
        ("membership_unknown", cases::membership_unknown(), "passcode"),
        ("membership_due", cases::membership_due(), "passcode"),
        (
            "membership_due_by_facts",
            cases::membership_due_by_facts(),
            "passcode",
        ),
        (
            "made_by_ordain",
            cases::member_by_condition(),
            "ordain.status-subscriptions",
        ),
        ("membership_waiting", cases::membership_waiting(), "passcode"),
        ("not_fetched", cases::not_fetched(), "passcode"),
        ("leaving", cases::leaving(), "certificate"),
        (
            "windows_pushed_and_silent",
            cases::windows_pushed_and_silent(),
            "camera",
        ),
        ("windows_pushes_pause", cases::windows_pushes_pause(), "camera"),
        (
            "windows_without_a_channel",
            cases::windows_without_a_channel(),
            "camera",
        ),
        (
            "windows_channel_expired",
            cases::windows_channel_expired(),
            "camera",
        ),
        (
            "windows_without_credentials",
            cases::windows_without_credentials(),
            "camera",
        ),
    ]
}

fn line(step: &Step) -> String {
    let time = match step.at {
        Some(at) => format!(" [{:+} s]", at - NOW),
        None => String::new(),
    };
    let state = match step.state {
        State::Done => "done",
        State::Missing => "missing",
        State::Failed => "failed",
        State::NotNeeded => "not needed",
        State::Unknown => "unknown",
    };
    format!("{state:<11}{}{time}", step.sentence)
}

fn text(explanation: &Explanation) -> String {
    let mut text = format!("{}\n", line(&explanation.headline));
    for step in &explanation.steps {
        let _ = write!(text, "\n  {}", line(step));
    }
    for open in &explanation.open {
        let _ = write!(
            text,
            "\n! {}: {}",
            open.declarations.join(", "),
            line(&open.cause)
        );
    }
    for step in &explanation.next {
        let _ = write!(text, "\n> {}", line(step));
    }
    text
}

#[test]
fn each_case_is_told() {
    for (name, stored, declaration) in all() {
        let of_one = text(&stored.explain(Some(declaration)).unwrap());
        let of_all = text(&stored.explain(None).unwrap());
        let both = format!("{declaration}: {of_one}\n\nall: {of_all}");
        insta::assert_snapshot!(name, both);
    }
}

fn sentences(explanation: &Explanation) -> Vec<(String, &Step)> {
    let headline = [("headline".to_owned(), &explanation.headline)];
    let steps = explanation.steps.iter().map(|step| ("steps".to_owned(), step));
    let open = explanation.open.iter();
    let open = open.map(|open| (open.declarations.join(", "), &open.cause));
    let next = explanation.next.iter().map(|step| ("next".to_owned(), step));
    headline
        .into_iter()
        .chain(steps)
        .chain(open)
        .chain(next)
        .collect()
}

/// Whoever takes away a fact that a sentence names does not read that sentence any more.
#[test]
fn no_sentence_stays_without_its_facts() {
    let mut taken = 0;
    for (name, stored, declaration) in all() {
        for subject in [Some(declaration), None] {
            let explanation = stored.explain(subject).unwrap();
            for (place, step) in sentences(&explanation) {
                assert!(
                    !step.facts.is_empty(),
                    "{name}, {place}: {step:?} rests on nothing"
                );
                for fact in &step.facts {
                    let other = stored.without(&fact.fact, &fact.value).explain(subject);
                    let said = |step: &Step| (step.code, step.sentence.clone(), step.at);
                    let is_said = other.as_ref().is_some_and(|other| {
                        let mut sentences = sentences(other).into_iter();
                        sentences.any(|(there, found)| there == place && said(found) == said(step))
                    });
                    let what = subject.unwrap_or("all");
                    assert!(
                        !is_said,
                        "{name}, {what}, {place}: without {fact:?} it still says {step:?}"
                    );
                    taken += 1;
                }
            }
        }
    }
    assert!(taken > 300, "{taken}");
}

/// Groups are of devices: what decides them is what the device's own channel has reported.
#[test]
fn a_user_is_told_of_the_groups_of_the_device() {
    let stored = cases::member_by_condition();
    let blueprint = |explanation: Explanation| {
        let mut steps = explanation.steps.into_iter();
        steps.find(|step| step.code == Code::Blueprint).unwrap()
    };
    let of_device = blueprint(stored.explain(Some("passcode")).unwrap());
    assert!(
        of_device
            .sentence
            .contains("@status(passcode.is-present) is false")
    );
    assert_eq!(blueprint(stored.explain_to_user("passcode").unwrap()), of_device);
}
