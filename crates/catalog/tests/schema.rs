//! What is taken from a schema. The schemas are made up.

use ordain_catalog::schema::{self, Problem};
use ordain_catalog::{Catalog, facts};

const DECLARATION: &str = "declarative/declarations/configurations/a.yaml";
const STATUS: &str = "declarative/status/a.yaml";
const COMMAND: &str = "mdm/commands/a.yaml";
const PROFILE: &str = "mdm/profiles/com.apple.a(b).yaml";

fn read(files: &[(&str, &str)]) -> Catalog {
    let read = schema::read(files.iter().copied()).unwrap();
    assert_eq!(read.unknown, []);
    read.catalog
}

/// The facts of a schema with these files, without the header, and what was left out of them.
fn facts_and_unknown(files: &[(&str, &str)]) -> (String, Vec<String>) {
    let read = schema::read(files.iter().copied()).unwrap();
    let text = facts::write(&read.catalog);
    assert_eq!(facts::read(&text).as_ref(), Ok(&read.catalog));
    let unknown = read.unknown.iter().map(Problem::to_string).collect();
    (text.split_once("format 2\n").unwrap().1.to_owned(), unknown)
}

fn facts(files: &[(&str, &str)]) -> String {
    let (facts, unknown) = facts_and_unknown(files);
    assert_eq!(unknown, [""; 0]);
    facts
}

fn declaration(keys: &str) -> String {
    format!(
        "payload:\n  declarationtype: com.apple.configuration.x\n  supportedOS:\n    macOS:\n      \
         introduced: n/a\npayloadkeys:\n{keys}"
    )
}

/// The facts of keys of a declaration.
fn keys(keys: &str) -> String {
    let facts = facts(&[(DECLARATION, &declaration(keys))]);
    facts.split_once("  payload dictionary\n").unwrap().1.to_owned()
}

#[test]
fn declarations() {
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
    macOS: {introduced: '14.10', deprecated: '15.0', removed: '16.0', of-tomorrow: yes}
related-status-items:
- {status-items: [b.list, a.list], note: Not taken}
- {status-items: [c.list]}
reasons:
- {value: Error.Here, description: Not taken, details: [{key: A, type: <string>}]}
payloadkeys:
- {key: One, type: <string>, content: Not taken, assettypes: [com.apple.asset.b, com.apple.asset.a],
   asset-content-types: [text/plain]}
- {key: Data, type: <dictionary>, presence: required, asset-content-types: [application/zip], of-tomorrow: [1]}
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
  content-types application/zip
  status-items a.list,b.list,c.list
  reasons Error.Here
  payload dictionary
    key Data map required
    key List array
      each dictionary
        key Many array refers asset to com.apple.asset.a
          each string
    key Map map
      each dictionary
        key Many array refers asset to com.apple.asset.a
          each string
    key One string refers asset to com.apple.asset.a,com.apple.asset.b of text/plain
";
    assert_eq!(facts(&[(DECLARATION, declaration)]), expected);
    let activation = "
payload: {declarationtype: com.apple.activation.simple, supportedOS: {}}
payloadkeys:
- {key: StandardConfigurations, type: <array>, presence: required, subkeys: [{key: Item, type: <string>}]}
";
    let facts = facts(&[(DECLARATION, activation)]);
    assert!(
        facts.contains("StandardConfigurations array required refers configuration\n"),
        "{facts}"
    );
}

#[test]
fn what_keys_are() {
    let all = "
- {key: Flag, type: <boolean>, presence: optional, default: false, combinetype: boolean-and}
- {key: Size, type: <integer>, presence: required, rangelist: [10, 9], range: {min: -1}, default: 10}
- {key: Part, type: <real>, rangelist: [0, 1.5], range: {min: 0, max: 1.5}, default: 1.0, combinetype: number-max}
- {key: Words, type: <string>, rangelist: [b, 'a b', ''], default: a b, format: '^[a-z ]+$', valuetype: url}
- {key: Host, type: <string>, subtype: <hostname>}
- {key: Two, type: <array>, subkeys: [{key: Item, type: <string>, repetition: {min: 2, max: 2}}]}
- {key: Bytes, type: <data>}
- {key: Day, type: <date>}
- {key: Thing, type: <any>}
- {key: Empty, type: <dictionary>, subkeys: []}
- {key: Free, type: <dictionary>, subkeys: [{key: ANY name, type: <any>, presence: optional}]}
- {key: Numbers, type: <dictionary>, subkeys: [{key: ANY, type: <integer>, presence: required}]}
";
    let expected = "    \
    key Bytes data
    key Day date
    key Empty dictionary
    key Flag boolean default false combine boolean-and
    key Free map
    key Host string format hostname
    key Numbers map
      each integer required
    key Part real in 0,1.5 min 0 max 1.5 default 1.0 combine number-max
    key Size integer in 10,9 min -1 required default 10
    key Thing any
    key Two array min 2 max 2
      each string
    key Words string in b,\"a b\",\"\" like ^[a-z]+$ format url default \"a b\"
";
    assert_eq!(keys(all), expected.replace("^[a-z]+$", "\"^[a-z ]+$\""));
}

