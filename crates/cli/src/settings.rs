//! The settings of `ordain serve`: options, then the environment, then a file, then defaults.

use std::env::{self, VarError};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use http::{HeaderName, Uri};
use ipnet::IpNet;
use ordain_server::{EntraSettings, PUSH_RATE, SealingKeys, Settings};
use serde::Deserialize;

use crate::args::Usage;
use crate::time::Span;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8443);

/// What options, environment and file can say, in the same words. Lists replace each other as a whole.
#[derive(Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SettingsArgs {
    /// The address to listen on; port 0 takes a free one [default: 0.0.0.0:8443]
    #[arg(long, env = "ORDAIN_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where everything is kept [default: /var/lib/ordain for root, else ~/.local/share/ordain]
    #[arg(long, env = "ORDAIN_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The file with the keys that seal secrets; ORDAIN_SEALING_KEYS in the environment may hold them instead
    /// [default: installation.key in the data directory]
    #[arg(long, env = "ORDAIN_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A PostgreSQL database, postgres://…, instead of the embedded one
    #[arg(long, env = "ORDAIN_DATABASE", hide_env_values = true, value_name = "URL")]
    database: Option<String>,
    /// Also trust devices with certificates of these authorities; repeatable, or separated by commas
    #[arg(long, env = "ORDAIN_DEVICE_CA", value_delimiter = ',', value_name = "PEM")]
    device_ca: Vec<PathBuf>,
    /// Proxies whose word counts; repeatable, or separated by commas
    #[arg(
        long,
        env = "ORDAIN_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "CIDR"
    )]
    trusted_proxy: Vec<IpNet>,
    /// The header in which the trusted proxies say what certificate a device has shown
    #[arg(long, env = "ORDAIN_CLIENT_CERT_HEADER", value_name = "NAME")]
    client_cert_header: Option<String>,
    /// No TLS: a trusted proxy takes care of it
    #[arg(
        long,
        env = "ORDAIN_HTTP",
        num_args = 0,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    http: Option<bool>,
    /// What devices are told to reach the server by
    #[arg(long, env = "ORDAIN_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// The server's certificate with its chain; otherwise it makes its own
    #[arg(long, env = "ORDAIN_TLS_CERTIFICATE", value_name = "PEM")]
    tls_certificate: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, env = "ORDAIN_TLS_KEY", value_name = "PEM")]
    tls_key: Option<PathBuf>,
    /// Who may enroll [default: open]
    #[arg(long, env = "ORDAIN_ENROLL", value_enum)]
    enroll: Option<Enroll>,
    /// What listed memberships do when a device enrolls anew [default: approve]
    #[arg(long, env = "ORDAIN_REENROLL", value_enum)]
    reenroll: Option<Reenroll>,
    /// How long events are kept: 12h, 30d [default: 7d]
    #[arg(long, env = "ORDAIN_KEEP_EVENTS", value_name = "SPAN")]
    keep_events: Option<Span>,
    /// How many devices are pushed in a second through each service, at most [default: 500]
    #[arg(long, env = "ORDAIN_PUSH_RATE", value_name = "NUMBER")]
    push_rate: Option<NonZeroU32>,
    /// Where pushes go instead of Apple's service: a relay, or a simulated one
    #[arg(long, env = "ORDAIN_APNS_URL", value_name = "URL")]
    apns_url: Option<String>,
    /// The only authorities that may vouch for that, instead of the system's
    #[arg(long, env = "ORDAIN_APNS_CA", value_name = "PEM")]
    apns_ca: Option<PathBuf>,
    /// Where pushes of Windows devices go instead of Microsoft's service: a simulated one
    #[arg(long, env = "ORDAIN_WNS_URL", value_name = "URL")]
    wns_url: Option<String>,
    /// The only authorities that may vouch for that, instead of the system's
    #[arg(long, env = "ORDAIN_WNS_CA", value_name = "PEM")]
    wns_ca: Option<PathBuf>,
    /// For how many devices an hour commands may be ordered that erase, lock, clear or remove [default: 10]
    #[arg(long, env = "ORDAIN_DESTRUCTIVE_BUDGET", value_name = "COUNT")]
    destructive_budget: Option<u32>,
    /// A tenant of Microsoft Entra whose users' Windows devices may enroll, by its GUID
    #[arg(long, env = "ORDAIN_ENTRA_TENANT", value_name = "GUID")]
    entra_tenant: Option<String>,
    /// Its MDM application: what the tokens must be for, an identifier or a URI
    #[arg(long, env = "ORDAIN_ENTRA_AUDIENCE", value_name = "ID")]
    entra_audience: Option<String>,
    /// The keys that sign its tokens: https://login.microsoftonline.com/GUID/discovery/v2.0/keys, or a file
    #[arg(long, env = "ORDAIN_ENTRA_JWKS", value_name = "FILE|URL")]
    entra_jwks: Option<String>,
}

