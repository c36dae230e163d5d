//! What policies for Windows devices become.

use std::collections::BTreeSet;
use std::fmt::Write;

use ordain_catalog::windows::{LocUri, WindowsDevice};
use ordain_catalog::{Catalog, Kind, Scope};
use ordain_model::windows::document::Document;
use ordain_model::windows::document::template::fill_in;
use ordain_model::windows::settings::{SETTINGS_TYPE, Settings, Wanted};
use ordain_model::wish::Wish;
use ordain_policy::{Compiled, Problem, Surroundings, compile};
use proptest::prelude::*;
use serde_json::{Value, json};

type Files = Vec<(String, Vec<u8>)>;

fn surroundings() -> Surroundings<'static> {
    Surroundings {
        catalog: Catalog::builtin(),
        public_url: "https://mdm.example.org",
        before: None,
        devices: &[],
        windows: &[],
        devices_only: true,
        allow_unknown: false,
    }
}

fn files(files: &[(&str, &str)]) -> Files {
    let files = files.iter();
    files
        .map(|(path, text)| ((*path).to_owned(), (*text).into()))
        .collect()
}

fn wish(all: &[(&str, &str)]) -> Wish {
    match compile(&files(all), &surroundings()) {
        Ok(Compiled { wish, .. }) => wish,
        Err(problems) => panic!("{}", told(&problems)),
    }
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn payload(text: &str) -> Value {
    wish(&[("windows/a.yaml", text)]).declarations["a"]
        .payload
        .clone()
        .into()
}

#[test]
fn a_file_is_a_declaration() {
    let text = "Identifier: a\natomic: true\nsettings:\n\
                - ./User/Vendor/MSFT/Policy/Config/Experience/AllowCortana: 0\n\
                - {path: ./User/Vendor/MSFT/WiFi/Profile/Lab%20Wifi/WlanXml, format: xml, value: <x/>}\n\
                - {path: ./User/Vendor/MSFT/VPNv2/Work/AlwaysOn, value: true}";
    let wish = wish(&[("windows/a.yaml", text)]);
    let declaration = &wish.declarations["a"];
    assert_eq!(
        (declaration.kind, declaration.type_name.as_str()),
        (Kind::Configuration, SETTINGS_TYPE)
    );
    assert_eq!(declaration.placement.scope, Some(Scope::User));
    assert_eq!(
        Value::from(declaration.payload.clone()),
        json!({"atomic": true, "settings": [
            {"path": "./User/Vendor/MSFT/Policy/Config/Experience/AllowCortana", "format": "int", "value": 0},
            {"path": "./User/Vendor/MSFT/WiFi/Profile/Lab%20Wifi/WlanXml", "format": "xml", "value": "<x/>"},
            {"path": "./User/Vendor/MSFT/VPNv2/Work/AlwaysOn", "format": "bool", "value": true},
        ]})
    );
    let settings = Settings::of(declaration).unwrap();
    assert_eq!(
        (settings.scope(), settings.settings.len()),
        (Some(Scope::User), 3)
    );
}

#[test]
fn what_means_the_same_has_the_same_token() {
    let token = |text: &str| wish(&[("windows/a.yaml", text)]).declarations["a"].server_token;
    let one = token("Identifier: a\nsettings: [{./Vendor/MSFT/Policy/Config/Camera/AllowCamera: 0}]");
    for same in [
        "{\"Identifier\": \"a\", \"settings\": [{\"./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera\": 0}]}",
        "settings: [{path: ./Vendor/MSFT/Policy/Config/%43amera/AllowCamera, format: int, value: '00'}]\nIdentifier: a",
        "Identifier: a\natomic: false\nsettings: [{./Vendor/MSFT/Policy/Config/Camera/AllowCamera: '-0'}]",
    ] {
        assert_eq!(token(same), one, "{same}");
    }
    let other = "Identifier: a\nsettings: [{./Vendor/MSFT/Policy/Config/Camera/AllowCamera: 1}]";
    assert_ne!(token(other), one);
    // The order is that in which they are set.
    let [first, second] = [
        "AllowWarningForOtherDiskEncryption: 0",
        "RequireDeviceEncryption: 1",
    ]
    .map(|setting| format!("{{./Vendor/MSFT/BitLocker/{setting}}}"));
    let ordered = |one: &str, other: &str| token(&format!("Identifier: a\nsettings: [{one}, {other}]"));
    assert_ne!(ordered(&first, &second), ordered(&second, &first));
}

#[test]
fn admx_backed_policies_have_their_texts() {
    let text = "Identifier: a\n\
                admx: [{app: App, id: app 1.0, file: windows/app.admx}]\n\
                settings:\n\
                - {path: ./Device/Vendor/MSFT/Policy/Config/App~Policy~Start/Off, enabled: false}\n\
                - {path: ./Device/Vendor/MSFT/Policy/Config/App~Policy~Start/On, enabled: true}\n\
                - path: ./Device/Vendor/MSFT/Policy/Config/App~Policy~Start/All\n  enabled: true\n  data:\n    \
                  Text: a < \"b\" & c\n    List: [x, 1, true]\n    Names: {'1': y, '2': z}\n    Count: 7\n";
    let wish = wish(&[
        ("windows/a.yaml", text),
        ("windows/app.admx", "\u{feff}<policyDefinitions/>"),
    ]);
    let payload = Value::from(wish.declarations["a"].payload.clone());
    let values: Vec<&str> = payload["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|setting| setting["value"].as_str().unwrap())
        .collect();
    let all = "<enabled/><data id=\"Count\" value=\"7\"/><data id=\"List\" value=\"x&#xF000;1&#xF000;true\"/>\
               <data id=\"Names\" value=\"1&#xF000;y&#xF000;2&#xF000;z\"/>\
               <data id=\"Text\" value=\"a &lt; &quot;b&quot; &amp; c\"/>";
    assert_eq!(values, ["<policyDefinitions/>", "<disabled/>", "<enabled/>", all]);
    assert_eq!(
        payload["settings"][0]["path"],
        "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/App/Policy/app%201.0"
    );
    // The same file is no other one because it is named twice.
    assert!(wish.declarations["a"].downloads.is_empty());
}

#[test]
fn what_the_catalog_does_not_know_can_be_allowed() {
    let text = "Identifier: a\nsettings:\n- {path: ./Vendor/MSFT/New/Node, format: int, value: 1}\n- ./Vendor/MSFT/New/Other: 1";
    let all = files(&[("windows/a.yaml", text)]);
    let refused = told(&compile(&all, &surroundings()).unwrap_err());
    assert_eq!(refused.matches("error").count(), 2, "{refused}");
    let allowing = Surroundings {
        allow_unknown: true,
        ..surroundings()
    };
    let refused = told(&compile(&all, &allowing).unwrap_err());
    assert!(
        refused.contains("error: windows/a.yaml:4:3: the catalog does not know the format"),
        "{refused}"
    );
    let all = files(&[("windows/a.yaml", text.rsplit_once('\n').unwrap().0)]);
    let Compiled { wish, warnings, .. } = compile(&all, &allowing).unwrap();
    assert_eq!(wish.declarations["a"].payload["settings"][0]["value"], 1);
    assert!(
        told(&warnings).contains("no CSP is known there"),
        "{}",
        told(&warnings)
    );
}

#[test]
fn the_devices_that_there_are_count() {
    let all = files(&[
        (
            "windows/a.yaml",
            "Identifier: a\nsettings:\n- ./Vendor/MSFT/Reboot/Schedule/WeeklyRecurrent: 2027-01-31T18:00:00Z",
        ),
        ("blueprints/a.yaml", "name: a\ninclude: [all]\ndeclarations: [a]"),
    ]);
    let told = |devices: &[&str], devices_only: bool| {
        let windows: Vec<WindowsDevice> = devices.iter().map(|device| device.parse().unwrap()).collect();
        let surroundings = Surroundings {
            windows: &windows,
            devices_only,
            ..surroundings()
        };
        told(&compile(&all, &surroundings).map_or_else(|problems| problems, |compiled| compiled.warnings))
    };
    assert_eq!(told(&[], true), "");
    assert_eq!(told(&["Windows:10.0.26100.1"], true), "");
    assert!(told(&["Windows:10.0.22631.1:pro"], true).starts_with("error: windows/a.yaml:3:3: "));
    // Others may come.
    assert!(told(&["Windows:10.0.22631.1:pro"], false).starts_with("warning: windows/a.yaml:3:3: "));
    assert!(told(&["Windows:10.0.22631.1", "Windows:10.0.26100"], true).starts_with("warning: "));
}

#[test]
fn apples_devices_are_not_asked() {
    let payload = payload("Identifier: a\nsettings: [{./DevDetail/Ext/Microsoft/DeviceName: lab}]");
    assert_eq!(
        payload["settings"][0]["path"],
        "./DevDetail/Ext/Microsoft/DeviceName"
    );
    let mac: Vec<_> = ["macOS:26.4:supervised".parse().unwrap()].into();
    let surroundings = Surroundings {
        devices: &mac,
        ..surroundings()
    };
    let all = files(&[
        (
            "windows/a.yaml",
            "Identifier: a\nsettings: [{./DevDetail/Ext/Microsoft/DeviceName: lab}]",
        ),
        ("blueprints/a.yaml", "name: a\ninclude: [all]\ndeclarations: [a]"),
    ]);
    assert_eq!(compile(&all, &surroundings).unwrap().warnings, []);
}

#[test]
fn many_files_that_meet_are_not_squared() {
    let mut all = Files::new();
    for file in 0..100 {
        let mut text = format!("Identifier: f{file}\nsettings:\n");
        for policy in 0..50 {
            writeln!(
                text,
                "- {{path: ./Vendor/MSFT/Policy/Config/Update/P{policy}, format: int, value: {file}}}"
            )
            .unwrap();
        }
        all.push((format!("windows/{file}.yaml"), text.into()));
    }
    let names: Vec<String> = (0..100).map(|file| format!("f{file}")).collect();
    let blueprint = format!("name: a\ninclude: [all]\ndeclarations: [{}]", names.join(", "));
    all.push(("blueprints/a.yaml".into(), blueprint.into()));
    let warnings = compile(&all, &surroundings()).unwrap().warnings;
    assert_eq!(warnings.len(), 99 * 50);
}

/// Keys and values that files have, and others.
fn fragment() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 18] = [
        "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera",
        "./User/Vendor/MSFT/WiFi/Profile/Lab/WlanXml",
        "./Vendor/MSFT/VPNv2/Work/AlwaysOn",
        "./Vendor/MSFT/Policy/Config/App~Policy~A/B",
        "./Vendor/MSFT/BitLocker/SystemDrivesX",
        "./Vendor/MSFT",
        "path",
        "value",
        "format",
        "enabled",
        "data",
        "int",
        "chr",
        "true",
        "0",
        "[]",
        "{}",
        "null",
    ];
    prop_oneof![
        prop::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        "\\PC{0,12}"
    ]
}

