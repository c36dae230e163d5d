//! Who lets a device enroll: what its `Security` header shows, verified.

use ordain_model::ids::Digest;
use ordain_model::windows::Entra;
use ordain_store::{Actor, TokenRecord};
use ordain_windows::soap::{ErrorType, Security, Token};

use super::context;
use super::exchange::Problem;
use super::ticket::Ticket;
use crate::app::App;
use crate::identity::Peer;

/// Who vouched for a device, and for whom.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    pub(super) sponsor: Sponsor,
    /// As an e-mail address or `DOMAIN\user`.
    pub(super) user: Option<String>,
}

/// Who vouched for a device.
#[derive(Debug, Clone)]
pub(super) enum Sponsor {
    /// An administrator, by an enrollment token.
    Token(TokenRecord),
    /// Microsoft Entra, by a token of its own.
    Entra(Entra),
}

impl SignedIn {
    /// The one that the audit names.
    pub(super) fn actor(&self, peer: &Peer) -> Actor {
        Actor {
            name: match &self.sponsor {
                Sponsor::Token(token) => format!("enrollment token {}", token.name),
                Sponsor::Entra(_) => format!("Entra user {}", self.user.as_deref().unwrap_or_default()),
            },
            origin: peer.address.to_string(),
        }
    }
}

/// What a password is worth, or a ticket for it.
const INVALID: &str = "The enrollment token is not valid, or no longer.";

/// Finds out who vouches for the sender of a message.
pub(super) async fn verify(app: &App, security: Option<&Security>) -> Result<SignedIn, Problem> {
    match security.and_then(|security| security.token.as_ref()) {
        Some(Token::Username { username, password }) => {
            let hash = Digest::of(password.expose().as_bytes());
            by_token(app, hash, context::text(username)).await
        }
        Some(Token::User(ticket)) => {
            let ticket = Ticket::open(&app.seal.ring(), ticket.expose(), app.now());
            let ticket =
                ticket.ok_or_else(|| Problem::authentication("The sign-in is not valid, or no longer."))?;
            by_token(app, ticket.token, ticket.user).await
        }
        Some(Token::Jwt(token)) => {
            let entra = app.entra.as_ref().ok_or_else(|| {
                Problem::authentication("Tokens of Microsoft Entra are not taken here.")
                    .with(ErrorType::NotSupported)
            })?;
            let user = entra.verify(token.expose(), app.now()).await?;
            Ok(SignedIn {
                sponsor: Sponsor::Entra(user.entra),
                user: user.name.as_deref().and_then(context::text),
            })
        }
        Some(Token::Certificate { .. }) => {
            let reason = "Devices do not enroll by a certificate here.";
            Err(Problem::authentication(reason).with(ErrorType::NotSupported))
        }
        None => Err(Problem::authentication("No credentials.")),
    }
}

/// Whether the enrollment token whose secret has `hash` works.
async fn by_token(app: &App, hash: Digest, user: Option<String>) -> Result<SignedIn, Problem> {
    let token = usable(app, hash).await?;
    Ok(SignedIn {
        sponsor: Sponsor::Token(token.ok_or_else(|| Problem::authentication(INVALID))?),
        user,
    })
}

/// The enrollment token whose secret has `hash`, if it works now.
pub(super) async fn usable(app: &App, hash: Digest) -> Result<Option<TokenRecord>, Problem> {
    let token = app.store.token_by_hash(hash).await?;
    let now = app.now();
    Ok(token.filter(|token| token.enrolls_at(now)))
}
