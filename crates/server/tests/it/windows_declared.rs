//! Linked enrollment, documents and their results, as the published examples have them, by messages that are written by
//! hand.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::house::House;
use crate::windows_declared_pc::*;
use crate::windows_declared_wire::*;
use crate::windows_element::escaped;
use crate::windows_entra::{TENANT, house};
use crate::windows_wire::*;

crate::on_each_database!(
    a_joined_pc_is_linked_and_gets_its_documents,
    a_registered_pc_is_linked_by_its_certificate,
    a_rejected_document,
    a_document_that_fails,
    lists_come_in_three_ways,
    who_leaves_is_gone,
);

pub(crate) const VPN: &str = "Identifier: vpn
scenario: MSFTVPN
csp:
  - name: ./Vendor/MSFT/VPNv2
    settings:
      - LabVPN/NativeProfile/Servers: vpn.example.org
      - LabVPN/NativeProfile/NativeProtocolType: IKEv2
      - LabVPN/NativeProfile/Authentication/MachineMethod: Certificate
      - {path: LabVPN/AlwaysOn, format: bool, value: true}
";
pub(crate) const R1: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C4B5A69788796A5B4C3D2E1F0";

/// A linked PC with the VPN document, applied and confirmed: the PC, the DocID, the checksum.
pub(crate) async fn confirmed(house: &House) -> (RawPc, String, String) {
    publish(house, &[("windows/vpn.yaml", VPN)]).await;
    let pc = RawPc::linked(house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    let is = list(&[listed(&id, &checksum, R1, 60)]);
    let heard = talk.take(&heard, &is).await;
    assert_eq!(heard.only().name, "Get");
    let result = vpn_result(&id, &checksum, R1, 60, GOOD);
    talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
        .await
        .is_over();
    assert_eq!(facts(house, "vpn").await, ([true; 4], "confirmed".to_owned()));
    (pc, id, checksum)
}

async fn a_joined_pc_is_linked_and_gets_its_documents(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/vpn.yaml", VPN)]).await;
    let mut pc = RawPc::enrolled(&house, HARDWARE).await;

    // Its own session sends it there.
    let told = pc.own_session().await;
    let linking: Vec<_> = told
        .iter()
        .filter(|command| command.target.starts_with(LINK))
        .collect();
    let [endpoint, enroll] = linking[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (endpoint.name.as_str(), endpoint.target.clone()),
        ("Replace", format!("{LINK}/DiscoveryEndpoint"))
    );
    assert_eq!(endpoint.meta.0.as_deref(), Some("chr"));
    assert_eq!(
        endpoint.data.as_deref(),
        Some("https://mdm.example.org/EnrollmentServer/Linked/Discovery")
    );
    assert_eq!(
        (enroll.name.as_str(), enroll.target.clone()),
        ("Exec", format!("{LINK}/Enroll"))
    );
    assert_eq!((enroll.meta.0.as_deref(), &enroll.data), (Some("null"), &None));
    pc.nodes.insert(format!("{LINK}/EnrollStatus"), "2".to_owned());

    let asked = format!(
        r#"{{"userDomain":"example.org","upn":"","tenantId":"{TENANT}","emmDeviceId":"{HARDWARE}","enrollmentType":"Device","osVersion":"10.0.26100.1301"}}"#
    );
    let answer = pc
        .pc
        .post_as("application/json", LINKED_DISCOVERY, asked.as_bytes(), None)
        .await
        .with(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let found = answer.json();
    assert_eq!(
        found["EnrollmentServiceUrl"],
        format!("https://mdm.example.org{LINKED_ENROLLMENT}")
    );
    assert_eq!(
        found["EnrollmentPolicyServiceUrl"],
        format!("https://mdm.example.org{LINKED_POLICY}")
    );
    assert!(found["AuthenticationServiceUrl"].is_string());
    assert_eq!(found["AuthPolicy"], "Federated");
    assert_eq!(found["ManagementResource"], "https://mdm.example.org/");

    let security = device_token(&house);
    let policies = pc
        .pc
        .post(LINKED_POLICY, get_policies(&security).as_bytes(), None)
        .await
        .with(200);
    assert!(policies.text().contains("<policySchema>3</policySchema>"));
    pc.link(&security).await;
    let document = &pc.linked.as_ref().expect("a linked enrollment").document;
    for part in [
        r#"<parm name="PROVIDER-ID" value="Ordain-DC"/>"#,
        r#"<characteristic type="Provider"><characteristic type="Ordain-DC">"#,
        r#"<parm name="ADDR" value="https://mdm.example.org/ManagementServer/Linked.svc"/>"#,
        r#"<characteristic type="My"><characteristic type="System">"#,
        r#"&amp;Stores=My%5CSystem""#,
        r#"<parm name="IntervalForRemainingScheduledRetries" value="480" datatype="integer"/>"#,
    ] {
        assert!(document.contains(part), "{part} in {document}");
    }
    assert_ne!(
        pc.linked.as_ref().map(|linked| &linked.certificate),
        Some(&pc.own.certificate)
    );

    // Nothing is known yet: the document is sent.
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    assert_eq!(
        heard.only().target,
        format!("{ROOT}/Complete/Documents/{id}/Document")
    );
    assert_eq!(
        heard.only().data.as_deref(),
        Some(
            format!(
                "<DeclaredConfiguration schema=\"1.0\" context=\"Device\" id=\"{id}\" checksum=\"{checksum}\" osdefinedscenario=\"MSFTVPN\">\
                 <CSP name=\"./Vendor/MSFT/VPNv2\"><URI path=\"LabVPN/NativeProfile/Servers\" type=\"chr\">vpn.example.org</URI>\
                 <URI path=\"LabVPN/NativeProfile/NativeProtocolType\" type=\"chr\">IKEv2</URI>\
                 <URI path=\"LabVPN/NativeProfile/Authentication/MachineMethod\" type=\"chr\">Certificate</URI>\
                 <URI path=\"LabVPN/AlwaysOn\" type=\"bool\">true</URI></CSP></DeclaredConfiguration>"
            )
            .as_str()
        )
    );
    let known = declaration(&house, HARDWARE, "vpn").await;
    assert_eq!(known["server_token"], json!(checksum));
    // Accepted; work is pending.
    let pending = |state| list(&[listed(&id, &checksum, "", state)]);
    talk.take(&heard, &pending(1)).await.is_over();
    assert_eq!(
        facts(&house, "vpn").await,
        ([true, true, true, false], "pending".to_owned())
    );
    for state in [2, 3] {
        pc.talks().begin(Some(&pending(state))).await.is_over();
    }
    assert_eq!(
        facts(&house, "vpn").await,
        ([true, true, true, false], "pending".to_owned())
    );

    // Done; the server asks what became of it.
    let is = list(&[listed(&id, &checksum, R1, 60)]);
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&is)).await;
    assert_eq!(
        heard.asked(),
        [("Get", format!("{ROOT}/Complete/Results/{id}/Document").as_str())]
    );
    assert_eq!(facts(&house, "vpn").await.1, "pending");
    let result = vpn_result(&id, &checksum, R1, 60, GOOD);
    talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
        .await
        .is_over();
    assert_eq!(facts(&house, "vpn").await, ([true; 4], "confirmed".to_owned()));
    assert_eq!(channel(&house, HARDWARE).await["converged"], true);
    // What did not change is not asked for again.
    pc.talks().begin(Some(&is)).await.is_over();

    // Its own session sees how it went, and begins nothing again.
    pc.nodes.insert(format!("{LINK}/EnrollStatus"), "4".to_owned());
    let told = pc.own_session().await;
    assert!(
        !told.iter().any(|command| command.target.starts_with(LINK)),
        "{told:?}"
    );
}

