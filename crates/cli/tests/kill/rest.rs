//! When everything has come to rest; and what is left, on both sides, when it does not.

use std::thread;
use std::time::Duration;

use ordain_twin::journal::Entry;
use serde_json::Value;

use crate::devices::{Devices, Seen};
use crate::server::Server;

/// How often to look, and how many times at most: generous, since machines differ.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: usize = 600;
/// After how many of these to say what it waits for.
const PATIENCE: usize = 80;

/// Waits until the server says that each device has converged on the newest revision, that no command is open, and that
/// the sweep is over; and until the devices have nothing left to say.
pub(crate) fn come_to_rest(server: &Server, devices: &Devices) {
    let mut sight = Sight::of(server, devices);
    for look in 1..=LOOKS {
        if sight.is_rest() {
            return;
        }
        if look % PATIENCE == 0 {
            println!("it does not rest yet; left are\n{}", sight.what_is_left(server));
        }
        thread::sleep(LOOK);
        sight = Sight::of(server, devices);
    }
    panic!(
        "it does not come to rest; left are\n{}",
        sight.what_is_left(server)
    );
}

/// What both sides say at one moment.
struct Sight {
    /// `ordain devices`, `ordain commands` and `ordain push status`.
    devices: Value,
    orders: Value,
    push: Value,
    twins: Vec<Seen>,
}

impl Sight {
    fn of(server: &Server, devices: &Devices) -> Self {
        Self {
            devices: server.ask(&["devices", "--limit", "1000"]),
            orders: server.ask(&["commands", "--limit", "1000"]),
            push: server.ask(&["push", "status"]),
            twins: devices.look(),
        }
    }

    fn is_rest(&self) -> bool {
        self.devices["states"]["converged"] == self.twins.len()
            && self.is_swept()
            && self.open_orders().next().is_none()
            && self.twins.iter().all(|twin| untold(twin).next().is_none())
    }

    fn is_swept(&self) -> bool {
        let sweep = &self.push["sweep"];
        sweep["revision"] == self.devices["revision"] && !sweep["finished_at"].is_null()
    }

    fn open_orders(&self) -> impl Iterator<Item = &Value> {
        let orders = self.orders.as_array().unwrap().iter();
        orders.filter(|order| order["open"] != 0 || order["reaching"] == true)
    }

    /// For each thing that is not at rest what the server and what the device says of it.
    fn what_is_left(&self, server: &Server) -> String {
        let mut left = Vec::new();
        let rows = self.devices["devices"].as_array().unwrap();
        for twin in &self.twins {
            let row = rows.iter().find(|row| row["id"] == twin.id.as_str());
            let state = row.map_or(&Value::Null, |row| &row["state"]);
            if state != "converged" {
                left.push(format!(
                    "{}: the server has it as {state}; {}",
                    twin.id,
                    twin.says()
                ));
            }
        }
        for order in self.open_orders() {
            let order = server.ask(&["commands", "show", order["id"].as_str().unwrap()]);
            let (id, kind) = (&order["id"], &order["request_type"]);
            if order["reaching"] == true {
                left.push(format!(
                    "{kind} of the order {id}: not yet given to its whole group"
                ));
            }
            for delivery in order["deliveries"].as_array().unwrap() {
                left.extend(
                    self.open(delivery)
                        .map(|what| format!("{kind} of the order {id}, {what}")),
                );
            }
        }
        for twin in &self.twins {
            for command in untold(twin) {
                let (id, says) = (&twin.id, twin.says());
                left.push(format!(
                    "{id} has the outcome of {command:?}, which nobody took; {says}"
                ));
            }
        }
        if !self.is_swept() {
            let newest = &self.devices["revision"];
            left.push(format!(
                "the sweep, the newest revision being {newest}: {:#}",
                self.push
            ));
        }
        left.join("\n")
    }

    /// A delivery that the server waits for.
    fn open(&self, delivery: &Value) -> Option<String> {
        let (state, uuid) = (delivery["state"].as_str()?, delivery["uuid"].as_str()?);
        let channel = delivery["enrollment"].as_str()?;
        if !["queued", "sent", "not-now"].contains(&state) {
            return None;
        }
        let device = channel.split(':').next();
        let twin = self.twins.iter().find(|twin| Some(twin.id.as_str()) == device)?;
        let has = match twin.commands.get(uuid) {
            None => "the device has never got it".to_owned(),
            Some(command) => format!("the device has {command:?}"),
        };
        Some(format!(
            "{uuid} for {channel}: {state} on the server; {has}; {}",
            twin.says()
        ))
    }
}

/// The commands whose outcome the device has, and nobody has taken.
fn untold(twin: &Seen) -> impl Iterator<Item = &Entry> {
    twin.commands.values().filter(|command| command.is_untold())
}
