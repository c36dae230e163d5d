//! F4.7 and F4.8: whose a setting is, and what stays of it.

use ordain_twin::windows::Value;
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;

use crate::fake::{
    Computer, HOST, LAB, LAB_XML, NOW, OTHER, PROVIDER, WIFI, code, command, converse, get, place, profile,
    say, statuses, uri, wifi,
};

fn legacy(pc: &mut Computer, commands: &[String], now: i64) -> Vec<(u16, Option<String>)> {
    let messages = converse(&mut pc.twin, &mut pc.fake, [say(commands.concat())], now);
    let ids = (100..).take(commands.len());
    ids.map(|id| statuses(&messages[1], id).remove(0)).collect()
}

fn abandoned(value: &str) -> String {
    let uri = format!("{HOST}/Complete/Documents/{WIFI}/Properties/Abandoned");
    command("Replace", 100, &uri, "int", value)
}

/// One that tells the HRESULT behind a failure.
fn set_up() -> Computer {
    let mut pc = Computer::linked();
    let version = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion";
    let set = command("Replace", 100, version, "chr", "3.0");
    assert_eq!(legacy(&mut pc, &[set], NOW)[0].0, 200);
    pc
}

fn wlan(name: &str) -> String {
    profile(name).replace("v1\"", "v1\" a=\"old\"")
}

/// What the legacy channel does to a profile: replaced in place it is not, so it is removed and added.
fn takes(pc: &mut Computer, now: i64) -> Vec<u16> {
    let commands = [
        command("Delete", 100, LAB, "", ""),
        command("Add", 101, LAB_XML, "chr", &wlan("Lab")),
    ];
    legacy(pc, &commands, now)
        .into_iter()
        .map(|(code, _)| code)
        .collect()
}

#[test]
fn what_a_document_sets_is_its_own_until_it_is_deleted_or_abandoned() {
    let mut pc = set_up();
    pc.apply_wifi(NOW + 10);
    let commands = [
        command("Replace", 100, LAB_XML, "chr", &wlan("Lab")),
        command("Delete", 101, LAB, "", ""),
        command("Add", 102, &format!("{LAB}/ProxyWPAD"), "bool", "true"),
        command("Delete", 103, "./Device/Vendor/MSFT/WiFi/Profile", "", ""),
        command(
            "Add",
            104,
            "./Device/Vendor/MSFT/WiFi/Profile/Other/WlanXml",
            "chr",
            &wlan("Other"),
        ),
        get(105, LAB_XML),
    ];
    let answers = legacy(&mut pc, &commands, NOW + 20);
    let owned = (500, Some("0x86000031".to_owned()));
    assert_eq!(answers[..3], [owned.clone(), owned.clone(), owned]);
    // The interior node takes no Delete at all.
    assert_eq!(
        answers[3..].iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        [405, 200, 200]
    );
    assert_eq!(pc.twin.value(LAB_XML, NOW).unwrap().data, profile("Lab"));

    // Abandoned: listed, settings stay, the legacy channel may.
    let messages = pc.linked_converse([say(abandoned("1"))], NOW + 30);
    assert_eq!(code(&messages[1], 100), 200);
    let line = pc.listed(NOW + 30).remove(0);
    assert!(line.abandoned && line.state == 60);
    assert_eq!(pc.twin.value(LAB_XML, NOW).unwrap().data, profile("Lab"));
    assert_eq!(takes(&mut pc, NOW + 31), [200, 200]);
    // Not any more: applied at once, and owned.
    pc.linked_converse([say(abandoned("0"))], NOW + 40);
    let line = pc.listed(NOW + 40).remove(0);
    assert!(!line.abandoned && line.state == 1);
    assert_eq!(pc.states(NOW + 50), [60]);
    assert_eq!(pc.twin.value(LAB_XML, NOW).unwrap().data, profile("Lab"));
    assert_eq!(takes(&mut pc, NOW + 51), [500, 500]);

    // Deleted: gone after a while, settings stay, the legacy channel may.
    pc.linked_converse(
        [say(command("Delete", 100, &place("Complete", WIFI), "", ""))],
        NOW + 60,
    );
    assert_eq!(pc.states(NOW + 60), [10]);
    assert_eq!(pc.states(NOW + 61), [11]);
    assert_eq!(pc.listed(NOW + 62), []);
    assert_eq!(pc.twin.value(&place("Complete", WIFI), NOW + 62), None);
    assert_eq!(pc.twin.value(LAB_XML, NOW).unwrap().data, profile("Lab"));
    assert_eq!(takes(&mut pc, NOW + 63), [200, 200]);
}

