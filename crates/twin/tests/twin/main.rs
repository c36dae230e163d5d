//! Twins against a server that keeps Apple's rules, and against ones that break them.

mod apns;
mod behaviour;
mod commands;
mod fake;
mod fleet;
mod hostile;
mod judgement;
mod predicates;
mod pusher;
mod rules;
mod schema;