/// Who may enroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Enroll {
    /// Whoever has a certificate of a device CA, or an enrollment token.
    Open,
    /// Nobody by a certificate of a device CA alone.
    Closed,
}

/// What becomes of listed memberships when a device enrolls anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reenroll {
    /// They wait for an administrator.
    Approve,
    /// They count at once.
    Allow,
}

impl SettingsArgs {
    /// The settings that a file holds, in TOML.
    pub(crate) fn read(file: &Path) -> Result<Self, Usage> {
        let text = fs::read_to_string(file).map_err(|error| Usage(format!("{}: {error}", file.display())))?;
        // TOML's errors end in a line feed after an excerpt.
        let wrong =
            |error: toml::de::Error| Usage(format!("{}: {}", file.display(), error.to_string().trim_end()));
        toml::from_str(&text).map_err(wrong)
    }

    /// `self`, and what only `below` says.
    pub(crate) fn or(self, below: Self) -> Self {
        fn list<T>(first: Vec<T>, below: Vec<T>) -> Vec<T> {
            if first.is_empty() { below } else { first }
        }
        Self {
            listen: self.listen.or(below.listen),
            data_dir: self.data_dir.or(below.data_dir),
            key_file: self.key_file.or(below.key_file),
            database: self.database.or(below.database),
            device_ca: list(self.device_ca, below.device_ca),
            trusted_proxy: list(self.trusted_proxy, below.trusted_proxy),
            client_cert_header: self.client_cert_header.or(below.client_cert_header),
            http: self.http.or(below.http),
            public_url: self.public_url.or(below.public_url),
            tls_certificate: self.tls_certificate.or(below.tls_certificate),
            tls_key: self.tls_key.or(below.tls_key),
            enroll: self.enroll.or(below.enroll),
            reenroll: self.reenroll.or(below.reenroll),
            keep_events: self.keep_events.or(below.keep_events),
            push_rate: self.push_rate.or(below.push_rate),
            apns_url: self.apns_url.or(below.apns_url),
            apns_ca: self.apns_ca.or(below.apns_ca),
            wns_url: self.wns_url.or(below.wns_url),
            wns_ca: self.wns_ca.or(below.wns_ca),
            destructive_budget: self.destructive_budget.or(below.destructive_budget),
            entra_tenant: self.entra_tenant.or(below.entra_tenant),
            entra_audience: self.entra_audience.or(below.entra_audience),
            entra_jwks: self.entra_jwks.or(below.entra_jwks),
        }
    }

