//! One device with its channels, as a state machine: it enrolls, holds sessions, syncs, reports.
//!
//! Nothing happens but on [`Twin::wake`], which stands for a push or the device's own timers. Then whoever drives the
//! twin asks for its [requests](Twin::request), one by one, and hands it each answer, until there are no more.

mod account;

use ordain_apple::checkin::{CheckIn, Message};
use ordain_apple::ddm::Endpoint;
use ordain_apple::ids::{Form, Ids};
use ordain_catalog::Scope;
use ordain_model::ids::EnrollmentId;
use serde_json::Value;

use crate::commands::Afterwards;
use crate::complaint::{Complaint, Complaints};
use crate::device::{Device, Push, USER};
use crate::engine::{Ask, Engine};
use crate::journal::Taken;
use crate::request::{About, Request, Response, To};
use crate::session::{Scene, Session, Start};

/// A simulated device.
#[derive(Debug)]
pub struct Twin {
    device: Device,
    settings: Settings,
    enrollment: Enrollment,
    /// The device's, then its user's.
    channels: Vec<Channel>,
    asked: Option<Asked>,
    complaints: Complaints,
    taken: Taken,
    /// Whether its user unlocks it after the next session with commands.
    unlocks: bool,
    /// Whether anything but the empty answer to `Idle` came of the last wake.
    busy: bool,
    /// How many DeclarativeManagement commands came.
    syncs: u64,
}

/// What a twin is told when it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `Topic` of the enrollment profile.
    pub topic: String,
    /// For how many seconds changes of status are gathered before they are reported; real devices take up to 60.
    pub gather: i64,
}

/// How far a twin is, as it sees itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is not enrolled yet.
    New,
    /// It is enrolled, and has something to do, or has not been told what.
    Enrolled,
    /// On each channel it holds what it was told of, has done what that asks for, and has reported so.
    Converged,
    /// It has left, or was made to leave.
    Unenrolled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enrollment {
    New,
    Enrolling,
    Enrolled,
    Leaving,
    Left,
}

#[derive(Debug)]
struct Channel {
    ids: Ids,
    scope: Scope,
    push: Push,
    /// Whether the server has taken a TokenUpdate.
    registered: bool,
    /// Whether the next commands meet the device in Power Nap.
    naps: bool,
    session: Session,
    engine: Engine,
}

/// Whose answer is awaited.
#[derive(Debug, Clone)]
enum Asked {
    Authenticate,
    CheckOut,
    TokenUpdate(usize),
    Command(usize),
    Engine(usize, About),
}

impl Twin {
    /// A device with an enrollment profile that was just installed.
    pub fn new(device: Device, settings: Settings) -> Self {
        let [device_push, user_push] = device.push.clone();
        let channel = |id, form, short_name, push, naps, scope| Channel {
            ids: Ids {
                enrollment: id,
                form,
                user_short_name: short_name,
                user_long_name: None,
            },
            scope,
            push,
            registered: false,
            naps,
            session: Session::default(),
            engine: Engine::new(scope),
        };
        let device_id = EnrollmentId::device(device.udid.as_str()).ok();
        let user = device.user.as_deref();
        let user_id = user.and_then(|user| EnrollmentId::user(device.udid.as_str(), user).ok());
        let channels = device_id
            .map(|id| channel(id, Form::Udid, None, device_push, device.naps, Scope::System))
            .into_iter()
            .chain(user_id.map(|id| {
                channel(
                    id,
                    Form::Udid,
                    Some(USER.to_owned()),
                    user_push,
                    false,
                    Scope::User,
                )
            }))
            .collect();
        Self {
            unlocks: device.locked,
            device,
            settings,
            enrollment: Enrollment::New,
            channels,
            asked: None,
            complaints: Complaints::default(),
            taken: Taken::default(),
            busy: false,
            syncs: 0,
        }
    }

    /// The hardware.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The hardware, to be tampered with.
    pub fn device_mut(&mut self) -> &mut Device {
        &mut self.device
    }

