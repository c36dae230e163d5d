//! Enrolling, from the probe to the provisioning document (MS-MDE2), as strictly as Windows does it.

mod document;
mod error;
mod linked;
mod renewal;
mod sign_in;
mod wstep;

use ordain_windows::discovery::{AuthPolicy, Discover, DiscoverResponse, Version};
use ordain_windows::provisioning::{DmClient, Store};
use ordain_windows::secret::Secret;
use ordain_windows::soap::{self, Operation, RequestBody, ResponseBody, Security, Token};
use ordain_windows::xcep::{GetPoliciesResponse, HashAlgorithm};
use url::Url;

use self::linked::{Parent, as_discovery};
use self::sign_in::{Browser, Page};
use super::account::Account;
use super::complaint::Complaint;
use super::exchange::{About, Request, Response};
use super::keys::KeySource;
use super::pc::Pc;
use super::random::Random;
use super::schedule::Schedule;

pub use error::EnrollError;
pub(super) use renewal::Renewal;

/// How a user enrolls a device.
#[derive(Debug, Clone)]
pub struct Way {
    /// The server: its origin, as `https://EnterpriseEnrollment.example.org`, or the whole URL of its discovery service.
    pub server: String,
    /// The user's name: an e-mail address, or `DOMAIN\user`.
    pub user: String,
    /// What the user knows: sent as password, and typed into the sign-in page.
    pub password: Secret,
    /// Which ways the device offers.
    pub offers: Vec<AuthPolicy>,
    /// For whom: `Full` for the user, `Device` for the device.
    pub store: Store,
    /// A token of Entra, as a device has that joins it: it is shown instead of any other credentials.
    pub entra: Option<Secret>,
}

impl Way {
    /// A user enrolls with name and password, or signs in on a page, as the server wants it.
    pub fn new(server: impl Into<String>, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            user: user.into(),
            password: Secret::new(password),
            offers: vec![AuthPolicy::OnPremise, AuthPolicy::Federated],
            store: Store::User,
            entra: None,
        }
    }

    fn discovery_url(&self) -> String {
        match Url::parse(&self.server) {
            Ok(url) if url.path() != "/" => self.server.clone(),
            _ => format!(
                "{}{}",
                self.server.trim_end_matches('/'),
                ordain_windows::discovery::PATH
            ),
        }
    }
}

/// An enrollment under way.
#[derive(Debug)]
pub(super) struct Enrolling {
    way: Way,
    /// What it is linked to, if it is.
    parent: Option<Parent>,
    device_id: String,
    step: Step,
    /// `MessageID` of the request that awaits its answer.
    message_id: String,
}

#[derive(Debug)]
enum Step {
    Probe,
    Discover,
    LinkedDiscover,
    SignIn(Browser, DiscoverResponse),
    GetPolicies(DiscoverResponse, Token),
    Enroll(DiscoverResponse, Token, wstep::Applicant),
}

/// What came of an answer.
#[derive(Debug)]
pub(super) enum Progress {
    Going,
    Enrolled(Box<Enrolled>),
}

/// What an enrollment brings: the account, and what is set in the tree.
#[derive(Debug)]
pub(super) struct Enrolled {
    pub(super) account: Account,
    pub(super) client: DmClient,
}

/// The surroundings of an enrollment.
pub(super) struct Scene<'a> {
    pub(super) pc: &'a Pc,
    pub(super) keys: &'a dyn KeySource,
    pub(super) random: &'a mut Random,
    pub(super) now: i64,
}

impl Enrolling {
    pub(super) fn new(way: Way, random: &mut Random) -> Self {
        Self {
            device_id: random.hex(1),
            way,
            parent: None,
            step: Step::Probe,
            message_id: String::new(),
        }
    }

    pub(super) fn about(&self) -> About {
        match self.step {
            Step::Probe => About::Probe,
            Step::Discover => About::Discover,
            Step::LinkedDiscover => About::LinkedDiscover,
            Step::SignIn(..) => About::SignIn,
            Step::GetPolicies(..) => About::GetPolicies,
            Step::Enroll(..) => About::Enroll,
        }
    }

