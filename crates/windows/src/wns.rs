//! WNS, Windows' push service: what is asked of it, what its answers mean, and which channels are believed to be its own.
//!
//! A push to a device tells it to hold a management session, and nothing else. It goes as an HTTP request to the address
//! (`ChannelURI`) that WNS gave the device for the app of a *package family name*, by whoever shows a token of that app.
//! The token is had with the app's package SID and a secret, as Microsoft's store gives them out.
//!
//! \[U\] Apps that were registered with Microsoft Entra get their tokens elsewhere (`login.microsoftonline.com`, scope
//! `https://wns.windows.com/.default`), and MDM is documented with SID and secret alone. That way is not there.

use std::fmt;

use ordain_model::wake::{MAX_WAIT, Outcome, retry_after};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// The longest address of a channel, in octets. Microsoft speaks of at most 1024.
pub const MAX_URI: usize = 2048;
/// The largest answer that is read, in octets.
pub const MAX_ANSWER: usize = 32 * 1024;

/// What the hosts of channels end with.
const CHANNELS: &str = ".notify.windows.com";
/// Where tokens are had.
const LOGIN: &str = "login.live.com";
const LOGIN_PATH: &str = "/accesstoken.srf";
const HTTPS: u16 = 443;
/// What a push says. It has to say something, and devices do not look at it.
const NOTHING: &str = "1";
/// The longest token, in octets.
const MAX_TOKEN: usize = 16 * 1024;
/// How long a token is believed that does not say, and how long at most, in seconds.
const TOKEN_LIVES: u32 = 24 * 60 * 60;
/// The longest word of an error that is passed on, in octets.
const MAX_WORD: usize = 64;
/// What stays as it is in a form.
const FORM: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where WNS is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// Microsoft's own, by https alone.
    Microsoft,
    /// All of it, tokens and channels, at one place: a simulated one.
    At(Origin),
}

/// A server, by https.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Its name, in lower case.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// The address of a channel of WNS. Only [`Site::channel`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Channel {
    origin: Origin,
    path: String,
}

/// Shown without what names the device.
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a channel at {}", self.origin.host)
    }
}

/// The address is not one of WNS, and is never asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address of WNS")]
pub struct NotOfWns;

/// A request with the method POST.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Where it goes.
    pub origin: Origin,
    /// Path and query.
    pub path: String,
    /// The headers, lower case, beside those of HTTP itself. They may hold a token.
    pub headers: Vec<(&'static str, String)>,
    /// The body. It may hold the secret.
    pub body: String,
}

impl Origin {
    /// Reads `https://HOST` or `https://HOST:PORT`, and what comes after it.
    fn split(url: &str) -> Option<(Self, &str)> {
        let rest = url.strip_prefix("https://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end)?;
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, HTTPS),
        };
        // Names only: no address, nobody's name and password, and nothing that two readers of URLs could read in two ways.
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_name = host.len() <= 253
            && host.split('.').all(is_label)
            && host.rsplit('.').next()?.bytes().any(|c| c.is_ascii_alphabetic());
        let host = host.to_ascii_lowercase();
        is_name.then_some((Self { host, port }, rest))
    }
}

impl Site {
    /// A simulated WNS at `https://HOST:PORT`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn at(url: &str) -> Result<Self, NotOfWns> {
        match Origin::split(url) {
            Some((origin, "" | "/")) => Ok(Self::At(origin)),
            _ => Err(NotOfWns),
        }
    }

    /// The channel that a device says it has: an address of WNS, by https.
    ///
    /// # Errors
    /// When it leads anywhere else: a device would have the server ask what it likes.
    pub fn channel(&self, uri: &str) -> Result<Channel, NotOfWns> {
        if uri.len() > MAX_URI {
            return Err(NotOfWns);
        }
        let (origin, path) = Origin::split(uri).ok_or(NotOfWns)?;
        let is_its_own = match self {
            Self::Microsoft => origin.port == HTTPS && origin.host.ends_with(CHANNELS),
            Self::At(site) => origin == *site,
        };
        let is_of_uris = |c: u8| c.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(&c);
        if !is_its_own || !path.bytes().all(is_of_uris) {
            return Err(NotOfWns);
        }
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("/{path}"),
        };
        Ok(Channel { origin, path })
    }

    fn login(&self) -> Origin {
        match self {
            Self::Microsoft => Origin {
                host: LOGIN.to_owned(),
                port: HTTPS,
            },
            Self::At(site) => site.clone(),
        }
    }
}

/// What the server shows to WNS: those of an app of Microsoft's store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The package family name: what devices get channels for.
    pub package: String,
    /// The package SID.
    pub sid: String,
    secret: String,
}

/// The secret is not shown.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.package, self.sid)
    }
}

/// Why credentials are not taken; each says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCredentials {
    /// The package family name.
    #[error(
        "this is no package family name: it is a name, `_`, and 13 letters and digits, as Contoso.MDM_8wekyb3d8bbwe"
    )]
    Package,
    /// The package SID.
    #[error("this is no package SID: it begins with ms-app://S-1-15-2-")]
    Sid,
    /// The secret.
    #[error("this is no client secret: it has 1 to 256 visible characters, in one line")]
    Secret,
}

