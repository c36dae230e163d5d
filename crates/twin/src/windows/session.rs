//! F2: one management session over one account (OMA-DM as MS-MDM has it), from the device's side.

mod check;
mod credentials;
mod execute;
mod group;
mod outbox;
mod package;

use ordain_windows::syncml::alert::{AlertCode, AlertType};
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Alert, CONTENT_TYPE, Item, Kind, Message, Status};

use self::check::{Incoming, Sent};
use self::credentials::Credentials;
use self::execute::Incomplete;
use self::outbox::Outbox;
use super::account::Account;
use super::complaint::Complaint;
use super::exchange::{About, Request, Response};
use super::pc::Pc;
use super::quirks::Quirks;
use super::tree::{By, Effect, Scene, Tree};

/// The most messages that a device sends in a session.
const MAX_MESSAGES: u32 = 500;

/// What a device takes and sends at most, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `MaxMsgSize`.
    pub message: usize,
    /// `MaxObjSize`.
    pub object: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 64 << 10,
            object: 1 << 20,
        }
    }
}

/// Why a session is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The device wants it.
    Device,
    /// The server wants it.
    Server,
    /// The account is about to be given up: 1226, at the user's or the server's wish.
    Unenrollment,
}

/// What came of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is another message to send.
    Going,
    /// The session is over, and was whole.
    Over,
    /// The session is given up.
    Failed,
    /// The server wants the device to leave: the session is given up, and another one says goodbye.
    Unenroll,
}

/// A session under way.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    cause: Cause,
    limits: Limits,
    url: String,
    /// `MsgID` of the last message that was sent.
    message: u32,
    sent: Vec<Sent>,
    /// `MsgID` of the server's last message.
    received: u32,
    outbox: Outbox,
    credentials: Credentials,
    incoming: Option<Incomplete>,
    /// Whether failures are explained: `SyncApplicationVersion` 3.0.
    explains: bool,
    /// How many of the account's alerts are in package 1.
    alerts: usize,
    /// What the server's commands make happen after the session.
    pub(super) effects: Vec<Effect>,
}

impl Session {
    pub(super) fn new(account: &mut Account, tree: &Tree, cause: Cause, limits: Limits) -> Self {
        account.sessions = account.sessions.wrapping_add(1).max(1);
        let version = tree.provider_text(&account.provider_id, &["SyncApplicationVersion"]);
        let version: f32 = version.and_then(|text| text.parse().ok()).unwrap_or(1.0);
        let number = account.sessions & 0xffff;
        Self {
            id: if version >= 2.0 {
                format!("{number:X}")
            } else {
                number.to_string()
            },
            cause,
            limits,
            url: address(account, tree),
            message: 0,
            sent: Vec::new(),
            received: 0,
            outbox: Outbox::default(),
            credentials: Credentials::default(),
            incoming: None,
            explains: version >= 3.0,
            alerts: 0,
            effects: Vec::new(),
        }
    }

    pub(super) fn cause(&self) -> Cause {
        self.cause
    }