    /// The next request.
    pub(super) fn request(&mut self, scene: &mut Scene<'_>) -> Result<Request, EnrollError> {
        let (url, security, body) = match &self.step {
            Step::Probe => return Ok(Request::get(self.way.discovery_url())),
            Step::SignIn(browser, _) => return Ok(browser.request()),
            Step::LinkedDiscover => {
                let parent = self.parent.as_ref().ok_or(EnrollError::Unwritable)?;
                return Ok(parent.discover(&self.way.server, &scene.pc.version, scene.random));
            }
            Step::Discover => {
                let discover = RequestBody::Discover(self.discover(scene.pc));
                (self.way.discovery_url(), None, discover)
            }
            Step::GetPolicies(server, token) => {
                let url = server.policy_url.clone().unwrap_or_default();
                (url, Some(token), RequestBody::GetPolicies)
            }
            Step::Enroll(server, token, applicant) => {
                let parent = self
                    .parent
                    .as_ref()
                    .and_then(|parent| parent.ent_dm_id.as_deref());
                let request = applicant.request(scene.pc, &self.way, &self.device_id, parent)?;
                let url = server.enrollment_url.clone();
                (url, Some(token), RequestBody::RequestSecurityToken(request))
            }
        };
        self.message_id = format!("urn:uuid:{}", scene.random.uuid());
        let request = soap::Request {
            message_id: self.message_id.clone(),
            to: Some(url.clone()),
            security: security.map(|token| Security {
                timestamp: None,
                token: Some(token.clone()),
            }),
            body,
        };
        let body = match (&self.parent, &self.step) {
            (Some(parent), Step::GetPolicies(_, token) | Step::Enroll(_, token, _))
                if matches!(token, Token::Certificate { .. }) =>
            {
                request.to_signed_xml(|octets| parent.sign(octets))
            }
            _ => request.to_xml(),
        };
        let body = body.map_err(|_| EnrollError::Unwritable)?;
        Ok(Request::post(url, soap::CONTENT_TYPE, body))
    }

    fn discover(&self, pc: &Pc) -> Discover {
        Discover {
            email_address: self.way.user.clone(),
            os_edition: Some(pc.edition),
            request_version: Version { major: 5, minor: 0 },
            device_type: wstep::DEVICE_TYPE.to_owned(),
            application_version: Some(pc.version.clone()),
            os_version: None,
            auth_policies: self.way.offers.clone(),
        }
    }

    /// Takes the answer.
    pub(super) fn respond(
        &mut self,
        response: &Response,
        scene: &mut Scene<'_>,
    ) -> Result<Progress, EnrollError> {
        let about = self.about();
        // What is put back is overwritten, or the enrollment is over.
        self.step = match std::mem::replace(&mut self.step, Step::Probe) {
            Step::Probe => {
                probed(response)?;
                Step::Discover
            }
            Step::Discover => match self.read(response, about)? {
                ResponseBody::Discover(server) => self.discovered(server)?,
                _ => return Err(Complaint::OtherOperation(about).into()),
            },
            Step::LinkedDiscover => self.linked_discovered(response, scene)?,
            Step::SignIn(mut browser, server) => match browser.respond(response)? {
                Page::Next => Step::SignIn(browser, server),
                Page::Token(token) => Step::GetPolicies(server, Token::User(token)),
            },
            Step::GetPolicies(server, token) => match self.read(response, about)? {
                ResponseBody::GetPolicies(policy) => self.told(server, token, &policy, scene)?,
                _ => return Err(Complaint::OtherOperation(about).into()),
            },
            Step::Enroll(server, _, applicant) => match self.read(response, about)? {
                ResponseBody::RequestSecurityToken(answer) => {
                    let enrolled = self.enrolled(&server, &applicant, &answer, scene)?;
                    return Ok(Progress::Enrolled(Box::new(enrolled)));
                }
                _ => return Err(Complaint::OtherOperation(about).into()),
            },
        };
        Ok(Progress::Going)
    }

