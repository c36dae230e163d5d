//! Devices in the states that administrators ask about.

use std::collections::BTreeMap;

use ordain_catalog::{Kind, OsVersion, Platform};
use ordain_model::compile::made_activation;
use ordain_model::declaration::Declaration;
use ordain_model::enrollment::Answer;
use ordain_model::report::Validity::{self, Invalid, Unknown, Valid};
use ordain_model::report::{Capabilities, DeclarationsReport, Reason, Report};
use ordain_model::windows::settings::SETTINGS_TYPE;
use ordain_model::wish::{Group, Wish};
use serde_json::{Value, json};

use super::stored::{DAY, MINUTE, Stored};
use crate::fixtures::*;
use crate::reporter::{good, items, lists};

/// A declaration for which Ordain makes an activation with this predicate.
fn passcode(when: Option<&str>) -> Declaration {
    let mut passcode = declaration(PASSCODE, "passcode", &[]);
    passcode.placement.when = when.map(str::to_owned);
    passcode
}

fn everybody(declarations: &[Declaration]) -> Wish {
    let named: Vec<&str> = declarations
        .iter()
        .filter(|declaration| declaration.kind != Kind::Asset)
        .map(|declaration| declaration.identifier.as_str())
        .collect();
    wish(declarations, &named)
}

fn group(members: &[&str]) -> Group {
    Group {
        members: names(members),
        ..Group::default()
    }
}

/// A device that was given `wish`, and had it a minute later.
fn synchronised(wish: Wish) -> Stored {
    let mut stored = Stored::new();
    stored.publish(wish);
    stored.later(MINUTE);
    stored.synchronises();
    stored.later(5);
    stored
}

fn reports_all_good(stored: &mut Stored) {
    let manifest = stored.wanted().manifest;
    stored.reports(good(&manifest));
    stored.later(10 * MINUTE);
}

/// It says this of its configurations and activations, with reasons.
fn reports(stored: &mut Stored, said: &[(&str, bool, Validity, Option<Reason>)]) {
    let manifest = stored.wanted().manifest;
    let mut all: BTreeMap<Kind, Vec<_>> = Kind::ALL.iter().map(|kind| (*kind, vec![])).collect();
    for entry in manifest.entries() {
        let found = said.iter().find(|(name, ..)| *name == entry.identifier);
        let (active, valid, reason) = match found {
            Some((_, active, valid, reason)) => (*active, *valid, reason.clone()),
            None => (entry.kind != Kind::Management, Valid, None),
        };
        let mut listed = listed(entry, active, valid, &[]);
        listed.reasons.extend(reason);
        all.entry(entry.kind).or_default().push(listed);
    }
    stored.reports(Report {
        declarations: Some(DeclarationsReport { listed: all }),
        ..Report::default()
    });
    stored.later(10 * MINUTE);
}

fn reason(code: &str, details: Value) -> Option<Reason> {
    Some(Reason {
        code: code.into(),
        description: None,
        details: Some(details),
    })
}

pub(super) fn converged() -> Stored {
    let mut stored = synchronised(everybody(&[
        passcode(None),
        declaration(CERTIFICATE, "certificate", &["root"]),
        declaration(CREDENTIAL, "root", &[]),
    ]));
    let capabilities = Capabilities {
        declarations: Some(names(&[
            PASSCODE,
            CERTIFICATE,
            CREDENTIAL,
            "com.apple.activation.simple",
        ])),
        ..Capabilities::default()
    };
    stored.reports(Report {
        capabilities: Some(capabilities),
        ..Report::default()
    });
    reports_all_good(&mut stored);
    stored
}

const OF_IPADS: &str = "@status(device.model.family) == 'iPad' OR @status(passcode.is-present) == TRUE";

fn by_predicate(when: &str, known: Value) -> Stored {
    let mut stored = synchronised(everybody(&[passcode(Some(when))]));
    stored.reports(items(known));
    let details = json!({"Predicate": when});
    let activation = made_activation("passcode");
    reports(
        &mut stored,
        &[
            (&activation, false, Valid, reason("Info.Predicate", details)),
            ("passcode", false, Unknown, None),
        ],
    );
    stored
}

pub(super) fn predicate_false() -> Stored {
    by_predicate(
        OF_IPADS,
        json!({"device.model.family": "Mac", "passcode.is-present": false}),
    )
}

pub(super) fn predicate_unknown() -> Stored {
    by_predicate("@status(passcode.is-present) == TRUE", json!({}))
}

