//! What a Windows device tells of itself in its sessions: nodes of its management tree that become status items, under
//! names of Ordain's own.

use ordain_catalog::windows::Edition;
use ordain_predicate::Type;
use serde_json::Value;

use super::document::INVENTORY;

/// A status item of Windows devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// The status item.
    pub name: &'static str,
    /// The node that tells it.
    pub path: &'static str,
    /// What is made of its value.
    pub kind: FactKind,
    /// When the device tells it.
    pub when: When,
}

/// When a device tells a status item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In the first message of a session, without being asked.
    Told,
    /// In each session, when it is asked.
    Asked,
    /// Likewise, in sessions that see to its linked enrollment.
    Linking,
}

/// What is made of the value of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// The text.
    Text,
    /// The whole number.
    Number,
    /// The edition's word as in `ordain validate`, else Windows' number of it, as a text.
    Edition,
    /// `entra` where the device has an identifier there, `none` where that is empty.
    Join,
    /// Of an interior node, how many nodes are in it.
    Count,
    /// An HRESULT, as a number without a sign.
    Error,
}

/// The status item with the identifier that the device has in Microsoft Entra; empty where it has none.
pub const IN_ENTRA: &str = "windows.entra.device";

/// What the device says of its linked enrollment: `EnrollStatus`,
pub const LINK_STATUS: &str = "windows.linked.status";
/// `LastError`, without a sign,
pub const LINK_ERROR: &str = "windows.linked.error";
/// and `DiscoveryEndpoint`.
pub const LINK_ENDPOINT: &str = "windows.linked.endpoint";

/// All of them.
pub const FACTS: [Fact; 21] = [
    told("windows.device.manufacturer", "./DevInfo/Man"),
    told("windows.device.model", "./DevInfo/Mod"),
    told("windows.device.language", "./DevInfo/Lang"),
    text("windows.device.name", "./DevDetail/Ext/Microsoft/DeviceName"),
    text(
        "windows.device.serial-number",
        "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber",
    ),
    text("windows.os.version", "./DevDetail/SwV"),
    asked(
        "windows.os.edition",
        "./Vendor/MSFT/DeviceStatus/OS/Edition",
        FactKind::Edition,
    ),
    asked(
        "windows.os.mode",
        "./Vendor/MSFT/DeviceStatus/OS/Mode",
        FactKind::Number,
    ),
    asked(
        "windows.join",
        "./Vendor/MSFT/DMClient/Provider/Ordain/AADDeviceID",
        FactKind::Join,
    ),
    text(IN_ENTRA, "./Vendor/MSFT/DMClient/Provider/Ordain/AADDeviceID"),
    asked(
        "windows.security.secure-boot",
        "./Vendor/MSFT/DeviceStatus/SecureBootState",
        FactKind::Number,
    ),
    asked(
        "windows.security.encryption",
        "./Vendor/MSFT/DeviceStatus/Compliance/EncryptionCompliance",
        FactKind::Number,
    ),
    asked(
        "windows.security.antivirus",
        "./Vendor/MSFT/DeviceStatus/Antivirus/Status",
        FactKind::Number,
    ),
    asked(
        "windows.security.firewall",
        "./Vendor/MSFT/DeviceStatus/Firewall/Status",
        FactKind::Number,
    ),
    asked(
        "windows.update.installable",
        "./Vendor/MSFT/Update/InstallableUpdates",
        FactKind::Count,
    ),
    asked(
        "windows.update.failed",
        "./Vendor/MSFT/Update/FailedUpdates",
        FactKind::Count,
    ),
    asked(
        "windows.update.pending-reboot",
        "./Vendor/MSFT/Update/PendingRebootUpdates",
        FactKind::Count,
    ),
    text(
        "windows.management.newest-version",
        "./Vendor/MSFT/DMClient/Provider/Ordain/MaxSyncApplicationVersion",
    ),
    linking(
        LINK_ENDPOINT,
        "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment/DiscoveryEndpoint",
        FactKind::Text,
    ),
    linking(
        LINK_STATUS,
        "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment/EnrollStatus",
        FactKind::Number,
    ),
    linking(
        LINK_ERROR,
        "./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment/LastError",
        FactKind::Error,
    ),
];

/// The longest text that is kept, in octets.
const MAX_TEXT: usize = 1024;

