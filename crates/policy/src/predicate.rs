//! Predicates, judged for those who get them.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::predicate::{PredicateSchema, Recipients};
use ordain_catalog::validate::{DeviceKind, Reach};
use ordain_catalog::{EnrollmentType, Kind, OsVersion, Platform, Scope, Unavailable};
use ordain_model::manifest::PROPERTIES_TYPE;
use ordain_model::windows::facts;
use ordain_predicate::{Advisory, Code, Dialect, Finding, Needs, Severity};

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::fields::Text;
use crate::problem::{Place, quoted};

/// What predicates of a policy are judged by.
pub(crate) struct Judge<'c> {
    dialect: Dialect,
    schema: PredicateSchema<'c>,
    advisories: Vec<Advisory>,
}

impl<'c> Compiler<'c> {
    /// What all predicates of activations share.
    pub(crate) fn judge(&self, drafts: &BTreeMap<String, Draft<'_>>) -> Judge<'c> {
        let payloads: Vec<_> = drafts
            .values()
            .filter(|draft| draft.type_name() == Some(PROPERTIES_TYPE))
            .map(|draft| draft.payload.to_json_object())
            .collect();
        let properties = payloads
            .iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value));
        Judge {
            dialect: Dialect::Device,
            schema: PredicateSchema::new(self.catalog).with_properties(properties, true),
            advisories: Advisory::shipped()
                .into_iter()
                .chain(self.advisories.clone())
                .collect(),
        }
    }

    /// What all predicates of groups share. Devices never see them, so that no advisory is about them; and any device may
    /// be in any group, of what its own channel reports.
    pub(crate) fn judge_of_groups(&self) -> Judge<'c> {
        let any = |platform: &Platform| DeviceKind {
            platform: *platform,
            os_version: None,
            enrollment: None,
            scope: Scope::System,
            build: None,
        };
        let present = self.devices.iter().filter(|kind| kind.scope == Scope::System);
        let mut schema = PredicateSchema::new(self.catalog)
            .with_status(facts::types())
            .with_status(self.inventories.iter().cloned());
        schema.aim(Recipients {
            named: Vec::new(),
            present: present.copied().collect(),
            possible: Platform::ALL.iter().map(any).collect(),
        });
        Judge {
            dialect: Dialect::Server,
            schema,
            advisories: Vec::new(),
        }
    }

    /// Checks the predicate of a group.
    pub(crate) fn check_condition(&mut self, judge: &Judge<'c>, condition: Text<'_>) {
        let Some(needs) = self.check_text(judge, condition) else {
            return;
        };
        for tag in &needs.tags {
            if let Err(error) = ordain_model::tag::check(tag) {
                let message = format!("no device can have the tag {}: {error}", quoted(tag));
                self.problems.error(condition.place, message);
            }
        }
        let devices = self.devices.iter().filter(|kind| kind.scope == Scope::System);
        // What they report does not depend on their builds.
        let devices = devices.map(|kind| DeviceKind { build: None, ..*kind });
        let devices = devices.collect::<BTreeSet<_>>().len();
        for name in &needs.status {
            let lacking = judge.schema.lacking(name);
            if devices > 0 && lacking.len() == devices {
                let message = format!(
                    "none of the devices that there are reports {name}, so that nothing is known of it: {}",
                    shown(&lacking)
                );
                self.problems.warning(condition.place, message);
            }
        }
    }

    /// Checks the predicate of `draft`.
    pub(crate) fn check_predicate(
        &mut self,
        judge: &mut Judge<'c>,
        predicate: Text<'_>,
        draft: &Draft<'_>,
        drafts: &BTreeMap<String, Draft<'_>>,
    ) {
        judge.schema.aim(self.recipients(draft, drafts));
        if let Some(needs) = self.check_text(judge, predicate) {
            self.warn_of_lacking(&judge.schema, predicate.place, &needs);
        }
    }

    /// Checks a predicate by itself. What it needs, if it is one and nobody was said to lack anything of that.
    fn check_text(&mut self, judge: &Judge<'c>, predicate: Text<'_>) -> Option<Needs> {
        let verdict =
            ordain_predicate::check(predicate.text, judge.dialect, &judge.schema, &judge.advisories);
        let spelling = self.spelling(predicate.place, predicate.text);
        let places: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| spelling.place_of(finding.span.start))
            .collect();
        for (finding, exact) in verdict.findings.iter().zip(places) {
            self.tell_finding(predicate, verdict.predicate.is_some(), finding, exact);
        }
        let parsed = verdict.predicate?;
        verdict.findings.iter().all(is_no_absence).then(|| parsed.needs())
    }

    /// Says what was found at the `exact` place, if that is known; else of the whole, with the place shown.
    fn tell_finding(
        &mut self,
        Text { text, place }: Text<'_>,
        is_predicate: bool,
        finding: &Finding,
        exact: Option<Place>,
    ) {
        let mut message = match is_predicate || finding.code == Code::KnownBad {
            true => finding.message.clone(),
            false => format!("not a predicate: {}", finding.message),
        };
        if exact.is_none() {
            let rendered = finding.render(text);
            message.extend(rendered.lines().take(2).map(|line| format!("\n    {line}")));
        }
        let is_said = matches!(finding.code, Code::UnknownItem | Code::UndefinedProperty);
        if let Some(rewriting) = finding.rewriting.as_ref().filter(|_| !is_said) {
            message.push_str("\n    write: ");
            message.push_str(rewriting);
        }
        let place = exact.unwrap_or(place);
        match finding.severity {
            Severity::Error => self.problems.error(place, message),
            Severity::Warning => self.problems.warning(place, message),
        }
    }

    /// Warns of devices that there are which cannot report what the predicate asks for. They may take it for nil, or fail.
    fn warn_of_lacking(&mut self, schema: &PredicateSchema<'_>, place: Place, needs: &Needs) {
        for name in &needs.status {
            let lacking = schema.lacking(name);
            if lacking.is_empty() {
                continue;
            }
            let message = format!(
                "not all of the devices that there are report {name}, and what the others make of this is not documented: {}",
                shown(&lacking)
            );
            self.problems.warning(place, message);
        }
    }

    /// Who gets `draft`, as far as the policy names platforms and as far as devices are known.
    fn recipients(&self, draft: &Draft<'_>, drafts: &BTreeMap<String, Draft<'_>>) -> Recipients {
        let configurations: Vec<&Draft<'_>> = match draft.kind() {
            Some(Kind::Activation) => draft
                .references
                .iter()
                .filter_map(|name| drafts.get(name))
                .collect(),
            _ => Vec::new(),
        };
        // An activation goes nowhere without a configuration.
        let getters = |devices: &[DeviceKind]| {
            let mut getters = takers(draft, devices);
            let mut theirs = BTreeSet::new();
            for configuration in &configurations {
                // Mostly the first one goes wherever the activation does.
                if getters.iter().all(|kind| theirs.contains(&system(kind))) {
                    break;
                }
                theirs.extend(takers(configuration, devices).iter().map(system));
            }
            getters.retain(|kind| configurations.is_empty() || theirs.contains(&system(kind)));
            getters
        };
        let is_named = |draft: &Draft<'_>| draft.placement.platforms.is_some();
        let any = getters(&[]);
        let mut present = getters(self.devices);
        // Where there are no devices of the platforms, they are of any that may come.
        present.retain(|kind| self.devices.iter().any(|device| device.platform == kind.platform));
        let present = self.by_build(&present);
        Recipients {
            possible: match self.devices_only && !present.is_empty() {
                true => Vec::new(),
                false => any.clone(),
            },
            present,
            named: match is_named(draft)
                || !configurations.is_empty() && configurations.iter().all(|draft| is_named(draft))
            {
                true => any,
                false => Vec::new(),
            },
        }
    }
}

