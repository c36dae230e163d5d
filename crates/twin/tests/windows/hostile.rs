//! No message of a server makes a twin panic, or do what it must not.

use std::sync::LazyLock;

use ordain_twin::windows::{Response, Standing, Twin, Value};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;
use proptest::prelude::*;

use crate::fake::{
    Fake, HOST, NOW, OTHER, PROVIDER, SYNCML, VPN, WIFI, command, converse, enrolled, linked,
    linked_converse, list, place, reply, run, say, twin, way, wifi,
};

/// Pieces of messages, good and bad.
fn piece() -> impl Strategy<Value = String> {
    let uri = prop::sample::select(vec![
        "./DevInfo/Man",
        "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera",
        "./User/Vendor/MSFT/WiFi/Profile/A/WlanXml",
        "./Vendor/MSFT/VPNv2/A/ProfileXML",
        "./Vendor/MSFT/DMClient/Provider/ExampleMDM/Poll/NumberOfFirstRetries",
        "./Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion",
        "./Vendor/MSFT/DMClient/Provider/ExampleMDM/Unenroll",
        "./Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RenewNow",
        "./Vendor/MSFT/RemoteWipe/doWipe",
        "./Vendor/MSFT/Reboot/RebootNow",
        "./Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/A/Policy/F",
        "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B88888888-0000-4000-8000-000000000001%7D/DownloadInstall",
        "./Vendor/MSFT/Policy?list=StructData",
        "./",
        ".",
        "",
        "./Vendor//MSFT",
        "./%FF",
        "/x",
    ]);
    let data = prop::sample::select(vec![
        "",
        "0",
        "-1",
        "99999999999999999999",
        "&lt;a/&gt;",
        "&lt;!DOCTYPE a&gt;",
        "é\u{1F600}",
        "=cmd()",
        "' OR 1=1 --",
        "<a><b/></a>",
    ]);
    let verb = prop::sample::select(vec![
        "Add", "Replace", "Delete", "Get", "Exec", "Copy", "Results", "Status", "Alert",
    ]);
    let format = prop::sample::select(vec!["chr", "int", "bool", "b64", "xml", "node", "null", "??"]);
    let leaf = (verb, uri, data, format, 0u32..6, any::<bool>(), prop::option::of(0u64..100_000)).prop_map(
        |(verb, uri, data, format, id, more, size)| {
            let more = if more { "<MoreData/>" } else { "" };
            let size = size.map_or(String::new(), |size| format!("<Size xmlns=\"syncml:metinf\">{size}</Size>"));
            format!(
                "<{verb}><CmdID>{id}</CmdID><Item><Target><LocURI>{uri}</LocURI></Target><Meta><Format xmlns=\"syncml:metinf\">{format}</Format>{size}</Meta><Data>{data}</Data>{more}</Item></{verb}>"
            )
        },
    );
    leaf.prop_recursive(3, 12, 4, |inner| {
        (
            prop::sample::select(vec!["Atomic", "Sequence", "Alert"]),
            0u32..9,
            prop::collection::vec(inner, 0..4),
        )
            .prop_map(|(name, id, inside)| format!("<{name}><CmdID>{id}</CmdID>{}</{name}>", inside.concat()))
    })
}

/// What a server may send instead of an answer of the enrollment.
static ANSWERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut fake = Fake::new();
    let mut twin = twin();
    twin.enroll(way()).unwrap();
    let mut answers = Vec::new();
    while let Some(request) = twin.request(NOW) {
        let response = fake.answer(&request);
        answers.push(String::from_utf8(response.body.clone()).unwrap());
        twin.respond(&response, NOW);
    }
    answers
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sessions_end_whatever_is_said(script in prop::collection::vec((prop::collection::vec(piece(), 0..6), any::<bool>()), 0..5)) {
        let (mut twin, mut fake) = enrolled();
        fake.script = script
            .into_iter()
            .map(|(pieces, is_final)| {
                let mut said = say(pieces.concat());
                said.is_final = is_final;
                said
            })
            .collect();
        twin.push(NOW);
        run(&mut twin, &mut fake, NOW);
        // It is still one of these, and can be asked again.
        prop_assert!(matches!(twin.standing(), Standing::Enrolled | Standing::Unenrolled | Standing::Wiped));
        twin.push(NOW + 1);
        fake.script.clear();
        run(&mut twin, &mut fake, NOW + 1);
    }

    #[test]
    fn broken_answers_of_a_session_do_nothing(at in any::<prop::sample::Index>(), with in "[<>&\"/= a-z0-9é]{0,4}", cut in any::<bool>()) {
        let (mut twin, _) = enrolled();
        twin.push(NOW);
        let request = twin.request(NOW).unwrap();
        let said = say(crate::fake::command("Replace", 100, "./Vendor/MSFT/Policy/Config/System/A", "int", "1"));
        let text = reply(&String::from_utf8(request.body).unwrap(), &said);
        let at = text.floor_char_boundary(at.index(text.len()));
        let rest = if cut { "" } else { &text[at..] };
        let response = Response::new(200, SYNCML, format!("{}{with}{rest}", &text[..at]));
        twin.respond(&response, NOW);
        while twin.request(NOW).is_some() {
            twin.interrupted(NOW);
        }
        prop_assert_eq!(twin.standing(), Standing::Enrolled);
    }

    #[test]
    fn broken_answers_of_an_enrollment_enroll_nobody(step in 1usize..4, at in any::<prop::sample::Index>(), with in "[<>&\"/= a-z0-9é]{0,4}", cut in 0usize..40) {
        let mut fake = Fake::new();
        let mut twin = twin();
        twin.enroll(way()).unwrap();
        for number in 0.. {
            let Some(request) = twin.request(NOW) else { break };
            let mut response = fake.answer(&request);
            if number == step {
                let text = String::from_utf8(response.body.clone()).unwrap();
                let at = text.floor_char_boundary(at.index(text.len()));
                let end = text.floor_char_boundary((at + cut).min(text.len()));
                response = Response::new(200, crate::fake::SOAP, format!("{}{with}{}", &text[..at], &text[end.max(at)..]));
            }
            twin.respond(&response, NOW);
        }
        prop_assert!(matches!(twin.standing(), Standing::Enrolled | Standing::Refused));
        prop_assert_eq!(twin.account().is_some(), twin.standing() == Standing::Enrolled);
        prop_assert!(!ANSWERS.is_empty());
    }
}

