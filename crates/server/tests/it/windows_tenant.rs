//! A tenant of Entra, a server that believes it, and simulated PCs in it, over days.

use std::sync::LazyLock;

use ordain_catalog::windows::Join;
use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_testbed::Database;
use ordain_twin::windows::entra::{Issuer, Membership};
use ordain_twin::windows::{Standing, Way};
use serde_json::Value;

use crate::house::{House, PUBLIC_URL};
use crate::windows_entra::{TENANT, believing};
use crate::windows_twin::Managed;
use crate::windows_wire::token;

pub(crate) const HOUR: i64 = 3_600;

pub(crate) static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let key = KeyPair::generate(KeyKind::Rsa2048).expect("a key");
    Issuer::new(key, "k1").expect("a key of RSA")
});

/// A server that believes the tenant.
pub(crate) async fn house(database: Database) -> House {
    believing(database, &ISSUER.jwks()).await
}

/// A PC that is in Entra in that way, before it enrolls.
pub(crate) fn in_entra(house: &House, join: Join) -> Managed {
    let mut managed = Managed::new(house, 0);
    let membership = Membership {
        issuer: ISSUER.clone(),
        tenant: TENANT.to_owned(),
        device_id: "77777777-0000-0000-0000-000000000001".to_owned(),
    };
    managed.twin.join(membership, join);
    managed
}

/// It enrolls, and does all that it has to do.
pub(crate) async fn enroll(house: &House, managed: &mut Managed) {
    let way = Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await);
    managed.twin.enroll(way).expect("a new computer");
    managed.hold().await;
    let (standing, error) = (managed.twin.standing(), managed.twin.error());
    assert_eq!(standing, Standing::Enrolled, "{error:?}");
}

/// So much time passes, in which it does what is due.
pub(crate) async fn pass(house: &House, managed: &mut Managed, seconds: i64) {
    let end = house.now() + seconds;
    while let Some(due) = managed.twin.due().filter(|due| *due <= end) {
        house.pass((due - house.now()).max(0));
        managed.twin.wake(house.now());
        managed.hold().await;
    }
    house.pass(end - house.now());
    managed.is_content();
}

/// A session of each of its channels, with all that follows from them.
pub(crate) async fn session(house: &House, managed: &mut Managed) {
    managed.twin.sync(house.now());
    managed.hold().await;
    managed.is_content();
}

/// The linked channel, as administrators see it; null while there is none.
pub(crate) async fn linked(house: &House, managed: &Managed) -> Value {
    let device = house.device(managed.id()).await;
    let id = format!("{}::linked", managed.id());
    let channels = device["channels"].as_array().expect("channels").iter();
    let linked = channels.clone().find(|it| it["id"] == id.as_str());
    linked.cloned().unwrap_or_default()
}

/// How its documents are: identifier and state.
pub(crate) async fn states(house: &House, managed: &Managed) -> Vec<String> {
    let channel = linked(house, managed).await;
    let all = channel["declarations"].as_array().expect("declarations").iter();
    all.map(|it| format!("{} {}", it["identifier"], it["state"]).replace('"', ""))
        .collect()
}
