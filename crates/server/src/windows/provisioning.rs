//! The provisioning documents of enrollment and renewal, of either channel: whom the device is to trust, its certificate, and where and how
//! often it is to ask for work.

use ordain_model::decision::EscrowKind;
use ordain_model::ids::{Channel, EnrollmentId};
use ordain_model::windows::enroll::{RENEW_PERIOD, RETRY_INTERVAL};
use ordain_model::windows::poll::Schedule;
use ordain_model::windows::{CertificateStore, WindowsFacts, link};
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

use super::exchange::Problem;
use super::{MANAGEMENT, certificate, linked};
use crate::app::App;
use crate::device::checkin::escrowed;
use crate::device::fault::Fault as Refused;
use crate::house::new_secret;

/// What this server is to a device, on one of its channels.
struct Provider {
    /// `PROVIDER-ID`: its name among those that manage a device.
    id: &'static str,
    /// Where sessions are held.
    management: &'static str,
    poll: Poll,
}

/// As which provider the device of a channel `id` knows this server.
fn provider(id: &EnrollmentId) -> Provider {
    let (id, management, schedule) = match id.channel() {
        Channel::Linked => ("Ordain-DC", linked::MANAGEMENT, link::SCHEDULE),
        Channel::Device | Channel::User => ("Ordain", MANAGEMENT, Schedule::default()),
    };
    Provider {
        id,
        management,
        poll: Poll {
            counts: schedule.counts,
            intervals: schedule.intervals,
            on_login: Some(schedule.on_login),
            on_first_login_of_all: None,
        },
    }
}

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
    windows: &WindowsFacts,
    root: &Certificate,
    own: &Certificate,
    account: &Account,
) -> Result<Vec<u8>, Problem> {
    let provider = provider(id);
    let store = store(windows.store);
    let proof = |name: Option<&EnrollmentId>, secret: &str| AppAuth {
        kind: AuthType::Digest,
        name: name.map(ToString::to_string),
        secret: Secret::new(secret),
        nonce: Some(random::<16>().to_vec()),
    };
    let account = WireAccount {
        name: provider.id.to_owned(),
        address: format!("{public_url}{}", provider.management),
        connection_retries: Some(6),
        initial_backoff: Some(30_000),
        max_backoff: Some(120_000),
        no_older_protocol: true,
        hardware_id: false,
        client_certificate: SearchCriteria {
            subject: format!("CN={}", certificate::subject(id)),
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
        provider_id: provider.id.to_owned(),
        upn: windows.user.clone(),
        device_name: None,
        ent_dm_id: Some(id.to_string()),
        // [U] in a provisioning document: the first session sets it.
        sync_application_version: None,
        poll: Some(provider.poll),
    };
    let document = ProvisioningDocument {
        certificates: certificates(Some(root), own, store, Some(renewal)),
        application: Application {
            provider_id: provider.id.to_owned(),
            account: Some(account),
        },
        dm_client: Some(client),
    };
    document.to_xml().map_err(Problem::unavailable)
}

/// What a renewal is answered with: the certificate alone.
pub(super) fn of_renewal(
    id: &EnrollmentId,
    kept_in: CertificateStore,
    own: &Certificate,
) -> Result<Vec<u8>, Problem> {
    let document = ProvisioningDocument {
        certificates: certificates(None, own, store(kept_in), None),
        application: Application {
            provider_id: provider(id).id.to_owned(),
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
