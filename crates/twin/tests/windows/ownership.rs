//! F4.7 and F4.8: whose a setting is, and what stays of it.

use ordain_twin::windows::{Twin, Value};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;

use crate::fake::{
    Fake, HOST, NOW, OTHER, PROVIDER, VPN, WIFI, apply, code, command, converse, get, linked,
    linked_converse, listed, place, profile, run, say, states, statuses, vpn, wifi,
};

const LAB: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab";

fn legacy(twin: &mut Twin, fake: &mut Fake, commands: &[String], now: i64) -> Vec<(u16, Option<String>)> {
    let messages = converse(twin, fake, [say(commands.concat())], now);
    let ids = (100..).take(commands.len());
    ids.map(|id| statuses(&messages[1], id).remove(0)).collect()
}

fn abandoned(value: &str) -> String {
    let uri = format!("{HOST}/Complete/Documents/{WIFI}/Properties/Abandoned");
    command("Replace", 100, &uri, "int", value)
}

fn set_up() -> (Twin, Fake) {
    let (mut twin, mut fake) = linked();
    let version = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion";
    assert_eq!(
        legacy(
            &mut twin,
            &mut fake,
            &[command("Replace", 100, version, "chr", "3.0")],
            NOW
        )[0]
        .0,
        200
    );
    (twin, fake)
}

fn wlan(name: &str) -> String {
    profile(name).replace("v1\"", "v1\" a=\"old\"")
}

/// What the legacy channel does to a profile: replaced in place it is not, so it is removed and added.
fn takes(twin: &mut Twin, fake: &mut Fake, now: i64) -> Vec<u16> {
    let commands = [
        command("Delete", 100, LAB, "", ""),
        command("Add", 101, &format!("{LAB}/WlanXml"), "chr", &wlan("Lab")),
    ];
    legacy(twin, fake, &commands, now)
        .into_iter()
        .map(|(code, _)| code)
        .collect()
}

#[test]
fn what_a_document_sets_is_its_own_until_it_is_deleted_or_abandoned() {
    let (mut twin, mut fake) = set_up();
    let node = format!("{LAB}/WlanXml");
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W1", &[("Lab", "Lab")]),
        NOW + 10,
    );
    let commands = [
        command("Replace", 100, &node, "chr", &wlan("Lab")),
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
        get(105, &node),
    ];
    let answers = legacy(&mut twin, &mut fake, &commands, NOW + 20);
    let owned = (500, Some("0x86000031".to_owned()));
    assert_eq!(answers[..3], [owned.clone(), owned.clone(), owned]);
    // The interior node takes no Delete at all.
    assert_eq!(
        answers[3..].iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        [405, 200, 200]
    );
    assert_eq!(twin.value(&node, NOW).unwrap().data, profile("Lab"));

    // Abandoned: listed, settings stay, the legacy channel may.
    let messages = linked_converse(&mut twin, &mut fake, [say(abandoned("1"))], NOW + 30);
    assert_eq!(code(&messages[1], 100), 200);
    let line = listed(&mut twin, &mut fake, NOW + 30).remove(0);
    assert!(line.abandoned && line.state == 60);
    assert_eq!(twin.value(&node, NOW).unwrap().data, profile("Lab"));
    assert_eq!(takes(&mut twin, &mut fake, NOW + 31), [200, 200]);
    // Not any more: applied at once, and owned.
    linked_converse(&mut twin, &mut fake, [say(abandoned("0"))], NOW + 40);
    let line = listed(&mut twin, &mut fake, NOW + 40).remove(0);
    assert!(!line.abandoned && line.state == 1);
    assert_eq!(states(&mut twin, &mut fake, NOW + 50), [60]);
    assert_eq!(twin.value(&node, NOW).unwrap().data, profile("Lab"));
    assert_eq!(takes(&mut twin, &mut fake, NOW + 51), [500, 500]);

    // Deleted: gone after a while, settings stay, the legacy channel may.
    linked_converse(
        &mut twin,
        &mut fake,
        [say(command("Delete", 100, &place("Complete", WIFI), "", ""))],
        NOW + 60,
    );
    assert_eq!(states(&mut twin, &mut fake, NOW + 60), [10]);
    assert_eq!(states(&mut twin, &mut fake, NOW + 61), [11]);
    assert_eq!(listed(&mut twin, &mut fake, NOW + 62), []);
    assert_eq!(twin.value(&place("Complete", WIFI), NOW + 62), None);
    assert_eq!(twin.value(&node, NOW).unwrap().data, profile("Lab"));
    assert_eq!(takes(&mut twin, &mut fake, NOW + 63), [200, 200]);
}

