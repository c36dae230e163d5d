//! One Windows computer as a state machine: it enrolls, holds sessions, renews its certificate, leaves.
//!
//! Nothing happens but on [`Twin::wake`] and its kin, which stand for the device's own timers, a push, a user. Then
//! whoever drives the twin asks for its [requests](Twin::request), one by one, and hands it each answer, until there are
//! no more.

mod aftermath;
mod documents;
mod linking;
mod standing;
mod tamper;

use std::collections::VecDeque;
use std::sync::Arc;

use ordain_windows::syncml::loc_uri::LocUri;

pub use standing::{Event, Proof, Settings, Standing};

use super::account::{Account, Channel};
use super::complaint::{Complaint, Complaints};
use super::enrollment::{EnrollError, Enrolling, Progress, Renewal, Scene, Way};
use super::entra::Membership;
use super::exchange::{About, Request, Response};
use super::keys::KeySource;
use super::pc::Pc;
use super::random::Random;
use super::session::{Cause, SceneParts, Session, Verdict};
use super::tree::{Snapshot, Tree, Value, own_store};

/// A simulated Windows computer.
#[derive(Debug)]
pub struct Twin {
    pc: Pc,
    settings: Settings,
    keys: Arc<dyn KeySource>,
    random: Random,
    tree: Tree,
    /// The enrollments: the primary one, and the one that is linked to it.
    accounts: Vec<Account>,
    /// The device's place in Entra.
    membership: Option<Membership>,
    standing: Standing,
    error: Option<EnrollError>,
    complaints: Complaints,
    history: Vec<Event>,
    sessions: u64,
    failed_sessions: u64,
    /// The tree when the session began that is held.
    before: Option<Snapshot>,
    /// Of each enrollment: whether its last session ended well and left all as it was.
    rests: [bool; 2],
    agenda: VecDeque<Task>,
    activity: Activity,
    /// Whether a request awaits its answer.
    awaits: bool,
    /// When an enrollment goes on that the server has put off.
    resumes: i64,
}

#[derive(Debug)]
enum Task {
    Renew(usize),
    Session(usize, Cause),
    Link,
    Unlink,
}

#[derive(Debug)]
enum Activity {
    Idle,
    Enrolling(Box<Enrolling>),
    Linking(Box<Enrolling>),
    Renewing(usize, Renewal),
    Session(usize, Box<Session>),
}

/// The place of the primary enrollment among the accounts.
const PRIMARY: usize = 0;
/// The place of the linked one.
const LINKED: usize = 1;
/// The most events that are remembered.
const MAX_EVENTS: usize = 1000;

impl Twin {
    /// A computer that is not enrolled.
    pub fn new(pc: Pc, settings: Settings, keys: Arc<dyn KeySource>) -> Self {
        Self {
            random: Random::new(pc.seed, 0),
            pc,
            settings,
            keys,
            tree: Tree::default(),
            accounts: Vec::new(),
            membership: None,
            standing: Standing::New,
            error: None,
            complaints: Complaints::default(),
            history: Vec::new(),
            sessions: 0,
            failed_sessions: 0,
            before: None,
            rests: [false; 2],
            agenda: VecDeque::new(),
            activity: Activity::Idle,
            awaits: false,
            resumes: i64::MIN,
        }
    }

    /// The hardware, its system and its user.
    pub fn pc(&self) -> &Pc {
        &self.pc
    }

    /// How far it is.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Why enrolling, or else the last renewal, came to nothing.
    pub fn error(&self) -> Option<&EnrollError> {
        self.error.as_ref()
    }

    /// What it holds against the server.
    pub fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// What happened to it, the first thousand.
    pub fn history(&self) -> &[Event] {
        &self.history
    }

    /// How many sessions ended well.
    pub fn sessions(&self) -> u64 {
        self.sessions
    }

    /// How many sessions were given up.
    pub fn failed_sessions(&self) -> u64 {
        self.failed_sessions
    }

