//! The binary at work: a server, a policy, simulated devices, and what administrators see of them.

mod explain;
mod explain_missing;
mod mixed;
mod publishing;
mod serve;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use serve::Serve;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/policy");

fn server_json(data_dir: &Path) -> Option<Value> {
    let text = std::fs::read(data_dir.join("server.json")).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

/// Groups by predicate are looked at, and devices are tagged for them.
#[test]
fn groups_are_shown_and_devices_are_tagged() {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), &[]);
    let applied = server.run(&["apply", POLICY]);
    assert!(applied.status.success());
    let simulated = server.run(&["simulate", "-n", "6", "--timeout", "2m"]);
    let said = String::from_utf8_lossy(&simulated.stderr);
    assert_eq!(simulated.status.code(), Some(0), "{said}");

    let groups = server.json(&["groups"]);
    assert_eq!(
        groups["evaluation"],
        serde_json::json!({"decided": 6, "devices": 6})
    );
    assert_eq!(groups["groups"][2]["name"], "unencrypted");
    let group = server.json(&["groups", "unencrypted"]);
    assert_eq!(group["looked_at"], 6);
    assert_eq!(
        group["members"].as_array().map(Vec::len),
        groups["groups"][2]["members"].as_u64().map(|n| n as usize)
    );

    let devices = server.json(&["devices"]);
    let id = devices["devices"][0]["id"].as_str().unwrap();
    assert_eq!(
        server.json(&["tag", id, "kiosk", "floor-2"])["tags"],
        serde_json::json!(["floor-2", "kiosk"])
    );
    assert_eq!(server.json(&["devices", "kiosk"])["matching"], 1);
    let untagged = server.run(&["untag", id, "kiosk"]);
    assert_eq!(
        String::from_utf8(untagged.stdout).unwrap(),
        format!("{id} is tagged floor-2\n")
    );
    let refused = server.run(&["tag", id, "two words"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(server.run(&["groups", "nobody"]).status.code(), Some(1));
}

/// An administrator orders, looks, and takes back; the devices are away meanwhile.
#[test]
fn commands_are_ordered_shown_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), &["--destructive-budget", "2"]);
    let simulated = server.run(&["simulate", "-n", "3", "--timeout", "2m"]);
    assert_eq!(
        simulated.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&simulated.stderr)
    );
    let devices = server.json(&["devices"]);
    let id = devices["devices"][0]["id"].as_str().unwrap();
    let fails = |words: &[&str], code: i32, part: &str| {
        let output = server.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(part), "{said}");
    };
    let lock = [
        "command",
        id,
        "DeviceLock",
        "--Message",
        "Call us",
        "--PIN",
        "123456",
    ];
    fails(&lock, 64, "--confirm");
    fails(&lock, 64, id);
    fails(&["command", id, "DeviceLok"], 1, "did you mean DeviceLock?");
    fails(
        &["command", "--group", "all", "DeviceLock", "--confirm"],
        1,
        "--destructive-budget",
    );
    assert_eq!(server.json(&["commands"]), serde_json::json!([]));

    let ordered = server.json(&[&lock[..], &["--confirm"]].concat());
    assert_eq!(
        (&ordered["request_type"], &ordered["states"]["queued"]),
        (&"DeviceLock".into(), &1.into())
    );
    let order = ordered["id"].as_str().unwrap();
    assert_eq!(server.json(&["commands"])[0]["id"], order);
    assert_eq!(server.json(&["commands", "--device", id])[0]["command"], order);
    assert_eq!(
        server.json(&["device", id])["channels"][0]["queue"][0]["command"],
        order
    );
    let cancelled = server.json(&["commands", "cancel", order]);
    assert_eq!(cancelled["states"]["cancelled"], 1);
    assert_eq!(
        server.json(&["commands", "show", order])["states"],
        cancelled["states"]
    );
    fails(&["commands", "cancel", order], 1, "1 cancelled");

    // For the whole group; nobody comes for it in time.
    let bulk = [
        "command",
        "--group",
        "all",
        "ProfileList",
        "--expires",
        "1s",
        "--wait",
    ];
    fails(&bulk, 1, "0 of 3 carried it out");
    assert_eq!(server.json(&["commands"])[0]["states"]["expired"], 3);
    assert_eq!(server.stop(), Some(0));
}

