//! The policies that are measured with.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_server::api::{Policy, PolicyFile};
use serde_json::json;

/// How many declarations [`fifty`] has.
pub const FIFTY: usize = 50;

const TEST: &str = "com.apple.configuration.management.test";

fn file(path: String, content: impl ToString) -> PolicyFile {
    PolicyFile {
        path,
        content: STANDARD.encode(content.to_string()),
    }
}

fn declaration(identifier: &str, type_name: &str, payload: serde_json::Value) -> PolicyFile {
    file(
        format!("declarations/{identifier}.json"),
        json!({"Type": type_name, "Identifier": identifier, "Payload": payload}),
    )
}

/// In what the devices of a fleet differ.
const VARIED: [&str; 7] = [
    "device.model.identifier",
    "device.model.marketing-name",
    "device.operating-system.marketing-name",
    "device.power.battery-health",
    "diskmanagement.filevault.enabled",
    "passcode.is-compliant",
    "passcode.is-present",
];

/// What a device of some fleet is asked about, and `more`.
fn subscriptions(more: &[&str]) -> PolicyFile {
    let names = [
        "device.identifier.serial-number",
        "device.model.family",
        "device.operating-system.build-version",
        "device.operating-system.family",
        "device.operating-system.version",
        "test.string-value",
    ];
    let items: Vec<_> = names
        .iter()
        .chain(more)
        .map(|name| json!({"Name": name}))
        .collect();
    declaration(
        "subscriptions",
        "com.apple.configuration.management.status-subscriptions",
        json!({"StatusItems": items}),
    )
}

fn passcode() -> PolicyFile {
    declaration(
        "passcode",
        "com.apple.configuration.passcode.settings",
        json!({"RequirePasscode": true, "MinimumLength": 8, "MaximumFailedAttempts": 10}),
    )
}

/// Twenty settings of Windows computers, in four files.
fn computers() -> impl Iterator<Item = PolicyFile> {
    (0..4).map(|number| {
        let identifier = format!("computers-{number}");
        let settings: Vec<_> = (0..5)
            .map(|place| {
                let path = format!("./Device/Vendor/MSFT/Policy/Config/System/Setting{number}{place}");
                json!({"path": path, "format": "int", "value": place})
            })
            .collect();
        let content = json!({"Identifier": identifier, "settings": settings});
        file(format!("windows/{identifier}.json"), content)
    })
}

/// Fifty declarations for Apple's devices: an activation and its 49 configurations. Another `edition` changes one of them.
pub fn fifty(edition: u64) -> Policy {
    // With all that the passcode is judged by, so that Ordain makes no subscription of its own.
    let mut files = vec![
        subscriptions(&["passcode.is-compliant", "passcode.is-present"]),
        passcode(),
    ];
    let mut names = vec!["subscriptions".to_owned(), "passcode".to_owned()];
    for number in 1..FIFTY - names.len() {
        let name = format!("setting-{number:02}");
        let edition = if number == 1 { edition } else { 0 };
        let text =
            format!("the text of setting {number} in its edition {edition}, as long as payloads tend to be");
        files.push(declaration(&name, TEST, json!({"Echo": text})));
        names.push(name);
    }
    names.truncate(FIFTY - 1);
    files.push(declaration(
        "in-force",
        "com.apple.activation.simple",
        json!({"StandardConfigurations": names}),
    ));
    files.extend(computers());
    files.push(file(
        "blueprints/everybody.yaml".into(),
        "name: everybody\ninclude: [all]\ndeclarations: [in-force, computers-0, computers-1, computers-2, computers-3]\n",
    ));
    Policy {
        files,
        allow_unknown: false,
    }
}

/// Groups of devices, each device in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sites {
    /// None: all devices get the same.
    None,
    /// So many, at most [`MOST_SITES`], by the last characters of serial numbers.
    Predicate(usize),
    /// So many, which list these serial numbers, dealt out in turn.
    Listed(usize, Vec<String>),
}

impl Sites {
    /// What each group's file says beside its name.
    fn groups(&self) -> Vec<String> {
        let (count, titles) = match self {
            Self::None => return Vec::new(),
            Self::Predicate(count) => (*count, "where: \""),
            Self::Listed(count, _) => (*count, "members:\n"),
        };
        let mut groups = vec![titles.to_owned(); count];
        // Writing to a string does not fail.
        match self {
            Self::None => {}
            Self::Listed(_, serials) => {
                for (index, serial) in serials.iter().enumerate() {
                    if let Some(group) = groups.get_mut(index % count) {
                        // A serial number of digits alone is still a text.
                        let _ = writeln!(group, "  - \"{serial}\"");
                    }
                }
            }
            Self::Predicate(_) => {
                for (index, ending) in endings(count).iter().enumerate() {
                    if let Some(group) = groups.get_mut(index % count) {
                        let or = if index < count { "" } else { " OR " };
                        let _ = write!(group, "{or}@device(serial) ENDSWITH '{ending}'");
                    }
                }
                for group in &mut groups {
                    group.push_str("\"\n");
                }
            }
        }
        groups
    }
}

/// How many [`Sites::Predicate`] there can be.
pub const MOST_SITES: usize = 36 * 36;

/// All that serial numbers may end in: at least `count`.
fn endings(count: usize) -> Vec<String> {
    let characters = || ('0'..='9').chain('A'..='Z').map(String::from);
    match count {
        0..=36 => characters().collect(),
        _ => characters()
            .flat_map(|last| characters().map(move |first| format!("{first}{last}")))
            .collect(),
    }
}

/// Three declarations for everybody, one of which another `edition` changes, and one more for each of `sites`.
pub fn fleet(edition: u64, sites: &Sites) -> Policy {
    let mut files = vec![
        subscriptions(&VARIED),
        passcode(),
        declaration(
            "organization",
            "com.apple.management.organization-info",
            json!({"Name": format!("the organization in its edition {edition}")}),
        ),
        file(
            "blueprints/everybody.yaml".into(),
            "name: everybody\ninclude: [all]\ndeclarations: [subscriptions, passcode, organization]\n",
        ),
    ];
    for (number, members) in sites.groups().into_iter().enumerate() {
        let name = format!("site-{number:04}");
        files.push(file(
            format!("groups/{name}.yaml"),
            format!("name: {name}\n{members}"),
        ));
        files.push(declaration(
            &name,
            "com.apple.management.properties",
            // Nothing tells the compiler that no device is in two groups.
            json!({name.as_str(): true}),
        ));
        files.push(file(
            format!("blueprints/{name}.yaml"),
            format!("name: {name}\ninclude: [{name}]\ndeclarations: [{name}]\n"),
        ));
    }
    Policy {
        files,
        allow_unknown: false,
    }
}
