//! What a hostile client sends where Windows devices enroll, and what comes of it: a fault, and nothing else.

use ordain_testbed::Database;
use serde_json::json;

use crate::bad_message::raw_answer;
use crate::house::House;
use crate::windows_wire::*;

crate::on_each_database!(
    documents_that_are_not_read,
    bodies_that_are_too_large,
    values_are_only_values,
    messages_of_another_kind,
);

const ENDPOINTS: [&str; 5] = [DISCOVERY, POLICY, ENROLLMENT, LINKED_POLICY, LINKED_ENROLLMENT];

/// What no message may be, made of a good one: with `text` in it, an element whose tag is `element`, and one `body`.
pub(crate) fn hostile_documents(
    good: &str,
    text: &str,
    element: &str,
    body: &str,
) -> Vec<(&'static str, Vec<u8>)> {
    let laughs: String = (1..30)
        .map(|n| format!("<!ENTITY l{n} \"&l{};&l{};\">", n - 1, n - 1))
        .collect();
    let bomb = format!(
        "<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>{}",
        good.replace(text, "&l29;")
    );
    let external = format!(
        "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>{}",
        good.replace(text, "&f;")
    );
    let undeclared = good.replace(text, "&f;");
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(good.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let said = format!("<?xml version=\"1.0\" encoding=\"utf-16\"?>{good}");
    let latin = format!("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>{good}");
    let nested = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let inside = good.replacen(element, &format!("{nested}{element}"), 1);
    let attributes: String = (0..5_000).map(|n| format!(" a{n}=\"\"")).collect();
    let attributes = good.replacen(element, &element.replace('>', &format!("{attributes}>")), 1);
    let twice = good.replacen(&format!("<{body}"), &format!("<{body}/><{body}"), 1);
    vec![
        ("nothing", Vec::new()),
        ("a DTD with a bomb", bomb.into_bytes()),
        ("a DTD with a file", external.into_bytes()),
        ("an entity", undeclared.into_bytes()),
        ("a DTD", format!("<!DOCTYPE x>{good}").into_bytes()),
        ("UTF-16", utf16),
        ("said to be UTF-16", said.into_bytes()),
        ("said to be Latin-1", latin.into_bytes()),
        (
            "not UTF-8",
            good.replace(text, "\u{1}")
                .into_bytes()
                .into_iter()
                .map(|c| if c == 1 { 0xff } else { c })
                .collect(),
        ),
        ("10,000 nested elements", nested.into_bytes()),
        ("10,000 nested elements inside", inside.into_bytes()),
        ("5,000 attributes", attributes.into_bytes()),
        ("two bodies", twice.into_bytes()),
        ("a part", good.as_bytes()[..good.len() / 2].to_vec()),
        ("JSON", b"{\"upn\": \"x\"}".to_vec()),
    ]
}

async fn documents_that_are_not_read(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, "PC-1");
    let good = get_policies(&password("ada@example.org", &secret));
    let documents = hostile_documents(&good, "ada@example.org", "<client>", "s:Body");
    for (what, document) in &documents {
        for endpoint in ENDPOINTS {
            let answer = pc.post(endpoint, document, None).await;
            assert_eq!(fault(&answer).0, "s:MessageFormat", "{what} to {endpoint}");
            assert!(!answer.text().contains("root:"), "{what}");
        }
    }
    pc.post(POLICY, good.as_bytes(), None).await.with(200);
}

async fn bodies_that_are_too_large(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, "PC-1");
    let good = get_policies(&password("ada@example.org", &secret));
    for path in ENDPOINTS {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/soap+xml\r\n");
        for length in [(256 << 10) + 1, 10 << 20, 1_u64 << 62] {
            let head = format!("{head}Content-Length: {length}\r\n\r\n");
            assert_eq!(raw_answer(&house, &head, b"").await, "HTTP/1.1 413", "{length}");
        }
        // The length comes out while it is sent.
        let large = good.replace("<client>", &format!("<client><!--{}-->", "x".repeat(10 << 20)));
        let chunk = format!("{:x}\r\n", large.len());
        let body = [chunk.as_bytes(), large.as_bytes(), b"\r\n0\r\n\r\n"].concat();
        let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        assert_eq!(raw_answer(&house, &head, &body).await, "HTTP/1.1 413");
    }
    let fits = good.replace("<client>", &format!("<client><!--{}-->", "x".repeat(240 << 10)));
    pc.post(POLICY, fits.as_bytes(), None).await.with(200);
}

