//! A session on the linked channel: which documents a device is sent, and what is made of what it says of them.
//!
//! The device lists its documents in each message. What is sent next follows from that list, from what is wanted, and from
//! what is known already ([`Documents`]), which is part of what the channel has reported. A session itself remembers
//! little more than the conversation.

mod drift;
mod judge;
mod reconcile;
mod record;
mod state;
mod template;
mod told;

use ordain_catalog::Scope;
use ordain_catalog::windows::{DataFormat, Request, Verb, WindowsCatalog};
use serde::{Deserialize, Serialize};

pub use self::record::{Documents, Drift, DriftKind, Good, Known, Leaving, Read, Refresh, Seen, Stays};
pub use self::state::{Kind, State};
pub use self::told::{DocumentResult, Outcome, Part, Told, Verdict};
use super::conversation::{Answer, Conversation, Operation, OutOfTurn, Piece, Said, Turn};
use super::document::{DocId, Document};
use super::link::SCHEDULE;
use crate::ids::Digest;

/// What a session is decided from, beside what it remembers.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the device is to have, in the order of the manifest.
    pub wanted: &'a [Declared],
    /// What is known of nodes.
    pub catalog: &'a WindowsCatalog,
    /// Whether the enrollment was ordered to end, which takes back what its documents have set. One that is taken away
    /// before that leaves it behind, so none is.
    pub is_ending: bool,
    /// How documents are written and read.
    pub wire: Wire,
    /// The present, in unix seconds.
    pub now: i64,
}

/// How documents are written and read, which is the wire's.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// The text of a document with this DocID and checksum, in this order; none when it cannot be said.
    pub write: fn(&Document, &str, &str) -> Option<String>,
    /// The text of what a template is filled in with (`InstanceBlob`); none when it cannot be said.
    pub instances: fn(&Document) -> Option<String>,
    /// A result, when it is one.
    pub read: fn(&str) -> Option<DocumentResult>,
}

/// A document that a device is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// `Identifier`.
    pub identifier: String,
    /// `ServerToken`: the version, which is the document's checksum.
    pub token: Digest,
    /// The document.
    pub document: Document,
    /// Made once: each message asks for it, for each document that a device lists.
    id: String,
}

impl Declared {
    /// The version `token` of `document`, which the declaration `identifier` is.
    pub fn new(identifier: String, token: Digest, document: Document) -> Self {
        let id = DocId::of(&identifier, document.scope).to_string();
        Self {
            identifier,
            token,
            document,
            id,
        }
    }

    /// Its [`DocId`], as devices list it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the device lists this version.
    fn is_listed(&self, told: &Told) -> bool {
        let checksum = told.checksum.as_deref().unwrap_or_default();
        self.token.is_written(&checksum.to_lowercase())
    }
}

/// What a session remembers between two messages, and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    conversation: Conversation<Work>,
    with_user: bool,
    /// Whether the device has listed its documents in this session.
    has_listed: bool,
    /// How often each was sent in this session: nothing that a device says keeps the two talking for ever.
    tries: Vec<(Work, u8)>,
}

/// Something to be sent. Documents go by their DocIDs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Work {
    /// Whether there is declared configuration at all.
    Probe,
    /// The result of a document.
    Result(String),
    /// A document, in this version.
    Send(String, Digest),
    /// What a template is filled in with, in this version.
    FillIn(String, Digest),
    /// Whether a document is abandoned.
    Abandon(String, bool),
    /// A document goes; whose it is, and how it was sent.
    Delete(String, Scope, Request),
    /// How often the device looks after its documents; the default, where nothing is said.
    Refresh(Option<u32>),
}

/// Whether what a linked channel has said may be over: it was seen last, at `seen_at`, more than twice as long ago as it
/// comes. Both times in unix seconds.
pub fn is_stale(seen_at: Option<i64>, now: i64) -> bool {
    seen_at.is_some_and(|seen_at| now.saturating_sub(seen_at) > 2 * SCHEDULE.interval())
}

/// The root of the CSP.
const ROOT: &str = "./Device/Vendor/MSFT/DeclaredConfiguration";
/// The most documents in a message.
const MOST_DOCUMENTS: usize = 10;

impl Session {
    /// The session `id`, at its beginning.
    pub fn begin(id: String) -> Self {
        Self {
            conversation: Conversation::begin(id),
            with_user: false,
            has_listed: false,
            tries: Vec::new(),
        }
    }

    /// Where message `message` of session `id` belongs, by its hash, after `before`. A session begins with one of the first
    /// `begins` messages: those before it were only asked for credentials.
    ///
    /// # Errors
    /// When it belongs nowhere.
    pub fn turn(
        before: Option<&Self>,
        id: &str,
        message: u32,
        heard: Digest,
        begins: u32,
    ) -> Result<Turn, OutOfTurn> {
        Conversation::turn(
            before.map(|before| &before.conversation),
            id,
            message,
            heard,
            begins,
        )
    }

