use ordain_model::wake::MAX_WAIT;
use proptest::prelude::*;

use super::*;

fn notification() -> Notification {
    Notification {
        token: vec![0xab; 32],
        topic: "com.apple.mgmt.External.8d0f".to_owned(),
        magic: "A-\"quoted\"".to_owned(),
        expiration: 1_800_000_000,
    }
}

#[test]
fn a_request_is_what_apns_demands() {
    let request = notification().request().unwrap();
    assert_eq!(request.path, format!("/3/device/{}", "ab".repeat(32)));
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(
        headers,
        [
            ("apns-topic", "com.apple.mgmt.External.8d0f"),
            ("apns-push-type", "mdm"),
            ("apns-priority", "10"),
            ("apns-expiration", "1800000000"),
        ]
    );
    assert_eq!(request.body, r#"{"mdm":"A-\"quoted\""}"#);
    let past = Notification {
        expiration: -5,
        ..notification()
    };
    assert_eq!(past.request().unwrap().headers[3].1, "0");
}

#[test]
fn what_a_device_made_up_is_not_sent() {
    let with = |change: fn(&mut Notification)| {
        let mut notification = notification();
        change(&mut notification);
        notification.request().unwrap_err()
    };
    assert_eq!(with(|n| n.token.clear()), Unsendable::Token);
    assert_eq!(with(|n| n.token = vec![1; MAX_TOKEN + 1]), Unsendable::Token);
    assert_eq!(with(|n| n.magic = "\u{1}".repeat(4000)), Unsendable::Magic);
    for topic in [
        "",
        "com.example.mail",
        "com.apple.mgmt.",
        "com.apple.mgmt.a\r\nb: c",
        "com.apple.mgmt.ü",
    ] {
        assert!(!is_mdm_topic(topic));
        let notification = Notification {
            topic: topic.to_owned(),
            ..notification()
        };
        assert_eq!(notification.request(), Err(Unsendable::Topic));
    }
    assert!(!is_mdm_topic(&format!(
        "com.apple.mgmt.{}",
        "x".repeat(MAX_TOPIC)
    )));
}

#[test]
fn answers_are_named_by_what_to_do() {
    let read = |status, reason: &str| outcome(status, None, json!({"reason": reason}).to_string().as_bytes());
    let refused = |reason: &str| {
        Ok(Outcome::Refused {
            reason: reason.to_owned(),
        })
    };
    let misconfigured = |reason: &str| {
        Ok(Outcome::Misconfigured {
            reason: reason.to_owned(),
        })
    };
    assert_eq!(outcome(200, None, b""), Ok(Outcome::Accepted));
    assert_eq!(read(400, "IdleTimeout"), Err(Reconnect));
    for reason in ["BadDeviceToken", "DeviceTokenNotForTopic", "MissingDeviceToken"] {
        assert_eq!(read(400, reason), refused(reason));
    }
    for reason in [
        "BadTopic",
        "MissingTopic",
        "TopicDisallowed",
        "InvalidPushType",
        "BadPriority",
    ] {
        assert_eq!(read(400, reason), misconfigured(reason));
    }
    for reason in ["BadCertificate", "BadCertificateEnvironment", "Forbidden"] {
        assert_eq!(read(403, reason), misconfigured(reason));
    }
    assert_eq!(read(404, "BadPath"), refused("BadPath"));
    assert_eq!(read(405, "MethodNotAllowed"), misconfigured("MethodNotAllowed"));
    assert_eq!(read(413, "PayloadTooLarge"), refused("PayloadTooLarge"));
    for reason in ["InternalServerError", "Shutdown"] {
        let retry = Outcome::Retry {
            reason: reason.to_owned(),
            after: None,
        };
        assert_eq!(read(500, reason), Ok(retry));
    }
    let slow = Outcome::Slow {
        reason: "TooManyRequests".to_owned(),
        after: None,
    };
    assert_eq!(read(429, "TooManyRequests"), Ok(slow));
}

#[test]
fn a_dead_token_is_believed_with_apns_own_reason_only() {
    let dead = br#"{"reason":"Unregistered","timestamp":1800000000999}"#;
    let since = Some(1_800_000_000);
    assert_eq!(outcome(410, None, dead), Ok(Outcome::Dead { since }));
    let dead = br#"{"reason":"ExpiredToken"}"#;
    assert_eq!(outcome(410, None, dead), Ok(Outcome::Dead { since: None }));
    for body in [
        &b""[..],
        b"Gone",
        br#"{"reason":"Gone"}"#,
        br#"{"reason":["Unregistered"]}"#,
    ] {
        assert!(matches!(outcome(410, None, body), Ok(Outcome::Refused { .. })));
    }
    let mut long = dead.to_vec();
    long.resize(MAX_ANSWER + 1, b' ');
    assert!(matches!(outcome(410, None, &long), Ok(Outcome::Refused { .. })));
}

#[test]
fn a_proxy_in_between_has_no_words_of_its_own() {
    for (status, body) in [(302, "<html>"), (407, "{\"reason\":\"a b\"}"), (404, "nginx")] {
        let reason = format!("HTTP {status}");
        let read = outcome(status, None, body.as_bytes());
        assert_eq!(read, Ok(Outcome::Misconfigured { reason }));
    }
}

#[test]
fn retry_after_is_bounded() {
    let after = |text| match outcome(503, Some(text), b"") {
        Ok(Outcome::Retry { after, .. }) => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after("30"), Some(30));
    assert_eq!(after(" 0 "), Some(0));
    assert_eq!(after("99999999999"), Some(MAX_WAIT));
    for text in ["", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", &"9".repeat(40)] {
        assert_eq!(after(text), None);
    }
}

proptest! {
    #[test]
    fn any_answer_is_read(
        status: u16,
        retry_after in proptest::option::of(".{0,40}"),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let read = outcome(status, retry_after.as_deref(), &body);
        prop_assert!(!matches!(read, Ok(Outcome::Dead { .. }) | Err(Reconnect)), "{read:?}");
        prop_assert_eq!(read == Ok(Outcome::Accepted), status == 200);
    }

    #[test]
    fn any_json_is_read_and_reasons_stay_words(
        status in 201u16..600,
        reason in ".{0,100}",
        timestamp: i64,
    ) {
        let body = json!({"reason": reason, "timestamp": timestamp}).to_string();
        if let Ok(
            Outcome::Retry { reason, .. } | Outcome::Refused { reason } | Outcome::Misconfigured { reason }
        ) = outcome(status, None, body.as_bytes())
        {
            prop_assert!(reason.len() <= MAX_REASON && reason.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' '));
        }
    }
}