async fn values_are_only_values(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 9).await;
    for (number, (nasty, shown)) in [
        ("'; DROP TABLE enrollment; --", "'; DROP TABLE enrollment; --"),
        (
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "<script>alert(1)</script>",
        ),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("@SUM(1+1)*cmd", "@SUM(1+1)*cmd"),
        ("&quot;&gt;&lt;img src=x&gt;&amp;amp;", "\"><img src=x>&amp;"),
        ("%s%n${jndi:ldap://x}", "%s%n${jndi:ldap://x}"),
    ]
    .into_iter()
    .enumerate()
    {
        // The name is shown as it is. Who it is, and what is typed, is by its hash.
        let hardware = format!("{nasty}{number}");
        let pc = Pc::new(&house, &hardware)
            .with("DeviceName", nasty)
            .with("DeviceID", nasty);
        let answer = pc.enroll(&password(nasty, &secret), &KEYS[0]).await.with(200);
        let provisioned = Provisioned::read(&answer, &KEYS[0]);
        use sha2::Digest as _;
        let id = hex::encode(sha2::Sha256::digest(format!("{shown}{number}")));
        assert_eq!(provisioned.identity.certificate.common_name(), Some(id.as_str()));
        let device = house.device(&id).await;
        assert_eq!(
            (
                &device["name"],
                &device["windows"]["device_id"],
                &device["windows"]["user"]
            ),
            (&json!(shown), &json!(shown), &json!(shown))
        );
        assert!(
            provisioned
                .document
                .contains("<characteristic type=\"DMClient\">")
        );
        assert!(!provisioned.document.contains("<script>") && !provisioned.document.contains("<img"));
        assert_eq!(house.get("/audit").await[0]["detail"]["name"], shown);
    }
    assert_eq!(house.get("/devices").await["matching"], 6);
    // Control characters that XML can carry, and what is too long, are no names.
    let pc = Pc::new(&house, "PC-1")
        .with("DeviceName", "a&#9;b")
        .with("OSVersion", "ten")
        .with("OSEdition", "-1");
    let pc = pc
        .with("DeviceID", &"x".repeat(300))
        .with("ApplicationVersion", "")
        .with("EnrollmentType", "Telepathy");
    pc.enrolled(&secret, &KEYS[0]).await;
    let device = house.device("PC-1").await;
    assert_eq!(
        (&device["name"], &device["os_version"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(device["windows"]["device_id"], json!(null));
    assert_eq!(device["windows"]["edition"], json!(null));
}

async fn messages_of_another_kind(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, "PC-1");
    let security = password("ada@example.org", &secret);
    // Each is good at one endpoint, and none at the others.
    let answer = pc.post(POLICY, discover(&["OnPremise"]).as_bytes(), None).await;
    assert_eq!(fault(&answer).0, "s:MessageFormat");
    assert!(
        answer.text().contains("IPolicy/GetPoliciesResponse"),
        "{answer:?}"
    );
    for endpoint in [DISCOVERY, ENROLLMENT] {
        let answer = pc.post(endpoint, get_policies(&security).as_bytes(), None).await;
        assert_eq!(fault(&answer).0, "s:MessageFormat");
    }
    let another_action = get_policies(&security).replace("IPolicy/GetPolicies<", "RST/wstep<");
    let answer = pc.post(POLICY, another_action.as_bytes(), None).await;
    assert_eq!(fault(&answer).0, "s:MessageFormat");
    // What belongs to the message comes back as text.
    let nasty = get_policies(&password("a", "b")).replace("urn:uuid:11111111", "&lt;x&gt;&amp;");
    let answer = pc.post(POLICY, nasty.as_bytes(), None).await;
    assert_eq!(fault(&answer).0, "s:Authentication");
    assert!(
        answer.text().contains("<a:RelatesTo>&lt;x&gt;&amp;-0000"),
        "{answer:?}"
    );
    for (method, path) in [
        ("PUT", DISCOVERY),
        ("GET", POLICY),
        ("GET", ENROLLMENT),
        ("DELETE", SIGN_IN),
    ] {
        house.client().send(method, path, &[], b"").await.with(405);
    }
    assert_eq!(token_row(&house, "lab").await["uses_left"], 1);
}
