//! A device as the predicates of groups see it: what they call `@device(…)`, `@tag(…)` and `@status(…)`.

use std::collections::{BTreeMap, BTreeSet};

use ordain_predicate::{Fact, Facts, Source};
use serde_json::Value;

use crate::enrollment::{Enrollment, Memberships};

/// One device, with the status items that its own channel has reported.
///
/// What it never said is absent, and so is what it only claims: while the memberships of a generation wait for an
/// administrator, nobody knows whether the serial number and the tags are its own.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    device: Terms,
    tags: Option<&'a BTreeSet<String>>,
    status: &'a BTreeMap<String, Value>,
}

/// The values of `@device(…)`, by [`ordain_predicate::DEVICE_TERMS`].
pub type Terms = BTreeMap<&'static str, Value>;

impl<'a> Subject<'a> {
    /// `device`, a device channel, with the status `items` that it has reported, or those of them that are asked for.
    pub fn new(device: &'a Enrollment, items: &'a BTreeMap<String, Value>) -> Self {
        Self {
            device: terms(device),
            tags: (device.memberships == Memberships::Granted).then_some(&device.tags),
            status: items,
        }
    }
}

/// What `@device(…)` is of `device`, as far as it is known.
pub fn terms(device: &Enrollment) -> Terms {
    let facts = &device.facts;
    let serial = match device.memberships {
        Memberships::Granted => facts.serial.clone(),
        Memberships::Waiting => None,
    };
    let known = [
        ("serial", serial.map(Value::from)),
        ("model", facts.model.clone().map(Value::from)),
        ("platform", facts.system().map(Value::from)),
        (
            "os.version",
            facts.os_version.map(|version| version.to_string().into()),
        ),
        (
            "enrollment",
            facts.enrollment_type().map(|way| way.to_string().into()),
        ),
        ("supervised", facts.is_supervised().map(Value::from)),
    ];
    known
        .into_iter()
        .filter_map(|(term, value)| Some((term, value?)))
        .collect()
}

impl Facts for Subject<'_> {
    fn value(&self, _: usize, fact: &Fact) -> Option<&Value> {
        match fact.source {
            Source::Status => self.status.get(&fact.name),
            Source::Device => self.device.get(fact.name.as_str()),
            Source::Tag => self.tags.map(|tags| match tags.contains(&fact.name) {
                true => &Value::Bool(true),
                false => &Value::Bool(false),
            }),
            // Groups decide who gets a property.
            Source::Property => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use ordain_predicate::{Dialect, Truth, parse};

    use super::*;
    use crate::checkin::unidentified;

    fn truth(device: &Enrollment, predicate: &str) -> Truth {
        let items = BTreeMap::from([("passcode.is-present".to_owned(), Value::Bool(true))]);
        let predicate = parse(predicate, Dialect::Server).unwrap();
        predicate.evaluate_with_unknown(&Subject::new(device, &items))
    }

    #[test]
    fn what_it_said_is_known_and_what_it_only_claims_is_not() {
        let mut device = unidentified(&"d1".parse().unwrap(), 1, 0);
        device.facts.serial = Some("C02".into());
        device.facts.os_version = Some("17.10".parse().unwrap());
        device.tags.insert("lab".into());
        for (predicate, waiting, granted) in [
            ("@device(os.version) > '17.9'", Truth::True, Truth::True),
            ("@device(platform) == 'macOS'", Truth::Unknown, Truth::Unknown),
            ("@device(serial) == 'C02'", Truth::Unknown, Truth::True),
            ("@tag(lab) == TRUE", Truth::Unknown, Truth::True),
            ("@tag(kiosk) == TRUE", Truth::Unknown, Truth::False),
            ("@status(passcode.is-present) == TRUE", Truth::True, Truth::True),
            (
                "@status(passcode.is-compliant) == TRUE",
                Truth::Unknown,
                Truth::Unknown,
            ),
        ] {
            device.memberships = Memberships::Waiting;
            assert_eq!(truth(&device, predicate), waiting, "{predicate}");
            device.memberships = Memberships::Granted;
            assert_eq!(truth(&device, predicate), granted, "{predicate}");
        }
    }
}
