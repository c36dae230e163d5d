//! Push: what is asked of APNs, what its answer means, and how a push certificate is known.
//!
//! A push to a device tells it to ask its server for work, and nothing else. It goes as HTTP/2 request to
//! `api.push.apple.com`, by a client that proves itself with its MDM push certificate.

use ordain_model::wake::{self, Outcome};
use serde::Deserialize;
use serde_json::json;

/// The largest body that APNs takes, in octets.
pub const MAX_PAYLOAD: usize = 4096;
/// The longest device token that is sent, in octets; today's have 32.
pub const MAX_TOKEN: usize = 256;
/// The largest answer that is read, in octets.
pub const MAX_ANSWER: usize = 4096;

/// The longest topic, in octets.
const MAX_TOPIC: usize = 255;
/// The longest reason that is passed on, in octets.
const MAX_REASON: usize = 64;
/// What the topics of MDM begin with.
const MDM_TOPIC: &str = "com.apple.mgmt.";

/// One push to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// `Token` of TokenUpdate.
    pub token: Vec<u8>,
    /// `Topic` of TokenUpdate.
    pub topic: String,
    /// `PushMagic` of TokenUpdate.
    pub magic: String,
    /// Until when APNs keeps it for a device that is not connected, in unix seconds; 0: not at all.
    pub expiration: i64,
}

/// A notification as an HTTP request with the method POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The path.
    pub path: String,
    /// The headers, lower case, beside those of HTTP itself.
    pub headers: [(&'static str, String); 4],
    /// The body, JSON.
    pub body: String,
}

/// Why a notification cannot be sent: what the device said in TokenUpdate is not usable.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Unsendable {
    /// The token is empty, or longer than [`MAX_TOKEN`].
    #[error("the device's token is empty or too long")]
    Token,
    /// It is not a topic of MDM.
    #[error("the device's topic is not one of MDM")]
    Topic,
    /// The body would be larger than [`MAX_PAYLOAD`].
    #[error("the device's push magic is too long")]
    Magic,
}

impl Notification {
    /// The request that asks APNs for it.
    pub fn request(&self) -> Result<Request, Unsendable> {
        if !(1..=MAX_TOKEN).contains(&self.token.len()) {
            return Err(Unsendable::Token);
        }
        if !is_mdm_topic(&self.topic) {
            return Err(Unsendable::Topic);
        }
        let body = json!({"mdm": self.magic}).to_string();
        if body.len() > MAX_PAYLOAD {
            return Err(Unsendable::Magic);
        }
        Ok(Request {
            path: format!("/3/device/{}", hex::encode(&self.token)),
            headers: [
                ("apns-topic", self.topic.clone()),
                ("apns-push-type", "mdm".to_owned()),
                ("apns-priority", "10".to_owned()),
                ("apns-expiration", self.expiration.max(0).to_string()),
            ],
            body,
        })
    }
}

/// Whether a text can be the topic of an MDM push certificate: `com.apple.mgmt.` and more, of letters, digits, dots,
/// dashes and underscores.
pub fn is_mdm_topic(text: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
    let rest = text.strip_prefix(MDM_TOPIC);
    text.len() <= MAX_TOPIC && rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(allowed))
}

/// The answer concerns the connection: the notification was not processed and can be sent over a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect;

/// The body of an answer that is not 200.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    reason: String,
    /// In milliseconds.
    timestamp: Option<i64>,
}

/// Reads an answer: status, `Retry-After`, and the body, of which no more than [`MAX_ANSWER`] octets count. Whoever
/// answers may be a proxy in between; what is not APNs' own is believed as little as possible.
pub fn outcome(status: u16, retry_after: Option<&str>, body: &[u8]) -> Result<Outcome, Reconnect> {
    // A dead token and the accusation of a whole fleet need a reason that APNs has.
    let Body { reason, timestamp } = (body.len() <= MAX_ANSWER)
        .then(|| serde_json::from_slice(body).ok())
        .flatten()
        .unwrap_or_default();
    let after = retry_after.and_then(wake::retry_after);
    Ok(match (status, reason.as_str()) {
        (200, _) => Outcome::Accepted,
        (400, "IdleTimeout") => return Err(Reconnect),
        (410, "Unregistered" | "ExpiredToken") => Outcome::Dead {
            since: timestamp.map(|milliseconds| milliseconds.div_euclid(1000)),
        },
        (429, _) => Outcome::Slow {
            reason: words(status, &reason),
            after,
        },
        (500.., _) => Outcome::Retry {
            reason: words(status, &reason),
            after,
        },
        // What a device's own token, topic or magic can bring about must not stop the pushes to all others.
        (400, reason) if !is_ours(reason) => Outcome::Refused {
            reason: words(status, reason),
        },
        (404, reason @ "BadPath") | (410 | 413, reason) => Outcome::Refused {
            reason: words(status, reason),
        },
        (_, reason) => Outcome::Misconfigured {
            reason: words(status, reason),
        },
    })
}

/// Whether a reason of 400 blames the certificate or what is the same in every request.
fn is_ours(reason: &str) -> bool {
    matches!(
        reason,
        "BadTopic"
            | "MissingTopic"
            | "TopicDisallowed"
            | "InvalidPushType"
            | "BadPriority"
            | "BadExpirationDate"
            | "BadMessageId"
            | "BadCollapseId"
            | "DuplicateHeaders"
            | "PayloadEmpty"
    )
}

/// A reason for people and labels: APNs' word, where it looks like one.
fn words(status: u16, reason: &str) -> String {
    let is_word =
        (1..=MAX_REASON).contains(&reason.len()) && reason.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_word {
        reason.to_owned()
    } else {
        format!("HTTP {status}")
    }
}

#[cfg(test)]
mod tests;
