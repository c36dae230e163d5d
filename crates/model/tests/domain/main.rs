//! The domain's decisions, from outside: what they write and answer, whatever comes.

mod checkin;
mod command;
mod compile;
mod convergence;
mod fixtures;
mod held;
mod inventory;
mod memberships;
mod queue;
mod session;
mod status;
mod sync;
mod world;
