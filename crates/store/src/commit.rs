//! Committing a decision: its writes, all or none, on the state that it was made from.

use ordain_model::decision::{Claim, Identity, Write};
use ordain_model::declaration::Declaration;
use ordain_model::enrollment::Phase;
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use serde::Serialize;

use crate::audit::AuditRecord;
use crate::columns::{fingerprint, write_enrollment};
use crate::events::write_event;
use crate::house::take_use;
use crate::kept::Touch;
use crate::wakes::{wake, wake_alone};
use crate::{ChannelState, Step, Store, StoreError, Value};
use crate::{deliveries, inventory, windows_sessions};

impl Store {
    /// Makes the writes of a decision over `state`, and notes `audit` with them. A [`StoreError::Conflict`] means
    /// that the state has changed: read it and decide again.
    pub async fn commit(
        &self,
        state: &ChannelState,
        writes: &[Write],
        audit: Option<&AuditRecord>,
    ) -> Result<(), StoreError> {
        self.commit_beside(Vec::new(), state, writes, audit).await
    }

    /// [`Store::commit`] of what enrolls a device; with `token`, one use of that enrollment token is taken for it. A
    /// [`StoreError::Conflict`] may also mean that it has none left.
    pub async fn enroll(
        &self,
        state: &ChannelState,
        writes: &[Write],
        token: Option<&str>,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let taken = token.map(take_use).into_iter().collect();
        self.commit_beside(taken, state, writes, Some(audit)).await
    }

    /// Commits `steps` first, and in the same transaction the writes.
    async fn commit_beside(
        &self,
        mut steps: Vec<Step>,
        state: &ChannelState,
        writes: &[Write],
        audit: Option<&AuditRecord>,
    ) -> Result<(), StoreError> {
        let had_exceptions = self.had_exceptions(state);
        steps.extend(guards(state, writes));
        let mut objects = Vec::new();
        for write in writes {
            match write {
                Write::Manifest(manifest, _) if self.is_kept(manifest.token()) => {}
                Write::Capabilities(digest, _) | Write::Known(digest, _) if self.is_kept(*digest) => {}
                other => steps.extend(steps_of(state, other, had_exceptions)?),
            }
            match write {
                Write::Manifest(manifest, _) => objects.push(manifest.token()),
                Write::Capabilities(digest, _) | Write::Known(digest, _) => objects.push(*digest),
                _ => {}
            }
        }
        steps.extend(audit.map(AuditRecord::step));
        self.commit_steps(steps).await?;
        if writes.iter().any(|write| matches!(write, Write::Event(_))) {
            self.event_news.send_modify(|_| ());
        }
        for object in objects {
            self.kept_objects.insert(object, ());
        }
        self.keep_record(state, writes);
        Ok(())
    }

    /// Whether something may have failed on the channel before.
    fn had_exceptions(&self, state: &ChannelState) -> bool {
        let known = self.records.get(&state.id.to_string());
        let known = known.filter(|(version, _)| Some(*version) == state.version());
        known.is_none_or(|(_, record)| !record.exceptions.is_empty())
    }

    /// The next report of a device is merged into what it has just reported.
    fn keep_record(&self, state: &ChannelState, writes: &[Write]) {
        let mut rows = writes.iter().filter(|write| is_row_of(state, write));
        if let (Some(_), None, Some(version)) = (rows.next(), rows.next(), state.version()) {
            let record = writes.iter().find_map(|write| match write {
                Write::Status(id, record) if *id == state.id => Some(record.clone()),
                _ => None,
            });
            if let Some(record) = record {
                self.records.insert(state.id.to_string(), (version + 1, record));
            }
        }
    }

    fn is_kept(&self, object: Digest) -> bool {
        self.kept_objects.get(&object).is_some()
    }
}

/// Whether `write` makes a new version of the row of the channel that was asked for.
fn is_row_of(state: &ChannelState, write: &Write) -> bool {
    matches!(write, Write::Enrollment(enrollment) if enrollment.id == state.id)
}

