//! The server as its clients meet it: over sockets, by the public protocol alone.
//!
//! The devices here are written by hand: their property lists are text, their JSON is serde_json's, and they share no
//! encoder with the server, so that the two halves cannot merely agree with each other. Every test runs on SQLite and
//! on PostgreSQL.

mod api;
mod attack;
mod attackers;
mod audit;
mod bad_message;
mod bad_policy;
mod bad_report;
mod bulk;
mod catalog;
mod client;
mod commands;
mod compliance;
mod destructive;
mod device;
mod durable;
mod enroll;
mod events;
mod explain;
mod groups;
mod house;
mod identity;
mod inventory;
mod issue;
mod keys;
mod life;
mod lost_keys;
mod message;
mod migration;
mod policy;
mod predicate;
mod push;
mod push_certificate;
mod push_frames;
mod push_scene;
mod push_sweep;
mod push_topic;
mod relay;
mod run;
mod sync;
mod token;
mod webhook;
mod windows;
mod windows_actions;
mod windows_answer;
mod windows_credentials;
mod windows_declared;
mod windows_declared_drift;
mod windows_declared_pc;
mod windows_declared_results;
mod windows_declared_wire;
mod windows_documents;
mod windows_doors;
mod windows_drift;
mod windows_element;
mod windows_entra;
mod windows_fleet;
mod windows_hostile;
mod windows_hostile_session;
mod windows_linked;
mod windows_linking;
mod windows_page;
mod windows_profiles;
mod windows_push;
mod windows_raw;
mod windows_raw_session;
mod windows_raw_settings;
mod windows_renewal;
mod windows_rollback;
mod windows_session;
mod windows_settings;
mod windows_signed;
mod windows_templates;
mod windows_tenant;
mod windows_twin;
mod windows_wire;

/// Makes each of the named tests one on SQLite and one on PostgreSQL.
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(ordain_testbed::Database::sqlite()).await;
                }
            )+
        }

        mod postgresql {
            $(
                #[tokio::test]
                async fn $test() {
                    if let Some(database) = ordain_testbed::Database::postgres().await {
                        super::$test(database).await;
                    }
                }
            )+
        }
    };
}
use on_each_database;
