//! Tokens of Microsoft Entra: JSON web tokens (RFC 7519) that a tenant signs for the MDM application (MS-MDE2 section
//! 3.2).

use std::path::PathBuf;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use ordain_model::windows::Entra as EntraFacts;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::exchange::Problem;
use crate::events::client::Client;
use crate::files;
use crate::settings::{EntraSettings, StartError};

/// How far Entra's clock may be from ours, in seconds.
const CLOCK_TOLERANCE: i64 = 5 * 60;
/// The most octets of a set of keys. Entra's have some tens of KiB, with a certificate for each.
const MAX_KEYS: usize = 256 << 10;
/// How long keys are believed, in seconds: who withdraws one wants that to be heeded.
const KEPT: i64 = 24 * 60 * 60;
/// Keys that are not known are asked for once in so many seconds, whoever names them.
const PAUSE: i64 = 60;
/// What a token must be good for.
const SCOPE: &str = "mdm_delegation";

/// Whose tokens count, and how they are known.
pub(crate) struct Entra {
    tenant: String,
    audience: String,
    rules: Validation,
    keys: Keys,
}

enum Keys {
    /// Those of a file, as they were at the start.
    File(JwkSet),
    /// Those that a URL has.
    Url {
        url: String,
        client: Client,
        fetched: Mutex<Fetched>,
    },
}

#[derive(Default)]
struct Fetched {
    keys: Option<JwkSet>,
    /// When they came, and when they were last asked for, in unix seconds.
    at: i64,
    asked_at: i64,
}

/// For whom a token is.
#[derive(Debug)]
pub(super) struct User {
    pub(super) name: Option<String>,
    pub(super) entra: EntraFacts,
}

/// What is read of a token, signature, issuer and audience aside.
#[derive(Debug, Deserialize)]
struct Claims {
    exp: i64,
    nbf: Option<i64>,
    tid: String,
    scp: Option<String>,
    upn: Option<String>,
    unique_name: Option<String>,
    preferred_username: Option<String>,
    deviceid: Option<String>,
}

fn invalid() -> Problem {
    Problem::authentication("The token of Microsoft Entra is not valid here.")
}

impl Entra {
    /// Believes the tenant that the settings name. A file of keys is read at once, what a URL has when it is needed.
    pub(crate) fn new(settings: EntraSettings) -> Result<Self, StartError> {
        let EntraSettings {
            tenant,
            audience,
            jwks,
        } = settings;
        let is_name = !tenant.is_empty() && tenant.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        if !is_name {
            let what = format!("--entra-tenant {tenant}: give the tenant's identifier, a GUID");
            return Err(StartError::Setting(what));
        }
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[&audience]);
        // Of either version of the tokens.
        rules.set_issuer(&[
            format!("https://sts.windows.net/{tenant}/"),
            format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        ]);
        rules.set_required_spec_claims(&["aud", "iss", "exp"]);
        // Time is judged here, by the server's clock.
        rules.validate_exp = false;
        let keys = if jwks.contains("://") {
            Keys::Url {
                url: jwks,
                client: Client::new()?,
                fetched: Mutex::default(),
            }
        } else {
            let path = PathBuf::from(&jwks);
            let keys = serde_json::from_str(&files::read(&path)?);
            Keys::File(keys.map_err(|error| {
                StartError::Setting(format!("--entra-jwks {jwks}: no JSON web key set: {error}"))
            })?)
        };
        Ok(Self {
            tenant,
            audience,
            rules,
            keys,
        })
    }

    /// For whom tokens must be: devices ask Entra for one for it.
    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    /// Whose token this is, if it is one that lets its user's device enroll at `now`.
    pub(super) async fn verify(&self, token: &str, now: i64) -> Result<User, Problem> {
        let claims = self.claims(token, now).await?;
        let mut scopes = claims
            .scp
            .iter()
            .flat_map(|scopes| scopes.split_ascii_whitespace());
        if !scopes.any(|scope| scope == SCOPE) {
            return Err(invalid());
        }
        Ok(User {
            name: claims.upn.or(claims.unique_name).or(claims.preferred_username),
            entra: EntraFacts {
                tenant: self.tenant.clone(),
                device: claims.deviceid.as_deref().and_then(super::context::text),
            },
        })
    }

    /// Which device Entra says that the sender is, if the token counts at `now`. \[U\] what else such a token has, so that
    /// no scope is asked for: whoever has one that was made on this device for this server is this device.
    pub(super) async fn verify_device(&self, token: &str, now: i64) -> Result<String, Problem> {
        let claims = self.claims(token, now).await?;
        let device = claims.deviceid.as_deref().and_then(super::context::text);
        device.ok_or_else(invalid)
    }

    /// What a token says that the tenant made for this server, and that is valid at `now`.
    async fn claims(&self, token: &str, now: i64) -> Result<Claims, Problem> {
        let header = decode_header(token).map_err(|_| invalid())?;
        let key = match header.kid {
            Some(name) if self.rules.algorithms.contains(&header.alg) => self.keys.find(&name, now).await?,
            _ => None,
        };
        let key = DecodingKey::from_jwk(&key.ok_or_else(invalid)?).map_err(|_| invalid())?;
        let claims = decode::<Claims>(token, &key, &self.rules).map_err(|error| {
            tracing::info!(%error, "a token of Microsoft Entra");
            invalid()
        })?;
        let claims = claims.claims;
        let begins = claims.nbf.unwrap_or(now);
        let is_current =
            begins.saturating_sub(CLOCK_TOLERANCE) <= now && now < claims.exp.saturating_add(CLOCK_TOLERANCE);
        if !is_current {
            return Err(Problem::authentication(
                "The token of Microsoft Entra has expired.",
            ));
        }
        match claims.tid.eq_ignore_ascii_case(&self.tenant) {
            true => Ok(claims),
            false => Err(invalid()),
        }
    }
}

impl Keys {
    /// The key of that name (`kid`), if there is one.
    async fn find(&self, name: &str, now: i64) -> Result<Option<Jwk>, Problem> {
        let (url, client, fetched) = match self {
            Self::File(keys) => return Ok(keys.find(name).cloned()),
            Self::Url { url, client, fetched } => (url, client, fetched),
        };
        let mut fetched = fetched.lock().await;
        let found = fetched.find(name);
        let is_fresh = now < fetched.at.saturating_add(KEPT);
        if (found.is_some() && is_fresh) || now < fetched.asked_at.saturating_add(PAUSE) {
            return match &fetched.keys {
                Some(_) => Ok(found),
                None => Err(Problem::unavailable("the keys of Microsoft Entra were not had")),
            };
        }
        fetched.asked_at = now;
        let answer = client.get(url, MAX_KEYS).await;
        let keys = answer.map_err(Problem::unavailable).and_then(|answer| {
            serde_json::from_slice(&answer).map_err(|error| Problem::unavailable(format!("{url}: {error}")))
        });
        match keys {
            Ok(keys) => {
                fetched.keys = Some(keys);
                fetched.at = now;
            }
            // What is known goes on to count while Entra cannot be reached.
            Err(Problem::Unavailable(error)) if found.is_some() => {
                tracing::warn!(error, "the keys of Microsoft Entra were not had again");
            }
            Err(error) => return Err(error),
        }
        Ok(fetched.find(name))
    }
}

impl Fetched {
    fn find(&self, name: &str) -> Option<Jwk> {
        self.keys.as_ref().and_then(|keys| keys.find(name)).cloned()
    }
}
