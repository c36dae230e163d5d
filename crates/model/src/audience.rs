//! The audience: what decides what an enrollment gets. Few, whatever the size of the fleet.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Availability, Catalog, EnrollmentType, OsVersion, Platform, Scope, Support};

use crate::ids::Channel;
use crate::report::Capabilities;
use crate::subscription::{self, SUBSCRIPTION_TYPE};
use crate::windows::channel_of;
use crate::wish::Wish;

/// Enrollments of one audience get one manifest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Audience {
    /// Those groups of the device that some blueprint names, `all` included.
    pub groups: BTreeSet<String>,
    /// Device or user.
    pub channel: Channel,
    /// What may be sent.
    pub class: CapabilityClass,
}

/// What an enrollment may be sent, of the types that the wish has. Enrollments that may take the same are of one
/// class, however their systems differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CapabilityClass {
    /// Declarations may be for some platforms only.
    pub platform: Option<Platform>,
    /// By type: why it is withheld.
    pub withheld: BTreeMap<String, String>,
    /// The status items that the wish asks for and that it does not report.
    pub unreported: BTreeSet<String>,
}

/// What a class is judged from.
#[derive(Debug, Clone, Copy)]
pub struct Abilities<'a> {
    /// Whether it is a Windows device, which takes none of Apple's declarations, as Apple's devices take none of its.
    pub is_windows: bool,
    /// The platform, when known.
    pub platform: Option<Platform>,
    /// The version of its system, when known.
    pub os_version: Option<&'a OsVersion>,
    /// How it is enrolled, when known.
    pub enrollment: Option<EnrollmentType>,
    /// What it reported that it can do.
    pub capabilities: Option<&'a Capabilities>,
    /// The channel.
    pub channel: Channel,
}

impl CapabilityClass {
    /// Judges every type of `wish`, and every status item that it asks for: by the reported capabilities when they are
    /// complete, else by the catalog. What is unknown withholds nothing.
    pub fn judge(wish: &Wish, catalog: &Catalog, abilities: Abilities<'_>) -> Self {
        let items = subscription::candidates(wish, abilities.channel, catalog);
        let types: BTreeSet<&str> = wish
            .declarations
            .values()
            .map(|declaration| declaration.type_name.as_str())
            .chain((!items.is_empty()).then_some(SUBSCRIPTION_TYPE))
            .collect();
        let withheld = types
            .into_iter()
            // Activations are of one type, the first that any device had; Ordain makes them itself.
            .filter_map(|name| {
                abilities
                    .refusal(catalog, name)
                    .map(|reason| (name.to_owned(), reason))
            })
            .collect();
        Self {
            platform: abilities.platform,
            withheld,
            unreported: items
                .into_iter()
                .filter(|item| !abilities.reports(catalog, item))
                .collect(),
        }
    }
}

impl Abilities<'_> {
    fn refusal(&self, catalog: &Catalog, type_name: &str) -> Option<String> {
        match (self.is_windows, channel_of(type_name).is_some()) {
            (true, true) => return None,
            (true, false) => return Some("it is for Apple devices".to_owned()),
            (false, true) => return Some("it is for Windows devices".to_owned()),
            (false, false) => {}
        }
        if let Some(supported) = self.capabilities.and_then(|known| known.declarations.as_ref()) {
            let known = supported.contains(type_name);
            return (!known).then(|| "the device does not list this type among its capabilities".to_owned());
        }
        let declaration = catalog.declaration(type_name)?;
        match self.availability(&declaration.support) {
            Availability::Unavailable(reason) => Some(reason.to_string()),
            Availability::Available | Availability::Unknown => None,
        }
    }

    /// Whether this status item can be subscribed to, as far as is known.
    fn reports(&self, catalog: &Catalog, item: &str) -> bool {
        if let Some(supported) = self.capabilities.and_then(|known| known.status_items.as_ref()) {
            return supported.contains(item);
        }
        let known = catalog.status_item(item);
        known.is_none_or(|known| !matches!(self.availability(&known.support), Availability::Unavailable(_)))
    }

    fn availability(&self, support: &Support) -> Availability {
        let scope = channel_scope(self.channel);
        support.availability(self.platform, self.os_version, self.enrollment, scope)
    }
}

/// The scope of what a channel carries.
pub fn channel_scope(channel: Channel) -> Scope {
    match channel {
        Channel::Device | Channel::Linked => Scope::System,
        Channel::User => Scope::User,
    }
}