    /// From now on its predicates see this `value` of a status item, whatever it reports: a fault, by which its verdicts
    /// contradict what it says of itself.
    pub fn believe(&mut self, item: &str, value: Value, now: i64) {
        self.device.believed.insert(item.to_owned(), value);
        for channel in &mut self.channels {
            channel.engine.reconsider(&mut self.device, now);
        }
    }

    /// What it holds against the server.
    pub fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// A push came, or the device looks by itself: it enrolls if it is not enrolled, and asks for work on each channel.
    pub fn wake(&mut self, now: i64) {
        self.busy = false;
        if self.enrollment == Enrollment::New {
            self.enrollment = Enrollment::Enrolling;
        }
        for channel in &mut self.channels {
            channel.session.wake();
            self.busy |= channel.session.has_worked();
            channel.engine.wake(&mut self.device, now);
        }
    }

    /// An enrollment profile is installed on a device that was erased, or has left: it enrolls at the next wake.
    pub fn enroll(&mut self) {
        if self.enrollment == Enrollment::Left {
            self.enrollment = Enrollment::New;
        }
    }

    /// The enrollment profile is removed: the next request says so, and is the last.
    pub fn check_out(&mut self) {
        if self.enrollment == Enrollment::Enrolled {
            self.enrollment = Enrollment::Leaving;
        }
    }

    /// The next request; `None` when there is none before the next wake, and while an answer is awaited.
    pub fn request(&mut self, now: i64) -> Option<Request> {
        if self.asked.is_some() {
            return None;
        }
        match self.enrollment {
            Enrollment::New | Enrollment::Left => None,
            Enrollment::Enrolling => {
                let facts = self.device.facts();
                let authenticate = CheckIn::Authenticate {
                    topic: self.settings.topic.clone(),
                    facts,
                };
                self.check_in(0, authenticate, Asked::Authenticate)
            }
            Enrollment::Leaving => {
                let topic = self.settings.topic.clone();
                self.check_in(0, CheckIn::CheckOut { topic }, Asked::CheckOut)
            }
            Enrollment::Enrolled => {
                (0..self.channels.len()).find_map(|index| self.channel_request(index, now))
            }
        }
    }

    fn check_in(&mut self, index: usize, check_in: CheckIn, asked: Asked) -> Option<Request> {
        let ids = self.channels.get(index)?.ids.clone();
        self.asked = Some(asked);
        Some(Request {
            to: To::CheckIn,
            body: Message { ids, check_in }.to_xml(),
        })
    }

    fn channel_request(&mut self, index: usize, now: i64) -> Option<Request> {
        let channel = self.channels.get_mut(index)?;
        if !channel.registered {
            let is_device = channel.scope == Scope::System;
            let token_update = CheckIn::TokenUpdate {
                topic: self.settings.topic.clone(),
                push_magic: channel.push.magic.clone(),
                token: channel.push.token.clone(),
                unlock_token: self.device.unlock_token().filter(|_| is_device),
                awaiting_configuration: is_device && self.device.awaiting_configuration,
            };
            if channel.session.is_over() {
                return None;
            }
            return self.check_in(index, token_update, Asked::TokenUpdate(index));
        }
        if let Some(body) = channel.session.next(&channel.ids) {
            self.asked = Some(Asked::Command(index));
            return Some(Request {
                to: To::Command,
                body,
            });
        }
        let ask = channel.engine.next(&self.device, self.settings.gather, now)?;
        self.busy = true;
        match ask {
            Ask::CheckIn(check_in, about) => self.check_in(index, check_in, Asked::Engine(index, about)),
            Ask::Download(request) => {
                let url = match &request.to {
                    To::Download { url, .. } => url.clone(),
                    To::CheckIn | To::Command => String::new(),
                };
                self.asked = Some(Asked::Engine(index, About::Download(url)));
                Some(request)
            }
        }
    }