    /// The whole, with defaults; refused where it makes no sense. What needs a trusted proxy, the server checks.
    pub(crate) fn settings(self) -> Result<Settings, Usage> {
        let refuse = |why: &str| Err(Usage(why.to_owned()));
        let http = self.http.unwrap_or(false);
        if self
            .client_cert_header
            .as_ref()
            .is_some_and(|name| name.parse::<HeaderName>().is_err())
        {
            return refuse("--client-cert-header takes the name of a header");
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return refuse("--tls-certificate and --tls-key need each other");
        }
        if http && self.tls_certificate.is_some() {
            return refuse("--http and --tls-certificate contradict each other");
        }
        if self.database.as_ref().is_some_and(|url| !is_postgres(url)) {
            return refuse("--database takes postgres://USER:PASSWORD@HOST/NAME");
        }
        if self
            .apns_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://"))
        {
            return refuse("--apns-url takes https://HOST, perhaps with a port");
        }
        if self
            .wns_url
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://"))
        {
            return refuse("--wns-url takes https://HOST, perhaps with a port");
        }
        let entra = entra(self.entra_tenant, self.entra_audience, self.entra_jwks)?;
        let public_url = self.public_url.map(|url| public_url(&url)).transpose()?;
        let listen = self.listen.unwrap_or(LISTEN);
        let data_dir = match self.data_dir {
            Some(dir) => dir,
            None => default_data_dir()?,
        };
        let defaults = Settings::new(listen, data_dir);
        Ok(Settings {
            key_file: self.key_file,
            sealing_keys: sealing_keys()?,
            database: self.database,
            device_cas: self.device_ca,
            trusted_proxies: self.trusted_proxy,
            client_cert_header: self.client_cert_header,
            http,
            public_url,
            tls_certificate: self.tls_certificate,
            tls_key: self.tls_key,
            enroll_closed: self.enroll == Some(Enroll::Closed),
            allow_reenrollment: self.reenroll == Some(Reenroll::Allow),
            event_retention: self
                .keep_events
                .map_or(defaults.event_retention, |Span(span)| span),
            push_rate: self.push_rate.map_or(PUSH_RATE, NonZeroU32::get),
            apns_url: self.apns_url,
            apns_ca: self.apns_ca,
            wns_url: self.wns_url,
            wns_ca: self.wns_ca,
            destructive_budget: self.destructive_budget.unwrap_or(defaults.destructive_budget),
            entra,
            ..defaults
        })
    }
}

/// Keys are read from the environment alone: options and files would show them to others.
fn sealing_keys() -> Result<Option<SealingKeys>, Usage> {
    match env::var("ORDAIN_SEALING_KEYS") {
        Ok(keys) => Ok(Some(keys).filter(|keys| !keys.is_empty()).map(SealingKeys::new)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Usage("ORDAIN_SEALING_KEYS: no keys in base64".to_owned())),
    }
}

