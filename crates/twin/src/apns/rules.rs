//! What APNs demands of a request, before it looks at the token's owner.

use http::request::Parts;
use http::{HeaderMap, Method};
use ordain_apple::push::{MAX_PAYLOAD, MAX_TOKEN, is_mdm_topic};
use serde_json::Value;
use uuid::Uuid;

/// A push that keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Push {
    pub(super) token: Vec<u8>,
    pub(super) topic: String,
    pub(super) magic: String,
    /// In unix seconds; 0: it is not kept.
    pub(super) expiration: i64,
}

/// Why a push is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: String,
    /// Since when the token is dead, in milliseconds.
    pub(super) timestamp: Option<i64>,
    /// In seconds.
    pub(super) retry_after: Option<u32>,
}

impl Refusal {
    pub(super) fn new(status: u16, reason: &str) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            timestamp: None,
            retry_after: None,
        }
    }
}

/// Reads a push of somebody whose certificate is for `topic`, if it is for any.
pub(super) fn read(head: &Parts, body: &[u8], topic: Option<&str>) -> Result<Push, Refusal> {
    let bad = |reason| Refusal::new(400, reason);
    let own_topic = topic.ok_or_else(|| Refusal::new(403, "BadCertificate"))?;
    let token = head.uri.path().strip_prefix("/3/device/");
    let token = token.ok_or_else(|| Refusal::new(404, "BadPath"))?;
    if head.method != Method::POST {
        return Err(Refusal::new(405, "MethodNotAllowed"));
    }
    if token.is_empty() {
        return Err(bad("MissingDeviceToken"));
    }
    let token = token_of(token).ok_or_else(|| bad("BadDeviceToken"))?;
    let headers = Headers::read(&head.headers)?;
    if headers.id.is_some_and(|id| !is_id(id)) {
        return Err(bad("BadMessageId"));
    }
    let expiration = headers.expiration.map_or(Some(0), |text| text.parse().ok());
    let expiration = expiration
        .filter(|seconds: &i64| *seconds >= 0)
        .ok_or_else(|| bad("BadExpirationDate"))?;
    if !matches!(headers.priority, None | Some("1" | "5" | "10")) {
        return Err(bad("BadPriority"));
    }
    let topic = headers.topic.ok_or_else(|| bad("MissingTopic"))?;
    if !is_mdm_topic(topic) {
        return Err(bad("BadTopic"));
    }
    if topic != own_topic {
        return Err(bad("TopicDisallowed"));
    }
    if headers.push_type != Some("mdm") {
        return Err(bad("InvalidPushType"));
    }
    Ok(Push {
        token,
        topic: topic.to_owned(),
        magic: magic(body)?,
        expiration,
    })
}

/// The headers of APNs' own, each at most once.
struct Headers<'a> {
    id: Option<&'a str>,
    expiration: Option<&'a str>,
    priority: Option<&'a str>,
    topic: Option<&'a str>,
    push_type: Option<&'a str>,
}

impl<'a> Headers<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let first = values.next().map(|value| value.to_str().unwrap_or_default());
            match values.next() {
                Some(_) => Err(Refusal::new(400, "DuplicateHeaders")),
                None => Ok(first),
            }
        };
        Ok(Self {
            id: one("apns-id")?,
            expiration: one("apns-expiration")?,
            priority: one("apns-priority")?,
            topic: one("apns-topic")?,
            push_type: one("apns-push-type")?,
        })
    }
}

/// A token from its lower-case hexadecimal form.
fn token_of(text: &str) -> Option<Vec<u8>> {
    let token = hex::decode(text).ok().filter(|token| token.len() <= MAX_TOKEN)?;
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(token)
}

