//! `status`: a report is merged into what the channel has reported so far, and judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_catalog::{Kind, Platform, Scope};
use serde_json::Value;

use crate::canonical;
use crate::convergence::{self, Verdict};
use crate::decision::{Decision, Write};
use crate::device::DeviceFacts;
use crate::dispute;
use crate::enrollment::{Enrollment, Standing};
use crate::event::Event;
use crate::held::{Held, Listing, Placed, held_token};
use crate::ids::{Channel, Digest};
use crate::known::Known;
use crate::manifest::Manifest;
use crate::membership::{self, Basis};
use crate::record::{Exception, StatusRecord};
use crate::report::{DeclarationsReport, Listed, Report};
use crate::sync::{Behind, Wanted};
use crate::world::World;

/// What a report is decided from.
#[derive(Debug, Clone)]
pub struct StatusState<'a> {
    /// The channel that reports.
    pub enrollment: &'a Enrollment,
    /// What it reported before.
    pub record: Arc<StatusRecord>,
    /// The manifest that the record was packed against, if it is still known.
    pub against: Option<Arc<Manifest>>,
    /// The manifest that the channel is pinned to.
    pub pinned: Option<Arc<Manifest>>,
    /// What it should hold.
    pub wanted: Wanted,
    /// What [`heard`] says of the report.
    pub heard: Digest,
    /// What memberships are decided by.
    pub world: &'a World,
}

/// What a report with the digest `report` is, and what it would be judged by, in one hash.
pub fn heard(enrollment: &Enrollment, wanted: &Wanted, report: Digest) -> Digest {
    let mut judged = Vec::with_capacity(3 * size_of::<Digest>());
    for Digest(digest) in [Some(report), Some(wanted.manifest.token()), enrollment.pinned]
        .iter()
        .flatten()
    {
        judged.extend_from_slice(digest);
    }
    Digest::of(&judged)
}

/// Whether what was [`heard`] is the report that was merged last, to be judged by the same manifests: merging is
/// idempotent, so it says nothing new, and what is stored need not even be read.
pub fn is_known(enrollment: &Enrollment, heard: Digest) -> bool {
    let standing = enrollment.standing.as_ref();
    standing.and_then(|standing| standing.heard) == Some(heard)
}

/// Merges `report`. One that says nothing new writes nothing.
///
/// # Errors
/// As [`membership::decide`].
pub fn status(state: StatusState<'_>, report: Report<'_>, now: i64) -> Result<Decision<()>, Behind> {
    let StatusState {
        enrollment,
        record: before,
        against,
        pinned,
        wanted,
        heard,
        world,
    } = state;
    let listing = listing(report.full, report.declarations, &before.held, against.as_deref());
    let over = |manifest| Placed::new(&listing, manifest);
    let by_wanted = over(&wanted.manifest);
    let pinned = pinned
        .as_deref()
        .filter(|pinned| pinned.token() != wanted.manifest.token());
    let by_pinned = pinned.map(over);
    let held = held_token(
        &listing,
        &by_pinned.iter().chain([&by_wanted]).collect::<Vec<_>>(),
    );
    // By what it was told of, unless it has what it should hold without being told.
    let judged = match &by_pinned {
        Some(by_pinned) if held != wanted.manifest.token() => by_pinned,
        _ => &by_wanted,
    };

    // Most reports are of declarations alone.
    let is_silent = !report.full && report.items.is_empty() && report.errors.is_empty();
    let mut record = StatusRecord {
        held: Held::pack(judged),
        items: if report.full {
            BTreeMap::new()
        } else {
            before.items.clone()
        },
        errors: if report.full {
            BTreeMap::new()
        } else {
            before.errors.clone()
        },
        problems: report.problems,
        documents: report.documents.unwrap_or_else(|| before.documents.clone()),
        cleaning: report.cleaning.unwrap_or_else(|| before.cleaning.clone()),
        exceptions: Vec::new(),
    };
    record.merge(report.items, report.errors);

    let verdicts = convergence::assess(judged, &record.items);
    record.exceptions = exceptions(judged.manifest, &verdicts, &before.exceptions, now);
    let news = Standing {
        at: now,
        held: Some(held),
        judged: Some(judged.manifest.token()),
        counts: convergence::count(&verdicts),
        disputed: dispute::count(judged, &record.items),
        cleans: record.cleaning.due().any(|node| node.scope == Scope::System),
        drift: record.documents.drifted(),
        heard: Some(heard),
    };
    let standing = match &enrollment.standing {
        Some(known)
            if record == *before
                && (Standing {
                    at: now,
                    heard: news.heard,
                    ..known.clone()
                }) == news =>
        {
            known.clone()
        }
        _ => news,
    };

    let mut after = Enrollment {
        standing: Some(standing),
        ..enrollment.clone()
    };
    let mut writes = Vec::new();
    if let Some(capabilities) = report.capabilities {
        let content = serde_json::to_value(&capabilities).unwrap_or_default();
        let digest = Digest::of(&canonical::to_vec(&content).unwrap_or_default());
        if after.capabilities != Some(digest) {
            after.capabilities = Some(digest);
            writes.push(Write::Capabilities(digest, Arc::new(capabilities)));
        }
    }
    if after.id.channel() == Channel::Device {
        learn(&mut after.facts, &record.items);
        let is_same = || record.items == before.items && record.errors == before.errors;
        if after.known.is_none() || !(is_silent || is_same()) {
            let known = Known::of(&record);
            let digest = Some(known.digest());
            if after.known != digest {
                after.known = digest;
                writes.extend(digest.map(|digest| Write::Known(digest, Arc::new(known))));
            }
        }
    }
    let is_news = record != *before;
    if is_news || after != *enrollment {
        let (token, problems) = (wanted.manifest.token(), record.problems.len());
        let events = Event::reported(enrollment, &after, token, problems, now);
        let drift = Event::drift(&after, &before.documents, &record.documents, now);
        writes.extend(events.into_iter().chain(drift).map(Write::Event));
        if after.id.channel() == Channel::Device {
            let basis = |device, items| Basis { device, items };
            let (old, new) = (basis(enrollment, &before.items), basis(&after, &record.items));
            after.groups = membership::after_report(world, old, new)?;
        }
    }
    if is_news {
        if record.held.against == Some(wanted.manifest.token()) {
            // The record is read by this manifest from now on, whether or not it was ever offered.
            writes.push(wanted.keep());
        }
        writes.push(Write::Status(enrollment.id.clone(), Arc::new(record)));
    }
    let cleans = |of: &Enrollment| of.standing.as_ref().is_some_and(|standing| standing.cleans);
    if after.capabilities != enrollment.capabilities
        || cleans(&after) && !cleans(enrollment)
        || after.facts != enrollment.facts
        || after.groups.member != enrollment.groups.member
    {
        // What it should have may be another thing now, or there is something to take away.
        writes.push(Write::Wake(enrollment.id.clone(), now));
    }
    // The enrollment's version guards the record, too: both are written, or neither.
    if is_news || after != *enrollment {
        writes.push(Write::Enrollment(Box::new(after)));
    }
    Ok(Decision { writes, reply: () })
}

