//! What a twin sends, and what comes back: HTTP without its transport.

use std::fmt;

use http::Method;

use super::complaint::Complaint;
use crate::identity::Identity;

/// A request to the server.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// An https URL.
    pub url: String,
    /// `Content-Type` of the body, if there is one.
    pub content_type: Option<&'static str>,
    /// Other headers that Windows is documented to send.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    /// The TLS client certificate to show.
    pub identity: Option<Identity>,
}

impl Request {
    pub(super) fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            content_type: None,
            headers: Vec::new(),
            body: Vec::new(),
            identity: None,
        }
    }

    pub(super) fn post(url: impl Into<String>, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            method: Method::POST,
            content_type: Some(content_type),
            body,
            ..Self::get(url)
        }
    }
}

/// An answer, its body read to the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// Whether there was a `Transfer-Encoding`.
    pub is_chunked: bool,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<i64>,
    /// `Location`.
    pub location: Option<String>,
    /// `Set-Cookie`, each.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A well-formed answer of that status code and type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            content_type: Some(content_type.to_owned()),
            content_length: u64::try_from(body.len()).ok(),
            body,
            ..Self::default()
        }
    }

    /// Whether the server asks to come back later, and in how many seconds.
    pub(super) fn postpones(&self) -> Option<i64> {
        // A day at most: whoever asks for more means never.
        let asked = |seconds: i64| seconds.clamp(1, 86_400);
        match self.status {
            429 => Some(self.retry_after.map_or(60, asked)),
            503 => self.retry_after.map(asked),
            _ => None,
        }
    }

    /// Linked discovery honours `Retry-After` on whatever error.
    pub(super) fn postpones_linking(&self) -> Option<i64> {
        let error = self.status >= 400;
        let asked = self.retry_after.filter(|_| error);
        asked.map(|seconds| seconds.clamp(1, 86_400)).or(self.postpones())
    }

    /// What Windows asks of every answer: its length told, and true; and the media type.
    pub(super) fn check(&self, about: About, media_type: &str) -> Result<(), Complaint> {
        if self.is_chunked {
            return Err(Complaint::Chunked(about));
        }
        let length = self.content_length.ok_or(Complaint::NoLength(about))?;
        if u64::try_from(self.body.len()) != Ok(length) {
            return Err(Complaint::WrongLength(about));
        }
        let said = self.content_type.as_deref().unwrap_or_default();
        let essence = said.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(media_type) {
            Ok(())
        } else {
            Err(Complaint::ContentType {
                about,
                found: said.to_owned(),
            })
        }
    }
}

/// What an exchange is about, as complaints name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The GET before discovery.
    Probe,
    /// Discovery.
    Discover,
    /// The JSON discovery of a linked enrollment.
    LinkedDiscover,
    /// The pages on which the user signs in.
    SignIn,
    /// The certificate policy.
    GetPolicies,
    /// The enrollment itself.
    Enroll,
    /// The renewal of the certificate.
    Renew,
    /// A management session.
    Session,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probe => "the probe",
            Self::Discover => "discovery",
            Self::LinkedDiscover => "linked discovery",
            Self::SignIn => "the sign-in page",
            Self::GetPolicies => "GetPolicies",
            Self::Enroll => "enrollment",
            Self::Renew => "renewal",
            Self::Session => "a session",
        })
    }
}
