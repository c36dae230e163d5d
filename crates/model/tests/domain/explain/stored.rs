//! What a server stores of one device, changed by the domain's own decisions, and by taking single facts out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_catalog::{Catalog, Kind};
use ordain_model::agenda::agenda;
use ordain_model::decision::Write;
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Answer, ApnsToken, Enrollment, Phase, Pin, Push, WnsChannel};
use ordain_model::explain::{self, Evidence, Explanation, Past, Seen};
use ordain_model::held::{Held, Listing, Placed};
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::manifest::Manifest;
use ordain_model::membership::{Basis, redecided};
use ordain_model::record::StatusRecord;
use ordain_model::report::{Capabilities, Report};
use ordain_model::session::{Piece, Says, respond};
use ordain_model::status::{StatusState, heard, status};
use ordain_model::sync::{Wanted, declaration_items};
use ordain_model::wake::{Next, Wake, next};
use ordain_model::wish::{Revision, Wish};
use ordain_model::world::World;
use serde_json::{Value, json};

use crate::fixtures::*;
use crate::reporter::good;

pub(super) const MINUTE: i64 = 60;
pub(super) const DAY: i64 = 24 * 60 * MINUTE;
const PACKAGE: &str = "Example.Mdm_1";

/// All that explanations of one device are made from.
#[derive(Clone)]
pub(super) struct Stored {
    number: u64,
    pub(super) wish: Wish,
    published_at: Option<i64>,
    past: Vec<Past>,
    pub(super) device: Enrollment,
    pub(super) capabilities: Option<Capabilities>,
    record: StatusRecord,
    manifests: Vec<Arc<Manifest>>,
    seen: Option<Seen>,
    wake: Wake,
    pub(super) certificate: Option<i64>,
    pub(super) wns: Option<String>,
    pub(super) trouble: Option<(String, i64)>,
    pub(super) now: i64,
}

