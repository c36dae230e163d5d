//! What a twin sends, and what comes back: HTTP without its transport.

use std::fmt;

/// A request to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where it goes.
    pub to: To,
    /// The body; empty for a download.
    pub body: Vec<u8>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// PUT to the CheckInURL.
    CheckIn,
    /// PUT to the ServerURL: the command channel.
    Command,
    /// GET of an asset or a profile.
    Download {
        /// An https URL, as a declaration has it.
        url: String,
        /// Whether the device shows its identity, as `Authentication` of the asset says.
        identified: bool,
    },
}

impl To {
    /// The media type of the request's body.
    pub const fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::CheckIn => Some("application/x-apple-aspen-mdm-checkin"),
            Self::Command => Some("application/x-apple-aspen-mdm"),
            Self::Download { .. } => None,
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
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the body is said to be of this media type, parameters aside.
    pub(crate) fn is_of_type(&self, media_type: &str) -> bool {
        self.content_type
            .as_deref()
            .and_then(|said| said.split(';').next())
            .is_some_and(|said| said.trim().eq_ignore_ascii_case(media_type))
    }

    /// Whether a device takes this answer to a management request as the word that it is not enrolled (any more).
    pub(crate) fn unenrolls(&self) -> bool {
        const UNRECOGNIZED: &[u8] = b"com.apple.unrecognized.device";
        let names = |body: &[u8]| body.windows(UNRECOGNIZED.len()).any(|part| part == UNRECOGNIZED);
        self.status == 401 || self.status == 403 && names(&self.body)
    }
}

/// What a request is about, as complaints name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Authenticate.
    Authenticate,
    /// TokenUpdate.
    TokenUpdate,
    /// CheckOut.
    CheckOut,
    /// A message on the command channel.
    Command,
    /// A DDM request: its `Endpoint`.
    Endpoint(ordain_apple::ddm::Endpoint),
    /// A download.
    Download(String),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticate => f.write_str("Authenticate"),
            Self::TokenUpdate => f.write_str("TokenUpdate"),
            Self::CheckOut => f.write_str("CheckOut"),
            Self::Command => f.write_str("the command channel"),
            Self::Endpoint(endpoint) => endpoint.fmt(f),
            Self::Download(url) => url.fmt(f),
        }
    }
}
