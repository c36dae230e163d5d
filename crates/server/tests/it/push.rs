//! The client of APNs against a push service that keeps Apple's rules.

use std::sync::Arc;
use std::time::Duration;

use ordain_apple::push::Notification;
use ordain_model::wake::Outcome;
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, KeyPair};
use ordain_server::push::{self, Config, PushCertificate, SetupError};
use ordain_twin::apns::{Apns, Courier, Trouble};
use tokio::task::JoinSet;

const TOPIC: &str = "com.apple.mgmt.External.1";

fn config(apns: &Apns) -> Config {
    let pem = apns.push_certificate(TOPIC).unwrap();
    Config {
        url: apns.url(),
        ca: Some(apns.authority().certificate().to_pem()),
        ..Config::new(PushCertificate::from_pem(&pem).unwrap())
    }
}

async fn service() -> (Apns, push::Apns) {
    let apns = Apns::start().await.unwrap();
    let client = push::Apns::new(&config(&apns)).unwrap();
    (apns, client)
}

fn token(index: usize) -> Vec<u8> {
    let mut token = vec![0xa5; 32];
    token[..8].copy_from_slice(&index.to_be_bytes());
    token
}

fn notification(index: usize) -> Notification {
    Notification {
        token: token(index),
        topic: TOPIC.to_owned(),
        magic: format!("magic {index}"),
        expiration: 0,
    }
}

fn devices(apns: &Apns, count: usize) -> Vec<Courier> {
    let connect = |index| {
        let mut courier = apns.connect();
        courier.register(&token(index), TOPIC);
        courier
    };
    (0..count).map(connect).collect()
}

/// Pushes all at once.
async fn push_all(client: &Arc<push::Apns>, count: usize) -> Vec<Outcome> {
    let mut pushes = JoinSet::new();
    for index in 0..count {
        let client = client.clone();
        pushes.spawn(async move { client.push(&notification(index)).await });
    }
    pushes.join_all().await
}

