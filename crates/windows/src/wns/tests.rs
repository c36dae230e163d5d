use proptest::prelude::*;

use super::*;

const URI: &str = "https://db5p.notify.windows.com/?token=AwYAAAB%2bx%3d";

fn credentials() -> Credentials {
    Credentials::new("Contoso.MDM_8wekyb3d8bbwe", "ms-app://S-1-15-2-1-22", "a+b&c=/").unwrap()
}

fn token() -> Token {
    Token::read(
        200,
        None,
        br#"{"access_token":"T/1=","token_type":"bearer","expires_in":3600}"#,
    )
    .unwrap()
}

#[test]
fn requests_are_as_wns_wants_them() {
    let asked = credentials().token_request(&Site::Microsoft);
    assert_eq!(
        (asked.origin.host.as_str(), asked.origin.port, asked.path.as_str()),
        ("login.live.com", 443, "/accesstoken.srf")
    );
    assert_eq!(
        asked.body,
        "grant_type=client_credentials&client_id=ms-app%3A%2F%2FS-1-15-2-1-22&client_secret=a%2Bb%26c%3D%2F\
         &scope=notify.windows.com"
    );
    let channel = Site::Microsoft.channel(URI).unwrap();
    let push = token().push(&channel, 60);
    assert_eq!(push.origin.host, "db5p.notify.windows.com");
    assert_eq!(
        (push.path.as_str(), push.body.as_str()),
        ("/?token=AwYAAAB%2bx%3d", "1")
    );
    assert_eq!(
        push.headers,
        [
            ("authorization", "Bearer T/1=".to_owned()),
            ("content-type", "application/octet-stream".to_owned()),
            ("x-wns-type", "wns/raw".to_owned()),
            ("x-wns-cache-policy", "cache".to_owned()),
            ("x-wns-ttl", "60".to_owned()),
        ]
    );
}

#[test]
fn only_wns_is_asked() {
    for uri in [
        "http://db5p.notify.windows.com/?token=a",
        "https://notify.windows.com/",
        "https://.notify.windows.com/",
        "https://notify.windows.com.evil.example/?token=a",
        "https://evil.example/.notify.windows.com/",
        "https://evilnotify.windows.com/",
        "https://x.notify.windows.com:8443/",
        "https://x.notify.windows.com@evil.example/",
        "https://evil.example#.notify.windows.com/",
        "https://evil.example\\.notify.windows.com/",
        "https://evil.example?.notify.windows.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://x.notify.windows.com./",
        "https://x%2enotify.windows.com/",
        "https://x_y.notify.windows.com/",
        "https://x.notify.windows.com/a b",
        "https://x.notify.windows.com/a\r\nHost: b",
        "https://x.notify.windows.com/#a",
        "HTTPS://x.notify.windows.com/",
        "//x.notify.windows.com/",
        "",
    ] {
        assert_eq!(Site::Microsoft.channel(uri), Err(NotOfWns), "{uri}");
    }
    let long = format!("{URI}{}", "a".repeat(MAX_URI));
    assert_eq!(Site::Microsoft.channel(&long), Err(NotOfWns));
    let capital = Site::Microsoft
        .channel("https://DB5P.Notify.Windows.Com")
        .unwrap();
    assert_eq!(
        (capital.origin.host.as_str(), capital.path.as_str()),
        ("db5p.notify.windows.com", "/")
    );
}

#[test]
fn a_simulated_one_stands_for_all_of_it() {
    let site = Site::at("https://localhost:8443").unwrap();
    assert_eq!(credentials().token_request(&site).origin.port, 8443);
    assert!(site.channel("https://localhost:8443/?token=a").is_ok());
    for uri in [
        URI,
        "https://localhost/?token=a",
        "https://localhost:8444/",
        "https://other:8443/",
    ] {
        assert_eq!(site.channel(uri), Err(NotOfWns), "{uri}");
    }
    for url in [
        "http://localhost",
        "localhost",
        "https://localhost/a",
        "https://",
        "https://a:b@c",
    ] {
        assert_eq!(Site::at(url), Err(NotOfWns), "{url}");
    }
}

#[test]
fn credentials_have_their_form() {
    let bad = |package: &str, sid: &str, secret: &str| Credentials::new(package, sid, secret).unwrap_err();
    let (package, sid) = ("Contoso.MDM_8wekyb3d8bbwe", "S-1-15-2-1");
    for wrong in [
        "",
        "Contoso",
        "_8wekyb3d8bbwe",
        "Contoso_8WEKYB3D8BBWE",
        "Con toso_8wekyb3d8bbwe",
        "Contoso_8",
    ] {
        assert_eq!(bad(wrong, sid, "s"), BadCredentials::Package, "{wrong}");
    }
    for wrong in [
        "",
        "S-1-5-21",
        "S-1-15-2-",
        "S-1-15-2-1--2",
        "S-1-15-2-a",
        "https://S-1-15-2-1",
    ] {
        assert_eq!(bad(package, wrong, "s"), BadCredentials::Sid, "{wrong}");
    }
    for wrong in ["", "two words", "ü", &"x".repeat(257)] {
        assert_eq!(bad(package, sid, wrong), BadCredentials::Secret, "{wrong}");
    }
    let good = Credentials::new(package, sid, " s3cret\n").unwrap();
    assert!(!format!("{good:?}{:?}{:?}", token(), Site::Microsoft.channel(URI)).contains("s3cret"));
    assert_eq!(
        format!("{:?}", Site::Microsoft.channel(URI).unwrap()),
        "a channel at db5p.notify.windows.com"
    );
    let kept = serde_json::to_string(&good).unwrap();
    assert_eq!(serde_json::from_str::<Credentials>(&kept).unwrap(), good);
}

