//! What an enrollment leaves on a device: an account for management sessions.

use ordain_pki::Certificate;
use ordain_windows::provisioning::{self, Renewal, Store};
use ordain_windows::syncml::Item;

use super::schedule::Schedule;
use super::tree::Tree;
use crate::identity::Identity;

/// One enrollment: whom it is with, who the device is there, and when it asks for work.
#[derive(Debug, Clone)]
pub struct Account {
    /// Whether it is the linked enrollment, for documents.
    pub is_linked: bool,
    /// `PROVIDER-ID`.
    pub provider_id: String,
    /// `DevId`, and the source of the device's messages.
    pub device_id: String,
    /// Where certificates are renewed, if the renewal's own settings do not say.
    pub enrollment_url: String,
    /// Whose certificate store the identity is in.
    pub store: Store,
    /// The certificate and its key.
    pub identity: Identity,
    /// The CA that the provisioning document brought.
    pub root: Option<Certificate>,
    /// Where and how sessions are held.
    pub application: provisioning::Account,
    /// The user who enrolled.
    pub user: String,
    /// The nonce for the next MD5 credentials, once the server has told one.
    pub(super) nonce: Option<Vec<u8>>,
    /// How many sessions there were.
    pub(super) sessions: u32,
    pub(super) schedule: Schedule,
    /// The channel that it has from WNS, and for which package.
    pub(super) channel: Option<Channel>,
    /// Whether the server wanted the session, when it is held next.
    pub(super) pushed: bool,
    /// How often the session that is due has failed already.
    pub(super) failures: u32,
    /// When the last session ended well.
    pub(super) last_contact: i64,
    /// Alerts for the next session.
    pub(super) alerts: Vec<Item>,
    pub(super) renewing: Renewing,
    /// What the provisioning document of a linked enrollment said of renewal. The device has one node for that, which is
    /// the primary enrollment's.
    pub(super) renewal: Option<Renewal>,
    pub(super) linking: Linking,
}

/// How the linked enrollment stands, as the primary one is told: `LinkedEnrollment`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Linking {
    /// `EnrollStatus`: 0 undefined; not started, in progress, failed, succeeded: 1 to 4 of enrolling, 5, 6, 7 and 8 of
    /// unenrolling.
    pub(super) status: u8,
    /// `LastError`.
    pub(super) error: u32,
    /// When it is begun again, which the server has put off.
    pub(super) due: Option<i64>,
}

/// Where it can be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Channel {
    /// The package that was asked for.
    pub(super) package: String,
    /// The address; `None`: WNS has no such package.
    pub(super) uri: Option<String>,
}

/// How the renewal of a certificate stands: `WSTEP/Renew`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Renewing {
    /// `Status`: 0 not started, 1 in progress, 2 succeeded, 3 failed.
    pub(super) status: u8,
    /// `ErrorCode`.
    pub(super) error: u32,
    /// `LastRenewalAttemptTime`.
    pub(super) tried: Option<i64>,
    /// When the server wants to be asked again.
    pub(super) postponed: Option<i64>,
    /// Whether the server wants it now, whenever the certificate ends.
    pub(super) now: bool,
    /// `CertRenewTimeStamp`.
    pub(super) renewed: Option<i64>,
}

const DAY: i64 = 86_400;

impl Account {
    /// How many sessions were begun.
    pub fn sessions(&self) -> u32 {
        self.sessions
    }

    /// How its certificate is renewed.
    pub(super) fn renewal(&self, tree: &Tree) -> Option<Renewal> {
        match self.is_linked {
            true => self.renewal.clone(),
            false => tree.renewal(),
        }
    }

    /// When the next attempt to renew the certificate is due; `None` when it is not renewed, or cannot be any more.
    pub(super) fn renewal_due(&self, tree: &Tree, now: i64) -> Option<i64> {
        let renewal = self.renewal(tree)?;
        let end = self.identity.certificate.not_after();
        if now > end || tree.provider_text(&self.provider_id, &["EntDMID"]).is_none() {
            return None;
        }
        if self.renewing.now {
            return Some(now);
        }
        let opens = end.saturating_sub(i64::from(renewal.period) * DAY);
        let after_failure = match self.renewing {
            Renewing {
                status: 3,
                tried: Some(tried),
                ..
            } => tried.saturating_add(i64::from(renewal.retry_interval) * DAY),
            _ => opens,
        };
        // A certificate that was just renewed, and is so short that it could be again, is left for a day.
        let after_success = self.renewing.renewed.map_or(opens, |at| at.saturating_add(DAY));
        let postponed = self.renewing.postponed.unwrap_or(opens);
        Some(opens.max(after_failure).max(after_success).max(postponed))
    }

    /// The pause before the next attempt of a session that failed; `None` when it is left for the next poll.
    pub(super) fn backoff(&self) -> Option<i64> {
        let retries = self.application.connection_retries.unwrap_or(3);
        if self.failures > retries {
            return None;
        }
        let first = self.application.initial_backoff.unwrap_or(16_000);
        let longest = self.application.max_backoff.unwrap_or(86_400_000);
        let doubled = first.saturating_mul(1 << self.failures.saturating_sub(1).min(32));
        i64::try_from(doubled.min(longest).div_ceil(1000)).ok()
    }
}
