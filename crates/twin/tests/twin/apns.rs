//! The push service: what it takes, keeps, delivers and refuses.

use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, KeyPair};
use ordain_twin::apns::{Apns, Courier, Trouble};
use serde_json::json;

use crate::pusher::Pusher;

const TOPIC: &str = "com.apple.mgmt.External.1";
const TOKEN: &[u8] = &[0xab; 32];
/// Later than any test.
const LATE: i64 = 4_000_000_000;

async fn service() -> (Apns, Courier, Pusher) {
    let apns = Apns::start().await.unwrap();
    let mut courier = apns.connect();
    courier.register(TOKEN, TOPIC);
    let pusher = Pusher::new(&apns, TOPIC).await;
    (apns, courier, pusher)
}

#[tokio::test]
async fn a_push_reaches_the_device() {
    let (apns, mut courier, mut pusher) = service().await;
    let (status, _) = pusher.push(TOKEN, "magic", 0).await.unwrap();
    assert_eq!(status, 200);
    let delivery = courier.next().await;
    assert_eq!(
        (delivery.token.as_slice(), delivery.magic.as_str()),
        (TOKEN, "magic")
    );
    assert_eq!(courier.ready(), None);
    let counts = apns.counts();
    assert_eq!((counts.accepted, counts.connections, counts.lost), (1, 1, 0));
    assert_eq!(apns.accepted(TOKEN), 1);
}

#[tokio::test]
async fn the_last_push_is_kept_for_who_is_offline() {
    let (apns, mut courier, mut pusher) = service().await;
    courier.go_offline();
    for (magic, expiration) in [("first", LATE), ("second", LATE), ("unkept", 0)] {
        assert_eq!(pusher.push(TOKEN, magic, expiration).await.unwrap().0, 200);
    }
    assert_eq!(courier.ready(), None);
    courier.go_online();
    assert_eq!(courier.next().await.magic, "second");
    assert_eq!(courier.ready(), None);
    assert_eq!((apns.counts().lost, apns.counts().accepted), (1, 3));
    // Kept until a time that is over.
    courier.go_offline();
    pusher.push(TOKEN, "old", 1).await.unwrap();
    courier.go_online();
    assert_eq!(courier.ready(), None);
    // Dropping it is going offline, too.
    drop(courier);
    pusher.push(TOKEN, "third", LATE).await.unwrap();
    let mut courier = apns.connect();
    courier.register(TOKEN, TOPIC);
    assert_eq!(courier.next().await.magic, "third");
}

#[tokio::test]
async fn tokens_that_are_none_are_refused() {
    let (apns, mut courier, mut pusher) = service().await;
    let refused = |reason: &str| json!({"reason": reason});
    let unknown = pusher.push(&[1; 32], "m", 0).await.unwrap();
    assert_eq!(unknown, (400, refused("BadDeviceToken")));
    courier.register(&[2; 32], "com.apple.mgmt.other");
    let other = pusher.push(&[2; 32], "m", 0).await.unwrap();
    assert_eq!(other, (400, refused("DeviceTokenNotForTopic")));
    courier.unregister();
    let (status, body) = pusher.push(TOKEN, "m", 0).await.unwrap();
    assert_eq!((status, &body["reason"]), (410, &json!("Unregistered")));
    assert!(body["timestamp"].as_i64().unwrap() > 1_700_000_000_000);
    courier.register(TOKEN, TOPIC);
    assert_eq!(pusher.push(TOKEN, "m", 0).await.unwrap().0, 200);
    apns.turn(|knobs| knobs.most_per_token = Some(1));
    assert_eq!(
        pusher.push(TOKEN, "m", 0).await.unwrap(),
        (429, refused("TooManyRequests"))
    );
    assert_eq!(apns.counts().refused.values().sum::<u64>(), 4);
    assert_eq!(apns.counts().accepted, 1);
}

#[tokio::test]
async fn trouble_lasts_as_long_as_it_is_told_to() {
    let (apns, mut courier, mut pusher) = service().await;
    apns.turn(|knobs| {
        knobs.trouble = Some(Trouble {
            status: 503,
            reason: "Shutdown".to_owned(),
            retry_after: None,
            times: 2,
        });
    });
    for status in [503, 503, 200] {
        assert_eq!(pusher.push(TOKEN, "m", 0).await.unwrap().0, status);
    }
    courier.next().await;
    apns.outage().await;
    assert!(pusher.push(TOKEN, "m", 0).await.is_err());
    apns.resume().await.unwrap();
    let mut pusher = Pusher::new(&apns, TOPIC).await;
    assert_eq!(pusher.push(TOKEN, "m", 0).await.unwrap().0, 200);
    apns.turn(|knobs| knobs.goaway_after = Some(1));
    let mut pusher = Pusher::new(&apns, TOPIC).await;
    assert_eq!(pusher.push(TOKEN, "m", 0).await.unwrap().0, 200);
    let gone = pusher.push(TOKEN, "m", 0).await.unwrap_err();
    assert!(gone.is_go_away() || gone.is_io(), "{gone}");
}

#[tokio::test]
async fn only_certificates_of_its_own_authority_get_in_and_only_with_a_topic() {
    let (apns, _courier, _) = service().await;
    let certificate = |authority: &Authority, usage| {
        let key = KeyPair::generate(KeyKind::P256).unwrap();
        let request = Request {
            public_key: key.public_key(),
            common_name: "somebody",
            organization: None,
            serial_number: None,
            usage,
            validity: Validity {
                not_before: 0,
                not_after: LATE,
            },
        };
        authority.issue(&request).unwrap().to_pem() + &key.to_pem().unwrap()
    };
    let without = certificate(apns.authority(), Usage::Device);
    let mut pusher = Pusher::open(&apns, &without, TOPIC).await.unwrap();
    let (status, body) = pusher.push(TOKEN, "m", 0).await.unwrap();
    assert_eq!((status, &body["reason"]), (403, &json!("BadCertificate")));
    let validity = Validity {
        not_before: 0,
        not_after: LATE,
    };
    let stranger = Authority::new(KeyPair::generate(KeyKind::P256).unwrap(), "other", validity).unwrap();
    let topic = TOPIC.to_owned();
    let foreign = certificate(&stranger, Usage::Push { topic });
    // TLS 1.3 says so after the handshake.
    if let Ok(mut pusher) = Pusher::open(&apns, &foreign, TOPIC).await {
        assert!(pusher.push(TOKEN, "m", 0).await.is_err());
    }
    assert_eq!(apns.counts().accepted, 0);
}
