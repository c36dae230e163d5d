//! The host that devices must be able to reach, and texts that mean it.

use std::net::IpAddr;

/// The host of the public URL, in lower case and without a dot at its end; an address of version 6 without brackets.
pub(super) struct Host(String);

impl Host {
    /// The host of `url`.
    pub(super) fn of(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        Self::of_authority(rest.split(['/', '?', '#']).next()?)
    }

    fn of_authority(authority: &str) -> Option<Self> {
        let host = authority.rsplit('@').next()?;
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next()?,
            None => host.split(':').next()?,
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        (!name.is_empty()).then_some(Self(name))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a list entry of a web filter means it: a URL, or one without its scheme. One with a path means only part
    /// of what is there.
    pub(super) fn is_meant_by(&self, entry: &str) -> bool {
        let (host, path) = parts(entry);
        let is_whole = matches!(path, "" | "/" | "*" | "/*");
        is_whole
            && (Self::of_authority(host).is_some_and(|host| host.bare() == self.bare())
                || host.strip_prefix("*.").is_some_and(|domain| self.is_in(domain)))
    }

    /// Whether a list entry of a web filter may mean it, or a domain that it is in.
    pub(super) fn may_be_meant_by(&self, entry: &str) -> bool {
        let (host, _) = parts(entry);
        let host = host.strip_prefix("*.").unwrap_or(host);
        Self::of_authority(host).is_some_and(|host| self.is_in(host.bare()))
    }

    /// Web filters take a name for the same with and without `www.`.
    fn bare(&self) -> &str {
        self.0.strip_prefix("www.").unwrap_or(&self.0)
    }

    /// Whether it is `domain` or in it; the domain may begin with `*.`.
    pub(super) fn is_in(&self, domain: &str) -> bool {
        let domain = domain
            .strip_prefix("*.")
            .unwrap_or(domain)
            .trim_matches('.')
            .to_ascii_lowercase();
        let before = self.0.strip_suffix(&domain);
        !domain.is_empty() && before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    /// Whether it is the fully qualified `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        name.trim_end_matches('.').eq_ignore_ascii_case(&self.0)
    }
}

/// The authority and the path of a URL that may lack its scheme.
fn parts(entry: &str) -> (&str, &str) {
    let entry = entry.trim();
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    rest.find(['/', '?', '#'])
        .and_then(|end| rest.split_at_checked(end))
        .unwrap_or((rest, ""))
}

/// Whether `address` can be reached from within one network only (RFC 1918, RFC 4193, link-local, loopback).
pub(super) fn is_private(address: &str) -> bool {
    match address.trim().parse() {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_link_local() || address.is_loopback(),
        Ok(IpAddr::V6(address)) => {
            address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback()
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_public_url() {
        for (url, host) in [
            ("https://MDM.example.org", Some("mdm.example.org")),
            ("https://mdm.example.org.:8443/a?b", Some("mdm.example.org")),
            ("https://[2001:db8::1]:443", Some("2001:db8::1")),
            ("https://192.0.2.1:1", Some("192.0.2.1")),
            ("https://", None),
            ("mdm.example.org", None),
        ] {
            assert_eq!(Host::of(url).as_ref().map(Host::as_str), host, "{url}");
        }
    }

    #[test]
    fn texts_that_mean_the_host() {
        let host = Host::of("https://mdm.example.org").unwrap();
        for (entry, is, may) in [
            ("https://mdm.example.org", true, true),
            ("http://www.MDM.example.org:80/", true, true),
            ("mdm.example.org", true, true),
            ("*.example.org", true, true),
            ("https://mdm.example.org/docs", false, true),
            ("https://example.org", false, true),
            ("https://mdm.example.org.evil.example", false, false),
            ("https://notmdm.example.org", false, false),
            ("https://www.example.com", false, false),
            ("", false, false),
            ("*.", false, false),
        ] {
            assert_eq!(
                (host.is_meant_by(entry), host.may_be_meant_by(entry)),
                (is, may),
                "{entry}"
            );
        }
        for (domain, is) in [
            ("example.org", true),
            ("*.example.org", true),
            ("Example.ORG.", true),
            ("mdm.example.org", true),
            ("ple.org", false),
            ("a.mdm.example.org", false),
            ("", false),
        ] {
            assert_eq!(host.is_in(domain), is, "{domain}");
        }
    }

    #[test]
    fn private_addresses() {
        for address in [
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "fd00::1",
            "fe80::1",
            "127.0.0.1",
        ] {
            assert!(is_private(address), "{address}");
        }
        for address in ["9.9.9.9", "172.32.0.1", "2620:fe::fe", "dns.example.org", ""] {
            assert!(!is_private(address), "{address}");
        }
    }
}