#[test]
fn a_token_or_what_is_wrong_with_us() {
    assert_eq!((token().text.as_str(), token().lives), ("T/1=", 3600));
    let lives = |body: &str| Token::read(200, None, body.as_bytes()).unwrap().lives;
    assert_eq!(lives(r#"{"access_token":"a"}"#), TOKEN_LIVES);
    assert_eq!(
        lives(r#"{"access_token":"a","expires_in":4000000000}"#),
        TOKEN_LIVES
    );
    let wrong = |status, body: &str| match Token::read(status, Some("7"), body.as_bytes()) {
        Err(Outcome::Misconfigured { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        wrong(400, r#"{"error":"invalid_client","error_description":"x"}"#),
        "invalid_client"
    );
    assert_eq!(wrong(400, r#"{"error":"a b"}"#), "no token: HTTP 400");
    assert_eq!(wrong(302, ""), "no token: HTTP 302");
    for body in [
        "",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":"a\r\nb: c"}"#,
        "<html>",
    ] {
        assert_eq!(wrong(200, body), "no token: HTTP 200");
    }
    let later = Outcome::Throttled {
        reason: "HTTP 503".to_owned(),
        after: Some(7),
    };
    assert_eq!(Token::read(503, Some("7"), b""), Err(later));
}

#[test]
fn answers_are_named_by_what_to_do() {
    let of = |status| Answer {
        status,
        is_of_wns: true,
        ..Answer::default()
    };
    let refused = |reason: &str| {
        Ok(Outcome::Refused {
            reason: reason.to_owned(),
        })
    };
    let fate = |fate| {
        Answer {
            fate: Some(fate),
            ..of(200)
        }
        .outcome()
    };
    assert_eq!(of(200).outcome(), Ok(Outcome::Accepted));
    assert_eq!(fate("received"), Ok(Outcome::Accepted));
    assert_eq!(fate("dropped"), refused("dropped"));
    let slow = Outcome::Slow {
        reason: "channelthrottled".to_owned(),
        after: None,
    };
    assert_eq!(fate("channelthrottled"), Ok(slow));
    assert_eq!(of(401).outcome(), Err(TokenRefused));
    for gone in [404, 410] {
        assert_eq!(of(gone).outcome(), Ok(Outcome::Dead { since: None }));
        let proxy = Answer {
            is_of_wns: false,
            ..of(gone)
        };
        assert_eq!(proxy.outcome(), refused(&format!("HTTP {gone}")));
    }
    for status in [302, 400, 403, 405, 407, 413] {
        assert_eq!(of(status).outcome(), refused(&format!("HTTP {status}")));
    }
    let retry = |reason: &str, after| {
        Ok(Outcome::Retry {
            reason: reason.to_owned(),
            after,
        })
    };
    let throttled = |after| {
        Ok(Outcome::Throttled {
            reason: "throttled".to_owned(),
            after: Some(after),
        })
    };
    assert_eq!(of(406).outcome(), throttled(THROTTLED));
    let after = Answer {
        retry_after: Some("9"),
        ..of(406)
    };
    assert_eq!(after.outcome(), throttled(9));
    assert_eq!(of(503).outcome(), retry("HTTP 503", None));
}

proptest! {
    #[test]
    fn any_address_leads_to_wns_or_nowhere(uri in "(https?://)?[a-z0-9.@:/\\\\?#%\\[\\]-]{0,40}(\\.notify\\.windows\\.com)?[:/?#@a-z0-9.]{0,20}") {
        if let Ok(channel) = Site::Microsoft.channel(&uri) {
            prop_assert!(channel.origin.host.ends_with(CHANNELS) && channel.origin.port == 443);
            prop_assert!(channel.path.starts_with('/'));
            // Whoever reads URLs reads the same.
            let after = uri.strip_prefix("https://").unwrap();
            prop_assert!(after.starts_with(&channel.origin.host), "{uri}");
        }
    }

    #[test]
    fn any_answer_is_read(
        status: u16,
        retry_after in proptest::option::of(".{0,40}"),
        fate in proptest::option::of(".{0,20}"),
        is_of_wns: bool,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let answer = Answer { status, retry_after: retry_after.as_deref(), is_of_wns, fate: fate.as_deref() };
        let outcome = answer.outcome();
        prop_assert!(outcome != Ok(Outcome::Accepted) || status == 200);
        let is_our_fault = matches!(outcome, Ok(Outcome::Misconfigured { .. }));
        prop_assert!(!is_our_fault, "no device makes us pause");
        prop_assert!(Token::read(status, retry_after.as_deref(), &body).is_err());
    }
}
