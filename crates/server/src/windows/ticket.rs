//! Tickets: what the sign-in page gives a device for an enrollment token, to show in the messages that follow.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ordain_model::ids::Digest;
use ordain_pki::seal::{KeyRing, SealError};
use serde::{Deserialize, Serialize};

/// What tickets are sealed for: nothing else opens as one, and they open as nothing else.
const CONTEXT: &[u8] = b"ticket\nwindows-sign-in";
/// How long one works, in seconds: the device goes on by itself.
const VALIDITY: i64 = 15 * 60;

/// Somebody signed in with an enrollment token. That is used up by the enrollment itself, so that a ticket is worth no
/// more than it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// SHA-256 of the token's secret.
    pub(super) token: Digest,
    /// Who it is, by their own word.
    pub(super) user: Option<String>,
    expires_at: i64,
}

impl Ticket {
    /// One for who signs in at `now`.
    pub(super) fn new(token: Digest, user: Option<String>, now: i64) -> Self {
        Self {
            token,
            user,
            expires_at: now + VALIDITY,
        }
    }

    /// The ticket as text, which no one but this server can make or read.
    pub(super) fn seal(&self, ring: &KeyRing) -> Result<String, SealError> {
        let content = serde_json::to_vec(self).map_err(|_| SealError::Failed)?;
        Ok(URL_SAFE_NO_PAD.encode(ring.seal(CONTEXT, &content)?))
    }

    /// The ticket that is `text`, if it works at `now`.
    pub(super) fn open(ring: &KeyRing, text: &str, now: i64) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let content = ring.open(CONTEXT, &sealed).ok()?;
        let ticket: Self = serde_json::from_slice(&content).ok()?;
        (now < ticket.expires_at).then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_for_this_purpose_and_time_only() {
        let ring = KeyRing::parse(&KeyRing::new_entry()).unwrap();
        let ticket = Ticket::new(Digest::of(b"secret"), Some("ada@example.org".into()), 1_000);
        let text = ticket.seal(&ring).unwrap();
        assert!(!text.contains("ada"));
        assert_eq!(
            Ticket::open(&ring, &text, 1_000 + VALIDITY - 1),
            Some(ticket.clone())
        );
        assert_eq!(Ticket::open(&ring, &text, 1_000 + VALIDITY), None);
        let other = KeyRing::parse(&KeyRing::new_entry()).unwrap();
        assert_eq!(Ticket::open(&other, &text, 1_000), None);
        let elsewhere = ring
            .seal(b"escrow\nunlock\nD", &serde_json::to_vec(&ticket).unwrap())
            .unwrap();
        let elsewhere = URL_SAFE_NO_PAD.encode(elsewhere);
        assert_eq!(Ticket::open(&ring, &elsewhere, 1_000), None);
        for odd in ["", "a", "ä", &text[1..]] {
            assert_eq!(Ticket::open(&ring, odd, 1_000), None);
        }
    }
}