/// The device says the opposite of what follows from its reports.
pub(super) fn predicate_disputed() -> Stored {
    let predicate = "@status(device.model.family) == 'Mac'";
    by_predicate(predicate, json!({"device.model.family": "Mac"}))
}

pub(super) fn asset_missing() -> Stored {
    let mut stored = synchronised(everybody(&[
        declaration(CERTIFICATE, "certificate", &["root"]),
        declaration(CREDENTIAL, "root", &[]),
    ]));
    let failed = "Error.AssetCannotBeDownloaded";
    reports(
        &mut stored,
        &[
            (
                "root",
                true,
                Invalid,
                reason(failed, json!({"Error": "HTTP 404"})),
            ),
            (
                "certificate",
                false,
                Invalid,
                reason("Error.MissingAssets", json!({"AssetIdentifiers": ["root"]})),
            ),
        ],
    );
    stored
}

pub(super) fn unsupported() -> Stored {
    let mut stored = Stored::new();
    stored.device.facts.os_version = Some(OsVersion::new(13, 5));
    let mut of_macs = passcode(None);
    of_macs.placement.platforms = Some([Platform::MacOs].into());
    stored.publish(everybody(&[
        of_macs,
        declaration("com.apple.configuration.diskmanagement.settings", "disks", &[]),
    ]));
    stored.later(MINUTE);
    stored.synchronises();
    reports_all_good(&mut stored);
    stored
}

/// In a group that the blueprint excludes, and not in one that another one includes.
pub(super) fn excluded() -> Stored {
    let mut wish = everybody(&[passcode(None), declaration(ORGANIZATION, "organization", &[])]);
    let base = wish.blueprints.get_mut("base").unwrap();
    base.declarations.remove("organization");
    base.exclude = names(&["kiosks"]);
    let mut lab = base.clone();
    lab.include = names(&["lab"]);
    lab.exclude.clear();
    wish.blueprints.insert("lab".into(), lab);
    wish.groups.insert("kiosks".into(), group(&["S1"]));
    wish.groups.insert("lab".into(), group(&["S2", "S3"]));
    let mut stored = synchronised(wish);
    reports_all_good(&mut stored);
    stored
}

/// Taken over from another server, and never here.
pub(super) fn never_seen() -> Stored {
    let mut stored = Stored::new();
    stored.device.identity = None;
    stored.device.generation = 0;
    stored.publish(everybody(&[passcode(None)]));
    stored.look();
    stored.later(DAY);
    stored
}

pub(super) fn pushed_and_silent() -> Stored {
    let mut stored = Stored::new();
    stored.publish(everybody(&[passcode(None)]));
    stored.comes(Answer::NotNow);
    stored.later(DAY);
    stored.publish(everybody(&[
        declaration(ORGANIZATION, "organization", &[]),
        passcode(None),
    ]));
    for _ in 0..40 {
        stored.look();
        stored.later(MINUTE);
    }
    stored
}

/// A PC that is to have settings, a day after it enrolled.
fn computer(has_channel: bool) -> Stored {
    let mut stored = Stored::computer(has_channel);
    stored.later(DAY);
    let payload = json!({"settings": [
        {"path": "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera", "format": "int", "value": 0},
    ]});
    let payload = payload.as_object().unwrap().clone();
    let camera = Declaration::new(
        Kind::Configuration,
        SETTINGS_TYPE.into(),
        "camera".into(),
        payload,
    )
    .unwrap();
    stored.publish(everybody(&[camera]));
    stored
}

pub(super) fn windows_pushed_and_silent() -> Stored {
    let mut stored = computer(true);
    for _ in 0..40 {
        stored.look();
        stored.later(MINUTE);
    }
    stored
}

pub(super) fn windows_pushes_pause() -> Stored {
    let mut stored = computer(true);
    stored.trouble = Some(("the credentials are refused".into(), stored.now + 5 * MINUTE));
    stored
}

pub(super) fn windows_without_a_channel() -> Stored {
    computer(false)
}

pub(super) fn windows_channel_expired() -> Stored {
    let mut stored = computer(true);
    stored.later(30 * DAY);
    stored
}

pub(super) fn windows_without_credentials() -> Stored {
    let mut stored = computer(false);
    stored.wns = None;
    stored
}

pub(super) fn invalid() -> Stored {
    let mut stored = synchronised(everybody(&[passcode(None)]));
    let details = json!({"UnknownPayloadKeys": ["Content", "References"]});
    let refused = reason("Error.UnknownPayloadKeys", details);
    reports(&mut stored, &[("passcode", false, Invalid, refused)]);
    stored
}

