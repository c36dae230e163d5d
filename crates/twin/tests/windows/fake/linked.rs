//! The linked enrollment's server, and a device that has such an enrollment.

use ordain_catalog::windows::Join;
use ordain_twin::windows::entra::{Issuer, Membership};
use ordain_twin::windows::{KeySource, Twin};

use super::{Fake, NOW, SERVER, Say, code, command, converse, enrolled, keys, run, say};

pub(crate) const TENANT: &str = "66666666-0000-4000-8000-000000000001";
pub(crate) const DEVICE: &str = "55555555-0000-4000-8000-000000000007";
/// Where the primary server says what it wants of the linked enrollment.
pub(crate) const PROVIDER: &str = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/LinkedEnrollment";

impl Fake {
    pub(super) fn linked_discovery(&self) -> String {
        format!(
            r#"{{"EnrollmentServiceUrl":"{SERVER}/linked/enroll","EnrollmentPolicyServiceUrl":"{SERVER}/linked/policy",
            "AuthenticationServiceUrl":"{SERVER}/linked/auth","AuthPolicy":"{}","EnrollmentVersion":"4.0",
            "ManagementResource":"https://dc.example.org","TouUrl":""}}"#,
            self.linked_policy
        )
    }
}

pub(crate) fn member() -> Membership {
    Membership {
        issuer: Issuer::new(keys().rsa(2048).unwrap(), "key-1").unwrap(),
        tenant: TENANT.to_owned(),
        device_id: DEVICE.to_owned(),
    }
}

/// A device of this join state, enrolled, that is told where to enroll for documents, and to do it: nothing more is done yet.
pub(crate) fn join(join: Join) -> (Twin, Fake) {
    let (mut twin, mut fake) = enrolled();
    twin.join(member(), join);
    if join == Join::Registered {
        fake.linked_policy = "Certificate";
    }
    let endpoint = format!("{SERVER}/linked/discovery?api-version=1.0");
    let set = command(
        "Replace",
        100,
        &format!("{PROVIDER}/DiscoveryEndpoint"),
        "chr",
        &endpoint,
    );
    let messages = converse(&mut twin, &mut fake, [say(set)], NOW);
    assert_eq!(code(&messages[1], 100), 200);
    (twin, fake)
}

/// A device with a linked enrollment that has held its first session.
pub(crate) fn linked() -> (Twin, Fake) {
    let (mut twin, mut fake) = join(Join::Joined);
    let enroll = command("Exec", 100, &format!("{PROVIDER}/Enroll"), "null", "");
    converse(&mut twin, &mut fake, [say(enroll)], NOW);
    assert!(twin.linked().is_some(), "{:?}", twin.history());
    assert_eq!(twin.complaints().kept(), []);
    fake.requests.clear();
    (twin, fake)
}

/// Holds a session of the linked enrollment in which the server says this, and gives the device's messages.
pub(crate) fn linked_converse(
    twin: &mut Twin,
    fake: &mut Fake,
    script: impl IntoIterator<Item = Say>,
    now: i64,
) -> Vec<String> {
    fake.requests.clear();
    fake.linked_script = script.into_iter().collect();
    twin.push_linked(now);
    run(twin, fake, now);
    assert!(fake.linked_script.is_empty(), "all was said");
    fake.bodies("/linked/session")
}

/// Does one command in a session of the linked enrollment, and gives its code.
pub(crate) fn linked_order(
    twin: &mut Twin,
    fake: &mut Fake,
    verb: &str,
    uri: &str,
    data: &str,
    now: i64,
) -> u16 {
    let format = if verb == "Delete" || verb == "Get" {
        ""
    } else {
        "chr"
    };
    let messages = linked_converse(twin, fake, [say(command(verb, 100, uri, format, data))], now);
    code(&messages[1], 100)
}
