//! F1.6: what a device checks of a provisioning document before it takes anything of it.
//!
//! What the document alone tells was checked when it was read (`ordain_windows::provisioning`); this is what only who has
//! the key can tell, and what is between the parts.

use ordain_pki::chain::{self, Expiry};
use ordain_pki::{Certificate, KeyPair};
use ordain_windows::provisioning::{
    self, Account, DmClient, PollProblem, ProvisioningDocument, Renewal, Store,
};

use super::{EnrollError, https};
use crate::windows::complaint::Complaint;
use crate::windows::exchange::About;

/// What an enrollment brings.
pub(super) struct Provisioned {
    pub(super) provider_id: String,
    pub(super) certificate: Certificate,
    pub(super) root: Option<Certificate>,
    pub(super) application: Account,
    pub(super) client: DmClient,
    pub(super) renewal: Option<Renewal>,
}

/// What a renewal brings.
pub(super) struct Renewed {
    pub(super) provider_id: String,
    pub(super) certificate: Certificate,
    /// When it is another one.
    pub(super) root: Option<Certificate>,
    pub(super) application: Option<Account>,
}

struct Judge {
    about: About,
}

/// The document of an enrollment.
pub(super) fn enrollment(
    document: &[u8],
    key: &KeyPair,
    store: Store,
    now: i64,
) -> Result<Provisioned, EnrollError> {
    let judge = Judge { about: About::Enroll };
    let document = judge.parse(document)?;
    let root = document.certificates.root.as_ref();
    let root = root.ok_or(judge.wrong("the document has no root certificate"))?;
    let root = judge.certificate(root)?;
    let certificate = judge.identity(&document, key, store, Some(&root), now)?;
    let provider_id = document.application.provider_id;
    if !provider_id.is_ascii() {
        return Err(judge.wrong("PROVIDER-ID is not ASCII"));
    }
    let application = document.application.account;
    let application = application.ok_or(judge.wrong("APPLICATION has no ADDR"))?;
    judge.application(&application, &certificate, store)?;
    let client = document.dm_client;
    let client = client.ok_or(judge.wrong("the document has no DMClient"))?;
    let poll = client.poll.as_ref();
    // Without any poll there would be the daily one of Windows' own, which no server means.
    let poll = poll.ok_or(judge.wrong("DMClient has no Poll"))?;
    if poll.problems().contains(&PollProblem::Never) {
        return Err(judge.wrong("the poll schedule is a configuration failure: all is zero"));
    }
    Ok(Provisioned {
        provider_id,
        certificate,
        root: Some(root),
        application,
        client,
        renewal: document.certificates.renewal,
    })
}

/// The document of a renewal of `old`.
pub(super) fn renewal(
    document: &[u8],
    key: &KeyPair,
    old: &Certificate,
    store: Store,
    root: Option<&Certificate>,
    now: i64,
) -> Result<Renewed, EnrollError> {
    let judge = Judge { about: About::Renew };
    let document = judge.parse(document)?;
    let new_root = document.certificates.root.as_ref();
    let new_root = new_root.map(|root| judge.certificate(root)).transpose()?;
    let root = new_root.as_ref().or(root);
    let certificate = judge.identity(&document, key, store, root, now)?;
    let application = document.application.account;
    match &application {
        Some(application) => judge.application(application, &certificate, store)?,
        // The certificate would not be found by the criteria that stay.
        None if certificate.subject() != old.subject() => {
            return Err(
                judge.wrong("the subject is another one, and SSLCLIENTCERTSEARCHCRITERIA was not updated")
            );
        }
        None => {}
    }
    Ok(Renewed {
        provider_id: document.application.provider_id,
        certificate,
        root: new_root,
        application,
    })
}

impl Judge {
    fn wrong(&self, what: &'static str) -> EnrollError {
        Complaint::Enrollment {
            about: self.about,
            what,
        }
        .into()
    }

    fn parse(&self, document: &[u8]) -> Result<ProvisioningDocument, EnrollError> {
        let about = self.about;
        let read = ProvisioningDocument::parse(document);
        Ok(read.map_err(|error| Complaint::Unreadable { about, error })?)
    }

    fn certificate(&self, entry: &provisioning::Certificate) -> Result<Certificate, EnrollError> {
        let certificate = Certificate::from_der(&entry.der);
        let certificate = certificate.map_err(|_| self.wrong("EncodedCertificate is no certificate"))?;
        if certificate.thumbprint() != entry.thumbprint {
            return Err(self.wrong("a certificate is not under its thumbprint"));
        }
        Ok(certificate)
    }

    /// The device's own certificate: for its key, in its store, of the CA that is given.
    fn identity(
        &self,
        document: &ProvisioningDocument,
        key: &KeyPair,
        store: Store,
        root: Option<&Certificate>,
        now: i64,
    ) -> Result<Certificate, EnrollError> {
        let identity = &document.certificates.identity;
        if identity.store != store {
            return Err(self.wrong("the certificate is in the other store than EnrollmentType asked for"));
        }
        let certificate = self.certificate(&identity.certificate)?;
        if certificate.public_key() != key.public_key() {
            return Err(self.wrong("the certificate is not for the device's key"));
        }
        let intermediate = document.certificates.intermediate.as_ref();
        let intermediates = intermediate.map(|entry| self.certificate(entry)).transpose()?;
        let intermediates: Vec<_> = intermediates.into_iter().collect();
        let anchors: Vec<_> = root.cloned().into_iter().collect();
        if chain::verify(&certificate, &intermediates, &anchors, now, Expiry::Enforced).is_err() {
            return Err(self.wrong("the certificate is not one of the root's that is valid now"));
        }
        Ok(certificate)
    }

    fn application(
        &self,
        application: &Account,
        certificate: &Certificate,
        store: Store,
    ) -> Result<(), EnrollError> {
        if https(&application.address).is_none() {
            return Err(self.wrong("ADDR is not an https URL"));
        }
        let criteria = &application.client_certificate;
        let subject = certificate.common_name().map(|name| format!("CN={name}"));
        if criteria.store != store || subject.as_ref() != Some(&criteria.subject) {
            return Err(self.wrong("SSLCLIENTCERTSEARCHCRITERIA does not find the certificate"));
        }
        Ok(())
    }
}
