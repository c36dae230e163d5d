//! Starting and stopping a server.

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ordain_model::checkin::EnrollmentPolicy;
use ordain_model::enrollment::Service;
use ordain_store::Store;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, Parts};
use crate::clock::{self, Clock};
use crate::events::{self, Events};
use crate::identity::Trust;
use crate::keys::Keys;
use crate::local::Local;
use crate::push::{Push, sweeper};
use crate::settings::{Settings, StartError};
use crate::windows::entra::Entra;
use crate::{bulk, files, house, listener, regroup, router, tls};

/// How often sightings are written.
const FLUSH: Duration = Duration::from_millis(500);
/// How long a stop may take in all.
const DEADLINE: Duration = Duration::from_secs(9);
/// How often a node looks whether another one has published or imported.
const POLL: Duration = Duration::from_secs(1);

/// A running server.
pub struct Server {
    url: String,
    ca: Option<PathBuf>,
    state_file: PathBuf,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    app: Arc<App>,
    local: Local,
    _lock: File,
}

impl Server {
    /// Starts a server. When this returns, it answers, and `server.json` says where.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        Self::start_with(settings, clock::system()).await
    }

    /// The same, with another clock.
    pub async fn start_with(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let now = clock();
        std::fs::create_dir_all(&settings.data_dir).map_err(StartError::file(&settings.data_dir))?;
        let data_dir = settings
            .data_dir
            .canonicalize()
            .map_err(StartError::file(&settings.data_dir))?;
        let settings = Settings {
            data_dir: data_dir.clone(),
            ..settings
        };
        check(&settings)?;
        let lock = files::lock(&data_dir)?;
        let state_file = data_dir.join("server.json");
        remove(&state_file)?;

        let store = match &settings.database {
            Some(url) => Store::postgres(url).await?,
            None => Store::sqlite(&data_dir.join("ordain.db")).await?,
        };
        let seal = Keys::load(&settings, &store).await?;
        let own = house::device_ca(&store, &seal, now).await?;
        house::admin_token(&store, &data_dir, now).await?;

        let listener = listener::listen(settings.listen).map_err(|error| StartError::Listen {
            address: settings.listen,
            error,
        })?;
        let address = listener.local_addr().map_err(StartError::file(&data_dir))?;
        let url = local_url(&settings, address);
        // The addresses of this machine alone are no use to devices, nor is one without TLS.
        let is_reachable = !settings.http && !settings.listen.ip().is_unspecified();
        let public_url =
            house::public_url(&store, settings.public_url.as_deref(), &url, is_reachable).await?;
        let identity = match settings.http {
            true => None,
            false => {
                let (names, addresses) = own_names(address, &public_url.url);
                Some(tls::identity(&settings, names, addresses, now)?)
            }
        };
        let (config, made_by) = identity
            .map(|identity| (identity.config, identity.made_by))
            .unzip();
        let (ca, server_ca) = made_by.flatten().unzip();

        let trust = Trust::new(
            own,
            house::foreign_cas(&settings)?,
            settings.trusted_proxies.clone(),
            settings.client_cert_header.clone(),
        );
        let enrollment = EnrollmentPolicy {
            open: !settings.enroll_closed,
            allow_reenrollment: settings.allow_reenrollment,
        };
        let (stop, stopped) = watch::channel(false);
        let app = App::new(Parts {
            store,
            trust,
            enrollment,
            seal,
            public_url: public_url.url.clone(),
            server_ca,
            events: Events::new(settings.event_retention, stopped.clone())?,
            push: Push::new(&settings, &data_dir)?,
            clock,
            destructive_budget: settings.destructive_budget,
            entra: settings.entra.clone().map(Entra::new).transpose()?,
        })
        .await?;
        let app = Arc::new(app);
        match public_url.before {
            Some(_) => app.move_to(public_url).await?,
            None => house::keep_public_url(&app.store, &public_url, now).await?,
        }

        let router = router::router(app.clone());
        let tasks = vec![
            tokio::spawn(listener::serve(listener, config, router.clone(), stopped.clone())),
            tokio::spawn(bulk::run(app.clone(), stopped.clone())),
            tokio::spawn(regroup::run(app.clone(), stopped.clone())),
            tokio::spawn(behind(app.clone(), stopped.clone())),
            tokio::spawn(events::run(app.clone())),
            tokio::spawn(sweeper::run(app.clone(), Service::Apns, stopped.clone())),
            tokio::spawn(sweeper::run(app.clone(), Service::Wns, stopped)),
        ];
        let mut state = json!({"url": url, "pid": std::process::id()});
        if let Some(ca) = &ca {
            state["ca"] = json!(ca);
        }
        if let Some(path) = settings.tls_certificate.as_ref().filter(|_| !settings.http) {
            // By this the commands on this machine know the server: its certificate is for another name than theirs.
            state["certificate"] = json!(path.canonicalize().map_err(StartError::file(path))?);
        }
        files::write(&state_file, &state.to_string())?;
        Ok(Self {
            url,
            ca,
            state_file,
            stop,
            tasks,
            app,
            local: Local::new(router),
            _lock: lock,
        })
    }

    /// Where it answers, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate to trust, when the server made its own.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// The same server without its sockets, for who drives many devices in its process.
    pub fn local(&self) -> Local {
        self.local.clone()
    }

    /// Lets requests under way finish and writes what waits, within nine seconds; whatever hangs then is left.
    pub async fn stop(self) {
        if let Err(error) = remove(&self.state_file) {
            tracing::warn!(%error, "server.json was left behind");
        }
        // The tasks may have ended already.
        let _ = self.stop.send(true);
        let end = async {
            for task in self.tasks {
                if let Err(error) = task.await {
                    tracing::error!(%error, "a part of the server had failed");
                }
            }
            if let Err(error) = self.app.flush_sightings().await {
                tracing::warn!(%error, "the last sightings were not written");
            }
        };
        if tokio::time::timeout(DEADLINE, end).await.is_err() {
            tracing::warn!("not everything had ended in time");
        }
    }
}

