//! F4.11 and F4.12: providers of DSC resources, and what documents ask for.

use crate::fake::{Computer, NOW, OTHER, VPN, csp, document, outcome};

/// F4.11 and F4.12, as example 10 has it.
#[test]
fn resources_of_providers_are_set_and_read() {
    const NAMESPACE: &str = "root/Microsoft/Windows/DesiredStateConfiguration";
    const CLASS: &str = "MSFT_FileDirectoryConfiguration";
    let dsc = |class: &str, contents: &str| {
        format!(
            "<DSC namespace=\"{NAMESPACE}\" className=\"{class}\"><Key name=\"DestinationPath\">C:\\motd.txt</Key>{contents}</DSC>"
        )
    };
    let (set, ask) = (
        dsc(CLASS, "<Value name=\"Contents\">Managed device</Value>"),
        dsc(CLASS, "<Value name=\"Contents\"/>"),
    );
    let mut pc = Computer::linked();
    let scenario = "MSFTExtensibilityMIProviderInventory";
    let question = document(OTHER, "I1", scenario, &ask);
    assert_eq!(pc.send("Inventory", OTHER, &question, NOW).0, 200);
    assert_eq!(pc.states(NOW), [20]);
    assert_eq!(pc.states(NOW + 1), [21]);
    assert_eq!(pc.states(NOW + 2), [81], "there is no such file");
    let config = document(VPN, "C1", "MSFTExtensibilityMIProviderConfig", &set);
    pc.apply(VPN, &config, NOW + 20);
    let (state, parts) = outcome(&pc.result("Complete", VPN, NOW + 20));
    assert_eq!(
        (state, parts),
        (60, vec![(CLASS.to_owned(), "200".to_owned(), 60, String::new())])
    );
    // Asked again, with the refresh.
    let later = NOW + 5 * 3600;
    assert_eq!(pc.states(later), [60, 80]);
    let text = pc.result("Inventory", OTHER, later);
    assert!(text.contains("operation=\"Get\""));
    assert_eq!(
        outcome(&text).1,
        [(
            CLASS.to_owned(),
            "200".to_owned(),
            80,
            "Managed device".to_owned()
        )]
    );
    // Failures, and a class that is not installed.
    pc.twin.providers_mut().provider(NAMESPACE, CLASS).set_fails = Some(0x8007_0005);
    pc.apply(
        VPN,
        &config.replace("C1", "C2").replace("Managed", "Other"),
        later + 20,
    );
    let (state, parts) = outcome(&pc.result("Complete", VPN, later + 20));
    assert_eq!((state, parts[0].1.as_str()), (61, "0x80070005"));
    let unknown = config.replace("C1", "C3").replace(CLASS, "Unknown");
    pc.apply(VPN, &unknown, later + 40);
    let (state, parts) = outcome(&pc.result("Complete", VPN, later + 40));
    assert_eq!((state, parts[0].1.as_str()), (61, "404"));
    // What was there before comes back when the enrollment ends.
    let keys: std::collections::BTreeMap<_, _> =
        [("DestinationPath".to_owned(), "C:\\motd.txt".to_owned())].into();
    assert!(
        pc.twin
            .providers_mut()
            .provider(NAMESPACE, CLASS)
            .resources
            .contains_key(&keys)
    );
    pc.twin.unenroll();
    pc.run(later + 50);
    assert!(
        !pc.twin
            .providers_mut()
            .provider(NAMESPACE, CLASS)
            .resources
            .contains_key(&keys)
    );
}

/// F4.12: certificates, which only an inventory shows.
#[test]
fn an_inventory_has_real_values() {
    let mut pc = Computer::linked();
    let uris = [("Root/System", "node", ""), ("My/Nothing", "chr", "")];
    let question = document(OTHER, "I1", "MSFTInventory", &csp("CertificateStore", &uris));
    pc.send("Inventory", OTHER, &question, NOW);
    assert_eq!(pc.states(NOW + 10), [81]);
    let (_, parts) = outcome(&pc.result("Inventory", OTHER, NOW + 10));
    let root = pc.twin.account().unwrap().root.as_ref().unwrap().thumbprint();
    assert_eq!(parts[0], ("Root/System".to_owned(), "200".to_owned(), 80, root));
    assert_eq!(parts[1].1, "404");
}