    /// The next message.
    pub(super) fn request(
        &mut self,
        account: &mut Account,
        tree: &Tree,
        pc: &Pc,
        shows_certificate: bool,
        quirks: Quirks,
    ) -> Option<Request> {
        if self.message == 0 {
            self.package_1(account, pc);
        }
        self.message += 1;
        let header = self.header(account);
        let list = account.is_linked.then(|| documents(tree, quirks)).flatten();
        let (message, sent) = self.outbox.fill(header, list, self.limits.message)?;
        self.sent = sent;
        let body = message.to_xml().ok()?;
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}mode=Maintenance&Platform=WoA", self.url);
        let mut request = Request::post(url, CONTENT_TYPE, body);
        request
            .headers
            .push(("user-agent", "MSFT OMA DM Client/1.2.0.1".to_owned()));
        if let Some(id) = tree.provider_text(&account.provider_id, &["EntDMID"]) {
            request.headers.push(("client-request-id", id.to_owned()));
        }
        request.identity = shows_certificate.then(|| account.identity.clone());
        Some(request)
    }

    /// Takes the answer.
    pub(super) fn respond(
        &mut self,
        response: &Response,
        account: &mut Account,
        mut scene: SceneParts<'_>,
    ) -> Verdict {
        if self.message >= MAX_MESSAGES {
            scene.complaints.add(Complaint::Endless(MAX_MESSAGES));
            return Verdict::Failed;
        }
        match self.read(response) {
            Ok(message) => self.receive(message, response.body.len(), account, &mut scene),
            Err(complaint) => {
                scene.complaints.add(complaint);
                Verdict::Failed
            }
        }
    }

    fn read(&self, response: &Response) -> Result<Message, Complaint> {
        let about = About::Session;
        if response.status != 200 {
            let status = response.status;
            return Err(Complaint::Status { about, status });
        }
        response.check(about, CONTENT_TYPE)?;
        Message::parse(&response.body).map_err(|error| Complaint::Unreadable { about, error })
    }

    fn receive(
        &mut self,
        message: Message,
        octets: usize,
        account: &mut Account,
        scene: &mut SceneParts<'_>,
    ) -> Verdict {
        if let Err(complaint) = self.check_header(&message.header, account) {
            scene.complaints.add(complaint);
            return Verdict::Failed;
        }
        self.received = message.header.message_id;
        let is_final = message.is_final;
        let incoming = Incoming::of(message.body);
        self.check_statuses(&incoming, scene.complaints);
        let Some(header) = incoming.header_status(self.message) else {
            scene.complaints.add(Complaint::NoHeaderStatus);
            return Verdict::Failed;
        };
        if let Some(challenge) = &header.challenge
            && let Some(nonce) = &challenge.nonce
        {
            account.nonce = Some(nonce.clone());
        }
        match header.code {
            StatusCode::OK | StatusCode::AUTHENTICATED => self.credentials.accepted(header.code),
            StatusCode::INVALID_CREDENTIALS | StatusCode::CREDENTIALS_MISSING => {
                return self.challenged(header, &incoming, account, scene);
            }
            code => {
                scene.complaints.add(Complaint::HeaderStatus(code));
                return Verdict::Failed;
            }
        }
        if self.outbox.was_package_1() {
            // The server has taken it.
            account.alerts.drain(..self.alerts.min(account.alerts.len()));
            self.alerts = 0;
        }
        if octets > self.limits.message {
            // F2.13: refused as a whole.
            scene.complaints.add(Complaint::TooLarge(octets));
            self.outbox.clear();
            self.push_status(0, "SyncHdr", StatusCode::TOO_LARGE, None);
            return Verdict::Going;
        }
        if incoming.aborts() {
            return Verdict::Over;
        }
        if incoming.is_only_statuses() && is_final {
            return self.ended(scene);
        }
        let mut scene = Scene {
            pc: scene.pc,
            facts: scene.tree.facts(scene.pc, account, scene.now),
            account,
            tree: scene.tree,
            effects: &mut self.effects,
            complaints: scene.complaints,
            in_atomic: false,
            by: By::Server,
            quirks: scene.quirks,
            now: scene.now,
        };
        let done = execute::package(
            incoming,
            is_final,
            self.received,
            &mut self.incoming,
            self.limits,
            &mut scene,
        );
        if done.unenrolls {
            return Verdict::Unenroll;
        }
        if done.is_stuck {
            scene.complaints.add(Complaint::NoFinal);
            return Verdict::Failed;
        }
        for kind in done.answers {
            self.outbox.push(self.explained(kind));
        }
        self.outbox.waits_for_more = done.waits_for_more;
        // What was begun is told from the next message on.
        if self.effects.contains(&Effect::Link) && !account.is_linked {
            account.linking.status = 1;
        }
        if self.effects.contains(&Effect::Unlink) {
            account.linking.status = 5;
        }
        Verdict::Going
    }

    /// F2.4: the server has nothing more to say.
    fn ended(&mut self, scene: &mut SceneParts<'_>) -> Verdict {
        if self.outbox.has_rest() {
            scene.complaints.add(Complaint::RestNotWanted);
            return Verdict::Failed;
        }
        if self.incoming.take().is_some() {
            let error = ordain_windows::syncml::chunk::ChunkError::NoEndOfData;
            scene.complaints.add(Complaint::Chunk(error));
            return Verdict::Failed;
        }
        Verdict::Over
    }

    fn challenged(
        &mut self,
        header: &Status,
        incoming: &Incoming,
        account: &Account,
        scene: &mut SceneParts<'_>,
    ) -> Verdict {
        if incoming.has_commands() {
            scene.complaints.add(Complaint::CommandsWithChallenge);
        }
        match self.credentials.challenged(header, account) {
            Ok(()) => {
                // The same again, with credentials.
                self.outbox.again();
                Verdict::Going
            }
            Err(complaint) => {
                scene.complaints.add(complaint);
                Verdict::Failed
            }
        }
    }

    fn push_status(&mut self, command: u32, name: &str, code: StatusCode, original: Option<u32>) {
        let mut status = Status::new(self.received, Some(command), name, code);
        status.original_error = original.filter(|_| self.explains);
        self.outbox.push(Kind::Status(status));
    }

    /// A status says what is behind a failure only to servers that want to know.
    fn explained(&self, kind: Kind) -> Kind {
        match kind {
            Kind::Status(mut status) if !self.explains => {
                status.original_error = None;
                Kind::Status(status)
            }
            kind => kind,
        }
    }
}

/// What of a device a session works on, beside the account.
pub(super) struct SceneParts<'a> {
    pub(super) pc: &'a Pc,
    pub(super) tree: &'a mut Tree,
    pub(super) complaints: &'a mut super::complaint::Complaints,
    pub(super) quirks: Quirks,
    pub(super) now: i64,
}

/// Where sessions of an account are held: where the server moved them to, or where the enrollment said.
pub(super) fn address(account: &Account, tree: &Tree) -> String {
    let text = |name: &str| tree.provider_text(&account.provider_id, &[name]);
    let is_https = |url: &&str| url.starts_with("https://");
    let list = text("ManagementServerAddressList").and_then(|list| {
        let (first, _) = list.strip_prefix('<')?.split_once('>')?;
        Some(first)
    });
    let moved = text("ManagementServiceAddress").filter(is_https);
    let address = moved.or(list.filter(is_https));
    address.unwrap_or(&account.application.address).to_owned()
}

/// F4.10: the alert of each message of the linked enrollment, which lists the documents.
fn documents(tree: &Tree, quirks: Quirks) -> Option<Kind> {
    let list = tree.documents().list();
    if list.documents.is_empty() && quirks.omits_empty_list {
        return None;
    }
    let mut item = Item::default().with_markup(list.to_xml().ok()?);
    item.meta.kind = Some(AlertType::DeclaredConfigurationDocuments.as_str().to_owned());
    Some(Kind::Alert(Alert {
        code: AlertCode::CLIENT_EVENT,
        items: vec![item],
    }))
}

/// The alert with which package 1 begins.
fn start(cause: Cause) -> AlertCode {
    match cause {
        Cause::Server => AlertCode::SERVER_INITIATED,
        Cause::Device | Cause::Unenrollment => AlertCode::CLIENT_INITIATED,
    }
}
