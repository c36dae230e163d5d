//! What becomes of documents beside the sequences of the examples: silence, strangers, groups, restarts, length. The device
//! is written by hand.

use ordain_testbed::Database;
use serde_json::json;

use crate::events;
use crate::policy::blueprint;
use crate::windows_declared::{R1, VPN, confirmed};
use crate::windows_declared_pc::*;
use crate::windows_declared_wire::*;
use crate::windows_element::unescaped;
use crate::windows_entra::house;
use crate::windows_wire::between;

crate::on_each_database!(
    who_is_silent_for_long_is_unknown,
    what_nobody_has_sent_goes,
    an_inventory_decides_groups,
    a_linked_session_outlives_the_server,
    large_documents_go_in_parts,
);

async fn who_is_silent_for_long_is_unknown(database: Database) {
    let house = house(database).await;
    let (pc, id, checksum) = confirmed(&house).await;
    let document = channel(&house, HARDWARE).await["documents"][0].clone();
    let parts = document["outcomes"].as_array().expect("parts");
    let last = &parts.last().expect("a part")["path"];
    assert_eq!(last, "./Vendor/MSFT/VPNv2/LabVPN/AlwaysOn");
    let history = document["history"].as_array().expect("what was seen");
    let last = &history.last().expect("something")["result_checksum"];
    assert_eq!(last, R1);
    // After twice its schedule nobody knows how it is.
    house.pass(16 * 3_600 + 1);
    assert_eq!(facts(&house, "vpn").await.1, "unknown");
    assert_eq!(channel(&house, HARDWARE).await["converged"], false);
    assert_eq!(house.get("/devices").await["devices"][0]["state"], "unknown");
    let is = list(&[listed(&id, &checksum, R1, 60)]);
    pc.talks().begin(Some(&is)).await.is_over();
    assert_eq!(facts(&house, "vpn").await.1, "confirmed");
    // Nor is one that had failed known to have failed still.
    let is = list(&[listed(&id, &checksum, "R2", 61)]);
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is)).await;
    let result = vpn_result(&id, &checksum, "R2", 61, "status=\"404\" state=\"61\"");
    talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
        .await
        .is_over();
    for state in ["failed", "unknown"] {
        assert_eq!(facts(&house, "vpn").await.1, state);
        assert_eq!(house.get("/devices").await["devices"][0]["state"], state);
        assert_eq!(house.get("/compliance").await["total"][state], 1);
        house.pass(16 * 3_600 + 1);
    }
}

async fn what_nobody_has_sent_goes(database: Database) {
    let house = house(database).await;
    let (pc, id, checksum) = confirmed(&house).await;
    let other = "00000000-0000-4000-8000-000000000001";
    let own = listed(&id, &checksum, R1, 60);
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[own, listed(other, "X", "Y", 60)]))).await;
    let node = format!("{ROOT}/Complete/Documents/{other}/Document");
    assert_eq!(heard.asked(), [("Delete", node.as_str())]);
    talk.take(&heard, &list(&[own])).await.is_over();
    let told = events::told(&house, "drifted,drift-repaired", 2).await;
    assert_eq!(
        (told[0].0.as_str(), &told[0].1["drift"]),
        ("drifted", &json!("foreign"))
    );
    // What was sent, and is for it no longer, stays on it: who asks why is told.
    publish(&house, &[]).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[own]))).await;
    talk.take(&heard, &list(&[])).await.is_over();
    let path = format!("/devices/{HARDWARE}/explain?declaration=vpn");
    let why = house.get(&path).await.to_string();
    assert!(why.contains("what it set may stay on the device"), "{why}");
}

async fn an_inventory_decides_groups(database: Database) {
    let house = house(database).await;
    let motd = "Identifier: motd\nscenario: MSFTExtensibilityMIProviderInventory\nproviders:\n  - namespace: root/x\n    class: File\n    keys: {Path: c}\n    values: [Contents]\n";
    let group = "name: managed\nwhere: \"@status(windows.inventory.motd.Contents) == 'Managed device'\"\n";
    house
        .publish(&[
            ("windows/motd.yaml", motd.to_owned()),
            ("groups/managed.yaml", group.to_owned()),
            ("blueprints/all.yaml", blueprint("base", "all", &["motd"])),
            ("blueprints/managed.yaml", blueprint("more", "managed", &["motd"])),
        ])
        .await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    talk.take(&heard, &list(&[listed(&id, &checksum, "", 20)]))
        .await
        .is_over();
    for (own, value) in [("AA", "Managed device"), ("BB", "=1+1&lt;script>")] {
        let is = list(&[listed(&id, &checksum, own, 80)]);
        let result = Outcome {
            id: &id,
            scenario: "MSFTExtensibilityMIProviderInventory",
            checksum: &checksum,
            result: own,
            operation: "Get",
            state: 80,
            // The table of attributes spells it like that.
            parts: format!(
                "<DSC namespace=\"root/x\" classname=\"File\" status=\"200\" state=\"80\"><Key name=\"Path\">c</Key><Value name=\"Contents\">{value}</Value></DSC>"
            ),
        }
        .text();
        let mut talk = pc.talks();
        let heard = talk.begin(Some(&is)).await;
        talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
            .await
            .is_over();
        let device = house.device(HARDWARE).await;
        let item = &device["channels"][0]["status"]["windows.inventory.motd.Contents"];
        assert_eq!(item, &json!(unescaped(value)));
        let groups = device["groups"].as_array().expect("groups");
        assert_eq!(groups.contains(&json!("managed")), own == "AA", "{device}");
    }
}

async fn a_linked_session_outlives_the_server(database: Database) {
    let mut house = house(database).await;
    publish(&house, &[("windows/vpn.yaml", VPN)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    let answer = talk.answer_again().await;
    house.kill();
    house.start().await.expect("a server");
    assert_eq!(talk.answer_again().await.body, answer.body);
    talk.take(&heard, &list(&[listed(&id, &checksum, "", 1)]))
        .await
        .is_over();
    assert_eq!(facts(&house, "vpn").await.1, "pending");
    // It is over.
    talk.must_be_refused(400).await;
}

async fn large_documents_go_in_parts(database: Database) {
    let house = house(database).await;
    let long = "x".repeat(90_000);
    let vpn = VPN.replace("vpn.example.org", &long);
    publish(&house, &[("windows/vpn.yaml", &vpn)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let mut heard = talk.begin(Some(&list(&[]))).await;
    let mut whole = String::new();
    while heard.only().has_more {
        whole += heard.only().data.as_deref().expect("a part");
        heard = talk
            .answer(&heard, &list(&[]), |heard, command| {
                vec![heard.status(command, 213)]
            })
            .await;
    }
    whole += heard.only().data.as_deref().expect("a part");
    assert!(whole.len() > heard.only().data.iter().map(String::len).sum());
    assert!(whole.contains(&long));
    let (id, checksum) = (attribute(&whole, "id"), attribute(&whole, "checksum"));
    assert_eq!(between(&heard.only().target, "/Documents/", "/"), id);
    talk.take(&heard, &list(&[listed(id, checksum, "", 1)]))
        .await
        .is_over();
    assert_eq!(
        facts(&house, "vpn").await,
        ([true, true, true, false], "pending".to_owned())
    );
}
