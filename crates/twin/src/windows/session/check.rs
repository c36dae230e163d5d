//! F2.3: what a device holds a server's messages against.

use ordain_windows::syncml::alert::AlertCode;
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Command, Header, Kind, Status};

use super::Session;
use crate::windows::account::Account;
use crate::windows::complaint::{Complaint, Complaints};

/// A command that the server has to answer with a status.
#[derive(Debug)]
pub(super) struct Sent {
    id: u32,
    name: String,
    /// Whether it is a part of data, which is answered with 213.
    is_part: bool,
}

impl Sent {
    /// What a server has to answer of `command`: all but statuses and whole results.
    pub(super) fn of(command: &Command) -> Option<Self> {
        let is_part = match &command.kind {
            Kind::Status(_) => return None,
            Kind::Results(results) if results.items.iter().any(|item| item.more_data) => true,
            Kind::Results(_) => return None,
            _ => false,
        };
        Some(Self {
            id: command.id?,
            name: command.name().to_owned(),
            is_part,
        })
    }
}

/// What is in a server's message.
pub(super) struct Incoming {
    statuses: Vec<Status>,
    pub(super) commands: Vec<Command>,
}

impl Incoming {
    pub(super) fn of(body: Vec<Command>) -> Self {
        let (mut statuses, mut commands) = (Vec::new(), Vec::new());
        for command in body {
            match command.kind {
                Kind::Status(status) => statuses.push(status),
                _ => commands.push(command),
            }
        }
        Self { statuses, commands }
    }

    /// The status for the header of the message with this `MsgID`.
    pub(super) fn header_status(&self, message: u32) -> Option<&Status> {
        self.statuses
            .iter()
            .find(|status| status.message == message && status.command == Some(0) && status.name == "SyncHdr")
    }

    pub(super) fn is_only_statuses(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether anything is to be done for the server, beyond the flow of messages.
    pub(super) fn has_commands(&self) -> bool {
        self.commands
            .iter()
            .any(|command| !matches!(command.kind, Kind::Alert(_)))
    }

    /// Whether there is an alert of that code.
    pub(super) fn alerts(&self, code: AlertCode) -> bool {
        self.commands
            .iter()
            .any(|command| matches!(&command.kind, Kind::Alert(alert) if alert.code == code))
    }

    pub(super) fn aborts(&self) -> bool {
        self.alerts(AlertCode::SESSION_ABORT)
    }
}

impl Session {
    /// From whom to whom, in which session, and that it is the next message. (That the versions are right was seen when
    /// it was read.)
    pub(super) fn check_header(&self, header: &Header, account: &Account) -> Result<(), Complaint> {
        if header.session_id != self.id {
            return Err(Complaint::Header("SessionID"));
        }
        if header.target.uri != account.device_id {
            return Err(Complaint::Header("Target"));
        }
        if header.source.uri != self.url {
            return Err(Complaint::Header("Source"));
        }
        if header.message_id <= self.received {
            return Err(Complaint::MessageId {
                found: header.message_id,
                last: self.received,
            });
        }
        Ok(())
    }

    /// Each command that was sent has one status, and there is none for anything else.
    pub(super) fn check_statuses(&mut self, incoming: &Incoming, complaints: &mut Complaints) {
        let mut awaiting = std::mem::take(&mut self.sent);
        let mut has_header = false;
        for status in &incoming.statuses {
            let is_header = status.command == Some(0) && status.name == "SyncHdr";
            let place = awaiting
                .iter()
                .position(|sent| Some(sent.id) == status.command && sent.name == status.name);
            match place {
                _ if status.message != self.message => complaints.add(stray(status)),
                None if is_header && !has_header => has_header = true,
                None => complaints.add(stray(status)),
                Some(place) => {
                    let sent = awaiting.remove(place);
                    let is_right = match sent.is_part {
                        true => status.code == StatusCode::CHUNK_ACCEPTED,
                        false => status.code == StatusCode::OK,
                    };
                    if !is_right {
                        complaints.add(Complaint::CommandStatus {
                            name: sent.name,
                            code: status.code,
                        });
                    }
                }
            }
        }
        // A message that is refused as a whole, or not at all answered, is another matter.
        let header = incoming.header_status(self.message).map(|status| status.code);
        if matches!(header, Some(StatusCode::OK | StatusCode::AUTHENTICATED)) {
            for Sent { name, id, .. } in awaiting {
                complaints.add(Complaint::NoStatus { name, id });
            }
        }
    }
}

fn stray(status: &Status) -> Complaint {
    Complaint::StrayStatus {
        message: status.message,
        command: status.command,
        name: status.name.clone(),
    }
}
