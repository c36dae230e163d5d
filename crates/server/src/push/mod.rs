//! Push: telling devices by way of APNs that there is something for them.

mod apns;
pub mod certificate;
mod line;
mod lines;

pub use apns::{APPLE, Apns, Config, SetupError};
pub use certificate::PushCertificate;
