//! Addresses of servers.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::args::Usage;

/// A server's address: scheme, host and port, and a path when it is not at the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Address {
    /// The server that devices reach at `url`, and where exactly they do: at `/mdm`, unless `url` has another path. By
    /// that nothing is known of where the server has its other paths, and they are looked for at the root.
    pub(crate) fn of_endpoint(url: &str) -> Result<(Self, String), Usage> {
        let mut server: Self = url.parse()?;
        if let Some(base) = server.path.strip_suffix("/mdm") {
            server.path = base.to_owned();
        } else if !server.path.is_empty() {
            server.path.clear();
            return Ok((server, url.trim().to_owned()));
        }
        let endpoint = format!("{server}/mdm");
        Ok((server, endpoint))
    }

    /// Whether it is spoken to by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }

    /// Refuses an address on the way to which others can read the token.
    pub(crate) fn protected(&self) -> Result<(), Usage> {
        if self.tls || matches!(self.host(), "localhost" | "127.0.0.1" | "::1") {
            return Ok(());
        }
        Err(Usage(format!(
            "{self}: only on this machine is it http://, elsewhere it is https://"
        )))
    }

    /// A name or an address, in the form without brackets.
    pub(crate) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What comes before the paths of requests; empty, or `/` and more, without a slash at its end.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Host and port, as in a `Host` header.
    pub(crate) fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(out, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl FromStr for Address {
    type Err = Usage;

    fn from_str(text: &str) -> Result<Self, Usage> {
        let wrong = |why: &str| {
            Usage(format!(
                "{text:?} is no server's address: {why}, such as https://mdm.example.org"
            ))
        };
        let uri: Uri = text.trim().parse().map_err(|_| wrong("it takes a URL"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("it begins with https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it names a host"))?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong("it has a scheme, a host, and perhaps a port and a path"));
        }
        Ok(Self {
            tls,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_sent_to_the_path_that_is_given() {
        for (url, server, endpoint) in [
            (
                "https://mdm.example.org",
                "https://mdm.example.org",
                "https://mdm.example.org/mdm",
            ),
            (
                "https://mdm.example.org/",
                "https://mdm.example.org",
                "https://mdm.example.org/mdm",
            ),
            (
                "https://mdm.example.org/mdm",
                "https://mdm.example.org",
                "https://mdm.example.org/mdm",
            ),
            (
                "https://mdm.example.org/a/mdm/",
                "https://mdm.example.org/a",
                "https://mdm.example.org/a/mdm",
            ),
            (
                "https://mdm.example.org:9/other/path",
                "https://mdm.example.org:9",
                "https://mdm.example.org:9/other/path",
            ),
            (
                "https://mdm.example.org/other/",
                "https://mdm.example.org",
                "https://mdm.example.org/other/",
            ),
            (
                "https://mdm.example.org/notmdm",
                "https://mdm.example.org",
                "https://mdm.example.org/notmdm",
            ),
        ] {
            let (address, found) = Address::of_endpoint(url).unwrap();
            assert_eq!(
                (address.to_string().as_str(), found.as_str()),
                (server, endpoint),
                "{url}"
            );
        }
        assert!(Address::of_endpoint("mdm.example.org").is_err());
    }

    #[test]
    fn addresses_are_read_and_written() {
        for (text, written) in [
            ("https://MDM.example.org", "https://mdm.example.org"),
            ("https://mdm.example.org:443/", "https://mdm.example.org"),
            ("https://[::1]:8443/ordain/", "https://[::1]:8443/ordain"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), written);
        }
        assert_eq!("https://[::1]".parse::<Address>().unwrap().host(), "::1");
        for wrong in [
            "",
            "mdm",
            "mdm:8443",
            "ftp://a",
            "https://u:p@a",
            "https://a?b",
            "https://",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