    /// Takes the answer to the last request.
    pub fn respond(&mut self, response: &Response, now: i64) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let about = asked.about();
        if response.unenrolls() && !matches!(about, About::Download(_)) {
            self.complaints.add(Complaint::Unenrolled {
                about,
                status: response.status,
            });
            self.leave();
            return;
        }
        match asked {
            Asked::Authenticate => {
                self.busy = true;
                // Otherwise the profile is gone, until its user installs it anew.
                let taken = self.complaints.check_empty(response, &about);
                self.taken.authenticates += u64::from(taken);
                self.enrollment = if taken {
                    Enrollment::Enrolled
                } else {
                    Enrollment::New
                };
            }
            Asked::CheckOut => {
                self.complaints.check_empty(response, &about);
                self.leave();
            }
            Asked::TokenUpdate(index) => {
                self.busy = true;
                let taken = self.complaints.check_empty(response, &about);
                self.taken.token_updates += u64::from(taken);
                if let Some(channel) = self.channels.get_mut(index) {
                    channel.registered = taken;
                    if !taken {
                        channel.session.interrupted();
                    }
                }
            }
            Asked::Command(index) => self.command_answer(index, response, now),
            Asked::Engine(index, about) => {
                let is_report = about == About::Endpoint(Endpoint::Status);
                self.taken.reports += u64::from(is_report && response.status == 200);
                if let Some(channel) = self.channels.get_mut(index) {
                    channel
                        .engine
                        .answered(response, &mut self.device, &mut self.complaints, now);
                }
            }
        }
    }

    fn command_answer(&mut self, index: usize, response: &Response, now: i64) {
        let was_locked = self.device.locked;
        let Some(channel) = self.channels.get_mut(index) else {
            return;
        };
        let Channel {
            scope,
            naps,
            session,
            engine,
            ..
        } = channel;
        let mut scene = Scene {
            device: &mut self.device,
            scope: *scope,
            naps: *naps,
            complaints: &mut self.complaints,
            now,
        };
        let before = session.syncs();
        let follows = session.answered(response, &mut scene);
        self.syncs += u64::from(session.syncs() > before);
        self.taken.results += u64::from(follows.took_result);
        self.busy |= session.has_worked();
        self.unlocks |= self.device.locked && !was_locked;
        if session.is_over() && session.has_worked() {
            *naps = false;
            if std::mem::take(&mut self.unlocks) {
                self.device.locked = false;
            }
        }
        if let Some(Start(tokens)) = follows.start {
            engine.start(tokens, &mut self.device, &mut self.complaints, now);
        }
        match follows.afterwards {
            None => {}
            Some(Afterwards::TokenUpdate) => channel.registered = false,
            Some(Afterwards::CheckOut) => self.enrollment = Enrollment::Leaving,
            Some(Afterwards::Erase) => {
                self.device.erase();
                self.leave();
            }
        }
    }

    /// The answer to the last request will not come: what it was about is taken up again at the next wake.
    pub fn interrupted(&mut self) {
        self.busy = true;
        match self.asked.take() {
            Some(Asked::Authenticate) => self.enrollment = Enrollment::New,
            // Checking out is best effort.
            Some(Asked::CheckOut) => self.leave(),
            _ => {}
        }
        for channel in &mut self.channels {
            channel.session.interrupted();
            channel.engine.interrupted();
        }
    }

    /// Leaving takes along all that management brought.
    fn leave(&mut self) {
        self.device.unmanage();
        let left = Self::new(self.device.clone(), self.settings.clone());
        let before = std::mem::replace(&mut self.channels, left.channels);
        for (channel, mut before) in self.channels.iter_mut().zip(before) {
            channel.session = before.session.anew();
        }
        self.unlocks = left.unlocks;
        self.enrollment = Enrollment::Left;
    }
}

impl Asked {
    fn about(&self) -> About {
        match self {
            Self::Authenticate => About::Authenticate,
            Self::CheckOut => About::CheckOut,
            Self::TokenUpdate(_) => About::TokenUpdate,
            Self::Command(_) => About::Command,
            Self::Engine(_, about) => about.clone(),
        }
    }
}
