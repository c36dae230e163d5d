//! A push service on loopback that keeps WNS' rules for raw notifications, and none of its secrets.
//!
//! It gives out channels to devices that ask for one ([`Courier::channel`]), tokens to whoever shows the secret of their
//! package, takes pushes with these, and delivers them. With [`Knobs`] it behaves as badly as the real one can.

mod book;
mod rules;
mod server;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ordain_pki::Authority;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub use crate::loopback::ServiceError;
use crate::loopback::{self, Clients};
use book::Book;

/// How many pushes wait for a device that does not read them.
const ROOM: usize = 64;

/// How it behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knobs {
    /// What the next pushes get.
    pub trouble: Option<Trouble>,
    /// It gives out no tokens: 400, `invalid_client`.
    pub no_tokens: bool,
}

/// The same answer to some pushes, whatever they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The status.
    pub status: u16,
    /// `X-WNS-Status`, if any.
    pub fate: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// To how many pushes.
    pub times: u64,
}

/// What has happened so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pushes that were taken.
    pub accepted: u64,
    /// Tokens that were given out.
    pub tokens: u64,
    /// Pushes that were refused, by status.
    pub refused: BTreeMap<u16, u64>,
}

/// The push service. It ends when it is dropped.
#[derive(Debug)]
pub struct Wns {
    authority: Authority,
    address: SocketAddr,
    listening: JoinHandle<()>,
    state: Arc<State>,
}

/// What connections and couriers share.
#[derive(Debug)]
struct State {
    /// How channels begin.
    url: String,
    knobs: Mutex<Knobs>,
    book: Mutex<Book>,
}

impl State {
    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wns {
    /// The package family name of the one app that it knows.
    pub const PACKAGE: &str = "Ordain.Twin_8wekyb3d8bbwe";
    /// The app's package SID.
    pub const SID: &str = "S-1-15-2-1-2-3";
    /// The app's secret.
    pub const SECRET: &str = "fake+secret/1=";

    /// Starts one on a free port of loopback, with a new authority.
    pub async fn start() -> Result<Self, ServiceError> {
        let authority = loopback::authority("Fake Microsoft CA")?;
        let acceptor = loopback::acceptor(&authority, Clients::Anybody, &[])?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            url: format!("https://localhost:{}", address.port()),
            knobs: Mutex::default(),
            book: Mutex::default(),
        });
        let shared = state.clone();
        let connection = move |stream| server::connection(stream, shared.clone());
        let listening = tokio::spawn(loopback::serve(listener, acceptor, connection));
        Ok(Self {
            authority,
            address,
            listening,
            state,
        })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Who vouches for it: to be trusted by pushers.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Connects a device, which has no channel yet.
    pub fn connect(&self) -> Courier {
        let (outlet, inbox) = mpsc::channel(ROOM);
        Courier {
            state: self.state.clone(),
            outlet,
            inbox,
            channel: None,
        }
    }

    /// Changes how it behaves.
    pub fn turn(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.state.knobs());
    }

    /// Tokens that were given out until now do not count any more.
    pub fn expire_tokens(&self) {
        self.state.book().expire_tokens();
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.state.book().counts.clone()
    }
}

impl Drop for Wns {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One device's connection to the push service. Dropping it takes the device offline.
#[derive(Debug)]
pub struct Courier {
    state: Arc<State>,
    outlet: mpsc::Sender<()>,
    inbox: mpsc::Receiver<()>,
    /// The channel's name.
    channel: Option<String>,
}

impl Courier {
    /// A new channel for a package, in place of the one before, which is gone. `None`: there is no such package.
    pub fn channel(&mut self, package: &str) -> Option<String> {
        if package != Wns::PACKAGE {
            return None;
        }
        self.expire();
        let name = self.state.book().open(&self.outlet);
        let uri = format!("{}/?token={name}", self.state.url);
        self.channel = Some(name);
        Some(uri)
    }

    /// The channel is over: pushes to it are refused with 410.
    pub fn expire(&mut self) {
        if let Some(name) = self.channel.take() {
            self.state.book().close(&name);
        }
    }

    /// Waits for the next push.
    pub async fn next(&mut self) {
        if self.inbox.recv().await.is_none() {
            // It has a sender of its own, so that this does not happen.
            std::future::pending().await
        }
    }

    /// Whether a push is there already, which is taken then.
    pub fn ready(&mut self) -> bool {
        self.inbox.try_recv().is_ok()
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        if let Some(name) = &self.channel {
            self.state.book().disconnect(name);
        }
    }
}
