//! What becomes of documents of providers and of inventories, results in parts, and what confirms nothing, by messages that
//! are written by hand.

use ordain_testbed::Database;
use serde_json::Value;

use crate::house::House;
use crate::windows_declared::{R1, VPN};
use crate::windows_declared_pc::*;
use crate::windows_declared_wire::*;
use crate::windows_element::escaped;
use crate::windows_entra::house;

crate::on_each_database!(
    providers_and_inventories,
    what_nobody_tells_any_more_is_forgotten,
    a_result_in_parts,
    what_confirms_nothing
);

const MOTD: &str = "Identifier: motd
scenario: MSFTExtensibilityMIProviderConfig
providers:
  - namespace: root/Microsoft/Windows/DesiredStateConfiguration
    class: MSFT_FileDirectoryConfiguration
    keys: {DestinationPath: 'C:\\ProgramData\\Example\\motd.txt'}
    values: {Contents: Managed device}
";
const ASKED: &str = "Identifier: asked
scenario: MSFTExtensibilityMIProviderInventory
providers:
  - namespace: root/Microsoft/Windows/DesiredStateConfiguration
    class: MSFT_FileDirectoryConfiguration
    keys: {DestinationPath: 'C:\\ProgramData\\Example\\motd.txt'}
    values: [Contents]
";

async fn providers_and_inventories(database: Database) {
    let house = house(database).await;
    publish(
        &house,
        &[("windows/asked.yaml", ASKED), ("windows/motd.yaml", MOTD)],
    )
    .await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    assert_eq!(heard.commands.len(), 2, "{heard:?}");
    let of = |request: &str| {
        let command = heard
            .commands
            .iter()
            .find(|command| command.target.contains(&format!("/Host/{request}/")))
            .expect("it");
        let (id, checksum) = sent(command);
        (id, checksum, command.data.clone().expect("a document"))
    };
    let dsc = "<DSC namespace=\"root/Microsoft/Windows/DesiredStateConfiguration\" className=\"MSFT_FileDirectoryConfiguration\"";
    let key = "<Key name=\"DestinationPath\">C:\\ProgramData\\Example\\motd.txt</Key>";
    let (motd, motd_checksum, document) = of("Complete");
    assert!(
        document.contains("osdefinedscenario=\"MSFTExtensibilityMIProviderConfig\""),
        "{document}"
    );
    assert!(
        document.contains(&format!(
            "{dsc}>{key}<Value name=\"Contents\">Managed device</Value></DSC>"
        )),
        "{document}"
    );
    let (asked, asked_checksum, document) = of("Inventory");
    assert!(
        document.contains("osdefinedscenario=\"MSFTExtensibilityMIProviderInventory\""),
        "{document}"
    );
    assert!(
        document.contains(&format!("{dsc}>{key}<Value name=\"Contents\"/></DSC>")),
        "{document}"
    );

    let is = list(&[
        listed(&motd, &motd_checksum, "AA", 60),
        listed(&asked, &asked_checksum, "BB", 80),
    ]);
    let heard = talk.take(&heard, &is).await;
    let mut targets: Vec<_> = heard.asked();
    targets.sort_unstable();
    let (complete, inventory) = (
        format!("{ROOT}/Complete/Results/{motd}/Document"),
        format!("{ROOT}/Inventory/Results/{asked}/Document"),
    );
    assert_eq!(targets, [("Get", complete.as_str()), ("Get", inventory.as_str())]);
    let state = |state: u32| format!("{dsc} status=\"200\" state=\"{state}\">");
    let set = Outcome {
        id: &motd,
        scenario: "MSFTExtensibilityMIProviderConfig",
        checksum: &motd_checksum,
        result: "AA",
        operation: "Set",
        state: 60,
        // What was set is not told.
        parts: format!(
            "{}<Key name=\"DestinationPath\"/><Value name=\"Contents\"/></DSC>",
            state(60)
        ),
    };
    let got = Outcome {
        id: &asked,
        scenario: "MSFTExtensibilityMIProviderInventory",
        checksum: &asked_checksum,
        result: "BB",
        operation: "Get",
        state: 80,
        parts: format!(
            "{}{key}<Value name=\"Contents\">=1+1 &lt;script&gt;</Value></DSC>",
            state(80)
        ),
    };
    let (set, got) = (set.text(), got.text());
    let answer = |heard: &Heard, command: &Command| {
        heard
            .value(command, if command.target == complete { &set } else { &got })
            .into()
    };
    talk.answer(&heard, &is, answer).await.is_over();
    for identifier in ["motd", "asked"] {
        assert_eq!(
            facts(&house, identifier).await,
            ([true; 4], "confirmed".to_owned())
        );
    }
    let device = house.device(HARDWARE).await;
    let own = device["channels"]
        .as_array()
        .expect("channels")
        .iter()
        .find(|channel| channel["id"] == HARDWARE);
    let items = &own.expect("its own")["status"];
    assert_eq!(
        items["windows.inventory.asked.Contents"], "=1+1 <script>",
        "{items}"
    );
    // It decides groups, as any fact.
    assert!(!items.to_string().contains("windows.inventory.motd"), "{items}");
}

