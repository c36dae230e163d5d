//! Drift, new versions, and what becomes of documents that are no longer wanted, as the published examples have them, by
//! messages that are written by hand.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::events::Listener;
use crate::house::House;
use crate::windows_declared::confirmed;
use crate::windows_declared_pc::*;
use crate::windows_declared_wire::*;
use crate::windows_entra::house;

crate::on_each_database!(drift_is_told, another_version, what_is_no_longer_wanted);

const R2: &str = "1111222233334444555566667777888899990000AAAABBBBCCCCDDDDEEEEFFFF";
const R3: &str = "2222333344445555666677778888999900001111AAAABBBBCCCCDDDDEEEEFFFF";
const CSP: &str = "./Vendor/MSFT/VPNv2";
const SERVERS: &str = "./Vendor/MSFT/VPNv2/LabVPN/NativeProfile/Servers";

/// What was told of drift, as (kind, drift, settings): `count` of it, and no more.
async fn told(house: &House, count: usize) -> Vec<(String, Value, Value)> {
    let query = "?after=0&kind=drifted,drift-repaired";
    let mut listener = Listener::open(house, query, None).await;
    let mut told = Vec::new();
    for message in listener.take(count).await {
        let detail = &message.data["detail"];
        assert_eq!(message.data["enrollment"], format!("{HARDWARE}::linked"));
        assert_eq!(detail["document"], "vpn");
        told.push((message.event, detail["drift"].clone(), detail["settings"].clone()));
    }
    let query = "?after=0&follow=false&kind=drifted,drift-repaired";
    assert_eq!(Listener::open(house, query, None).await.rest().await.len(), count);
    told
}

/// A session in which the list says this, and the result, if it is asked for.
async fn session(pc: &RawPc, listed: &Listed<'_>, result: &str) -> bool {
    let is = list(std::slice::from_ref(listed));
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is)).await;
    let asked = !heard.commands.is_empty();
    if asked {
        assert_eq!(
            heard.asked(),
            [(
                "Get",
                format!("{ROOT}/Complete/Results/{}/Document", listed.id).as_str()
            )]
        );
        talk.answer(&heard, &is, |heard, command| heard.value(command, result).into())
            .await
            .is_over();
    } else {
        heard.is_over();
    }
    asked
}

async fn drift_is_told(database: Database) {
    let house = house(database).await;
    let (pc, id, checksum) = confirmed(&house).await;
    let listed = |result, state| listed(&id, &checksum, result, state);
    let state = async || declaration(&house, HARDWARE, "vpn").await["state"].clone();
    assert!(told(&house, 0).await.is_empty());

    // Somebody has deleted the profile, and the device has restored it.
    house.pass(4 * 3_600);
    assert!(session(&pc, &listed(R2, 60), &vpn_result(&id, &checksum, R2, 60, GOOD)).await);
    assert_eq!(state().await, "confirmed");
    let repaired = ("drift-repaired".to_owned(), json!("repaired"), json!([]));
    assert_eq!(told(&house, 1).await, std::slice::from_ref(&repaired));

    // It could not: it begins a session by itself.
    house.pass(4 * 3_600);
    let bad = "status=\"0x80070005\" state=\"61\"";
    assert!(session(&pc, &listed(R3, 61), &vpn_result(&id, &checksum, R3, 61, bad)).await);
    assert_eq!(state().await, "failed");
    let reasons = declaration(&house, HARDWARE, "vpn").await["reasons"].to_string();
    assert!(
        reasons.contains(SERVERS) && reasons.contains("0x80070005"),
        "{reasons}"
    );
    let drifted = ("drifted".to_owned(), json!("unrepaired"), json!([CSP, SERVERS]));
    assert_eq!(told(&house, 2).await, [repaired.clone(), drifted.clone()]);
    // Nothing new is told while it lasts.
    house.pass(4 * 3_600);
    assert!(!session(&pc, &listed(R3, 61), "").await);
    assert_eq!(told(&house, 2).await.len(), 2);

    // And then it is as it was.
    house.pass(4 * 3_600);
    assert!(session(&pc, &listed(R2, 60), &vpn_result(&id, &checksum, R2, 60, GOOD)).await);
    assert_eq!(state().await, "confirmed");
    let over = (
        "drift-repaired".to_owned(),
        json!("unrepaired"),
        json!([CSP, SERVERS]),
    );
    assert_eq!(told(&house, 3).await, [repaired, drifted, over]);
    let drift = channel(&house, HARDWARE).await["drift"].clone();
    let last = drift.as_array().and_then(|drift| drift.last()).expect("drift");
    assert_eq!(
        (&last["kind"], last["repaired"].is_i64()),
        (&json!("unrepaired"), true),
        "{drift}"
    );
}

