//! Push: telling devices by way of their makers' services that there is something for them.
//!
//! [`Apns`] speaks to APNs, with the [`PushCertificate`], and [`wns::Wns`] to WNS, with its credentials; for each of them
//! there is a sweep, which decides by the domain's rules whom it tells, and when.

mod apns;
pub mod certificate;
mod client;
mod kept;
mod line;
mod lines;
mod look;
pub(crate) mod metrics;
mod pace;
pub(crate) mod sweeper;
mod trouble;
mod walk;
pub mod wns;

use std::path::{Path, PathBuf};

use ordain_model::enrollment::Service;
use ordain_store::StoreError;
use ordain_windows::wns::Site;
use tokio::sync::Notify;

pub use apns::{APPLE, Apns, Config, SetupError};
pub use certificate::PushCertificate;
pub(crate) use trouble::Trouble;

use crate::app::App;
use crate::files;
use crate::settings::{Settings, StartError};
use certificate::Warning;
use kept::Kept;

/// The setting that holds the last trouble with a service.
fn trouble_with(service: Service) -> &'static str {
    match service {
        Service::Apns => "push-trouble",
        Service::Wns => "wns-trouble",
    }
}

/// What a sweep waits for.
#[derive(Default)]
struct Bell {
    /// Somebody may have to be pushed: look at once.
    news: Notify,
    /// There is something else to push with.
    imported: Notify,
}

/// What the sweeps and the rest of the server share.
pub(crate) struct Push {
    apns: Bell,
    wns: Bell,
    /// Who this node is among those of one database. It stays the same over restarts.
    pub(crate) node: String,
    /// Which of its runs this is.
    run: u64,
    /// At most so many pushes in a second, through each service.
    rate: u32,
    url: Option<String>,
    /// PEM with whom alone to trust, instead of the system's.
    ca: Option<PathBuf>,
    certificate: Kept<PushCertificate>,
    /// The same of WNS.
    wns_site: Site,
    wns_ca: Option<PathBuf>,
    credentials: Kept<wns::Credentials>,
}

impl Push {
    /// What `settings` say.
    pub(crate) fn new(settings: &Settings, data_dir: &Path) -> Result<Self, StartError> {
        let path = data_dir.join("node.id");
        if !path.exists() {
            files::write(&path, &hex::encode(ordain_pki::random::<16>()))?;
        }
        Ok(Self {
            apns: Bell::default(),
            wns: Bell::default(),
            node: files::read(&path)?.trim().to_owned(),
            run: u64::from_ne_bytes(ordain_pki::random()),
            rate: settings.push_rate,
            url: settings.apns_url.clone(),
            ca: settings.apns_ca.clone(),
            certificate: Kept::default(),
            wns_site: wns::site(settings.wns_url.as_deref())?,
            wns_ca: settings.wns_ca.clone(),
            credentials: Kept::default(),
        })
    }

    /// Somebody may have to be pushed.
    pub(crate) fn tell(&self) {
        self.apns.news.notify_one();
        self.wns.news.notify_one();
    }

    fn bell(&self, service: Service) -> &Bell {
        match service {
            Service::Apns => &self.apns,
            Service::Wns => &self.wns,
        }
    }

    /// A client for `certificate`; the error says what to do.
    fn client(&self, certificate: &PushCertificate) -> Result<Apns, String> {
        let defaults = Config::new(certificate.clone());
        let ca = self.ca.as_deref().map(files::read).transpose();
        let config = Config {
            url: self.url.clone().unwrap_or(defaults.url),
            ca: ca.map_err(|error| error.to_string())?,
            ..defaults
        };
        Apns::new(&config).map_err(|error| error.to_string())
    }
}

impl App {
    /// What is wrong with `service`, by the word of the node that pushes.
    pub(crate) async fn trouble(&self, service: Service) -> Result<Option<Trouble>, StoreError> {
        let kept = self.store.setting(trouble_with(service)).await?;
        let read = |kept: Vec<u8>| serde_json::from_slice(&kept);
        kept.map_or(Ok(None), read)
            .map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    async fn keep_trouble(&self, service: Service, trouble: Option<&Trouble>) -> Result<(), StoreError> {
        let kept = serde_json::to_vec(&trouble).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        self.store.keep(trouble_with(service), kept).await
    }
}

/// What an administrator is told of the end of the push certificate.
pub(crate) fn warning_text(warning: Warning) -> String {
    const RENEW: &str = "renew it at https://identity.apple.com with the same Apple Account and the same certificate \
                         entry, and import it";
    match warning {
        Warning::Soon { days } => format!("the push certificate ends in {days} days: {RENEW}"),
        Warning::Urgent { days } => {
            format!(
                "the push certificate ends in {days} days, and then no device can be told anything: {RENEW}"
            )
        }
        Warning::Expired => {
            format!("the push certificate has expired, and no device can be told anything: {RENEW}")
        }
    }
}
