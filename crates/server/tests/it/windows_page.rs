//! The page on which users of Windows devices sign in: what it shows, to whom it gives a ticket, and what that is worth.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_testbed::Database;
use sha2::Digest as _;
use url::form_urlencoded;

use crate::house::House;
use crate::windows_wire::*;

crate::on_each_database!(by_the_page, what_the_page_refuses);

const HARDWARE: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

/// What Windows opens the page with.
fn opened(target: &str, hint: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("appru", target)
        .append_pair("login_hint", hint)
        .finish();
    format!("{SIGN_IN}?{query}")
}

const TARGET: &str = "ms-app://windows.immersivecontrolpanel";

fn form(token: &str, user: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token)
        .append_pair("user", user)
        .finish()
}

async fn by_the_page(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, HARDWARE).with("EnrollmentType", "Device");
    let answer = pc
        .post(DISCOVERY, discover(&["OnPremise", "Federated"]).as_bytes(), None)
        .await;
    let text = answer.with(200);
    let text = text.text();
    assert_eq!(between(text, "<AuthPolicy>", "<"), "Federated");
    let url = between(text, "<AuthenticationServiceUrl>", "<");
    assert_eq!(url, format!("https://mdm.example.org{SIGN_IN}"));

    let page = opened(TARGET, "ada@example.org");
    let client = house.client();
    let shown = client.send("GET", &page, &[], b"").await.with(200);
    assert_eq!(shown.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(shown.text().contains(r#"value="ada@example.org""#), "{shown:?}");
    let policy = shown.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("form-action 'self'"),
        "{policy}"
    );

    let wrong = client
        .send("POST", &page, &[], form("not it", "ada@example.org").as_bytes())
        .await
        .with(403);
    assert!(
        wrong.text().contains("does not work") && !wrong.text().contains("wresult"),
        "{wrong:?}"
    );
    let done = client
        .send("POST", &page, &[], form(&secret, "ada@example.org").as_bytes())
        .await
        .with(200);
    let text = done.text();
    assert!(
        text.contains(&format!(r#"<form method="post" action="{TARGET}">"#)),
        "{text}"
    );
    assert_eq!(done.header("cache-control"), Some("no-store"));
    let policy = done.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("form-action ms-app:") && !policy.contains("unsafe"),
        "{policy}"
    );
    let script = between(text, "<script>", "</script>");
    let hash = STANDARD.encode(sha2::Sha256::digest(script));
    assert!(
        policy.contains(&format!("script-src 'sha256-{hash}'")),
        "{policy}"
    );
    let ticket = between(text, r#"name="wresult" value=""#, "\"");
    assert!(!ticket.contains(&secret) && ticket.len() < 2_000, "{ticket}");

    // Signing in uses up nothing, and a ticket serves both steps.
    assert_eq!(token_row(&house, "lab").await["uses_left"], 1);
    let security = binary(USER_TOKEN, ticket);
    pc.post(POLICY, get_policies(&security).as_bytes(), None)
        .await
        .with(200);
    let answer = pc.enroll(&security, &KEYS[0]).await.with(200);
    let provisioned = Provisioned::read(&answer, &KEYS[0]);
    assert!(
        provisioned.document.contains("Stores=My%5CSystem"),
        "{}",
        provisioned.document
    );
    assert_eq!(house.device(HARDWARE).await["windows"]["user"], "ada@example.org");
    let again = pc.enroll(&security, &KEYS[1]).await;
    assert_eq!(fault(&again), ("s:Authentication".into(), None));
}

async fn what_the_page_refuses(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 9).await;
    let client = house.client();
    for target in [
        "https://evil.example/",
        "javascript:alert(1)",
        "ms-app://x y",
        "",
        "MS-APPX://x",
    ] {
        let page = opened(target, "");
        let shown = client.send("GET", &page, &[], b"").await.with(400);
        assert!(
            !shown.text().contains("evil") && !shown.text().contains("<form"),
            "{shown:?}"
        );
        let done = client
            .send("POST", &page, &[], form(&secret, "").as_bytes())
            .await
            .with(400);
        assert!(!done.text().contains("wresult"), "{done:?}");
    }
    client.send("GET", SIGN_IN, &[], b"").await.with(400);
    // What was typed, or said by the link, is text.
    let nasty = r#""><script>alert(1)</script>&'"#;
    for (page, user) in [(opened(TARGET, nasty), ""), (opened(TARGET, ""), nasty)] {
        let shown = client
            .send("POST", &page, &[], form("wrong", user).as_bytes())
            .await
            .with(403);
        let text = shown.text();
        assert!(
            text.contains("&lt;script&gt;") && !text.contains("<script>"),
            "{text}"
        );
    }
    let page = opened(r#"ms-app://a/"onload="x"#, "");
    let done = client
        .send("POST", &page, &[], form(&secret, "").as_bytes())
        .await
        .with(200);
    assert!(
        done.text().contains("&quot;onload=&quot;") && !done.text().contains("\"onload="),
        "{done:?}"
    );
    let large = form(&"x".repeat(20_000), "");
    client
        .send("POST", &opened(TARGET, ""), &[], large.as_bytes())
        .await
        .with(413);

    // A ticket works for a quarter of an hour, and only as long as its token.
    let pc = Pc::new(&house, HARDWARE);
    let ticket = async || {
        let done = client
            .send("POST", &opened(TARGET, ""), &[], form(&secret, "").as_bytes())
            .await
            .with(200);
        between(done.text(), r#"name="wresult" value=""#, "\"").to_owned()
    };
    let first = ticket().await;
    house.pass(15 * 60);
    let answer = pc.enroll(&binary(USER_TOKEN, &first), &KEYS[0]).await;
    assert_eq!(fault(&answer).0, "s:Authentication");
    let second = ticket().await;
    let mut changed = second.clone().into_bytes();
    changed[40] ^= 1;
    let changed = String::from_utf8(changed).expect("text");
    for forged in [changed.as_str(), &second[1..], "", "opaque-user-token-1", &secret] {
        let answer = pc.enroll(&binary(USER_TOKEN, forged), &KEYS[0]).await;
        assert_eq!(fault(&answer).0, "s:Authentication", "{forged}");
    }
    let id = token_row(&house, "lab").await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(204);
    let answer = pc.enroll(&binary(USER_TOKEN, &second), &KEYS[0]).await;
    assert_eq!(fault(&answer).0, "s:Authentication");
    house
        .admin("GET", &format!("/devices/{HARDWARE}"), None)
        .await
        .with(404);
}