async fn another_version(database: Database) {
    let house = house(database).await;
    let (pc, id, checksum) = confirmed(&house).await;
    let vpn = "Identifier: vpn\nscenario: MSFTVPN\ncsp:\n  - name: ./Vendor/MSFT/VPNv2\n    settings:\n      - LabVPN/AlwaysOn: false\n";
    publish(&house, &[("windows/vpn.yaml", vpn)]).await;
    let before = list(&[listed(&id, &checksum, R2, 60)]);
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&before)).await;
    let (same, second) = sent(heard.only());
    assert_eq!(same, id);
    assert_ne!(second, checksum);
    let state = async || {
        let one = declaration(&house, HARDWARE, "vpn").await;
        (one["server_token"].clone(), one["state"].clone())
    };
    let is = |result: &str, state| list(&[listed(&id, &second, result, state)]);
    talk.take(&heard, &is("", 2)).await.is_over();
    assert_eq!(state().await, (json!(second), json!("pending")));
    // A result of the one before is of the one before.
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is(R3, 60))).await;
    let old = vpn_result(&id, &checksum, R3, 60, GOOD);
    talk.answer(&heard, &is(R3, 60), |heard, command| {
        heard.value(command, &old).into()
    })
    .await;
    assert_eq!(state().await, (json!(second), json!("pending")));
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is(R3, 60))).await;
    let new = vpn_result(&id, &second, R3, 60, GOOD);
    talk.answer(&heard, &is(R3, 60), |heard, command| {
        heard.value(command, &new).into()
    })
    .await
    .is_over();
    assert_eq!(state().await, (json!(second), json!("confirmed")));
    assert!(told(&house, 0).await.is_empty(), "it was ours");
}