/// Whether it is a UUID in its canonical form.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// The magic in the payload of an MDM push. APNs has no word of its own for one that says anything else: it would
/// deliver it, and the device would ignore it.
fn magic(body: &[u8]) -> Result<String, Refusal> {
    if body.is_empty() {
        return Err(Refusal::new(400, "PayloadEmpty"));
    }
    if body.len() > MAX_PAYLOAD {
        return Err(Refusal::new(413, "PayloadTooLarge"));
    }
    let payload = serde_json::from_slice(body).ok();
    payload
        .as_ref()
        .and_then(Value::as_object)
        .filter(|payload| payload.len() == 1)
        .and_then(|payload| payload.get("mdm"))
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| Refusal::new(400, "NotAnMdmPayload"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "com.apple.mgmt.External.1";

    fn request() -> http::request::Builder {
        http::Request::post("/3/device/00ff")
    }

    fn full() -> http::request::Builder {
        request()
            .header("apns-topic", TOPIC)
            .header("apns-push-type", "mdm")
            .header("apns-priority", "10")
    }

    fn refused(request: http::request::Builder, body: &str) -> (u16, String) {
        let head = request.body(()).unwrap().into_parts().0;
        let refusal = read(&head, body.as_bytes(), Some(TOPIC)).unwrap_err();
        (refusal.status, refusal.reason)
    }

    const BODY: &str = r#"{"mdm":"M"}"#;

    #[test]
    fn a_push_that_keeps_the_rules_is_read() {
        let request = full()
            .header("apns-expiration", "1800000000")
            .header("apns-id", "123e4567-e89b-12d3-a456-426614174000");
        let head = request.body(()).unwrap().into_parts().0;
        let push = read(&head, BODY.as_bytes(), Some(TOPIC)).unwrap();
        assert_eq!(push.token, [0, 255]);
        assert_eq!(
            (push.topic.as_str(), push.magic.as_str(), push.expiration),
            (TOPIC, "M", 1_800_000_000)
        );
        let other = read(&head, BODY.as_bytes(), None).unwrap_err();
        assert_eq!((other.status, other.reason.as_str()), (403, "BadCertificate"));
    }

    #[test]
    fn each_broken_rule_has_its_reason() {
        let at = |path: &str| full().uri(path);
        let cases = [
            (at("/2/device/00ff"), BODY, 404, "BadPath"),
            (full().method("GET"), BODY, 405, "MethodNotAllowed"),
            (at("/3/device/"), BODY, 400, "MissingDeviceToken"),
            (at("/3/device/00FF"), BODY, 400, "BadDeviceToken"),
            (at("/3/device/00f"), BODY, 400, "BadDeviceToken"),
            (at("/3/device/00zz"), BODY, 400, "BadDeviceToken"),
            (full().header("apns-topic", TOPIC), BODY, 400, "DuplicateHeaders"),
            (full().header("apns-id", "1"), BODY, 400, "BadMessageId"),
            (
                full().header("apns-expiration", "soon"),
                BODY,
                400,
                "BadExpirationDate",
            ),
            (
                full().header("apns-expiration", "-1"),
                BODY,
                400,
                "BadExpirationDate",
            ),
            (request().header("apns-priority", "7"), BODY, 400, "BadPriority"),
            (request(), BODY, 400, "MissingTopic"),
            (
                request().header("apns-topic", "com.example"),
                BODY,
                400,
                "BadTopic",
            ),
            (
                request().header("apns-topic", "com.apple.mgmt.other"),
                BODY,
                400,
                "TopicDisallowed",
            ),
            (
                request().header("apns-topic", TOPIC),
                BODY,
                400,
                "InvalidPushType",
            ),
            (
                request()
                    .header("apns-topic", TOPIC)
                    .header("apns-push-type", "alert"),
                BODY,
                400,
                "InvalidPushType",
            ),
            (full(), "", 400, "PayloadEmpty"),
            (full(), "{}", 400, "NotAnMdmPayload"),
            (full(), r#"{"mdm":1}"#, 400, "NotAnMdmPayload"),
            (full(), r#"{"mdm":"M","aps":{}}"#, 400, "NotAnMdmPayload"),
        ];
        for (request, body, status, reason) in cases {
            assert_eq!(refused(request, body), (status, reason.to_owned()));
        }
        let long = format!(r#"{{"mdm":"{}"}}"#, "M".repeat(MAX_PAYLOAD));
        assert_eq!(refused(full(), &long), (413, "PayloadTooLarge".to_owned()));
    }
}
