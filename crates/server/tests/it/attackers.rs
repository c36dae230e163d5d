//! Those who are not the device that they would pass for.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::seal::SealingKey;
use ordain_pki::{Authority, Certificate, KeyPair};
use ordain_testbed::Database;
use serde_json::json;

use crate::client::DIRECT;
use crate::device::{Device, Held, mac};
use crate::house::House;
use crate::identity::{Ca, Identity, PLAIN, Proof, STRANGER, Shown, TRUSTED};
use crate::issue::{issued, renewed};
use crate::message::{Ids, Message, TOPIC};
use crate::policy::rich;

/// Ordain's own device CA, taken from its database as somebody could who holds both it and the installation's key.
async fn own_ca(house: &House) -> Ca {
    let store = house.database.open().await.expect("a database");
    let sealed = store
        .setting("device-ca")
        .await
        .expect("a database")
        .expect("a device CA");
    let key = std::fs::read_to_string(Path::new(house.data_dir()).join("installation.key")).expect("a key");
    let key: [u8; 32] = STANDARD
        .decode(key.trim())
        .expect("base64")
        .try_into()
        .expect("32 bytes");
    let key = SealingKey::from_bytes(&key).expect("a key");
    let pem = String::from_utf8(key.open(b"device-ca", &sealed).expect("opens")).expect("PEM");
    let certificate = Certificate::from_pem(&pem).expect("PEM").remove(0);
    let authority = Authority::from_parts(certificate, KeyPair::from_pem(&pem).expect("a key"));
    Ca::from(authority.expect("an authority"))
}

/// What the attacks are made of.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) victim: Device,
    pub(crate) identity: Identity,
    pub(crate) held: Held,
    /// The identity of another device.
    pub(crate) other: Identity,
    /// One that the victim had before.
    retired: Identity,
}

impl Scene {
    /// A device of two channels, converged, renewed once and with all that it can have; and another device.
    pub(crate) async fn set(database: Database) -> Self {
        let house = House::open(database).await;
        house.publish(&rich("S-VICTIM")).await;
        let retired = issued(&house, None).await;
        let before = Device::of(&house, "VICTIM", &retired);
        before.enroll().await;
        let identity = renewed(&house, "VICTIM").await;
        let victim = Device::of(&house, "VICTIM", &identity);
        victim.told().await;
        let held = victim.converge().await;
        victim.agent.put(&bootstrap_token(&victim.ids)).await.with(200);
        let user = victim.user("USER");
        user.token_update().await.with(200);
        user.told().await;
        user.converge().await;

        let other = TRUSTED.ec();
        let device = Device::of(&house, "OTHER", &other);
        device.enroll().await;
        device.converge().await;
        Self {
            house,
            victim,
            identity,
            held,
            other,
            retired,
        }
    }

    /// The victim, in each of its ways.
    pub(crate) fn rightful(&self) -> Vec<(&'static str, Proof)> {
        let right = || self.identity.clone();
        vec![
            ("TLS", Proof::tls(&self.identity)),
            ("a signature", Proof::headers([Shown::Signature(right(), PLAIN)])),
            ("a header", Proof::proxied([Shown::Rfc9440(right())])),
            (
                "all",
                Proof::proxied([Shown::EscapedPem(right()), Shown::Signature(right(), PLAIN)]),
            ),
        ]
    }