async fn a_registered_pc_is_linked_by_its_certificate(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/vpn.yaml", VPN)]).await;
    let mut pc = RawPc::enrolled(&house, HARDWARE).await;
    pc.own_session().await;

    let asked = |upn: &str| {
        format!(
            r#"{{{upn}"tenantId":"{TENANT}","emmDeviceId":"{HARDWARE}","enrollmentType":"User","osVersion":"10.0.26100.1301"}}"#
        )
    };
    let ask = async |upn: &str| {
        pc.pc
            .post_as("application/json", LINKED_DISCOVERY, asked(upn).as_bytes(), None)
            .await
            .with(200)
            .json()
    };
    let first = ask("").await;
    assert_eq!(first["errorCode"], "UPNRequired");
    for url in [
        "EnrollmentServiceUrl",
        "EnrollmentPolicyServiceUrl",
        "AuthenticationServiceUrl",
        "AuthPolicy",
    ] {
        assert_eq!(first[url], "", "{url}");
    }
    let second = ask(r#""upn":"ada@example.org","#).await;
    assert_eq!(
        (&second["AuthPolicy"], &second["errorCode"]),
        (&json!("Certificate"), &Value::Null)
    );

    let own = pc.own.certificate.clone();
    let policies = signed_policies(&own, &KEYS[0]);
    pc.pc
        .post(LINKED_POLICY, policies.as_bytes(), None)
        .await
        .with(200);
    let message = signed_request(&own, &KEYS[0], &csr(&KEYS[1]), &pc.link_items());
    // Signed by another key; for another place; of another request.
    let forged = signed_request(&own, &KEYS[2], &csr(&KEYS[1]), &pc.link_items());
    let moved = message.replace("https://mdm.example.org/</a:To>", "https://evil.example/</a:To>");
    let changed = message.replace("LAB-PC-01", "LAB-PC-02");
    let unsigned = message.replace(
        &message[message.find("<ds:Signature ").expect("it")..message.find("</wsse:Security>").expect("it")],
        "",
    );
    for refused in [forged, moved, changed, unsigned] {
        let answer = pc.pc.post(LINKED_ENROLLMENT, refused.as_bytes(), None).await;
        assert_eq!(answer.status.as_u16(), 500, "{answer:?}");
    }
    let answer = pc
        .pc
        .post(LINKED_ENROLLMENT, message.as_bytes(), None)
        .await
        .with(200);
    pc.linked = Some(Provisioned::read(&answer, &KEYS[1]));
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    sent(heard.only());
}

async fn a_rejected_document(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/vpn.yaml", VPN)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    talk.answer(&heard, &list(&[]), |heard, command| {
        vec![heard.failure(command, "0x8000FFFF")]
    })
    .await
    .is_over();
    let (facts_then, state) = facts(&house, "vpn").await;
    assert_eq!((facts_then[3], state.as_str()), (false, "failed"));
    let reasons = declaration(&house, HARDWARE, "vpn").await["reasons"].to_string();
    assert!(
        reasons.contains("500") && reasons.contains("0x8000FFFF"),
        "{reasons}"
    );
    // Not again, until it is another one.
    pc.talks().begin(Some(&list(&[]))).await.is_over();
    publish(
        &house,
        &[("windows/vpn.yaml", &VPN.replace("IKEv2", "Automatic"))],
    )
    .await;
    let heard = pc.talks().begin(Some(&list(&[]))).await;
    sent(heard.only());
}

