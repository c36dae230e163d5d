//! What a twin holds against a server: the rules of Apple's protocol that a server can break.

use ordain_apple::{ddm, plist};

use crate::request::{About, Response};

/// A rule that the server broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Complaint {
    /// 401, or the error for unrecognized devices. A real device unenrolls, and so does the twin.
    #[error("{about}: answered {status}, which makes a device unenroll")]
    Unenrolled {
        /// The request.
        about: About,
        /// The status code.
        status: u16,
    },
    /// Another status than the request is due.
    #[error("{about}: answered {status}")]
    Status {
        /// The request.
        about: About,
        /// The status code.
        status: u16,
    },
    /// The answer has a body where none is due.
    #[error("{0}: answered with a body, where none is due")]
    NotEmpty(About),
    /// A DDM document is not said to be `application/json`.
    #[error("{about}: answered as {found}, not as application/json")]
    ContentType {
        /// The request.
        about: About,
        /// What the answer said to be.
        found: String,
    },
    /// A DDM document is not of the form of its kind.
    #[error("{about}: {problem}")]
    Malformed {
        /// The request whose answer it is.
        about: About,
        /// What is wrong with it.
        problem: ddm::Malformed,
    },
    /// A command is not of the form of commands.
    #[error("a command: {0}")]
    CommandMalformed(plist::Error),
    /// A CommandUUID came again with another command.
    #[error("the CommandUUID {0} stands for two different commands")]
    CommandUuidReused(String),
    /// A command came again after the server had taken its result.
    #[error("the command {0} came again after its result was taken")]
    CommandRepeated(String),
    /// A command refused with NotNow came again in the same session.
    #[error("the command {0} came again in the session in which it was refused with NotNow")]
    RefusedRepeated(String),
    /// Two DeclarativeManagement commands that tell the same in one session.
    #[error("a second DeclarativeManagement command in one session, which tells nothing new")]
    SecondInSession,
    /// A session without end.
    #[error("a session of more than {0} commands")]
    EndlessSession(usize),
    /// A Timestamp is older than one seen before.
    #[error("the Timestamp of the tokens went back by {0} s")]
    TimestampBackwards(i64),
    /// The DeclarationsToken is another one under the same Timestamp: which one is newer?
    #[error("two DeclarationsTokens have the same Timestamp")]
    TimestampStood,
    /// The DeclarationsToken moved, and the declaration items are what they were.
    #[error("the DeclarationsToken moved, although nothing changed")]
    TokenMoved,
    /// The declaration items changed under the same DeclarationsToken.
    #[error("the declaration items changed, although the DeclarationsToken did not")]
    TokenStood,
    /// `tokens` and `declaration-items` never agree on the token: a device loops.
    #[error("the DeclarationsToken moves with each request")]
    TokenRestless,
    /// An identifier is listed twice.
    #[error("{0} is listed twice in the declaration items")]
    ListedTwice(String),
    /// A listed declaration is answered with 404.
    #[error("{0} is listed in the declaration items, and not found")]
    ListedButMissing(String),
    /// The answer is another declaration than the one asked for.
    #[error("asked for {asked}, given {given}")]
    OtherIdentifier {
        /// The identifier asked for.
        asked: String,
        /// That of the answer.
        given: String,
    },
    /// The type of a declaration is not of the kind under which it is listed.
    #[error("the type of {0} is not of the kind under which it is listed")]
    OtherKind(String),
    /// The declaration has another ServerToken than the items list.
    #[error("{0} has another ServerToken than listed")]
    OtherServerToken(String),
    /// The content of a declaration changed under the same ServerToken.
    #[error("{0} changed, although its ServerToken did not")]
    ServerTokenStood(String),
    /// The data of an asset, or a profile, is not what its declaration says.
    #[error("the data of {identifier}: {what}")]
    WrongData {
        /// The declaration.
        identifier: String,
        /// What does not fit.
        what: String,
    },
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

    pub(crate) fn add(&mut self, complaint: Complaint) {
        self.count += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(complaint);
        }
    }

    /// Whether the answer is 200; else complains.
    pub(crate) fn check_status(&mut self, response: &Response, about: &About) -> bool {
        if response.status != 200 {
            self.add(Complaint::Status {
                about: about.clone(),
                status: response.status,
            });
        }
        response.status == 200
    }

    /// Whether the answer is 200; complains if not, or if it has a body.
    pub(crate) fn check_empty(&mut self, response: &Response, about: &About) -> bool {
        let taken = self.check_status(response, about);
        if taken && !response.body.is_empty() {
            self.add(Complaint::NotEmpty(about.clone()));
        }
        taken
    }

    /// The document of a 200 answer; complains of another status, another media type and a wrong form.
    pub(crate) fn check_document<T>(
        &mut self,
        response: &Response,
        about: &About,
        parse: impl Fn(&[u8]) -> Result<T, ddm::Malformed>,
    ) -> Option<T> {
        if !self.check_status(response, about) {
            return None;
        }
        if !response.is_of_type("application/json") {
            let found = response
                .content_type
                .clone()
                .unwrap_or_else(|| "nothing".to_owned());
            self.add(Complaint::ContentType {
                about: about.clone(),
                found,
            });
        }
        match parse(&response.body) {
            Ok(document) => Some(document),
            Err(problem) => {
                self.add(Complaint::Malformed {
                    about: about.clone(),
                    problem,
                });
                None
            }
        }
    }
}
