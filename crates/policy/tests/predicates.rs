//! Predicates, by the devices that there are.

use ordain_catalog::Catalog;
use ordain_catalog::validate::DeviceKind;
use ordain_policy::{Surroundings, compile, read_advisories};
use ordain_predicate::Trigger;

/// Whether a configuration with this predicate can be published, and what is said of it.
fn judged(placement: &str, when: &str, devices: &[&str], devices_only: bool) -> (bool, Vec<String>) {
    judged_beside(Vec::new(), placement, when, devices, devices_only)
}

/// The same in a policy that has these files, too.
fn judged_beside(
    mut files: Vec<(String, Vec<u8>)>,
    placement: &str,
    when: &str,
    devices: &[&str],
    devices_only: bool,
) -> (bool, Vec<String>) {
    let content = format!(
        "Type: com.apple.configuration.security.certificate\nIdentifier: trust\n{placement}\
         when: \"{when}\"\nPayload: {{CredentialAssetReference: root}}\n"
    );
    let asset = "Type: com.apple.asset.credential.certificate\nIdentifier: root\n\
        Payload: {Reference: {DataURL: 'https://example.org/root.pem', ContentType: application/pem}}\n";
    let blueprint = "name: all-of-it\ninclude: [all]\ndeclarations: [trust]\n";
    files.extend([
        ("declarations/trust.yaml".to_owned(), content.into_bytes()),
        ("declarations/root.yaml".to_owned(), asset.into()),
        ("blueprints/all.yaml".to_owned(), blueprint.into()),
    ]);
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

const ADVISORY: &str = "name: battery\nplatform: macOS\nsystems: [26A5001b, '26.7']\n\
    trigger: {text: '@status(device.power.battery-health)'}\n\
    consequence: the computer forgets its battery\nreference: our own lab\n";
const BATTERY: &str = "@status(device.power.battery-health)  ==  'normal'";

#[test]
fn what_the_policy_knows_to_be_bad_is_refused_for_devices_that_have_such_a_build() {
    let told = |devices: &[&str]| {
        let advisory = ("advisories/battery.yaml".to_owned(), ADVISORY.into());
        let (is_published, told) = judged_beside(vec![advisory], "", BATTERY, devices, true);
        assert_eq!(is_published, told.is_empty(), "{told:?}");
        told
    };
    let refused = |systems: &str| {
        let message = "error: declarations/trust.yaml:3:8: on SYSTEMS, which this is for, \
            the computer forgets its battery (our own lab)";
        vec![message.replace("SYSTEMS", systems)]
    };
    let one_of_them = [
        "macOS:26.6:supervised",
        "macOS:26.6:supervised::26A5001b",
        "macOS:26.6:supervised::26A5002",
    ];
    assert_eq!(told(&one_of_them), refused("macOS 26.6 (26A5001b)"));
    assert_eq!(
        told(&["macOS:26.7.1:supervised::26B1"]),
        refused("macOS 26.7.1 (26B1)")
    );
    assert!(told(&["macOS:26.6:supervised::26A5002", "macOS:26.6"]).is_empty());
    assert!(told(&["iOS:26.7:::"]).is_empty() && told(&["iOS:26.6:::26A5001b"]).is_empty());
    assert_eq!(told(&[]), refused("macOS"), "any version may come");
}

/// Those of Ordain's own stay.
#[test]
fn an_advisory_takes_nothing_back() {
    let advisory = ("advisories/battery.yaml".to_owned(), ADVISORY.into());
    let (is_published, told) =
        judged_beside(vec![advisory], "", "@invalid == 'AppleTV'", &["macOS:26.5"], true);
    assert!(!is_published);
    assert!(told.iter().any(|told| told.contains("FB24193230")), "{told:?}");
}

#[test]
fn files_of_advisories_are_read_without_a_policy() {
    let read = |path: &str, content: &str| read_advisories(&[(path.to_owned(), content.into())]);
    let advisories = read("battery.yaml", ADVISORY).unwrap();
    assert_eq!(advisories[0].systems, ["26A5001b", "26.7"]);
    let json = r#"{"name": "a", "platform": "iOS", "systems": ["27.0"], "trigger": "unknown-word",
        "consequence": "b", "reference": "c"}"#;
    assert_eq!(read("a.JSON", json).unwrap()[0].trigger, Trigger::UnknownWord);
    let problems = read("none.yaml", "name: a").unwrap_err();
    assert!(
        problems.iter().all(|problem| problem.file == "none.yaml") && problems.len() == 5,
        "{problems:?}"
    );
}

#[test]
fn there_are_not_too_many_advisories() {
    let advisory = |number: usize| {
        let content = ADVISORY.replace("battery\n", &format!("a{number}\n"));
        (format!("advisories/{number}.yaml"), content.into_bytes())
    };
    let told = |count: usize| {
        let advisories = (0..count).map(advisory).collect();
        judged_beside(advisories, "", PASSCODE, &[], true).1.join("\n")
    };
    assert_eq!(told(100), "");
    assert!(told(101).contains("more than 100 advisories"));
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
    for devices in [&["tvOS:26.0"][..], &["tvOS:26.0:::23J5", "tvOS:26.0:::23J6"]] {
        assert_eq!(
            judged_of_group(PASSCODE, devices),
            (true, vec![told.to_owned()]),
            "{devices:?}"
        );
    }
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
