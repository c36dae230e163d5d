//! A management session (OMA-DM, as MS-MDM has it): what to send next, from what was sent and what the device said to it.
//!
//! A session goes through stages: it asks what the device is, sees to the account, takes away what is no longer wanted,
//! reads what is wanted, sets what differs, and reads that back. What a device is to have is the manifest that was pinned
//! when the session began. All that a session remembers is stored with each answer, so that it goes on wherever it was.

mod act;
mod channel;
mod clean;
mod linking;
mod outcome;
mod report;
mod standing;
mod task;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::{LocUri, WindowsCatalog};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use act::{Queued, left};
pub use linking::Link;
pub use standing::standing;
pub use task::{AFTER_REBOOT, NOT_READABLE, OTHER_VALUE, OUTCOME, REFUSED};

use self::act::Step;
use self::channel::Channel;
use self::linking::Attempts;
use self::task::{Meaning, Task};
use self::work::{Stage, Work};
use super::cleaning::{Cleaning, Left};
pub use super::conversation::{
    Answer, Answered, Body, Installed, Operation, OutOfTurn, Said, Sending, Status, Turn,
};
use super::conversation::{Conversation, Outcome};
use super::facts::{FACTS, When};
use super::settings::Settings;
use crate::ids::Digest;
use crate::report::Reason;

/// What a session is decided from, beside what it remembers.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the device's account with the server is to be ([`standing`]).
    pub standing: &'a Settings,
    /// The package family name that devices are pushed for, where they can be pushed.
    pub package: Option<&'a str>,
    /// What the device is to have, in the order of the manifest.
    pub wanted: &'a [Declared],
    /// Those of [`Session::set`] that are no longer wanted.
    pub unwanted: &'a BTreeMap<Digest, Settings>,
    /// Those that the device has refused, and is not to be asked for again as long as nothing changes.
    pub refused: &'a BTreeMap<Digest, Vec<Reason>>,
    /// What is known of nodes.
    pub catalog: &'a WindowsCatalog,
    /// What was ordered, in its order.
    pub queue: &'a [Queued],
    /// How it stands with the device's linked channel.
    pub link: Link<'a>,
    /// What documents have set that are gone, as far as it is to go after them,
    pub cleaning: &'a Cleaning,
    /// and what the documents set that are wanted on the linked channel, with their identifiers.
    pub declared: &'a BTreeMap<LocUri, String>,
    /// The present, in unix seconds.
    pub now: i64,
}

/// Settings that a device is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// `Identifier`.
    pub identifier: String,
    /// `ServerToken`.
    pub token: Digest,
    /// The settings.
    pub settings: Settings,
}

/// What a session remembers between two messages, and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    conversation: Conversation<Work>,
    with_user: bool,
    stage: Stage,
    /// What the device told of itself; what it could not, with why.
    facts: BTreeMap<String, Result<Value, u16>>,
    #[serde(default)]
    channel: Channel,
    tasks: Vec<Task>,
    /// Those whose settings may be on the device, from earlier sessions too.
    set: BTreeSet<Digest>,
    /// Those, of `set`, whose commands the device has all taken.
    accepted: BTreeSet<Digest>,
    /// Those, of `set`, that could not be taken away yet.
    lingering: BTreeSet<Digest>,
    /// What stays on the device, in words.
    stays: Vec<String>,
    /// How it stands now with what documents had set that are gone; none of what is gone, too.
    cleaned: Vec<(LocUri, Option<Left>)>,
    /// The number of the last command of the queue that was given.
    acted: i64,
    /// What is to be written of the queue.
    #[serde(skip)]
    steps: Vec<Step>,
    /// How often the device was told to enroll anew for its linked channel, in earlier sessions too,
    attempts: Attempts,
    /// and whether that has ended, as it has just said.
    #[serde(skip)]
    has_unlinked: bool,
}

impl Session {
    /// The session `id`, at its beginning, after the session `before` on the same channel.
    pub fn begin(id: String, before: Option<&Self>) -> Self {
        Self {
            conversation: Conversation::begin(id),
            with_user: false,
            stage: Stage::Begin,
            facts: BTreeMap::new(),
            channel: Channel::default(),
            tasks: Vec::new(),
            set: before.map(|before| before.set.clone()).unwrap_or_default(),
            accepted: before.map(|before| before.accepted.clone()).unwrap_or_default(),
            lingering: BTreeSet::new(),
            stays: Vec::new(),
            cleaned: Vec::new(),
            acted: 0,
            steps: Vec::new(),
            attempts: before.map(|before| before.attempts).unwrap_or_default(),
            has_unlinked: false,
        }
    }

    /// The declarations whose settings may be on the device.
    pub fn set(&self) -> &BTreeSet<Digest> {
        &self.set
    }

    /// Notes that message `message`, with the hash `heard`, is answered.
    pub fn hears(&mut self, message: u32, heard: Digest) {
        self.conversation.hears(message, heard);
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

    /// Takes what the device says, and answers it. The numbers of the commands are from `first` on, after those of as many
    /// statuses.
    pub fn respond(&mut self, scene: &Scene<'_>, mut said: Said, first: u32) -> Answer {
        self.conversation.take(&mut said);
        self.ended(scene, &said.installed);
        for fact in FACTS.iter().filter(|fact| fact.when == When::Told) {
            if let Some(value) = said.told.get(fact.path).and_then(|text| fact.value(text)) {
                self.facts.insert(fact.name.to_owned(), Ok(value));
            }
        }
        self.with_user = said.with_user.unwrap_or(self.with_user);
        let piece = |work: &Work| work::piece(&self.tasks, scene, work);
        if let Some(interim) = self.conversation.interim(&said, first, piece) {
            return interim;
        }
        for (work, outcomes) in self.conversation.outcomes() {
            self.resolve(scene, &work, &outcomes);
        }
        let mut answer = Answer::default();
        loop {
            if self.conversation.todo.is_empty() {
                self.stage = self.stage.next();
                answer.reports |= self.stage == Stage::Report;
                self.conversation.todo = self.works(scene);
                if self.stage == Stage::Act && self.conversation.todo.is_empty() {
                    self.stage = Stage::Over;
                }
            }
            answer.sendings = self.fill(scene, first);
            if !answer.sendings.is_empty() {
                return answer;
            }
            if self.stage == Stage::Over {
                self.conversation.is_over = true;
                return answer;
            }
        }
    }
}

impl Outcome {
    fn meaning(&self) -> Meaning {
        Meaning::of(self.code)
    }
}
