//! Starting and stopping: what lies in the data directory, what is refused, and what a stop leaves behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use ordain_testbed::Database;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, Manner};
use crate::device::Device;
use crate::house::House;
use crate::identity::{Proof, Shown, TRUSTED};
use crate::message::{CHECK_IN, Message};
use crate::policy::{rich, small};

crate::on_each_database!(
    the_data_directory,
    a_revoked_administrator_stays_so,
    a_stop_finishes_what_is_under_way,
    a_silent_connection_does_not_hold_up_a_stop,
    settings_that_are_refused,
    behind_a_proxy_without_tls,
    a_certificate_of_ones_own,
    the_public_url_is_kept_and_its_change_audited,
);

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

async fn the_data_directory(database: Database) {
    let mut house = House::closed(database);
    let state = house.data_dir().join("server.json");
    std::fs::create_dir_all(house.data_dir()).expect("a directory");
    std::fs::write(&state, "left over by a crash").expect("a file");
    house.start().await.expect("a server");
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&state).expect("a file")).expect("JSON") };
    let found = read();
    assert_eq!(found["url"], house.url());
    assert!(!house.url().ends_with('/') && house.url().starts_with("https://127.0.0.1:"));
    let ca = Path::new(found["ca"].as_str().expect("a path"));
    assert!(ca.is_absolute() && ca.exists());
    assert_eq!(found["pid"], std::process::id());
    for secret in ["admin.token", "installation.key", "tls-ca.key"] {
        assert_eq!(mode(&house.data_dir().join(secret)), 0o600, "{secret}");
    }
    let token = house.admin_token();
    assert!(token.len() >= 32, "{token}");
    let names = std::fs::read_dir(house.data_dir()).expect("a directory");
    let left: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().ends_with(".new")),
        "{left:?}"
    );

    let ca_pem = std::fs::read(ca).expect("a file");
    house.stop().await;
    assert!(!state.exists());
    house.start().await.expect("a server");
    assert_eq!(read()["url"], house.url());
    assert_eq!(
        std::fs::read(ca).expect("a file"),
        ca_pem,
        "who trusts it goes on doing so"
    );
    assert_eq!(house.admin_token(), token);
    house.get("/overview").await;
    // A token that was written anew is taken up at the next start.
    std::fs::write(
        house.data_dir().join("admin.token"),
        "another secret of an administrator",
    )
    .expect("a file");
    house.admin("GET", "/overview", None).await.with(401);
    house.restart().await;
    house.get("/overview").await;
}

async fn a_revoked_administrator_stays_so(database: Database) {
    let mut house = House::open(database).await;
    let tokens = house.get("/tokens").await;
    let id = tokens[0]["id"].as_str().expect("an identifier").to_owned();
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(204);
    house.restart().await;
    house.admin("GET", "/overview", None).await.with(401);

    // Who has the machine gets in again, and the audit tells.
    std::fs::remove_file(house.data_dir().join("admin.token")).expect("a file");
    house.restart().await;
    house.admin("GET", "/overview", None).await.with(200);
    assert_eq!(house.get("/audit").await[0]["action"], "create-token");
}

async fn a_stop_finishes_what_is_under_way(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&small(8)).await;
    let identity = TRUSTED.ec();
    let device = Device::of(&house, "D", &identity);
    device.enroll().await;
    let manner = Manner {
        certificate: Some(identity),
        ..Manner::default()
    };
    let mut stream = Client::new(house.site.clone(), manner).stream().await;
    let body = Message::ddm(&device.ids, "tokens").body;
    let (first, rest) = body.split_at(body.len() / 2);
    let length = body.len();
    let head = format!(
        "PUT /mdm HTTP/1.1\r\nHost: localhost\r\nContent-Type: {CHECK_IN}\r\nContent-Length: {length}\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(
        answer, *b"HTTP/1.1 100 Continue\r\n\r\n",
        "the request is under way"
    );
    stream.write_all(first.as_bytes()).await.expect("sent");
    let address = house.site.address();
    let state = house.data_dir().join("server.json");
    let finish = async {
        // The server is on its way out when it takes no more connections.
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!state.exists());
        stream.write_all(rest.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8(answer).expect("text")
    };
    let ((), answer) = tokio::join!(house.stop(), finish);
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("SyncTokens"),
        "{answer}"
    );
}

async fn a_silent_connection_does_not_hold_up_a_stop(database: Database) {
    let mut house = House::open(database).await;
    let idle = house.client();
    idle.send("GET", "/healthz", &[], b"").await.with(200);
    // One that never shook hands, and one that shook hands and said nothing.
    let _raw = TcpStream::connect(house.site.address())
        .await
        .expect("a connection");
    let _silent = Client::new(house.site.clone(), Manner::default()).stream().await;
    let stopped = tokio::time::timeout(Duration::from_secs(10), house.stop()).await;
    assert!(stopped.is_ok(), "SIGTERM ends it within 10 seconds");
}