    /// Whether the last session of each enrollment ended well and left it as it was: the server has nothing more for it.
    pub fn is_at_rest(&self) -> bool {
        let mut rests = self.rests.iter().take(self.accounts.len());
        self.standing == Standing::Enrolled && rests.all(|rests| *rests)
    }

    /// Its enrollment, while it has one.
    pub fn account(&self) -> Option<&Account> {
        self.accounts.first()
    }

    /// Its linked enrollment, while it has one.
    pub fn linked(&self) -> Option<&Account> {
        self.accounts.get(LINKED)
    }

    /// F1.7: a user begins to enroll it, which a device does once.
    pub fn enroll(&mut self, way: Way) -> Result<(), EnrollError> {
        if !self.accounts.is_empty() || self.standing == Standing::Enrolling {
            return Err(EnrollError::AlreadyEnrolled);
        }
        self.standing = Standing::Enrolling;
        self.error = None;
        self.activity = Activity::Enrolling(Box::new(Enrolling::new(way, &mut self.random)));
        self.awaits = false;
        self.resumes = i64::MIN;
        Ok(())
    }

    /// When there is something to do without anybody asking for it; `None` if never.
    pub fn due(&self) -> Option<i64> {
        if matches!(self.activity, Activity::Enrolling(_)) {
            return Some(self.resumes);
        }
        let session = |account: &Account| account.schedule.due();
        let renewal = |account: &Account| account.renewal_due(&self.tree, i64::MIN);
        let sessions = self.accounts.iter().map(session);
        let linking = self.accounts.iter().filter_map(|account| account.linking.due);
        let renewals = self.accounts.iter().filter_map(renewal);
        let service = self.linked().filter(|_| !self.tree.service.stopped);
        let documents = service.and_then(|_| self.tree.documents().due());
        sessions.chain(renewals).chain(linking).chain(documents).min()
    }

    /// The device looks by itself: what is due is begun.
    pub fn wake(&mut self, now: i64) {
        self.finish_jobs(now);
        if let Some(index) = self.lost(now) {
            return self.leave(index, Standing::Unenrolled);
        }
        if !matches!(self.activity, Activity::Idle) || !self.agenda.is_empty() {
            return;
        }
        self.see_to_documents(now);
        for (index, account) in self.accounts.iter().enumerate() {
            if account.renewal_due(&self.tree, now).is_some_and(|due| due <= now) {
                self.agenda.push_back(Task::Renew(index));
            }
            if account.schedule.due() <= now {
                let cause = if account.pushed {
                    Cause::Server
                } else {
                    Cause::Device
                };
                self.agenda.push_back(Task::Session(index, cause));
            }
            if account.linking.due.is_some_and(|due| due <= now) {
                self.agenda.push_back(Task::Link);
            }
        }
    }

    /// The server wants a session (a push came): it is held at once.
    pub fn push(&mut self, now: i64) {
        self.pushed(PRIMARY, now);
    }

    /// The server of the linked enrollment wants a session, as [`Twin::push`].
    pub fn push_linked(&mut self, now: i64) {
        self.pushed(LINKED, now);
    }

    fn pushed(&mut self, index: usize, now: i64) {
        if let Some(account) = self.accounts.get_mut(index) {
            account.pushed = true;
            account.schedule.at(now);
        }
        self.wake(now);
    }

    /// The package for which it needs a channel of WNS: its server wants it to be pushed for that.
    pub fn wants_channel(&self) -> Option<&str> {
        let account = self.accounts.first()?;
        let package = self.tree.provider_text(&account.provider_id, &["Push", "PFN"])?;
        let channel = account.channel.as_ref();
        let has_it = channel.is_some_and(|channel| channel.package == package);
        (!has_it && !package.is_empty()).then_some(package)
    }