/// A template of PFX files with so many instances of so many octets.
fn template(instances: usize, octets: usize) -> String {
    let mut text = "Identifier: a\nscenario: MSFTResource\ncsp:\n- name: ./Vendor/MSFT/ClientCertificateInstall\n  settings:\n  \
                    - PFXCertInstall/@#id#/KeyLocation: '@#where#'\n  - PFXCertInstall/@#id#/PFXCertPassword: '@#password#'\n\
                    instances:\n"
        .to_owned();
    for number in 0..instances {
        let password = "p".repeat(octets);
        writeln!(text, "- {{id: I{number}, where: '3', password: {password}}}").unwrap();
    }
    text
}

#[test]
fn a_template_has_its_instances_beside_it() {
    let text = template(2, 3);
    let payload = payload(&text);
    assert_eq!(payload["request"], "BulkTemplate");
    assert_eq!(
        payload["csp"][0]["settings"][0],
        json!({"path": "PFXCertInstall/@#id#/KeyLocation", "format": "int", "value": "@#where#"})
    );
    assert_eq!(
        payload["instances"],
        json!([{"id": "I0", "where": "3", "password": "ppp"}, {"id": "I1", "where": "3", "password": "ppp"}])
    );
    let document = wish(&[("windows/a.yaml", &text)]).declarations["a"].clone();
    let document = Document::of(&document).unwrap();
    assert!(!format!("{document:?}").contains("ppp"));
}