async fn a_document_that_fails(database: Database) {
    let house = house(database).await;
    publish(&house, &[("windows/vpn.yaml", VPN)]).await;
    let pc = RawPc::linked(&house, HARDWARE).await;
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    let (id, checksum) = sent(heard.only());
    let is = list(&[listed(&id, &checksum, R1, 61)]);
    let heard = talk.take(&heard, &is).await;
    assert_eq!(heard.only().name, "Get");
    let result = vpn_result(&id, &checksum, R1, 61, "status=\"404\" state=\"61\"");
    // It is not sent again: that would not help.
    talk.answer(&heard, &is, |heard, command| heard.value(command, &result).into())
        .await
        .is_over();
    assert_eq!(
        facts(&house, "vpn").await,
        ([true, true, true, false], "failed".to_owned())
    );
    let reasons = declaration(&house, HARDWARE, "vpn").await["reasons"].to_string();
    assert!(
        reasons.contains("LabVPN/NativeProfile/Servers") && reasons.contains("404"),
        "{reasons}"
    );
    assert!(!reasons.contains("AlwaysOn"), "{reasons}");
    pc.talks().begin(Some(&is)).await.is_over();
}

async fn lists_come_in_three_ways(database: Database) {
    let house = house(database).await;
    let (pc, id, checksum) = confirmed(&house).await;
    let is = list(&[listed(&id.to_uppercase(), &checksum.to_uppercase(), R1, 60)]);
    for form in [is.clone(), escaped(&is), format!("<![CDATA[{is}]]>")] {
        pc.talks().begin(Some(&form)).await.is_over();
        assert_eq!(facts(&house, "vpn").await.1, "confirmed");
    }
    // From one that cannot be read nothing follows.
    for broken in [
        "<DeclaredConfigurations><DeclaredConfiguration/></DeclaredConfigurations>",
        "",
        "nothing",
        "&lt;DeclaredConfigurations",
    ] {
        let mut talk = pc.talks();
        let heard = talk.begin(Some(broken)).await;
        assert!(
            !heard.commands.iter().any(|command| command.name != "Get"),
            "{heard:?}"
        );
        assert_eq!(facts(&house, "vpn").await.1, "confirmed");
    }
}

async fn who_leaves_is_gone(database: Database) {
    let house = house(database).await;
    let (mut pc, id, checksum) = confirmed(&house).await;
    let is = list(&[listed(&id, &checksum, R1, 60)]);
    pc.talks().begin_with(Some(&is), &[unenrolls()]).await.is_over();
    pc.talks().must_be_refused(403).await;
    // Its own enrollment stays, and it is told to link again when it says that it is not.
    house.pass(3_600);
    pc.nodes.insert(format!("{LINK}/EnrollStatus"), "8".to_owned());
    let told = pc.own_session().await;
    assert!(
        told.iter()
            .any(|command| command.target == format!("{LINK}/Enroll")),
        "{told:?}"
    );
    pc.link(&device_token(&house)).await;
    // What was known of its documents is not known any more.
    let mut talk = pc.talks();
    let heard = talk.begin(Some(&list(&[]))).await;
    assert_eq!(sent(heard.only()), (id, checksum));
    assert!(!facts(&house, "vpn").await.0[3]);
    // When the device leaves, both are gone.
    pc.leaves().await;
    pc.talks().must_be_refused(403).await;
    assert_eq!(channel(&house, HARDWARE).await, Value::Null);
}
