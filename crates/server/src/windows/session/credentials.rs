//! Credentials in messages: how a device proves who it is where TLS ends at a trusted proxy that tells no certificates
//! (MS-MDM section 2.1; OMA DM Security, section 5.1.2).
//!
//! No nonce is stored. Each is a MAC of what the server remembers of the device, which every message that is answered
//! changes: so a challenge writes nothing, and what answers one is good for one message, and for that again. Each message
//! needs its own (200, never 212), since a session is only known by numbers that anybody could guess.

use ordain_model::checkin::Refusal;
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::windows::session::Turn;
use ordain_pki::seal::KeyRing;
use ordain_windows::secret::Secret;
use ordain_windows::syncml::Message;
use ordain_windows::syncml::credential::key;
use ordain_windows::syncml::status::StatusCode;

use super::Speaks;
use super::kept::Kept;
use super::wire;
use crate::app::App;
use crate::device::fault::Fault;
use crate::device::scene::Scene;
use crate::windows::provisioning::Account;

/// How long a nonce is, in octets.
pub(super) const NONCE: usize = 16;
/// How many challenges there are in a session: one for no credentials, or for those of an old nonce, and another.
const CHALLENGES: u32 = 2;
/// The highest number of a message that a session begins with.
pub(super) const BEGINS: u32 = CHALLENGES + 1;

const NEXT: &[u8] = b"windows-next-nonce";
const CHALLENGE: &[u8] = b"windows-challenge";
const NOBODY: &[u8] = b"windows-nobody";

/// What a message proves.
pub(super) enum Checked {
    /// It is from this device.
    In(Box<Scene>, Proven),
    /// Nothing. It is answered with this.
    Out(Vec<u8>),
}

/// That a message is from its device, at one point of what the server remembers of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proven {
    number: i64,
}

impl Proven {
    /// Whether that still is what the server remembers: what was shown is good for one message.
    pub(super) fn is_of<S>(self, kept: Option<&(i64, Kept<S>)>) -> bool {
        self.number == kept.map_or(0, |(number, _)| *number)
    }

    /// The nonce for the message after the one that is answered now.
    pub(super) fn next_nonce(self, ring: &KeyRing, id: &EnrollmentId) -> [u8; NONCE] {
        next_nonce(ring, id, self.number + 1)
    }
}

/// Whoever a message may be from.
struct Candidate {
    /// `None`: nobody is, which nobody is to find out.
    device: Option<Enrollment>,
    id: EnrollmentId,
    key: Secret,
    /// How many messages were answered,
    number: i64,
    /// and how many when the credentials were asked for that this one may show: one less for the last one, sent again.
    asked_at: i64,
}

/// Finds out which device `message`, with the hash `heard`, is from. The answer is the same whether there is such a device
/// or not.
pub(super) async fn check<S: Speaks>(
    app: &App,
    ring: &KeyRing,
    message: &Message,
    heard: Digest,
) -> Result<Checked, Fault> {
    let header = &message.header;
    let source = header.source.uri.as_str();
    let mut candidates = Vec::new();
    // Each channel has its own account.
    for device in app.store.windows_channels(source).await? {
        if device.id.channel() != S::CHANNEL {
            continue;
        }
        candidates.push(candidate::<S>(app, ring, message, heard, device.id.clone(), Some(device)).await?);
    }
    if candidates.is_empty() {
        let nobody = hex::encode(ring.mac(NOBODY, source.as_bytes()));
        let id = EnrollmentId::device(nobody).map_err(|error| Fault::Unavailable(error.to_string()))?;
        candidates.push(candidate::<S>(app, ring, message, heard, id, None).await?);
    }
    let asked_at: Vec<(&EnrollmentId, i64)> = candidates
        .iter()
        .map(|candidate| (&candidate.id, candidate.asked_at))
        .collect();
    let asked = message.header.message_id.saturating_sub(1);
    let challenged = challenge_nonce(ring, message, asked, &asked_at);
    let mut sender = None;
    for candidate in &candidates {
        let credential = header.credential.as_ref();
        let answers = |nonce: &[u8]| credential.is_some_and(|shown| shown.answers(&candidate.key, nonce));
        // Both, and all candidates: how long it takes tells nothing.
        let is_it = answers(&next_nonce(ring, &candidate.id, candidate.asked_at)) | answers(&challenged);
        if let (true, Some(device)) = (is_it, &candidate.device) {
            sender = Some((
                device,
                Proven {
                    number: candidate.number,
                },
            ));
        }
    }
    if let Some((device, proven)) = sender {
        let presented = app.trust.as_pinned(device).ok_or(Refusal::NotEnrolled)?;
        let scene = app.windows_scene(S::CHANNEL, &presented).await?;
        return Ok(Checked::In(Box::new(scene), proven));
    }
    if header.message_id > CHALLENGES {
        return Err(Refusal::WrongIdentity.into());
    }
    let code = match header.credential {
        None => StatusCode::CREDENTIALS_MISSING,
        Some(_) => {
            app.metrics.refused("wrong credentials");
            tracing::info!("a message of a Windows device shows wrong credentials");
            StatusCode::INVALID_CREDENTIALS
        }
    };
    let now: Vec<(&EnrollmentId, i64)> = candidates
        .iter()
        .map(|candidate| (&candidate.id, candidate.number))
        .collect();
    let nonce = challenge_nonce(ring, message, header.message_id, &now);
    Ok(Checked::Out(wire::challenge(header, code, nonce)?))
}

/// The same is looked up whether `device` is there or not.
async fn candidate<S: Speaks>(
    app: &App,
    ring: &KeyRing,
    message: &Message,
    heard: Digest,
    id: EnrollmentId,
    device: Option<Enrollment>,
) -> Result<Candidate, Fault> {
    let kept = Kept::<S>::load(app, ring, &id).await?;
    let account = Account::escrowed(app, &id).await?;
    let number = kept.as_ref().map_or(0, |(number, _)| *number);
    let header = &message.header;
    let before = kept.as_ref().map(|(_, kept)| &kept.session);
    let turn = S::turn(before, &header.session_id, header.message_id, heard, BEGINS);
    Ok(Candidate {
        key: match account {
            Some(account) => account.device_key(&id),
            None => key("", &hex::encode(ring.mac(NOBODY, id.to_string().as_bytes()))),
        },
        device,
        id,
        number,
        asked_at: number - i64::from(turn == Ok(Turn::Again)),
    })
}

/// The nonce that is told with the answer to the message before.
fn next_nonce(ring: &KeyRing, id: &EnrollmentId, number: i64) -> [u8; NONCE] {
    shortened(ring.mac(NEXT, format!("{number} {id}").as_bytes()))
}

/// The nonce that message `asked` of the session of `message` is challenged with, while so many messages of each candidate
/// are answered.
fn challenge_nonce(
    ring: &KeyRing,
    message: &Message,
    asked: u32,
    candidates: &[(&EnrollmentId, i64)],
) -> [u8; NONCE] {
    let header = &message.header;
    let parts = (&header.source.uri, &header.session_id, asked, candidates);
    // Texts and numbers are JSON.
    let parts = serde_json::to_vec(&parts).unwrap_or_default();
    shortened(ring.mac(CHALLENGE, &parts))
}

fn shortened(mac: [u8; 32]) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
    nonce
}
