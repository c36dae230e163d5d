//! Windows twins against a server that keeps the rules, and against ones that break them. The server is raw XML in, raw
//! XML out, and shares no code with the twin.

mod credentials;
mod declared;
mod drift;
mod enrollment;
mod entra;
mod examples;
mod fake;
mod groups;
mod hostile;
mod inventory;
mod large;
mod lifecycle;
mod linked;
mod ownership;
mod renewal;
mod session;
mod sign_in;
mod sockets;
mod templates;
mod tree;
