//! F1.3: the sign-in page of `Federated`.

use ordain_twin::windows::{EnrollError, Response, Standing, Twin};
use roxmltree::Document;

use crate::fake::{Fake, NOW, run, twin, way};

const HTML: &str = "text/html; charset=utf-8";
const LAST: &str = r#"<!doctype html><html><body onload="document.forms[0].submit()">
<form method="post" action="ms-app://windows.immersivecontrolpanel">
<input type="hidden" name="wresult" value="opaque&amp;token"></form></body></html>"#;
const FORM: &str = r#"<form method="post" action="/mde2/sign-in?step=2"><input type="hidden" name="csrf" value="c&quot;1">
<input name="user" type="text" value=""><input type="password" name="secret"><input type="checkbox" name="stay" value="1">
<input type="submit" value="Go"></form>"#;

fn redirection(location: &str) -> Response {
    Response {
        status: 303,
        location: Some(location.to_owned()),
        ..Response::new(303, HTML, "")
    }
}

fn sign_in(pages: impl IntoIterator<Item = Response>) -> (Twin, Fake) {
    let mut fake = Fake::new();
    fake.policy = "Federated";
    fake.pages = pages.into_iter().collect();
    let mut twin = twin();
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    (twin, fake)
}

#[test]
fn a_user_signs_in_over_several_pages() {
    let mut form = Response::new(200, HTML, FORM);
    form.cookies = vec!["session=1; HttpOnly".to_owned(), "other=x".to_owned()];
    let mut to_last = redirection("done?x=1");
    to_last.cookies = vec!["session=2".to_owned()];
    let (twin, fake) = sign_in([form, to_last, Response::new(200, HTML, LAST)]);
    assert_eq!(twin.error(), None);
    assert_eq!(twin.standing(), Standing::Enrolled);
    let pages: Vec<_> = fake
        .requests
        .iter()
        .filter(|request| {
            request.url.contains("/mde2/")
                && !request.url.ends_with("/policy")
                && !request.url.ends_with("/enroll")
        })
        .map(|request| {
            let cookie = request.headers.iter().find(|(name, _)| *name == "cookie");
            (
                request.method.as_str(),
                request.url.as_str(),
                String::from_utf8(request.body.clone()).unwrap(),
                cookie.map_or("", |(_, value)| value),
            )
        })
        .collect();
    assert_eq!(
        pages,
        [
            (
                "GET",
                "https://mdm.example.org/mde2/sts?appru=ms-app%3A%2F%2Fwindows.immersivecontrolpanel&login_hint=ada%40example.org",
                String::new(),
                ""
            ),
            (
                "POST",
                "https://mdm.example.org/mde2/sign-in?step=2",
                "csrf=c%221&user=ada%40example.org&secret=correct-horse".to_owned(),
                "session=1; other=x"
            ),
            (
                "GET",
                "https://mdm.example.org/mde2/done?x=1",
                String::new(),
                "other=x; session=2"
            ),
        ]
    );
    // The token is in base64 in both messages, which have no password.
    for path in ["/policy", "/enroll"] {
        let body = fake.bodies(path).pop().unwrap();
        let document = Document::parse(&body).unwrap();
        let token = document
            .descendants()
            .find(|node| {
                node.attribute("ValueType")
                    .is_some_and(|kind| kind.ends_with("DeviceEnrollmentUserToken"))
            })
            .and_then(|node| node.text());
        assert_eq!(token, Some("b3BhcXVlJnRva2Vu"), "{body}");
        assert!(!body.contains("correct-horse"));
    }
}

#[test]
fn a_page_may_know_the_user_already_or_ask_for_the_secret_only() {
    let (twin, _) = sign_in([Response::new(200, HTML, LAST)]);
    assert_eq!(twin.standing(), Standing::Enrolled);
    let form = r#"<form action="s" method="post"><input name="token"></form>"#;
    let (twin, fake) = sign_in([Response::new(200, HTML, form), Response::new(200, HTML, LAST)]);
    assert_eq!(twin.standing(), Standing::Enrolled);
    assert_eq!(fake.bodies("/mde2/s"), ["token=correct-horse"]);
}

#[test]
fn a_user_who_is_refused_does_not_try_for_ever() {
    let form = || Response::new(200, HTML, FORM);
    let mut refusal = form();
    refusal.status = 403;
    for pages in [vec![form(), form()], vec![form(), refusal]] {
        let (twin, _) = sign_in(pages);
        assert_eq!(twin.error(), Some(&EnrollError::SignInRefused));
    }
}

#[test]
fn pages_that_break_the_rules() {
    let page = |html: &str| Response::new(200, HTML, html);
    let mut chunked = page(LAST);
    chunked.is_chunked = true;
    for (page, expected) in [
        (page("<p>Hello</p>"), "without a form"),
        (
            page(&LAST.replace("ms-app://windows.immersivecontrolpanel", "ms-app://other")),
            "does not post to appru",
        ),
        (
            page(&LAST.replace("method=\"post\"", "")),
            "does not post to appru",
        ),
        (page(&LAST.replace("wresult", "result")), "no wresult"),
        (page(&LAST.replace("opaque&amp;token", "")), "no wresult"),
        (page(&LAST.replace("opaque", &"x".repeat(20_000))), "too long"),
        (
            page("<form method=post action='http://mdm.example.org/x'><input name=a></form>"),
            "not at an https URL",
        ),
        (redirection("http://mdm.example.org/x"), "not at an https URL"),
        (redirection("javascript:alert(1)"), "not at an https URL"),
        (Response::new(500, HTML, ""), "answered 500"),
        (Response::new(200, "text/plain", LAST), "answered as"),
        (chunked, "in chunks"),
    ] {
        let (twin, _) = sign_in([page]);
        let error = twin.error().unwrap().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let (twin, _) = sign_in((0..50).map(|_| redirection("/mde2/again")));
    assert!(twin.error().unwrap().to_string().contains("without end"));
}