    fn read(&self, response: &Response, about: About) -> Result<ResponseBody, EnrollError> {
        read(response, about, &self.message_id)
    }

    /// F3.2 and F3.3: where to go on.
    fn linked_discovered(&mut self, response: &Response, scene: &Scene<'_>) -> Result<Step, EnrollError> {
        let parent = self.parent.as_mut().ok_or(EnrollError::Unwritable)?;
        let Some(found) = parent.discovered(response)? else {
            return Ok(Step::LinkedDiscover);
        };
        let server = as_discovery(&found);
        self.check(&server, About::LinkedDiscover)?;
        let parent = self.parent.as_ref().ok_or(EnrollError::Unwritable)?;
        let token = parent.token(&found, &self.way.server, scene)?;
        Ok(Step::GetPolicies(server, token))
    }

    /// F1.1 and F1.2: where to go on.
    fn discovered(&self, server: DiscoverResponse) -> Result<Step, EnrollError> {
        self.check(&server, About::Discover)?;
        let wrong = |what| {
            Err(EnrollError::from(Complaint::Enrollment {
                about: About::Discover,
                what,
            }))
        };
        if let Some(token) = &self.way.entra {
            return Ok(Step::GetPolicies(server, Token::Jwt(token.clone())));
        }
        match server.auth_policy {
            AuthPolicy::OnPremise => {
                let token = Token::Username {
                    username: self.way.user.clone(),
                    password: self.way.password.clone(),
                };
                Ok(Step::GetPolicies(server, token))
            }
            AuthPolicy::Federated => match server.authentication_url.as_deref().and_then(https) {
                Some(page) => Ok(Step::SignIn(
                    Browser::new(page, &self.way.user, &self.way.password),
                    server,
                )),
                None => wrong("Federated without an https AuthenticationServiceUrl"),
            },
            AuthPolicy::Certificate | AuthPolicy::Other(_) => {
                wrong("an AuthPolicy that this device has no credentials for")
            }
        }
    }

    /// What the answer of any discovery must be.
    fn check(&self, server: &DiscoverResponse, about: About) -> Result<(), EnrollError> {
        let wrong = |what| Err(EnrollError::from(Complaint::Enrollment { about, what }));
        if !self.way.offers.contains(&server.auth_policy) {
            return wrong("AuthPolicy is none that the device offered");
        }
        if server
            .enrollment_version
            .is_some_and(|version| version > Version { major: 5, minor: 0 })
        {
            return wrong("EnrollmentVersion is newer than RequestVersion");
        }
        let Some(enrollment) = https(&server.enrollment_url) else {
            return wrong("EnrollmentServiceUrl is not an https URL");
        };
        let policy = server.policy_url.as_deref().map(https);
        match policy {
            None => wrong("without EnrollmentPolicyServiceUrl it would be SHA-1, which is not made here"),
            Some(None) => wrong("EnrollmentPolicyServiceUrl is not an https URL"),
            Some(Some(policy)) if policy.host() != enrollment.host() => {
                wrong("policy and enrollment service are on different hosts")
            }
            Some(Some(_)) => Ok(()),
        }
    }

    /// F1.4: the key is as the policy wants it. (That `policySchema` is 3 was seen when the policy was read.)
    fn told(
        &self,
        server: DiscoverResponse,
        token: Token,
        policy: &GetPoliciesResponse,
        scene: &mut Scene<'_>,
    ) -> Result<Step, EnrollError> {
        if policy.hash.oid != HashAlgorithm::sha256().oid {
            return Err(Complaint::Enrollment {
                about: About::GetPolicies,
                what: "the hash algorithm is not SHA-256",
            }
            .into());
        }
        let bits = usize::try_from(policy.minimal_key_length)
            .unwrap_or(usize::MAX)
            .max(2048);
        let key = scene.keys.rsa(bits).ok_or(EnrollError::NoKey(bits))?;
        Ok(Step::Enroll(server, token, wstep::Applicant::new(key)))
    }

