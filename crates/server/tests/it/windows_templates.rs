//! Simulated PCs with templates of declared configuration: filled in, drifted, filled in again, refused, taken away.

use ordain_testbed::Database;
use serde_json::json;

use crate::events;
use crate::house::House;
use crate::policy::blueprint;
use crate::windows_declared_pc::{HARDWARE, RawPc, facts, publish as publish_raw};
use crate::windows_declared_wire::{GOOD, Heard, Outcome, ROOT, list, listed, sent};
use crate::windows_drift::{node, settled};
use crate::windows_entra::house as house_of_raw;
use crate::windows_tenant::{HOUR, house, linked, pass, states};
use crate::windows_twin::Managed;

crate::on_each_database!(
    a_template_is_filled_in_again_when_it_drifts,
    templates_may_not_be_there,
    a_document_becomes_a_template,
    a_template_as_published,
);

const PFX: &str = "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall";

/// The file of the second certificate, which is longer than a message.
fn long() -> String {
    "QUFB".repeat(25_000)
}

async fn publish(house: &House, names: &[&str]) {
    let setting = |name: &str, value: &str| {
        format!("      - {{path: PFXCertInstall/@#thumb#/{name}, format: chr, value: {value}}}\n")
    };
    let template = format!(
        "Identifier: pfx\nscenario: MSFTClientCertificateInstall\ncsp:\n  - name: ./Vendor/MSFT/ClientCertificateInstall\n    settings:\n      \
         - PFXCertInstall/@#thumb#/KeyLocation: 3\n{}{}instances:\n  - {{thumb: A1, blob: c2VjcmV0, password: open-sesame}}\n  - {{thumb: B2, blob: {}, password: open-sesame}}\n",
        setting("PFXCertBlob", "'@#blob#'"),
        setting("PFXCertPassword", "'@#password#'"),
        long(),
    );
    let complete = "Identifier: pfx\nscenario: MSFTClientCertificateInstall\ncsp:\n  - name: ./Vendor/MSFT/ClientCertificateInstall\n    settings:\n      \
                    - PFXCertInstall/A1/KeyLocation: 3\n      - {path: PFXCertInstall/A1/PFXCertBlob, format: chr, value: b2xk}\n";
    let vpn = "Identifier: vpn\nscenario: MSFTVPN\ncsp:\n  - name: ./Vendor/MSFT/VPNv2\n    settings:\n      - Work/AlwaysOn: true\n";
    let base = match names.is_empty() {
        true => "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        false => blueprint(
            "base",
            "all",
            &names
                .iter()
                .map(|name| if *name == "vpn" { "vpn" } else { "pfx" })
                .collect::<Vec<_>>(),
        ),
    };
    let mut files = vec![("blueprints/base.yaml", base)];
    for name in names {
        files.push(match *name {
            "vpn" => ("windows/vpn.yaml", vpn.to_owned()),
            "complete" => ("windows/pfx.yaml", complete.to_owned()),
            _ => ("windows/pfx.yaml", template.clone()),
        });
    }
    house.publish(&files).await;
}