impl Compiler<'_> {
    /// The same kinds, told apart by the builds that there are of each.
    fn by_build(&self, kinds: &[DeviceKind]) -> Vec<DeviceKind> {
        let builds = self.devices.iter().flat_map(|device| {
            let alike = kinds.iter().filter(|kind| system(kind) == system(device));
            alike.map(|kind| DeviceKind {
                build: device.build,
                ..*kind
            })
        });
        builds.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Who can take `draft`: of these devices, or without any, of those who may come.
fn takers(draft: &Draft<'_>, devices: &[DeviceKind]) -> Vec<DeviceKind> {
    let reach = Reach {
        platforms: draft.placement.platforms.clone(),
        scope: draft.placement.scope,
        devices: devices.to_vec(),
        ..Reach::default()
    };
    draft.known().map(|known| reach.takers(known)).unwrap_or_default()
}

/// What is the same on all channels of a device.
fn system(kind: &DeviceKind) -> (Platform, Option<OsVersion>, Option<EnrollmentType>) {
    (kind.platform, kind.os_version, kind.enrollment)
}

/// Whether what was found leaves it to be said who lacks a status item.
fn is_no_absence(finding: &Finding) -> bool {
    finding.code != Code::UnavailableItem
}

fn shown(lacking: &[(DeviceKind, Unavailable)]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = lacking
        .iter()
        .take(SHOWN)
        .map(|(kind, why)| format!("{why} ({kind})"))
        .collect();
    if lacking.len() > SHOWN {
        shown.push(format!("{} more", lacking.len() - SHOWN));
    }
    shown.join(", ")
}
