//! One device with its channels, as a state machine: it enrolls, holds sessions, syncs, reports.
//!
//! Nothing happens but on [`Twin::wake`], which stands for a push or the device's own timers. Then whoever drives the
//! twin asks for its [requests](Twin::request), one by one, and hands it each answer, until there are no more.

use ordain_apple::checkin::{CheckIn, Message};
use ordain_apple::ids::{Form, Ids};
use ordain_catalog::Scope;
use ordain_model::ids::EnrollmentId;

use crate::complaint::{Complaint, Complaints};
use crate::device::{Device, Push};
use crate::engine::{Ask, Engine};
use crate::request::{About, Request, Response, To};
use crate::session::{Session, Start};

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
                    Some("pat".to_owned()),
                    user_push,
                    false,
                    Scope::User,
                )
            }))
            .collect();
        Self {
            device,
            settings,
            enrollment: Enrollment::New,
            channels,
            asked: None,
            complaints: Complaints::default(),
            busy: false,
            syncs: 0,
        }
    }

    /// The hardware.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What it holds against the server.
    pub fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// How far it is.
    pub fn standing(&self) -> Standing {
        match self.enrollment {
            Enrollment::New | Enrollment::Enrolling => Standing::New,
            Enrollment::Leaving | Enrollment::Left => Standing::Unenrolled,
            Enrollment::Enrolled if self.channels.iter().all(|channel| channel.engine.is_converged()) => {
                Standing::Converged
            }
            Enrollment::Enrolled => Standing::Enrolled,
        }
    }

    /// Whether the last wake found nothing to do, and nothing is left to be done.
    pub fn is_at_rest(&self) -> bool {
        match self.standing() {
            Standing::Converged => !self.busy,
            Standing::Unenrolled => true,
            Standing::New | Standing::Enrolled => false,
        }
    }

    /// How many DeclarativeManagement commands came on all channels.
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// How many declarations it holds on all channels, and how many of them are invalid.
    pub fn tally(&self) -> (usize, usize) {
        self.channels
            .iter()
            .map(|channel| channel.engine.tally())
            .fold((0, 0), |(held, invalid), (more, worse)| {
                (held + more, invalid + worse)
            })
    }

    /// A push came, or the device looks by itself: it enrolls if it is not enrolled, and asks for work on each channel.
    pub fn wake(&mut self, now: i64) {
        self.busy = false;
        if self.enrollment == Enrollment::New {
            self.enrollment = Enrollment::Enrolling;
        }
        for channel in &mut self.channels {
            self.busy |= channel.session.wake();
            channel.engine.wake(&mut self.device, now);
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
            let token_update = CheckIn::TokenUpdate {
                topic: self.settings.topic.clone(),
                push_magic: channel.push.magic.clone(),
                token: channel.push.token.clone(),
                unlock_token: None,
                awaiting_configuration: false,
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
                if let Some(channel) = self.channels.get_mut(index) {
                    channel.registered = taken;
                    if !taken {
                        channel.session.interrupted();
                    }
                }
            }
            Asked::Command(index) => self.command_answer(index, response, now),
            Asked::Engine(index, _) => {
                if let Some(channel) = self.channels.get_mut(index) {
                    channel
                        .engine
                        .answered(response, &mut self.device, &mut self.complaints, now);
                }
            }
        }
    }

    fn command_answer(&mut self, index: usize, response: &Response, now: i64) {
        let Some(Channel {
            naps,
            session,
            engine,
            ..
        }) = self.channels.get_mut(index)
        else {
            return;
        };
        let before = session.syncs();
        let start = session.answered(response, *naps, &mut self.complaints);
        self.syncs += u64::from(session.syncs() > before);
        self.busy |= session.commands() > 0;
        if session.is_over() && session.commands() > 0 {
            *naps = false;
        }
        if let Some(Start(tokens)) = start {
            engine.start(tokens, &mut self.device, &mut self.complaints, now);
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
        let left = Self::new(self.device.clone(), self.settings.clone());
        self.channels = left.channels;
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
