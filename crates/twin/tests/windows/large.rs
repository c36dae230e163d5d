//! F2.8: large objects both ways.

use std::sync::Arc;

use ordain_twin::windows::{Complaint, Limits, Pc, Settings, Twin, Value};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::chunk::ChunkError;
use ordain_windows::syncml::loc_uri::LocUri;

use crate::fake::{Fake, NOW, Say, code, converse, get, keys, results, run, say, way};

const NODE: &str = "./Device/Vendor/MSFT/VPNv2/Lab/ProfileXML";

/// A twin with small messages.
fn enrolled() -> (Twin, Fake) {
    let limits = Limits {
        message: 8192,
        object: 50_000,
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    let mut twin = Twin::new(Pc::new(1, 0), settings, Arc::new(keys()));
    let mut fake = Fake::new();
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    (twin, fake)
}

/// The server asks for the rest.
fn more() -> Say {
    let mut said = say("<Alert><CmdID>90</CmdID><Data>1222</Data></Alert>");
    said.is_final = false;
    said
}

/// A part of data for a node.
fn part(id: u32, uri: &str, size: Option<usize>, data: &str, more: bool) -> Say {
    let size = size.map_or(String::new(), |size| {
        format!("<Size xmlns=\"syncml:metinf\">{size}</Size>")
    });
    let mut said = say(format!(
        "<Add><CmdID>{id}</CmdID><Item><Target><LocURI>{uri}</LocURI></Target><Meta><Format xmlns=\"syncml:metinf\">chr</Format>{size}</Meta><Data>{data}</Data>{}</Item></Add>",
        if more { "<MoreData/>" } else { "" }
    ));
    said.is_final = !more;
    said
}

#[test]
fn a_result_that_is_too_large_goes_in_parts() {
    let (mut twin, mut fake) = enrolled();
    // Characters that take more room when they are written, and such of several octets.
    let data = "<é&x>".repeat(4000);
    twin.set(
        LocUri::parse(NODE).unwrap(),
        Value {
            format: Format::Chr,
            data: data.clone(),
        },
    );
    let ask = [get(100, NODE), get(101, "./DevInfo/Man")].concat();
    let script = std::iter::once(say(ask)).chain((0..12).map(|_| more()));
    fake.script = script.collect();
    fake.requests.clear();
    twin.push(NOW);
    run(&mut twin, &mut fake, NOW);
    let messages = fake.messages();
    assert!(messages.iter().all(|message| message.len() <= 8192));
    let parts: Vec<&String> = messages
        .iter()
        .filter(|message| message.contains("<CmdRef>100</CmdRef>"))
        .collect();
    let got: String = parts
        .iter()
        .flat_map(|message| results(message, 100))
        .map(|(_, _, data)| data)
        .collect();
    assert_eq!(got, data);
    let sizes = messages
        .iter()
        .filter(|message| message.contains("<Size "))
        .count();
    assert_eq!(sizes, 1, "the first part tells the size");
    assert!(
        messages[1].contains(&format!(">{}</Size>", data.len()))
            || messages[2].contains(&format!(">{}</Size>", data.len()))
    );
    let unfinished = messages.iter().filter(|message| message.contains("<MoreData/>"));
    assert!(unfinished.clone().count() > 3);
    assert!(unfinished.clone().all(|message| !message.contains("<Final/>")));
    let others: usize = messages.iter().map(|message| results(message, 101).len()).sum();
    assert_eq!(others, 1, "what fits is sent as it is");
    assert_eq!(twin.complaints().kept(), []);
}

#[test]
fn the_rest_has_to_be_asked_for() {
    let (mut twin, mut fake) = enrolled();
    let data = "x".repeat(20_000);
    twin.set(
        LocUri::parse(NODE).unwrap(),
        Value {
            format: Format::Chr,
            data,
        },
    );
    converse(&mut twin, &mut fake, [say(get(100, NODE)), say("")], NOW);
    assert_eq!(twin.complaints().kept(), [Complaint::RestNotWanted]);
    // And a part is answered with 213.
    let mut said = more();
    said.statuses = false;
    converse(
        &mut twin,
        &mut fake,
        [say(get(100, NODE)), said, more(), more()],
        NOW,
    );
    let complaints = twin.complaints().kept();
    assert!(
        complaints
            .iter()
            .any(|one| matches!(one, Complaint::NoStatus { name, .. } if name == "Results")),
        "{complaints:?}"
    );
}

#[test]
fn data_of_several_messages_are_put_together() {
    let (mut twin, mut fake) = enrolled();
    let data = "0123456789".repeat(1500);
    let script = [
        part(100, NODE, Some(15_000), &data[..6000], true),
        part(100, NODE, None, &data[6000..12_000], true),
        part(100, NODE, None, &data[12_000..], false),
    ];
    let messages = converse(&mut twin, &mut fake, script, NOW);
    assert_eq!(
        [1, 2, 3].map(|at: usize| code(&messages[at], 100)),
        [213, 213, 200]
    );
    for message in &messages[1..3] {
        assert!(
            message.contains("<Data>1222</Data>") && !message.contains("<Final/>"),
            "{message}"
        );
    }
    assert!(messages[3].contains("<Final/>"));
    assert_eq!(twin.value(NODE, NOW).unwrap().data, data);
    assert_eq!(twin.complaints().kept(), []);
}

#[test]
fn data_that_do_not_come_together() {
    let other = "./Device/Vendor/MSFT/VPNv2/Other/ProfileXML";
    let cases: [(Vec<Say>, u16, Option<ChunkError>); 5] = [
        (
            vec![part(100, NODE, None, "abc", true)],
            412,
            Some(ChunkError::NoSize),
        ),
        (vec![part(100, NODE, Some(60_000), "abc", true)], 413, None),
        (
            vec![
                part(100, NODE, Some(10), "abc", true),
                part(100, NODE, None, "def", false),
            ],
            424,
            Some(ChunkError::SizeMismatch),
        ),
        (
            vec![
                part(100, NODE, Some(6), "abc", true),
                part(100, other, None, "def", false),
            ],
            400,
            Some(ChunkError::NoEndOfData),
        ),
        (
            vec![
                part(100, NODE, Some(6), "abc", true),
                say(get(100, "./DevInfo/Man")),
            ],
            200,
            Some(ChunkError::NoEndOfData),
        ),
    ];
    for (mut script, expected, error) in cases {
        let (mut twin, mut fake) = enrolled();
        script.last_mut().unwrap().is_final = true;
        let length = script.len();
        let messages = converse(&mut twin, &mut fake, script, NOW);
        assert_eq!(code(&messages[length], 100), expected);
        let complaint = error.map(Complaint::Chunk);
        assert_eq!(twin.complaints().kept(), complaint.as_slice(), "{expected}");
        let tells = messages[length].contains("<Data>1225</Data>");
        assert_eq!(
            tells,
            error == Some(ChunkError::NoEndOfData),
            "{}",
            messages[length]
        );
        assert_eq!(twin.value(NODE, NOW), None);
    }
}