impl Stored {
    /// A Mac that has just enrolled, on a server that can push it.
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            wish: Wish::default(),
            published_at: None,
            past: Vec::new(),
            device: Enrollment {
                push: Some(Push::Apns(ApnsToken {
                    topic: "com.apple.mgmt.External.test".into(),
                    magic: "magic".into(),
                    token: "01".into(),
                })),
                ..enrolled()
            },
            capabilities: None,
            record: StatusRecord::default(),
            manifests: Vec::new(),
            seen: None,
            wake: Wake::default(),
            certificate: Some(NOW + 100 * DAY),
            wns: None,
            trouble: None,
            now: NOW,
        }
    }

    /// A PC that has just enrolled, on a server that has credentials for WNS; it has told a channel there, or not.
    pub(super) fn computer(has_channel: bool) -> Self {
        let channel = WnsChannel {
            package: PACKAGE.to_owned(),
            uri: "https://db5.notify.windows.com/?token=1".to_owned(),
            told_at: NOW,
        };
        let mut new = Self::new();
        new.device.facts = DeviceFacts {
            name: Some("LAB-PC-01".into()),
            windows: Some(Box::default()),
            ..DeviceFacts::default()
        };
        new.device.push = has_channel.then_some(Push::Wns(channel));
        new.wns = Some(PACKAGE.to_owned());
        new
    }

    pub(super) fn later(&mut self, seconds: i64) {
        self.now += seconds;
    }

    pub(super) fn publish(&mut self, wish: Wish) {
        if let Some(published_at) = self.published_at {
            let declarations = self.wish.declarations.iter();
            let past = Past {
                number: self.number,
                published_at,
                tokens: declarations
                    .map(|(name, it)| (name.clone(), it.server_token))
                    .collect(),
            };
            self.past.insert(0, past);
        }
        self.number += 1;
        self.wish = wish;
        self.published_at = Some(self.now);
    }

    fn world(&self) -> World {
        let revision = Revision {
            number: self.number,
            wish: self.wish.clone(),
            catalog: digest("catalog"),
        };
        World::new(revision, Catalog::builtin().clone())
    }

    fn known(&self) -> Option<(Digest, &Capabilities)> {
        self.device.capabilities.zip(self.capabilities.as_ref())
    }

    pub(super) fn wanted(&self) -> Wanted {
        self.world().wanted(&self.device, &self.device.id, self.known())
    }

    fn manifest(&self, token: Option<Digest>) -> Option<&Arc<Manifest>> {
        self.manifests
            .iter()
            .find(|manifest| Some(manifest.token()) == token)
    }

    fn write(&mut self, writes: &[Write]) {
        self.device = after(&self.device, writes);
        for write in writes {
            match write {
                Write::Manifest(manifest, _) => self.manifests.push(manifest.clone()),
                Write::Status(_, record) => self.record = (**record).clone(),
                Write::Capabilities(_, known) => self.capabilities = Some((**known).clone()),
                _ => {}
            }
        }
    }

    /// The server looks at it, and pushes if that is due.
    pub(super) fn look(&mut self) {
        let wanted = self.wanted();
        let token = wanted.manifest.token();
        let agenda = agenda(
            &self.device,
            &self.device.facts,
            token,
            None,
            Catalog::builtin(),
            self.now,
        );
        let wakes = self.seen.as_ref().map_or(0, |seen| seen.wakes);
        let (id, push) = (&self.device.id, self.device.push.as_ref());
        self.wake = match next(id, &self.wake, push, agenda.as_ref(), wakes, 0, self.now) {
            Next::Push(wake) | Next::Wait(wake) | Next::Rest(wake) | Next::Unreachable(wake) => wake,
        };
    }

    /// It asks for work, and answers what it gets.
    pub(super) fn comes(&mut self, answer: Answer) {
        let seen = self.seen.get_or_insert_default();
        seen.at = self.now;
        seen.wakes += 1;
        let wanted = self.wanted();
        for says in [Says::Idle, Says::Outcome(Piece::Declarations, answer)] {
            let decision = respond(&session(&self.device, &wanted, &[]), &says, self.now).unwrap();
            self.write(&decision.writes);
        }
    }

    /// It reads the list of what it should hold.
    pub(super) fn reads_the_list(&mut self) {
        let decision = declaration_items(&self.device, &self.wanted(), self.now).unwrap();
        self.write(&decision.writes);
    }

    /// It synchronises, and fetches all.
    pub(super) fn synchronises(&mut self) {
        self.comes(Answer::Acknowledged);
        self.reads_the_list();
        let entries = self.wanted().manifest;
        let tokens = entries.entries().iter().map(|entry| entry.server_token);
        self.seen.get_or_insert_default().fetched.extend(tokens);
    }

    pub(super) fn reports(&mut self, report: Report<'_>) {
        let (wanted, world) = (self.wanted(), self.world());
        let state = StatusState {
            world: &world,
            enrollment: &self.device,
            record: Arc::new(self.record.clone()),
            against: self.manifest(self.record.held.against).cloned(),
            pinned: self.manifest(self.device.pinned).cloned(),
            heard: heard(&self.device, &wanted, report.digest()),
            wanted,
        };
        let decision = status(state, report, self.now).unwrap();
        self.write(&decision.writes);
    }

    /// The server decides in which groups by predicate it is.
    pub(super) fn decides(&mut self) {
        let known = Basis {
            device: &self.device,
            items: &self.record.items,
        };
        let writes = redecided(&self.world(), known, self.now).unwrap();
        self.write(&writes);
    }

    /// What is told of it, or of one declaration.
    pub(super) fn explain(&self, identifier: Option<&str>) -> Option<Explanation> {
        self.explain_channel(&self.device, &self.record, identifier)
    }

    /// The same of the channel of a user, who has reported nothing.
    pub(super) fn explain_to_user(&self, identifier: &str) -> Option<Explanation> {
        let user = Enrollment {
            id: EnrollmentId::user("D1", "ann").unwrap(),
            ..self.device.clone()
        };
        self.explain_channel(&user, &StatusRecord::default(), Some(identifier))
    }

    fn explain_channel(
        &self,
        channel: &Enrollment,
        record: &StatusRecord,
        identifier: Option<&str>,
    ) -> Option<Explanation> {
        let world = self.world();
        let offered = self.device.offer.map(|offer| offer.token);
        let trouble = self.trouble.as_ref();
        let evidence = Evidence {
            world: &world,
            published_at: self.published_at,
            past: &self.past,
            device: &self.device,
            channel,
            capabilities: self.known(),
            offered: self.manifest(offered).map(AsRef::as_ref),
            record,
            device_record: &self.record,
            against: self.manifest(self.record.held.against).map(AsRef::as_ref),
            seen: self.seen.as_ref(),
            wake: &self.wake,
            queued: None,
            link: None,
            push_certificate: self.certificate,
            wns: self.wns.as_deref(),
            push_trouble: trouble.map(|(why, until)| (why.as_str(), *until)),
            now: self.now,
        };
        match identifier {
            Some(identifier) => explain::declaration(&evidence, identifier),
            None => Some(explain::channel(&evidence)),
        }
    }

    /// The same without the fact of this path; with it, where its value is null.
    pub(super) fn without(&self, path: &str, value: &Value) -> Self {
        let mut other = self.clone();
        let parts: Vec<String> = path
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (parts.as_slice(), value.is_null()) {
            (["policy", "revision"], false) => {
                (other.number, other.wish) = (0, Wish::default());
            }
            (["policy", "published_at"], false) => other.published_at = None,
            (["policy", rest @ ..], false) => other.wish = lacking(&self.wish, rest),
            (["device", "groups", "member", group], true) => {
                other.device.groups.member.insert((*group).to_owned());
            }
            (["device", "groups", "by"], true) => other.device.groups.by = self.world().conditions().digest(),
            (["device", "tags", tag], true) => {
                other.device.tags.insert((*tag).to_owned());
            }
            (["device", "facts", "model"], true) => other.device.facts.model = Some("Mac14,2".into()),
            (["device" | "channel", "phase"], false) => other.device.phase = Phase::Authenticated,
            (["channel", "push"], true) => other.device.push = Self::computer(true).device.push,
            (["channel", "push"], false) => other.device.push = None,
            (["device" | "channel", "identity"], true) => {
                let (fingerprint, not_after) = (digest("pinned"), NOW + DAY);
                other.device.identity = Some(Pin {
                    fingerprint,
                    not_after,
                });
            }
            (["channel", "offer" | "told"], true) => other.synchronises(),
            (["channel", "standing"], true) => {
                other.synchronises();
                other.reports(good(&self.wanted().manifest));
            }
            (["channel", "pinned"], true) => other.reads_the_list(),
            // A report has a time, or there was none.
            (["channel", "standing", "at"], false) => other.device.standing = None,
            (["device" | "channel", rest @ ..], false) => other.device = lacking(&self.device, rest),
            (["record" | "device-record", "status", name], true) => {
                other.record.items.insert((*name).to_owned(), json!("supplied"));
            }
            (["record" | "device-record", "status", name], false) => drop(other.record.items.remove(*name)),
            (["record" | "device-record", "errors", name], false) => drop(other.record.errors.remove(*name)),
            (["record", "failing", name], false) => {
                other
                    .record
                    .exceptions
                    .retain(|exception| exception.identifier != *name);
            }
            (["record", "declarations", kind, name], _) => {
                other.relist(kind.parse().unwrap(), name, value.is_null())
            }
            (["sighting", "seen_at"], true) => {
                other.seen = Some(Seen {
                    at: self.now,
                    ..Seen::default()
                });
            }
            (["sighting", "seen_at"], false) => other.seen = None,
            (["sighting", "fetched", name], false) => {
                let wanted = self.wanted().manifest;
                let entry = wanted.entries().iter().find(|entry| entry.identifier == *name);
                other
                    .seen
                    .as_mut()
                    .unwrap()
                    .fetched
                    .remove(&entry.unwrap().server_token);
            }
            (["push", "pushed"], false) => other.wake.pushed = None,
            (["settings", "push-certificate"], true) => other.certificate = Some(NOW + 100 * DAY),
            (["settings", "push-certificate"], false) => other.certificate = None,
            (["settings", "wns"], true) => other.wns = Some(PACKAGE.to_owned()),
            (["settings", "wns"], false) => other.wns = None,
            (["settings", "push-trouble"], false) => other.trouble = None,
            (["history", number, "declarations", name], false) => {
                let number: u64 = number.parse().unwrap();
                let past = other.past.iter_mut().find(|past| past.number == number);
                past.unwrap().tokens.remove(*name).unwrap();
            }
            _ => panic!("nobody knows how to take away {path}: {value}"),
        }
        other
    }

    /// Takes a declaration out of what the device lists; or lists it as good, if it is not there.
    fn relist(&mut self, kind: Kind, name: &str, is_missing: bool) {
        let against = self.manifest(self.record.held.against).cloned();
        let against = against.unwrap_or_else(|| self.wanted().manifest);
        let mut listing: Listing<'_> = BTreeMap::new();
        let held = self.record.held.clone();
        for (kind, list) in held.unpack(Some(&against)) {
            listing.insert(kind, list);
        }
        let wanted = self.wanted().manifest;
        let list = listing.entry(kind).or_default();
        if is_missing {
            let (_, entry) = wanted.find(kind, name).unwrap();
            list.push(listed(entry, true, ordain_model::report::Validity::Valid, &[]));
        } else {
            list.retain(|listed| listed.identifier != name);
        }
        let held = Held::pack(&Placed::new(&listing, &against));
        self.record.held = held;
        self.manifests.push(against);
    }
}

/// `whole` as it is stored, without what is at this path: a key of an object, or a text in a list of them.
fn lacking<T: serde::Serialize + serde::de::DeserializeOwned>(whole: &T, path: &[&str]) -> T {
    let mut stored = json!(whole);
    let (last, parents) = path.split_last().unwrap();
    let parent = parents.iter().fold(&mut stored, |value, part| {
        value.get_mut(*part).unwrap_or_else(|| panic!("{path:?}"))
    });
    let gone = match parent {
        Value::Object(members) => members.remove(*last),
        Value::Array(elements) => {
            let place = elements.iter().position(|element| element == last);
            place.map(|place| elements.remove(place))
        }
        other => panic!("{path:?} in {other}"),
    };
    assert!(gone.is_some(), "{path:?} is not stored");
    serde_json::from_value(stored).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
