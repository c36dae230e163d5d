//! The domain of Ordain: declarations, blueprints, groups, revisions, manifests, reports, and the decisions over
//! them. Pure: no I/O, no clock; time is a parameter, in unix seconds.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

pub mod agenda;
pub mod audience;
pub mod canonical;
pub mod checkin;
pub mod command;
pub mod compile;
pub mod convergence;
pub mod decision;
pub mod declaration;
pub mod destructive;
pub mod device;
pub mod dispute;
pub mod enrollment;
pub mod event;
pub mod explain;
pub mod fetched;
pub mod held;
pub mod ids;
pub mod inventory;
pub mod known;
pub mod manifest;
pub mod membership;
pub mod migration;
pub mod queries;
pub mod queue;
pub mod record;
pub mod report;
pub mod session;
pub mod status;
pub mod subject;
pub mod subscription;
pub mod sweep;
pub mod sync;
pub mod tag;
pub mod view;
pub mod wake;
pub mod windows;
pub mod wish;
pub mod world;
