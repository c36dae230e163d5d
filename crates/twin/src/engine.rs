//! The DDM engine of one channel: what it holds, what it does about it, what it says of it.

use ordain_apple::ddm::{Endpoint, TokensResponse};
use ordain_apple::{checkin, status};
use ordain_catalog::Scope;
use ordain_model::report::{Listed, Reason, Validity};
use serde_json::{Value, json};

use crate::activation::{Lists, Scene};
use crate::assets::Contents;
use crate::complaint::Complaints;
use crate::configuration;
use crate::device::Device;
use crate::judgement::{self, Judgement};
use crate::report::{Picture, Reporter};
use crate::request::{About, Request, Response};
use crate::stored::{Store, Stored};
use crate::sync::Sync;

/// How often activations are judged again over what they bring about.
const MAX_ROUNDS: usize = 4;

/// The engine of a channel. It exists from the beginning, and runs once a command has switched it on.
#[derive(Debug)]
pub(crate) struct Engine {
    scope: Scope,
    on: bool,
    sync: Sync,
    store: Store,
    contents: Contents,
    reporter: Reporter,
    picture: Picture,
    lists: Lists,
    /// When something changed that is not reported yet, in unix seconds.
    changed_at: Option<i64>,
    asked: Option<Asked>,
}

/// The request whose answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Sync,
    Download,
    Status,
}

/// What the engine asks for.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A DeclarativeManagement check-in of the channel.
    CheckIn(checkin::CheckIn, About),
    /// A download.
    Download(Request),
}

impl Engine {
    pub(crate) fn new(scope: Scope) -> Self {
        Self {
            scope,
            on: false,
            sync: Sync::default(),
            store: Store::new(),
            contents: Contents::default(),
            reporter: Reporter::default(),
            picture: Picture::default(),
            lists: Lists::new(),
            changed_at: None,
            asked: None,
        }
    }

    /// A DeclarativeManagement command came, with or without tokens.
    pub(crate) fn start(
        &mut self,
        tokens: Option<TokensResponse>,
        device: &mut Device,
        complaints: &mut Complaints,
        now: i64,
    ) {
        if !self.on {
            self.on = true;
            self.judge(device, now);
        }
        self.sync.start(tokens, complaints);
    }

    /// The device looks after the channel.
    pub(crate) fn wake(&mut self, device: &mut Device, now: i64) {
        if !self.on {
            return;
        }
        self.sync.wake(now);
        self.reporter.wake();
        if self.contents.wake(now) {
            self.judge(device, now);
        }
        if self.reporter.is_full_due(now) || !self.reporter.has_told(&self.picture) {
            self.changed_at.get_or_insert(now);
        }
    }

    /// Something of the device changed.
    pub(crate) fn reconsider(&mut self, device: &mut Device, now: i64) {
        if self.on {
            self.judge(device, now);
        }
    }

    /// What to ask next: first what the sync needs, then what the declarations need, then the report, which gathers
    /// changes for `gather` seconds.
    pub(crate) fn next(&mut self, device: &Device, gather: i64, now: i64) -> Option<Ask> {
        if !self.on || self.asked.is_some() {
            return None;
        }
        if let Some(endpoint) = self.sync.next() {
            self.asked = Some(Asked::Sync);
            return Some(check_in(endpoint, None));
        }
        if let Some(download) = self.contents.next(&self.store) {
            self.asked = Some(Asked::Download);
            return Some(Ask::Download(download));
        }
        if self
            .changed_at
            .is_none_or(|changed_at| now < changed_at.saturating_add(gather))
        {
            return None;
        }
        let report = self.reporter.report(&self.picture, device, self.scope, now);
        self.changed_at = None;
        let report = report?;
        self.asked = Some(Asked::Status);
        Some(check_in(Endpoint::Status, Some(status::to_json(&report))))
    }

    /// Takes the answer to [`Engine::next`].
    pub(crate) fn answered(
        &mut self,
        response: &Response,
        device: &mut Device,
        complaints: &mut Complaints,
        now: i64,
    ) {
        let changed = match self.asked.take() {
            Some(Asked::Sync) => self.sync.answered(response, &mut self.store, complaints, now),
            Some(Asked::Download) => {
                self.contents.answered(response, &self.store, complaints, now);
                true
            }
            Some(Asked::Status) => {
                if complaints.check_empty(response, &About::Endpoint(Endpoint::Status)) {
                    self.reporter.taken(now);
                } else {
                    self.reporter.refused();
                }
                false
            }
            None => false,
        };
        if changed {
            self.judge(device, now);
        }
    }

