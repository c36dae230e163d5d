//! F2.7: credentials in messages, where TLS does not tell who the device is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_windows::provisioning::AuthType;
use ordain_windows::secret::Secret;
use ordain_windows::syncml::Status;
use ordain_windows::syncml::credential::{BASIC, Cred, MD5, key};
use ordain_windows::syncml::status::StatusCode;

use crate::windows::account::Account;
use crate::windows::complaint::Complaint;

/// Whether a device shows credentials in its messages.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    state: State,
    /// How often the server asked for them.
    challenges: u8,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Only once the server has told a nonce, in the first message.
    #[default]
    First,
    /// In the next message, as it was asked for.
    Asked,
    /// In each message: the last was answered with 200.
    Each,
    /// Not any more: 212, or 200 for a message without.
    Done,
}

/// How often a device answers a challenge in a session: once for a nonce that is not known any more.
const MAX_CHALLENGES: u8 = 1;

impl Credentials {
    /// What the next message shows.
    pub(super) fn show(&mut self, account: &Account) -> Option<Cred> {
        let proof = &account.application.device_proof;
        let user = proof.name.as_deref().unwrap_or_default();
        let shows = match self.state {
            State::First => account.nonce.is_some(),
            State::Asked | State::Each => true,
            State::Done => false,
        };
        if !shows {
            return None;
        }
        self.state = State::Each;
        Some(match proof.kind {
            AuthType::Digest => {
                let nonce = account.nonce.as_deref().or(proof.nonce.as_deref());
                Cred::md5(&key(user, proof.secret.expose()), nonce.unwrap_or_default())
            }
            AuthType::Basic => Cred {
                kind: BASIC.to_owned(),
                data: Secret::new(STANDARD.encode(format!("{user}:{}", proof.secret.expose()))),
            },
        })
    }

    /// The server took the message: with 212 for the whole session, with 200 for this message.
    pub(super) fn accepted(&mut self, code: StatusCode) {
        if code == StatusCode::AUTHENTICATED || self.state != State::Each {
            self.state = State::Done;
        }
    }

    /// The server wants credentials, or others.
    pub(super) fn challenged(&mut self, status: &Status, account: &Account) -> Result<(), Complaint> {
        let challenge = status.challenge.as_ref().ok_or(Complaint::Challenge)?;
        let is_ours = match account.application.device_proof.kind {
            AuthType::Digest => challenge.kind == MD5 && challenge.nonce.is_some(),
            AuthType::Basic => challenge.kind == BASIC,
        };
        if !is_ours {
            return Err(Complaint::Challenge);
        }
        if self.challenges >= MAX_CHALLENGES {
            return Err(Complaint::Credentials);
        }
        self.challenges += 1;
        self.state = State::Asked;
        Ok(())
    }
}
