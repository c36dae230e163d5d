//! What WNS demands of a request, before it looks at the channel.

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::Wns;

/// The largest push, in octets.
pub(super) const MAX_PUSH: usize = 5_000;

/// A push that keeps the rules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Push {
    pub(super) token: String,
    /// The name of the channel.
    pub(super) channel: String,
    /// Whether it is to be kept for a device that is not connected.
    pub(super) is_cached: bool,
}

/// Whether it asks for a token with the app's secret.
pub(super) fn may_have_token(head: &Parts, body: &[u8]) -> bool {
    let form: Vec<_> = url::form_urlencoded::parse(body).collect();
    let is = |name: &str, value: &str| {
        form.iter()
            .filter(|(key, _)| key == name)
            .map(|(_, v)| v)
            .eq([value])
    };
    head.method == Method::POST
        && text(&head.headers, CONTENT_TYPE.as_str()) == Some("application/x-www-form-urlencoded")
        && is("grant_type", "client_credentials")
        && is("client_id", &format!("ms-app://{}", Wns::SID))
        && is("client_secret", Wns::SECRET)
        && is("scope", "notify.windows.com")
}

/// Reads a push; the error is the status.
pub(super) fn read(head: &Parts, body: &[u8]) -> Result<Push, u16> {
    if head.method != Method::POST {
        return Err(405);
    }
    let header = |name: &str| text(&head.headers, name);
    let is_cached = match header("x-wns-cache-policy") {
        Some("cache") => true,
        None | Some("no-cache") => false,
        Some(_) => return Err(400),
    };
    let has_ttl = head.headers.contains_key("x-wns-ttl");
    let is_ttl = header("x-wns-ttl").is_some_and(|ttl| ttl.parse::<u32>().is_ok());
    let is_raw = header("x-wns-type") == Some("wns/raw")
        && header(CONTENT_TYPE.as_str()) == Some("application/octet-stream");
    let has_length =
        header(CONTENT_LENGTH.as_str()).is_some() && !head.headers.contains_key(TRANSFER_ENCODING);
    if !is_raw || !has_length || body.is_empty() || (has_ttl && !is_ttl) {
        return Err(400);
    }
    if body.len() > MAX_PUSH {
        return Err(413);
    }
    let token = header(AUTHORIZATION.as_str()).and_then(|text| text.strip_prefix("Bearer "));
    let channel = head.uri.query().and_then(|query| query.strip_prefix("token="));
    Ok(Push {
        token: token.ok_or(401_u16)?.to_owned(),
        channel: channel
            .filter(|_| head.uri.path() == "/")
            .ok_or(404_u16)?
            .to_owned(),
        is_cached,
    })
}

/// A header that is there once.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok();
    first.filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> http::request::Builder {
        http::Request::post("/?token=c")
            .header("authorization", "Bearer t")
            .header("content-type", "application/octet-stream")
            .header("content-length", "1")
            .header("x-wns-type", "wns/raw")
    }

    fn read_of(request: http::request::Builder, body: &[u8]) -> Result<Push, u16> {
        read(&request.body(()).unwrap().into_parts().0, body)
    }

    #[test]
    fn each_broken_rule_has_its_status() {
        let push = |is_cached| Push {
            token: "t".into(),
            channel: "c".into(),
            is_cached,
        };
        assert_eq!(read_of(full(), b"1"), Ok(push(false)));
        let cached = full()
            .header("x-wns-cache-policy", "cache")
            .header("x-wns-ttl", "60");
        assert_eq!(read_of(cached, b"1"), Ok(push(true)));
        let bare = || http::Request::post("/?token=c").header("content-length", "1");
        let raw = || {
            bare()
                .header("content-type", "application/octet-stream")
                .header("x-wns-type", "wns/raw")
        };
        for (request, body, status) in [
            (full().method("GET"), &b"1"[..], 405),
            (full(), b"", 400),
            (full(), &[b'1'; MAX_PUSH + 1], 413),
            (full().header("x-wns-type", "wns/raw"), b"1", 400),
            (full().header("x-wns-cache-policy", "keep"), b"1", 400),
            (full().header("x-wns-ttl", "soon"), b"1", 400),
            (full().header("transfer-encoding", "chunked"), b"1", 400),
            (bare().header("x-wns-type", "wns/raw"), b"1", 400),
            (raw(), b"1", 401),
            (full().uri("/other?token=c"), b"1", 404),
            (full().uri("/"), b"1", 404),
        ] {
            assert_eq!(read_of(request, body), Err(status));
        }
    }
}