/// E6.
async fn a_template_is_filled_in_again_when_it_drifts(database: Database) {
    let house = house(database).await;
    publish(&house, &["template"]).await;
    let mut managed = settled(&house).await;
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(
        states(&house, &managed).await,
        ["pfx confirmed"],
        "{}",
        linked(&house, &managed).await
    );
    let blob = |managed: &Managed, id: &str| managed.value(&format!("{PFX}/{id}/PFXCertBlob"));
    assert_eq!(blob(&managed, "A1").as_deref(), Some("c2VjcmV0"));
    assert_eq!(blob(&managed, "B2"), Some(long()));
    // What it came to is shown, and not with what.
    let shown = linked(&house, &managed).await;
    let parts = shown["documents"][0]["outcomes"].to_string();
    for id in ["A1", "B2"] {
        assert!(
            parts.contains(&format!("PFXCertInstall/{id}/PFXCertPassword")),
            "{parts}"
        );
    }
    let shown = shown.to_string();
    assert!(
        !shown.contains("open-sesame") && !shown.contains("c2VjcmV0"),
        "{shown}"
    );
    assert_eq!(events::told(&house, "drifted", 0).await, []);
    // Somebody takes one of them away. The device cannot repair that, tells it at once, and gets what it needs.
    managed.twin.remove(&node(&format!("{PFX}/B2")));
    pass(&house, &mut managed, 5 * HOUR).await;
    let told = events::told(&house, "drifted", 1).await;
    let (drift, settings) = (&told[0].1["drift"], told[0].1["settings"].to_string());
    assert_eq!(
        (drift, &told[0].1["document"]),
        (&json!("unrepaired"), &json!("pfx"))
    );
    assert!(
        settings.contains("B2/PFXCertBlob") && !settings.contains("A1"),
        "{settings}"
    );
    assert_eq!(blob(&managed, "B2"), Some(long()));
    assert_eq!(
        states(&house, &managed).await,
        ["pfx pending"],
        "a 200 says nothing"
    );
    // And with the next session it says that it is good again.
    pass(&house, &mut managed, 8 * HOUR).await;
    assert_eq!(states(&house, &managed).await, ["pfx confirmed"]);
    let told = events::told(&house, "drift-repaired", 1).await;
    assert_eq!(told[0].1["drift"], "unrepaired");
    // It goes, and what it set stays.
    publish(&house, &[]).await;
    pass(&house, &mut managed, 24 * HOUR).await;
    let channel = linked(&house, &managed).await;
    assert_eq!(
        (&channel["declarations"], &channel["converged"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(channel["stays"][0]["identifier"], "pfx");
    assert!(channel.get("documents").is_none(), "{channel}");
    assert!(blob(&managed, "A1").is_some());
}

async fn templates_may_not_be_there(database: Database) {
    let house = house(database).await;
    publish(&house, &["vpn"]).await;
    let mut managed = settled(&house).await;
    managed.twin.quirks_mut().documented_nodes_only = true;
    publish(&house, &["template", "vpn"]).await;
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(states(&house, &managed).await, ["pfx failed", "vpn confirmed"]);
    let reasons = linked(&house, &managed).await["declarations"][0]["reasons"].to_string();
    assert!(reasons.contains("templates are not supported here"), "{reasons}");
    assert_eq!(events::told(&house, "drifted", 0).await, []);
}

async fn a_document_becomes_a_template(database: Database) {
    let house = house(database).await;
    publish(&house, &["complete"]).await;
    let mut managed = settled(&house).await;
    pass(&house, &mut managed, 12 * HOUR).await;
    assert_eq!(states(&house, &managed).await, ["pfx confirmed"]);
    publish(&house, &["template"]).await;
    pass(&house, &mut managed, 48 * HOUR).await;
    assert_eq!(
        states(&house, &managed).await,
        ["pfx confirmed"],
        "{}",
        linked(&house, &managed).await
    );
    let value = managed.value(&format!("{PFX}/A1/PFXCertBlob"));
    assert_eq!(value.as_deref(), Some("c2VjcmV0"));
    assert_eq!(events::told(&house, "drifted", 0).await, []);
}

/// What one certificate of the examples comes to.
fn certificate(thumb: &str, status: &str) -> String {
    format!(
        "<CSP name=\"./Vendor/MSFT/ClientCertificateInstall\" state=\"60\"><URI path=\"PFXCertInstall/{thumb}/KeyLocation\" {GOOD} type=\"int\"/>\
         <URI path=\"PFXCertInstall/{thumb}/PFXCertBlob\" {status} type=\"chr\"/></CSP>"
    )
}

/// Example 11, and the end of example 8, by messages that are written by hand.
async fn a_template_as_published(database: Database) {
    let house = house_of_raw(database).await;
    let file = "Identifier: pfx
scenario: MSFTClientCertificateInstall
csp:
  - name: ./Vendor/MSFT/ClientCertificateInstall
    settings:
      - PFXCertInstall/@#thumb#/KeyLocation: 3
      - {path: PFXCertInstall/@#thumb#/PFXCertBlob, format: chr, value: \"@#blob#\"}
instances:
  - {thumb: 0123456789ABCDEF0123456789ABCDEF01234567, blob: a&b}
";
    publish_raw(&house, &[("windows/pfx.yaml", file)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    let root = format!("{ROOT}/BulkTemplate/Documents/{id}");
    assert_eq!(heard.only().target, format!("{root}/Document"));
    let template = format!(
        "<DeclaredConfiguration schema=\"1.0\" context=\"Device\" id=\"{id}\" checksum=\"{checksum}\" osdefinedscenario=\"MSFTClientCertificateInstall\">\
         <CSP name=\"./Vendor/MSFT/ClientCertificateInstall\"><URI path=\"PFXCertInstall/@#thumb#/KeyLocation\" type=\"int\">3</URI>\
         <URI path=\"PFXCertInstall/@#thumb#/PFXCertBlob\" type=\"chr\">@#blob#</URI></CSP></DeclaredConfiguration>"
    );
    assert_eq!(heard.only().data.as_deref(), Some(template.as_str()));
    let thumb = "0123456789ABCDEF0123456789ABCDEF01234567";
    let blob = format!(
        "<InstanceBlob schema=\"1.0\"><Instance><InstanceData variable=\"blob\">a&amp;b</InstanceData>\
         <InstanceData variable=\"thumb\">{thumb}</InstanceData></Instance></InstanceBlob>"
    );
    let is_filled_in = |heard: &Heard| {
        let command = heard.only();
        assert_eq!(
            (command.name.as_str(), &command.target, command.meta.0.as_deref()),
            ("Replace", &format!("{root}/BulkVariables/Value"), Some("chr"))
        );
        assert_eq!(command.data.as_deref(), Some(blob.as_str()));
    };
    let told = |result: &'static str, state| list(&[listed(&id, &checksum, result, state)]);
    let heard = talk.take(&heard, &told("", 40)).await;
    is_filled_in(&heard);
    talk.take(&heard, &told("", 1)).await.is_over();
    assert_eq!(
        facts(&house, "pfx").await,
        ([true, true, true, false], "pending".to_owned())
    );
    let read = async |result: &'static str, state, thumb: &str, status: &str| {
        let mut talk = pc.talks();
        let heard = talk.begin(Some(&told(result, state))).await;
        let path = format!("{ROOT}/BulkTemplate/Results/{id}/Document");
        assert_eq!(heard.asked(), [("Get", path.as_str())]);
        let outcome = Outcome {
            id: &id,
            scenario: "MSFTClientCertificateInstall",
            checksum: &checksum,
            result,
            operation: "Set",
            state,
            parts: certificate(thumb, status),
        };
        let heard = talk
            .answer(&heard, &told(result, state), |heard, command| {
                heard.value(command, &outcome.text()).into()
            })
            .await;
        (talk, heard)
    };
    // A result of something else is none.
    read("AA", 60, "@#thumb#", GOOD).await.1.is_over();
    assert_eq!(facts(&house, "pfx").await.1, "pending");
    read("BB", 60, thumb, GOOD).await.1.is_over();
    assert_eq!(facts(&house, "pfx").await, ([true; 4], "confirmed".to_owned()));
    // It has lost the certificate, and with it what it was made of.
    house.pass(4 * 3_600);
    let (mut talk, heard) = read("CC", 61, thumb, "status=\"404\" state=\"61\"").await;
    is_filled_in(&heard);
    talk.take(&heard, &told("CC", 1)).await.is_over();
    // Again at once: it waits.
    let (_, heard) = read("DD", 61, thumb, "status=\"404\" state=\"61\"").await;
    heard.is_over();
    house.pass(3_600);
    let heard = pc.talks().begin(Some(&told("DD", 61))).await;
    is_filled_in(&heard);
    read("EE", 60, thumb, GOOD).await.1.is_over();
    assert_eq!(facts(&house, "pfx").await.1, "confirmed");
}
