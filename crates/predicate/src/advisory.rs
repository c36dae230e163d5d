//! Predicates that are known to harm some systems.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::error::ParseError;
use crate::schema::Target;
use crate::version;

/// A known defect of some systems that a predicate can trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// The platform that has it: `macOS`.
    pub platform: String,
    /// The versions (`26.5`, which includes 26.5.1) and builds that have it.
    pub systems: Vec<String>,
    /// What triggers it.
    pub trigger: Trigger,
    /// What then happens, for people.
    pub consequence: String,
    /// Where that can be read.
    pub reference: String,
}

/// What in a predicate triggers a defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An `@` word that nobody defined.
    UnknownWord,
    /// This part of the canonical text, such as `@status(device.power.battery-health)` or `MATCHES[c]`.
    Text(String),
}

impl Advisory {
    /// Those that are known to the authors of this crate.
    #[must_use]
    pub fn shipped() -> Vec<Advisory> {
        vec![Advisory {
            platform: "macOS".to_owned(),
            systems: vec!["26.5".to_owned()],
            trigger: Trigger::UnknownWord,
            consequence: "the computer answers no more commands, and its profile can only be removed by hand"
                .to_owned(),
            reference: "Apple feedback FB24193230".to_owned(),
        }]
    }

    /// Whether `target` has the defect. One of which no version is known may have it.
    pub(crate) fn concerns(&self, target: &Target) -> bool {
        let is_listed = |system: &String| {
            let numbers = |version: &str| version::numbers(version).collect::<Vec<_>>();
            let listed = match &target.version {
                Some(version) if version::is_version(version) && version::is_version(system) => {
                    numbers(version).starts_with(&numbers(system))
                }
                Some(_) => false,
                None => target.build.is_none(),
            };
            listed || target.build.as_ref() == Some(system)
        };
        self.platform == target.platform && self.systems.iter().any(is_listed)
    }

    /// Whether what was read, in canonical form, triggers it.
    pub(crate) fn is_triggered(&self, canonical: &Result<String, &ParseError>) -> bool {
        match (&self.trigger, canonical) {
            (Trigger::UnknownWord, Err(error)) => error.code == Code::UnknownWord,
            (Trigger::Text(text), Ok(canonical)) => canonical.contains(text),
            _ => false,
        }
    }
}
