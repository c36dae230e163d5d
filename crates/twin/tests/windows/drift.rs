//! F5: what is looked after, when, and what a server can see of it.

use ordain_twin::windows::{Event, Fault, Quirks, Repair, Value};
use ordain_windows::declared::State;
use ordain_windows::syncml::Format;
use ordain_windows::syncml::status::StatusCode;

use crate::fake::{
    Computer, HOST, LAB, LAB_XML, Line, NOW, SERVERS, VPN, WIFI, code, command, get, list, outcome, place,
    profile, results, say, uri, wifi,
};

const HOUR: i64 = 3600;
const INTERVAL: &str =
    "./Device/Vendor/MSFT/DeclaredConfiguration/ManagementServiceConfiguration/RefreshInterval";

fn value(data: &str) -> Value {
    Value {
        format: Format::Chr,
        data: data.to_owned(),
    }
}

/// A computer with a Wi-Fi and a VPN document, both applied by `NOW`: the refresh is due 4 hours after the first came.
fn set_up() -> Computer {
    let mut pc = Computer::linked();
    pc.apply_wifi(NOW + 10);
    pc.apply_vpn(NOW + 30);
    pc
}

fn no_node_can_be_set(node: &str) -> Fault {
    Fault {
        node: uri(node),
        verb: None,
        status: StatusCode::COMMAND_FAILED,
        original_error: Some(0x8007_0005),
        times: None,
    }
}

/// F5.3 and F5.6, as example 8 has it.
#[test]
fn drift_is_repaired_with_the_refresh_and_unseen_before() {
    let mut pc = set_up();
    let before = pc.listed(NOW + 60);
    pc.twin.set(uri(SERVERS), value("evil.example.net"));
    pc.twin.remove(&uri(LAB));
    let at = NOW + 3 * HOUR;
    assert_eq!(pc.listed(at), before, "nobody has looked");
    assert_eq!(pc.twin.value(SERVERS, at).unwrap().data, "evil.example.net");
    let at = NOW + 4 * HOUR;
    assert!(pc.pass(at).is_empty(), "a repair is not worth a session");
    assert_eq!(pc.twin.value(SERVERS, at).unwrap().data, "vpn.example.org");
    assert_eq!(pc.twin.value(LAB_XML, at).unwrap().data, profile("Lab"));
    let after = pc.listed(at + 1);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((after.state, &after.checksum), (60, &before.checksum));
        assert_ne!(after.result, before.result);
    }
    let repaired = pc
        .twin
        .history()
        .iter()
        .filter(|event| matches!(event, Event::Repaired(_)));
    assert_eq!(repaired.count(), 2);
    // Nothing drifts, nothing changes.
    assert!(pc.pass(at + 4 * HOUR).is_empty() || at + 4 * HOUR >= NOW + 8 * HOUR);
    assert_eq!(pc.listed(at + 4 * HOUR), after);
}

