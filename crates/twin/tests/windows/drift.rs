//! F5: what is looked after, when, and what a server can see of it.

use ordain_twin::windows::{Event, Fault, Quirks, Repair, Twin, Value};
use ordain_windows::declared::State;
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;

use crate::fake::{
    Fake, HOST, Line, NOW, VPN, WIFI, apply, code, command, get, linked, linked_converse, linked_order, list,
    listed, outcome, place, profile, result, results, run, say, vpn, wifi,
};

const HOUR: i64 = 3600;
const LAB: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab";
const SERVERS: &str = "./Device/Vendor/MSFT/VPNv2/LabVPN/NativeProfile/Servers";
const INTERVAL: &str =
    "./Device/Vendor/MSFT/DeclaredConfiguration/ManagementServiceConfiguration/RefreshInterval";

fn uri(text: &str) -> LocUri {
    LocUri::parse(text).unwrap()
}

fn value(data: &str) -> Value {
    Value {
        format: Format::Chr,
        data: data.to_owned(),
    }
}

/// A device with a Wi-Fi and a VPN document, both applied by `NOW`: the refresh is due 4 hours after the first came.
fn set_up() -> (Twin, Fake) {
    let (mut twin, mut fake) = linked();
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W1", &[("Lab", "Lab")]),
        NOW + 10,
    );
    apply(&mut twin, &mut fake, VPN, &vpn("V1", "LabVPN"), NOW + 30);
    (twin, fake)
}

/// The device's own clock moves on: what its service, its schedules do by that time. The linked messages are given.
fn pass(twin: &mut Twin, fake: &mut Fake, at: i64) -> Vec<String> {
    fake.requests.clear();
    twin.wake(at);
    run(twin, fake, at);
    fake.bodies("/linked/session")
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

fn refresh_due(twin: &Twin, after: i64) -> i64 {
    let due = twin.due().unwrap();
    assert!(due > after, "{due}");
    due
}

/// F5.3 and F5.6, as example 8 has it.
#[test]
fn drift_is_repaired_with_the_refresh_and_unseen_before() {
    let (mut twin, mut fake) = set_up();
    let before = listed(&mut twin, &mut fake, NOW + 60);
    twin.set(uri(SERVERS), value("evil.example.net"));
    twin.remove(&uri(LAB));
    let at = NOW + 3 * HOUR;
    assert_eq!(listed(&mut twin, &mut fake, at), before, "nobody has looked");
    assert_eq!(twin.value(SERVERS, at).unwrap().data, "evil.example.net");
    let at = NOW + 4 * HOUR;
    assert!(
        pass(&mut twin, &mut fake, at).is_empty(),
        "a repair is not worth a session"
    );
    assert_eq!(twin.value(SERVERS, at).unwrap().data, "vpn.example.org");
    assert_eq!(
        twin.value(&format!("{LAB}/WlanXml"), at).unwrap().data,
        profile("Lab")
    );
    let after = listed(&mut twin, &mut fake, at + 1);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((after.state, &after.checksum), (60, &before.checksum));
        assert_ne!(after.result, before.result);
    }
    let repaired = twin
        .history()
        .iter()
        .filter(|event| matches!(event, Event::Repaired(_)));
    assert_eq!(repaired.count(), 2);
    // Nothing drifts, nothing changes.
    assert!(pass(&mut twin, &mut fake, at + 4 * HOUR).is_empty() || at + 4 * HOUR >= NOW + 8 * HOUR);
    assert_eq!(listed(&mut twin, &mut fake, at + 4 * HOUR), after);
}

#[test]
fn how_a_repair_shows_is_not_known() {
    for (repair, checksum, time) in [
        (Repair::ChecksumAndTime, true, true),
        (Repair::Time, false, true),
        (Repair::Nothing, false, false),
    ] {
        let (mut twin, mut fake) = set_up();
        twin.quirks_mut().repair = repair;
        let line = |lines: Vec<Line>| lines.into_iter().find(|line| line.id == VPN).unwrap().result;
        let before = line(listed(&mut twin, &mut fake, NOW + 60));
        let text = result(&mut twin, &mut fake, "Complete", VPN, NOW + 60);
        twin.set(uri(SERVERS), value("evil.example.net"));
        let at = NOW + 4 * HOUR + 60;
        let after = line(listed(&mut twin, &mut fake, at));
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
        let now = result(&mut twin, &mut fake, "Complete", VPN, at);
        assert_eq!(stamp(&now) != stamp(&text), time, "{repair:?}");
    }
}

