//! What is kept between two messages: it may hold values that are secrets, so it is sealed.

use ordain_model::ids::EnrollmentId;
use ordain_pki::seal::KeyRing;
use ordain_store::windows_session_context;
use serde::{Deserialize, Serialize};

use super::Speaks;
use super::wire::Part;
use crate::app::App;
use crate::device::fault::Fault;

/// A session, and what only the wire needs of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept<S> {
    pub(super) session: S,
    /// What has come of a value that comes in parts.
    pub(super) part: Option<Part>,
    /// The answer to the last message.
    #[serde(with = "text")]
    pub(super) answer: Vec<u8>,
}

impl<S: Speaks> Kept<S> {
    /// The last session of a channel, with its number.
    pub(super) async fn load(
        app: &App,
        ring: &KeyRing,
        id: &EnrollmentId,
    ) -> Result<Option<(i64, Self)>, Fault> {
        let Some(kept) = app.store.windows_session(id).await? else {
            return Ok(None);
        };
        let what = || format!("the session of {id}");
        let opened = ring.open(&windows_session_context(id), &kept.sealed);
        let opened = opened.map_err(|error| app.seal.lost(&what(), error))?;
        let session = serde_json::from_slice(&opened);
        let session = session.map_err(|error| Fault::Unavailable(format!("{}: {error}", what())))?;
        Ok(Some((kept.number, session)))
    }

    pub(super) fn seal(&self, ring: &KeyRing, id: &EnrollmentId) -> Result<Vec<u8>, Fault> {
        let unavailable = |error: String| Fault::Unavailable(error);
        let content = serde_json::to_vec(self).map_err(|error| unavailable(error.to_string()))?;
        let sealed = ring.seal(&windows_session_context(id), &content);
        sealed.map_err(|error| unavailable(error.to_string()))
    }
}

/// Messages are XML: text.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&String::from_utf8_lossy(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        String::deserialize(from).map(String::into_bytes)
    }
}