pub(super) fn out_of_date() -> Stored {
    let mut stored = synchronised(everybody(&[passcode(None)]));
    reports_all_good(&mut stored);
    stored.later(DAY);
    let mut stricter = passcode(None);
    stricter.payload.insert("MinimumLength".into(), json!(12));
    let Declaration {
        type_name,
        identifier,
        payload,
        ..
    } = stricter;
    let stricter = Declaration::new(Kind::Configuration, type_name, identifier, payload).unwrap();
    stored.publish(everybody(&[stricter]));
    stored.later(2 * MINUTE);
    stored.look();
    stored.later(MINUTE);
    stored
}

/// Enrolled anew: lists wait for an administrator.
pub(super) fn waiting() -> Stored {
    let mut wish = everybody(&[passcode(None)]);
    wish.blueprints.get_mut("base").unwrap().include = names(&["lab"]);
    wish.groups.insert("lab".into(), group(&["S1"]));
    let mut stored = Stored::new();
    stored.device.memberships = ordain_model::enrollment::Memberships::Waiting;
    stored.publish(wish);
    stored.later(MINUTE);
    stored.synchronises();
    let manifest = stored.wanted().manifest;
    stored.reports(lists(&manifest, |_| (true, Valid, &[])));
    stored
}

/// The passcode is for the group `lab`, which has this condition.
fn by_condition(condition: &str) -> Wish {
    let mut wish = everybody(&[passcode(None)]);
    wish.blueprints.get_mut("base").unwrap().include = names(&["lab"]);
    let lab = Group {
        condition: Some(condition.to_owned()),
        ..Group::default()
    };
    wish.groups.insert("lab".into(), lab);
    wish
}

/// A tagged Mac that was decided to be in the group of this condition, or not, and has what it should have by that.
fn decided(condition: &str, reported: Value) -> Stored {
    let mut stored = Stored::new();
    stored.device.tags = names(&["lab"]);
    stored.publish(by_condition(condition));
    stored.reports(items(reported));
    stored.decides();
    stored.later(MINUTE);
    stored.synchronises();
    stored.later(5);
    reports_all_good(&mut stored);
    stored
}

pub(super) fn member_by_condition() -> Stored {
    decided(
        "@device(os.version) >= '15.4' AND @tag(lab) == TRUE AND @status(passcode.is-present) == FALSE",
        json!({"passcode.is-present": false}),
    )
}

pub(super) fn no_member() -> Stored {
    decided("@device(supervised) == FALSE OR @tag(kiosk) == TRUE", json!({}))
}

/// Whether it is in the group depends on what it never said.
pub(super) fn membership_unknown() -> Stored {
    decided(
        "@device(platform) == 'macOS' AND @device(model) BEGINSWITH 'Mac' AND @status(passcode.is-present) == TRUE",
        json!({}),
    )
}

/// What the group asks for was changed, and the server has not come to this device since.
pub(super) fn membership_due() -> Stored {
    let mut stored = decided("@tag(lab) == TRUE", json!({}));
    stored.publish(by_condition("@tag(lab) == TRUE AND @device(os.version) >= '27'"));
    stored
}

/// The server learnt of the device outside of a report, and has not come to it since.
pub(super) fn membership_due_by_facts() -> Stored {
    let mut stored = decided("@device(os.version) >= '26.1'", json!({}));
    stored.device.facts.os_version = Some(OsVersion::new(26, 1));
    stored.device.groups.by = None;
    stored
}

/// Enrolled anew: what it is asked for counts only once an administrator says so.
pub(super) fn membership_waiting() -> Stored {
    let mut stored = Stored::new();
    stored.device.tags = names(&["lab"]);
    stored.device.memberships = ordain_model::enrollment::Memberships::Waiting;
    stored.publish(by_condition(
        "@tag(lab) == TRUE AND @device(serial) BEGINSWITH 'S'",
    ));
    stored.decides();
    stored.later(MINUTE);
    stored.synchronises();
    reports_all_good(&mut stored);
    stored
}

/// It has read the list, on a server that cannot push.
pub(super) fn not_fetched() -> Stored {
    let mut stored = Stored::new();
    stored.certificate = None;
    stored.publish(everybody(&[passcode(None)]));
    stored.later(MINUTE);
    stored.comes(Answer::Acknowledged);
    stored.later(MINUTE);
    stored
}

/// Not wanted any more, and still there.
pub(super) fn leaving() -> Stored {
    let mut stored = converged();
    stored.publish(everybody(&[passcode(None)]));
    stored.look();
    stored.later(MINUTE);
    stored
}
