//! A push service on loopback that keeps APNs' rules for MDM, and none of its secrets.
//!
//! It knows the tokens that devices [registered](Courier::register) with it, takes pushes to them over HTTP/2 from
//! whoever shows a [certificate](Apns::push_certificate) for their topic, and delivers them. With [`Knobs`] it behaves as
//! badly as the real one can.

mod book;
mod courier;
mod rules;
mod server;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ordain_pki::authority::{Request, Usage};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, KeyPair};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use crate::loopback::ServiceError;
use crate::loopback::{self, Clients};
use book::Book;
pub use courier::{Courier, Delivery};

/// How it behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knobs {
    /// How many requests at once a connection may have (MAX_CONCURRENT_STREAMS); for new connections.
    pub streams: u32,
    /// After how many requests a connection is said goodbye to (GOAWAY).
    pub goaway_after: Option<u64>,
    /// What the next requests get.
    pub trouble: Option<Trouble>,
    /// How long each answer takes.
    pub latency: Duration,
    /// It answers nothing any more.
    pub silent: bool,
    /// A token that had so many pushes gets no more for now.
    pub most_per_token: Option<u64>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            streams: 1000,
            goaway_after: None,
            trouble: None,
            latency: Duration::ZERO,
            silent: false,
            most_per_token: None,
        }
    }
}

/// The same answer to some requests, whatever they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The status.
    pub status: u16,
    /// The reason.
    pub reason: String,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// To how many requests.
    pub times: u64,
}

/// What has happened so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pushes that were taken.
    pub accepted: u64,
    /// Those for devices that were not connected, and were not to be kept.
    pub lost: u64,
    /// Requests that were refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Connections of pushers.
    pub connections: u64,
    /// The most requests at once on one connection.
    pub most_streams: usize,
}

/// The push service. It ends when it is dropped.
#[derive(Debug)]
pub struct Apns {
    authority: Authority,
    address: SocketAddr,
    acceptor: Acceptor,
    listening: Mutex<Option<JoinHandle<()>>>,
    state: Arc<State>,
}

struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

/// What connections and couriers share.
#[derive(Debug, Default)]
struct State {
    knobs: Mutex<Knobs>,
    book: Mutex<Book>,
}

impl State {
    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        lock(&self.knobs)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Apns {
    /// Starts one on a free port of loopback, with a new authority.
    pub async fn start() -> Result<Self, ServiceError> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// The same at another address. Its certificate is for `localhost`, wherever it listens.
    pub async fn start_at(listen: SocketAddr) -> Result<Self, ServiceError> {
        let authority = loopback::authority("Fake Apple CA")?;
        let acceptor = Acceptor(loopback::acceptor(&authority, Clients::Certified, &["h2"])?);
        let listener = TcpListener::bind(listen).await?;
        let apns = Self {
            authority,
            address: listener.local_addr()?,
            acceptor,
            listening: Mutex::default(),
            state: Arc::default(),
        };
        apns.listen(listener);
        Ok(apns)
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Who vouches for it and for those who may push: to be trusted by pushers.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A push certificate for a topic and its key, in PEM.
    pub fn push_certificate(&self, topic: &str) -> Result<String, ServiceError> {
        let key = KeyPair::generate(KeyKind::P256)?;
        let certificate = self.authority.issue(&Request {
            public_key: key.public_key(),
            common_name: "APSP:fake",
            organization: None,
            serial_number: None,
            usage: Usage::Push {
                topic: topic.to_owned(),
            },
            validity: loopback::validity(),
        })?;
        Ok(certificate.to_pem() + &key.to_pem()?)
    }

    /// Connects a device, which has no tokens yet.
    pub fn connect(&self) -> Courier {
        Courier::new(self.state.clone())
    }

    /// Changes how it behaves.
    pub fn turn(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.state.knobs());
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.state.book().counts.clone()
    }

    /// How many pushes to a token were taken.
    pub fn accepted(&self, token: &[u8]) -> u64 {
        self.state.book().accepted(token)
    }

    /// Breaks all connections of pushers, and takes no new ones until [`Apns::resume`].
    pub async fn outage(&self) {
        let listening = lock(&self.listening).take();
        if let Some(listening) = listening {
            listening.abort();
            // It ends by being aborted; the port is free then.
            let _ = listening.await;
        }
    }

    /// Ends an [outage](Apns::outage): it answers where it did before, and still knows all tokens.
    pub async fn resume(&self) -> Result<(), ServiceError> {
        let listener = TcpListener::bind(self.address).await?;
        self.listen(listener);
        Ok(())
    }

    fn listen(&self, listener: TcpListener) {
        let state = self.state.clone();
        let connection = move |stream| server::connection(stream, state.clone());
        let task = tokio::spawn(loopback::serve(listener, self.acceptor.0.clone(), connection));
        if let Some(before) = lock(&self.listening).replace(task) {
            before.abort();
        }
    }
}

impl Drop for Apns {
    fn drop(&mut self) {
        if let Some(listening) = lock(&self.listening).take() {
            listening.abort();
        }
    }
}