/// The value that the inventory tells of a PC, if it does.
async fn told(house: &House) -> Value {
    let device = house.device(HARDWARE).await;
    let channels = device["channels"].as_array().expect("channels");
    let own = channels.iter().find(|channel| channel["id"] == HARDWARE);
    own.expect("its own")["status"]["windows.inventory.asked.Contents"].clone()
}

/// What a linked enrollment has told is known as long as that enrollment: it may end by itself, and the device may enroll
/// anew without saying that it has ended.
async fn what_nobody_tells_any_more_is_forgotten(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/asked.yaml", ASKED)]).await;
    let mut pc = RawPc::linked(&house, HARDWARE).await;
    for ends_by_itself in [true, false] {
        let mut talk = pc.talks();
        let heard = talk.begin(Some(&list(&[]))).await;
        let (id, checksum) = sent(heard.only());
        let is = list(&[listed(&id, &checksum, "BB", 80)]);
        let heard = talk.take(&heard, &is).await;
        let got = Outcome {
            id: &id,
            scenario: "MSFTExtensibilityMIProviderInventory",
            checksum: &checksum,
            result: "BB",
            operation: "Get",
            state: 80,
            parts: "<DSC namespace=\"root/Microsoft/Windows/DesiredStateConfiguration\" className=\"MSFT_FileDirectoryConfiguration\" \
                    status=\"200\" state=\"80\"><Value name=\"Contents\">Managed device</Value></DSC>"
                .to_owned(),
        }
        .text();
        talk.answer(&heard, &is, |heard, command| heard.value(command, &got).into())
            .await
            .is_over();
        assert_eq!(told(&house).await, "Managed device");
        if ends_by_itself {
            pc.talks().begin_with(Some(&is), &[unenrolls()]).await.is_over();
            assert_eq!(told(&house).await, Value::Null);
            pc.link(&device_token(&house)).await;
        }
    }
    publish(&house, &[]).await;
    pc.link(&device_token(&house)).await;
    pc.talks().begin(Some(&list(&[]))).await.is_over();
    assert_eq!(told(&house).await, Value::Null);
}

async fn a_result_in_parts(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/asked.yaml", ASKED)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    let is = list(&[listed(&id, &checksum, "BB", 80)]);
    let heard = talk.take(&heard, &is).await;
    let get = heard.only().clone();
    let parts = "<DSC namespace=\"root/Microsoft/Windows/DesiredStateConfiguration\" className=\"MSFT_FileDirectoryConfiguration\" status=\"200\" state=\"80\">\
        <Key name=\"DestinationPath\">C:\\ProgramData\\Example\\motd.txt</Key><Value name=\"Contents\">";
    let content = "0123456789".repeat(12_000);
    let result = Outcome {
        id: &id,
        scenario: "MSFTExtensibilityMIProviderInventory",
        checksum: &checksum,
        result: "BB",
        operation: "Get",
        state: 80,
        parts: format!("{parts}{content}</Value></DSC>"),
    }
    .text();
    let (first, last) = result.split_at(60_000);
    let size = format!(
        "<Meta><Size xmlns=\"syncml:metinf\">{}</Size></Meta>",
        result.len()
    );
    let begun = heard.results(&get, &format!("{size}<Data>{}</Data><MoreData/>", escaped(first)));
    let more = talk
        .say_so(
            &[heard.header_status(), heard.status(&get, 200), begun, alert(&is)],
            false,
        )
        .await;
    assert!(!more.is_final, "{more:?}");
    assert_eq!(
        more.statuses
            .iter()
            .find(|(name, _)| name == "Results")
            .map(|(_, code)| code.as_str()),
        Some("213")
    );
    assert!(
        more.commands
            .iter()
            .any(|command| command.name == "Alert" && command.data.as_deref() == Some("1222")),
        "{more:?}"
    );
    assert_eq!(facts(&house, "asked").await.1, "pending");
    let rest = heard.results(&get, &format!("<Data>{}</Data>", escaped(last)));
    talk.say(&[more.header_status(), rest, alert(&is)])
        .await
        .is_over();
    assert_eq!(facts(&house, "asked").await.1, "confirmed");
    let device = house.device(HARDWARE).await;
    assert!(device["channels"].to_string().contains(&content[..500]));
}

