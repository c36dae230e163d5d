//! What a Windows twin holds against a server: the rules of the protocols that a server can break.

use ordain_windows::syncml::chunk::ChunkError;
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::xml;

use super::exchange::About;

/// A rule that the server broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Complaint {
    /// Another status than is due.
    #[error("{about}: answered {status}")]
    Status {
        /// What was asked for.
        about: About,
        /// The status code.
        status: u16,
    },
    /// The answer has a `Transfer-Encoding`, which Windows does not take.
    #[error("{0}: answered in chunks")]
    Chunked(About),
    /// The answer has no `Content-Length`.
    #[error("{0}: answered without Content-Length")]
    NoLength(About),
    /// The answer is not as long as it says.
    #[error("{0}: the body is not of the length told")]
    WrongLength(About),
    /// The answer is of another media type.
    #[error("{about}: answered as {found:?}")]
    ContentType {
        /// What was asked for.
        about: About,
        /// What the answer said to be.
        found: String,
    },
    /// The answer cannot be read.
    #[error("{about}: {error}")]
    Unreadable {
        /// What was asked for.
        about: About,
        /// What is wrong with it.
        error: xml::Error,
    },
    /// The answer relates to another message than the one that was sent.
    #[error("{0}: RelatesTo is not the MessageID of the request")]
    Unrelated(About),
    /// The answer is to another operation.
    #[error("{0}: an answer to something else")]
    OtherOperation(About),
    /// Something in an answer of the enrollment is not as it has to be.
    #[error("{about}: {what}")]
    Enrollment {
        /// What was asked for.
        about: About,
        /// What is wrong.
        what: &'static str,
    },
    /// A message of a session has another session, recipient or sender than it must have.
    #[error("SyncHdr has another {0} than it must have")]
    Header(&'static str),
    /// `MsgID` did not count up.
    #[error("MsgID {found} comes after {last}")]
    MessageId {
        /// That of the message.
        found: u32,
        /// That of the one before.
        last: u32,
    },
    /// The message is longer than the `MaxMsgSize` that was told.
    #[error("a message of {0} octets")]
    TooLarge(usize),
    /// There is no status for the header of the message that was sent.
    #[error("no Status for SyncHdr")]
    NoHeaderStatus,
    /// The server refused a message as a whole.
    #[error("the Status for SyncHdr is {0}")]
    HeaderStatus(StatusCode),
    /// A challenge for credentials of a type that is not the account's, or without a nonce.
    #[error("a challenge that cannot be answered")]
    Challenge,
    /// Another challenge after it was answered.
    #[error("the credentials were refused")]
    Credentials,
    /// Commands came with a challenge.
    #[error("commands beside a challenge")]
    CommandsWithChallenge,
    /// A command got no status.
    #[error("no Status for {name} with CmdID {id}")]
    NoStatus {
        /// Its name.
        name: String,
        /// Its `CmdID`.
        id: u32,
    },
    /// A command got another status than it can get.
    #[error("the Status for {name} is {code}")]
    CommandStatus {
        /// Its name.
        name: String,
        /// The status.
        code: StatusCode,
    },
    /// A status is for nothing that was sent, or not the first one for it.
    #[error("a Status for MsgRef {message}, CmdRef {command:?}, {name}, which awaits none")]
    StrayStatus {
        /// `MsgRef`.
        message: u32,
        /// `CmdRef`.
        command: Option<u32>,
        /// `Cmd`.
        name: String,
    },
    /// Two elements of a message have the same `CmdID`.
    #[error("CmdID {0} is there twice")]
    CommandIdTwice(u32),
    /// An element is unknown or malformed, or lacks its `CmdID`.
    #[error("{0} is malformed")]
    Malformed(String),
    /// A device does not take this from a server.
    #[error("{0} from a server")]
    Unexpected(String),
    /// The address of a node breaks the rules: `./` at the beginning, and no empty names.
    #[error("{0:?} is not the address of a node")]
    LocUri(String),
    /// A message without `Final` that has nothing to go on with.
    #[error("a message without Final that does not go on")]
    NoFinal,
    /// Data in parts did not come together.
    #[error("large object: {0}")]
    Chunk(ChunkError),
    /// The next part of a large object was not asked for.
    #[error("the rest of a large object was not asked for")]
    RestNotWanted,
    /// A session of too many messages.
    #[error("a session of more than {0} messages")]
    Endless(u32),
}

/// The complaints of a twin, in order. Beyond [`Complaints::KEPT`] they are only counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaints {
    kept: Vec<Complaint>,
    count: u64,
}

impl Complaints {
    /// How many are kept.
    pub const KEPT: usize = 50;

    /// The first ones.
    pub fn kept(&self) -> &[Complaint] {
        &self.kept
    }

    /// How many there are in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, complaint: Complaint) {
        self.count += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(complaint);
        }
    }
}