#[test]
fn support_is_inherited_switch_by_switch() {
    let profile = "
payload:
  payloadtype: com.apple.a
  supportedOS:
    iOS: {introduced: '4.0', supervised: false, userenrollment: {mode: allowed}, multiple: true,
          sharedipad: {mode: allowed, devicechannel: true, userchannel: true}, allowmanualinstall: false}
    macOS: {introduced: '10.7', devicechannel: true, userchannel: false, userapprovedmdm: true, requiresdep: false}
    tvOS: {introduced: n/a}
payloadkeys:
- {key: Same, type: <boolean>, supportedOS: {iOS: {introduced: '4.0', supervised: false}}}
- key: Newer
  type: <dictionary>
  supportedOS:
    iOS: {introduced: '15.0', supervised: true, sharedipad: {userchannel: false}}
    macOS: {introduced: all}
    tvOS: {introduced: '9.0'}
  subkeys:
  - {key: Inner, type: <string>, supportedOS: {iOS: {deprecated: '16.0'}, macOS: {userchannel: true, requiresdep: true}}}
- {key: Shared, type: <string>, supportedOS: {iOS: {sharedipad: {mode: required}}, macOS: {introduced: n/a}}}
- {key: Phone, type: <string>, supportedOS: {iOS: {sharedipad: {mode: forbidden}, userenrollment: {mode: ignored}}}}
";
    let expected = "\
profile com.apple.a(b) com.apple.a
  on iOS since 4.0 enrollments supervised,device,user shared-ipad system,user multiple true manual-install false
  on macOS since 10.7 scopes system requires user-approval
  on tvOS never
  payload dictionary
    key Newer dictionary
      on iOS since 15.0 enrollments supervised shared-ipad system multiple true manual-install false
      on tvOS since 9.0
      key Inner string
        on iOS since 15.0 deprecated 16.0 enrollments supervised shared-ipad system multiple true manual-install false
        on macOS since 10.7 scopes system,user requires automated-enrollment,user-approval
    key Phone string
      on iOS since 4.0 enrollments supervised,device,user shared-ipad none multiple true manual-install false
    key Same boolean
    key Shared string
      on iOS since 4.0 enrollments supervised,device,user shared-ipad system,user requires shared-ipad multiple true \
      manual-install false
      on macOS never
";
    assert_eq!(
        facts(&[(PROFILE, profile)]),
        expected.replace("true       manual", "true manual")
    );
}

