//! The page on which a user signs in (Federated, MS-MDE2 section 3.2): Windows shows it in a window of its own, and takes
//! over when a form is posted to the application that it named.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ordain_model::ids::Digest;
use quick_xml::escape::escape;
use url::{Url, form_urlencoded};

use super::exchange::Problem;
use super::ticket::Ticket;
use super::{context, credentials};
use crate::admission::Urgency;
use crate::app::App;
use crate::body;
use crate::device::fault::Fault;

/// The largest form, in octets.
const MAX_FORM: usize = 16 << 10;
/// The longest name of an application, in octets.
const MAX_TARGET: usize = 1024;

const STYLE: &str = ":root{color-scheme:light dark}\
body{font:16px/1.5 'Segoe UI',sans-serif;max-width:26em;margin:2em auto;padding:0 1.5em;color:#1b1b1b;background:#fff}\
h1{font-size:1.4em;font-weight:600}\
label{display:block;margin-top:1.2em}\
input{font:inherit;color:inherit;width:100%;box-sizing:border-box;margin-top:.25em;padding:.4em .6em;\
border:1px solid #767676;border-radius:3px;background:#fff}\
button{font:inherit;margin-top:1.6em;padding:.45em 1.6em;border:0;border-radius:3px;background:#005fb8;color:#fff}\
input:focus,button:focus{outline:2px solid #005fb8;outline-offset:1px}\
[role=alert]{border-left:4px solid #c42b1c;padding:.4em .8em;background:#fdf3f2}\
@media(max-width:30em){body{margin:1em auto}button{width:100%}}\
@media(prefers-color-scheme:dark){body{color:#f3f3f3;background:#202020}\
input{border-color:#9a9a9a;background:#2d2d2d}\
button{background:#60cdff;color:#000}\
input:focus,button:focus{outline-color:#60cdff}\
[role=alert]{border-color:#ff99a4;background:#442726}}";
/// Goes on without the user's help.
const SCRIPT: &str = "document.forms[0].submit()";

/// What Windows says when it opens the page.
struct Opened {
    /// The application that waits for the ticket.
    target: String,
    /// Who it believes signs in.
    hint: Option<String>,
}

impl Opened {
    /// `None`: it does not say that an application of this machine waits, so nobody is given a ticket.
    fn read(query: Option<&str>) -> Option<Self> {
        let (mut target, mut hint) = (None, None);
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "appru" => target = Some(value.into_owned()),
                "login_hint" => hint = context::text(&value),
                _ => {}
            }
        }
        let target = target.filter(|target| is_application(target))?;
        Some(Self { target, hint })
    }
}

/// Whether `target` is an application of the machine itself: to anything else, a ticket would go out of the house.
fn is_application(target: &str) -> bool {
    const SCHEME: &str = "ms-app://";
    let begins = target
        .get(..SCHEME.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(SCHEME));
    let is_plain = target.len() <= MAX_TARGET && target.bytes().all(|c| c.is_ascii_graphic());
    begins && is_plain && Url::parse(target).is_ok_and(|url| url.has_host())
}

/// The form.
pub(super) async fn page(RawQuery(query): RawQuery) -> Response {
    match Opened::read(query.as_deref()) {
        Some(opened) => form(StatusCode::OK, opened.hint.as_deref(), None),
        None => lost(),
    }
}