/// Whether `id` is a device that has not told where to push it in this generation.
fn is_enrolling(state: &ChannelState, id: &EnrollmentId) -> bool {
    let device = state.device().filter(|device| device.id == *id);
    device.is_some_and(|device| device.phase == Phase::Authenticated)
}

/// What must still be as it was read. The rows are locked until the commit, so that nobody changes them meanwhile.
fn guards(state: &ChannelState, writes: &[Write]) -> Vec<Step> {
    let mut steps = Vec::new();
    if writes.is_empty() {
        return steps;
    }
    // Another channel than the device's is written only while its device is of the generation, under the certificate and
    // at the stamp that were read.
    if let (false, Some(device)) = (state.id.is_device(), state.device()) {
        let sql = "UPDATE enrollment SET generation = generation \
                   WHERE id = $1 AND generation = $2 AND fingerprint = $3 AND stamp = $4 AND phase <> 'checked-out'";
        let fingerprint = fingerprint(device);
        let values = vec![
            device.id.to_string().into(),
            device.generation.into(),
            fingerprint.into(),
            device.stamp.into(),
        ];
        steps.push(Step::one(sql, values).keyed());
    }
    // A new version of the row is checked where it is written; what is written beside the row goes by its version too.
    let is_versioned = writes.iter().any(|write| is_row_of(state, write));
    if let Some(version) = state.version().filter(|_| !is_versioned) {
        let sql = "UPDATE enrollment SET version = version WHERE id = $1 AND version = $2";
        let values = vec![state.id.to_string().into(), version.into()];
        steps.push(Step::one(sql, values).keyed());
    }
    steps
}

fn steps_of(state: &ChannelState, write: &Write, had_exceptions: bool) -> Result<Vec<Step>, StoreError> {
    Ok(match write {
        Write::Enrollment(enrollment) => vec![write_enrollment(state, enrollment)?],
        Write::Forget(id) => forget(id),
        Write::EndGeneration(id) => end_generation(id),
        Write::Claims(device, names) => names
            .iter()
            .map(|(name, claim)| write_claim(device, name, *claim))
            .collect(),
        Write::Identity(identity) => vec![write_identity(identity, CHANGES_HANDS_NEVER)],
        Write::NewIdentity(identity) => vec![write_identity(identity, "DO NOTHING")],
        Write::Manifest(manifest, made) => keep_manifest(manifest, made)?,
        Write::Capabilities(digest, capabilities) => vec![Step::new(
            "INSERT INTO capabilities (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
            vec![digest.to_string().into(), json(capabilities)?],
        )],
        Write::Known(digest, known) => {
            let sql = "INSERT INTO known (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
            vec![Step::new(sql, vec![digest.to_string().into(), json(known)?]).keyed()]
        }
        Write::Status(id, record) => write_status(id, record, had_exceptions || *id != state.id)?,
        Write::Escrow(id, kind, Some(sealed)) => {
            let sql = "INSERT INTO escrow (enrollment, kind, sealed) VALUES ($1, $2, $3) \
                       ON CONFLICT (enrollment, kind) DO UPDATE SET sealed = excluded.sealed";
            let values = vec![id.to_string().into(), kind.word().into(), sealed.clone().into()];
            vec![Step::new(sql, values).keyed()]
        }
        // Users come once their device is enrolled.
        Write::Wake(id, at) if is_enrolling(state, id) => vec![wake_alone(id, *at)],
        Write::Wake(id, at) => wake(id, *at),
        Write::Event(event) => vec![write_event(event)],
        Write::Delivery(moved) => vec![deliveries::moved(state, moved)],
        Write::Withdraw(number, reason) => vec![deliveries::withdraw(state, *number, reason)],
        Write::Inventory(id, finding) => vec![inventory::note(id, finding)?],
        Write::WindowsSession(id, number, sealed) => vec![windows_sessions::keep(id, *number, sealed)],
        Write::Escrow(id, kind, None) => vec![Step::new(
            "DELETE FROM escrow WHERE enrollment = $1 AND kind = $2",
            vec![id.to_string().into(), kind.word().into()],
        )],
    })
}

