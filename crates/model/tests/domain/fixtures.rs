//! What the tests are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use ordain_catalog::{Catalog, Kind, OsVersion, Platform};
use ordain_model::audience::{Abilities, Audience, CapabilityClass};
use ordain_model::compile::ACTIVATION_TYPE;
use ordain_model::decision::Write;
use ordain_model::declaration::Declaration;
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Enrollment, Memberships, Phase, Pin};
use ordain_model::ids::{Channel, Digest, EnrollmentId};
use ordain_model::manifest::{Entry, Manifest};
use ordain_model::membership::Basis;
use ordain_model::queue::Delivery;
use ordain_model::report::{Listed, Reason, Validity};
use ordain_model::session::Session;
use ordain_model::sync::Wanted;
use ordain_model::wish::{Blueprint, Revision, Wish};
use ordain_model::world::World;
use serde_json::{Value, json};

pub(crate) const NOW: i64 = 1_800_000_000;

/// A type for the device channel of a Mac,
pub(crate) const PASSCODE: &str = "com.apple.configuration.passcode.settings";
/// one that a Mac takes on user channels only, and an iPhone on its own,
pub(crate) const MATH: &str = "com.apple.configuration.math.settings";
/// one that needs an asset,
pub(crate) const CERTIFICATE: &str = "com.apple.configuration.security.certificate";
/// and the asset.
pub(crate) const CREDENTIAL: &str = "com.apple.asset.credential.certificate";
pub(crate) const ORGANIZATION: &str = "com.apple.management.organization-info";

pub(crate) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A declaration that names `references`, in the key of its type when it is an activation.
pub(crate) fn declaration(type_name: &str, identifier: &str, references: &[&str]) -> Declaration {
    let kind = Kind::of_type(type_name).unwrap();
    let payload = match kind {
        Kind::Activation => json!({"StandardConfigurations": references}),
        _ => json!({"Content": identifier, "References": references}),
    };
    let Value::Object(payload) = payload else {
        unreachable!()
    };
    let declaration = Declaration::new(kind, type_name.into(), identifier.into(), payload).unwrap();
    Declaration {
        references: names(references),
        ..declaration
    }
}

pub(crate) fn activation(identifier: &str, references: &[&str]) -> Declaration {
    declaration(ACTIVATION_TYPE, identifier, references)
}

/// A wish with one blueprint for all that names `named`.
pub(crate) fn wish(declarations: &[Declaration], named: &[&str]) -> Wish {
    let blueprint = Blueprint {
        include: names(&["all"]),
        declarations: names(named),
        ..Blueprint::default()
    };
    Wish {
        declarations: declarations
            .iter()
            .map(|declaration| (declaration.identifier.clone(), declaration.clone()))
            .collect(),
        blueprints: [("base".to_owned(), blueprint)].into(),
        ..Wish::default()
    }
}

/// The audience of such a device of `groups`.
pub(crate) fn audience(
    wish: &Wish,
    groups: &[&str],
    platform: Option<Platform>,
    channel: Channel,
) -> Audience {
    let version = OsVersion::new(26, 0);
    let abilities = Abilities {
        is_windows: false,
        platform,
        os_version: Some(&version),
        enrollment: None,
        capabilities: None,
        channel,
    };
    let class = CapabilityClass::judge(wish, Catalog::builtin(), abilities);
    Audience {
        groups: names(groups),
        channel,
        class,
    }
}

pub(crate) fn mac(wish: &Wish, channel: Channel) -> Audience {
    audience(wish, &["all"], Some(Platform::MacOs), channel)
}

pub(crate) fn manifest(declarations: &[&Declaration]) -> Arc<Manifest> {
    Arc::new(Manifest::new(
        declarations
            .iter()
            .map(|&declaration| Entry::from(declaration))
            .collect(),
        vec![],
    ))
}

/// What a device should hold at `revision`: one configuration of such content.
pub(crate) fn wanted(revision: u64, content: &str) -> Wanted {
    let declaration = declaration(PASSCODE, content, &[]);
    Wanted {
        revision,
        manifest: manifest(&[&declaration]),
        made: [].into(),
    }
}

pub(crate) fn mac_facts() -> DeviceFacts {
    DeviceFacts {
        serial: Some("S1".into()),
        udid: Some("D1".into()),
        platform: Some(Platform::MacOs),
        os_version: Some(OsVersion::new(26, 0)),
        ..DeviceFacts::default()
    }
}

/// An enrolled Mac that was told nothing yet.
pub(crate) fn enrolled() -> Enrollment {
    Enrollment {
        id: EnrollmentId::device("D1").unwrap(),
        generation: 1,
        phase: Phase::Enrolled,
        facts: mac_facts(),
        identity: Some(Pin {
            fingerprint: digest("pinned"),
            not_after: NOW + 1_000,
        }),
        memberships: Memberships::Granted,
        tags: Default::default(),
        groups: Default::default(),
        push: None,
        capabilities: None,
        known: None,
        offer: None,
        stamp: 0,
        pinned: None,
        told: None,
        standing: None,
        inventory: Default::default(),
        since: NOW,
    }
}

/// A world in which nothing was published: no group is by predicate.
pub(crate) fn no_world() -> &'static World {
    static WORLD: LazyLock<World> =
        LazyLock::new(|| World::new(Revision::nothing(digest("catalog")), Catalog::builtin().clone()));
    &WORLD
}

/// `device`, which has reported nothing.
pub(crate) fn silent(device: &Enrollment) -> Basis<'_> {
    static NOTHING: BTreeMap<String, Value> = BTreeMap::new();
    Basis {
        device,
        items: &NOTHING,
    }
}

/// What a session on this channel is decided from.
pub(crate) fn session<'a>(
    enrollment: &'a Enrollment,
    wanted: &'a Wanted,
    queue: &'a [Delivery],
) -> Session<'a> {
    Session {
        enrollment,
        device: &enrollment.facts,
        wanted,
        catalog: Catalog::builtin(),
        queue,
    }
}

/// The enrollment as it is after `writes`.
pub(crate) fn after(before: &Enrollment, writes: &[Write]) -> Enrollment {
    let last = writes.iter().rev().find_map(|write| match write {
        Write::Enrollment(enrollment) => Some((**enrollment).clone()),
        _ => None,
    });
    last.unwrap_or_else(|| before.clone())
}

pub(crate) fn listed(entry: &Entry, active: bool, valid: Validity, codes: &[&str]) -> Listed<'static> {
    let reason = |code: &&str| Reason {
        code: (*code).to_owned(),
        description: None,
        details: None,
    };
    Listed {
        identifier: entry.identifier.clone().into(),
        server_token: entry.server_token.to_string().into(),
        active,
        valid,
        reasons: codes.iter().map(reason).collect(),
    }
}