/// F5.3: the device says at once what it cannot repair, and says it once.
#[test]
fn what_cannot_be_repaired_is_told_at_once() {
    for state in [State::CONFIG_COMPLETED_ERROR, State(64)] {
        let (mut twin, mut fake) = set_up();
        *twin.quirks_mut() = Quirks {
            drift_state: state,
            ..Quirks::default()
        };
        let before = listed(&mut twin, &mut fake, NOW + 60);
        twin.inject(no_node_can_be_set("./Device/Vendor/MSFT/WiFi"));
        twin.remove(&uri(LAB));
        let at = NOW + 4 * HOUR;
        let messages = pass(&mut twin, &mut fake, at);
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
            twin.history()
                .iter()
                .filter(|event| **event == Event::Drifted(WIFI.to_owned()))
                .count(),
            1
        );
        let (_, parts) = outcome(&result(&mut twin, &mut fake, "Complete", WIFI, at));
        assert_eq!((parts[0].1.as_str(), parts[0].2), ("0x80070005", 61));
        // It stays so: nothing new is to be told.
        let sessions = twin.linked().unwrap().sessions();
        let next = refresh_due(&twin, at);
        pass(&mut twin, &mut fake, at + 4 * HOUR - 1);
        assert!(next <= at + 4 * HOUR);
        let by_schedule = twin.linked().unwrap().sessions() - sessions;
        assert!(by_schedule <= 1);
        // And once it can be repaired, it is.
        twin.clear_faults();
        let lines = listed(&mut twin, &mut fake, at + 9 * HOUR);
        assert!(lines.iter().all(|line| line.state == 60), "{lines:?}");
    }
}

/// F5.4: no server is needed.
#[test]
fn settings_are_looked_after_without_a_network() {
    let (mut twin, _) = set_up();
    twin.set(uri(SERVERS), value("evil.example.net"));
    let at = NOW + 9 * HOUR;
    twin.wake(at);
    while twin.request(at).is_some() {
        twin.interrupted(at);
    }
    assert_eq!(twin.value(SERVERS, at).unwrap().data, "vpn.example.org");
}

/// F5.2.
#[test]
fn the_refresh_has_an_interval_and_is_there_only_for_documents() {
    let (mut twin, mut fake) = linked();
    let sessions = |twin: &Twin| twin.linked().unwrap().sessions();
    // Without documents, only schedules are due.
    let (primary, eight_hours) = (twin.due().unwrap(), NOW + 8 * HOUR);
    assert!(primary < NOW + HOUR && eight_hours > primary);
    let messages = linked_converse(&mut twin, &mut fake, [say(get(100, INTERVAL))], NOW);
    assert_eq!(results(&messages[1], 100)[0].2, "240");
    let set = |twin: &mut Twin, fake: &mut Fake, data: &str, now| {
        let messages = linked_converse(
            twin,
            fake,
            [say(command("Replace", 100, INTERVAL, "int", data))],
            now,
        );
        code(&messages[1], 100)
    };
    assert_eq!(set(&mut twin, &mut fake, "29", NOW), 500);
    assert_eq!(set(&mut twin, &mut fake, "30", NOW), 200);
    apply(&mut twin, &mut fake, VPN, &vpn("V1", "LabVPN"), NOW + 10);
    let drifts = |twin: &mut Twin, fake: &mut Fake, from: i64, minutes: i64| {
        twin.set(uri(SERVERS), value("evil.example.net"));
        pass(twin, fake, from + minutes * 60 - 1);
        assert_eq!(
            twin.value(SERVERS, 0).unwrap().data,
            "evil.example.net",
            "not before"
        );
        pass(twin, fake, from + minutes * 60);
        assert_eq!(twin.value(SERVERS, 0).unwrap().data, "vpn.example.org");
        from + minutes * 60
    };
    let at = drifts(&mut twin, &mut fake, NOW, 30);
    let at = drifts(&mut twin, &mut fake, at, 30);
    // Another interval begins when it is set; deleting it restores the default.
    set(&mut twin, &mut fake, "60", at + 60);
    let at = drifts(&mut twin, &mut fake, at + 60, 60);
    assert_eq!(
        linked_order(&mut twin, &mut fake, "Delete", INTERVAL, "", at),
        200
    );
    let at = drifts(&mut twin, &mut fake, at, 240);
    // Without documents there is none.
    linked_order(&mut twin, &mut fake, "Delete", &place("Complete", VPN), "", at);
    pass(&mut twin, &mut fake, at + 10);
    twin.set(uri(SERVERS), value("evil.example.net"));
    pass(&mut twin, &mut fake, at + 9 * HOUR);
    assert_eq!(twin.value(SERVERS, 0).unwrap().data, "evil.example.net");
    assert!(sessions(&twin) > 0);
    // Some builds do not have the node.
    twin.quirks_mut().documented_nodes_only = true;
    assert_eq!(set(&mut twin, &mut fake, "30", at + 9 * HOUR), 404);
}

