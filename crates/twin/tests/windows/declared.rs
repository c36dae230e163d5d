//! F4: documents, over a server of raw XML.

use ordain_twin::windows::{Fault, Quirks, Value};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::status::StatusCode;

use crate::fake::{
    Computer, HOST, LAB_XML, NOW, OTHER, SERVERS, VPN, WIFI, code, command, csp, document, get, list,
    outcome, place, profile, replace, results, say, uri, vpn, wifi,
};

const VPN_NODE: &str = "./Device/Vendor/MSFT/VPNv2/LabVPN";
const UNEXPECTED: &str = "0x8000FFFF";

/// F4.1, F4.2, F4.9 and F4.10, as the examples 6 and 7 have it.
#[test]
fn a_document_is_accepted_at_once_and_applied_later() {
    let mut pc = Computer::linked();
    let read = get(101, &place("Complete", VPN));
    let text = vpn("V1", "LabVPN");
    let messages = pc.linked_converse([replace(100, "Complete", VPN, &text), say(read)], NOW);
    assert_eq!(list(&messages[0]), Some(Vec::new()), "an empty list");
    assert_eq!(code(&messages[1], 100), 200);
    for message in &messages[1..] {
        let lines = list(message).unwrap();
        assert_eq!(
            (lines.len(), lines[0].id.as_str(), lines[0].checksum.as_str()),
            (1, VPN, "V1")
        );
        assert_eq!((lines[0].state, lines[0].result.as_str()), (1, ""));
    }
    assert_eq!(results(&messages[2], 101)[0].2, text, "read back as it was sent");
    assert_eq!(
        pc.twin.value(SERVERS, NOW),
        None,
        "nothing is applied in a session"
    );
    // Each state can be seen.
    let (state, parts) = outcome(&pc.result("Complete", VPN, NOW));
    assert_eq!((state, parts), (1, vec![]), "there is no result yet");
    assert_eq!(pc.states(NOW + 1), [2]);
    assert_eq!(pc.twin.value(SERVERS, NOW + 1), None);
    let line = pc.listed(NOW + 2).remove(0);
    assert_eq!(line.state, 60);
    assert_eq!(pc.twin.value(SERVERS, NOW + 2).unwrap().data, "vpn.example.org");
    assert!(
        line.result.len() == 64
            && line
                .result
                .bytes()
                .all(|one| matches!(one, b'0'..=b'9' | b'A'..=b'F'))
    );
    let text = pc.result("Complete", VPN, NOW + 3);
    assert!(text.contains(&format!("result_checksum=\"{}\"", line.result)));
    assert!(
        text.contains("operation=\"Set\"") && text.contains("checksum=\"V1\"") && text.contains("MSFTVPN")
    );
    assert!(text.contains("result_timestamp=\"2026-"));
    let (state, parts) = outcome(&text);
    assert_eq!((state, parts.len()), (60, 3));
    assert!(
        parts
            .iter()
            .all(|(_, status, state, value)| status == "200" && *state == 60 && value.is_empty())
    );
    // Names in another case are the same document.
    let upper = place("Complete", &VPN.to_ascii_uppercase());
    let messages = pc.linked_converse([say(get(100, &upper))], NOW + 4);
    assert_eq!(results(&messages[1], 100)[0].0, upper);
    // The same once more changes nothing.
    assert_eq!(pc.send("Complete", VPN, &vpn("V1", "LabVPN"), NOW + 5).0, 200);
    assert_eq!(pc.listed(NOW + 5), [line]);
    // With other content it is another one, whatever the checksum.
    assert_eq!(pc.send("Complete", VPN, &vpn("V1", "Other"), NOW + 6).0, 200);
    let line = pc.listed(NOW + 6).remove(0);
    assert_eq!((line.state, line.result.as_str()), (1, ""));
    assert_eq!(pc.twin.complaints().kept(), []);
}