#[test]
fn how_a_repair_shows_is_not_known() {
    for (repair, checksum, time) in [
        (Repair::ChecksumAndTime, true, true),
        (Repair::Time, false, true),
        (Repair::Nothing, false, false),
    ] {
        let mut pc = set_up();
        pc.twin.quirks_mut().repair = repair;
        let line = |lines: Vec<Line>| lines.into_iter().find(|line| line.id == VPN).unwrap().result;
        let before = line(pc.listed(NOW + 60));
        let text = pc.result("Complete", VPN, NOW + 60);
        pc.twin.set(uri(SERVERS), value("evil.example.net"));
        let at = NOW + 4 * HOUR + 60;
        let after = line(pc.listed(at));
        assert_eq!(after != before, checksum, "{repair:?}");
        let stamp = |text: &str| {
            text.split("result_timestamp=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        };
        let now = pc.result("Complete", VPN, at);
        assert_eq!(stamp(&now) != stamp(&text), time, "{repair:?}");
    }
}

/// F5.3: the device says at once what it cannot repair, and says it once.
#[test]
fn what_cannot_be_repaired_is_told_at_once() {
    for state in [State::CONFIG_COMPLETED_ERROR, State(64)] {
        let mut pc = set_up();
        *pc.twin.quirks_mut() = Quirks {
            drift_state: state,
            ..Quirks::default()
        };
        let before = pc.listed(NOW + 60);
        pc.twin.inject(no_node_can_be_set("./Device/Vendor/MSFT/WiFi"));
        pc.twin.remove(&uri(LAB));
        let at = NOW + 4 * HOUR;
        let messages = pc.pass(at);
        assert_eq!(messages.len(), 1, "a session of the device's own");
        let lines = list(&messages[0]).unwrap();
        let of = |id: &str| lines.iter().find(|line| line.id == id).unwrap();
        assert_eq!((of(WIFI).state, of(WIFI).checksum.as_str()), (state.0, "W1"));
        assert_eq!(
            Some(of(VPN)),
            before.iter().find(|line| line.id == VPN),
            "the other one is as it was"
        );
        assert_eq!(
            pc.twin
                .history()
                .iter()
                .filter(|event| **event == Event::Drifted(WIFI.to_owned()))
                .count(),
            1
        );
        let (_, parts) = outcome(&pc.result("Complete", WIFI, at));
        assert_eq!((parts[0].1.as_str(), parts[0].2), ("0x80070005", 61));
        // It stays so: nothing new is to be told.
        let sessions = pc.twin.linked().unwrap().sessions();
        let next = pc.twin.due().unwrap();
        pc.pass(at + 4 * HOUR - 1);
        assert!(at < next && next <= at + 4 * HOUR);
        let by_schedule = pc.twin.linked().unwrap().sessions() - sessions;
        assert!(by_schedule <= 1);
        // And once it can be repaired, it is.
        pc.twin.clear_faults();
        let lines = pc.listed(at + 9 * HOUR);
        assert!(lines.iter().all(|line| line.state == 60), "{lines:?}");
    }
}

/// F5.4: no server is needed.
#[test]
fn settings_are_looked_after_without_a_network() {
    let mut pc = set_up();
    pc.twin.set(uri(SERVERS), value("evil.example.net"));
    let at = NOW + 9 * HOUR;
    pc.twin.wake(at);
    while pc.twin.request(at).is_some() {
        pc.twin.interrupted(at);
    }
    assert_eq!(pc.twin.value(SERVERS, at).unwrap().data, "vpn.example.org");
}

/// F5.2.
#[test]
fn the_refresh_has_an_interval_and_is_there_only_for_documents() {
    let mut pc = Computer::linked();
    // Without documents, only schedules are due.
    let (primary, eight_hours) = (pc.twin.due().unwrap(), NOW + 8 * HOUR);
    assert!(primary < NOW + HOUR && eight_hours > primary);
    let messages = pc.linked_converse([say(get(100, INTERVAL))], NOW);
    assert_eq!(results(&messages[1], 100)[0].2, "240");
    let set = |pc: &mut Computer, data: &str, now| {
        let set = command("Replace", 100, INTERVAL, "int", data);
        code(&pc.linked_converse([say(set)], now)[1], 100)
    };
    assert_eq!(set(&mut pc, "29", NOW), 500);
    assert_eq!(set(&mut pc, "30", NOW), 200);
    pc.apply_vpn(NOW + 10);
    let drifts = |pc: &mut Computer, from: i64, minutes: i64| {
        pc.twin.set(uri(SERVERS), value("evil.example.net"));
        pc.pass(from + minutes * 60 - 1);
        assert_eq!(
            pc.twin.value(SERVERS, 0).unwrap().data,
            "evil.example.net",
            "not before"
        );
        pc.pass(from + minutes * 60);
        assert_eq!(pc.twin.value(SERVERS, 0).unwrap().data, "vpn.example.org");
        from + minutes * 60
    };
    let at = drifts(&mut pc, NOW, 30);
    let at = drifts(&mut pc, at, 30);
    // Another interval begins when it is set; deleting it restores the default.
    set(&mut pc, "60", at + 60);
    let at = drifts(&mut pc, at + 60, 60);
    assert_eq!(pc.linked_order("Delete", INTERVAL, "", at), 200);
    let at = drifts(&mut pc, at, 240);
    // Without documents there is none.
    pc.linked_order("Delete", &place("Complete", VPN), "", at);
    pc.pass(at + 10);
    pc.twin.set(uri(SERVERS), value("evil.example.net"));
    pc.pass(at + 9 * HOUR);
    assert_eq!(pc.twin.value(SERVERS, 0).unwrap().data, "evil.example.net");
    assert!(pc.twin.linked().unwrap().sessions() > 0);
    // Some builds do not have the node.
    pc.twin.quirks_mut().documented_nodes_only = true;
    assert_eq!(set(&mut pc, "30", at + 9 * HOUR), 404);
}

/// F5.5 and F5.7.
#[test]
fn what_is_not_looked_after() {
    // Abandoned.
    let mut pc = set_up();
    let abandon = format!("{HOST}/Complete/Documents/{VPN}/Properties/Abandoned");
    pc.linked_converse([say(command("Replace", 100, &abandon, "int", "1"))], NOW + 60);
    // State 63.
    pc.twin.one_time("MSFTWifi");
    pc.apply(WIFI, &wifi("W2", &[("Lab", "Lab")]), NOW + 80);
    pc.twin.set(uri(SERVERS), value("evil.example.net"));
    pc.twin.remove(&uri(LAB));
    let before = pc.listed(NOW + 100);
    let at = NOW + 5 * HOUR;
    pc.pass(at);
    assert_eq!(pc.listed(at), before);
    assert_eq!(pc.twin.value(SERVERS, at).unwrap().data, "evil.example.net");
    // A service that is stopped, and one that has lost its documents.
    for lose in [false, true] {
        let mut pc = set_up();
        match lose {
            true => pc.twin.lose_documents(),
            false => pc.twin.stop_service(),
        }
        pc.twin.set(uri(SERVERS), value("evil.example.net"));
        pc.pass(at);
        assert_eq!(pc.twin.value(SERVERS, at).unwrap().data, "evil.example.net");
        assert_eq!(pc.listed(at).is_empty(), lose);
    }
}

/// A document that never was right is tried again, and is no drift.
#[test]
fn failures_are_tried_again() {
    let mut pc = Computer::linked();
    pc.twin.inject(no_node_can_be_set("./Device/Vendor/MSFT/WiFi"));
    let flag =
        "./Device/Vendor/MSFT/DeclaredConfiguration/ManagementServiceConfiguration/StartSyncSessionOnFailure";
    pc.linked_converse([say(command("Replace", 100, flag, "bool", "true"))], NOW);
    pc.send("Complete", WIFI, &wifi("W1", &[("Lab", "Lab")]), NOW);
    let messages = pc.pass(NOW + 10);
    assert_eq!(
        list(&messages[0]).unwrap()[0].state,
        61,
        "a session because of the failure"
    );
    pc.twin.clear_faults();
    assert_eq!(pc.listed(NOW + 5 * HOUR)[0].state, 60);
    assert!(
        !pc.twin
            .history()
            .iter()
            .any(|event| matches!(event, Event::Drifted(_)))
    );
}
