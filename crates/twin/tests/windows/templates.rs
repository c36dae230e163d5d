//! F4.13: templates, and what they are filled in with.

use crate::fake::{Computer, HOST, NOW, OTHER, code, command, csp, document, get, list, outcome, say, uri};

/// F4.13, as example 11 has it.
#[test]
fn templates_are_filled_in_and_forget_what_with() {
    let mut pc = Computer::linked();
    let body = csp(
        "ClientCertificateInstall",
        &[
            ("PFXCertInstall/@#thumb#/KeyLocation", "int", "3"),
            ("PFXCertInstall/@#thumb#/PFXCertBlob", "chr", "@#blob#"),
        ],
    );
    let template = document(OTHER, "B1", "MSFTClientCertificateInstall", &body);
    let value = format!("{HOST}/BulkTemplate/Documents/{OTHER}/BulkVariables/Value");
    let instance = |thumb: &str, blob: &str| {
        format!(
            "<Instance><InstanceData variable=\"thumb\">{thumb}</InstanceData><InstanceData variable=\"blob\">{blob}</InstanceData></Instance>"
        )
    };
    let blob = format!(
        "<InstanceBlob schema=\"1.0\">{}{}</InstanceBlob>",
        instance("A1", "c2VjcmV0"),
        instance("B2", "b3RoZXI=")
    );
    let fill = command("Replace", 100, &value, "chr", &blob);
    let messages = pc.linked_converse([say(fill.clone())], NOW);
    assert_eq!(code(&messages[1], 100), 404, "there is no template");
    assert_eq!(pc.send("BulkTemplate", OTHER, &template, NOW).0, 200);
    assert_eq!(pc.states(NOW + 10), [40]);
    let bad = command("Replace", 100, &value, "chr", "<InstanceBlob/");
    let messages = pc.linked_converse([say(bad), say(fill.clone())], NOW + 10);
    assert_eq!((code(&messages[1], 100), code(&messages[2], 100)), (500, 200));
    assert_eq!(pc.states(NOW + 600), [60]);
    let text = pc.result("BulkTemplate", OTHER, NOW + 600);
    let (_, parts) = outcome(&text);
    let paths: Vec<_> = parts.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(
        paths[1..3],
        ["PFXCertInstall/A1/PFXCertBlob", "PFXCertInstall/B2/KeyLocation"]
    );
    assert!(!text.contains("c2VjcmV0"));
    let messages = pc.linked_converse([say(get(100, &value))], NOW + 601);
    assert_eq!(code(&messages[1], 100), 404, "it is not kept");
    // What has drifted cannot be mended: the device says so at once.
    let node = "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/A1";
    pc.twin.remove(&uri(node));
    let at = NOW + 5 * 3600;
    let messages = pc.pass(at);
    assert_eq!((messages.len(), list(&messages[0]).unwrap()[0].state), (1, 61));
    let (_, parts) = outcome(&pc.result("BulkTemplate", OTHER, at));
    let told: Vec<_> = parts.iter().map(|(_, status, ..)| status.as_str()).collect();
    assert_eq!(told, ["404", "404", "200", "200"]);
    pc.linked_converse([say(fill)], at);
    assert_eq!(pc.states(at + 600), [60]);
    assert!(pc.twin.value(&format!("{node}/PFXCertBlob"), at).is_some());
}

/// What comes of a template is no larger than a document may be.
#[test]
fn templates_have_a_bound() {
    let mut pc = Computer::linked();
    let paths: Vec<_> = (0..200)
        .map(|one| format!("PFXCertInstall/@#t#{one}/KeyLocation"))
        .collect();
    let uris: Vec<_> = paths.iter().map(|path| (path.as_str(), "int", "3")).collect();
    let body = csp("ClientCertificateInstall", &uris);
    let template = document(OTHER, "B1", "MSFTClientCertificateInstall", &body);
    assert_eq!(pc.send("BulkTemplate", OTHER, &template, NOW).0, 200);
    let value = format!("{HOST}/BulkTemplate/Documents/{OTHER}/BulkVariables/Value");
    let fill = |count: usize| {
        let one = |at| format!("<Instance><InstanceData variable=\"t\">T{at}-</InstanceData></Instance>");
        let all: String = (0..count).map(one).collect();
        command(
            "Replace",
            100,
            &value,
            "chr",
            &format!("<InstanceBlob schema=\"1.0\">{all}</InstanceBlob>"),
        )
    };
    let messages = pc.linked_converse([say(fill(51)), say(fill(2))], NOW);
    assert_eq!([1, 2].map(|at: usize| code(&messages[at], 100)), [413, 200]);
    assert_eq!(pc.states(NOW + 10), [60]);
}
