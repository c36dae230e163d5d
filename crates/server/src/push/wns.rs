//! The client of WNS, and the credentials that it shows.
//!
//! HTTP/1.1 over TLS, with no more connections than `MOST`. Where a push goes is the device's word, so what fails there
//! blames the device alone, unless WNS has answered from there before.

mod line;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use ordain_model::enrollment::WnsChannel;
use ordain_model::wake::Outcome;
pub use ordain_windows::wns::Credentials;
use ordain_windows::wns::{Answer, Origin, Site, Token, TokenRefused};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::line::{Failure, Lines};
use super::{Push, SetupError};
use crate::files;
use crate::settings::StartError;

/// The most connections at once.
const MOST: usize = 64;
/// The most servers that are remembered to have answered as WNS.
const MOST_KNOWN: usize = 1_000;
/// So long before its end a token is not used any more.
const BEFORE_ITS_END: Duration = Duration::from_secs(60);

/// A client of WNS for one app; for other credentials, make another client. Any number of tasks may use it at once.
pub struct Wns {
    credentials: Credentials,
    site: Site,
    lines: Lines,
    token: Mutex<Kept>,
    /// Who has answered as WNS does.
    known: StdMutex<BTreeSet<(String, u16)>>,
}

/// The token, or why there is none.
#[derive(Default)]
struct Kept {
    /// With when its time is up.
    token: Option<(Arc<Token>, Instant)>,
    /// With when that was.
    failed: Option<(Outcome, Instant)>,
}

impl Wns {
    /// A client, not yet connected. `ca` is PEM with the only authorities that may vouch for WNS; those that this machine
    /// trusts otherwise. `patience` is the longest that a free place, connecting, and an answer may take, each.
    pub fn new(
        credentials: Credentials,
        site: Site,
        ca: Option<&str>,
        patience: Duration,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            credentials,
            site,
            lines: Lines::new(ca, MOST, patience)?,
            token: Mutex::default(),
            known: StdMutex::default(),
        })
    }

    /// Pushes to a device's channel; WNS keeps it for `lives` seconds for a device that is not connected. Nothing is sent twice
    /// that WNS may have processed.
    pub async fn push(&self, to: &WnsChannel, lives: u32) -> Outcome {
        let refused = |reason: &str| Outcome::Refused {
            reason: reason.to_owned(),
        };
        if to.package != self.credentials.package {
            return refused("the device's channel is for another package");
        }
        let Ok(channel) = self.site.channel(&to.uri) else {
            return refused("the device's channel is not one of WNS");
        };
        let mut stale = None;
        loop {
            let token = match self.token(stale.as_ref()).await {
                Ok(token) => token,
                Err(outcome) => return outcome,
            };
            let request = token.push(&channel, lives);
            let origin = request.origin.clone();
            let reply = match self.lines.exchange(request).await {
                Ok(reply) => reply,
                Err(failure) => return self.unanswered(&origin, failure),
            };
            let answer = Answer {
                status: reply.status,
                retry_after: reply.header("retry-after"),
                is_of_wns: reply.is_of_wns(),
                fate: reply
                    .header("x-wns-status")
                    .or_else(|| reply.header("x-wns-notificationstatus")),
            };
            match answer.outcome() {
                Ok(outcome) => {
                    if answer.is_of_wns {
                        self.know(&origin);
                    }
                    return outcome;
                }
                // The address may be one that no token opens.
                Err(TokenRefused) if stale.is_some() => return refused("HTTP 401"),
                Err(TokenRefused) => stale = Some(token),
            }
        }
    }

    /// A token other than `stale`. Of those who wait for one, the first asks for all.
    async fn token(&self, stale: Option<&Arc<Token>>) -> Result<Arc<Token>, Outcome> {
        let since = Instant::now();
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = &kept.token
            && since < *until
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, token))
        {
            return Ok(token.clone());
        }
        if let Some((outcome, at)) = &kept.failed
            && since <= *at
        {
            return Err(outcome.clone());
        }
        let request = self.credentials.token_request(&self.site);
        let origin = request.origin.clone();
        let answer = match self.lines.exchange(request).await {
            Ok(reply) => {
                self.know(&origin);
                Token::read(reply.status, reply.header("retry-after"), &reply.body)
            }
            Err(Failure::Untrusted(reason)) => Err(Outcome::Misconfigured { reason }),
            Err(Failure::Down(reason)) => Err(Outcome::Retry { reason, after: None }),
            Err(Failure::Busy) => Err(busy()),
        };
        match answer {
            Ok(token) => {
                let lives = Duration::from_secs(token.lives.into());
                let until = Instant::now() + lives.saturating_sub(BEFORE_ITS_END);
                let token = Arc::new(token);
                kept.token = Some((token.clone(), until));
                Ok(token)
            }
            Err(outcome) => {
                kept.token = None;
                kept.failed = Some((outcome.clone(), Instant::now()));
                Err(outcome)
            }
        }
    }

    /// What became of a push that nobody answered. A server that never answered as WNS may be of the device's making up.
    fn unanswered(&self, origin: &Origin, failure: Failure) -> Outcome {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.contains(&(origin.host.clone(), origin.port));
        match failure {
            Failure::Busy => busy(),
            Failure::Down(reason) | Failure::Untrusted(reason) if is_known => {
                Outcome::Retry { reason, after: None }
            }
            Failure::Down(reason) | Failure::Untrusted(reason) => Outcome::Refused {
                reason: format!("no answer from the device's channel: {reason}"),
            },
        }
    }

    fn know(&self, origin: &Origin) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_KNOWN {
            known.insert((origin.host.clone(), origin.port));
        }
    }
}

fn busy() -> Outcome {
    Outcome::Retry {
        reason: "all connections are busy".to_owned(),
        after: None,
    }
}

/// Where WNS is, by the setting.
pub(super) fn site(url: Option<&str>) -> Result<Site, StartError> {
    let Some(url) = url else {
        return Ok(Site::Microsoft);
    };
    Site::at(url).map_err(|_| StartError::Setting(format!("--wns-url {url}: give https://HOST:PORT")))
}

impl Push {
    /// A client with `credentials`; the error says what to do.
    pub(super) fn wns_client(&self, credentials: &Credentials) -> Result<Wns, String> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let ca = self
            .wns_ca
            .as_deref()
            .map(|path: &Path| files::read(path))
            .transpose();
        let ca = ca.map_err(|error| error.to_string())?;
        Wns::new(
            credentials.clone(),
            self.wns_site.clone(),
            ca.as_deref(),
            PATIENCE,
        )
        .map_err(|error| error.to_string())
    }

    /// Whether `uri` is an address that a channel can have.
    pub(crate) fn is_channel(&self, uri: &str) -> bool {
        self.wns_site.channel(uri).is_ok()
    }
}
