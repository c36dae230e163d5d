//! Simulated Windows computers: pure state machines, as strict as Windows is.
//!
//! A [`Twin`] enrolls, holds OMA-DM sessions, renews its certificate and leaves as Windows does it; of Ordain it shares with
//! the server only the wire and the catalog. It has a [`Complaint`] for each rule that a server breaks. Its management
//! tree has the nodes of the catalog, with formats, commands, scopes, editions and builds, and does what CSPs do. With a
//! linked enrollment beside its own it holds documents, applies them between sessions, and looks after them.
//!
//! ```
//! # use std::sync::Arc;
//! # use ordain_twin::windows::{KeyPool, Pc, Request, Response, Settings, Twin, Way};
//! # fn send(_: Request) -> Response { Response::default() }
//! # let (keys, now) = (KeyPool::new(Vec::new()), 0);
//! let mut twin = Twin::new(Pc::new(1, 0), Settings::default(), Arc::new(keys));
//! twin.enroll(Way::new("https://mdm.example.org", "ada@example.org", "token")).unwrap();
//! while let Some(request) = twin.request(now) {
//!     twin.respond(&send(request), now);
//! }
//! println!("{:?}: {:?}", twin.standing(), twin.error());
//! twin.push(now); // and so on, as above
//! ```

mod account;
mod complaint;
mod declared;
mod enrollment;
pub mod entra;
mod exchange;
mod keys;
mod pc;
mod quirks;
mod random;
mod schedule;
mod session;
mod tree;
mod twin;

pub use account::Account;
pub use complaint::{Complaint, Complaints};
pub use declared::{Provider, Providers};
pub use enrollment::{EnrollError, Way};
pub use exchange::{About, Request, Response};
pub use keys::{KeyPool, KeySource};
pub use pc::Pc;
pub use quirks::{Quirks, Repair};
pub use session::Limits;
pub use tree::{Fault, Value};
pub use twin::{Event, Proof, Settings, Standing, Twin};