    /// WNS has given it a channel for `package`, or has none for that: a session tells the server.
    pub fn channel(&mut self, package: &str, uri: Option<String>, now: i64) {
        if let Some(account) = self.accounts.first_mut() {
            account.channel = Some(Channel {
                package: package.to_owned(),
                uri,
            });
        }
        self.sync(now);
    }

    /// The user asks for sessions of all enrollments, as the settings offer it.
    pub fn sync(&mut self, now: i64) {
        for account in &mut self.accounts {
            account.schedule.at(now);
        }
        self.wake(now);
    }

    /// A user logs in, which begins a session where the server has said so.
    pub fn log_in(&mut self, now: i64) {
        self.pc.login = ordain_windows::syncml::alert::LoginStatus::User;
        for account in &mut self.accounts {
            if account.schedule.on_login {
                account.schedule.at(now);
            }
        }
        self.wake(now);
    }

    /// The user gives the enrollment up: a last session says so, once.
    pub fn unenroll(&mut self) {
        if !self.accounts.is_empty() {
            self.activity = Activity::Idle;
            self.awaits = false;
            self.agenda.clear();
            self.agenda.push_back(Task::Session(PRIMARY, Cause::Unenrollment));
        }
    }

    /// The next request; `None` when there is none before the next wake, and while an answer is awaited.
    pub fn request(&mut self, now: i64) -> Option<Request> {
        if self.awaits || now < self.resumes {
            return None;
        }
        let request = loop {
            if matches!(self.activity, Activity::Idle) && !self.begin(now) {
                return None;
            }
            match self.next_request(now) {
                Ok(Some(request)) => break request,
                // A message that cannot be written.
                Ok(None) => self.failed(EnrollError::Unwritable, now),
                Err(error) => self.failed(error, now),
            }
        };
        self.awaits = true;
        Some(request)
    }

    /// Begins the next task; false when there is none.
    fn begin(&mut self, now: i64) -> bool {
        while let Some(task) = self.agenda.pop_front() {
            match task {
                Task::Link => {
                    if let Some(linking) = self.link() {
                        self.activity = Activity::Linking(Box::new(linking));
                        return true;
                    }
                }
                Task::Unlink => self.unlink_ordered(),
                Task::Session(index, cause) => {
                    let Some(account) = self.accounts.get_mut(index) else {
                        continue;
                    };
                    let session = Session::new(account, &self.tree, cause, self.settings.limits);
                    self.before = Some(self.tree.snapshot());
                    self.rested(index, false);
                    self.activity = Activity::Session(index, Box::new(session));
                    return true;
                }
                Task::Renew(index) => {
                    let Some(account) = self.accounts.get_mut(index) else {
                        continue;
                    };
                    let scene = Scene {
                        pc: &self.pc,
                        keys: &*self.keys,
                        random: &mut self.random,
                        now,
                    };
                    match Renewal::new(account, &self.tree, &scene) {
                        Ok(renewal) => {
                            account.renewing.status = 1;
                            account.renewing.tried = Some(now);
                            account.renewing.now = false;
                            self.activity = Activity::Renewing(index, renewal);
                            return true;
                        }
                        Err(error) => self.renewal_failed(index, error, now),
                    }
                }
            }
        }
        false
    }

    fn next_request(&mut self, now: i64) -> Result<Option<Request>, EnrollError> {
        let mut scene = Scene {
            pc: &self.pc,
            keys: &*self.keys,
            random: &mut self.random,
            now,
        };
        match &mut self.activity {
            Activity::Idle => Ok(None),
            Activity::Enrolling(enrolling) | Activity::Linking(enrolling) => {
                enrolling.request(&mut scene).map(Some)
            }
            Activity::Renewing(index, renewal) => match self.accounts.get(*index) {
                Some(account) => renewal.request(account, &self.tree, &mut scene).map(Some),
                None => Ok(None),
            },
            Activity::Session(index, session) => {
                let shows = self.settings.proof == Proof::Certificate;
                let account = self.accounts.get_mut(*index);
                Ok(account.and_then(|account| {
                    session.request(account, &self.tree, &self.pc, shows, self.settings.quirks)
                }))
            }
        }
    }