    /// All who are not the victim, however they come.
    pub(crate) async fn attackers(&self) -> Vec<(&'static str, Proof)> {
        let (right, wrong) = (&self.identity, &self.other);
        let signed = |identity: &Identity| Shown::Signature(identity.clone(), PLAIN);
        let header = |identity: &Identity| Shown::Rfc9440(identity.clone());
        let mut from_nowhere = Proof::proxied([header(right)]);
        from_nowhere.manner.from = DIRECT;
        let mut proxy_itself = Proof::tls(wrong);
        proxy_itself.manner.from = crate::client::PROXY;
        let raw = |name: &'static str, value: &str| Shown::Raw(name, value.to_owned());
        let pem = self.identity.certificate.to_pem().replace('\n', "%0A");
        vec![
            ("nobody", Proof::default()),
            ("a stranger's CA", Proof::tls(&STRANGER.ec())),
            ("a stranger's signature", Proof::headers([signed(&STRANGER.ec())])),
            (
                "a stranger behind the proxy",
                Proof::proxied([header(&STRANGER.ec())]),
            ),
            ("another device", Proof::tls(wrong)),
            ("another device's signature", Proof::headers([signed(wrong)])),
            ("another device behind the proxy", Proof::proxied([header(wrong)])),
            ("the proxy's own certificate", proxy_itself),
            ("a retired certificate", Proof::tls(&self.retired)),
            (
                "our CA, but not our record",
                Proof::tls(&own_ca(&self.house).await.ec()),
            ),
            ("an expired certificate", Proof::tls(&TRUSTED.expired())),
            (
                "another's TLS, the right signature",
                Proof::tls(wrong).and(signed(right)),
            ),
            (
                "the right TLS, another's signature",
                Proof::tls(right).and(signed(wrong)),
            ),
            (
                "the right TLS, a stranger's signature",
                Proof::tls(right).and(signed(&STRANGER.ec())),
            ),
            (
                "a stranger's TLS, the right signature",
                Proof::tls(&STRANGER.ec()).and(signed(right)),
            ),
            (
                "header and signature differ",
                Proof::proxied([header(right), signed(wrong)]),
            ),
            ("the header twice", Proof::proxied([header(right), header(right)])),
            ("two headers", Proof::proxied([header(right), header(wrong)])),
            (
                "the signature twice",
                Proof::headers([signed(right), signed(right)]),
            ),
            ("a header, not by the proxy", from_nowhere),
            (
                "another's TLS, a header not by the proxy",
                Proof::tls(wrong).and(header(right)),
            ),
            (
                "a header that is none",
                Proof::proxied([raw(crate::house::PROXY_HEADER, "CN=VICTIM")]),
            ),
            (
                "two certificates in a header",
                Proof::proxied([raw(crate::house::PROXY_HEADER, &format!("{pem}{pem}"))]),
            ),
            (
                "a proxy's header under another name",
                Proof::proxied([raw("X-Client-Cert", &pem)]),
            ),
            (
                "a signature of something else",
                Proof::headers([Shown::SignatureOver(right.clone(), b"other")]),
            ),
            (
                "a signature of nothing",
                Proof::headers([Shown::SignatureOver(right.clone(), b"")]),
            ),
            (
                "no signature at all",
                Proof::headers([raw("Mdm-Signature", "AAAA")]),
            ),
            (
                "the right TLS, no signature at all",
                Proof::tls(right).and(raw("Mdm-Signature", "%%")),
            ),
        ]
    }
}

pub(crate) fn bootstrap_token(ids: &Ids) -> Message {
    let token = "<key>BootstrapToken</key><data>c2VjcmV0</data>";
    Message::check_in(ids, "SetBootstrapToken", token)
}

/// One message for each endpoint, as the holder of `ids` would send it.
pub(crate) fn messages(ids: &Ids, held: &Held) -> Vec<Message> {
    let check_in = |message_type: &str, keys: &str| Message::check_in(ids, message_type, keys);
    let report =
        json!({"StatusItems": {"management": {"declarations": held.all_good()}}, "FullReport": true});
    let is_device = ids.iter().all(|(key, _)| !key.contains("User"));
    let uuid = "<key>CommandUUID</key><string>A-1</string>";
    let mut messages = vec![
        Message::token_update(ids),
        check_in("CheckOut", TOPIC),
        check_in("UserAuthenticate", ""),
        check_in(
            "UserAuthenticate",
            "<key>DigestResponse</key><string>Digest x</string>",
        ),
        bootstrap_token(ids),
        check_in("SetBootstrapToken", ""),
        check_in("GetBootstrapToken", ""),
        check_in("FutureMessage", ""),
        Message::status(ids, report.to_string().as_bytes()),
        Message::status(ids, b"not JSON"),
        Message::ddm(ids, "status"),
        Message::command(ids, "Idle", ""),
        Message::command(ids, "Acknowledged", uuid),
        Message::command(ids, "NotNow", uuid),
        Message::command(ids, "Error", uuid),
    ];
    if is_device {
        messages.push(Message::authenticate(ids, &mac("S-VICTIM")));
    }
    for endpoint in [
        "tokens",
        "declaration-items",
        "declaration/configuration/passcode",
        "declaration/configuration/nothing",
        "declaration/management/lab-properties",
        "something-else",
    ] {
        messages.push(Message::ddm(ids, endpoint));
    }
    let apart = messages
        .iter()
        .filter(|message| message.content_type == crate::message::CHECK_IN);
    let apart: Vec<_> = apart
        .map(|message| Message {
            path: "/mdm/checkin",
            ..message.clone()
        })
        .collect();
    messages.extend(apart);
    messages
}
