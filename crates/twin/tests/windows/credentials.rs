//! F2.7: challenges, and credentials in messages.

use std::sync::Arc;

use ordain_twin::windows::{Complaint, Event, Pc, Proof, Settings, Twin};

use crate::fake::{Fake, NOW, Say, converse, get, keys, run, say, way};

/// The check value of the specification's example: for the nonce `nonce-0001`.
const ANSWER: &str = "Wye3WIqUyZtfGoyzDsNumA==";

fn header(say: Say, header: &'static str) -> Say {
    Say { header, ..say }
}

fn challenge(code: u16) -> Say {
    let mut said = say("");
    said.statuses = false;
    said.header = match code {
        401 => {
            "<Chal><Meta><Format xmlns=\"syncml:metinf\">b64</Format><Type xmlns=\"syncml:metinf\">syncml:auth-md5</Type><NextNonce xmlns=\"syncml:metinf\">bm9uY2UtMDAwMQ==</NextNonce></Meta></Chal><Data>401</Data>"
        }
        _ => {
            "<Chal><Meta><Format xmlns=\"syncml:metinf\">b64</Format><Type xmlns=\"syncml:metinf\">syncml:auth-md5</Type><NextNonce xmlns=\"syncml:metinf\">bm9uY2UtMDAwMQ==</NextNonce></Meta></Chal><Data>407</Data>"
        }
    };
    said
}

/// A twin that shows no certificate, and has held a session that nobody challenged.
fn enrolled() -> (Twin, Fake) {
    let settings = Settings {
        proof: Proof::Credentials,
        ..Settings::default()
    };
    let mut twin = Twin::new(Pc::new(1, 0), settings, Arc::new(keys()));
    let mut fake = Fake::new();
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert!(fake.requests.iter().all(|request| request.identity.is_none()));
    (twin, fake)
}

fn shown(messages: &[String]) -> Vec<bool> {
    messages
        .iter()
        .map(|message| message.contains("<Cred>"))
        .collect()
}

#[test]
fn package_1_is_sent_again_with_the_answer_to_the_challenge() {
    let (mut twin, mut fake) = enrolled();
    let messages = converse(
        &mut twin,
        &mut fake,
        [
            challenge(407),
            header(say(get(100, "./DevInfo/Man")), "<Data>212</Data>"),
            say(""),
        ],
        NOW,
    );
    assert_eq!(
        shown(&messages),
        [false, true, false],
        "212 holds for the session"
    );
    assert!(
        messages[1].contains(&format!("<Data>{ANSWER}</Data>")),
        "{}",
        messages[1]
    );
    assert!(messages[1].contains("<MsgID>2</MsgID>"));
    let body = |message: &str| message.split("<SyncBody").nth(1).unwrap().to_owned();
    assert_eq!(body(&messages[0]), body(&messages[1]), "the same package");
    assert_eq!(twin.complaints().kept(), []);
}

#[test]
fn with_200_each_message_needs_credentials() {
    let (mut twin, mut fake) = enrolled();
    let next = "<Chal><Meta><Format xmlns=\"syncml:metinf\">b64</Format><Type xmlns=\"syncml:metinf\">syncml:auth-md5</Type><NextNonce xmlns=\"syncml:metinf\">bm9uY2UtMDAwMg==</NextNonce></Meta></Chal><Data>200</Data>";
    let messages = converse(
        &mut twin,
        &mut fake,
        [
            challenge(407),
            header(say(get(100, "./DevInfo/Man")), next),
            header(say(get(100, "./DevInfo/Man")), "<Data>200</Data>"),
            say(""),
        ],
        NOW,
    );
    assert_eq!(shown(&messages), [false, true, true, true]);
    assert!(messages[1].contains(ANSWER));
    assert!(!messages[2].contains(ANSWER), "there is a new nonce");
}

#[test]
fn the_next_session_begins_with_the_last_nonce_and_a_stale_one_is_answered_once() {
    let (mut twin, mut fake) = enrolled();
    converse(
        &mut twin,
        &mut fake,
        [challenge(407), header(say(""), "<Data>212</Data>")],
        NOW,
    );
    let messages = converse(&mut twin, &mut fake, [header(say(""), "<Data>212</Data>")], NOW);
    assert_eq!(shown(&messages), [true]);
    let messages = converse(
        &mut twin,
        &mut fake,
        [challenge(401), header(say(""), "<Data>212</Data>")],
        NOW,
    );
    assert_eq!(shown(&messages), [true, true]);
    assert_eq!(twin.complaints().kept(), []);
    let messages = converse(&mut twin, &mut fake, [challenge(401), challenge(401)], NOW);
    assert_eq!(messages.len(), 2, "and not for ever");
    assert_eq!(twin.complaints().kept(), [Complaint::Credentials]);
    assert_eq!(twin.history().last(), Some(&Event::SessionFailed));
}

#[test]
fn challenges_that_cannot_be_answered() {
    let basic =
        "<Chal><Meta><Type xmlns=\"syncml:metinf\">syncml:auth-basic</Type></Meta></Chal><Data>407</Data>";
    for (header, expected) in [
        ("<Data>407</Data>", Complaint::Challenge),
        (basic, Complaint::Challenge),
    ] {
        let (mut twin, mut fake) = enrolled();
        let mut said = challenge(407);
        said.header = header;
        let messages = converse(&mut twin, &mut fake, [said], NOW);
        assert_eq!(messages.len(), 1);
        assert_eq!(twin.complaints().kept(), [expected]);
        assert!(!messages.concat().contains("correct-horse"));
    }
}

#[test]
fn commands_beside_a_challenge_are_not_done() {
    let (mut twin, mut fake) = enrolled();
    let mut said = challenge(407);
    said.commands = get(100, "./DevInfo/Man");
    let messages = converse(
        &mut twin,
        &mut fake,
        [said, header(say(""), "<Data>212</Data>")],
        NOW,
    );
    assert!(!messages[1].contains("<Results>"));
    assert_eq!(twin.complaints().kept(), [Complaint::CommandsWithChallenge]);
}