    /// Takes the answer to the last request.
    pub fn respond(&mut self, response: &Response, now: i64) {
        if !std::mem::take(&mut self.awaits) {
            return;
        }
        let pause = match self.activity {
            Activity::Linking(_) => response.postpones_linking(),
            _ => response.postpones(),
        };
        if let Some(seconds) = pause {
            return self.postponed(now.saturating_add(seconds), now);
        }
        match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Idle => {}
            Activity::Enrolling(mut enrolling) => {
                let mut scene = Scene {
                    pc: &self.pc,
                    keys: &*self.keys,
                    random: &mut self.random,
                    now,
                };
                match enrolling.respond(response, &mut scene) {
                    Ok(Progress::Going) => self.activity = Activity::Enrolling(enrolling),
                    Ok(Progress::Enrolled(enrolled)) => self.enrolled(*enrolled, now),
                    Err(error) => self.enrollment_failed(error),
                }
            }
            Activity::Linking(mut linking) => {
                let mut scene = Scene {
                    pc: &self.pc,
                    keys: &*self.keys,
                    random: &mut self.random,
                    now,
                };
                match linking.respond(response, &mut scene) {
                    Ok(Progress::Going) => self.activity = Activity::Linking(linking),
                    Ok(Progress::Enrolled(enrolled)) => self.link_made(*enrolled, now),
                    Err(error) => self.link_failed(error),
                }
            }
            Activity::Renewing(index, renewal) => self.renewal_answer(index, &renewal, response, now),
            Activity::Session(index, mut session) => {
                let Some(account) = self.accounts.get_mut(index) else {
                    return;
                };
                let parts = SceneParts {
                    pc: &self.pc,
                    tree: &mut self.tree,
                    complaints: &mut self.complaints,
                    quirks: self.settings.quirks,
                    now,
                };
                match session.respond(response, account, parts) {
                    Verdict::Going => self.activity = Activity::Session(index, session),
                    verdict => self.session_ended(index, *session, verdict, now),
                }
            }
        }
    }

    /// The answer to the last request will not come.
    pub fn interrupted(&mut self, now: i64) {
        if !std::mem::take(&mut self.awaits) {
            return;
        }
        let about = match &self.activity {
            Activity::Enrolling(enrolling) | Activity::Linking(enrolling) => enrolling.about(),
            Activity::Renewing(..) => About::Renew,
            Activity::Session(..) | Activity::Idle => About::Session,
        };
        self.failed(EnrollError::NoAnswer(about), now);
    }

    /// The value of a node, as its server would read it at this time. `None` when it is not there.
    pub fn value(&self, uri: &str, now: i64) -> Option<Value> {
        self.read(&LocUri::parse(uri).ok()?, now)
    }

    fn rested(&mut self, index: usize, is_so: bool) {
        if let Some(rests) = self.rests.get_mut(index) {
            *rests = is_so;
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Session => self.sessions += 1,
            Event::SessionFailed => self.failed_sessions += 1,
            _ => {}
        }
        if self.history.len() < MAX_EVENTS {
            self.history.push(event);
        }
    }

    fn complain(&mut self, error: &EnrollError) {
        if let EnrollError::Complaint(complaint) = error {
            self.complaints.add(Complaint::clone(complaint));
        }
    }

    /// Puts the certificates of an account into the stores.
    fn store_certificates(&mut self, index: usize, old: Option<&ordain_pki::Certificate>) {
        let Some(account) = self.accounts.get(index) else {
            return;
        };
        let store = own_store(account.store);
        self.tree.certify(store, &account.identity.certificate, old);
        if let Some(root) = &account.root {
            self.tree.certify(["Root", "System"], root, None);
        }
    }
}
