//! What the server answers to a message of a session, taken apart by the few lines of [`crate::windows_element`]. What
//! Windows depends on is checked: who is meant, a status for each of its commands, in their order, numbers that are there
//! once, one `Final`.

use std::collections::BTreeSet;

use crate::client::Answer;
use crate::windows_element::Element;
use crate::windows_wire::SYNCML;

/// What is done is not status, result or end.
pub(crate) fn is_command(element: &&Element) -> bool {
    !["Status", "Results", "Final"].contains(&element.name.as_str())
}

/// The answer to `message`: examples 3.4 and 3.6.
#[track_caller]
pub(crate) fn answer_to(message: &str, answer: &Answer) -> Element {
    assert_eq!(answer.header("content-type"), Some(SYNCML));
    let text = answer.text();
    for name in ["Format", "Type", "Size", "NextNonce"] {
        assert!(!text.contains(&format!("<{name}>")), "of syncml:metinf: {text}");
    }
    let (said, heard) = (Element::parse(message), Element::parse(text));
    for (path, value) in [
        ("SyncHdr/VerDTD", "1.2"),
        ("SyncHdr/VerProto", "DM/1.2"),
        ("SyncHdr/SessionID", said.at("SyncHdr/SessionID")),
        ("SyncHdr/Target/LocURI", said.at("SyncHdr/Source/LocURI")),
        ("SyncHdr/Source/LocURI", said.at("SyncHdr/Target/LocURI")),
    ] {
        assert_eq!(heard.at(path), value, "{path}");
    }
    let body = &heard.find("SyncBody").expect("a body").children;
    assert!(body.iter().rev().skip(1).all(|it| it.name != "Final"), "{text}");
    let mut numbers = BTreeSet::new();
    for element in body.iter().filter(|it| it.name != "Final") {
        let number: u32 = element.at("CmdID").parse().expect("a number");
        assert!(number > 0 && numbers.insert(number), "{number} twice: {text}");
    }
    let statuses: Vec<&Element> = body.iter().filter(|it| it.name == "Status").collect();
    let number = said.at("SyncHdr/MsgID");
    assert!(
        statuses.iter().all(|status| status.at("MsgRef") == number),
        "{text}"
    );
    let refers = |status: &&Element| (status.at("CmdRef").to_owned(), status.at("Cmd").to_owned());
    let mut told: Vec<_> = statuses.iter().map(refers).collect();
    let header = ("0".to_owned(), "SyncHdr".to_owned());
    if ["401", "407"].contains(&statuses[0].at("Data")) {
        // Nothing was done.
        assert_eq!(told[0], header);
        return heard;
    }
    // A part of a result is taken as a command is.
    let has_status = |it: &&Element| is_command(it) || it.find("Item/MoreData").is_some();
    let commands = said.find("SyncBody").expect("a body").children.iter();
    let commands = commands.filter(has_status);
    let commands = commands.map(|it| (it.at("CmdID").to_owned(), it.name.clone()));
    let expected: Vec<_> = [header].into_iter().chain(commands).collect();
    // Of other results one is told what is wrong with them.
    told.retain(|one| one.1 != "Results" || expected.contains(one));
    assert_eq!(told, expected, "a status for each, in their order: {text}");
    heard
}
