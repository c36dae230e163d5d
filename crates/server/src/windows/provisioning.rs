//! The provisioning documents of enrollment and renewal: whom the device is to trust, its certificate, and where and how
//! often it is to ask for work.

use ordain_model::decision::EscrowKind;
use ordain_model::device::DeviceFacts;
use ordain_model::ids::EnrollmentId;
use ordain_model::windows::enroll::{POLL_COUNTS, POLL_INTERVALS, RENEW_PERIOD, RETRY_INTERVAL};
use ordain_model::windows::{CertificateStore, WindowsFacts};
use ordain_pki::seal::KeyRing;
use ordain_pki::{Certificate, random};
use ordain_store::escrow_context;
use ordain_windows::provisioning::{
    Account as WireAccount, AppAuth, Application, AuthType, Certificate as WireCertificate, Certificates,
    DmClient, Identity, KeyContainer, Poll, ProvisioningDocument, Renewal, SearchCriteria, Store,
};
use ordain_windows::secret::Secret;
use ordain_windows::syncml::credential;
use serde::{Deserialize, Serialize};

use super::MANAGEMENT;
use super::exchange::Problem;
use crate::app::App;
use crate::device::checkin::escrowed;
use crate::device::fault::Fault as Refused;
use crate::house::new_secret;

/// `PROVIDER-ID`: this server's name among those that manage a device.
pub(super) const PROVIDER_ID: &str = "Ordain";

/// The secrets of a device's DM account, by which the two sides know each other where TLS does not tell. They are kept
/// sealed, as JSON, with the device's escrowed tokens ([`EscrowKind::DmAccount`]).
#[derive(Serialize, Deserialize)]
pub(super) struct Account {
    /// The device's own, under its identifier as name (`APPSRV`).
    device: String,
    /// The server's (`CLIENT`).
    server: String,
}

impl Account {
    /// New secrets.
    pub(super) fn new() -> Self {
        Self {
            device: new_secret(),
            server: new_secret(),
        }
    }

    /// What is escrowed of a device.
    pub(super) async fn escrowed(app: &App, id: &EnrollmentId) -> Result<Option<Self>, Refused> {
        let content = escrowed(app, id, EscrowKind::DmAccount).await?;
        let account = content
            .map(|content| serde_json::from_slice(&content))
            .transpose();
        account.map_err(|error| Refused::Unavailable(format!("the DM account of {id}: {error}")))
    }

    /// What makes and checks the credentials that the device `id` shows.
    pub(super) fn device_key(&self, id: &EnrollmentId) -> Secret {
        credential::key(&id.to_string(), &self.device)
    }

    pub(super) fn seal(&self, ring: &KeyRing, id: &EnrollmentId) -> Result<Vec<u8>, Problem> {
        let content = serde_json::to_vec(self).map_err(Problem::unavailable)?;
        let context = escrow_context(id, EscrowKind::DmAccount);
        ring.seal(&context, &content).map_err(Problem::unavailable)
    }
}

/// What an enrollment is answered with.
pub(super) fn of_enrollment(
    public_url: &str,
    id: &EnrollmentId,
    facts: &DeviceFacts,
    root: &Certificate,
    certificate: &Certificate,
    account: &Account,
) -> Result<Vec<u8>, Problem> {
    let windows = facts.windows.as_deref();
    let store = store(windows.map(|windows| windows.store).unwrap_or_default());
    let proof = |name: Option<&EnrollmentId>, secret: &str| AppAuth {
        kind: AuthType::Digest,
        name: name.map(ToString::to_string),
        secret: Secret::new(secret),
        nonce: Some(random::<16>().to_vec()),
    };
    let account = WireAccount {
        name: PROVIDER_ID.to_owned(),
        address: format!("{public_url}{MANAGEMENT}"),
        connection_retries: Some(6),
        initial_backoff: Some(30_000),
        max_backoff: Some(120_000),
        no_older_protocol: true,
        hardware_id: false,
        client_certificate: SearchCriteria {
            subject: format!("CN={id}"),
            store,
        },
        server_proof: proof(None, &account.server),
        device_proof: proof(Some(id), &account.device),
    };
    let renewal = Renewal {
        period: RENEW_PERIOD,
        retry_interval: RETRY_INTERVAL,
        server_url: None,
    };
    let client = DmClient {
        provider_id: PROVIDER_ID.to_owned(),
        upn: windows.and_then(|WindowsFacts { user, .. }| user.clone()),
        device_name: None,
        ent_dm_id: Some(id.to_string()),
        // [U] in a provisioning document: the first session sets it.
        sync_application_version: None,
        poll: Some(Poll {
            counts: POLL_COUNTS,
            intervals: POLL_INTERVALS,
            on_login: Some(true),
            on_first_login_of_all: None,
        }),
    };
    let document = ProvisioningDocument {
        certificates: certificates(Some(root), certificate, store, Some(renewal)),
        application: Application {
            provider_id: PROVIDER_ID.to_owned(),
            account: Some(account),
        },
        dm_client: Some(client),
    };
    document.to_xml().map_err(Problem::unavailable)
}

/// What a renewal is answered with: the certificate alone.
pub(super) fn of_renewal(kept_in: CertificateStore, certificate: &Certificate) -> Result<Vec<u8>, Problem> {
    let document = ProvisioningDocument {
        certificates: certificates(None, certificate, store(kept_in), None),
        application: Application {
            provider_id: PROVIDER_ID.to_owned(),
            account: None,
        },
        dm_client: None,
    };
    document.to_xml().map_err(Problem::unavailable)
}

fn certificates(
    root: Option<&Certificate>,
    own: &Certificate,
    store: Store,
    renewal: Option<Renewal>,
) -> Certificates {
    let named = |certificate: &Certificate| WireCertificate {
        thumbprint: certificate.thumbprint(),
        der: certificate.der().to_vec(),
    };
    Certificates {
        root: root.map(named),
        intermediate: None,
        identity: Identity {
            store,
            certificate: named(own),
            key_container: KeyContainer::Beside,
        },
        renewal,
    }
}

fn store(kept_in: CertificateStore) -> Store {
    match kept_in {
        CertificateStore::User => Store::User,
        CertificateStore::System => Store::System,
    }
}
