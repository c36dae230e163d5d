//! What the tool takes from a schema, and what it refuses. The schemas are made up.

use std::fs;

use tempfile::TempDir;

const DECLARATION: &str = "declarative/declarations/configurations/a.yaml";
const STATUS: &str = "declarative/status/a.yaml";
const COMMAND: &str = "mdm/commands/a.yaml";

/// The facts of a schema with these files, without the header.
fn facts(files: &[(&str, &str)]) -> Result<String, String> {
    let dir = TempDir::new().unwrap();
    for folder in [
        "declarative/declarations/configurations",
        "declarative/status",
        "mdm/commands",
    ] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    for (path, text) in files {
        fs::write(dir.path().join(path), text).unwrap();
    }
    let text = ordain_catalog_tool::facts(dir.path()).map_err(|error| format!("{error:#}"))?;
    Ok(text.split_once("format 1\n").unwrap().1.to_owned())
}

fn declaration(keys: &str) -> String {
    format!(
        "payload:\n  declarationtype: com.apple.configuration.x\n  supportedOS:\n    macOS:\n      \
         introduced: n/a\npayloadkeys:\n{keys}"
    )
}

#[test]
fn declarations_with_their_references() {
    let declaration = "
title: Not taken
payload:
  declarationtype: com.apple.configuration.x
  apply: multiple
  supportedOS:
    watchOS: {introduced: n/a}
    iOS:
      introduced: '17.0'
      allowed-enrollments: [user, supervised]
      allowed-scopes: [system]
      sharedipad: {allowed-scopes: []}
    macOS: {introduced: '14.10', deprecated: '15.0', removed: '16.0'}
payloadkeys:
- {key: One, type: <string>, content: Not taken, assettypes: [com.apple.asset.b, com.apple.asset.a]}
- key: Map
  type: <dictionary>
  subkeys:
  - key: ANY
    type: <dictionary>
    subkeys: &inner
    - {key: Many, type: <array>, assettypes: [com.apple.asset.a], subkeys: [{key: Item, type: <string>}]}
- {key: List, type: <array>, subkeys: [{key: Item, type: <dictionary>, subkeys: *inner}]}
";
    let expected = "\
declaration com.apple.configuration.x multiple
  on iOS since 17.0 enrollments supervised,user scopes system shared-ipad none
  on macOS since 14.10 deprecated 15.0 removed 16.0
  on watchOS never
  refers List/[]/Many/[] to asset com.apple.asset.a
  refers Map/*/Many/[] to asset com.apple.asset.a
  refers One to asset com.apple.asset.a,com.apple.asset.b
";
    assert_eq!(facts(&[(DECLARATION, declaration)]).unwrap(), expected);
}

#[test]
fn status_items_and_commands() {
    let status = "
payload: {statusitemtype: b.list, supportedOS: {tvOS: {introduced: '16.0'}}}
payloadkeys:
- key: b.list
  type: <array>
  subkeys: [{key: item, type: <dictionary>, subkeys: [{key: identifier, type: <string>}]}]
";
    let command = "
payload:
  requesttype: DoIt
  supportedOS:
    iOS:
      introduced: '9.0'
      supervised: false
      userenrollment: {mode: forbidden}
      sharedipad: {mode: allowed, devicechannel: true, userchannel: false}
    macOS:
      introduced: '10.13'
      devicechannel: true
      userchannel: true
      supervised: true
      userenrollment: {mode: allowed}
    tvOS: {introduced: '10.2', devicechannel: true, supervised: false, sharedipad: {mode: forbidden}}
    visionOS: {introduced: '1.1', supervised: false, userenrollment: {mode: allowed}}
";
    let expected = "\
status b.list array identified
  on tvOS since 16.0
command DoIt
  on iOS since 9.0 enrollments supervised,device shared-ipad system
  on macOS since 10.13 enrollments supervised scopes system,user
  on tvOS since 10.2 shared-ipad none
  on visionOS since 1.1 enrollments supervised,device,user
";
    assert_eq!(facts(&[(COMMAND, command), (STATUS, status)]).unwrap(), expected);
}

fn command(rest: &str) -> String {
    format!(
        "payload:\n  requesttype: DoIt\n  supportedOS:\n    iOS: {{introduced: n/a, accessrights: AllowIt}}\n    \
         macOS: {{introduced: '14.0', accessrights: None}}\n{rest}"
    )
}

const KEYS: &str = "payloadkeys:
- {key: Flag, type: <boolean>, presence: optional, default: false}
- {key: Size, type: <integer>, presence: required, rangelist: [10, 9]}
- {key: Queries, type: <array>, presence: required, subkeys: [{key: Item, type: <string>, subkeys: [
    {key: B, type: <data>}, {key: A, type: <date>}]}]}
- {key: Free, type: <dictionary>, presence: optional, subkeys: [{key: ANY, type: <any>, presence: optional}]}
- key: Inner
  type: <dictionary>
  presence: optional
  subkeys:
  - {key: Kind, type: <string>, presence: required, rangelist: [b, a]}
  - {key: When, type: <date>, presence: optional}
- key: Settings
  type: <array>
  presence: required
  subkeys:
  - {key: One, type: <dictionary>, presence: optional, subkeys: [
      {key: Item, type: <string>, presence: required, rangelist: [One]},
      {key: Value, type: <real>, presence: required}]}
  - {key: DefaultApplications, type: <dictionary>, presence: optional, subkeys: [
      {key: Browser, type: <string>, presence: optional}]}
responsekeys:
- {key: List, type: <array>, presence: required, subkeys: [{key: Item, type: <any>}]}
";

#[test]
fn keys_of_commands() {
    let expected = "\
command DoIt AllowIt
  on iOS never
  on macOS since 14.0
  takes Flag boolean
  takes Free dictionary
  takes Inner dictionary
  takes Inner/Kind string of a,b required
  takes Inner/When date
  takes Queries array required
  takes Queries/[] string of A,B
  takes Settings array required
  takes Settings/[DefaultApplications]/Browser string
  takes Settings/[One]/Value real required
  takes Size integer of 9,10 required
  answers List array
";
    assert_eq!(facts(&[(COMMAND, &command(KEYS))]).unwrap(), expected);
}

#[test]
fn another_form_of_a_command_is_refused() {
    for (from, to, problem) in [
        ("presence: optional, default", "default", "no presence"),
        (
            "presence: optional, default",
            "presence: rare, default",
            "Flag is rare",
        ),
        ("[10, 9]", "[ten]", "another type"),
        ("[10, 9]", "[10], range: {min: 1}", "no range"),
        ("default: false", "rangelist: [true]", "no rangelist for boolean"),
        ("key: Free", "key: Flag", "Flag is there twice"),
        (
            "type: <any>, presence: optional",
            "type: <string>, presence: optional",
            "not any value",
        ),
        (
            "rangelist: [One]",
            "rangelist: [Two]",
            "the Item of One is another",
        ),
        ("key: DefaultApplications", "key: Two", "Two has no Item"),
        ("rangelist: [b, a]", "rangelist: ['b c', a]", "cannot be written"),
        ("key: When", "key: Then/When", "cannot be written"),
        (
            "<array>, presence: required, subkeys: [{key: Item, type: <any>}]",
            "<set>",
            "not a type of value",
        ),
    ] {
        assert!(KEYS.contains(from), "{from}");
        let refused = facts(&[(COMMAND, &command(&KEYS.replacen(from, to, 1)))]).unwrap_err();
        assert!(refused.contains(problem), "{to}: {refused}");
    }
    let rights = command("").replace("accessrights: None", "accessrights: AllowThat");
    assert!(
        facts(&[(COMMAND, &rights)])
            .unwrap_err()
            .contains("different rights")
    );
}

#[test]
fn keys_that_contain_themselves() {
    let bookmarks = "- key: Folder\n  type: <array>\n  subkeys: &loop\n  - key: Item\n    type: <dictionary>\n\
                     \x20   subkeys:\n    - {key: Folder, type: <array>, subkeys: *loop}\n";
    assert!(
        facts(&[(DECLARATION, &declaration(bookmarks))])
            .unwrap()
            .contains("configuration.x\n")
    );
    let asset = "- {key: Asset, type: <string>, assettypes: [com.apple.asset.data]}\n";
    let refused = facts(&[(DECLARATION, &declaration(&format!("{bookmarks}{asset}")))]).unwrap_err();
    assert!(refused.contains("keys that contain themselves"), "{refused}");
}

#[test]
fn another_form_is_refused_and_the_file_named() {
    let simple = declaration("- {key: A, type: <string>}\n");
    for (from, to, problem) in [
        ("payload:", "load:", "no payload"),
        (
            "com.apple.configuration.x",
            "com.example.x",
            "no declaration type",
        ),
        ("com.apple.configuration.x", "[x]", "declarationtype is no string"),
        (
            "com.apple.configuration.x",
            "'com.apple.configuration.a b'",
            "cannot be written",
        ),
        ("macOS", "beOS", "not a platform"),
        ("n/a", "14.0", "introduced is no string"),
        ("n/a", "'soon'", "not a version"),
        ("n/a", "'14.0'\n      allowed-scopes: [everywhere]", "not a scope"),
        ("n/a", "'14.0'\n      allowed-enrollments: all", "no sequence"),
        ("<string>", "string", "string is no type"),
        (
            "<string>",
            "<integer>, assettypes: [com.apple.asset.data]",
            "reference of type integer",
        ),
        (
            "<string>",
            "<string>, assettypes: [com.apple.configuration.x]",
            "no asset type",
        ),
        ("key: A", "name: A", "no key"),
        (
            "key: A",
            "key: A/B, assettypes: [com.apple.asset.data]",
            "cannot be written",
        ),
        ("payload:", "---\na\n---\npayload:", "one YAML document"),
        ("payload:", "payload: [", "a.yaml"),
    ] {
        assert!(simple.contains(from), "{from}");
        let refused = facts(&[(DECLARATION, &simple.replacen(from, to, 1))]).unwrap_err();
        assert!(refused.contains(problem), "{to}: {refused}");
        assert!(
            problem.contains("written") || refused.contains("configurations/a.yaml"),
            "{refused}"
        );
    }
    let twice = [
        (DECLARATION, simple.as_str()),
        ("declarative/declarations/b.yaml", &simple),
    ];
    assert!(facts(&twice).unwrap_err().contains("same declaration type"));
}