/// F5.5 and F5.7.
#[test]
fn what_is_not_looked_after() {
    // Abandoned.
    let (mut twin, mut fake) = set_up();
    let abandon = format!("{HOST}/Complete/Documents/{VPN}/Properties/Abandoned");
    linked_converse(
        &mut twin,
        &mut fake,
        [say(command("Replace", 100, &abandon, "int", "1"))],
        NOW + 60,
    );
    // State 63.
    twin.one_time("MSFTWifi");
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W2", &[("Lab", "Lab")]),
        NOW + 80,
    );
    twin.set(uri(SERVERS), value("evil.example.net"));
    twin.remove(&uri(LAB));
    let before = listed(&mut twin, &mut fake, NOW + 100);
    let at = NOW + 5 * HOUR;
    pass(&mut twin, &mut fake, at);
    assert_eq!(listed(&mut twin, &mut fake, at), before);
    assert_eq!(twin.value(SERVERS, at).unwrap().data, "evil.example.net");
    // A service that is stopped, and one that has lost its documents.
    for lose in [false, true] {
        let (mut twin, mut fake) = set_up();
        match lose {
            true => twin.lose_documents(),
            false => twin.stop_service(),
        }
        twin.set(uri(SERVERS), value("evil.example.net"));
        pass(&mut twin, &mut fake, at);
        assert_eq!(twin.value(SERVERS, at).unwrap().data, "evil.example.net");
        assert_eq!(listed(&mut twin, &mut fake, at).is_empty(), lose);
    }
}

/// A document that never was right is tried again, and is no drift.
#[test]
fn failures_are_tried_again() {
    let (mut twin, mut fake) = linked();
    twin.inject(no_node_can_be_set("./Device/Vendor/MSFT/WiFi"));
    let flag =
        "./Device/Vendor/MSFT/DeclaredConfiguration/ManagementServiceConfiguration/StartSyncSessionOnFailure";
    linked_converse(
        &mut twin,
        &mut fake,
        [say(command("Replace", 100, flag, "bool", "true"))],
        NOW,
    );
    crate::fake::send(
        &mut twin,
        &mut fake,
        "Complete",
        WIFI,
        &wifi("W1", &[("Lab", "Lab")]),
        NOW,
    );
    let messages = pass(&mut twin, &mut fake, NOW + 10);
    assert_eq!(
        list(&messages[0]).unwrap()[0].state,
        61,
        "a session because of the failure"
    );
    twin.clear_faults();
    assert_eq!(listed(&mut twin, &mut fake, NOW + 5 * HOUR)[0].state, 60);
    assert!(
        !twin
            .history()
            .iter()
            .any(|event| matches!(event, Event::Drifted(_)))
    );
}
