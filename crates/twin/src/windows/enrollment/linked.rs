//! F3: the linked enrollment, from JSON discovery to the second account (MS-MDE2, linked enrollment).
//!
//! The steps after discovery are those of any other enrollment: see [`super::Enrolling`].

use ordain_catalog::windows::Join;
use ordain_windows::discovery::{AuthPolicy, DiscoverResponse};
use ordain_windows::linked::{LinkedDiscover, LinkedDiscoverResponse, LinkedEndpoints, UPN_REQUIRED};
use ordain_windows::provisioning::Store;
use ordain_windows::secret::Secret;
use ordain_windows::soap::Token;
use url::Url;

use super::{EnrollError, Enrolling, Scene, Step, Way};
use crate::identity::Identity;
use crate::windows::account::Account;
use crate::windows::complaint::Complaint;
use crate::windows::entra::Membership;
use crate::windows::exchange::{About, Request, Response};
use crate::windows::random::Random;

/// What a linked enrollment has of the one that it is linked to.
#[derive(Debug)]
pub(super) struct Parent {
    /// Its `PROVIDER-ID`, which the linked one must not have.
    pub(super) provider_id: String,
    /// Its `EntDMID`.
    pub(super) ent_dm_id: Option<String>,
    identity: Identity,
    user: String,
    join: Join,
    membership: Option<Membership>,
    /// Whether the server wanted to know the user's name.
    tells_user: bool,
}

impl Enrolling {
    /// A linked enrollment at `endpoint`, of the device with this account.
    pub(in crate::windows) fn linked(
        endpoint: String,
        primary: &Account,
        ent_dm_id: Option<String>,
        join: Join,
        membership: Option<Membership>,
        random: &mut Random,
    ) -> Self {
        // F3.3: each join state has one way, and no other.
        let offers = match join {
            Join::Joined => AuthPolicy::Federated,
            Join::Registered | Join::Neither => AuthPolicy::Certificate,
        };
        let way = Way {
            server: endpoint,
            user: primary.user.clone(),
            password: Secret::new(""),
            offers: vec![offers],
            store: Store::System,
            entra: None,
        };
        Self {
            device_id: random.hex(1),
            way,
            parent: Some(Parent {
                provider_id: primary.provider_id.clone(),
                ent_dm_id,
                identity: primary.identity.clone(),
                user: primary.user.clone(),
                join,
                membership,
                tells_user: false,
            }),
            step: Step::LinkedDiscover,
            message_id: String::new(),
        }
    }
}

impl Parent {
    /// F3.2: where to enroll is asked for.
    pub(super) fn discover(&self, endpoint: &str, os_version: &str, random: &mut Random) -> Request {
        let domain = self.user.split_once('@').map(|(_, domain)| domain.to_owned());
        let body = LinkedDiscover {
            user_domain: domain,
            upn: self.tells_user.then(|| self.user.clone()),
            tenant_id: self.membership.as_ref().map(|member| member.tenant.clone()),
            emm_device_id: self.ent_dm_id.clone(),
            enrollment_type: match self.join {
                Join::Joined => Some("Device".to_owned()),
                Join::Registered => Some("User".to_owned()),
                Join::Neither => None,
            },
            os_version: os_version.to_owned(),
        };
        let mut request = Request::post(endpoint, "application/json", body.to_json());
        let vector = random.hex(1);
        request.headers.push(("ms-cv", format!("{vector}.1")));
        if let Some(id) = &self.ent_dm_id {
            request.headers.push(("client-request-id", id.clone()));
        }
        request
    }

    /// The proof that the certificate is the device's own.
    pub(super) fn sign(&self, octets: &[u8]) -> Option<Vec<u8>> {
        self.identity.key.sign(octets).ok()
    }

    /// What the server says to that; `None` to be asked again, with the user's name.
    pub(super) fn discovered(&mut self, response: &Response) -> Result<Option<LinkedEndpoints>, EnrollError> {
        let about = About::LinkedDiscover;
        // \[U\] with which status an errorCode comes: any is read that is not the transport's.
        if !(200..500).contains(&response.status) {
            let status = response.status;
            return Err(Complaint::Status { about, status }.into());
        }
        response.check(about, "application/json")?;
        let answer = LinkedDiscoverResponse::parse(&response.body).map_err(|_| Complaint::Enrollment {
            about,
            what: "not JSON of this kind, or without a field that is required",
        })?;
        match answer {
            LinkedDiscoverResponse::Failed { code, .. } if code == UPN_REQUIRED && !self.tells_user => {
                self.tells_user = true;
                Ok(None)
            }
            LinkedDiscoverResponse::Failed { code, message } => Err(EnrollError::Discovery { code, message }),
            LinkedDiscoverResponse::Found(_) if response.status != 200 => {
                let status = response.status;
                Err(Complaint::Status { about, status }.into())
            }
            LinkedDiscoverResponse::Found(found) => Ok(Some(found)),
        }
    }

    /// What the device shows: a token for itself, or the certificate of the enrollment that it has.
    ///
    /// \[U\] what the token is for when the server names no `ManagementResource`: here, the origin of the discovery.
    pub(super) fn token(
        &self,
        found: &LinkedEndpoints,
        endpoint: &str,
        scene: &Scene<'_>,
    ) -> Result<Token, EnrollError> {
        if found.auth_policy == AuthPolicy::Certificate {
            return Ok(Token::Certificate {
                certificate: self.identity.certificate.der().to_vec(),
                signature: None,
            });
        }
        let origin = || {
            Url::parse(endpoint)
                .ok()
                .map(|url| url.origin().ascii_serialization())
        };
        let audience = found.management_resource.clone().or_else(origin);
        let member = self.membership.as_ref().zip(audience);
        let token = member.and_then(|(member, audience)| member.token(&audience, scene.now));
        token
            .map(|token| Token::Jwt(Secret::new(token)))
            .ok_or(EnrollError::NoToken)
    }
}

/// The answer in the form that the further steps go by.
pub(super) fn as_discovery(found: &LinkedEndpoints) -> DiscoverResponse {
    DiscoverResponse {
        auth_policy: found.auth_policy.clone(),
        enrollment_version: found.enrollment_version,
        policy_url: Some(found.policy_url.clone()),
        enrollment_url: found.enrollment_url.clone(),
        authentication_url: Some(found.authentication_url.clone()),
    }
}