/// Whether a row is a channel of the device that `param` names, in a form that indexes are made for: that of the device
/// itself, whose identifier it has, or one of its users.
pub(crate) fn is_channel_of(param: &str) -> String {
    format!("(id = {param} OR (device = {param} AND is_device = 0))")
}

/// Something of the device of `id` changes.
pub(crate) fn device_of(id: &EnrollmentId) -> Touch {
    Touch::Device(id.device_part().to_owned())
}

/// In either database the row of a name is one lock: of two that claim it at once, the second sees the first.
fn write_claim(device: &EnrollmentId, name: &str, claim: Claim) -> Step {
    let values = vec![name.into(), device.device_part().into()];
    let step = match claim {
        Claim::Said => Step::new(
            "INSERT INTO claim (name, device) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            values,
        ),
        Claim::First => Step::one(
            "INSERT INTO claim (name, device) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET device = excluded.device WHERE claim.device = excluded.device",
            values,
        ),
        Claim::Approved => Step::new(
            "INSERT INTO claim (name, device) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET device = excluded.device",
            values,
        ),
    };
    step.keyed()
}

/// What becomes of a certificate that is known: it changes hands never, and a retired one stays so.
const CHANGES_HANDS_NEVER: &str = "DO UPDATE SET role = excluded.role, enrollment = excluded.enrollment, \
     serial = COALESCE(excluded.serial, identity.serial), usable_until = excluded.usable_until \
     WHERE (identity.enrollment IS NULL OR identity.enrollment = excluded.enrollment) \
     AND (identity.role <> 'retired' OR excluded.role = 'retired')";

fn write_identity(identity: &Identity, if_known: &str) -> Step {
    let role = serde_json::to_value(identity.role).unwrap_or_default();
    let step = Step::one(
        format!(
            "INSERT INTO identity (fingerprint, role, enrollment, serial, usable_until) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (fingerprint) {if_known}"
        ),
        vec![
            identity.fingerprint.to_string().into(),
            role.as_str().unwrap_or_default().into(),
            identity.enrollment.as_ref().map(ToString::to_string).into(),
            identity.serial.clone().into(),
            identity.usable_until.into(),
        ],
    );
    step.keyed()
}

const BELONGINGS: [&str; 7] = [
    "status",
    "exception",
    "escrow",
    "sighting",
    "inventory",
    "push",
    "windows_session",
];

fn forget(id: &EnrollmentId) -> Vec<Step> {
    let mut steps = vec![keep_stamp(id), deliveries::close(id)];
    steps.extend(end(id));
    let step = Step::new(
        "DELETE FROM enrollment WHERE id = $1",
        vec![id.to_string().into()],
    );
    steps.push(step.touching(device_of(id)));
    steps
}

fn end_generation(id: &EnrollmentId) -> Vec<Step> {
    // First the lock that the guards of the device's other channels wait for: what they write is there to be deleted, or
    // lost.
    let lock = "UPDATE enrollment SET version = version WHERE id = $1";
    let mut steps = vec![Step::new(lock, vec![id.to_string().into()]), keep_stamp(id)];
    if !id.is_device() {
        steps.push(deliveries::close(id));
        steps.extend(end(id));
        return steps;
    }
    steps.push(deliveries::close_all(id));
    let device = id.device_part();
    let channels = format!("SELECT id FROM enrollment WHERE {}", is_channel_of("$1"));
    let beside = "SELECT id FROM enrollment WHERE device = $1 AND is_device = 0";
    let belongings = BELONGINGS
        .iter()
        .map(|table| format!("DELETE FROM {table} WHERE enrollment IN ({channels})"));
    let certificates = retire_of(beside);
    steps.extend(
        belongings
            .chain(certificates)
            .map(|sql| Step::new(sql, vec![device.into()])),
    );
    let step = Step::new(
        "DELETE FROM enrollment WHERE device = $1 AND is_device = 0",
        vec![device.into()],
    );
    steps.push(step.touching(device_of(id)));
    steps
}