async fn settings_that_are_refused(database: Database) {
    let mut house = House::closed(database);
    let good = house.settings().clone();
    let nonsense = house.file("nonsense.pem", "hello");
    let leaf = house.file("leaf.pem", &TRUSTED.ec().certificate.to_pem());
    let missing = house.data_dir().join("missing.pem");
    let mut refused = Vec::new();
    let mut with = |what: &'static str, change: &dyn Fn(&mut ordain_server::Settings)| {
        let mut settings = good.clone();
        change(&mut settings);
        refused.push((what, settings));
    };
    with("--trusted-proxy", &|settings| {
        settings.http = true;
        settings.trusted_proxies.clear();
        settings.client_cert_header = None;
    });
    with("--trusted-proxy", &|settings| settings.trusted_proxies.clear());
    with("nonsense.pem", &|settings| {
        settings.device_cas = vec![nonsense.clone()]
    });
    with("leaf.pem", &|settings| settings.device_cas = vec![leaf.clone()]);
    with("missing.pem", &|settings| {
        settings.device_cas = vec![missing.clone()]
    });
    with("go together", &|settings| {
        settings.tls_certificate = Some(leaf.clone())
    });
    with("--public-url", &|settings| {
        settings.public_url = Some("mdm.example.org".into())
    });
    with("--public-url", &|settings| {
        settings.public_url = Some("https://mdm.example.org/?a=b".into())
    });
    with("--public-url", &|settings| {
        settings.public_url = Some("https://a:b@mdm.example.org".into())
    });
    with("cannot listen", &|settings| {
        settings.listen = "192.0.2.1:0".parse().expect("an address")
    });
    with("database", &|settings| {
        settings.database = Some("postgres://127.0.0.1:1/nothing".into())
    });
    for (what, settings) in refused {
        *house.settings() = settings;
        let error = house.start().await.expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
        assert!(!house.data_dir().join("server.json").exists());
    }
    *house.settings() = good;
    house.start().await.expect("a server, after all that");
}

async fn behind_a_proxy_without_tls(database: Database) {
    let house = House::open_with(database, |settings| settings.http = true).await;
    assert!(house.url().starts_with("http://127.0.0.1:"));
    let state = std::fs::read(house.data_dir().join("server.json")).expect("a file");
    assert_eq!(
        serde_json::from_slice::<Value>(&state).expect("JSON").get("ca"),
        None
    );
    house.publish(&small(8)).await;
    let identity = TRUSTED.ec();
    let device = Device::with(
        &house,
        "D",
        &Proof::proxied([Shown::EscapedPem(identity.clone())]),
    );
    device.enroll().await;
    device.told().await;
    device.converge().await;
    // The same header from anywhere else is nobody's.
    let direct = Device::with(&house, "D", &Proof::headers([Shown::EscapedPem(identity)]));
    direct.ddm("tokens").await.with(403);
}

async fn a_certificate_of_ones_own(database: Database) {
    use ordain_pki::authority::{Request, Usage, Validity};
    use ordain_pki::key::KeyKind;
    use ordain_pki::{Authority, KeyPair};
    let mut house = House::closed(database);
    let validity = Validity {
        not_before: house.now() - 10,
        not_after: house.now() + 100_000,
    };
    let key = || KeyPair::generate(KeyKind::P256).expect("a key");
    let ca = Authority::new(key(), "A company's CA", validity).expect("an authority");
    let key = key();
    let request = Request {
        public_key: key.public_key(),
        common_name: "mdm.example.org",
        organization: None,
        serial_number: None,
        usage: Usage::Server {
            names: vec!["localhost".into()],
            addresses: vec![],
        },
        validity,
    };
    let certificate = ca.issue(&request).expect("a certificate");
    let chain = house.file(
        "chain.pem",
        &format!("{}{}", certificate.to_pem(), ca.certificate().to_pem()),
    );
    let key = house.file("server.key", &key.to_pem().expect("PEM"));
    house.settings().tls_certificate = Some(chain);
    house.settings().tls_key = Some(key);
    house.start().await.expect("a server");
    let state = std::fs::read(house.data_dir().join("server.json")).expect("a file");
    assert_eq!(
        serde_json::from_slice::<Value>(&state).expect("JSON").get("ca"),
        None
    );
    assert!(!house.data_dir().join("tls-ca.pem").exists());
    house.site.trust(ca.certificate().clone());
    house.get("/overview").await;
}

async fn the_public_url_is_kept_and_its_change_audited(database: Database) {
    let mut house = House::open(database).await;
    house.publish(&rich("nobody")).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    let before = device.converge().await;
    let data_url = |held: &crate::device::Held| {
        let asset = held.find("company-ca.certificate").expect("the asset");
        asset["Payload"]["Reference"]["DataURL"]
            .as_str()
            .expect("a URL")
            .to_owned()
    };
    house.settings().public_url = None;
    house.restart().await;
    assert_eq!(device.idle().await, None, "it stays as it was");
    assert_eq!(device.sync().await, before);

    house.settings().public_url = Some("https://elsewhere.example.org/ordain/".into());
    house.restart().await;
    device.told().await;
    let after = device.converge().await;
    assert_ne!(after.token, before.token);
    let path = data_url(&before)
        .strip_prefix("https://mdm.example.org")
        .expect("the old URL")
        .to_owned();
    assert_eq!(
        data_url(&after),
        format!("https://elsewhere.example.org/ordain{path}")
    );
    let audit = house.get("/audit").await;
    let rows: Vec<_> = audit
        .as_array()
        .expect("rows")
        .iter()
        .take(2)
        .map(|row| &row["action"])
        .collect();
    assert_eq!(rows, ["set-public-url", "publish"]);
    assert_eq!(
        audit[0]["detail"],
        json!({"from": "https://mdm.example.org", "to": "https://elsewhere.example.org/ordain"})
    );
    assert_eq!(audit[0]["who"], "server");
}