#[test]
fn templates_have_bounds() {
    let refused = |text: &str| match compile(&files(&[("windows/a.yaml", text)]), &surroundings()) {
        Ok(_) => String::new(),
        Err(problems) => told(&problems),
    };
    assert_eq!(refused(&template(1_000, 100)), "");
    let told = refused(&template(1_001, 3));
    assert!(
        told.contains("1001 CSPs, more than 1000: make several files"),
        "{told}"
    );
    let told = refused(&template(600, 2_000));
    assert!(told.contains("larger than 1048576 octets"), "{told}");
    // Small as it is written, and large when it is filled in.
    let long = "@#password#".repeat(200);
    let told = refused(&template(100, 100).replace("'@#password#'", &format!("'{long}'")));
    assert!(
        told.contains("filled in, the document is larger than 1048576 octets"),
        "{told}"
    );
    // What comes of it is never made.
    let bomb = template(1, 300_000).replace("'@#password#'", &format!("'{}'", "@#password#".repeat(50_000)));
    assert!(refused(&bomb).contains("filled in, the document is larger than"));
    let mut nodes = template(500, 3);
    for number in 0..15 {
        let node =
            format!("settings:\n  - {{path: PFXCertInstall/@#id#x{number}/PFXCertPassword, value: a}}");
        nodes = nodes.replacen("settings:", &node, 1);
    }
    let told = refused(&nodes);
    assert!(
        told.contains("filled in, the document is larger than 1048576 octets"),
        "{told}"
    );
    let mut values = template(900, 1);
    for number in 0..9 {
        values = values
            .replacen(
                "settings:",
                &format!("settings:\n  - PFXCertInstall/@#id#x{number}/PFXCertPassword: '@#v{number}#'"),
                1,
            )
            .replace("{id:", &format!("{{v{number}: a, id:"));
    }
    let told = refused(&values);
    assert!(told.contains("10800 values, more than 10000"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// No template is a panic, and one that is published comes to nodes that are some, none of them twice.
    #[test]
    fn any_template_is_taken_or_refused(
        settings in prop::collection::vec(("(PFXCertInstall/)?[AB@#]{0,4}(@#[ab]#)?[A/]?/(KeyLocation|PFXCertPassword)", "(@#[abc]?#?|[0-9]|\\PC){0,3}"), 1..4),
        instances in prop::collection::vec(prop::collection::btree_map("[abc]", "[A-C3/@#%<]{0,3}", 0..4), 0..4),
    ) {
        let settings: Vec<_> = settings.into_iter().map(|(path, value)| json!({"path": path, "value": value})).collect();
        let file = json!({"Identifier": "a", "scenario": "MSFTResource", "instances": instances,
            "csp": [{"name": "./Vendor/MSFT/ClientCertificateInstall", "settings": settings}]});
        let compiled = compile(&files(&[("windows/a.json", &file.to_string())]), &surroundings());
        if let Ok(Compiled { wish, .. }) = compiled {
            let document = Document::of(&wish.declarations["a"]).unwrap();
            let mut nodes = BTreeSet::new();
            for instance in &document.instances {
                for uri in &document.csp[0].settings {
                    let path = fill_in(&uri.path, 100, |name| instance.get(name).map(Wanted::text)).unwrap();
                    let node: LocUri = format!("./Vendor/MSFT/ClientCertificateInstall/{path}").parse().unwrap();
                    prop_assert!(nodes.insert(node));
                }
            }
        }
    }

    /// No file is a panic, and what is published is read back as it was.
    #[test]
    fn anything_is_taken_or_refused(
        items in prop::collection::vec(prop::collection::vec((fragment(), fragment()), 0..4), 0..5),
        raw in "\\PC{0,60}",
        admx in prop::collection::vec(any::<u8>(), 0..40),
        atomic in any::<bool>(),
    ) {
        let mut text = format!("Identifier: a\natomic: {atomic}\nsettings:\n");
        for item in items {
            text += "- {";
            for (key, value) in item {
                text += &format!("{key}: {value}, ");
            }
            text += "}\n";
        }
        let ingesting = "Identifier: b\nadmx: [{app: App, id: x, file: windows/x.admx}]";
        let all = [
            ("windows/a.yaml".to_owned(), text.into_bytes()),
            ("windows/b.yaml".to_owned(), ingesting.into()),
            ("windows/c.yaml".to_owned(), raw.clone().into_bytes()),
            ("windows/d.json".to_owned(), raw.into_bytes()),
            ("windows/x.admx".to_owned(), admx),
        ];
        for single in &all {
            let compiled = compile(&[single.clone(), all[4].clone()], &surroundings());
            for declaration in compiled.iter().flat_map(|compiled| compiled.wish.declarations.values()) {
                let settings = Settings::of(declaration).unwrap();
                prop_assert_eq!(settings.to_payload(), declaration.payload.clone());
            }
        }
    }
}
