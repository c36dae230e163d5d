//! A small schema and the systems of a fleet.

use ordain_predicate::{Lack, Schema, Source, Target, Type};

pub(crate) struct Fleet {
    pub(crate) targets: Vec<Target>,
    pub(crate) knows_all_properties: bool,
}

pub(crate) fn target(platform: &str, version: &str) -> Target {
    Target {
        platform: platform.to_owned(),
        version: Some(version.to_owned()),
        build: None,
    }
}

impl Fleet {
    pub(crate) fn of(targets: &[(&str, &str)]) -> Fleet {
        Fleet {
            targets: targets
                .iter()
                .map(|(platform, version)| target(platform, version))
                .collect(),
            knows_all_properties: true,
        }
    }
}

fn list(keys: &[(&str, Type)]) -> Type {
    Type::List(Box::new(dictionary(keys)))
}

fn dictionary(keys: &[(&str, Type)]) -> Type {
    Type::Dictionary(
        keys.iter()
            .map(|(key, found)| ((*key).to_owned(), found.clone()))
            .collect(),
    )
}

const STATUS: [&str; 9] = [
    "app.managed.list",
    "device.model.family",
    "device.operating-system.build-version",
    "device.operating-system.version",
    "management.declarations",
    "mdm.app",
    "passcode.is-compliant",
    "passcode.is-present",
    "softwareupdate.pending-version",
];
const PROPERTIES: [&str; 6] = ["age", "jamf.device.groups", "name", "on", "roles", "numbers"];

impl Schema for Fleet {
    fn status(&self, name: &str) -> Option<Type> {
        let app = [
            ("identifier", Type::Text),
            ("state", Type::Text),
            ("version", Type::Version),
        ];
        Some(match name {
            "app.managed.list" | "mdm.app" => list(&app),
            "device.model.family" => Type::Text,
            "device.operating-system.version" | "device.operating-system.build-version" => Type::Version,
            "management.declarations" => dictionary(&[(
                "configurations",
                list(&[("identifier", Type::Text), ("active", Type::Boolean)]),
            )]),
            "passcode.is-compliant" | "passcode.is-present" => Type::Boolean,
            "softwareupdate.pending-version" => dictionary(&[("os-version", Type::Version)]),
            _ => return None,
        })
    }

    fn property(&self, key: &str) -> Option<Type> {
        Some(match key {
            "age" => Type::Number,
            "name" => Type::Text,
            "on" => Type::Boolean,
            "roles" | "jamf.device.groups" => Type::List(Box::new(Type::Text)),
            "numbers" => Type::List(Box::new(Type::Number)),
            _ => return None,
        })
    }

    fn names(&self, source: Source) -> Vec<&str> {
        match source {
            Source::Status => STATUS.into(),
            Source::Property => PROPERTIES.into(),
            Source::Device | Source::Tag => Vec::new(),
        }
    }

    fn knows_all_properties(&self) -> bool {
        self.knows_all_properties
    }

    fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Apple TVs have no passcode, and Macs tell of updates from a version on.
    fn lack(&self, target: &Target, name: &str) -> Option<Lack> {
        match target.platform.as_str() {
            "tvOS" if name.starts_with("passcode.") => Some(Lack::Platform),
            "macOS" if name.starts_with("softwareupdate.") && target.version.as_deref() == Some("13.0") => {
                Some(Lack::Here("needs macOS 14.0".to_owned()))
            }
            _ => None,
        }
    }
}
