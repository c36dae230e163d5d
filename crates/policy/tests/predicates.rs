//! Predicates, by the devices that there are.

use ordain_catalog::Catalog;
use ordain_catalog::validate::DeviceKind;
use ordain_policy::{Surroundings, compile};

/// Whether a configuration with this predicate can be published, and what is said of it.
fn judged(placement: &str, when: &str, devices: &[&str], devices_only: bool) -> (bool, Vec<String>) {
    let content = format!(
        "Type: com.apple.configuration.security.certificate\nIdentifier: trust\n{placement}\
         when: \"{when}\"\nPayload: {{CredentialAssetReference: root}}\n"
    );
    let asset = "Type: com.apple.asset.credential.certificate\nIdentifier: root\n\
        Payload: {Reference: {DataURL: 'https://example.org/root.pem', ContentType: application/pem}}\n";
    let blueprint = "name: all-of-it\ninclude: [all]\ndeclarations: [trust]\n";
    let files = [
        ("declarations/trust.yaml".to_owned(), content.into_bytes()),
        ("declarations/root.yaml".to_owned(), asset.into()),
        ("blueprints/all.yaml".to_owned(), blueprint.into()),
    ];
    let devices: Vec<DeviceKind> = devices.iter().map(|kind| kind.parse().unwrap()).collect();
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        public_url: "https://mdm.example.org",
        before: None,
        devices: &devices,
        windows: &[],
        devices_only,
        allow_unknown: false,
    };
    let (is_published, problems) = match compile(&files, &surroundings) {
        Ok(compiled) => (true, compiled.warnings),
        Err(problems) => (false, problems),
    };
    (is_published, problems.iter().map(ToString::to_string).collect())
}

/// The same of a group by predicate.
fn judged_of_group(condition: &str, devices: &[&str]) -> (bool, Vec<String>) {
    let content = format!("name: g\nwhere: \"{condition}\"\n");
    let files = [("groups/g.yaml".to_owned(), content.into_bytes())];
    let devices: Vec<DeviceKind> = devices.iter().map(|kind| kind.parse().unwrap()).collect();
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        public_url: "https://mdm.example.org",
        before: None,
        devices: &devices,
        windows: &[],
        devices_only: true,
        allow_unknown: false,
    };
    let (is_published, problems) = match compile(&files, &surroundings) {
        Ok(compiled) => (true, compiled.warnings),
        Err(problems) => (false, problems),
    };
    (is_published, problems.iter().map(ToString::to_string).collect())
}

const PASSCODE: &str = "@status(passcode.is-present) == true";

#[test]
fn without_devices_and_platforms_some_platform_has_to_have_the_item() {
    assert_eq!(judged("", PASSCODE, &[], true), (true, Vec::new()));
}

#[test]
fn devices_that_lack_an_item_are_warned_of_while_others_have_it() {
    let told = "warning: declarations/trust.yaml:3:7: not all of the devices that there are report passcode.is-present, \
        and what the others make of this is not documented: not on tvOS (tvOS 26.0, device channel)";
    for devices_only in [true, false] {
        let judged = judged("", PASSCODE, &["iOS:26.0", "tvOS:26.0"], devices_only);
        assert_eq!(judged, (true, vec![told.to_owned()]), "{devices_only}");
    }
}

#[test]
fn what_no_device_reports_is_an_error_unless_others_may_come() {
    let (is_published, told) = judged("", PASSCODE, &["tvOS:26.0"], true);
    assert!(!is_published, "{told:?}");
    assert_eq!(
        told,
        ["error: declarations/trust.yaml:3:8: tvOS 26.0 has no status item passcode.is-present"]
    );
    let (is_published, told) = judged("", PASSCODE, &["tvOS:26.0"], false);
    assert!(is_published, "{told:?}");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn platforms_that_are_named_have_to_have_the_item_whoever_is_there() {
    for devices in [&[][..], &["iOS:26.0"], &["iOS:26.0", "tvOS:26.0"]] {
        let (is_published, told) = judged("platforms: [iOS, tvOS]\n", PASSCODE, devices, false);
        assert!(!is_published);
        let told = told.join("\n");
        assert!(
            told.contains("error: declarations/trust.yaml:4:8: tvOS"),
            "{told}"
        );
        assert!(told.contains("no status item passcode.is-present"), "{told}");
    }
    let judged = judged("platforms: [iOS]\n", PASSCODE, &["iOS:26.0", "tvOS:26.0"], true);
    assert_eq!(judged, (true, Vec::new()), "a tvOS device does not get it");
}

#[test]
fn a_known_defect_is_told_of_those_who_have_it() {
    let told_of_macs = |version: &str| {
        let (is_published, told) = judged("", "@invalid == 'AppleTV'", &[version], true);
        assert!(!is_published);
        told.iter().any(|told| told.contains("answers no more commands"))
    };
    assert!(told_of_macs("macOS:26.5.1"));
    assert!(!told_of_macs("macOS:26.3"));
    assert!(!told_of_macs("iOS:26.5"));
}

#[test]
fn of_a_group_is_warned_when_none_of_the_devices_reports_what_it_asks_for() {
    for devices in [&[][..], &["iOS:26.0"], &["iOS:26.0", "tvOS:26.0"]] {
        assert_eq!(
            judged_of_group(PASSCODE, devices),
            (true, Vec::new()),
            "{devices:?}"
        );
    }
    let told = "warning: groups/g.yaml:2:8: none of the devices that there are reports passcode.is-present, so that \
        nothing is known of it: not on tvOS (tvOS 26.0, device channel)";
    assert_eq!(
        judged_of_group(PASSCODE, &["tvOS:26.0"]),
        (true, vec![told.to_owned()])
    );
}

#[test]
fn a_groups_predicate_concerns_no_device_with_a_defect() {
    let (is_published, told) = judged_of_group("@invalid == 'AppleTV'", &["macOS:26.5.1"]);
    assert!(!is_published);
    assert!(
        !told.iter().any(|told| told.contains("answers no more commands")),
        "{told:?}"
    );
}