async fn what_is_no_longer_wanted(database: Database) {
    let house = house(database).await;
    let file = |name: &str, removal: &str| {
        format!(
            "Identifier: {name}\nscenario: MSFTVPN\non-removal: {removal}\ncsp:\n  - name: ./Vendor/MSFT/VPNv2\n    settings:\n      - {name}/AlwaysOn: true\n"
        )
    };
    let (kept, gone, cleaned) = (
        file("kept", "abandon"),
        file("gone", "delete"),
        file("cleaned", "clean"),
    );
    let all = [
        ("windows/kept.yaml", kept.as_str()),
        ("windows/gone.yaml", &gone),
        ("windows/cleaned.yaml", &cleaned),
    ];
    publish(&house, &all).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let find = |name: &str| {
        let of = |command: &&Command| {
            command
                .data
                .as_deref()
                .is_some_and(|text| text.contains(&format!("\"{name}/AlwaysOn\"")))
        };
        sent(heard.commands.iter().find(of).expect("it"))
    };
    let [kept, gone, cleaned] = ["kept", "gone", "cleaned"].map(find);
    fn done((id, checksum): &(String, String)) -> Listed<'_> {
        listed(id, checksum, "A1", 60)
    }
    let is = list(&[done(&kept), done(&gone), done(&cleaned)]);
    let result = |command: &Command| {
        let (id, checksum) = [&kept, &gone, &cleaned]
            .into_iter()
            .find(|(id, _)| command.target.contains(id))
            .expect("it");
        let parts = "<CSP name=\"./Vendor/MSFT/VPNv2\" state=\"60\"/>".to_owned();
        Outcome {
            id,
            scenario: "MSFTVPN",
            checksum,
            result: "A1",
            operation: "Set",
            state: 60,
            parts,
        }
        .text()
    };
    let heard = talk.take(&heard, &is).await;
    assert_eq!(heard.commands.len(), 3);
    talk.answer(&heard, &is, |heard, command| {
        heard.value(command, &result(command)).into()
    })
    .await
    .is_over();
    assert_eq!(channel(&house, HARDWARE).await["converged"], true);

    publish(&house, &[]).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is)).await;
    let node = |(id, _): &(String, String), rest: &str| format!("{ROOT}/Complete/Documents/{id}/{rest}");
    let command = |target: &str| {
        heard
            .commands
            .iter()
            .find(|command| command.target == target)
            .expect("it")
    };
    assert_eq!(heard.commands.len(), 3, "{heard:?}");
    let abandon = command(&node(&kept, "Properties/Abandoned"));
    assert_eq!(
        (
            abandon.name.as_str(),
            abandon.meta.0.as_deref(),
            abandon.data.as_deref()
        ),
        ("Replace", Some("int"), Some("1"))
    );
    for goes in [&gone, &cleaned] {
        let delete = command(&node(goes, "Document"));
        assert_eq!((delete.name.as_str(), &delete.data), ("Delete", &None));
    }

    // Abandoned ones stay listed; what was deleted does not.
    let abandoned = Listed {
        more: " abandoned=\"1\"",
        ..done(&kept)
    };
    let last = list(&[abandoned]);
    talk.take(&heard, &last).await.is_over();
    pc.talks().begin(Some(&last)).await.is_over();
    let problems = channel(&house, HARDWARE).await["report_problems"].to_string();
    for name in ["kept", "gone"] {
        let stays = format!("what {name} set may stay");
        assert!(problems.contains(&stays), "{problems}");
    }
    assert!(!problems.contains("cleaned"), "{problems}");
    // What it had set is for the device's own sessions.
    let device = house.device(HARDWARE).await;
    let cleaning = &device["channels"][0]["cleaning"];
    assert_eq!(cleaning[0]["identifier"], "cleaned", "{device}");
    assert_eq!(
        cleaning[0]["nodes"],
        json!({"./Device/Vendor/MSFT/VPNv2/cleaned": null})
    );
    assert!(told_nothing(&house).await, "it was ours");

    // It is wanted again: it is put in force, and not sent once more.
    publish(&house, &all[..1]).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&last)).await;
    assert_eq!(
        heard.asked(),
        [("Replace", node(&kept, "Properties/Abandoned").as_str())]
    );
    assert_eq!(heard.only().data.as_deref(), Some("0"));
    let pending = list(&[Listed {
        state: 1,
        result: "",
        ..done(&kept)
    }]);
    talk.take(&heard, &pending).await.is_over();
    let mut talk = pc.talks();
    let good = list(&[Listed {
        result: "A3",
        ..done(&kept)
    }]);
    let heard = talk.begin(Some(&good)).await;
    let parts = "<CSP name=\"./Vendor/MSFT/VPNv2\" state=\"60\"/>".to_owned();
    let result = Outcome {
        id: &kept.0,
        scenario: "MSFTVPN",
        checksum: &kept.1,
        result: "A3",
        operation: "Set",
        state: 60,
        parts,
    }
    .text();
    talk.answer(&heard, &good, |heard, command| {
        heard.value(command, &result).into()
    })
    .await
    .is_over();
    assert_eq!(declaration(&house, HARDWARE, "kept").await["state"], "confirmed");
    assert!(told_nothing(&house).await, "it was ours");
}

async fn told_nothing(house: &House) -> bool {
    let query = "?after=0&follow=false&kind=drifted,drift-repaired";
    Listener::open(house, query, None).await.rest().await.is_empty()
}