const fn asked(name: &'static str, path: &'static str, kind: FactKind) -> Fact {
    Fact {
        name,
        path,
        kind,
        when: When::Asked,
    }
}

const fn text(name: &'static str, path: &'static str) -> Fact {
    asked(name, path, FactKind::Text)
}

const fn told(name: &'static str, path: &'static str) -> Fact {
    Fact {
        when: When::Told,
        ..text(name, path)
    }
}

const fn linking(name: &'static str, path: &'static str, kind: FactKind) -> Fact {
    Fact {
        when: When::Linking,
        ..asked(name, path, kind)
    }
}

/// The status items and their types, for predicates of groups: devices know none of these names.
pub fn types() -> impl Iterator<Item = (&'static str, Type)> {
    FACTS.iter().map(|fact| {
        let is_version = fact.name.ends_with("version");
        let of_kind = match fact.kind {
            FactKind::Text if is_version => Type::Version,
            FactKind::Text | FactKind::Edition | FactKind::Join => Type::Text,
            FactKind::Number | FactKind::Count | FactKind::Error => Type::Number,
        };
        (fact.name, of_kind)
    })
}

/// Whether `name` is a status item of Windows devices.
pub fn is_fact(name: &str) -> bool {
    name.starts_with(INVENTORY) || FACTS.iter().any(|fact| fact.name == name)
}

impl Fact {
    /// The value of the status item, when the node has the value `said`. `None`: that is none.
    pub fn value(&self, said: &str) -> Option<Value> {
        let text = said.get(..said.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
        Some(match self.kind {
            FactKind::Text => text.into(),
            FactKind::Number => text.trim_ascii().parse::<i64>().ok()?.into(),
            FactKind::Error => hresult(text)?.into(),
            FactKind::Edition => {
                let number: u32 = text.trim_ascii().parse().ok()?;
                let known = Edition::of_product(number);
                known
                    .map_or_else(|| number.to_string(), |edition| edition.to_string())
                    .into()
            }
            FactKind::Join if text.trim_ascii().is_empty() => "none".into(),
            FactKind::Join => "entra".into(),
            FactKind::Count => said.split('/').filter(|name| !name.is_empty()).count().into(),
        })
    }
}

/// An HRESULT: hexadecimal digits behind `0x`, or a number with or without a sign.
pub fn hresult(text: &str) -> Option<u32> {
    let text = text.trim_ascii();
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text
            .parse()
            .ok()
            .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ordain_catalog::windows::{Verb, WindowsCatalog};
    use serde_json::json;

    use super::*;

    fn value(name: &str, said: &str) -> Option<Value> {
        FACTS.iter().find(|fact| fact.name == name).unwrap().value(said)
    }

    #[test]
    fn each_is_a_node_that_can_be_asked_for() {
        let names: BTreeSet<_> = FACTS.iter().map(|fact| fact.name).collect();
        assert_eq!(names.len(), FACTS.len());
        for fact in &FACTS {
            let found = WindowsCatalog::builtin().find(fact.path, &mut 0);
            assert!(found.is_ok_and(|found| found.node.takes(Verb::Get)), "{fact:?}");
        }
    }

    #[test]
    fn values_are_of_one_kind() {
        assert_eq!(value("windows.os.edition", "48"), Some(json!("pro")));
        assert_eq!(value("windows.os.edition", "7"), Some(json!("7")));
        assert_eq!(value("windows.os.mode", "none"), None);
        assert_eq!(value("windows.join", ""), Some(json!("none")));
        assert_eq!(value("windows.join", "7f00"), Some(json!("entra")));
        assert_eq!(value("windows.update.failed", "a/b"), Some(json!(2)));
        assert_eq!(value("windows.update.failed", ""), Some(json!(0)));
        assert_eq!(value("windows.device.name", "=1+1"), Some(json!("=1+1")));
        for said in ["-2145910782", "2149056514", "0x80180002"] {
            assert_eq!(value(LINK_ERROR, said), Some(json!(0x8018_0002_u32)), "{said}");
        }
        assert_eq!(value(LINK_ERROR, "0x1ffffffff"), None);
        let long = value("windows.device.name", &"ä".repeat(10_000)).unwrap();
        assert_eq!(long.as_str().unwrap().len(), MAX_TEXT);
    }
}
