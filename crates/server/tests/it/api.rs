//! The admin API: who may use it, what each route does, and that each change is in the audit or did not happen.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::{Device, facts};
use crate::house::{House, PUBLIC_URL, START};
use crate::policy::{rich, small};

crate::on_each_database!(
    only_administrators,
    devices_are_filtered_and_sorted,
    revisions_and_audit_by_pages,
    tokens_are_made_and_revoked,
    names_that_are_taken,
    requests_that_make_no_sense,
    whatever_goes_wrong_is_a_problem,
    control_characters,
    health_and_metrics,
);

/// Every route, with a body that would do something.
fn routes() -> Vec<(&'static str, &'static str, Option<Value>)> {
    let files = json!({"files": []});
    vec![
        ("GET", "/overview", None),
        ("POST", "/policy", Some(files)),
        ("POST", "/revisions/1/publish", None),
        ("GET", "/catalog", None),
        ("GET", "/catalog/facts", None),
        ("POST", "/catalog", None),
        ("DELETE", "/catalog", None),
        ("GET", "/devices", None),
        ("GET", "/devices/D", None),
        ("GET", "/devices/D/explain", None),
        ("POST", "/devices/D/approve", None),
        ("POST", "/devices/D/tags", Some(json!({"add": ["x"]}))),
        ("GET", "/compliance", None),
        ("GET", "/groups", None),
        ("GET", "/groups/lab", None),
        (
            "POST",
            "/devices/D/predicate",
            Some(json!({"predicate": "1 == 1"})),
        ),
        ("POST", "/predicate/fleet", Some(json!({"predicate": "1 == 1"}))),
        ("GET", "/devices/D/commands", None),
        (
            "POST",
            "/commands",
            Some(json!({"devices": ["D"], "request_type": "EraseDevice", "confirm": true})),
        ),
        ("GET", "/commands", None),
        ("GET", "/commands/x", None),
        ("DELETE", "/commands/x", None),
        ("GET", "/revisions", None),
        ("GET", "/declarations", None),
        ("GET", "/audit", None),
        ("GET", "/tokens", None),
        ("POST", "/tokens", Some(json!({"name": "x", "role": "admin"}))),
        ("DELETE", "/tokens/x", None),
        ("POST", "/enrollment-profiles", Some(json!({"topic": "t"}))),
        ("POST", "/identities", Some(json!({"requests": []}))),
        ("GET", "/events", None),
        ("GET", "/webhooks", None),
        (
            "POST",
            "/webhooks",
            Some(json!({"url": "https://hooks.example.org"})),
        ),
        ("DELETE", "/webhooks/x", None),
        ("GET", "/push", None),
        ("GET", "/push-certificate", None),
        ("POST", "/push-certificate", Some(json!({"pem": ""}))),
    ]
}

pub(crate) async fn create_token(house: &House, asked: Value) -> (String, String) {
    let created = house.admin("POST", "/tokens", Some(asked)).await.with(200).json();
    let text = |key: &str| created[key].as_str().expect("a text").to_owned();
    (text("id"), text("token"))
}

