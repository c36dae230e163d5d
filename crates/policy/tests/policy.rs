//! What good policies become.

use std::fs;
use std::path::{Path, PathBuf};

use ordain_catalog::{Catalog, Kind, Platform, Scope};
use ordain_model::ids::Digest;
use ordain_model::wish::Wish;
use ordain_policy::{Compiled, Surroundings, compile, is_policy_file};
use serde_json::{Value, json};

type Files = Vec<(String, Vec<u8>)>;

const URL: &str = "https://mdm.example.org";

fn surroundings() -> Surroundings<'static> {
    Surroundings {
        catalog: Catalog::builtin(),
        public_url: URL,
        before: None,
        devices: &[],
        windows: &[],
        devices_only: true,
        allow_unknown: false,
    }
}

fn compiled(files: &Files) -> Compiled {
    compile(files, &surroundings()).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(|problem| format!("{problem}\n"))
                .collect::<String>()
        )
    })
}

fn wish(path: &str, content: &str) -> Wish {
    compiled(&vec![(path.to_owned(), content.into())]).wish
}

fn example() -> Files {
    fn collect(folder: &Path, root: &Path, files: &mut Files) {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, files);
                continue;
            }
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            files.push((name, fs::read(&path).unwrap()));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policy");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files
}

#[test]
fn the_example_compiles_without_a_warning() {
    let compiled = compiled(&example());
    assert_eq!(compiled.warnings, []);
    let wish = &compiled.wish;
    let kinds = |kind| {
        wish.declarations
            .values()
            .filter(|declaration| declaration.kind == kind)
            .count()
    };
    assert!(kinds(Kind::Activation) >= 2 && kinds(Kind::Asset) >= 1 && kinds(Kind::Management) >= 2);
    let served: Vec<Digest> = compiled
        .downloads
        .iter()
        .map(|download| download.digest)
        .collect();
    let told: Vec<&Digest> = wish
        .declarations
        .values()
        .flat_map(|declaration| &declaration.downloads)
        .collect();
    assert_eq!(served.len(), told.len());
    assert!(told.into_iter().all(|digest| served.contains(digest)));
}

#[test]
fn the_order_of_files_changes_nothing() {
    let mut files = example();
    files.sort();
    let sorted = compiled(&files);
    // Every rotation of the reversed list puts another file first.
    files.reverse();
    for _ in 0..files.len() {
        files.rotate_left(1);
        let shuffled = compiled(&files);
        assert_eq!(shuffled.wish.digest(), sorted.wish.digest());
        assert_eq!(shuffled, sorted);
    }
    files
        .iter_mut()
        .for_each(|(_, bytes)| bytes.truncate(bytes.len() / 2));
    let problems = compile(&files, &surroundings()).unwrap_err();
    files.sort();
    assert_eq!(compile(&files, &surroundings()).unwrap_err(), problems);
}

#[test]
fn hidden_files_and_readmes_do_not_count() {
    let files = example();
    let counted: Files = files
        .iter()
        .filter(|(path, _)| is_policy_file(path))
        .cloned()
        .collect();
    assert!(counted.len() < files.len());
    assert_eq!(compiled(&counted), compiled(&files));
}

#[test]
fn json_and_yaml_of_one_content_are_one_declaration() {
    let json = r#"{
        "Type": "com.apple.management.properties", "Identifier": "p", "platforms": ["iOS", "macOS"],
        "Payload": {
            "text": "no", "empty": "", "date": "2026-11-01", "lines": "a\nb\n", "unicode": "\u00e9\ud83d\ude00",
            "tab": "\t\/", "number": 12, "real": 0.30000000000000004, "whole": 1.0, "exponent": 1e3,
            "least": -9007199254740992, "true": true, "null": null, "tilde": "~",
            "list": [1, [], {}, [[2]], {"a": {"b": []}}], "key with blanks: #": 1, "": 2
        }
    }"#;
    let yaml = r#"
# the same
Identifier: p
platforms:
- macOS
- iOS
Payload:
  "": 2
  'key with blanks: #': 1
  list:
  - 1.0
  - []
  - {}
  -
    - - 2
  - a: {b: []}
  tilde: '~'
  "null": ~
  "true": TRUE
  least: -9007199254740992
  exponent: 1000
  whole: 0x1
  real: +.30000000000000004
  number: 0o14
  tab: "\t/"
  unicode: é😀
  lines: |
    a
    b
  date: 2026-11-01
  empty: ''
  text: no
Type: com.apple.management.properties
"#;
    let (json, yaml) = (
        wish("declarations/a.json", json),
        wish("declarations/b.yml", yaml),
    );
    assert_eq!(json, yaml);
    assert_eq!(json.digest(), yaml.digest());
    assert_eq!(json.declarations["p"].payload["whole"], json!(1));
}