/// Everything that the channel lists: by this report, and by the earlier ones where it says nothing.
fn listing<'a>(
    full: bool,
    news: Option<DeclarationsReport<'a>>,
    held: &'a Held,
    against: Option<&'a Manifest>,
) -> Listing<'a> {
    let news = news.unwrap_or_default().listed;
    let mut listing = if full || news.len() == Kind::ALL.len() {
        Listing::new()
    } else {
        held.unpack(against)
    };
    for (kind, mut list) in news {
        if is_any_twice(&list) {
            // One revision of a declaration is in one state: of two that are said, the first counts.
            let mut said = BTreeSet::new();
            let is_first: Vec<bool> = list.iter().map(|listed| said.insert(listed.names())).collect();
            let mut is_first = is_first.into_iter();
            list.retain(|_| is_first.next().unwrap_or(false));
        }
        listing.insert(kind, list);
    }
    listing
}

fn is_any_twice(list: &[Listed<'_>]) -> bool {
    let mut names: Vec<_> = list.iter().map(Listed::names).collect();
    names.sort_unstable();
    !names.is_sorted_by(|one, next| one < next)
}

/// What a report says of the system counts from then on. What the device is, its serial number and UDID, it said when
/// it enrolled; a report cannot change that.
fn learn(facts: &mut DeviceFacts, items: &BTreeMap<String, Value>) {
    let text = |name: &str| items.get(name).and_then(Value::as_str);
    let version = text("device.operating-system.version").or_else(|| text("windows.os.version"));
    let version = version.and_then(|version| version.parse().ok());
    facts.learn_system(version, text("device.operating-system.build-version"));
    let family = text("device.operating-system.family").and_then(|family| family.parse::<Platform>().ok());
    facts.platform = family.or(facts.platform);
    if facts.model.is_none() {
        let model = text("device.model.identifier").or_else(|| text("windows.device.model"));
        facts.model = model.map(str::to_owned);
    }
}

fn exceptions(manifest: &Manifest, verdicts: &[Verdict], before: &[Exception], now: i64) -> Vec<Exception> {
    let mut failed: Vec<_> = manifest
        .entries()
        .iter()
        .zip(verdicts)
        .filter_map(|(entry, verdict)| match verdict {
            Verdict::Failed(reasons) => Some((entry, reasons)),
            _ => None,
        })
        .collect();
    failed.sort_by_key(|(entry, _)| &entry.identifier);
    failed
        .into_iter()
        .map(|(entry, reasons)| {
            let known = before.iter().find(|exception| {
                exception.identifier == entry.identifier && exception.server_token == entry.server_token
            });
            Exception {
                identifier: entry.identifier.clone(),
                server_token: entry.server_token,
                reasons: reasons.clone(),
                since: known.map_or(now, |exception| exception.since),
            }
        })
        .collect()
}