async fn what_confirms_nothing(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/vpn.yaml", VPN)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    // That it was taken.
    talk.say(&[heard.header_status(), heard.status(heard.only(), 200)])
        .await;
    assert_eq!(
        facts(&house, "vpn").await,
        ([true, true, false, false], "pending".to_owned())
    );

    let other = id.replace(&id[..8], "00000000");
    let old = "0".repeat(64);
    let good = |id: &str, checksum: &str, result: &str| vpn_result(id, checksum, result, 60, GOOD);
    let bad = |servers: &str| vpn_result(&id, &checksum, "R", 60, servers);
    let cases = [
        ("the list alone", 60, None),
        ("a result that is nothing", 60, Some("nothing".to_owned())),
        ("an old checksum", 60, Some(good(&id, &old, "R"))),
        ("another document", 60, Some(good(&other, &checksum, "R"))),
        ("another result", 60, Some(good(&id, &checksum, "Q"))),
        ("a state that nobody knows", 77, Some(good(&id, &checksum, "R"))),
        (
            "a state that nobody knows, in the result",
            60,
            Some(vpn_result(&id, &checksum, "R", 77, GOOD)),
        ),
        ("one that is bad", 60, Some(bad("status=\"404\" state=\"61\""))),
        (
            "one with a status that nobody knows",
            60,
            Some(bad("status=\"201\" state=\"60\"")),
        ),
        (
            "one with a state that nobody knows",
            60,
            Some(bad("status=\"200\" state=\"77\"")),
        ),
        (
            "one that is under way",
            60,
            Some(bad("status=\"200\" state=\"2\"")),
        ),
        ("one without a status", 60, Some(bad("state=\"60\""))),
        (
            "one that is there twice",
            60,
            Some(bad(GOOD).replace("AlwaysOn", "NativeProfile/Servers")),
        ),
    ];
    for (number, (what, state, answer)) in cases.into_iter().enumerate() {
        // Each is about a result of its own, so that none is known already.
        let result = format!("R{number}");
        let answer = answer
            .map(|text| text.replace("result_checksum=\"R\"", &format!("result_checksum=\"{result}\"")));
        let is = list(&[listed(&id, &checksum, &result, state)]);
        let mut talk = pc.talks();
        let mut heard = talk.begin(Some(&is)).await;
        for _ in 0..10 {
            if heard.commands.is_empty() {
                break;
            }
            heard = talk
                .answer(&heard, &is, |heard, command| match &answer {
                    Some(text) => heard.value(command, text).into(),
                    None => vec![heard.status(command, 404)],
                })
                .await;
        }
        heard.is_over();
        let ([.., is_confirmed], state) = facts(&house, "vpn").await;
        assert!(!is_confirmed && state != "confirmed", "{what}");
        assert_eq!(channel(&house, HARDWARE).await["converged"], false, "{what}");
    }

    // Nor does what another device says of the same document.
    let other = RawPc::linked(&house, "OTHER-PC").await;
    let is = list(&[listed(&id, &checksum, R1, 60)]);
    let result = good(&id, &checksum, R1);
    let mut talk = other.talks();
    let heard = talk.begin(Some(&is)).await;
    assert_eq!(heard.only().name, "Get");
    talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
        .await
        .is_over();
    assert_eq!(declaration(&house, "OTHER-PC", "vpn").await["confirmed"], true);
    assert!(!facts(&house, "vpn").await.0[3]);

    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is)).await;
    talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
        .await
        .is_over();
    assert_eq!(facts(&house, "vpn").await, ([true; 4], "confirmed".to_owned()));
}