/// F4.1: the table of section 3.4.
#[test]
fn what_is_wrong_with_a_document_is_told_at_once() {
    let mut pc = Computer::linked();
    let good = vpn("V1", "LabVPN");
    let mut refused = |request: &str, id: &str, text: &str| {
        let answer = pc.send(request, id, text, NOW);
        assert_eq!(pc.listed(NOW), [], "{text}");
        answer
    };
    let unexpected = (500, Some(UNEXPECTED.to_owned()));
    let dsc = "<DSC namespace=\"root\" className=\"X\"><Key name=\"a\">b</Key></DSC>";
    for text in [
        "no".to_owned(),
        good.replace("</DeclaredConfiguration>", ""),
        good.replace("schema=\"1.0\"", "schema=\"2.0\""),
        good.replace("checksum=\"V1\"", ""),
        good.replace(VPN, OTHER),
        good.replace("MSFTVPN", "MSFTNothing"),
        good.replace("MSFTVPN", "MSFTPolicies"),
        document(VPN, "V1", "MSFTVPN", ""),
        document(VPN, "V1", "MSFTVPN", dsc),
        document(
            VPN,
            "V1",
            "MSFTInventory",
            &csp("CertificateStore", &[("My", "node", "")]),
        ),
    ] {
        assert_eq!(refused("Complete", VPN, &text), unexpected, "{text}");
    }
    assert_eq!(refused("Inventory", VPN, &good), unexpected);
    let elsewhere = good.replace("\"Device\"", "\"User\"");
    assert_eq!(
        refused("Complete", VPN, &elsewhere),
        (500, Some("0x80070002".to_owned()))
    );
    let name = "5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D9";
    assert_eq!(refused("Complete", name, &good.replace(VPN, name)).0, 405);
    // A draft's scenario, where the build knows it; the same id in another place.
    *pc.twin.quirks_mut() = Quirks {
        draft_scenarios: true,
        ..Quirks::default()
    };
    let policy = csp("Policy", &[("Config/Camera/AllowCamera", "int", "0")]);
    pc.apply(VPN, &document(VPN, "V1", "msftPOLICIES", &policy), NOW + 20);
    assert_eq!(pc.states(NOW + 20), [60]);
    let inventory = document(
        VPN,
        "V1",
        "MSFTInventory",
        &csp("CertificateStore", &[("My", "node", "")]),
    );
    assert_eq!(pc.send("Inventory", VPN, &inventory, NOW + 20), unexpected);
}

#[test]
fn commands_that_documents_do_not_take() {
    let mut pc = Computer::linked();
    pc.apply_vpn(NOW + 10);
    let abandoned = format!("{HOST}/Complete/Documents/{OTHER}/Properties/Abandoned");
    let result_of = format!("{HOST}/Complete/Results/{VPN}/Document");
    let unknown = format!("{HOST}/Complete/Results/{OTHER}/Document");
    let commands = [
        command("Add", 100, &place("Complete", VPN), "chr", &vpn("V2", "LabVPN")),
        command("Replace", 101, &abandoned, "int", "1"),
        command("Replace", 102, &result_of, "chr", "x"),
        get(103, &unknown),
        command("Delete", 104, &place("Complete", OTHER), "", ""),
        command("Delete", 105, &result_of, "", ""),
        command("Exec", 106, &place("Complete", VPN), "", ""),
        get(107, &format!("{HOST}/Complete/Documents")),
        command("Replace", 108, &place("Complete", VPN), "int", "1"),
    ];
    let messages = pc.linked_converse([say(commands.concat())], NOW + 20);
    let codes: Vec<_> = (100..=108).map(|id| code(&messages[1], id)).collect();
    assert_eq!(codes, [418, 404, 405, 404, 404, 405, 405, 200, 415]);
    assert_eq!(results(&messages[1], 107)[0].2, VPN);
}

/// F4.4 and F4.5.
#[test]
fn one_bad_setting_fails_the_document_and_its_own_resource() {
    let mut pc = Computer::linked();
    let text = wifi("W1", &[("Lab", "Lab"), ("Guest", "Other")]);
    pc.apply(WIFI, &text, NOW + 10);
    let (state, parts) = outcome(&pc.result("Complete", WIFI, NOW + 10));
    let told: Vec<_> = parts
        .iter()
        .map(|(path, status, state, _)| (path.as_str(), status.as_str(), *state))
        .collect();
    assert_eq!(state, 61);
    assert_eq!(
        told,
        [
            ("Profile/Lab/WlanXml", "200", 60),
            ("Profile/Guest/WlanXml", "0x80070057", 61)
        ]
    );
    assert!(pc.twin.value(LAB_XML, NOW).is_some());
    // A VPN profile is there as a whole or not at all.
    let broken = vpn("V2", "LabVPN").replace("NativeProfile/Servers", "NativeProfile/Servrs");
    pc.apply(VPN, &broken, NOW + 30);
    let (state, parts) = outcome(&pc.result("Complete", VPN, NOW + 30));
    let told: Vec<_> = parts
        .iter()
        .map(|(_, status, state, _)| (status.as_str(), *state))
        .collect();
    assert_eq!((state, told), (61, vec![("404", 61), ("216", 61), ("216", 61)]));
    assert_eq!(pc.twin.value(VPN_NODE, NOW + 30), None);
    // A CSP that is not the scenario's.
    let other = document(
        OTHER,
        "X",
        "MSFTWifi",
        &csp("VPNv2", &[("A/AlwaysOn", "bool", "true")]),
    );
    pc.apply(OTHER, &other, NOW + 50);
    let (state, parts) = outcome(&pc.result("Complete", OTHER, NOW + 50));
    assert_eq!((state, parts[0].1.as_str()), (61, "404"));
}

