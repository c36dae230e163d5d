//! The world: one revision, immutable, and what was compiled of it so far.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use ordain_catalog::{Catalog, EnrollmentType, OsVersion, Platform};

use crate::audience::{Abilities, Audience, CapabilityClass};
use crate::compile::compile;
use crate::enrollment::{Enrollment, Memberships};
use crate::ids::{Channel, Digest, EnrollmentId};
use crate::membership::Conditions;
use crate::report::Capabilities;
use crate::sync::Wanted;
use crate::wish::{ALL, Revision};

/// A revision with its memberships turned round, and the manifests of its audiences, each made when first needed.
#[derive(Debug)]
pub struct World {
    revision: Revision,
    catalog: Arc<Catalog>,
    /// The groups that some blueprint names, in order. What follows speaks of them by their places.
    named: Vec<String>,
    /// By the names that lists have.
    groups_of: HashMap<Box<str>, Vec<u32>>,
    conditions: Conditions,
    classes: Memo<ClassKey, Class>,
    manifests: Memo<AudienceKey, Wanted>,
}

/// A class and a hash of it, so that it is compared quickly.
#[derive(Debug, Clone)]
struct Class {
    digest: Digest,
    class: Arc<CapabilityClass>,
}

/// An audience in short: its groups, its channel, the hash of its class.
type AudienceKey = (Vec<u32>, Channel, Digest);

/// All that decides the class of an enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ClassKey {
    is_windows: bool,
    platform: Option<Platform>,
    os_version: Option<OsVersion>,
    enrollment: Option<EnrollmentType>,
    capabilities: Option<Digest>,
    channel: Channel,
}

impl World {
    /// The world of `revision`; `catalog` is the one that it was published under.
    pub fn new(revision: Revision, catalog: Arc<Catalog>) -> Self {
        let conditions = Conditions::new(&revision.wish, Arc::default());
        Self::with(revision, catalog, conditions)
    }

    /// The world of `revision` after this one: it goes on counting.
    #[must_use]
    pub fn succeeded_by(&self, revision: Revision, catalog: Arc<Catalog>) -> Self {
        let conditions = Conditions::new(&revision.wish, self.conditions.counter());
        Self::with(revision, catalog, conditions)
    }

    fn with(revision: Revision, catalog: Arc<Catalog>, conditions: Conditions) -> Self {
        let blueprints = revision.wish.blueprints.values();
        let named: BTreeSet<&String> = blueprints
            .flat_map(|blueprint| blueprint.include.iter().chain(&blueprint.exclude))
            .collect();
        let named: Vec<String> = named
            .into_iter()
            .filter(|name| revision.wish.groups.contains_key(*name))
            .cloned()
            .collect();
        let mut groups_of: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        for (place, group) in (0..).zip(named.iter().filter_map(|name| revision.wish.groups.get(name))) {
            for member in &group.members {
                groups_of.entry(member.as_str().into()).or_default().push(place);
            }
        }
        Self {
            revision,
            catalog,
            named,
            groups_of,
            conditions,
            classes: Memo::default(),
            manifests: Memo::default(),
        }
    }

    /// What was published.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// What the facts are judged by: the catalog that the revision was published under, so that a newer one removes
    /// nothing from any device.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The predicates of its groups.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The groups of `device`, a device channel, that some blueprint names: `all`; those that list its serial number,
    /// UDID or identifier, unless such memberships wait for an administrator; and those by predicate that it was decided
    /// to be in.
    pub fn groups(&self, device: &Enrollment) -> BTreeSet<String> {
        self.names_of(&self.places_of(device))
    }

    /// The places of the groups of `device`, in order.
    fn places_of(&self, device: &Enrollment) -> Vec<u32> {
        let mut places = Vec::new();
        if device.memberships == Memberships::Granted {
            let names = device.facts.names(&device.id);
            places.extend(names.filter_map(|name| self.groups_of.get(name)).flatten());
        }
        // What was decided by other conditions may name groups that are listed by now.
        let decided = device
            .groups
            .member
            .iter()
            .filter(|name| self.conditions.has(name));
        places.extend(
            decided
                .filter_map(|name| self.named.binary_search(name).ok())
                .filter_map(|place| u32::try_from(place).ok()),
        );
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The names of the groups at `places`, and `all`.
    fn names_of(&self, places: &[u32]) -> BTreeSet<String> {
        let name = |place: &u32| self.named.get(usize::try_from(*place).ok()?).cloned();
        let all = std::iter::once(ALL.to_owned());
        all.chain(places.iter().filter_map(name)).collect()
    }

    /// Whether `device`, a device channel, is in `group`; groups that no blueprint names count as well. As with
    /// [`Self::groups`], listed memberships that wait for an administrator do not.
    pub fn is_member(&self, device: &Enrollment, group: &str) -> bool {
        let is_listed = || {
            let listed = self.revision.wish.groups.get(group);
            listed.is_some_and(|listed| {
                let mut names = device.facts.names(&device.id);
                names.any(|name| listed.members.contains(name))
            })
        };
        group == ALL
            || (self.conditions.has(group) && device.groups.member.contains(group))
            || (device.memberships == Memberships::Granted && is_listed())
    }

    /// What the channel `id` of `device` should hold. `capabilities` are those that this channel reported, with
    /// their digest.
    pub fn wanted(
        &self,
        device: &Enrollment,
        id: &EnrollmentId,
        capabilities: Option<(Digest, &Capabilities)>,
    ) -> Wanted {
        let key = ClassKey {
            is_windows: device.facts.is_windows(),
            platform: device.facts.platform,
            os_version: device.facts.os_version,
            enrollment: device.facts.enrollment_type(),
            capabilities: capabilities.map(|(digest, _)| digest),
            channel: id.channel(),
        };
        let class = self.classes.get(&key, || {
            let abilities = Abilities {
                is_windows: key.is_windows,
                platform: key.platform,
                os_version: key.os_version.as_ref(),
                enrollment: key.enrollment,
                capabilities: capabilities.map(|(_, known)| known),
                channel: key.channel,
            };
            let class = CapabilityClass::judge(&self.revision.wish, &self.catalog, abilities);
            Class {
                digest: Digest::of(format!("{class:?}").as_bytes()),
                class: Arc::new(class),
            }
        });
        let key = (self.places_of(device), id.channel(), class.digest);
        self.manifests.get(&key, || {
            let (places, channel, _) = &key;
            let audience = Audience {
                groups: self.names_of(places),
                channel: *channel,
                class: CapabilityClass::clone(&class.class),
            };
            Wanted::new(
                self.revision.number,
                compile(&self.revision.wish, &audience, &self.catalog),
            )
        })
    }
}

/// Results kept by what they were made from. Devices choose some of the keys, so the number is bounded.
#[derive(Debug)]
struct Memo<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::new()))
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Memo<K, V> {
    const MOST: usize = 10_000;

    fn get(&self, key: &K, make: impl FnOnce() -> V) -> V {
        if let Some(value) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return value.clone();
        }
        let value = make();
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::MOST {
            kept.clear();
        }
        kept.entry(key.clone()).or_insert(value).clone()
    }
}