/// Takes away what belongs to one channel, and is not its row.
fn end(id: &EnrollmentId) -> impl Iterator<Item = Step> {
    let belongings = BELONGINGS
        .iter()
        .map(|table| format!("DELETE FROM {table} WHERE enrollment = $1"));
    let id = id.to_string();
    belongings
        .chain(retire_of("$1"))
        .map(move |sql| Step::new(sql, vec![id.clone().into()]))
}

/// The certificates of these channels are worth nothing any more, whether they are pinned or were issued to renew the
/// pinned ones. Only a linked channel has any of its own.
fn retire_of(channels: &str) -> [String; 2] {
    let pinned = format!("SELECT fingerprint FROM enrollment WHERE id IN ({channels})");
    [
        format!(
            "UPDATE identity SET role = 'retired' WHERE fingerprint IN ({pinned}) AND enrollment IN ({channels})"
        ),
        format!("UPDATE identity SET role = 'retired' WHERE role = 'issued' AND enrollment IN ({channels})"),
    ]
}

/// The device's row takes over the stamps of its users who go, so that none who comes back is given an older one. Its
/// lock is held already: a statement that had to wait for it would not see what was written meanwhile.
fn keep_stamp(id: &EnrollmentId) -> Step {
    let sql = format!(
        "UPDATE enrollment SET stamp = (SELECT MAX(stamp) FROM enrollment WHERE {}) WHERE id = $1",
        is_channel_of("$1")
    );
    let step = Step::new(sql, vec![id.device_part().into()]);
    step.touching(device_of(id))
}

fn keep_manifest(manifest: &Manifest, made: &[Declaration]) -> Result<Vec<Step>, StoreError> {
    let mut steps: Vec<Step> = made.iter().map(keep_declaration).collect();
    steps.push(Step::new(
        "INSERT INTO manifest (token, body) VALUES ($1, $2) ON CONFLICT (token) DO NOTHING",
        vec![manifest.token().to_string().into(), json(manifest)?],
    ));
    Ok(steps)
}

/// The bytes of a declaration, by their ServerToken.
pub(crate) fn keep_declaration(declaration: &Declaration) -> Step {
    Step::new(
        "INSERT INTO declaration (server_token, body) VALUES ($1, $2) ON CONFLICT (server_token) DO NOTHING",
        vec![
            declaration.server_token.to_string().into(),
            declaration.body().into(),
        ],
    )
}

fn write_status(
    id: &EnrollmentId,
    record: &StatusRecord,
    had_exceptions: bool,
) -> Result<Vec<Step>, StoreError> {
    let id = id.to_string();
    let sql = "INSERT INTO status (enrollment, record) VALUES ($1, $2) \
               ON CONFLICT (enrollment) DO UPDATE SET record = excluded.record";
    let mut steps = vec![Step::new(sql, vec![id.clone().into(), json(record)?]).keyed()];
    if had_exceptions {
        let sql = "DELETE FROM exception WHERE enrollment = $1";
        steps.push(Step::new(sql, vec![id.clone().into()]).keyed());
    }
    for exception in &record.exceptions {
        let sql = "INSERT INTO exception (enrollment, identifier, server_token, reasons, since) \
                   VALUES ($1, $2, $3, $4, $5)";
        let values = vec![
            id.clone().into(),
            exception.identifier.clone().into(),
            exception.server_token.to_string().into(),
            json(&exception.reasons)?,
            exception.since.into(),
        ];
        steps.push(Step::new(sql, values).keyed());
    }
    Ok(steps)
}

pub(crate) fn json(content: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_string(content)
        .map(Value::Text)
        .map_err(unwritable)
}

pub(crate) fn unwritable(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("cannot be written: {error}"))
}
