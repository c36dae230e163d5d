//! One revision, and what its devices get of it.

use std::sync::Arc;

use ordain_catalog::{Catalog, Platform, PlatformSupport, Support, Terms, facts};
use ordain_model::enrollment::{Enrollment, Memberships};
use ordain_model::ids::{Channel, Digest, EnrollmentId};
use ordain_model::report::Capabilities;
use ordain_model::wish::{Blueprint, Group, Revision, Wish};
use ordain_model::world::World;

use crate::fixtures::*;

fn world() -> World {
    let mut wish = wish(
        &[declaration(PASSCODE, "a", &[]), declaration(MATH, "b", &[])],
        &["a"],
    );
    let blueprint = Blueprint {
        include: names(&["lab"]),
        declarations: names(&["b"]),
        ..Blueprint::default()
    };
    wish.blueprints.insert("lab".into(), blueprint);
    for (group, member) in [("lab", "S1"), ("unused", "S1"), ("others", "S2")] {
        wish.groups.insert(
            group.into(),
            Group {
                members: names(&[member]),
                ..Group::default()
            },
        );
    }
    world_of(wish, Catalog::builtin().clone())
}

/// The world of a revision that was published under `catalog`.
fn world_of(wish: Wish, catalog: Arc<Catalog>) -> World {
    let revision = Revision {
        number: 7,
        wish,
        catalog: Digest::of(facts::write(&catalog).as_bytes()),
    };
    World::new(revision, catalog)
}

#[test]
fn groups_are_those_that_list_any_name_of_the_device_and_count() {
    let world = world();
    assert_eq!(world.groups(&enrolled()), names(&["all", "lab"]));
    let waiting = Enrollment {
        memberships: Memberships::Waiting,
        ..enrolled()
    };
    assert_eq!(
        world.groups(&waiting),
        names(&["all"]),
        "until an administrator approves"
    );
    let mut by_udid = world.revision().wish.clone();
    by_udid.groups.get_mut("lab").unwrap().members = names(&["D1"]);
    let world = world_of(by_udid, Catalog::builtin().clone());
    assert_eq!(world.groups(&enrolled()), names(&["all", "lab"]));
}

#[test]
fn each_channel_gets_its_share_and_equal_ones_the_same_object() {
    let world = world();
    let user = EnrollmentId::user("D1", "ann").unwrap();
    let device = world.wanted(&enrolled(), &enrolled().id, None);
    let on_user = world.wanted(&enrolled(), &user, None);
    assert_eq!((device.revision, on_user.revision), (7, 7));
    assert_ne!(device.manifest.token(), on_user.manifest.token());
    assert_eq!(user.channel(), Channel::User);
    assert!(
        on_user
            .manifest
            .entries()
            .iter()
            .any(|entry| entry.identifier == "b")
    );

    let twin = Enrollment {
        id: EnrollmentId::device("D2").unwrap(),
        ..enrolled()
    };
    assert!(std::sync::Arc::ptr_eq(
        &device.manifest,
        &world.wanted(&twin, &twin.id, None).manifest
    ));
    let mut other = enrolled();
    other.facts.platform = Some(Platform::TvOs);
    let on_tv = world.wanted(&other, &other.id, None);
    assert!(
        on_tv
            .manifest
            .entries()
            .iter()
            .all(|entry| entry.identifier != "a")
    );
}

#[test]
fn what_was_reported_of_capabilities_counts() {
    let world = world();
    let nothing = Capabilities {
        declarations: Some(names(&[])),
        status_items: None,
    };
    let known = (digest("nothing"), &nothing);
    let before = world.wanted(&enrolled(), &enrolled().id, None);
    let after = world.wanted(&enrolled(), &enrolled().id, Some(known));
    assert!(!before.manifest.entries().is_empty() && after.manifest.entries().is_empty());
    assert!(!after.manifest.omissions.is_empty());
}

#[test]
fn the_catalog_of_the_revision_decides_what_devices_can_take() {
    let world = world();
    let before = world.wanted(&enrolled(), &enrolled().id, None);
    let mut narrower = Catalog::clone(Catalog::builtin());
    let mut passcode = narrower.declaration(PASSCODE).unwrap().clone();
    let later = Terms {
        introduced: "99.0".parse().ok(),
        ..Terms::default()
    };
    passcode.support = Support::from_iter([(Platform::MacOs, PlatformSupport::Supported(later))]);
    narrower.add_declaration(passcode);
    let world = world_of(world.revision().wish.clone(), Arc::new(narrower));
    let after = world.wanted(&enrolled(), &enrolled().id, None);
    assert_ne!(after.manifest.token(), before.manifest.token());
    let omitted = &after.manifest.omissions;
    assert!(
        omitted.iter().any(|omission| omission.identifier == "a"),
        "{omitted:?}"
    );
    assert!(before.manifest.omissions.is_empty());
}