    /// F1.6: the account of the provisioning document.
    fn enrolled(
        &self,
        server: &DiscoverResponse,
        applicant: &wstep::Applicant,
        answer: &ordain_windows::wstep::RequestSecurityTokenResponse,
        scene: &Scene<'_>,
    ) -> Result<Enrolled, EnrollError> {
        if answer.timestamp.expires <= answer.timestamp.created {
            return Err(Complaint::Enrollment {
                about: About::Enroll,
                what: "the Timestamp ends before it begins",
            }
            .into());
        }
        let now = scene.now;
        let provisioned = document::enrollment(&answer.document, applicant.key(), self.way.store, now)?;
        let parent = self.parent.as_ref().map(|parent| &parent.provider_id);
        if parent == Some(&provisioned.provider_id) {
            return Err(Complaint::Enrollment {
                about: About::Enroll,
                what: "PROVIDER-ID is that of the enrollment that this one is linked to",
            }
            .into());
        }
        let device_id = match provisioned.application.hardware_id {
            true => scene.pc.hardware_id.clone(),
            false => self.device_id.clone(),
        };
        let account = Account {
            is_linked: self.parent.is_some(),
            provider_id: provisioned.provider_id,
            device_id,
            enrollment_url: server.enrollment_url.clone(),
            store: self.way.store,
            identity: crate::identity::Identity {
                certificate: provisioned.certificate,
                key: applicant.key().clone(),
            },
            root: provisioned.root,
            schedule: Schedule::new(provisioned.client.poll.as_ref(), now),
            channel: None,
            application: provisioned.application,
            user: self.way.user.clone(),
            nonce: None,
            sessions: 0,
            pushed: false,
            failures: 0,
            last_contact: now,
            alerts: Vec::new(),
            renewing: Default::default(),
            renewal: provisioned.renewal.clone(),
            linking: Default::default(),
        };
        Ok(Enrolled {
            account,
            client: provisioned.client,
        })
    }
}

/// F1.1: nothing but 200 lets the device go on, with nothing in it.
fn probed(response: &Response) -> Result<(), EnrollError> {
    let about = About::Probe;
    if response.status != 200 {
        let status = response.status;
        return Err(Complaint::Status { about, status }.into());
    }
    response.check(about, "text/html").map_err(EnrollError::from)
}

/// What a SOAP answer says, when it is one and a faultless one.
fn read(response: &Response, about: About, message_id: &str) -> Result<ResponseBody, EnrollError> {
    // Faults come with 500 by convention, and with 200.
    if !matches!(response.status, 200 | 500) {
        let status = response.status;
        return Err(Complaint::Status { about, status }.into());
    }
    response.check(about, "application/soap+xml")?;
    let answer =
        soap::Response::parse(&response.body).map_err(|error| Complaint::Unreadable { about, error })?;
    let is_fault = matches!(answer.body, ResponseBody::Fault(..));
    let relates = answer.relates_to.as_deref() == Some(message_id);
    // A fault may be because the MessageID was unreadable.
    if !(relates || is_fault && answer.relates_to.is_none()) {
        return Err(Complaint::Unrelated(about).into());
    }
    let operation = match about {
        About::GetPolicies => Operation::GetPolicies,
        About::Enroll | About::Renew => Operation::RequestSecurityToken,
        _ => Operation::Discover,
    };
    match answer.body {
        body if body.operation() != operation => Err(Complaint::OtherOperation(about).into()),
        ResponseBody::Fault(_, fault) => Err(EnrollError::Fault { about, fault }),
        _ if response.status != 200 => {
            let status = response.status;
            Err(Complaint::Status { about, status }.into())
        }
        body => Ok(body),
    }
}

/// An https URL with a host.
fn https(text: &str) -> Option<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "https" && url.has_host())
}
