//! What the tests are made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use ordain_catalog::Kind;
use ordain_model::decision::{Identity, Role, Write};
use ordain_model::declaration::Declaration;
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Enrollment, Memberships, Phase, Pin};
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::manifest::{Entry, Manifest};
use ordain_store::{Actor, AuditRecord, ChannelState, Store, StoreError};
use ordain_testbed::{Database, databases};
use serde_json::json;

pub(crate) const NOW: i64 = 1_800_000_000;

/// Runs `test` on a fresh store of each kind.
#[allow(clippy::print_stdout, reason = "shown with a failure, it says where")]
pub(crate) async fn on_each(test: impl AsyncFn(&Store, &Database)) {
    for database in databases().await {
        println!("on {}", database.name());
        let store = database.open().await.unwrap();
        test(&store, &database).await;
    }
}

pub(crate) fn id(text: &str) -> EnrollmentId {
    text.parse().unwrap()
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// An enrolled channel whose certificate is named after its device.
pub(crate) fn enrollment(text: &str) -> Enrollment {
    let id = id(text);
    let fingerprint = digest(id.device_part());
    let serial = id.user_part().is_none().then(|| format!("S-{text}"));
    Enrollment {
        id,
        generation: 1,
        phase: Phase::Enrolled,
        facts: DeviceFacts {
            serial,
            ..DeviceFacts::default()
        },
        identity: Some(Pin {
            fingerprint,
            not_after: NOW + 1_000,
        }),
        memberships: Memberships::Granted,
        tags: Default::default(),
        groups: Default::default(),
        push: None,
        capabilities: None,
        known: None,
        offer: None,
        stamp: 0,
        pinned: None,
        told: None,
        standing: None,
        inventory: Default::default(),
        since: NOW,
    }
}

pub(crate) fn write(enrollment: &Enrollment) -> Write {
    Write::Enrollment(Box::new(enrollment.clone()))
}

pub(crate) fn pinned(certificate: &str, owner: &str) -> Identity {
    Identity {
        fingerprint: digest(certificate),
        role: Role::Pinned,
        enrollment: Some(id(owner)),
        serial: None,
        usable_until: None,
    }
}

/// Stores a new channel, and reads it back.
pub(crate) async fn enroll(store: &Store, text: &str) -> ChannelState {
    let state = store.channel(&id(text)).await.unwrap();
    store
        .commit(&state, &[write(&enrollment(text))], None)
        .await
        .unwrap();
    store.channel(&id(text)).await.unwrap()
}

pub(crate) fn declaration(identifier: &str, content: i64) -> Declaration {
    let payload = serde_json::Map::from_iter([("MinimumLength".to_owned(), content.into())]);
    let type_name = "com.apple.configuration.passcode.settings".to_owned();
    Declaration::new(Kind::Configuration, type_name, identifier.to_owned(), payload).unwrap()
}

pub(crate) fn manifest(declarations: &[&Declaration]) -> Arc<Manifest> {
    Arc::new(Manifest::new(
        declarations
            .iter()
            .map(|&declaration| Entry::from(declaration))
            .collect(),
        vec![],
    ))
}

/// Keeps `manifest` with all its declarations.
pub(crate) fn keep(declarations: &[&Declaration]) -> Write {
    Write::Manifest(
        manifest(declarations),
        declarations
            .iter()
            .map(|&declaration| declaration.clone())
            .collect(),
    )
}

pub(crate) fn audit(action: &str) -> AuditRecord {
    AuditRecord {
        at: NOW,
        actor: Actor {
            name: "ada".into(),
            origin: "192.0.2.1".into(),
        },
        action: action.into(),
        detail: json!({"what": action}),
    }
}

/// The actions on record, the newest first.
pub(crate) async fn actions(store: &Store) -> Vec<String> {
    store
        .audit(None, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, record)| record.action)
        .collect()
}

pub(crate) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

/// A channel that nothing is known of.
pub(crate) fn nothing(id: EnrollmentId) -> ChannelState {
    ChannelState {
        id,
        device: None,
        beside: None,
        queued: None,
    }
}