#[test]
fn status_items_commands_and_the_rest() {
    let status = "
payload: {statusitemtype: b.list, supportedOS: {tvOS: {introduced: '16.0'}}}
reasons: [{value: Error.Two}, {value: Error.One}]
payloadkeys:
- key: b.list
  type: <array>
  subkeys: [{key: item, type: <dictionary>, subkeys: [{key: identifier, type: <string>, presence: required}]}]
";
    let command = "
payload:
  requesttype: DoIt
  supportedOS: {macOS: {introduced: '14.0', accessrights: AllowIt}, iOS: {introduced: n/a, accessrights: None}}
payloadkeys:
- {key: Queries, type: <array>, presence: required, subkeys: [{key: Item, type: <string>, subkeys: [
    {key: B, type: <data>}, {key: A, type: <date>}]}]}
- key: Settings
  type: <array>
  subkeys:
  - {key: Other, type: <dictionary>, subkeys: [
      {key: Item, type: <string>, presence: required, rangelist: [One]},
      {key: Value, type: <real>, presence: required}]}
  - {key: Two, type: <dictionary>, presence: required, subkeys: [{key: Browser, type: <string>}]}
responsekeys:
- {key: List, type: <array>, presence: required, subkeys: [{key: Item, type: <any>}]}
";
    let check_in = "
payload: {requesttype: Hello, supportedOS: {}}
payloadkeys: [{key: MessageType, type: <string>, presence: required, rangelist: [Hello]}]
";
    let credential = "
payload: {credentialtype: com.apple.credential.x, supportedOS: {}}
payloadkeys: [{key: Password, type: <string>}]
";
    let base = "
payload: {declarationtype: any, supportedOS: {}}
payloadkeys: [{key: Type, type: <string>}]
reasons: [{value: Error.All}]
";
    let expected = "\
credential com.apple.credential.x
  payload dictionary
    key Password string
status b.list
  on tvOS since 16.0
  reasons Error.One,Error.Two
  value array
    each dictionary
      key identifier string required
command DoIt AllowIt
  on iOS never
  on macOS since 14.0
  takes Queries array required
    each string in B,A
  takes Settings array
    item One dictionary
      key Value real required
    item Two dictionary
      key Browser string
  answers List array required
check-in Hello
  takes MessageType string in Hello required
shared declarationbase
  reasons Error.All
  payload dictionary
    key Type string
";
    let files = [
        (COMMAND, command),
        (STATUS, status),
        ("mdm/checkin/hello.yaml", check_in),
        ("declarative/declarations/assets/credentials/x.yaml", credential),
        ("declarative/declarations/declarationbase.yaml", base),
        ("mdm/commands/README.md", "not: [yaml"),
        ("other/skipkeys.yaml", "not: [yaml"),
    ];
    assert_eq!(facts(&files), expected);
    let taken = files.iter().filter(|(path, _)| schema::takes(path));
    assert_eq!(taken.count(), 5);
    let mut backwards = files;
    backwards.reverse();
    assert_eq!(read(&backwards), read(&files));
}

#[test]
fn keys_that_contain_themselves() {
    let folders = "
- key: Folder
  type: <array>
  subkeys: &loop
  - key: Item
    type: <dictionary>
    subkeys: &item
    - {key: Folder, type: <array>, subkeys: *loop}
    - {key: Single, type: <dictionary>, subkeys: *item}
";
    let expected = "    \
    key Folder array
      each dictionary
        key Folder above 2
        key Single above 1
";
    assert_eq!(keys(folders), expected);
    let whole = declaration("- {key: A, type: <dictionary>, subkeys: *all}\n")
        .replace("payloadkeys:", "payloadkeys: &all");
    assert!(facts(&[(DECLARATION, &whole)]).ends_with("  payload dictionary\n    key A above 1\n"));
    let other = folders.replace("<dictionary>, subkeys: *item", "<array>, subkeys: *item");
    let refused = schema::read([(DECLARATION, declaration(&other))]).unwrap_err();
    assert!(
        refused[0]
            .to_string()
            .contains("Folder/Item/Single: the keys of another type"),
        "{refused:?}"
    );
}

#[test]
fn unknown_words_are_left_out_and_said() {
    let of_tomorrow = "
payload:
  declarationtype: com.apple.configuration.x
  apply: twice
  supportedOS:
    homeOS: {introduced: '1.0'}
    iOS: {introduced: soon, allowed-enrollments: [supervised, guest], sharedipad: {mode: sometimes}}
payloadkeys:
- {key: A, type: <string>, presence: always, combinetype: shuffle, valuetype: poem}
- {key: B, type: <set>, default: 1, rangelist: [1]}
";
    let (facts, unknown) = facts_and_unknown(&[(DECLARATION, of_tomorrow)]);
    let expected = "\
declaration com.apple.configuration.x
  on iOS enrollments supervised
  payload dictionary
    key A string
    key B any
";
    assert_eq!(facts, expected);
    let words = [
        "homeOS",
        "soon",
        "guest",
        "sometimes",
        "twice",
        "always",
        "shuffle",
        "poem",
        "set",
        "default",
        "rangelist",
    ];
    assert_eq!(unknown.len(), words.len(), "{unknown:?}");
    for word in words {
        assert!(
            unknown.iter().any(|said| said.contains(word)),
            "{word}: {unknown:?}"
        );
    }
    let key = format!("{DECLARATION}: A: poem is not a format of strings");
    assert!(unknown.contains(&key), "{unknown:?}");
}
