//! From the policy to the device: enrolled, published, given by a blueprint to a group that it is in, and what it can take.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Availability, Kind, Scope, Support};
use serde_json::json;

use super::case::{Case, Wanted, fact, step};
use super::membership::{Membership, Outlook};
use super::{Code, Fact, State, Step};
use crate::audience::channel_scope;
use crate::command;
use crate::compile::{CONFIGURATIONS_KEY, made_activation};
use crate::declaration::Declaration;
use crate::enrollment::Phase;
use crate::ids::Channel;
use crate::windows::channel_of;
use crate::wish::Blueprint;

impl Case<'_> {
    /// Whether the device is managed here at all.
    pub(super) fn enrolled(&self) -> Vec<Step> {
        let (device, channel) = (self.of.device, self.of.channel);
        let phase = |whose: &str, phase: Phase| vec![fact(&[whose, "phase"], &phase)];
        let mut steps = vec![match device.phase {
            Phase::CheckedOut => step(
                Code::Enrolled,
                State::Failed,
                "the device has left: it said that it is not managed any more (CheckOut)",
                phase("device", device.phase),
            ),
            _ if device.identity.is_none() => step(
                Code::Enrolled,
                State::Missing,
                "the device was taken over from another server, and has never come to this one",
                vec![fact(&["device", "identity"], &device.identity)],
            ),
            Phase::Authenticated => step(
                Code::Enrolled,
                State::Missing,
                "the device began to enroll and has not finished: it has not told how it can be reached (TokenUpdate)",
                phase("device", device.phase),
            ),
            Phase::Enrolled => step(
                Code::Enrolled,
                State::Done,
                match channel.id.channel() {
                    Channel::Device => "the device is enrolled",
                    Channel::User => "the device is enrolled, and so is this user of it",
                    Channel::Linked => "the device is enrolled, and its linked enrollment is complete",
                },
                phase("channel", channel.phase),
            ),
        }
        .at(channel.since)];
        let system = (&device.facts, self.of.world.catalog());
        let is_able = || command::is_available(system.1, command::REQUEST_TYPE, channel, system.0);
        if !device.facts.is_windows() && !is_able() {
            let command = self.of.world.catalog().command(command::REQUEST_TYPE);
            let facts = command.map(|command| self.against(&command.support));
            steps.push(step(
                Code::DeclarativeManagement,
                State::Failed,
                format!(
                    "the system of the device ({}) is too old for declarative management",
                    self.system()
                ),
                facts.unwrap_or_default(),
            ));
        }
        steps
    }

    /// Why the channel should have the declaration, or why not.
    pub(super) fn entitlement(
        &self,
        identifier: &str,
        declared: Option<&Declaration>,
        wanted: Option<Wanted<'_>>,
    ) -> Vec<Step> {
        let number = self.revision();
        let revision = fact(&["policy", "revision"], &number);
        if number == 0 {
            let nothing = "no policy was published yet";
            return vec![step(Code::Published, State::Missing, nothing, vec![revision])];
        }
        let mut steps = Vec::new();
        let (subject, declared) = match (declared, wanted) {
            (Some(declared), _) => (identifier, declared),
            (None, Some(Wanted { entry, .. })) => {
                let made_for = entry.references.iter().find_map(|name| {
                    let configuration = self.wish().declarations.get(name)?;
                    (made_activation(name) == identifier).then_some(configuration)
                });
                let Some(configuration) = made_for else {
                    let made = "Ordain makes it itself, so that the device reports what the policy has to be judged by";
                    return vec![step(Code::Made, State::Done, made, vec![revision])];
                };
                let name = configuration.identifier.as_str();
                steps.push(step(
                    Code::Made,
                    State::Done,
                    format!("Ordain makes this activation for the configuration {name}, since the policy has none for it"),
                    vec![self.declared_fact(configuration)],
                ));
                (name, configuration)
            }
            (None, None) => {
                let gone = format!("revision {number}, the newest, has no declaration of this name");
                return vec![step(Code::Published, State::Missing, gone, vec![revision])];
            }
        };
        let noun = if identifier == subject { "it" } else { subject };
        steps.push(
            step(
                Code::Published,
                State::Done,
                format!("revision {number}, the newest, has {}", noun),
                vec![self.declared_fact(declared), revision],
            )
            .at(self.of.published_at),
        );
        let blueprints = self.blueprints(subject);
        let is_given = blueprints.iter().any(|step| step.state == State::Done);
        steps.extend(blueprints.into_iter().map(|step| match step.state {
            // One that gives it is enough.
            State::Missing | State::Unknown if is_given => Step {
                state: State::NotNeeded,
                ..step
            },
            _ => step,
        }));
        if is_given {
            steps.push(self.given(declared, wanted));
        }
        steps
    }

    fn declared_fact(&self, declared: &Declaration) -> Fact {
        let token = json!({"server_token": declared.server_token});
        fact(&["policy", "declarations", &declared.identifier], &token)
    }

    /// What each blueprint that names it means for this device.
    fn blueprints(&self, identifier: &str) -> Vec<Step> {
        let naming = self.wish().blueprints.iter();
        let steps: Vec<Step> = naming
            .filter_map(|(name, blueprint)| {
                let named = self.named(name, blueprint, identifier)?;
                Some(self.blueprint(name, blueprint, named))
            })
            .collect();
        if steps.is_empty() {
            let facts = vec![fact(&["policy", "revision"], &self.revision())];
            let nobody = "no blueprint names it, so that no device gets it";
            return vec![step(Code::Blueprint, State::Missing, nobody, facts)];
        }
        steps
    }

    /// How `blueprint` names the declaration: words, and the facts. A blueprint takes along what its declarations name.
    fn named(&self, name: &str, blueprint: &Blueprint, identifier: &str) -> Option<(String, Vec<Fact>)> {
        let own =
            |name: &str, named: &str| fact(&["policy", "blueprints", name, "declarations", named], &named);
        if blueprint.declarations.contains(identifier) {
            return Some(("gives it".to_owned(), vec![own(name, identifier)]));
        }
        // By each declaration that is reached: the one that names it.
        let mut by: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut open: Vec<(&str, Option<&str>)> = blueprint
            .declarations
            .iter()
            .map(|named| (named.as_str(), None))
            .collect();
        while let Some((reached, from)) = open.pop() {
            if by.contains_key(reached) {
                continue;
            }
            by.insert(reached, from);
            let declared = self.wish().declarations.get(reached);
            let references = declared.into_iter().flat_map(|declared| &declared.references);
            open.extend(references.map(|named| (named.as_str(), Some(reached))));
        }
        let from = (*by.get(identifier)?)?;
        let (mut root, mut facts) = (from, Vec::new());
        let mut reached = identifier;
        while let Some(Some(from)) = by.get(reached) {
            facts.push(fact(
                &["policy", "declarations", from, "references", reached],
                &reached,
            ));
            (root, reached) = (from, from);
        }
        facts.push(own(name, root));
        let verb = format!("gives {root}, which takes it along,");
        Some((verb, facts))
    }

    fn blueprint(&self, name: &str, blueprint: &Blueprint, (verb, mut facts): (String, Vec<Fact>)) -> Step {
        let group = |list: &str, group: &str| fact(&["policy", "blueprints", name, list, group], &group);
        let members = |groups: &BTreeSet<String>| {
            let all: Vec<_> = groups
                .iter()
                .map(|group| (group.clone(), self.membership(group)))
                .collect();
            all
        };
        let mut included = members(&blueprint.include);
        let is_included = included.iter().any(|(_, membership)| membership.is_member);
        if is_included {
            included.retain(|(_, membership)| membership.is_member);
            included.truncate(1);
        }
        let mut words = Vec::new();
        let is_unknown = |(_, membership): &(String, Membership)| membership.outlook == Outlook::Unknown;
        let has_unknown = included.iter().any(is_unknown);
        for (name, membership) in included {
            words.push(format!("{name}, {}", membership.why));
            facts.push(group("include", &name));
            facts.extend(membership.facts);
        }
        let to = match words.as_slice() {
            [] => "to no group".to_owned(),
            [one] => format!("to the group {one}"),
            several => format!("to the groups {}", several.join("; ")),
        };
        let mut sentence = format!("the blueprint {name} {verb} {to}");
        let excluding = members(&blueprint.exclude);
        let excluding = excluding.into_iter().find(|(_, membership)| membership.is_member);
        let state = match (is_included, excluding) {
            (true, Some((name, membership))) => {
                sentence += &format!("; but it excludes the group {name}, {}", membership.why);
                facts.push(group("exclude", &name));
                facts.extend(membership.facts);
                State::Missing
            }
            (true, None) => State::Done,
            (false, _) if has_unknown => State::Unknown,
            (false, _) => State::Missing,
        };
        step(Code::Blueprint, state, sentence, facts)
    }

    /// Whether the device can take what it is given.
    fn given(&self, declared: &Declaration, wanted: Option<Wanted<'_>>) -> Step {
        if wanted.is_some() {
            return self.taken(declared);
        }
        let omissions = &self.wanted.omissions;
        let omission = omissions
            .iter()
            .find(|left| left.identifier == declared.identifier);
        match omission {
            Some(omission) => {
                let mut facts = Vec::new();
                let deeper = self.left_out(declared, &mut facts);
                let deeper = deeper.map(|reason| format!(" ({reason})")).unwrap_or_default();
                if facts.is_empty() {
                    facts.push(self.declared_fact(declared));
                }
                let sentence = format!("it is left out: {}{deeper}", omission.reason);
                step(Code::Given, State::Missing, sentence, facts)
            }
            None => {
                let elsewhere = match (declared.kind, self.of.channel.id.channel()) {
                    _ if channel_of(&declared.type_name) == Some(Channel::Linked) => {
                        "it goes to the linked channel, by which the device gets its documents"
                    }
                    (Kind::Asset, _) => "nothing that is given here uses it",
                    (Kind::Activation, _) => "no configuration that it names is given here",
                    (_, Channel::Device) => {
                        "it goes to the channels of users, not to that of the device itself"
                    }
                    (_, Channel::User) => {
                        "it goes to the channel of the device itself, not to those of its users"
                    }
                    (_, Channel::Linked) => {
                        "it goes to the channel of the device itself, not to that of its documents"
                    }
                };
                let mut facts = vec![self.declared_fact(declared)];
                let mut sentence = elsewhere.to_owned();
                // Where the device has no linked channel, that is why.
                let is_of_linked = channel_of(&declared.type_name) == Some(Channel::Linked);
                let linked = self.linked().filter(|_| is_of_linked);
                if let Some(linked) = linked.filter(|linked| linked.state != State::Done) {
                    sentence += &format!("; {}", linked.sentence);
                    facts.extend(linked.facts);
                }
                step(Code::Given, State::Missing, sentence, facts)
            }
        }
    }

    fn taken(&self, declared: &Declaration) -> Step {
        if let Some((digest, capabilities)) = self.of.capabilities
            && capabilities.declarations.is_some()
        {
            let facts = vec![
                fact(&["channel", "capabilities"], &digest),
                self.declared_fact(declared),
            ];
            let listed = "the device lists its type among what it can take";
            return step(Code::Given, State::Done, listed, facts);
        }
        let device = &self.of.device.facts;
        if let Some(windows) = &device.windows {
            let facts = vec![fact(&["device", "facts", "windows"], windows)];
            let own = "it is for Windows devices, as this one is, which says of each setting whether it can take it";
            return step(Code::Given, State::Done, own, facts);
        }
        let facts = [
            ("platform", json!(device.platform)),
            ("os_version", json!(device.os_version)),
        ];
        let facts = facts.map(|(name, value)| fact(&["device", "facts", name], &value));
        let known = format!(
            "as far as its system tells ({}), the device can take it",
            self.system()
        );
        step(Code::Given, State::Done, known, facts.into())
    }

    /// Finds the facts for which `declared` is left out; the reason further down, if it is there.
    fn left_out(&self, declared: &Declaration, facts: &mut Vec<Fact>) -> Option<String> {
        let omissions = &self.wanted.omissions;
        let reason = |name: &str| omissions.iter().find(|left| left.identifier == name);
        let own = |part: &[&str]| {
            let path = [&["policy", "declarations", &declared.identifier], part].concat();
            fact(&path, &part.last())
        };
        let asset = declared.references.iter().find_map(|name| {
            let asset = self.wish().declarations.get(name)?;
            (asset.kind == Kind::Asset).then_some((asset, reason(name)?))
        });
        if let Some((asset, omission)) = asset {
            facts.push(own(&["references", &asset.identifier]));
            let deeper = self.left_out(asset, facts);
            let deeper = deeper.map(|reason| format!("; {reason}")).unwrap_or_default();
            return Some(format!("{}{deeper}", omission.reason));
        }
        let device = &self.of.device.facts;
        if let (Some(platforms), Some(platform)) = (&declared.placement.platforms, device.platform)
            && !platforms.contains(&platform)
        {
            facts.push(fact(
                &[
                    "policy",
                    "declarations",
                    &declared.identifier,
                    "placement",
                    "platforms",
                ],
                platforms,
            ));
            facts.push(fact(&["device", "facts", "platform"], &platform));
            return None;
        }
        if let Some((digest, capabilities)) = self.of.capabilities
            && let Some(types) = &capabilities.declarations
        {
            if !types.contains(&declared.type_name) {
                facts.push(fact(&["channel", "capabilities"], &digest));
            }
        } else if let Some(known) = self.of.world.catalog().declaration(&declared.type_name) {
            let against = self.against(&known.support);
            if !against.is_empty() {
                facts.extend(against);
                return Some(format!("the device has {}", self.system()));
            }
        }
        if facts.is_empty() && declared.kind == Kind::Configuration {
            let activations = self.wish().declarations.values();
            let naming = activations
                .filter(|activation| activation.kind == Kind::Activation)
                .filter(|activation| activation.references.contains(&declared.identifier));
            facts.extend(naming.map(|activation| {
                let path = [
                    "policy",
                    "declarations",
                    &activation.identifier,
                    "payload",
                    CONFIGURATIONS_KEY,
                ];
                fact(
                    &[&path[..], &[&declared.identifier]].concat(),
                    &declared.identifier,
                )
            }));
        }
        None
    }

    /// What is known of the device that keeps something of this support from it: what would not, if it were not known.
    fn against(&self, support: &Support) -> Vec<Fact> {
        let device = &self.of.device.facts;
        let scope: Scope = channel_scope(self.of.channel.id.channel());
        let (platform, version) = (device.platform, device.os_version.as_ref());
        let way = device.enrollment_type();
        let judge = |platform, version, way| support.availability(platform, version, way, scope);
        let now = judge(platform, version, way);
        let matters = |other: Availability| other != now;
        let named = |name: &str, value| fact(&["device", "facts", name], &value);
        [
            (judge(None, version, way), named("platform", json!(platform))),
            (judge(platform, None, way), named("os_version", json!(version))),
            (
                judge(platform, version, None),
                named("supervised", json!(device.supervised)),
            ),
        ]
        .into_iter()
        .filter(|(without, _)| matters(*without))
        .map(|(_, fact)| fact)
        .collect()
    }

    /// The system of the device in words.
    fn system(&self) -> String {
        let device = &self.of.device.facts;
        let known = [
            device.platform.map(|platform| platform.to_string()),
            device.os_version.map(|version| version.to_string()),
        ];
        let known: Vec<String> = known.into_iter().flatten().collect();
        match known.is_empty() {
            true => "not known".to_owned(),
            false => known.join(" "),
        }
    }
}
