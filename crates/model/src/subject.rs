//! A device as the predicates of groups see it: what they call `@device(…)`, `@tag(…)` and `@status(…)`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ordain_predicate::{Fact, Facts, Source};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::enrollment::{Enrollment, Memberships};

/// One device, with the status items that its own channel has reported.
///
/// What it never said is absent, and so is what it only claims: while the memberships of a generation wait for an
/// administrator, nobody knows whether the serial number and the tags are its own.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    device: Cow<'a, Terms>,
    tags: Option<&'a BTreeSet<String>>,
    status: &'a BTreeMap<String, Value>,
}

/// The values of `@device(…)`, by [`ordain_predicate::DEVICE_TERMS`].
pub type Terms = BTreeMap<String, Value>;

/// What many devices have in common: all that predicates know of one without its status items and its serial number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    device: Terms,
    /// None while nobody knows whether they are its own, and then the serial number is not known either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tags: Option<BTreeSet<String>>,
}

impl Traits {
    /// Those of `device`, a device channel.
    pub fn of(device: &Enrollment) -> Self {
        let mut terms = terms(device);
        terms.remove(SERIAL);
        Self {
            device: terms,
            tags: tags(device).cloned(),
        }
    }

    /// Whether all that [`Traits::of`] looks at is the same of both; then so are the traits.
    pub fn are_alike(one: &Enrollment, other: &Enrollment) -> bool {
        one.facts == other.facts && one.memberships == other.memberships && one.tags == other.tags
    }
}

const SERIAL: &str = "serial";

fn tags(device: &Enrollment) -> Option<&BTreeSet<String>> {
    (device.memberships == Memberships::Granted).then_some(&device.tags)
}

impl<'a> Subject<'a> {
    /// `device`, a device channel, with the status `items` that it has reported, or those of them that are asked for.
    pub fn new(device: &'a Enrollment, items: &'a BTreeMap<String, Value>) -> Self {
        Self {
            device: Cow::Owned(terms(device)),
            tags: tags(device),
            status: items,
        }
    }

    /// A device of these `traits` that claims the serial number `serial`, which nobody needs to look up for predicates
    /// that do not name it.
    pub fn of_traits(traits: &'a Traits, serial: Option<&str>, items: &'a BTreeMap<String, Value>) -> Self {
        let mut device = Cow::Borrowed(&traits.device);
        if let (Some(serial), Some(_)) = (serial, &traits.tags) {
            device.to_mut().insert(SERIAL.to_owned(), serial.into());
        }
        Self {
            device,
            tags: traits.tags.as_ref(),
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
        (SERIAL, serial.map(Value::from)),
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
        .filter_map(|(term, value)| Some((term.to_owned(), value?)))
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
    use crate::enrollment::Phase;
    use crate::ids::Digest;

    fn truth(device: &Enrollment, predicate: &str) -> Truth {
        let items = BTreeMap::from([("passcode.is-present".to_owned(), Value::Bool(true))]);
        let predicate = parse(predicate, Dialect::Server).unwrap();
        let truth = predicate.evaluate_with_unknown(&Subject::new(device, &items));
        // What is stored of it says the same.
        let traits = serde_json::to_string(&Traits::of(device)).unwrap();
        let traits = serde_json::from_str(&traits).unwrap();
        let serial = device.facts.serial.as_deref();
        let stored = Subject::of_traits(&traits, serial, &items);
        assert_eq!(predicate.evaluate_with_unknown(&stored), truth);
        truth
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

    #[test]
    fn traits_are_of_nothing_else_than_what_is_compared() {
        let mut one = unidentified(&"d1".parse().unwrap(), 1, 0);
        one.facts.serial = Some("C02".into());
        one.tags.insert("lab".into());
        for memberships in [Memberships::Waiting, Memberships::Granted] {
            one.memberships = memberships;
            let mut other = Enrollment {
                facts: one.facts.clone(),
                memberships,
                tags: one.tags.clone(),
                phase: Phase::CheckedOut,
                known: Some(Digest([1; 32])),
                capabilities: Some(Digest([2; 32])),
                ..unidentified(&"d2".parse().unwrap(), 7, 9)
            };
            assert!(Traits::are_alike(&one, &other));
            assert_eq!(Traits::of(&one), Traits::of(&other));
            other.tags.clear();
            assert!(!Traits::are_alike(&one, &other));
        }
    }
}