fn retry(reason: &str, after: Option<u32>) -> Outcome {
    Outcome::Retry {
        reason: reason.to_owned(),
        after,
    }
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused {
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn each_answer_is_told_by_what_to_do() {
    let (apns, client) = service().await;
    let mut couriers = devices(&apns, 3);
    assert_eq!(client.push(&notification(0)).await, Outcome::Accepted);
    let delivery = couriers[0].next().await;
    assert_eq!((delivery.token, delivery.magic.as_str()), (token(0), "magic 0"));

    assert_eq!(client.push(&notification(7)).await, refused("BadDeviceToken"));
    couriers[1].register(&token(1), "com.apple.mgmt.other");
    assert_eq!(
        client.push(&notification(1)).await,
        refused("DeviceTokenNotForTopic")
    );
    couriers[2].unregister();
    let dead = client.push(&notification(2)).await;
    assert!(
        matches!(
            dead,
            Outcome::Dead {
                since: Some(1_700_000_000..)
            }
        ),
        "{dead:?}"
    );
    apns.turn(|knobs| knobs.most_per_token = Some(1));
    let slow = |after| Outcome::Slow {
        reason: "TooManyRequests".to_owned(),
        after,
    };
    assert_eq!(client.push(&notification(0)).await, slow(None));

    let with = async |status, reason: &str, retry_after| {
        let reason = reason.to_owned();
        apns.turn(|knobs| {
            knobs.trouble = Some(Trouble {
                status,
                reason,
                retry_after,
                times: 1,
            });
        });
        client.push(&notification(0)).await
    };
    assert_eq!(with(429, "TooManyRequests", Some(7)).await, slow(Some(7)));
    assert_eq!(
        with(503, "ServiceUnavailable", Some(60)).await,
        retry("ServiceUnavailable", Some(60))
    );
    assert_eq!(
        with(500, "InternalServerError", None).await,
        retry("InternalServerError", None)
    );
    for (status, reason) in [(403, "BadCertificate"), (400, "TopicDisallowed")] {
        let reason = reason.to_owned();
        let misconfigured = with(status, &reason, None).await;
        assert_eq!(misconfigured, Outcome::Misconfigured { reason });
    }
    // All of that over one connection, until APNs thinks that it was idle.
    assert_eq!(apns.counts().connections, 1);
    apns.turn(|knobs| knobs.most_per_token = None);
    assert_eq!(with(400, "IdleTimeout", None).await, Outcome::Accepted);
    assert_eq!((apns.counts().connections, apns.counts().accepted), (2, 2));
}

#[tokio::test]
async fn what_a_device_made_up_is_not_sent() {
    let (apns, client) = service().await;
    let notifications = [
        Notification {
            topic: "com.apple.mgmt.other".to_owned(),
            ..notification(0)
        },
        Notification {
            token: Vec::new(),
            ..notification(0)
        },
        Notification {
            magic: "m".repeat(5000),
            ..notification(0)
        },
    ];
    for notification in notifications {
        let outcome = client.push(&notification).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
    assert_eq!(apns.counts().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_at_once_keep_to_what_the_peer_allows() {
    let (apns, client) = service().await;
    let couriers = devices(&apns, 1000);
    apns.turn(|knobs| {
        knobs.streams = 50;
        knobs.latency = Duration::from_millis(2);
    });
    let outcomes = push_all(&Arc::new(client), 1000).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted));
    let counts = apns.counts();
    assert!(counts.connections <= 4, "{counts:?}");
    assert!((2..=50).contains(&counts.most_streams), "{counts:?}");
    assert_eq!((counts.accepted, counts.refused.len()), (1000, 0));
    for (index, mut courier) in couriers.into_iter().enumerate() {
        assert_eq!(courier.next().await.magic, format!("magic {index}"));
        assert_eq!(courier.ready(), None, "pushed once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goodbyes_of_the_peer_lose_and_double_nothing() {
    let (apns, client) = service().await;
    let _couriers = devices(&apns, 400);
    apns.turn(|knobs| {
        knobs.streams = 20;
        knobs.goaway_after = Some(33);
    });
    let outcomes = push_all(&Arc::new(client), 400).await;
    assert!(
        outcomes.iter().all(|outcome| *outcome == Outcome::Accepted),
        "{outcomes:?}"
    );
    assert!((0..400).all(|index| apns.accepted(&token(index)) == 1));
    assert!(apns.counts().connections > 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_for() {
    let (apns, client) = service().await;
    let _couriers = devices(&apns, 50);
    let client = Arc::new(client);
    apns.outage().await;
    let (outcomes, ()) = tokio::join!(push_all(&client, 50), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        apns.resume().await.unwrap();
    });
    assert!(
        outcomes.iter().all(|outcome| *outcome == Outcome::Accepted),
        "{outcomes:?}"
    );
    // A connection that breaks takes along what is under way, and is replaced.
    apns.outage().await;
    apns.resume().await.unwrap();
    loop {
        match client.push(&notification(0)).await {
            Outcome::Accepted => break,
            Outcome::Retry { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((1..50).all(|index| apns.accepted(&token(index)) == 1));
}

#[tokio::test]
async fn an_outage_that_lasts_is_told() {
    let apns = Apns::start().await.unwrap();
    let client = push::Apns::new(&Config {
        patience: Duration::from_millis(200),
        ..config(&apns)
    });
    let client = client.unwrap();
    apns.outage().await;
    let outcome = client.push(&notification(0)).await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("refused")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn who_never_answers_holds_nobody_for_ever() {
    let apns = Apns::start().await.unwrap();
    let _couriers = devices(&apns, 1);
    let client = push::Apns::new(&Config {
        patience: Duration::from_millis(300),
        ..config(&apns)
    });
    let client = client.unwrap();
    apns.turn(|knobs| knobs.silent = true);
    assert_eq!(
        client.push(&notification(0)).await,
        retry("no answer in time", None)
    );
    apns.turn(|knobs| knobs.silent = false);
    assert_eq!(client.push(&notification(0)).await, Outcome::Accepted);
    // The stream was given up, not the connection.
    assert_eq!(apns.counts().connections, 1);
}

#[tokio::test]
async fn certificates_that_do_not_fit_are_told_as_such() {
    let apns = Apns::start().await.unwrap();
    let outcome = async |change: &dyn Fn(&mut Config)| {
        let mut config = config(&apns);
        change(&mut config);
        push::Apns::new(&config).unwrap().push(&notification(0)).await
    };
    let own = |authority: &Authority, not_after| {
        let key = KeyPair::generate(KeyKind::P256).unwrap();
        let request = Request {
            public_key: key.public_key(),
            common_name: "APSP:1",
            organization: None,
            serial_number: None,
            usage: Usage::Push {
                topic: TOPIC.to_owned(),
            },
            validity: Validity {
                not_before: 0,
                not_after,
            },
        };
        let pem = authority.issue(&request).unwrap().to_pem() + &key.to_pem().unwrap();
        PushCertificate::from_pem(&pem).unwrap()
    };
    let validity = Validity {
        not_before: 0,
        not_after: 4_000_000_000,
    };
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let stranger = Authority::new(key, "somebody else", validity).unwrap();

    let expired = outcome(&|config| config.certificate = own(apns.authority(), 1_000)).await;
    let foreign = outcome(&|config| config.certificate = own(&stranger, 4_000_000_000)).await;
    let untrusted = outcome(&|config| config.ca = Some(stranger.certificate().to_pem())).await;
    for outcome in [expired, foreign, untrusted] {
        assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome:?}");
    }
    assert_eq!(apns.counts().accepted, 0);
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_once() {
    let apns = Apns::start().await.unwrap();
    for url in [
        "http://localhost",
        "https://localhost/3/device",
        "https://user@localhost",
        "localhost",
        "https://localhost/?a",
    ] {
        let config = Config {
            url: url.to_owned(),
            ..config(&apns)
        };
        assert!(
            matches!(push::Apns::new(&config), Err(SetupError::Url(_))),
            "{url}"
        );
    }
    let config = Config {
        ca: Some("no PEM".to_owned()),
        ..config(&apns)
    };
    assert!(matches!(push::Apns::new(&config), Err(SetupError::Roots(_))));
}