/// F6: an answer that was for another request is none.
#[test]
fn an_answer_to_something_else_is_refused() {
    for (step, other) in [(1usize, 3usize), (2, 1), (3, 2)] {
        let mut fake = Fake::new();
        let mut twin = twin();
        twin.enroll(way()).unwrap();
        for number in 0.. {
            let Some(request) = twin.request(NOW) else { break };
            let mut response = fake.answer(&request);
            if number == step {
                response = Response::new(200, crate::fake::SOAP, ANSWERS[other].clone());
            }
            twin.respond(&response, NOW);
        }
        assert_eq!(twin.standing(), Standing::Refused, "{step}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is done to documents, and whatever time passes: the end of the linked enrollment leaves what was there
    /// before, and lists are of what is there.
    #[test]
    fn documents_leave_nothing_behind(
        before in prop::collection::vec(any::<bool>(), 4),
        steps in prop::collection::vec((0..6u8, 0..3usize, prop::collection::vec(any::<bool>(), 4), 0..20_000i64), 0..16),
    ) {
        let node = |one: usize| format!("./Device/Vendor/MSFT/WiFi/Profile/{}/WlanXml", NAMES[one]);
        let (mut twin, mut fake) = linked();
        for (one, _) in before.iter().enumerate().filter(|(_, is)| **is) {
            twin.set(LocUri::parse(&node(one)).unwrap(), Value { format: Format::Xml, data: "before".to_owned() });
        }
        let all = |twin: &Twin| (0..4).map(|one| twin.value(&node(one), NOW)).collect::<Vec<_>>();
        let original = all(&twin);
        let mut now = NOW;
        for (what, which, some, pause) in steps {
            now += pause;
            let id = [VPN, WIFI, OTHER][which];
            let abandoned = format!("{HOST}/Complete/Documents/{id}/Properties/Abandoned");
            let commands = match what {
                0..=2 => {
                    let wanted: Vec<_> = NAMES.iter().zip(&some).filter(|(_, is)| **is).map(|(one, _)| (*one, *one)).collect();
                    command("Replace", 100, &place("Complete", id), "chr", &wifi(&format!("V{pause}"), &wanted).replace(WIFI, id))
                }
                3 => command("Replace", 100, &abandoned, "int", "1"),
                4 => command("Replace", 100, &abandoned, "int", "0"),
                _ => { twin.remove(&LocUri::parse(&node(which)).unwrap()); String::new() }
            };
            let messages = linked_converse(&mut twin, &mut fake, [say(commands)], now);
            for message in &messages {
                let lines = list(message).unwrap();
                prop_assert!(lines.len() <= 3);
                prop_assert!(lines.iter().all(|line| [1, 2, 60].contains(&line.state)), "{:?}", lines);
            }
        }
        converse(&mut twin, &mut fake, [say(command("Exec", 100, &format!("{PROVIDER}/Unenroll"), "null", ""))], now);
        prop_assert!(twin.linked().is_none());
        // What somebody took away behind the service's back comes back, too, if a document knew it.
        for (before, after) in original.iter().zip(all(&twin)) {
            prop_assert!(after.is_none() || after == *before, "{:?} {:?}", before, after);
        }
    }
}

const NAMES: [&str; 4] = ["A", "B", "C", "D"];