/// What happens behind the requests: sightings are written, and what other nodes published and imported is learned.
async fn behind(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut flush = tokio::time::interval(FLUSH);
    let mut poll = tokio::time::interval(POLL);
    loop {
        tokio::select! {
            _ = flush.tick() => {
                if let Err(error) = app.flush_sightings().await {
                    tracing::warn!(%error, "sightings were not written");
                }
            }
            _ = poll.tick(), if app.store.is_shared() => {
                if let Err(error) = app.reload().await {
                    tracing::warn!(%error, "the newest revision was not read");
                }
                if let Err(error) = app.catalogs.reload(&app.store).await {
                    tracing::warn!(%error, "the catalog in force was not read");
                }
            }
            () = stopped(&mut stop) => return,
        }
    }
}

/// Waits until the server is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and the server with it.
    drop(stop.wait_for(|stop| *stop).await);
}

fn check(settings: &Settings) -> Result<(), StartError> {
    if settings.http && settings.trusted_proxies.is_empty() {
        let what =
            "--http serves without TLS, for a proxy that speaks it: name the proxy with --trusted-proxy";
        return Err(StartError::Setting(what.into()));
    }
    if settings.client_cert_header.is_some() && settings.trusted_proxies.is_empty() {
        let what = "--client-cert-header counts only from proxies: name them with --trusted-proxy";
        return Err(StartError::Setting(what.into()));
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), StartError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StartError::file(path)(error)),
        _ => Ok(()),
    }
}

/// Where this machine reaches the server.
pub(crate) fn local_url(settings: &Settings, address: SocketAddr) -> String {
    let scheme = if settings.http { "http" } else { "https" };
    let host = match address.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => IpAddr::from([127, 0, 0, 1]),
        ip if ip.is_unspecified() => IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(host, address.port()))
}

/// The names that the self-made certificate is for.
pub(crate) fn own_names(address: SocketAddr, public_url: &str) -> (Vec<String>, Vec<IpAddr>) {
    let mut names = vec!["localhost".to_owned()];
    let mut addresses = vec![
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::from(std::net::Ipv6Addr::LOCALHOST),
    ];
    let hostname = gethostname::gethostname().to_string_lossy().into_owned();
    if !hostname.is_empty()
        && hostname
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    {
        names.push(hostname);
    }
    if !address.ip().is_unspecified() {
        addresses.push(address.ip());
    }
    match url::Url::parse(public_url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(domain)) => names.push(domain.to_owned()),
        Some(url::Host::Ipv4(ip)) => addresses.push(ip.into()),
        Some(url::Host::Ipv6(ip)) => addresses.push(ip.into()),
        None => {}
    }
    names.sort();
    names.dedup();
    addresses.sort();
    addresses.dedup();
    (names, addresses)
}
