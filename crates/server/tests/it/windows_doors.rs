//! The two channels of a linked PC by messages that are written by hand: each one's certificate opens its own door and no
//! other, is renewed for itself, and opens nothing when its channel has ended.

use ordain_testbed::Database;

use crate::client::{Client, Manner};
use crate::windows_entra::house;
use crate::windows_linked::{Enrolled, LEAVES, package, phase, phases};
use crate::windows_renewal::message;
use crate::windows_wire::*;

crate::on_each_database!(
    each_certificate_has_its_door,
    a_linked_channel_is_renewed_alone,
    each_end_of_it,
);

const DAY: i64 = 24 * 60 * 60;

async fn each_certificate_has_its_door(database: Database) {
    let house = house(database).await;
    let (one, two) = (
        Enrolled::new(&house, "PC-1").await,
        Enrolled::new(&house, "PC-2").await,
    );
    let (linked, others) = (one.link(&house).await, two.link(&house).await);
    for (path, identity) in [
        (LINKED, None),
        (LINKED, Some(&one.own.identity)),
        (LINKED, Some(&two.own.identity)),
        (PRIMARY, Some(&linked.identity)),
        (PRIMARY, Some(&others.identity)),
    ] {
        let answer = one.says(path, identity, "").await.with(403);
        assert!(answer.body.is_empty());
    }
    // Of what is not even read, nothing is said.
    let answer = one
        .pc
        .post(LINKED, b"nonsense", Some(&one.own.identity))
        .await
        .with(403);
    assert!(answer.body.is_empty());
    one.pc
        .post(LINKED, b"nonsense", Some(&linked.identity))
        .await
        .with(400);
    // Its own name for itself is that of its linked enrollment.
    let message = package("9C2D7B1E5A", 7, "");
    one.pc
        .post(LINKED, message.as_bytes(), Some(&linked.identity))
        .await
        .with(403);
    one.says(LINKED, Some(&linked.identity), "").await.with(200);
    two.says(LINKED, Some(&others.identity), "").await.with(200);
    // Nor does it open anything of Apple's.
    let manner = Manner {
        certificate: Some(linked.identity.clone()),
        ..Manner::default()
    };
    let client = Client::new(house.site.clone(), manner);
    for path in ["/mdm", "/mdm/checkin"] {
        let answer = client.send("PUT", path, &[], CHECK_OUT.as_bytes()).await;
        assert!(answer.with(403).body.is_empty());
    }
}

/// That the device leaves, as Apple's devices say it.
const CHECK_OUT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>MessageType</key>
<string>CheckOut</string><key>Topic</key><string>t</string><key>UDID</key><string>PC-1</string></dict></plist>"#;

async fn a_linked_channel_is_renewed_alone(database: Database) {
    let mut house = house(database).await;
    let device = Enrolled::new(&house, "PC-1").await;
    let linked = device.link(&house).await;
    device.says(LINKED, Some(&linked.identity), "").await.with(200);
    house.pass(330 * DAY);
    let renews = async |path: &str, held: &Provisioned, old: usize, new: usize| {
        let message = message(&device.linked(), &held.certificate, &KEYS[old], &KEYS[new]);
        device
            .pc
            .post(path, message.as_bytes(), Some(&held.identity))
            .await
    };
    for (path, held, old) in [(ENROLLMENT, &linked, 1), (LINKED_ENROLLMENT, &device.own, 0)] {
        assert_eq!(fault(&renews(path, held, old, 2).await).0, "s:Authentication");
    }
    let answer = renews(LINKED_ENROLLMENT, &linked, 1, 2).await.with(200);
    let next = Provisioned::read(&answer, &KEYS[2]);
    for part in [
        r#"<characteristic type="My"><characteristic type="System">"#,
        r#"<parm name="PROVIDER-ID" value="Ordain-DC"/>"#,
    ] {
        assert!(next.document.contains(part), "{}", next.document);
    }
    assert_eq!(
        next.identity.certificate.subject(),
        linked.identity.certificate.subject()
    );
    // The old one works until the new one is used.
    device.says(LINKED, Some(&linked.identity), "").await.with(200);
    device.says(PRIMARY, Some(&next.identity), "").await.with(403);
    device.says(LINKED, Some(&next.identity), "").await.with(200);
    device.says(LINKED, Some(&linked.identity), "").await.with(403);
    device
        .says(PRIMARY, Some(&device.own.identity), "")
        .await
        .with(200);
    // One that was issued for an enrollment that was replaced since is worth nothing. (The server's own certificate is
    // for less than two years.)
    house.pass(330 * DAY);
    house.restart().await;
    let answer = renews(LINKED_ENROLLMENT, &next, 2, 0).await.with(200);
    let unused = Provisioned::read(&answer, &KEYS[0]);
    let anew = device.link(&house).await;
    device.says(LINKED, Some(&unused.identity), "").await.with(403);
    device.says(LINKED, Some(&anew.identity), "").await.with(200);
}

async fn each_end_of_it(database: Database) {
    let house = house(database).await;
    let device = Enrolled::new(&house, "PC-1").await;
    let linked = device.link(&house).await;
    device.says(LINKED, Some(&linked.identity), "").await.with(200);
    // By its own word: the device's enrollment stays.
    device
        .says(LINKED, Some(&linked.identity), LEAVES)
        .await
        .with(200);
    device.says(LINKED, Some(&linked.identity), "").await.with(403);
    assert_eq!(phases(&house, "PC-1").await, [phase("PC-1", "enrolled")]);
    // With the device's own.
    let linked = device.link(&house).await;
    device.says(LINKED, Some(&linked.identity), "").await.with(200);
    device
        .says(PRIMARY, Some(&device.own.identity), LEAVES)
        .await
        .with(200);
    assert_eq!(phases(&house, "PC-1").await, [phase("PC-1", "checked-out")]);
    device.says(LINKED, Some(&linked.identity), "").await.with(403);
    // With its generation.
    let device = Enrolled::new(&house, "PC-1").await;
    device.says(LINKED, Some(&linked.identity), "").await.with(403);
    let linked = device.link(&house).await;
    device.says(LINKED, Some(&linked.identity), "").await.with(200);
    let device = Enrolled::new(&house, "PC-1").await;
    assert_eq!(phases(&house, "PC-1").await, [phase("PC-1", "enrolled")]);
    device.says(LINKED, Some(&linked.identity), "").await.with(403);
    let again = device.link(&house).await;
    device.says(LINKED, Some(&linked.identity), "").await.with(403);
    device.says(LINKED, Some(&again.identity), "").await.with(200);
}
