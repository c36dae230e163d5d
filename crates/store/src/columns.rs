//! The row of a channel: the domain's state as JSON, and beside it what is searched, in columns of its own.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use ordain_model::enrollment::{Enrollment, Phase, Push, Service};
use ordain_model::subject::Traits;

use crate::commit::{json, unwritable};
use crate::kept::Touch;
use crate::{ChannelState, Step, StoreError, Value, Versioned};
use crate::{kinds, memberships};

/// Writes the row of a channel of `state` anew, or for the first time. It is lost if the row is not as it was read.
pub(crate) fn write_enrollment(state: &ChannelState, enrollment: &Enrollment) -> Result<Step, StoreError> {
    let known = if enrollment.id.is_device() {
        &state.device
    } else {
        &state.beside
    };
    let (id, content) = (enrollment.id.to_string(), json(enrollment)?);
    let row = Versioned {
        version: known
            .as_ref()
            .map_or_else(first_version, |known| known.version + 1),
        value: enrollment.clone(),
    };
    let mut values = vec![id.into(), content, enrollment.stamp.into()];
    let step = if let Some(known) = known {
        values.push(known.version.into());
        // Only what changes: SQLite makes the entries of an index anew for each column that is written, whatever it was.
        let mut written = String::new();
        for (name, value) in changed(&known.value, enrollment)? {
            values.push(value);
            written.push_str(&format!(", {name} = ${}", values.len()));
        }
        let sql = format!(
            "UPDATE enrollment SET state = $2, stamp = CASE WHEN stamp < $3 THEN $3 ELSE stamp END, \
             version = version + 1{written} WHERE id = $1 AND version = $4"
        );
        Step::one(sql, values)
    } else {
        static INSERT: LazyLock<String> = LazyLock::new(|| {
            let columns = [
                &["id", "state", "stamp"],
                &COLUMNS[..],
                &TRAITS,
                &["device", "is_device", "version"],
            ]
            .concat();
            let places: Vec<_> = (1..=columns.len()).map(|place| format!("${place}")).collect();
            format!(
                "INSERT INTO enrollment ({}) VALUES ({}) ON CONFLICT (id) DO NOTHING",
                columns.join(", "),
                places.join(", ")
            )
        });
        values.extend(columns(enrollment)?);
        values.extend(traits(enrollment)?);
        values.push(enrollment.id.device_part().into());
        values.push(i64::from(enrollment.id.is_device()).into());
        values.push(row.version.into());
        Step::one(INSERT.as_str(), values)
    };
    Ok(step.keyed().touching(Touch::Row(Arc::new(row))))
}

/// What stands in columns of its own.
const COLUMNS: [&str; 9] = [
    "generation",
    "fingerprint",
    "serial",
    "topic",
    "service",
    "decided",
    "source",
    "phase",
    "known",
];

/// The values of [`COLUMNS`]: what a channel is pushed for and by whom, by which conditions memberships were decided, what
/// messages of a Windows device come from, and for predicates what is known of a device, among them.
fn columns(enrollment: &Enrollment) -> Result<[Value; COLUMNS.len()], StoreError> {
    let phase = serde_json::to_value(enrollment.phase).map_err(unwritable)?;
    // An index has the topic: as Authenticate tells it, it does not change with TokenUpdate.
    let topic = match &enrollment.push {
        Some(Push::Apns(token)) => Some(&token.topic),
        Some(Push::Wns(channel)) => Some(&channel.package),
        None if enrollment.phase == Phase::Authenticated => enrollment.facts.topic.as_ref(),
        None => None,
    };
    Ok([
        enrollment.generation.into(),
        fingerprint(enrollment).into(),
        enrollment.facts.serial.clone().into(),
        topic.cloned().into(),
        enrollment.service().map(Service::as_str).into(),
        memberships::decided(enrollment).into(),
        source(enrollment).into(),
        phase.as_str().unwrap_or_default().into(),
        enrollment.known.map(|digest| digest.to_string()).into(),
    ])
}

/// The columns that say what a device is.
const TRAITS: [&str; 2] = ["kind", "terms"];

/// The values of [`TRAITS`], of a device that has not left: its kind, and its terms for predicates.
fn traits(enrollment: &Enrollment) -> Result<[Value; TRAITS.len()], StoreError> {
    if !is_there(enrollment) {
        return Ok([Value::Null, Value::Null]);
    }
    let kind = kinds::word(&enrollment.facts);
    Ok([kind.into(), json(&Traits::of(enrollment))?])
}

/// The columns in which `after` differs from what it was.
fn changed(before: &Enrollment, after: &Enrollment) -> Result<Vec<(&'static str, Value)>, StoreError> {
    let mut of_both = Vec::from_iter(COLUMNS.into_iter().zip(columns(after)?).zip(columns(before)?));
    // Making them costs more than to see that they are as they were. A kind is made of the same as the traits are.
    if is_there(before) != is_there(after) || !Traits::are_alike(before, after) {
        of_both.extend(TRAITS.into_iter().zip(traits(after)?).zip(traits(before)?));
    }
    let differing = of_both.into_iter().filter(|((_, after), before)| after != before);
    Ok(differing.map(|(column, _)| column).collect())
}

/// Whether it is the channel of a device that has not left.
fn is_there(enrollment: &Enrollment) -> bool {
    enrollment.id.is_device() && enrollment.phase != Phase::CheckedOut
}

/// `Source` of the messages of a channel of a Windows device.
fn source(enrollment: &Enrollment) -> Option<String> {
    let windows = enrollment.facts.windows.as_ref()?;
    windows.device_id.clone()
}

/// Where the versions of a new row begin: anywhere, so that a channel that went and came back is never taken for what it
/// was before.
fn first_version() -> i64 {
    let random = RandomState::new().build_hasher().finish();
    // Room to count upwards.
    (random >> 16).cast_signed()
}

/// The pinned certificate as its column holds it: empty where there is none, so that it can be compared.
pub(crate) fn fingerprint(enrollment: &Enrollment) -> String {
    enrollment
        .identity
        .map(|pin| pin.fingerprint.to_string())
        .unwrap_or_default()
}