/// F3.6 and F4.8: what was there before comes back; what a document made goes; what was given up stays.
#[test]
fn the_end_of_the_linked_enrollment_rolls_back() {
    let (mut twin, mut fake) = set_up();
    let node = format!("{LAB}/WlanXml");
    let add = command("Add", 100, &node, "chr", &wlan("Lab"));
    assert_eq!(legacy(&mut twin, &mut fake, &[add], NOW)[0].0, 200);
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W1", &[("Lab", "Lab"), ("New", "New")]),
        NOW + 10,
    );
    apply(&mut twin, &mut fake, VPN, &vpn("V1", "LabVPN"), NOW + 20);
    let tattoo = wifi("T1", &[("Tattoo", "Tattoo")]).replace(WIFI, OTHER);
    apply(&mut twin, &mut fake, OTHER, &tattoo, NOW + 40);
    linked_converse(
        &mut twin,
        &mut fake,
        [say(command("Delete", 100, &place("Complete", OTHER), "", ""))],
        NOW + 41,
    );
    assert_eq!(listed(&mut twin, &mut fake, NOW + 60).len(), 2);
    assert_eq!(
        twin.value(&node, NOW).unwrap().data,
        profile("Lab"),
        "it migrated"
    );
    let unenroll = command("Exec", 100, &format!("{PROVIDER}/Unenroll"), "null", "");
    converse(&mut twin, &mut fake, [say(unenroll)], NOW + 70);
    assert!(twin.linked().is_none());
    assert_eq!(twin.value(&node, NOW).unwrap().data, wlan("Lab"));
    let gone = ["WiFi/Profile/New/WlanXml", "VPNv2/LabVPN/AlwaysOn"];
    for path in gone {
        assert_eq!(
            twin.value(&format!("./Device/Vendor/MSFT/{path}"), NOW),
            None,
            "{path}"
        );
    }
    let stays = "./Device/Vendor/MSFT/WiFi/Profile/Tattoo/WlanXml";
    assert!(
        twin.value(stays, NOW).is_some(),
        "its document was deleted before"
    );
    assert_eq!(takes(&mut twin, &mut fake, NOW + 71), [200, 200]);
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
        let (mut twin, mut fake) = set_up();
        let own = LocUri::parse(&format!("{LAB}/WlanXml")).unwrap();
        let value = Value {
            format: Format::Chr,
            data: wlan("Lab"),
        };
        twin.set(own.clone(), value.clone());
        let before = twin.nodes().clone();
        let refresh = command("Replace", 100, &interval, "int", "60");
        linked_converse(&mut twin, &mut fake, [say(refresh)], NOW + 5);
        apply(
            &mut twin,
            &mut fake,
            WIFI,
            &wifi("W1", &[("Lab", "Lab")]),
            NOW + 10,
        );
        assert_ne!(twin.nodes().get(&own), Some(&value));
        converse(
            &mut twin,
            &mut fake,
            [say(command("Exec", 100, &end, "null", ""))],
            NOW + 20,
        );
        if is_left {
            let is_linked = |uri: &LocUri| {
                uri.to_string().contains("ExampleDC") || uri.to_string().contains("/My/System")
            };
            let expected: Vec<_> = before.iter().filter(|(uri, _)| !is_linked(uri)).collect();
            assert_eq!(twin.nodes().iter().collect::<Vec<_>>(), expected);
            twin.unenroll();
            run(&mut twin, &mut fake, NOW + 30);
        }
        let left: Vec<_> = twin.nodes().iter().collect();
        assert_eq!(left, if is_left { vec![(&own, &value)] } else { vec![] });
    }
}

/// Section 9.1: of two documents for the same node the last one wins, and both are content.
#[test]
fn two_documents_for_one_node() {
    let (mut twin, mut fake) = set_up();
    let node = format!("{LAB}/WlanXml");
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W1", &[("Lab", "Lab")]),
        NOW + 10,
    );
    let other = wifi("X1", &[("Lab", "Lab")])
        .replace(WIFI, OTHER)
        .replace("v1\"", "v1\" b=\"other\"");
    apply(&mut twin, &mut fake, OTHER, &other, NOW + 30);
    assert_eq!(states(&mut twin, &mut fake, NOW + 30), [60, 60]);
    let wins = twin.value(&node, NOW).unwrap().data;
    assert!(wins.contains("b=\"other\""));
    // The refresh does not make them fight.
    let later = NOW + 9 * 3600;
    assert_eq!(states(&mut twin, &mut fake, later), [60, 60]);
    assert_eq!(twin.value(&node, NOW).unwrap().data, wins);
    // And neither stays when all ends.
    twin.unenroll();
    run(&mut twin, &mut fake, later);
    assert_eq!(twin.value(&node, later), None);
}

/// \[U\]: a document that is sent anew is not abandoned any more.
#[test]
fn a_new_version_of_an_abandoned_document_is_applied() {
    let (mut twin, mut fake) = set_up();
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W1", &[("Lab", "Lab")]),
        NOW + 10,
    );
    linked_converse(&mut twin, &mut fake, [say(abandoned("1"))], NOW + 20);
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W1", &[("Lab", "Lab")]),
        NOW + 40,
    );
    assert!(
        listed(&mut twin, &mut fake, NOW + 40)[0].abandoned,
        "the same is not new"
    );
    apply(
        &mut twin,
        &mut fake,
        WIFI,
        &wifi("W2", &[("New", "New")]),
        NOW + 60,
    );
    let line = listed(&mut twin, &mut fake, NOW + 60).remove(0);
    assert!(!line.abandoned && line.state == 60);
    assert!(
        twin.value("./Device/Vendor/MSFT/WiFi/Profile/New/WlanXml", NOW)
            .is_some()
    );
    assert_eq!(twin.value(&format!("{LAB}/WlanXml"), NOW), None);
    let uri = format!("{HOST}/Complete/Documents/{WIFI}/Properties/Abandoned");
    assert_eq!(twin.value(&uri, NOW), None, "a fact of the linked enrollment");
    // It may be taken back by deleting the mark, too.
    linked_converse(&mut twin, &mut fake, [say(abandoned("1"))], NOW + 70);
    linked_converse(
        &mut twin,
        &mut fake,
        [say(command("Delete", 100, &uri, "", ""))],
        NOW + 71,
    );
    let messages = linked_converse(&mut twin, &mut fake, [say(get(100, &uri))], NOW + 90);
    assert!(messages[1].contains("<Data>0</Data>"));
    assert!(!listed(&mut twin, &mut fake, NOW + 90)[0].abandoned);
}
