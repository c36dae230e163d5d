//! Texts that must be the text of something.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{LazyLock, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil;
use regex::{Regex, RegexBuilder};
use url::Url;

use crate::Format;

impl Format {
    /// Whether `text` is one.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::Domain => is_domain(text),
            Self::DomainPrefix => is_domain(text.strip_prefix("*.").unwrap_or(text)),
            Self::Email => is_email(text),
            Self::Hostname => is_hostname(text),
            Self::LocalTime => is_local_time(text),
            // In the syntax of ICU, which nothing here can read.
            Self::Regex => true,
            Self::Timestamp => is_timestamp(text),
            Self::Url => url(text).is_some(),
            Self::Uuid => is_uuid(text),
        }
    }

    /// What a text has to be, with an example.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Domain => "a domain name, such as `example.com`",
            Self::DomainPrefix => "a domain name, or `*.` and one",
            Self::Email => "an email address, such as `user@example.com`",
            Self::Hostname => "a host name, an IPv4 address, or an IPv6 address in brackets",
            Self::LocalTime => "a date and time without an offset, such as `2027-01-31T18:00:00`",
            Self::Regex => "a regular expression",
            Self::Timestamp => "a date and time with an offset, such as `2027-01-31T18:00:00Z`",
            Self::Url => "a URL, such as `https://www.example.com/`",
            Self::Uuid => "a UUID, such as `2F7A1C3E-9B0D-4E5A-8C6F-1D2E3F4A5B6C`",
        }
    }

    /// One that is accepted.
    pub(crate) const fn sample(self) -> &'static str {
        match self {
            Self::Domain | Self::DomainPrefix | Self::Hostname => "www.example.com",
            Self::Email => "user@example.com",
            Self::LocalTime => "2027-01-31T18:00:00",
            Self::Regex => ".*",
            Self::Timestamp => "2027-01-31T18:00:00Z",
            Self::Url => "https://www.example.com/",
            Self::Uuid => "2F7A1C3E-9B0D-4E5A-8C6F-1D2E3F4A5B6C",
        }
    }
}

/// Whether `text` is base64 as JSON has it for data.
pub(super) fn is_base64(text: &str) -> bool {
    STANDARD.decode(text).is_ok()
}

/// `text` as a URL, when every character of it may be in one (RFC 3986, or the template of one, RFC 6570) and it names
/// a scheme and something in it.
pub(super) fn url(text: &str) -> Option<Url> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%{}".contains(&byte);
    let (scheme, rest) = text.split_once(':')?;
    if !text.bytes().all(allowed) || scheme.is_empty() || rest.is_empty() {
        return None;
    }
    let url = Url::parse(text).ok()?;
    // The parser mends what devices need not mend.
    (!url.is_special() || url.scheme() == "file" || rest.starts_with("//")).then_some(url)
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_email(text: &str) -> bool {
    let printable =
        |text: &str| !text.is_empty() && text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    text.rsplit_once('@').is_some_and(|(user, domain)| {
        user.len() <= 64 && printable(user) && printable(domain) && !user.contains('@')
    })
}

fn is_hostname(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => text.parse::<Ipv4Addr>().is_ok() || is_domain(text),
    }
}

fn is_local_time(text: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    let shaped = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == *other,
    };
    text.len() == shape.len()
        && text.bytes().zip(shape).all(shaped)
        && text.parse::<civil::DateTime>().is_ok()
}

pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((local, offset)) = text.split_at_checked(19) else {
        return false;
    };
    let two = |text: &str, most: u8| text.len() == 2 && text.parse::<u8>().is_ok_and(|number| number <= most);
    let is_offset = |offset: &str| {
        let digits = offset.replacen(':', "", 1);
        digits
            .split_at_checked(2)
            .is_some_and(|(hours, minutes)| two(hours, 23) && two(minutes, 59))
    };
    let signed = offset.strip_prefix(['+', '-']);
    is_local_time(local) && (offset == "Z" || signed.is_some_and(is_offset))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether `text` matches a schema's regular expression. One that is not understood, or is too large, forbids nothing.