/// F3.6 and F4.8: what was there before comes back; what a document made goes; what was given up stays.
#[test]
fn the_end_of_the_linked_enrollment_rolls_back() {
    let mut pc = set_up();
    let add = command("Add", 100, LAB_XML, "chr", &wlan("Lab"));
    assert_eq!(legacy(&mut pc, &[add], NOW)[0].0, 200);
    pc.apply(WIFI, &wifi("W1", &[("Lab", "Lab"), ("New", "New")]), NOW + 10);
    pc.apply_vpn(NOW + 20);
    let tattoo = wifi("T1", &[("Tattoo", "Tattoo")]).replace(WIFI, OTHER);
    pc.apply(OTHER, &tattoo, NOW + 40);
    pc.linked_converse(
        [say(command("Delete", 100, &place("Complete", OTHER), "", ""))],
        NOW + 41,
    );
    assert_eq!(pc.listed(NOW + 60).len(), 2);
    assert_eq!(
        pc.twin.value(LAB_XML, NOW).unwrap().data,
        profile("Lab"),
        "it migrated"
    );
    let unenroll = command("Exec", 100, &format!("{PROVIDER}/Unenroll"), "null", "");
    converse(&mut pc.twin, &mut pc.fake, [say(unenroll)], NOW + 70);
    assert!(pc.twin.linked().is_none());
    assert_eq!(pc.twin.value(LAB_XML, NOW).unwrap().data, wlan("Lab"));
    let gone = ["WiFi/Profile/New/WlanXml", "VPNv2/LabVPN/AlwaysOn"];
    for path in gone {
        assert_eq!(
            pc.twin.value(&format!("./Device/Vendor/MSFT/{path}"), NOW),
            None,
            "{path}"
        );
    }
    let stays = "./Device/Vendor/MSFT/WiFi/Profile/Tattoo/WlanXml";
    assert!(
        pc.twin.value(stays, NOW).is_some(),
        "its document was deleted before"
    );
    assert_eq!(takes(&mut pc, NOW + 71), [200, 200]);
}

/// What management has brought goes with it, and nothing else; a wiped device has nothing.
#[test]
fn what_somebody_at_the_device_has_set_stays() {
    let interval = format!(
        "{}/ManagementServiceConfiguration/RefreshInterval",
        HOST.trim_end_matches("/Host")
    );
    let wipe = "./Device/Vendor/MSFT/RemoteWipe/doWipe";
    for (end, is_left) in [(format!("{PROVIDER}/Unenroll"), true), (wipe.to_owned(), false)] {
        let mut pc = set_up();
        let own = uri(LAB_XML);
        let value = Value {
            format: Format::Chr,
            data: wlan("Lab"),
        };
        pc.twin.set(own.clone(), value.clone());
        let before = pc.twin.nodes().clone();
        let refresh = command("Replace", 100, &interval, "int", "60");
        pc.linked_converse([say(refresh)], NOW + 5);
        pc.apply_wifi(NOW + 10);
        assert_ne!(pc.twin.nodes().get(&own), Some(&value));
        converse(
            &mut pc.twin,
            &mut pc.fake,
            [say(command("Exec", 100, &end, "null", ""))],
            NOW + 20,
        );
        if is_left {
            let is_linked = |uri: &LocUri| {
                uri.to_string().contains("ExampleDC") || uri.to_string().contains("/My/System")
            };
            let expected: Vec<_> = before.iter().filter(|(uri, _)| !is_linked(uri)).collect();
            assert_eq!(pc.twin.nodes().iter().collect::<Vec<_>>(), expected);
            pc.twin.unenroll();
            pc.run(NOW + 30);
        }
        let left: Vec<_> = pc.twin.nodes().iter().collect();
        assert_eq!(left, if is_left { vec![(&own, &value)] } else { vec![] });
    }
}

/// Section 9.1: of two documents for the same node the last one wins, and both are content.
#[test]
fn two_documents_for_one_node() {
    let mut pc = set_up();
    pc.apply_wifi(NOW + 10);
    let other = wifi("X1", &[("Lab", "Lab")])
        .replace(WIFI, OTHER)
        .replace("v1\"", "v1\" b=\"other\"");
    pc.apply(OTHER, &other, NOW + 30);
    assert_eq!(pc.states(NOW + 30), [60, 60]);
    let wins = pc.twin.value(LAB_XML, NOW).unwrap().data;
    assert!(wins.contains("b=\"other\""));
    // The refresh does not make them fight.
    let later = NOW + 9 * 3600;
    assert_eq!(pc.states(later), [60, 60]);
    assert_eq!(pc.twin.value(LAB_XML, NOW).unwrap().data, wins);
    // And neither stays when all ends.
    pc.twin.unenroll();
    pc.run(later);
    assert_eq!(pc.twin.value(LAB_XML, later), None);
}

/// \[U\]: a document that is sent anew is not abandoned any more.
#[test]
fn a_new_version_of_an_abandoned_document_is_applied() {
    let mut pc = set_up();
    pc.apply_wifi(NOW + 10);
    pc.linked_converse([say(abandoned("1"))], NOW + 20);
    pc.apply_wifi(NOW + 40);
    assert!(pc.listed(NOW + 40)[0].abandoned, "the same is not new");
    pc.apply(WIFI, &wifi("W2", &[("New", "New")]), NOW + 60);
    let line = pc.listed(NOW + 60).remove(0);
    assert!(!line.abandoned && line.state == 60);
    assert!(
        pc.twin
            .value("./Device/Vendor/MSFT/WiFi/Profile/New/WlanXml", NOW)
            .is_some()
    );
    assert_eq!(pc.twin.value(LAB_XML, NOW), None);
    let uri = format!("{HOST}/Complete/Documents/{WIFI}/Properties/Abandoned");
    assert_eq!(pc.twin.value(&uri, NOW), None, "a fact of the linked enrollment");
    // It may be taken back by deleting the mark, too.
    pc.linked_converse([say(abandoned("1"))], NOW + 70);
    pc.linked_converse([say(command("Delete", 100, &uri, "", ""))], NOW + 71);
    let messages = pc.linked_converse([say(get(100, &uri))], NOW + 90);
    assert!(messages[1].contains("<Data>0</Data>"));
    assert!(!pc.listed(NOW + 90)[0].abandoned);
}
