//! F1.8: renewing the certificate on behalf of the user (ROBO).

use ordain_pki::KeyPair;
use ordain_pki::cms::{Form, sign_attached};
use ordain_windows::secret::Secret;
use ordain_windows::soap::{self, RequestBody, ResponseBody, Security, Timestamp, Token};
use ordain_windows::wstep::{CertificateRequest, RequestSecurityToken, RequestType};

use super::{EnrollError, Scene, document, read, wstep};
use crate::identity::Identity;
use crate::windows::account::Account;
use crate::windows::complaint::Complaint;
use crate::windows::exchange::{About, Request, Response};
use crate::windows::tree::Tree;

/// For how long a request is meant, in seconds.
const MEANT: i64 = 300;

/// That a message is meant from `now` on.
pub(super) fn meant_from(now: i64) -> Timestamp {
    Timestamp {
        created: now,
        expires: now.saturating_add(MEANT),
    }
}

/// A renewal under way, of one account.
#[derive(Debug)]
pub(in crate::windows) struct Renewal {
    key: KeyPair,
    message_id: String,
}

impl Renewal {
    /// A renewal with a new key.
    pub(in crate::windows) fn new(
        account: &Account,
        tree: &Tree,
        scene: &Scene<'_>,
    ) -> Result<Self, EnrollError> {
        if account
            .renewal_due(tree, scene.now)
            .is_none_or(|due| due > scene.now)
        {
            return Err(EnrollError::NotRenewable);
        }
        Ok(Self {
            key: scene.keys.rsa(2048).ok_or(EnrollError::NoKey(2048))?,
            message_id: String::new(),
        })
    }

    pub(in crate::windows) fn request(
        &mut self,
        account: &Account,
        tree: &Tree,
        scene: &mut Scene<'_>,
    ) -> Result<Request, EnrollError> {
        let request = wstep::certification_request(&self.key, &account.device_id)?;
        let signed = sign_attached(
            &account.identity.key,
            &account.identity.certificate,
            &request,
            Form::WithAttributes { at: scene.now },
        );
        self.message_id = format!("urn:uuid:{}", scene.random.uuid());
        let server_url = account.renewal(tree).and_then(|renewal| renewal.server_url);
        let url = server_url.unwrap_or_else(|| account.enrollment_url.clone());
        let message = soap::Request {
            message_id: self.message_id.clone(),
            to: Some(url.clone()),
            security: Some(Security {
                timestamp: Some(meant_from(scene.now)),
                token: Some(Token::Username {
                    username: account.user.clone(),
                    password: Secret::new(""),
                }),
            }),
            body: RequestBody::RequestSecurityToken(RequestSecurityToken {
                request_type: RequestType::Renew,
                request: CertificateRequest::Pkcs7(signed.map_err(|_| EnrollError::Key)?),
                context: wstep::context(scene.pc, account.store, &account.device_id, None),
            }),
        };
        let body = message.to_xml().map_err(|_| EnrollError::Unwritable)?;
        let mut request = Request::post(url, soap::CONTENT_TYPE, body);
        request.identity = Some(account.identity.clone());
        Ok(request)
    }

    /// Takes the answer: the account has its new certificate then.
    pub(in crate::windows) fn respond(
        &self,
        response: &Response,
        account: &mut Account,
        now: i64,
    ) -> Result<(), EnrollError> {
        let ResponseBody::RequestSecurityToken(answer) = read(response, About::Renew, &self.message_id)?
        else {
            return Err(Complaint::OtherOperation(About::Renew).into());
        };
        let renewed = document::renewal(
            &answer.document,
            &self.key,
            &account.identity.certificate,
            account.store,
            account.root.as_ref(),
            now,
        )?;
        if renewed.provider_id != account.provider_id {
            return Err(Complaint::Enrollment {
                about: About::Renew,
                what: "PROVIDER-ID is another one",
            }
            .into());
        }
        account.identity = Identity {
            certificate: renewed.certificate,
            key: self.key.clone(),
        };
        if renewed.root.is_some() {
            account.root = renewed.root;
        }
        if let Some(application) = renewed.application {
            account.application = application;
        }
        Ok(())
    }
}