/// What devices have reported decides predicates, of one device and of all.
#[test]
fn predicates_are_asked_of_devices() {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), &[]);
    server.json(&["apply", POLICY]);
    let simulated = server.run(&["simulate", "-n", "3", "--timeout", "2m"]);
    assert_eq!(
        simulated.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&simulated.stderr)
    );
    let devices = server.json(&["devices"]);
    let (id, serial) = (&devices["devices"][0]["id"], &devices["devices"][0]["serial"]);
    let (id, serial) = (id.as_str().unwrap(), serial.as_str().unwrap());
    // The exit code, and what each stream has.
    let says = |words: &[&str]| {
        let output = server.run(&[&["predicate"], words].concat());
        let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), stdout, stderr)
    };
    let by_serial = format!("@device(serial) == '{serial}'");
    for (predicate, outcome) in [
        (by_serial.as_str(), "true\n"),
        ("@tag(lab) == TRUE", "false\n"),
        ("@property(nowhere) == 1 OR FALSEPREDICATE", "unknown\n"),
    ] {
        let (code, stdout, _) = says(&["eval", predicate, "--device", serial]);
        assert_eq!((code, stdout.as_str()), (0, outcome), "{predicate}");
    }
    // What publishing would refuse is said, and evaluated.
    let (code, stdout, stderr) = says(&["eval", "@property(nowhere) == 1", "--device", id]);
    assert_eq!((code, stdout.as_str()), (0, "unknown\n"));
    assert!(stderr.contains("error[undefined-property]"), "{stderr}");
    let (code, stdout, stderr) = says(&["eval", "@tag(lab) == ", "--device", id]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.starts_with("@tag(lab) == \n             ^\n"), "{stderr}");
    let (code, _, stderr) = says(&["eval", "1 == 1", "--device", "nobody"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("no device goes by nobody"), "{stderr}");
    assert_eq!(says(&["eval", "1 == 1"]).0, 64);

    let (code, stdout, _) = says(&["explain", "@property(nowhere) == 1", "--device", id]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(stdout, @r"
    ▸ unknown: @property(nowhere) == 1
          @property(nowhere) is missing
    This cannot be told without @property(nowhere).
    ! @property(nowhere): no declaration that the device was given defines it
    The properties are those that it was given.
    ");
    let told = server.json(&["predicate", "explain", &by_serial, "--device", id]);
    assert_eq!(
        (&told["outcome"], &told["explanation"]["kind"]),
        (&"true".into(), &"comparison".into())
    );

    let (code, stdout, stderr) = says(&["fleet", &by_serial, "--show", "true"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.ends_with("\n1 true, 2 false, 0 unknown\n"), "{stdout}");
    assert!(stdout.contains(serial), "{stdout}");
    let told = server.json(&["predicate", "fleet", &by_serial, "--limit", "1"]);
    assert_eq!(
        told["counts"],
        serde_json::json!({"true": 1, "false": 2, "unknown": 0})
    );
    assert_eq!(told["devices"].as_array().unwrap().len(), 1);
    let (code, _, stderr) = says(&["fleet", "@property(shard) == 1"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("@property is for activations"), "{stderr}");
    assert_eq!(server.stop(), Some(0));
}

/// A fleet enrolls and converges; the same policy again changes nothing; after a restart all of it is still so.
fn a_fleet_converges(database: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), database);
    let state = server_json(dir.path()).unwrap();
    assert_eq!(state["url"], server.url.as_str());
    assert!(Path::new(state["ca"].as_str().unwrap()).is_absolute());

    let published = server.json(&["apply", POLICY]);
    assert_eq!(
        (&published["revision"], &published["published"]),
        (&1.into(), &true.into())
    );
    let simulated = server.run(&["simulate", "-n", "12", "--timeout", "2m"]);
    assert_eq!(
        simulated.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&simulated.stderr)
    );

    let devices = server.json(&["devices"]);
    assert_eq!(devices["states"]["converged"], 12, "{devices:#}");
    let id = devices["devices"][0]["id"].as_str().unwrap();
    let before = server.json(&["device", id]);
    let declarations = before["channels"][0]["declarations"].as_array().unwrap();
    assert!(!declarations.is_empty());
    for fact in ["wanted", "offered", "fetched", "reported"] {
        assert!(
            declarations.iter().all(|declaration| declaration[fact] == true),
            "{fact}: {declarations:#?}"
        );
    }

    let events = server.run(&["events", "--kind", "enrolled,converged", "--json"]);
    let events = String::from_utf8(events.stdout).unwrap();
    let events: Vec<Value> = events
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert!(
        of("enrolled") >= 12 && of("converged") >= 12 && of("enrolled") + of("converged") == events.len(),
        "{events:#?}"
    );
    let cursor = events[events.len() - 2]["cursor"].as_str().unwrap();
    let last = server.run(&["events", "--kind", "enrolled,converged", "--after", cursor]);
    assert_eq!(String::from_utf8(last.stdout).unwrap().lines().count(), 1);

    let again = server.json(&["apply", POLICY]);
    assert_eq!(
        (&again["revision"], &again["published"]),
        (&1.into(), &false.into())
    );
    let actions = server.json(&["audit"]);
    let published = actions
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["action"] == "publish")
        .count();
    assert_eq!(published, 1, "{actions:#}");

    assert_eq!(server.stop(), Some(0));
    assert!(server_json(dir.path()).is_none());
    let server = Serve::start(dir.path(), database);
    let after = server.json(&["device", id]);
    assert_eq!(after["state"], "converged");
    assert_eq!(
        after["channels"][0]["wanted_token"],
        before["channels"][0]["wanted_token"]
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_fleet_converges_on_sqlite() {
    a_fleet_converges(&[]);
}

#[test]
fn a_fleet_converges_on_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Where there is no PostgreSQL, the testbed says so.
    if let Some(url) = runtime.block_on(ordain_testbed::postgres_url()) {
        a_fleet_converges(&["--database", &url]);
    }
}

#[test]
fn the_demo_converges_twice() {
    let output = Command::new(env!("CARGO_BIN_EXE_ordain"))
        .arg("demo")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        said.contains("converged on revision 1") && said.contains("again on revision 2"),
        "{said}"
    );
}

#[test]
fn a_data_directory_has_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), &[]);
    let second = Command::new(env!("CARGO_BIN_EXE_ordain"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(
        second.status.code(),
        Some(1),
        "the command line is right as it is"
    );
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        said.contains("another ordain serves this data directory"),
        "{said}"
    );
    assert!(
        server_json(dir.path()).is_some(),
        "the second one leaves the first one's file alone"
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_server_stops_whoever_is_connected() {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), &[]);
    let address = server.url.strip_prefix("https://").unwrap().to_owned();
    let silent = std::net::TcpStream::connect(address).unwrap();
    assert_eq!(server.stop(), Some(0));
    drop(silent);
}