/// The form, filled in: a ticket for the application, or the form again.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(opened) = Opened::read(query.as_deref()) else {
        return lost();
    };
    let received = async {
        let body = body::read(&app.in_flight, &headers, body, MAX_FORM).await?;
        let place = app.admission.enter(|| Urgency::Enrolling).await?;
        Ok::<_, Fault>((body, place))
    };
    let (body, _place) = match received.await {
        Ok(received) => received,
        Err(fault) => {
            fault.note(&app, super::SIGN_IN);
            return fault.into_response();
        }
    };
    let (mut secret, mut user) = (String::new(), None);
    for (name, value) in form_urlencoded::parse(&body.octets) {
        match name.as_ref() {
            // It was copied from somewhere.
            "token" => secret = value.trim().to_owned(),
            "user" => user = context::text(&value),
            _ => {}
        }
    }
    let user = user.or(opened.hint.clone());
    match ticket(&app, &secret, user.clone()).await {
        Ok(Some(ticket)) => hand_over(&opened.target, &ticket),
        Ok(None) => {
            app.metrics
                .refused("This enrollment token is not valid, or no longer.");
            let wrong = "This enrollment token does not work. It may be mistyped, used up or too old: ask for another \
                         where you got it.";
            form(StatusCode::FORBIDDEN, user.as_deref(), Some(wrong))
        }
        Err(problem) => {
            tracing::error!(?problem, "nobody can sign in");
            let later = "The server cannot do it now. Please try again in a minute.";
            form(StatusCode::SERVICE_UNAVAILABLE, user.as_deref(), Some(later))
        }
    }
}

async fn ticket(app: &App, secret: &str, user: Option<String>) -> Result<Option<String>, Problem> {
    let hash = Digest::of(secret.as_bytes());
    if credentials::usable(app, hash).await?.is_none() {
        return Ok(None);
    }
    let ticket = Ticket::new(hash, user, app.now()).seal(&app.seal.ring());
    Ok(Some(ticket.map_err(Problem::unavailable)?))
}

fn form(status: StatusCode, user: Option<&str>, wrong: Option<&str>) -> Response {
    let wrong = wrong.map(|wrong| format!("<p role=\"alert\">{}</p>", escape(wrong)));
    let user = escape(user.unwrap_or_default());
    let content = format!(
        "<h1>Enroll this device</h1>\
         <p>Your organization will manage it. Enter the enrollment token that you were given.</p>{}\
         <form method=\"post\">\
         <label>Your e-mail address<input name=\"user\" autocomplete=\"off\" maxlength=\"255\" value=\"{user}\"></label>\
         <label>Enrollment token<input name=\"token\" type=\"password\" autocomplete=\"off\" required autofocus></label>\
         <button>Continue</button></form>",
        wrong.unwrap_or_default(),
    );
    document(status, &content, "'self'")
}

/// Posts the ticket to the application that waits for it.
fn hand_over(target: &str, ticket: &str) -> Response {
    let (target, ticket) = (escape(target), escape(ticket));
    let content = format!(
        "<h1>You are signed in</h1>\
         <form method=\"post\" action=\"{target}\"><input type=\"hidden\" name=\"wresult\" value=\"{ticket}\">\
         <button>Continue</button></form><script>{SCRIPT}</script>"
    );
    document(StatusCode::OK, &content, "ms-app:")
}

fn lost() -> Response {
    let content = "<h1>Nothing to see here</h1>\
                   <p>Windows opens this page when a device enrolls: Settings, Accounts, Access work or school, Enroll only \
                   in device management.</p>";
    document(StatusCode::BAD_REQUEST, content, "'none'")
}

/// A page that loads nothing and runs nothing but what is ours; forms go to `action` alone.
fn document(status: StatusCode, content: &str, action: &str) -> Response {
    let hash = |text: &str| {
        let Digest(hash) = Digest::of(text.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(hash))
    };
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; form-action {action}; base-uri 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Device enrollment</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>{content}</body></html>"
    );
    let mut response = (status, page).into_response();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_go_to_applications_of_the_machine_only() {
        for target in [
            "ms-app://windows.immersivecontrolpanel",
            "MS-APP://s-1-15-2-3/",
            "ms-app://a/b?c=d",
        ] {
            assert!(is_application(target), "{target}");
        }
        for target in [
            "",
            "ms-app:",
            "ms-app://",
            "https://evil.example/",
            "javascript:alert(1)//ms-app://x",
            "ms-apps://x",
            " ms-app://x",
            "ms-app://x y",
            "ms-app://x\n",
            "ms-app://ü",
            "data:text/html,ms-app://",
            &format!("ms-app://{}", "x".repeat(MAX_TARGET)),
        ] {
            assert!(!is_application(target), "{target}");
        }
    }
}
