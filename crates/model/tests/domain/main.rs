//! The domain's decisions, from outside: what they write and answer, whatever comes.

mod checkin;
mod command;
mod compile;
mod conditions;
mod convergence;
mod dispute;
mod event;
mod explain;
mod fixtures;
mod heard;
mod held;
mod inventory;
mod memberships;
mod migration;
mod queue;
mod reporter;
mod session;
mod status;
mod subscription;
mod sweep;
mod sync;
mod wake;
mod windows;
mod windows_session;
mod windows_settings;
mod world;