    /// Notes that message `message`, with the hash `heard`, is answered.
    pub fn hears(&mut self, message: u32, heard: Digest) {
        self.conversation.hears(message, heard);
    }

    /// Whether the user of the enrollment is signed in.
    fn with_user(&self) -> bool {
        self.with_user
    }

    /// Takes what the device says, notes in `documents` what follows from it, and answers. The numbers of the commands are
    /// from `first` on, after those of as many statuses.
    pub fn respond(
        &mut self,
        scene: &Scene<'_>,
        documents: &mut Documents,
        mut said: Said,
        first: u32,
    ) -> Answer {
        self.conversation.take(&mut said);
        self.with_user = said.with_user.unwrap_or(self.with_user);
        if let Some(interim) = self
            .conversation
            .interim(&said, first, |work| piece(scene, documents, work))
        {
            return interim;
        }
        for (work, outcomes) in self.conversation.outcomes() {
            if let Some(outcome) = outcomes.first() {
                self.resolve(scene, documents, &work, outcome);
            }
        }
        if let Some(list) = &said.documents {
            let is_first = !self.has_listed;
            self.has_listed = true;
            documents.unsupported = None;
            self.hear(scene, documents, list, is_first);
        }
        let works = self.reconcile(scene, documents, said.documents.as_deref());
        self.conversation.todo = works.into();
        let filled = self
            .conversation
            .fill(first, |work| piece(scene, documents, work));
        // The rest is found again when the device answers.
        self.conversation.todo.clear();
        for work in filled.sent {
            self.tried(work);
        }
        self.conversation.is_over = filled.sendings.is_empty();
        Answer {
            sendings: filled.sendings,
            asks_for_more: false,
            reports: true,
        }
    }

    fn tries(&self, work: &Work) -> u8 {
        let tried = self.tries.iter().find(|(tried, _)| tried == work);
        tried.map_or(0, |(_, times)| *times)
    }

    fn tried(&mut self, work: Work) {
        match self.tries.iter_mut().find(|(tried, _)| *tried == work) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => self.tries.push((work, 1)),
        }
    }
}

impl<'a> Scene<'a> {
    fn wanted(&self, id: &str) -> Option<&'a Declared> {
        self.wanted.iter().find(|declared| declared.id == id)
    }
}

/// What `work` comes to.
fn piece(scene: &Scene<'_>, documents: &Documents, work: &Work) -> Piece {
    Piece::one(operation(scene, documents, work))
}

fn operation(scene: &Scene<'_>, documents: &Documents, work: &Work) -> Option<Operation> {
    let known = |id: &str| documents.known.get(id);
    Some(match work {
        Work::Probe => Operation::get(ROOT),
        Work::Result(id) => {
            let known = known(id)?;
            let path = node(known.scope, known.request, "Results", id);
            Operation::get(format!("{path}/Document"))
        }
        Work::Send(id, token) => {
            let declared = scene.wanted(id).filter(|declared| declared.token == *token)?;
            let document = &declared.document;
            let text = (scene.wire.write)(document, declared.id(), &token.to_string())?;
            let path = node(document.scope, document.request, "Documents", id);
            Operation::replace(format!("{path}/Document"), DataFormat::Chr, &text)
        }
        Work::FillIn(id, token) => {
            let declared = scene.wanted(id).filter(|declared| declared.token == *token)?;
            let Document { scope, request, .. } = declared.document;
            let path = node(scope, request, "Documents", id);
            let text = (scene.wire.instances)(&declared.document)?;
            Operation::replace(format!("{path}/BulkVariables/Value"), DataFormat::Chr, &text)
        }
        Work::Abandon(id, is_abandoned) => {
            let known = known(id)?;
            let path = node(known.scope, known.request, "Documents", id);
            let value = if *is_abandoned { "1" } else { "0" };
            Operation::replace(format!("{path}/Properties/Abandoned"), DataFormat::Int, value)
        }
        Work::Delete(id, scope, request) => {
            let path = node(*scope, *request, "Documents", id);
            delete(format!("{path}/Document"))
        }
        Work::Refresh(minutes) => {
            let path = format!("{ROOT}/ManagementServiceConfiguration/RefreshInterval");
            match minutes {
                Some(minutes) => Operation::replace(path, DataFormat::Int, &minutes.to_string()),
                None => delete(path),
            }
        }
    })
}

fn delete(path: String) -> Operation {
    Operation {
        verb: Verb::Delete,
        path,
        value: None,
    }
}

/// The node of a document, or of its results.
fn node(scope: Scope, request: Request, of: &str, id: &str) -> String {
    let root = match scope {
        Scope::System => "./Device",
        Scope::User => "./User",
    };
    format!("{root}/Vendor/MSFT/DeclaredConfiguration/Host/{request}/{of}/{id}")
}