async fn only_administrators(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    for _ in 0..2 {
        Device::mac(&house, "D").enroll().await;
    }
    let enrollment = json!({"name": "e", "role": "enrollment", "topic": "t"});
    let (_, enrollment) = create_token(&house, enrollment).await;
    let (_, short) = create_token(&house, json!({"name": "short", "role": "admin", "valid_for": 60})).await;
    let (id, revoked) = create_token(&house, json!({"name": "revoked", "role": "admin"})).await;
    let client = house.client();
    let get = async |value: String| {
        let headers = [("authorization".to_owned(), value)];
        client
            .send("GET", "/api/v1/overview", &headers, b"")
            .await
            .status
            .as_u16()
    };
    assert_eq!(get(format!("Bearer {short}")).await, 200);
    assert_eq!(get(format!("Bearer {revoked}")).await, 200);
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(204);
    house.pass(60);

    let before = house.everything().await;
    let admin = house.admin_token();
    let values = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer wrong".to_owned()),
        Some(admin.clone()),
        Some(format!("Basic {admin}")),
        Some(format!("Bearer {}", &admin[1..])),
        Some(format!("Bearer {enrollment}")),
        Some(format!("Bearer {short}")),
        Some(format!("Bearer {revoked}")),
    ];
    for value in values {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(value.map(|value| ("authorization".to_owned(), value)));
        for (method, path, body) in routes() {
            let body = body.map(|body| body.to_string()).unwrap_or_default();
            let path = format!("/api/v1{path}");
            let answer = client
                .send(method, &path, &headers, body.as_bytes())
                .await
                .with(401);
            assert!(answer.json()["error"].is_string(), "{answer:?}");
        }
    }
    assert_eq!(house.everything().await, before);
    // The description is no secret, and names every route by its whole path.
    let description = client
        .send("GET", "/api/v1/openapi.json", &[], b"")
        .await
        .with(200)
        .json();
    for (method, path, _) in routes() {
        let path = format!("/api/v1{path}")
            .replace("/D", "/{id}")
            .replace("/1", "/{number}")
            .replace("/x", "/{id}")
            .replace("/groups/lab", "/groups/{name}");
        let described = &description["paths"][&path][method.to_lowercase()];
        assert!(described.is_object(), "{method} {path}");
    }
}