#[test]
fn a_document_may_be_atomic() {
    let mut pc = Computer::linked();
    pc.twin.quirks_mut().atomic_documents = true;
    pc.apply(WIFI, &wifi("W1", &[("Lab", "Lab"), ("Guest", "Other")]), NOW + 10);
    let (_, parts) = outcome(&pc.result("Complete", WIFI, NOW + 10));
    assert_eq!(parts[0].1, "216");
    assert_eq!(pc.twin.value(LAB_XML, NOW), None);
}

/// F4.3, F5.7.
#[test]
fn what_takes_long_is_pending_and_failures_have_their_codes() {
    let mut pc = Computer::linked();
    pc.twin.slow(uri(VPN_NODE), 600);
    pc.send("Complete", VPN, &vpn("V1", "LabVPN"), NOW);
    assert_eq!(pc.states(NOW + 100), [3]);
    assert_eq!(pc.twin.value(VPN_NODE, NOW + 100), None);
    assert_eq!(pc.states(NOW + 602), [60]);
    // A certificate by SCEP is there when the server has issued it.
    let scep = csp(
        "ClientCertificateInstall",
        &[
            (
                "SCEP/lab/Install/ServerURL",
                "chr",
                "https://scep.example.org/scep",
            ),
            ("SCEP/lab/Install/KeyLength", "int", "2048"),
            ("SCEP/lab/Install/Enroll", "null", ""),
        ],
    );
    let scep = document(OTHER, "S1", "MSFTClientCertificateInstall", &scep);
    pc.send("Complete", OTHER, &scep, NOW + 700);
    assert_eq!(pc.states(NOW + 730), [60, 3]);
    assert_eq!(pc.states(NOW + 770), [60, 60]);
    // A code that a test wants.
    pc.twin.inject(Fault {
        node: uri("./Device/Vendor/MSFT/WiFi"),
        verb: None,
        status: StatusCode::COMMAND_FAILED,
        original_error: Some(0x8007_0005),
        times: Some(1),
    });
    pc.apply_wifi(NOW + 800);
    let (state, parts) = outcome(&pc.result("Complete", WIFI, NOW + 800));
    assert_eq!((state, parts[0].1.as_str()), (61, "0x80070005"));
}

#[test]
fn the_machinery_may_fail_and_some_documents_are_applied_once() {
    let mut pc = Computer::linked();
    pc.twin.fail_service(1);
    let text = wifi("W1", &[("Lab", "Lab")]);
    pc.apply(WIFI, &text, NOW + 10);
    assert_eq!(pc.states(NOW + 10), [62]);
    // Sending it again helps then, with the same checksum, too.
    pc.apply(WIFI, &text, NOW + 30);
    assert_eq!(pc.states(NOW + 30), [60]);
    pc.twin.one_time("msftVPN");
    pc.apply_vpn(NOW + 50);
    assert_eq!(pc.states(NOW + 50), [63, 60]);
    // And deleting may.
    pc.twin.keep_deleted(true);
    pc.linked_converse(
        [say(command("Delete", 100, &place("Complete", WIFI), "", ""))],
        NOW + 51,
    );
    assert_eq!(pc.states(NOW + 60), [63, 71]);
    pc.twin.keep_deleted(false);
    pc.twin.fail_service(1);
    pc.linked_converse(
        [say(command("Delete", 100, &place("Complete", WIFI), "", ""))],
        NOW + 61,
    );
    assert_eq!(pc.states(NOW + 70), [63, 72]);
}

