//! A server under test, with its data, its clock and its administrator.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::Certificate;
use ordain_server::clock::Clock;
use ordain_server::{Server, Settings, StartError};
use ordain_testbed::Database;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::client::{Answer, Client, Manner};
use crate::identity::{TRUSTED, V1_CA};

/// When the tests begin, in unix seconds: in January 2027.
pub(crate) const START: i64 = 1_800_000_000;
/// What devices are told to reach the server by.
pub(crate) const PUBLIC_URL: &str = "https://mdm.example.org";
/// The header of the trusted proxy, which is 127.0.0.2.
pub(crate) const PROXY_HEADER: &str = "X-Device-Certificate";

/// Where a server is, and when. Its clients share it.
pub(crate) struct Site {
    now: AtomicI64,
    answers: Mutex<Option<(SocketAddr, Option<Certificate>)>>,
}

impl Site {
    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.answers
            .lock()
            .unwrap()
            .as_ref()
            .expect("a server that runs")
            .0
    }

    /// The certificate to trust, where there is TLS.
    pub(crate) fn ca(&self) -> Option<Certificate> {
        self.answers.lock().unwrap().as_ref()?.1.clone()
    }

    /// Makes clients trust `ca`, where the server does not say what to trust.
    pub(crate) fn trust(&self, ca: Certificate) {
        if let Some((_, trusted)) = self.answers.lock().unwrap().as_mut() {
            *trusted = Some(ca);
        }
    }
}

/// One server over its restarts.
pub(crate) struct House {
    pub(crate) database: Database,
    pub(crate) site: Arc<Site>,
    dir: TempDir,
    settings: Settings,
    admin: Client,
    running: Option<(Server, Engine)>,
}

/// The server's own threads. They end without being asked to, as a process does that is killed.
struct Engine(Option<Runtime>);

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl House {
    /// A server that trusts [`TRUSTED`], the openssl fixtures' CA and the proxy, with nothing published.
    pub(crate) async fn open(database: Database) -> Self {
        Self::open_with(database, |_| ()).await
    }

    /// The same with other settings.
    pub(crate) async fn open_with(database: Database, adjust: impl FnOnce(&mut Settings)) -> Self {
        let mut house = Self::closed(database);
        adjust(&mut house.settings);
        house.start().await.expect("a server");
        house
    }

    /// One that does not run yet.
    pub(crate) fn closed(database: Database) -> Self {
        let dir = TempDir::new().expect("a directory");
        let data_dir = match &database {
            Database::Sqlite(dir) => dir.path().to_owned(),
            Database::Postgres(_) => dir.path().join("data"),
        };
        let device_cas: Vec<PathBuf> = [("trusted", TRUSTED.pem()), ("v1", V1_CA.to_owned())]
            .map(|(name, pem)| {
                let path = dir.path().join(format!("{name}.pem"));
                std::fs::write(&path, pem).expect("a file");
                path
            })
            .into();
        let settings = Settings {
            database: match &database {
                Database::Sqlite(_) => None,
                Database::Postgres(url) => Some(url.clone()),
            },
            device_cas,
            trusted_proxies: vec!["127.0.0.2/32".parse().expect("a network")],
            client_cert_header: Some(PROXY_HEADER.to_owned()),
            public_url: Some(PUBLIC_URL.to_owned()),
            ..Settings::new("127.0.0.1:0".parse().expect("an address"), data_dir)
        };
        let site = Arc::new(Site {
            now: AtomicI64::new(START),
            answers: Mutex::default(),
        });
        Self {
            database,
            admin: Client::new(site.clone(), Manner::default()),
            site,
            dir,
            settings,
            running: None,
        }
    }

    /// A file beside the server's own.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.settings.data_dir
    }

    pub(crate) fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    pub(crate) async fn start(&mut self) -> Result<(), StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let site = self.site.clone();
        let clock: Clock = Arc::new(move || site.now());
        let starting = runtime.spawn(Server::start_with(self.settings.clone(), clock));
        let engine = Engine(Some(runtime));
        let server = starting.await.expect("no panic")?;
        let (_, address) = server.url().split_once("://").expect("a URL");
        let ca = server.ca().map(|path| {
            let pem = std::fs::read_to_string(path).expect("a file");
            Certificate::from_pem(&pem).expect("a certificate").remove(0)
        });
        *self.site.answers.lock().unwrap() = Some((address.parse().expect("an address"), ca));
        self.running = Some((server, engine));
        Ok(())
    }

    /// Stops it as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        let (server, engine) = self.running.take().expect("a server that runs");
        let runtime = engine.0.as_ref().expect("a runtime");
        runtime.spawn(server.stop()).await.expect("no panic");
    }

    /// Stops it as SIGKILL does: whatever it was about to do, it does not.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take().expect("a server that runs"));
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await.expect("a server");
    }

    pub(crate) fn url(&self) -> &str {
        self.running.as_ref().expect("a server that runs").0.url()
    }

    pub(crate) fn now(&self) -> i64 {
        self.site.now()
    }

    /// Lets time go by.
    pub(crate) fn pass(&self, seconds: i64) {
        self.site.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A client that is nobody in particular.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.site.clone(), Manner::default())
    }

    pub(crate) fn admin_token(&self) -> String {
        let path = self.data_dir().join("admin.token");
        std::fs::read_to_string(path).expect("a token").trim().to_owned()
    }

    /// A request below `/api/v1` by the administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, path, body.as_bytes()).await
    }

    /// Puts another catalog in force, given by its facts.
    pub(crate) async fn import(&self, facts: &[u8]) -> Answer {
        self.send("POST", "/catalog?source=a%20test", facts).await
    }

    async fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = [
            (
                "authorization".to_owned(),
                format!("Bearer {}", self.admin_token()),
            ),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let path = format!("/api/v1{path}");
        self.admin.send(method, &path, &headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.admin("GET", path, None).await.with(200).json()
    }

    /// Publishes a policy directory that must be good.
    pub(crate) async fn publish(&self, files: &[(&str, String)]) -> Value {
        self.try_publish(files).await.with(200).json()
    }

    pub(crate) async fn try_publish(&self, files: &[(&str, String)]) -> Answer {
        let files: Vec<Value> = files
            .iter()
            .map(|(path, content)| json!({"path": path, "content": STANDARD.encode(content)}))
            .collect();
        self.admin("POST", "/policy", Some(json!({"files": files}))).await
    }

    /// All that administrators know of a device.
    pub(crate) async fn device(&self, name: &str) -> Value {
        self.get(&format!("/devices/{name}")).await
    }

    /// All that administrators can see.
    pub(crate) async fn everything(&self) -> Value {
        let list = self.get("/devices").await;
        let mut devices = Vec::new();
        for row in list["devices"].as_array().expect("devices") {
            devices.push(self.device(row["id"].as_str().expect("an id")).await);
        }
        json!({
            "list": list,
            "devices": devices,
            "audit": self.get("/audit").await,
            "catalog": self.get("/catalog").await,
            "revisions": self.get("/revisions").await,
            "tokens": self.get("/tokens").await,
        })
    }
}
