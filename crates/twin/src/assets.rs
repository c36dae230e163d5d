//! The data that declarations refer to: assets, and the profiles of legacy configurations. Fetched only once a
//! declaration is active, and checked before use.

use std::collections::{BTreeMap, BTreeSet};

use ordain_apple::json;
use ordain_apple::profile::{Invalid, Profile};
use ordain_model::ids::Digest;
use ordain_model::report::Reason;
use serde_json::{Value, json};

use crate::complaint::{Complaint, Complaints};
use crate::request::{About, Request, Response, To};
use crate::stored::{Store, Stored};

/// After how many seconds a download that failed is tried again.
const RETRY: i64 = 60;

/// What is known of the data of each declaration, by identifier.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    known: BTreeMap<String, Content>,
    wanted: BTreeSet<String>,
}

#[derive(Debug)]
struct Content {
    /// The revision of the declaration that the data is for.
    server_token: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Ready,
    /// Kept until the declaration changes, or until the time has come to try `again`.
    Failed {
        reason: Reason,
        again: Option<i64>,
    },
}

/// The data of a declaration, as far as the device has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Data<'a> {
    /// It refers to none, or it is there and verified.
    Ready,
    /// Still to be downloaded.
    Pending,
    /// Not to be had, or not as declared.
    Failed(&'a Reason),
}

/// Where data is, and how it is checked.
#[derive(Debug, PartialEq)]
struct Source<'a> {
    url: &'a str,
    identified: bool,
    content_type: Option<&'a str>,
    size: Option<&'a Value>,
    hash: Option<&'a str>,
    form: Form,
}

/// What the data has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Any,
    /// A document of a credential.
    Json,
    Profile,
}

impl Contents {
    /// The data of a declaration.
    pub(crate) fn of(&self, stored: &Stored) -> Data<'_> {
        match self.known.get(&stored.identifier) {
            Some(content) if content.server_token == stored.server_token => match &content.outcome {
                Outcome::Ready => Data::Ready,
                Outcome::Failed { reason, .. } => Data::Failed(reason),
            },
            _ if source(stored).is_none() => Data::Ready,
            _ => Data::Pending,
        }
    }

    /// The active declarations are these: the data of those that are pending is to be downloaded, that of declarations
    /// that are gone is forgotten.
    pub(crate) fn want(&mut self, active: BTreeSet<String>, store: &Store) {
        self.known.retain(|identifier, _| store.contains_key(identifier));
        self.wanted = active
            .into_iter()
            .filter(|identifier| {
                store
                    .get(identifier)
                    .is_some_and(|stored| matches!(self.of(stored), Data::Pending))
            })
            .collect();
    }

    /// What could not be had is tried again, when its time has come. True when there is such.
    pub(crate) fn wake(&mut self, now: i64) -> bool {
        let before = self.known.len();
        self.known.retain(|_, content| match content.outcome {
            Outcome::Failed {
                again: Some(again), ..
            } => now < again,
            Outcome::Failed { again: None, .. } | Outcome::Ready => true,
        });
        self.known.len() != before
    }

    /// Whether downloads are due.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// The next download.
    pub(crate) fn next(&self, store: &Store) -> Option<Request> {
        let stored = store.get(self.wanted.first()?)?;
        let Source { url, identified, .. } = source(stored)?;
        let to = To::Download {
            url: url.to_owned(),
            identified,
        };
        Some(Request { to, body: Vec::new() })
    }

    /// Takes the answer to [`Contents::next`].
    pub(crate) fn answered(
        &mut self,
        response: &Response,
        store: &Store,
        complaints: &mut Complaints,
        now: i64,
    ) {
        let Some(stored) = self
            .wanted
            .pop_first()
            .and_then(|identifier| store.get(&identifier))
        else {
            return;
        };
        let Some(source) = source(stored) else {
            return;
        };
        let outcome = if complaints.check_status(response, &About::Download(source.url.to_owned())) {
            match source.check(response) {
                Ok(()) => Outcome::Ready,
                Err((code, what)) => {
                    complaints.add(Complaint::WrongData {
                        identifier: stored.identifier.clone(),
                        what: what.clone(),
                    });
                    Outcome::Failed {
                        reason: failure(code, what),
                        again: None,
                    }
                }
            }
        } else {
            let what = format!("the server answered {}", response.status);
            Outcome::Failed {
                reason: failure("Error.AssetCannotBeDownloaded", what),
                again: Some(now.saturating_add(RETRY)),
            }
        };
        let content = Content {
            server_token: stored.server_token.clone(),
            outcome,
        };
        self.known.insert(stored.identifier.clone(), content);
    }
}

impl Source<'_> {
    /// Checks the data, in the order of Apple's documentation: media type, size, hash, and only then what it says.
    fn check(&self, response: &Response) -> Result<(), (&'static str, String)> {
        let unverified = |what: &str| Err(("Error.AssetCannotBeVerified", what.to_owned()));
        if self
            .content_type
            .is_some_and(|declared| !response.is_of_type(declared))
        {
            return unverified("another Content-Type than declared");
        }
        if self
            .size
            .is_some_and(|declared| *declared != json!(response.body.len()))
        {
            return unverified("another Size than declared");
        }
        let hash = Digest::of(&response.body).to_string();
        if self
            .hash
            .is_some_and(|declared| !declared.eq_ignore_ascii_case(&hash))
        {
            return unverified("another Hash-SHA-256 than declared");
        }
        let unreadable = |what: String| Err(("Error.AssetCannotBeDeserialized", what));
        match self.form {
            Form::Any => Ok(()),
            Form::Json => json::object(&response.body)
                .map(drop)
                .or_else(|error| unreadable(error.to_string())),
            Form::Profile => match Profile::read(&response.body) {
                Ok(_) | Err(Invalid::Signed) => Ok(()),
                Err(error) => unreadable(error.to_string()),
            },
        }
    }
}

/// Where the data of a declaration is; `None` when it refers to none.
fn source(stored: &Stored) -> Option<Source<'_>> {
    if let Some(url) = stored.text("ProfileURL").filter(|_| is_legacy(&stored.type_name)) {
        return Some(Source {
            url,
            identified: true,
            content_type: None,
            size: None,
            hash: None,
            form: Form::Profile,
        });
    }
    let credential = stored.type_name.strip_prefix("com.apple.asset.credential.");
    if credential.is_none() && stored.type_name != "com.apple.asset.data" {
        return None;
    }
    let text = |key: &str| stored.payload.pointer(key).and_then(Value::as_str);
    Some(Source {
        url: text("/Reference/DataURL")?,
        identified: text("/Authentication/Type") != Some("None"),
        content_type: text("/Reference/ContentType"),
        size: stored.payload.pointer("/Reference/Size"),
        hash: text("/Reference/Hash-SHA-256"),
        form: match credential {
            Some("certificate") | None => Form::Any,
            Some(_) => Form::Json,
        },
    })
}

fn is_legacy(type_name: &str) -> bool {
    [
        "com.apple.configuration.legacy",
        "com.apple.configuration.legacy.interactive",
    ]
    .contains(&type_name)
}

fn failure(code: &str, error: String) -> Reason {
    Reason {
        code: code.to_owned(),
        description: Some(error.clone()),
        details: Some(json!({"Error": error})),
    }
}