/// F4.2: documents outlive reboots; what the service was at, it does again.
#[test]
fn the_service_may_stop_crash_and_be_rebooted() {
    let mut pc = Computer::linked();
    pc.twin.crash_service();
    pc.apply_wifi(NOW + 10);
    assert!(pc.twin.value(LAB_XML, NOW).is_some(), "applied");
    assert_eq!(pc.states(NOW + 1000), [2], "and never said");
    pc.twin.reboot(NOW + 1000);
    assert_eq!(pc.states(NOW + 1010), [60]);
    pc.twin.stop_service();
    pc.send("Complete", VPN, &vpn("V1", "LabVPN"), NOW + 1100);
    assert_eq!(pc.states(NOW + 2000), [1, 60]);
    pc.twin.start_service(NOW + 2000);
    assert_eq!(pc.states(NOW + 2000), [60, 60]);
    pc.twin.lose_documents();
    assert_eq!(pc.listed(NOW + 2001), []);
    assert!(pc.twin.value(VPN_NODE, NOW + 2001).is_some(), "what it set stays");
}

/// F4.10.
#[test]
fn a_device_without_documents_may_send_no_list() {
    let mut pc = Computer::linked();
    pc.twin.quirks_mut().omits_empty_list = true;
    let messages = pc.linked_converse([replace(100, "Complete", VPN, &vpn("V1", "LabVPN"))], NOW);
    assert_eq!(list(&messages[0]), None);
    assert_eq!(list(&messages[1]).unwrap().len(), 1);
}

/// F4.10: in each message, also of an answer that does not fit into one (example 15).
#[test]
fn each_message_has_the_list() {
    let mut pc = Computer::linked();
    let long = |id: &str| {
        let comment = format!("<!-- {} -->", "x".repeat(50_000));
        wifi("W1", &[("Lab", "Lab")])
            .replace(WIFI, id)
            .replace("<CSP", &format!("{comment}<CSP"))
    };
    for id in [WIFI, OTHER] {
        pc.apply(id, &long(id), NOW + 10);
    }
    let gets = get(100, &place("Complete", WIFI)) + &get(101, &place("Complete", OTHER));
    let mut more = say("<Alert><CmdID>90</CmdID><Data>1222</Data></Alert>");
    more.is_final = false;
    let messages = pc.linked_converse([say(gets), more, say("")], NOW + 20);
    assert_eq!(messages.len(), 3);
    assert!(
        messages
            .iter()
            .all(|message| list(message).unwrap().len() == 2 && message.len() <= 64 << 10)
    );
    assert!(!messages[1].contains("<Final/>") && messages[2].contains("<Final/>"));
    assert_eq!(pc.twin.complaints().kept(), []);
}

/// The user's documents are set in the user's part of the tree.
#[test]
fn a_document_of_the_user() {
    let mut pc = Computer::linked();
    let text = vpn("V1", "LabVPN").replace("\"Device\"", "\"user\"");
    let place = place("Complete", VPN).replace("./Device/", "./User/");
    let messages = pc.linked_converse([say(command("Replace", 100, &place, "chr", &text))], NOW);
    assert_eq!(code(&messages[1], 100), 200);
    assert_eq!(pc.states(NOW + 10), [60]);
    assert!(
        pc.twin
            .value("./User/Vendor/MSFT/VPNv2/LabVPN/AlwaysOn", NOW)
            .is_some()
    );
    assert_eq!(pc.twin.value(&format!("{VPN_NODE}/AlwaysOn"), NOW), None);
}

/// F4.6.
#[test]
fn what_a_new_version_does_not_name_is_removed() {
    let mut pc = Computer::linked();
    pc.apply(WIFI, &wifi("W1", &[("Lab", "Lab"), ("Guest", "Guest")]), NOW + 10);
    pc.apply_vpn(NOW + 30);
    pc.apply(WIFI, &wifi("W2", &[("Guest", "Guest")]), NOW + 50);
    assert_eq!(pc.twin.value(LAB_XML, NOW), None);
    assert_eq!(
        pc.twin
            .value("./Device/Vendor/MSFT/WiFi/Profile/Guest/WlanXml", NOW),
        Some(Value {
            format: Format::Xml,
            data: profile("Guest")
        })
    );
    // A setting of a profile that stays, and a profile under another name.
    let fewer = vpn("V2", "LabVPN").replace("<URI path=\"LabVPN/AlwaysOn\" type=\"Bool\">true</URI>", "");
    pc.apply(VPN, &fewer, NOW + 70);
    assert_eq!(pc.twin.value(&format!("{VPN_NODE}/AlwaysOn"), NOW), None);
    assert!(pc.twin.value(SERVERS, NOW).is_some());
    pc.apply(VPN, &vpn("V3", "Renamed"), NOW + 90);
    assert_eq!(pc.twin.value(VPN_NODE, NOW), None);
    assert_eq!(pc.states(NOW + 90), [60, 60]);
}