pub fn matches(pattern: &str, text: &str) -> bool {
    compiled(pattern).is_none_or(|regex| regex.is_match(text))
}

/// Compiled once: making one costs more than validating the rest of a payload.
fn compiled(pattern: &str) -> Option<Regex> {
    /// Far more than any schema has.
    const KEPT: usize = 1000;
    /// In octets, for one.
    const SIZE: usize = 1 << 20;
    static COMPILED: LazyLock<RwLock<HashMap<String, Option<Regex>>>> = LazyLock::new(RwLock::default);

    if let Ok(compiled) = COMPILED.read()
        && let Some(regex) = compiled.get(pattern)
    {
        return regex.clone();
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .build()
        .ok();
    if let Ok(mut compiled) = COMPILED.write()
        && compiled.len() < KEPT
    {
        compiled.insert(pattern.to_owned(), regex.clone());
    }
    regex
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formats_accept_what_they_are_for() {
        for (format, right, wrong) in [
            (
                Format::Domain,
                "example.com xn--bcher-kva.example a",
                "-a.com a..b .a a. [::1] *.a",
            ),
            (
                Format::DomainPrefix,
                "*.example.com example.com",
                "*example.com *. **.a",
            ),
            (
                Format::Email,
                "user@example.com a+b@c",
                "user user@ @example.com a@b@c",
            ),
            (
                Format::Hostname,
                "server.example.com 10.0.1.1 [fe80::1]",
                "fe80::1 [10.0.1.1] a/b [fe80::1",
            ),
            (
                Format::LocalTime,
                "2023-09-21T12:00:00 2024-02-29T00:00:00",
                "2023-09-21 2023-09-21T12:00:00Z 2023-02-29T00:00:00 2023-09-21T24:00:00 2023-9-21T12:00:00 \
                 2023-09-21t12:00:00 2023-09-21T12:00:00.5",
            ),
            (
                Format::Timestamp,
                "2023-09-21T12:00:00Z 2023-09-21T12:00:00-0500 2023-09-21T12:00:00+05:30",
                "2023-09-21T12:00:00 2023-09-21T12:00:00.5Z 2023-09-21T12:00:00+5 2023-09-21T12:00:00+24:00",
            ),
            (
                Format::Url,
                "https://example.com http://[::1]:80/a?b#c https://dns.example/q{?dns} mailto:a@b tel:1",
                "example.com https:example.com https: https:// //a /a https://a\u{a0}b https://é.example https://a:99999",
            ),
            (
                Format::Uuid,
                "2F7A1C3E-9B0D-4E5A-8C6F-1D2E3F4A5B6C 00000000-0000-0000-0000-000000000000",
                "2F7A1C3E9B0D4E5A8C6F1D2E3F4A5B6C {2F7A1C3E-9B0D-4E5A-8C6F-1D2E3F4A5B6} x",
            ),
        ] {
            assert!(format.accepts(format.sample()), "{format}");
            assert!(!format.accepts(""), "{format}");
            for text in right.split(' ') {
                assert!(format.accepts(text), "{format}: {text}");
            }
            for text in wrong.split(' ').filter(|text| !text.is_empty()) {
                assert!(!format.accepts(text), "{format}: {text}");
            }
        }
    }

    #[test]
    fn patterns_are_kept_and_bad_ones_forbid_nothing() {
        for _ in 0..2 {
            assert!(matches("^[0-9]{4}$", "2026"));
            assert!(!matches("^[0-9]{4}$", "20266"));
            assert!(matches("b", "abc"), "anchored only where it says so");
            assert!(matches("(", "anything"));
            assert!(matches("(?=a)b", "anything"), "no look-ahead here");
            assert!(matches("((a{1000}){1000}){1000}", "too large"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC{0,60}|[0-9TZ:.+-]{0,30}|[a-z:/.@\\[\\]é]{0,40}") {
            for format in Format::ALL {
                format.accepts(&text);
            }
            is_base64(&text);
        }
    }
}