/// All three, or none.
fn entra(
    tenant: Option<String>,
    audience: Option<String>,
    jwks: Option<String>,
) -> Result<Option<EntraSettings>, Usage> {
    match (tenant, audience, jwks) {
        (None, None, None) => Ok(None),
        (Some(_), Some(_), Some(url)) if url.contains("://") && !url.starts_with("https://") => {
            Err(Usage("--entra-jwks takes a file, or https://…".to_owned()))
        }
        (Some(tenant), Some(audience), Some(jwks)) => Ok(Some(EntraSettings {
            tenant,
            audience,
            jwks,
        })),
        _ => {
            let why = "--entra-tenant, --entra-audience and --entra-jwks need each other";
            Err(Usage(why.to_owned()))
        }
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Without a slash at its end, since paths are put behind it.
fn public_url(url: &str) -> Result<String, Usage> {
    let wrong = || {
        Usage(format!(
            "--public-url takes https://HOST, perhaps with a port and a path, not {url:?}"
        ))
    };
    let parsed: Uri = url.parse().map_err(|_| wrong())?;
    let is_plain = parsed
        .authority()
        .is_some_and(|host| !host.as_str().contains('@'))
        && parsed.query().is_none();
    // Apple's clients speak to nothing but https.
    if parsed.scheme_str() != Some("https") || !is_plain || url.contains('#') {
        return Err(wrong());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn default_data_dir() -> Result<PathBuf, Usage> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/ordain".into());
    }
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("ordain"))
        .ok_or_else(|| Usage("where to keep the data? Name it with --data-dir DIR".to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// Options alone, without a subcommand.
    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    fn options(words: &[&str]) -> SettingsArgs {
        Options::try_parse_from([&["serve"], words].concat())
            .unwrap()
            .settings
    }

    fn file(text: &str) -> Result<SettingsArgs, Usage> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, text).unwrap();
        SettingsArgs::read(file.path())
    }

    #[test]
    fn options_come_before_the_file_and_that_before_defaults() {
        let below = file(
            r#"
            listen = "127.0.0.1:1"
            data-dir = "/file"
            device-ca = ["/file/a.pem", "/file/b.pem"]
            trusted-proxy = ["10.0.0.0/8"]
            client-cert-header = "X-Client-Cert"
            public-url = "https://file.example.org/"
            reenroll = "allow"
            enroll = "closed"
            keep-events = "12h"
            destructive-budget = 5
            "#,
        );
        let above = options(&[
            "--listen",
            "[::1]:0",
            "--device-ca",
            "/option.pem",
            "--reenroll",
            "approve",
            "--destructive-budget",
            "50",
        ]);
        let settings = above.or(below.unwrap()).settings().unwrap();
        assert_eq!(settings.listen, "[::1]:0".parse().unwrap());
        assert_eq!(settings.data_dir, Path::new("/file"));
        assert_eq!(settings.device_cas, [Path::new("/option.pem")]);
        assert_eq!(settings.trusted_proxies, ["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(settings.client_cert_header.as_deref(), Some("X-Client-Cert"));
        assert_eq!(settings.public_url.as_deref(), Some("https://file.example.org"));
        assert!(settings.enroll_closed && !settings.allow_reenrollment && !settings.http);
        assert_eq!(
            settings.event_retention,
            std::time::Duration::from_secs(12 * 60 * 60)
        );
        assert_eq!(settings.destructive_budget, 50);

        let below = file("data-dir = \"/file\"\nenroll = \"closed\"").unwrap();
        let opened = options(&["--enroll", "open"]).or(below).settings().unwrap();
        assert!(!opened.enroll_closed);
        let closed = options(&["--data-dir", "/d", "--enroll", "closed"]);
        assert!(closed.settings().unwrap().enroll_closed);

        let defaults = options(&["--data-dir", "/d"]).settings().unwrap();
        assert_eq!((defaults.listen, defaults.destructive_budget), (LISTEN, 10));
        assert!(!defaults.enroll_closed && !defaults.allow_reenrollment);
    }

    #[test]
    fn options_repeat() {
        let words = [
            "--device-ca",
            "a.pem",
            "--device-ca",
            "b.pem",
            "--trusted-proxy",
            "::1/128,10.0.0.0/8",
        ];
        let parsed = options(&words);
        assert_eq!((parsed.device_ca.len(), parsed.trusted_proxy.len()), (2, 2));
    }

    #[test]
    fn contradictions_are_refused() {
        for words in [
            &["--tls-key", "key.pem"][..],
            &["--client-cert-header", "no header", "--trusted-proxy", "::1/128"],
            &["--tls-certificate", "cert.pem"],
            &[
                "--http",
                "--trusted-proxy",
                "::1/128",
                "--tls-certificate",
                "c.pem",
                "--tls-key",
                "k.pem",
            ],
            &["--entra-tenant", "t", "--entra-audience", "a"],
            &["--entra-jwks", "keys.json"],
            &[
                "--entra-tenant",
                "t",
                "--entra-audience",
                "a",
                "--entra-jwks",
                "http://example.org/keys",
            ],
            &["--database", "mysql://host/name"],
            &["--apns-url", "http://localhost:2197"],
            &["--wns-url", "http://localhost:2198"],
            &["--public-url", "http://mdm.example.org"],
            &["--public-url", "mdm.example.org"],
            &["--public-url", "https://user@mdm.example.org"],
            &["--public-url", "https://mdm.example.org/?a=b"],
        ] {
            assert!(
                options(&[words, &["--data-dir", "/d"]].concat())
                    .settings()
                    .is_err(),
                "{words:?}"
            );
        }
        let words = [
            "--entra-tenant",
            "t",
            "--entra-audience",
            "a",
            "--entra-jwks",
            "k.json",
            "--data-dir",
            "/d",
        ];
        let entra = options(&words).settings().unwrap().entra.unwrap();
        assert_eq!(
            (entra.tenant, entra.audience, entra.jwks),
            ("t".into(), "a".into(), "k.json".into())
        );
        let proxied = options(&["--http", "--trusted-proxy", "::1/128", "--data-dir", "/d"]);
        assert!(proxied.settings().unwrap().http);
    }

    #[test]
    fn files_are_read_strictly() {
        let unknown = file("data-dirr = \"/x\"").unwrap_err().to_string();
        assert!(
            unknown.contains("data-dirr") && unknown.contains("data-dir"),
            "{unknown}"
        );
        assert!(file("listen = 8443").is_err());
        assert!(file("reenroll = \"never\"").is_err());
        assert!(file("keep-events = \"a while\"").is_err());
        assert!(file("data_dir = \"/x\"").is_err());
        assert!(SettingsArgs::read(Path::new("/nonexistent/ordain.toml")).is_err());
    }
}
