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
mod rest;
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

/// How often the server is killed, on each database; this often unless it is said.
const ROUNDS: &str = "ORDAIN_KILL_ROUNDS";
const FEW_ROUNDS: usize = 2;
/// The devices that are there from the beginning, and look for work again and again,
const FIRST: usize = 24;
const POLL: Duration = Duration::from_secs(2);
/// and those that join in the rounds, and come only when they are pushed.
const LATER: usize = 16;
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
/// As many as `ordain commands show` tells of.
const MOST: usize = 100;
/// How many are pushed in a second: so few that the sweep of a revision is still under way when the server is killed.
const PUSH_RATE: &str = "15";

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
    let name = database.map_or("SQLite", |_| "PostgreSQL");
    let rounds = std::env::var(ROUNDS).map_or(FEW_ROUNDS, |rounds| rounds.parse().unwrap());
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
    let words = [
        ["--apns-url", &url],
        ["--apns-ca", &ca],
        ["--device-ca", &ca],
        ["--push-rate", PUSH_RATE],
    ];
    let mut words: Vec<String> = words.concat().into_iter().map(str::to_owned).collect();
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
        let room = MOST - devices.count();
        devices.join((LATER / rounds).max(1).min(room), NEVER);
        let (enrolled, is_over) = (enrolled(&seen), AtomicBool::new(false));
        let (life, start) = (dice.pause(50, 1_500), dice.pause(0, 400));
        thread::scope(|scope| {
            scope.spawn(|| administrator.work(&enrolled, &is_over));
            thread::sleep(life);
            server.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        // Nothing more is acknowledged until it is started again.
        seen = devices.look();
        let mut killed = format!("killed after {} ms", life.as_millis());
        if dice.below(3) == 0 {
            server.begin();
            thread::sleep(start);
            server.kill();
            killed += &format!(", and {} ms into its start", start.as_millis());
        }
        server.start();
        let so_far = so_far(&server, &seen, &administrator);
        println!("{name}, round {round}: {killed}; {so_far}");
        account::nothing_is_lost(&server, &seen, &administrator.acknowledged);
    }
    rest::come_to_rest(&server, &devices);
    let seen = devices.stop();
    account::everything_came_of_it(&server, &seen, &administrator.acknowledged);
}

/// The devices that were told that they are enrolled.
fn enrolled(seen: &[Seen]) -> BTreeSet<String> {
    let enrolled = seen.iter().filter(|twin| twin.is_enrolled());
    enrolled.map(|twin| twin.id.clone()).collect()
}

/// What has come of everything so far, right after a start.
fn so_far(server: &Server, seen: &[Seen], administrator: &Administrator) -> String {
    let sweep = &server.ask(&["push", "status"])["sweep"];
    let number = |key: &str| sweep[key].as_u64().unwrap();
    let sweep = if sweep.is_null() {
        "no sweep yet".to_owned()
    } else if sweep["finished_at"].is_null() {
        let left = number("channels").saturating_sub(number("passed"));
        format!("sweep of {} resumed with {left} left", number("revision"))
    } else {
        format!("sweep of {} was over", number("revision"))
    };
    let acknowledged: u64 = seen.iter().map(Seen::acknowledged).sum();
    let commands: usize = seen.iter().map(|twin| twin.commands.len()).sum();
    format!(
        "{} devices, {acknowledged} acknowledged, {commands} commands, {} orders, {} revisions, {} unanswered; {sweep}",
        enrolled(seen).len(),
        administrator.acknowledged.orders.len(),
        administrator.acknowledged.revisions.len(),
        administrator.unanswered,
    )
}
