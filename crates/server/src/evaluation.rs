//! A predicate for one device, by what it has reported and what it was given.

use ordain_catalog::predicate::{PredicateSchema, Recipients};
use ordain_catalog::validate::DeviceKind;
use ordain_catalog::{Catalog, Scope};
use ordain_model::enrollment::{Enrollment, Memberships};
use ordain_model::record::StatusRecord;
use ordain_model::subject::Subject;
use ordain_model::windows::facts;
use ordain_predicate::{Advisory, Dialect, Document, Explanation, Fact, Facts, Predicate, Source};
use ordain_store::StoreError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::{MissingFact, PropertiesOf};
use crate::app::App;

/// The type whose payload keys are what `@property` names.
const PROPERTIES_TYPE: &str = "com.apple.management.properties";

/// What is known of a device, for predicates of both dialects.
#[derive(Debug)]
pub(crate) struct Portrait {
    device: Enrollment,
    record: StatusRecord,
    /// What it has of properties, in the tree of that name.
    given: Document,
    /// Whose the properties are.
    pub(crate) properties_of: PropertiesOf,
}

impl App {
    /// What is known of `device`.
    pub(crate) async fn portrait(&self, device: &Enrollment) -> Result<Portrait, StoreError> {
        let pinned = match device.pinned {
            Some(token) => self.objects.manifest(&self.store, token).await?,
            None => None,
        };
        let (manifest, properties_of) = match pinned {
            Some(manifest) => (manifest, PropertiesOf::Pinned),
            None => {
                let world = self.world();
                let wanted = self.wanted(&world, device, &device.id, Some(device)).await?;
                (wanted.manifest, PropertiesOf::Wanted)
            }
        };
        let mut given = Document::default();
        let entries = manifest.entries().iter();
        // No two of them set the same key: publishing refuses that.
        for entry in entries.filter(|entry| entry.type_name == PROPERTIES_TYPE) {
            let body = self.objects.declaration(&self.store, entry.server_token).await?;
            let body = body.ok_or_else(|| StoreError::Corrupt(format!("{} is gone", entry.identifier)))?;
            given.properties.extend(payload(&body)?);
        }
        Ok(Portrait {
            device: device.clone(),
            record: self.store.said(&device.id).await?,
            given,
            properties_of,
        })
    }
}

fn payload(body: &[u8]) -> Result<Map<String, Value>, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body {
        payload: Map<String, Value>,
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(body.payload)
}

impl Portrait {
    /// What `predicate` comes to, and why.
    pub(crate) fn explain(&self, predicate: &Predicate) -> Explanation {
        match predicate.dialect() {
            Dialect::Server => predicate.explain(&Subject::new(&self.device, &self.record.items)),
            Dialect::Device => predicate.explain(self),
        }
    }

    /// What the text would be told at publishing, were it for this device alone.
    pub(crate) fn check(&self, text: &str, dialect: Dialect, catalog: &Catalog) -> Vec<String> {
        let properties = self.given.properties.iter();
        let properties = properties.map(|(key, value)| (key.as_str(), value));
        let mut schema = PredicateSchema::new(catalog).with_properties(properties, true);
        if dialect == Dialect::Server {
            schema = schema.with_status(facts::types());
        }
        let facts = &self.device.facts;
        if let Some(platform) = facts.platform {
            schema.aim(Recipients {
                named: vec![DeviceKind {
                    platform,
                    os_version: facts.os_version,
                    enrollment: facts.enrollment_type(),
                    build: facts.os_build(),
                    scope: Scope::System,
                }],
                ..Recipients::default()
            });
        }
        findings(text, dialect, &schema)
    }

    /// Those of the facts of `predicate` that `explanation` misses, and why.
    pub(crate) fn missing(&self, predicate: &Predicate, explanation: &Explanation) -> Vec<MissingFact> {
        let missing = explanation.missing();
        let facts = predicate
            .facts()
            .iter()
            .map(|fact| (fact.to_string(), self.why(fact)));
        let facts = facts.filter(|(fact, _)| missing.contains(fact.as_str()));
        facts.map(|(fact, why)| MissingFact { fact, why }).collect()
    }

    fn why(&self, fact: &Fact) -> String {
        let is_claimed = fact.source == Source::Tag || fact.name == "serial";
        match (fact.source, self.record.errors.get(&fact.name)) {
            (Source::Status, Some(reasons)) => {
                let reasons = reasons.iter().map(|reason| match &reason.description {
                    Some(description) => format!("{} ({description})", reason.code),
                    None => reason.code.clone(),
                });
                let reasons: Vec<String> = reasons.collect();
                match reasons.is_empty() {
                    true => "the device could not give it, and did not say why".to_owned(),
                    false => format!("the device could not give it: {}", reasons.join(", ")),
                }
            }
            (Source::Status, None) => "the device never reported it".to_owned(),
            (Source::Property, _) => match self.properties_of {
                PropertiesOf::Pinned => "no declaration that the device was given defines it".to_owned(),
                PropertiesOf::Wanted => "no declaration that the device should have defines it".to_owned(),
            },
            _ if is_claimed && self.device.memberships == Memberships::Waiting => {
                "it enrolled anew, and its listed memberships wait for approval".to_owned()
            }
            (Source::Device | Source::Tag, _) => "the device never said".to_owned(),
        }
    }
}

/// As in an activation on the device.
impl Facts for Portrait {
    fn value(&self, place: usize, fact: &Fact) -> Option<&Value> {
        match fact.source {
            Source::Status => self.record.items.get(&fact.name),
            Source::Property => self.given.value(place, fact),
            Source::Device | Source::Tag => None,
        }
    }
}

/// What a text would be told at publishing, each finding with its place.
pub(crate) fn findings(text: &str, dialect: Dialect, schema: &PredicateSchema<'_>) -> Vec<String> {
    let verdict = ordain_predicate::check(text, dialect, schema, &Advisory::shipped());
    verdict
        .findings
        .iter()
        .map(|finding| finding.render(text))
        .collect()
}
