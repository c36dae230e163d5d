//! The account: what the server was heard to acknowledge, against what is in its store.

use std::collections::{BTreeMap, BTreeSet};

use ordain_apple::command::Status;
use ordain_twin::twin::Standing;
use serde_json::Value;

use crate::administrator::Acknowledged;
use crate::devices::Seen;
use crate::server::Server;

/// What nobody but an administrator orders.
const ONLY_ORDERED: [&str; 3] = ["ProfileList", "RestartDevice", "Settings"];

/// Why a command is cancelled that waited for an enrollment before this one.
const ENDED: &str = "its enrollment ended";

/// What must be there right after a restart, when nothing more can have come of anything: enrollments, revisions, orders,
/// and the results among the newest of these.
pub(crate) fn nothing_is_lost(server: &Server, seen: &[Seen], acknowledged: &Acknowledged) {
    enrollments(server, seen);
    revisions(server, acknowledged);
    let there = orders(server, acknowledged);
    for id in there.iter().take(4) {
        results(&server.ask(&["commands", "show", id]), seen);
    }
}

/// What must be so at the end, when everything has come to rest.
pub(crate) fn everything_came_of_it(server: &Server, seen: &[Seen], acknowledged: &Acknowledged) {
    for twin in seen {
        assert_eq!(twin.complaints, [""; 0], "{}", twin.id);
        assert_eq!(twin.standing, Standing::Converged, "{}", twin.id);
    }
    enrollments(server, seen);
    revisions(server, acknowledged);
    let mut ordered = BTreeSet::new();
    for id in orders(server, acknowledged) {
        let order = server.ask(&["commands", "show", &id]);
        results(&order, seen);
        let mut reached = BTreeSet::new();
        let deliveries = order["deliveries"].as_array().unwrap();
        let counts = order["states"].as_object().unwrap().values();
        let count: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(deliveries.len() as u64, count, "not all are shown: {order:#}");
        for delivery in deliveries {
            let (uuid, channel) = (text(delivery, "uuid"), text(delivery, "enrollment"));
            let device = channel.split(':').next().unwrap();
            let twin = seen.iter().find(|twin| twin.id == device).unwrap();
            let command = twin.commands.get(&uuid);
            // A device that is not told that its Authenticate was taken says it again; that ends the enrollment for which
            // the command was.
            if delivery["state"] == "cancelled" && delivery["reason"] == ENDED {
                assert_eq!(command, None, "{delivery:#}");
                continue;
            }
            let command = command.unwrap_or_else(|| panic!("{id} is final, and never came: {delivery:#}"));
            assert_eq!(command.deliveries(), 1, "{command:?}");
            assert!(command.is_taken(), "{command:?}");
            assert_eq!(
                text(delivery, "state"),
                outcome(command.status()),
                "{command:?} {delivery:#}"
            );
            reached.insert(device.to_owned());
            ordered.insert(uuid);
        }
        let known = acknowledged.orders.iter().find(|known| known.id == id);
        if let Some(known) = known {
            assert_eq!(order["request_type"], known.request_type.as_str());
            let missed: Vec<_> = known.devices.difference(&reached).collect();
            let of_missed = || {
                let twins = seen.iter().filter(|twin| missed.contains(&&twin.id));
                twins.map(|twin| format!("{:?}: {:#}", twin.taken, server.ask(&["device", &twin.id])))
            };
            assert!(
                missed.is_empty(),
                "{id} has not reached {missed:?}: {order:#}\n{}",
                of_missed().collect::<Vec<_>>().join("\n")
            );
        }
    }
    for twin in seen {
        for command in twin.commands.values() {
            assert!(command.deliveries() <= 1, "{}: {command:?}", twin.id);
            let is_known = ordered.contains(command.uuid());
            assert!(
                is_known || !ONLY_ORDERED.contains(&command.request_type()),
                "nobody ordered {command:?} for {}",
                twin.id
            );
        }
        assert_eq!(reported(server, &twin.id), twin.holdings, "{}", twin.id);
    }
}

/// Whoever got 200 for a TokenUpdate is enrolled: the event of that is written together with the enrollment.
fn enrollments(server: &Server, seen: &[Seen]) {
    let rows = server.ask(&["devices"]);
    let is_there = |row: &&Value| row["state"] != "left";
    let rows = rows["devices"].as_array().unwrap().iter().filter(is_there);
    let there: BTreeSet<String> = rows.map(|row| text(row, "id")).collect();
    let events = server.ask_lines(&["events", "--kind", "enrolled"]);
    let complete: BTreeSet<String> = events.iter().map(|event| text(event, "enrollment")).collect();
    for twin in seen.iter().filter(|twin| twin.is_enrolled()) {
        assert!(
            there.contains(&twin.id) && complete.contains(&twin.id),
            "{} was told that it is enrolled",
            twin.id
        );
    }
}

/// Each revision that was acknowledged is there as it was acknowledged, and each that is there was audited once.
fn revisions(server: &Server, acknowledged: &Acknowledged) {
    let rows = server.ask(&["revisions", "--limit", "1000"]);
    let there: BTreeMap<u64, &Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["number"].as_u64().unwrap(), &row["changes"]))
        .collect();
    for (number, changes) in &acknowledged.revisions {
        assert_eq!(there.get(number), Some(&changes), "revision {number}");
    }
    let audit = server.ask(&["audit", "--limit", "1000"]);
    let published = audit
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["action"] == "publish");
    assert_eq!(published.count(), there.len(), "{audit:#}");
}

/// Each order that was acknowledged is there. The names of all, the newest first.
fn orders(server: &Server, acknowledged: &Acknowledged) -> Vec<String> {
    let rows = server.ask(&["commands", "--limit", "1000"]);
    let there: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(row, "id"))
        .collect();
    for order in &acknowledged.orders {
        assert!(there.contains(&order.id), "the order {} is lost", order.id);
    }
    there
}

/// A result that was taken is in the store as it was said.
fn results(order: &Value, seen: &[Seen]) {
    for delivery in order["deliveries"].as_array().unwrap() {
        let uuid = text(delivery, "uuid");
        let commands = seen.iter().filter_map(|twin| twin.commands.get(&uuid));
        for command in commands.filter(|command| command.is_taken()) {
            assert_eq!(
                text(delivery, "state"),
                outcome(command.status()),
                "{command:?} {delivery:#}"
            );
        }
    }
}

/// The declarations that the server has of a device by the device's own word: channel, identifier, ServerToken.
fn reported(server: &Server, id: &str) -> BTreeSet<[String; 3]> {
    let device = server.ask(&["device", id]);
    let mut reported = BTreeSet::new();
    for channel in device["channels"].as_array().unwrap() {
        assert_eq!(
            (&channel["phase"], &channel["converged"]),
            (&"enrolled".into(), &true.into()),
            "{channel:#}"
        );
        let declarations = channel["declarations"].as_array().unwrap().iter();
        for declaration in declarations.filter(|declaration| declaration["reported"] == true) {
            reported.insert([
                text(channel, "id"),
                text(declaration, "identifier"),
                text(declaration, "server_token"),
            ]);
        }
    }
    reported
}

fn outcome(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Acknowledged) => "acknowledged",
        Some(Status::Error | Status::CommandFormatError) => "failed",
        _ => "open",
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}