impl Credentials {
    /// Checks their form; blanks around them do not count, nor does `ms-app://` before the SID.
    ///
    /// # Errors
    /// When one of them cannot be what it should be.
    pub fn new(package: &str, sid: &str, secret: &str) -> Result<Self, BadCredentials> {
        let (package, sid, secret) = (package.trim_ascii(), sid.trim_ascii(), secret.trim_ascii());
        let sid = sid.strip_prefix("ms-app://").unwrap_or(sid);
        let is_package = package.rsplit_once('_').is_some_and(|(name, publisher)| {
            (3..=50).contains(&name.len())
                && name
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c))
                && publisher.len() == 13
                && publisher
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        let digits = sid.strip_prefix("S-1-15-2-").filter(|rest| rest.len() <= 128);
        let is_sid = digits.is_some_and(|rest| {
            let is_number = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
            rest.split('-').all(is_number)
        });
        let is_secret = (1..=256).contains(&secret.len()) && secret.bytes().all(|c| c.is_ascii_graphic());
        if !is_package {
            Err(BadCredentials::Package)
        } else if !is_sid {
            Err(BadCredentials::Sid)
        } else if !is_secret {
            Err(BadCredentials::Secret)
        } else {
            Ok(Self {
                package: package.to_owned(),
                sid: sid.to_owned(),
                secret: secret.to_owned(),
            })
        }
    }

    /// The request for a token.
    pub fn token_request(&self, site: &Site) -> Request {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &format!("ms-app://{}", self.sid)),
            ("client_secret", &self.secret),
            ("scope", "notify.windows.com"),
        ];
        let field = |(name, value): (&str, &str)| format!("{name}={}", utf8_percent_encode(value, &FORM));
        Request {
            origin: site.login(),
            path: LOGIN_PATH.to_owned(),
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: form.map(field).join("&"),
        }
    }
}

/// What pushes are allowed by.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    /// How long it lasts from now on, in seconds; at most a day.
    pub lives: u32,
}

/// It is a secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// Reads the answer to [`Credentials::token_request`], of which no more than [`MAX_ANSWER`] octets count.
    ///
    /// # Errors
    /// As what became of whatever was to be pushed with it.
    pub fn read(status: u16, after: Option<&str>, body: &[u8]) -> Result<Self, Outcome> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            access_token: String,
            expires_in: Option<u32>,
            error: String,
        }
        let body: Body = (body.len() <= MAX_ANSWER)
            .then(|| serde_json::from_slice(body).ok())
            .flatten()
            .unwrap_or_default();
        let text = body.access_token;
        let is_token = (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
        let is_word = (1..=MAX_WORD).contains(&body.error.len())
            && body.error.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
        match status {
            200 if is_token => Ok(Self {
                text,
                lives: body.expires_in.unwrap_or(TOKEN_LIVES).min(TOKEN_LIVES),
            }),
            // Without a token nobody is pushed.
            408 | 429 | 500.. => Err(Outcome::Throttled {
                reason: said(status),
                after: after.and_then(retry_after),
            }),
            _ => Err(Outcome::Misconfigured {
                reason: match is_word {
                    true => body.error,
                    false => format!("no token: {}", said(status)),
                },
            }),
        }
    }

    /// The push to `channel`, which WNS keeps for `lives` seconds for a device that is not connected.
    pub fn push(&self, channel: &Channel, lives: u32) -> Request {
        Request {
            origin: channel.origin.clone(),
            path: channel.path.clone(),
            headers: vec![
                ("authorization", format!("Bearer {}", self.text)),
                ("content-type", "application/octet-stream".to_owned()),
                ("x-wns-type", "wns/raw".to_owned()),
                ("x-wns-cache-policy", "cache".to_owned()),
                ("x-wns-ttl", lives.to_string()),
            ],
            body: NOTHING.to_owned(),
        }
    }
}

/// The token does not count (any more): another one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRefused;

/// An answer to a push, as far as it says anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// Whether it has any header that begins with `X-WNS-`, as WNS' own answers do.
    pub is_of_wns: bool,
    /// `X-WNS-Status`. \[U\] Microsoft's monitoring calls it `X-WNS-NotificationStatus`.
    pub fate: Option<&'a str>,
}

impl Answer<'_> {
    /// What became of the push. The address is the device's word, so that whatever it can lead to blames the device alone.
    ///
    /// # Errors
    /// When the token was refused.
    pub fn outcome(&self) -> Result<Outcome, TokenRefused> {
        let after = self.retry_after.and_then(retry_after);
        Ok(match (self.status, self.fate) {
            (200, Some(reason @ "channelthrottled")) => Outcome::Slow {
                reason: reason.to_owned(),
                after,
            },
            // [U] Whether one that is to be kept is ever dropped; then it is pushed again.
            (200, Some("dropped")) => Outcome::Refused {
                reason: "dropped".to_owned(),
            },
            (200, _) => Outcome::Accepted,
            (401, _) => return Err(TokenRefused),
            // What is no answer of WNS' own takes no channel from a device.
            (404 | 410, _) if self.is_of_wns => Outcome::Dead { since: None },
            // All that is pushed with these credentials is too much.
            (406 | 429, _) => Outcome::Throttled {
                reason: "throttled".to_owned(),
                after: after.or(Some(THROTTLED)),
            },
            (500.., _) => Outcome::Retry {
                reason: said(self.status),
                after,
            },
            _ => Outcome::Refused {
                reason: said(self.status),
            },
        })
    }
}

/// How long to wait when WNS throttles and does not say for how long, in seconds.
const THROTTLED: u32 = 60;
const _: () = assert!(THROTTLED <= MAX_WAIT);

fn said(status: u16) -> String {
    format!("HTTP {status}")
}

#[cfg(test)]
mod tests;