#[test]
fn every_json_file_is_read_alike_as_yaml() {
    for (path, bytes) in example().iter().filter(|(path, _)| path.ends_with(".json")) {
        let text = std::str::from_utf8(bytes).unwrap();
        if text.contains("activation") {
            continue;
        }
        assert_eq!(wish(path, text), wish("declarations/x.yaml", text));
    }
}

#[test]
fn a_byte_order_mark_and_line_ends_do_not_matter() {
    let text = "Type: com.apple.management.properties\nIdentifier: p\nPayload:\n  a: b\n";
    let plain = wish("declarations/a.yaml", text);
    assert_eq!(
        wish(
            "declarations/a.yaml",
            &format!("\u{feff}{}", text.replace('\n', "\r\n"))
        ),
        plain
    );
    let text = "\u{feff}{\"Type\": \"com.apple.management.properties\",\r\n\"Identifier\": \"p\", \"Payload\": {\"a\": \"b\"}}";
    assert_eq!(wish("declarations/a.json", text), plain);
}

#[test]
fn placement_and_references_are_kept() {
    let files: Files = [
        (
            "declarations/mail.yaml",
            "Type: com.apple.configuration.account.mail\nIdentifier: mail\nscope: user\nplatforms: [macos]\n\
             when: \"@status(device.model.family) == 'Mac'\"\nPayload:\n  UserIdentityAssetReference: me\n  \
             IncomingServer: {ServerType: IMAP, HostName: a, AuthenticationMethod: Password, \
             AuthenticationCredentialsAssetReference: login}\n  \
             OutgoingServer: {HostName: a, AuthenticationMethod: Password, \
             AuthenticationCredentialsAssetReference: login}\n",
        ),
        (
            "assets/me.yaml",
            "Type: com.apple.asset.useridentity\nIdentifier: me\nPayload: {FullName: A. Person}\n",
        ),
        (
            "assets/login.json",
            r#"{"Type": "com.apple.asset.credential.userpassword", "Identifier": "login", "data": {"UserName": "a"}}"#,
        ),
        ("groups/lab.json", r#"{"name": "lab", "description": "d", "members": ["B", "A", "B"]}"#),
        ("blueprints/b.yaml", "name: b\ninclude: [all]\nexclude: [lab]\ndeclarations: [mail]\n"),
    ]
    .map(|(path, text)| (path.to_owned(), text.into()))
    .into();
    let Compiled { wish, warnings, .. } = compiled(&files);
    assert_eq!(warnings, []);
    let mail = &wish.declarations["mail"];
    assert_eq!(mail.references, ["login".to_owned(), "me".to_owned()].into());
    assert_eq!(mail.placement.scope, Some(Scope::User));
    assert_eq!(mail.placement.platforms, Some([Platform::MacOs].into()));
    assert_eq!(
        mail.placement.when.as_deref(),
        Some("@status(device.model.family) == 'Mac'")
    );
    assert_eq!(
        wish.groups["lab"].members,
        ["A".to_owned(), "B".to_owned()].into()
    );
    assert_eq!(wish.blueprints["b"].exclude, ["lab".to_owned()].into());
    assert_eq!(wish.blueprints["b"].include, ["all".to_owned()].into());
}

/// The payload and the download of the one asset that the text declares.
fn asset(text: &str, files: &[(&str, &[u8])]) -> (Value, Vec<(String, Vec<u8>)>) {
    let mut all: Files = files
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
        .collect();
    all.push(("assets/a.yaml".into(), text.into()));
    let compiled = compiled(&all);
    let (_, asset) = compiled.wish.declarations.into_iter().next().unwrap();
    for download in &compiled.downloads {
        assert_eq!(Digest::of(&download.body), download.digest);
        assert!(asset.downloads.contains(&download.digest));
    }
    let downloads = compiled
        .downloads
        .into_iter()
        .map(|download| (download.content_type, download.body));
    (asset.payload.into(), downloads.collect())
}

#[test]
fn assets_are_served_by_their_hash() {
    let text = "Type: com.apple.asset.credential.userpassword\nIdentifier: a\nauthentication: MDM\n\
                data: {UserName: u, Password: 'p'}\n";
    let body = br#"{"Password":"p","UserName":"u"}"#;
    let hash = Digest::of(body).to_string();
    let (payload, downloads) = asset(text, &[]);
    assert_eq!(
        payload,
        json!({"Authentication": {"Type": "MDM"}, "Reference": {"ContentType": "application/json",
            "DataURL": format!("{URL}/assets/{hash}"), "Hash-SHA-256": hash, "Size": 31}})
    );
    assert_eq!(downloads, [("application/json".to_owned(), body.to_vec())]);
}

#[test]
fn the_media_type_is_given_or_guessed() {
    let content_type = |text: &str, path: &str, bytes: &[u8]| {
        let text = format!("Identifier: a\nfile: {path}\n{text}");
        let (payload, downloads) = asset(&text, &[(path, bytes)]);
        assert_eq!(payload["Reference"]["ContentType"], downloads[0].0.as_str());
        assert_eq!(downloads[0].1, bytes);
        downloads[0].0.clone()
    };
    let certificate = "Type: com.apple.asset.credential.certificate\n";
    assert_eq!(
        content_type(certificate, "ca.crt", b"-----BEGIN CERTIFICATE-----\n"),
        "application/pem"
    );
    assert_eq!(
        content_type(certificate, "ca.crt", b"\x30\x82"),
        "application/pkcs1"
    );
    assert_eq!(
        content_type(
            "Type: com.apple.asset.credential.scep\n",
            "x.y",
            br#"{"URL": "https://scep.example.org"}"#
        ),
        "application/json"
    );
    let data = "Type: com.apple.asset.data\n";
    assert_eq!(content_type(data, "a/b.ZIP", b"PK"), "application/zip");
    assert_eq!(content_type(data, "b", b""), "application/octet-stream");
    assert_eq!(
        content_type(&format!("{data}content-type: image/png\n"), "b.zip", b"x"),
        "image/png"
    );
    // A file beside the assets that one of them names is data, whatever it looks like.
    assert_eq!(
        content_type(data, "assets/b.json", b"not JSON"),
        "application/json"
    );
    let (_, downloads) = asset(
        "Type: com.apple.asset.data\nIdentifier: a\ndata: |\n  text\n",
        &[],
    );
    assert_eq!(downloads, [("text/plain".to_owned(), b"text\n".to_vec())]);
}

#[test]
fn a_profile_becomes_a_legacy_configuration_of_its_very_bytes() {
    let profile = |scope: &str| {
        format!(
            "<plist version=\"1.0\"><dict><key>PayloadType</key><string>Configuration</string>\
             <key>PayloadVersion</key><integer>1</integer><key>PayloadIdentifier</key><string>org.example.x</string>\
             <key>PayloadUUID</key><string>1</string>{scope}<key>PayloadContent</key><array/></dict></plist>"
        )
    };
    for (text, scope) in [
        ("", None),
        ("<key>PayloadScope</key><string>User</string>", Some(Scope::User)),
        (
            "<key>PayloadScope</key><string>System</string>",
            Some(Scope::System),
        ),
    ] {
        let profile = profile(text);
        let compiled = compiled(&vec![("profiles/x.mobileconfig".into(), profile.clone().into())]);
        let declaration = &compiled.wish.declarations["org.example.x"];
        let digest = Digest::of(profile.as_bytes());
        assert_eq!(declaration.type_name, "com.apple.configuration.legacy");
        assert_eq!(
            Value::from(declaration.payload.clone()),
            json!({"ProfileURL": format!("{URL}/profiles/{digest}")})
        );
        assert_eq!(declaration.placement.scope, scope);
        assert_eq!(declaration.downloads, [digest].into());
        assert_eq!(
            compiled.downloads[0].content_type,
            "application/x-apple-aspen-config"
        );
        assert_eq!(compiled.downloads[0].body, profile.as_bytes());
    }
}

#[test]
fn what_the_devices_that_there_are_cannot_take_is_told() {
    let files: Files = [
        ("declarations/disk.yaml", "Type: com.apple.configuration.diskmanagement.settings\nIdentifier: disk\nPayload: {}"),
        ("declarations/mac.yaml", "Type: com.apple.configuration.screensharing.host.settings\nIdentifier: mac\nplatforms: [macOS]\nPayload: {}"),
        ("blueprints/b.yaml", "name: b\ninclude: [all]\ndeclarations: [disk, mac]"),
    ]
    .map(|(path, text)| (path.to_owned(), text.into()))
    .into();
    let told = |devices: &[&str]| -> Vec<String> {
        let devices: Vec<_> = devices.iter().map(|kind| kind.parse().unwrap()).collect();
        let surroundings = Surroundings {
            devices: &devices,
            ..surroundings()
        };
        let told =
            compile(&files, &surroundings).map_or_else(|problems| problems, |compiled| compiled.warnings);
        told.iter()
            .map(|problem| {
                format!(
                    "{} {}:{}:{}",
                    problem.severity, problem.file, problem.line, problem.column
                )
            })
            .collect()
    };
    let nothing: [&str; 0] = [];
    assert_eq!(told(&[]), nothing);
    assert_eq!(told(&["macOS:15.0:supervised"]), nothing);
    assert_eq!(
        told(&["macOS:15.0:supervised", "macOS:14.0:supervised"]),
        ["warning declarations/disk.yaml:1:7"]
    );
    assert_eq!(
        told(&["macOS:14.0:supervised"]),
        ["error declarations/disk.yaml:1:7"]
    );
}