    /// The answer will not come.
    pub(crate) fn interrupted(&mut self) {
        if self.asked.take() == Some(Asked::Status) {
            self.reporter.refused();
        }
        self.sync.break_off();
    }

    /// Whether the channel holds what it was told of, has done what that asks for, and has said so.
    pub(crate) fn is_converged(&self) -> bool {
        let listed = self.picture.declarations.listed.values().flatten();
        let pending = |listed: &Listed<'_>| listed.active && listed.valid == Validity::Unknown;
        self.on
            && self.sync.is_settled()
            && !self.contents.is_waiting()
            && self.reporter.has_told(&self.picture)
            && !listed.into_iter().any(pending)
    }

    /// Whether it was switched on, and has something left to do.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.on && !self.is_converged()
    }

    /// How many declarations the channel holds, and how many of them are invalid.
    pub(crate) fn tally(&self) -> (usize, usize) {
        let listed = self.picture.declarations.listed.values().flatten();
        let invalid = listed.filter(|listed| listed.valid == Validity::Invalid).count();
        (self.store.len(), invalid)
    }

    /// What the channel holds: identifiers with their ServerTokens.
    pub(crate) fn holdings(&self) -> impl Iterator<Item = (&str, &str)> {
        let stored = self.store.values();
        stored.map(|stored| (stored.identifier.as_str(), stored.server_token.as_str()))
    }

    /// Judges the declarations anew, does what they ask for, and notes what is to be reported.
    fn judge(&mut self, device: &mut Device, now: i64) {
        let mut judgement = self.judgement(device);
        // Predicates may look at what takes effect, and one that switches itself on and off would do so for ever.
        for _ in 0..MAX_ROUNDS {
            let demands = !device.passcode && self.effective(&judgement).any(configuration::demands_passcode);
            let lists = self.lists_of(&judgement);
            if !demands && lists == self.lists {
                break;
            }
            device.passcode |= demands;
            self.lists = lists;
            judgement = self.judgement(device);
        }
        self.picture = self.picture_of(&judgement, device);
        self.contents.want(judgement.active, &self.store);
        if !self.reporter.has_told(&self.picture) {
            self.changed_at.get_or_insert(now);
        }
    }

    fn judgement(&self, device: &Device) -> Judgement {
        let scene = Scene {
            store: &self.store,
            device,
            scope: self.scope,
            lists: &self.lists,
        };
        judgement::judge(&self.contents, scene)
    }

    /// What the configurations in effect bring to lists among the status items.
    fn lists_of(&self, judgement: &Judgement) -> Lists {
        let mut lists = Lists::new();
        for (list, element) in self.effective(judgement).filter_map(configuration::list_element) {
            lists.entry(list).or_default().push(element);
        }
        lists
    }

    /// The configurations in effect.
    fn effective<'a>(&'a self, judgement: &'a Judgement) -> impl Iterator<Item = &'a Stored> {
        judgement
            .effective
            .iter()
            .filter_map(|identifier| self.store.get(identifier))
    }

    fn picture_of(&self, judgement: &Judgement, device: &Device) -> Picture {
        let mut picture = Picture {
            declarations: judgement.listed.clone(),
            ..Picture::default()
        };
        let subscriptions = self.effective(judgement).flat_map(configuration::subscriptions);
        // The items of `management` are reported unasked.
        for name in subscriptions.filter(|name| !name.starts_with("management.")) {
            match device.status(name, self.scope) {
                Some(value) => {
                    let value = self
                        .lists
                        .get(name)
                        .map_or(value, |elements| Value::Array(elements.clone()));
                    picture.items.insert(name.to_owned(), value);
                }
                None => {
                    picture
                        .errors
                        .insert(name.to_owned(), vec![not_to_be_given(name)]);
                }
            }
        }
        picture
    }
}

fn check_in(endpoint: Endpoint, data: Option<Vec<u8>>) -> Ask {
    let check_in = checkin::CheckIn::DeclarativeManagement {
        endpoint: endpoint.to_string(),
        data,
    };
    Ask::CheckIn(check_in, About::Endpoint(endpoint))
}

/// Why a status item cannot be given.
fn not_to_be_given(name: &str) -> Reason {
    Reason {
        code: "Error.Unknown".to_owned(),
        description: Some(format!("{name} is not to be had here")),
        details: Some(json!({"Domain": "RMErrorDomain", "Code": 0})),
    }
}