async fn devices_are_filtered_and_sorted(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-B")).await;
    for (name, product, version) in [
        ("A", "Mac14,2", "15.10"),
        ("B", "iPhone15,2", "26.1"),
        ("C", "iPad13,4", "15.9"),
    ] {
        let mut device = Device::mac(&house, name);
        device.facts = facts(product, version, &format!("S-{name}"));
        device.enroll().await;
        house.pass(10);
        match name {
            "B" => drop(device.converge().await),
            "C" => drop(device.check_out().await.with(200)),
            _ => {}
        }
    }
    let ids = async |query: &str| -> Vec<String> {
        let list = house.get(&format!("/devices{query}")).await;
        let rows = list["devices"].as_array().expect("devices").iter();
        rows.map(|row| row["id"].as_str().expect("a text").to_owned())
            .collect()
    };
    for (query, expected) in [
        ("", vec!["A", "B", "C"]),
        ("?sort=-id", vec!["C", "B", "A"]),
        ("?sort=os", vec!["C", "A", "B"]),
        ("?sort=-seen&limit=1", vec!["C"]),
        ("?sort=state", vec!["B", "C", "A"]),
        ("?state=converged", vec!["B"]),
        ("?state=failed", vec![]),
        ("?platform=macos", vec!["A"]),
        ("?platform=iPadOS", vec!["C"]),
        ("?search=device%20s-b", vec!["B"]),
        ("?group=lab", vec!["B"]),
        ("?group=all&limit=2", vec!["A", "B"]),
        ("?group=nothing", vec![]),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    let list = house.get("/devices?platform=macos").await;
    assert_eq!(
        list["states"],
        json!({"converged": 1, "failed": 0, "left": 1, "pending": 0, "unknown": 1}),
        "of all, always"
    );
    assert_eq!((&list["matching"], &list["revision"]), (&json!(1), &json!(1)));
    for query in ["?sort=color", "?state=happy", "?color=red", "?limit=x"] {
        house
            .admin("GET", &format!("/devices{query}"), None)
            .await
            .with(400);
    }
    house.admin("GET", "/devices/nobody", None).await.with(404);
    // By any of its names.
    assert_eq!(house.device("S-A").await, house.device("A").await);
}

async fn revisions_and_audit_by_pages(database: Database) {
    let house = House::open(database).await;
    for length in 4..9 {
        house.publish(&small(length)).await;
        house.pass(10);
    }
    let numbers = async |path: &str| -> Vec<u64> {
        let rows = house.get(path).await;
        let rows = rows.as_array().expect("rows").iter();
        rows.map(|row| row["number"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!(numbers("/revisions").await, [5, 4, 3, 2, 1]);
    assert_eq!(numbers("/revisions?before=4&limit=2").await, [3, 2]);
    assert_eq!(numbers("/revisions?limit=0").await, Vec::<u64>::new());
    let all = numbers("/audit").await;
    assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
    assert_eq!(
        numbers(&format!("/audit?before={}&limit=3", all[1])).await,
        all[2..5]
    );
    let newest = &house.get("/revisions").await[0];
    let digest = newest["digest"].as_str().expect("a digest");
    assert_eq!(digest.len(), 64);
    assert_eq!(
        (&newest["published_at"], &newest["published_by"]),
        (&json!(START + 40), &json!("admin.token"))
    );
    house.admin("GET", "/audit?from=1", None).await.with(400);
}

async fn tokens_are_made_and_revoked(database: Database) {
    let house = House::open(database).await;
    let (id, token) = create_token(&house, json!({"name": "ann", "role": "admin"})).await;
    let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
    let client = house.client();
    let overview = client
        .send("GET", "/api/v1/overview", &headers, b"")
        .await
        .with(200)
        .json();
    assert_eq!(
        [&overview["token"], &overview["public_url"], &overview["revision"]],
        [&json!("ann"), &json!(PUBLIC_URL), &json!(0)]
    );
    let list = house.get("/tokens").await;
    assert!(!list.to_string().contains(&token), "secrets are not listed");
    assert!(
        list.as_array()
            .expect("tokens")
            .iter()
            .any(|row| row["id"] == id.as_str())
    );
    // One may end one's own.
    client
        .send("DELETE", &format!("/api/v1/tokens/{id}"), &headers, b"")
        .await
        .with(204);
    client
        .send("GET", "/api/v1/overview", &headers, b"")
        .await
        .with(401);
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(404);
}

async fn requests_that_make_no_sense(database: Database) {
    let house = House::open(database).await;
    let before = house.everything().await;
    for asked in [
        json!({}),
        json!({"name": "", "role": "admin"}),
        json!({"name": "x".repeat(256), "role": "admin"}),
        json!({"name": "x", "role": "king"}),
        json!({"name": "x", "role": "admin", "uses": 1}),
        json!({"name": "x", "role": "admin", "valid_for": 0}),
        json!({"name": "x", "role": "admin", "valid_for": i64::MAX}),
        json!({"name": "x", "role": "enrollment", "topic": ""}),
        json!({"name": "x", "role": "enrollment", "topic": "t", "uses": 0}),
        json!({"name": "x", "role": "admin", "more": 1}),
    ] {
        let answer = house.admin("POST", "/tokens", Some(asked.clone())).await;
        assert_eq!(answer.status, 400, "{asked}: {answer:?}");
    }
    for asked in [json!({}), json!({"topic": ""}), json!({"topic": "t", "more": 1})] {
        let answer = house
            .admin("POST", "/enrollment-profiles", Some(asked.clone()))
            .await;
        assert_eq!(answer.status, 400, "{asked}: {answer:?}");
    }
    let renew = json!({"topic": "t", "renew": "nobody"});
    house
        .admin("POST", "/enrollment-profiles", Some(renew))
        .await
        .with(404);
    house.admin("GET", "/nothing", None).await.with(404);
    house.admin("PUT", "/policy", None).await.with(405);
    assert_eq!(house.everything().await, before);
}

async fn names_that_are_taken(database: Database) {
    let house = House::open(database).await;
    let create = async |name: &str, role: &str| {
        let mut asked = json!({"name": name, "role": role});
        if role == "enrollment" {
            asked["topic"] = json!("t");
        }
        house.admin("POST", "/tokens", Some(asked)).await
    };
    let ann = create("ann", "admin").await.with(200).json();
    let before = house.everything().await;
    for name in [
        "server",
        "admin.token",
        "enrollment token",
        "enrollment token lab",
        "ann",
    ] {
        let answer = create(name, "admin").await.with(409).json();
        assert!(
            answer["error"].as_str().is_some_and(|error| error.contains(name)),
            "{answer}"
        );
    }
    create("server", "enrollment").await.with(409);
    create("ann ", "admin").await.with(400);
    assert_eq!(house.everything().await, before);
    // The audit tells enrollment tokens by their ids.
    create("ann", "enrollment").await.with(200);
    create("ann", "enrollment").await.with(200);
    let path = format!("/tokens/{}", ann["id"].as_str().expect("an id"));
    house.admin("DELETE", &path, None).await.with(204);
    create("ann", "admin").await.with(200);
}

async fn whatever_goes_wrong_is_a_problem(database: Database) {
    let house = House::open(database).await;
    let admin = format!("Bearer {}", house.admin_token());
    let client = house.client();
    let (json, text) = ("application/json", "text/plain");
    for (method, path, content_type, body, status) in [
        ("GET", "", json, "", 404),
        ("GET", "/", json, "", 404),
        ("GET", "/nothing", json, "", 404),
        ("POST", "/devices/D/nothing", json, "{}", 404),
        ("PUT", "/policy", json, "{}", 405),
        ("DELETE", "/openapi.json", json, "", 405),
        ("GET", "/audit?from=1", json, "", 400),
        ("GET", "/revisions?limit=x", json, "", 400),
        ("DELETE", "/tokens/%ff", json, "", 400),
        ("POST", "/tokens", json, "{", 400),
        ("POST", "/tokens", json, "{}", 400),
        ("POST", "/tokens", json, "\u{0}", 400),
        ("POST", "/tokens", text, r#"{"name": "x", "role": "admin"}"#, 400),
        ("POST", "/enrollment-profiles", json, r#"{"topic": 1}"#, 400),
        ("POST", "/identities", json, "[]", 400),
    ] {
        let headers = [("authorization", admin.as_str()), ("content-type", content_type)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let path = format!("/api/v1{path}");
        let answer = client.send(method, &path, &headers, body.as_bytes()).await;
        let answer = answer.with(status);
        let problem = answer.json();
        assert!(
            problem["error"].as_str().is_some_and(|error| !error.is_empty()),
            "{method} {path}: {problem}"
        );
        assert_eq!(answer.header("allow").is_some(), status == 405, "{method} {path}");
    }
    let text = client
        .send("GET", "/metrics", &[], b"")
        .await
        .with(200)
        .text()
        .to_owned();
    assert!(!text.contains("nothing") && !text.contains("private"), "{text}");
    // Elsewhere nobody expects JSON.
    assert!(
        client
            .send("GET", "/nothing", &[], b"")
            .await
            .with(404)
            .body
            .is_empty()
    );
}

async fn control_characters(database: Database) {
    let house = House::open(database).await;
    let before = house.everything().await;
    for bad in ["\u{0}", "a\u{0}b", "a\nb", "\u{1b}[31m", "\u{9b}"] {
        for (path, asked) in [
            ("/tokens", json!({"name": bad, "role": "admin"})),
            (
                "/tokens",
                json!({"name": "x", "role": "enrollment", "topic": bad}),
            ),
            (
                "/tokens",
                json!({"name": "x", "role": "enrollment", "topic": "t", "serial": bad}),
            ),
            ("/enrollment-profiles", json!({"topic": bad})),
            ("/enrollment-profiles", json!({"topic": "t", "serial": bad})),
            ("/enrollment-profiles", json!({"topic": "t", "organization": bad})),
        ] {
            house.admin("POST", path, Some(asked)).await.with(400);
        }
    }
    house.admin("DELETE", "/tokens/a%00b", None).await.with(404);
    assert_eq!(house.everything().await, before);
}

async fn health_and_metrics(database: Database) {
    let house = House::open(database).await;
    let client = house.client();
    let get = async |path: &str| client.send("GET", path, &[], b"").await;
    for path in ["/healthz", "/readyz"] {
        get(path).await.with(200);
    }
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    Device::mac(&house, "D").ddm("tokens").await.with(403);
    get("/made-up-by-a-stranger").await.with(404);
    let answer = get("/metrics").await.with(200);
    assert!(
        answer
            .header("content-type")
            .is_some_and(|value| value.starts_with("application/openmetrics-text"))
    );
    let text = answer.text();
    for line in [
        "ordain_requests_total{route=\"/mdm\",status=\"200\"} 2",
        "ordain_requests_total{route=\"/mdm\",status=\"403\"} 1",
        "ordain_requests_total{route=\"none\",status=\"404\"} 1",
        "ordain_refusals_total{reason=\"another certificate than the pinned one\"} 1",
        "ordain_revision 1",
        "# EOF",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(!text.contains("made-up"), "strangers make no labels");
}
