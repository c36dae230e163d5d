//! Where the server is, who we are to it, and which authority it is known by.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::address::Address;
use crate::args::{ConnectionArgs, Usage};
use crate::login::Login;
use crate::tls::Trust;

/// A server and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Where it is.
    pub(crate) address: Address,
    /// Who we are, if that is known.
    token: Option<String>,
    /// Who vouches for it.
    pub(crate) trust: Trust,
}

/// Nothing says which server.
#[derive(Debug, thiserror::Error)]
#[error(
    "no server is known\n  Name it with --server URL or ORDAIN_SERVER, store it with `ordain login URL`, or, on the \
     server's machine, name its data directory with --data-dir DIR."
)]
pub(crate) struct NoServer;

impl Connection {
    /// What the options say, then the environment, then what `ordain login` stored.
    pub(crate) fn find(args: &ConnectionArgs) -> anyhow::Result<Self> {
        Self::resolve(args, &Environment::read(), Login::load()?)
    }

    /// The server that runs with the data directory `dir`, whatever else is set up.
    pub(crate) fn local(dir: &Path) -> anyhow::Result<Self> {
        let args = ConnectionArgs {
            data_dir: Some(dir.to_owned()),
            ..ConnectionArgs::default()
        };
        Self::resolve(&args, &Environment::default(), None)
    }

    /// A connection by what is known already.
    pub(crate) fn new(address: Address, token: String, trust: Trust) -> Result<Self, Usage> {
        address.protected()?;
        Ok(Self {
            address,
            token: Some(token),
            trust,
        })
    }

    /// The token, without which an administrator is nobody.
    pub(crate) fn token(&self) -> anyhow::Result<&str> {
        self.token.as_deref().with_context(|| {
            format!(
                "no token is known for {}\n  Name the file of one with --token-file FILE or ORDAIN_TOKEN_FILE, \
                 or store one with `ordain login {}`. The first is in `admin.token` in the server's data directory.",
                self.address, self.address
            )
        })
    }

    fn resolve(args: &ConnectionArgs, env: &Environment, login: Option<Login>) -> anyhow::Result<Self> {
        let local = args
            .data_dir
            .as_deref()
            .map(|dir| Local::read(dir, args.server.is_none()))
            .transpose()?;
        let named = args
            .server
            .as_deref()
            .or(local.as_ref().and_then(|local| local.url.as_deref()));
        let address: Address = match (named.or(env.server.as_deref()), &login) {
            (Some(url), _) => url.parse()?,
            (None, Some(login)) => login.server.parse()?,
            (None, None) => return Err(NoServer.into()),
        };
        if local.as_ref().is_none_or(|local| local.url.as_deref() != named) {
            address.protected()?;
        }
        // What was stored for one server is not told to another.
        let login = login.filter(|login| login.server.parse::<Address>().is_ok_and(|of| of == address));
        let token_file = args
            .token_file
            .clone()
            .or(local.as_ref().and_then(|local| local.token_file.clone()))
            .or(env.token_file.clone());
        // The local server's own certificate vouches for the local server only.
        let itself = local
            .as_ref()
            .filter(|local| local.url.as_deref() == named)
            .and_then(|local| local.certificate.clone());
        let ca_file = args
            .ca
            .clone()
            .or(local.and_then(|local| local.ca))
            .or(env.ca.clone().filter(|_| itself.is_none()));
        Ok(Self {
            token: match token_file {
                Some(file) => Some(read_token(&file)?),
                None => login.as_ref().map(|login| login.token.clone()),
            },
            trust: match (ca_file, itself) {
                (Some(file), _) => Trust::Authorities(read_ca(&file)?),
                (None, Some(file)) => Trust::Itself(read_ca(&file)?),
                (None, None) => Trust::authorities(login.and_then(|login| login.ca)),
            },
            address,
        })
    }
}

/// The token in a file.
pub(crate) fn read_token(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("the token in {}", file.display()))?;
    check_token(&text).with_context(|| format!("{} holds no token", file.display()))
}

/// A token without the space around it. It goes into a header, and so is printable.
pub(crate) fn check_token(text: &str) -> anyhow::Result<String> {
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("a token is one word");
    }
    Ok(token.to_owned())
}

/// The certificates in a file, in PEM.
pub(crate) fn read_ca(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("the certificate in {}", file.display()))
}

/// What the environment says of the server. Empty variables count as unset.
#[derive(Debug, Default)]
struct Environment {
    server: Option<String>,
    token_file: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl Environment {
    fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            server: variable("ORDAIN_SERVER"),
            token_file: variable("ORDAIN_TOKEN_FILE").map(PathBuf::from),
            ca: variable("ORDAIN_CA").map(PathBuf::from),
        }
    }
}

/// What a data directory says of the server that runs with it.
#[derive(Debug)]
struct Local {
    url: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    token_file: Option<PathBuf>,
}

/// `server.json`, which is there while the server runs.
#[derive(Deserialize)]
struct Running {
    url: String,
    /// The authority that the server made.
    ca: Option<PathBuf>,
    /// The certificate that the server was given.
    certificate: Option<PathBuf>,
}

impl Local {
    fn read(dir: &Path, must_run: bool) -> anyhow::Result<Self> {
        let file = dir.join("server.json");
        let running: Option<Running> = match fs::read(&file) {
            Ok(text) => Some(serde_json::from_slice(&text).with_context(|| file.display().to_string())?),
            Err(_) if !must_run => None,
            Err(error) => bail!(
                "no server runs with the data directory {}: {}: {error}\n  Start it with `ordain serve --data-dir {}`.",
                dir.display(),
                file.display(),
                dir.display()
            ),
        };
        let token_file = Some(dir.join("admin.token")).filter(|file| file.exists());
        Ok(match running {
            Some(Running { url, ca, certificate }) => Self {
                url: Some(url),
                ca,
                certificate,
                token_file,
            },
            None => Self {
                url: None,
                ca: None,
                certificate: None,
                token_file,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn login(server: &str) -> Option<Login> {
        Some(Login {
            server: server.into(),
            token: "stored".into(),
            ca: Some("STORED".into()),
        })
    }

    #[test]
    fn options_come_before_the_environment_and_that_before_the_login() {
        let dir = tempfile::tempdir().unwrap();
        let flag = ConnectionArgs {
            server: Some("https://flag".into()),
            token_file: Some(file(dir.path(), "flag.token", "flag\n")),
            ca: Some(file(dir.path(), "flag.pem", "FLAG")),
            data_dir: None,
        };
        let env = Environment {
            server: Some("https://env".into()),
            token_file: Some(file(dir.path(), "env.token", "env\n")),
            ca: Some(file(dir.path(), "env.pem", "ENV")),
        };
        let none = ConnectionArgs::default();
        let unset = Environment::default();
        for (args, env, expected) in [
            (&flag, &env, ("https://flag", "flag", "FLAG")),
            (&none, &env, ("https://env", "env", "ENV")),
            (&none, &unset, ("https://login", "stored", "STORED")),
        ] {
            let found = Connection::resolve(args, env, login("https://login")).unwrap();
            assert_eq!(found.address.to_string(), expected.0);
            assert_eq!(found.token().unwrap(), expected.1);
            assert_eq!(found.trust, Trust::Authorities(expected.2.into()));
        }
    }

    #[test]
    fn a_stored_token_goes_to_its_own_server_only() {
        let at = |server: &str| ConnectionArgs {
            server: Some(server.into()),
            ..ConnectionArgs::default()
        };
        let env = Environment::default();
        let own = Connection::resolve(&at("https://login:443/"), &env, login("https://login")).unwrap();
        assert_eq!(own.token().unwrap(), "stored");
        let other = Connection::resolve(&at("https://other"), &env, login("https://login")).unwrap();
        assert!(other.token().unwrap_err().to_string().contains("--token-file"));
        assert_eq!(other.trust, Trust::System);
    }

    #[test]
    fn a_data_directory_is_enough() {
        let dir = tempfile::tempdir().unwrap();
        let args = ConnectionArgs {
            data_dir: Some(dir.path().into()),
            ..ConnectionArgs::default()
        };
        let env = Environment {
            server: Some("https://env".into()),
            ..Environment::default()
        };
        let stopped = Connection::resolve(&args, &env, None).unwrap_err();
        assert!(
            stopped.to_string().contains("ordain serve --data-dir"),
            "{stopped}"
        );

        let ca = file(dir.path(), "ca.pem", "CA");
        let running = serde_json::json!({ "url": "https://127.0.0.1:4711", "ca": ca });
        file(dir.path(), "server.json", &running.to_string());
        file(dir.path(), "admin.token", "local\n");
        let found = Connection::resolve(&args, &env, login("https://login")).unwrap();
        let address = "https://127.0.0.1:4711".parse().unwrap();
        assert_eq!(
            found,
            Connection::new(address, "local".into(), Trust::Authorities("CA".into())).unwrap()
        );

        // A server that was given its certificate is known by it, whatever name that is for.
        let given = serde_json::json!({ "url": "https://127.0.0.1:4711", "certificate": ca });
        file(dir.path(), "server.json", &given.to_string());
        let found = Connection::resolve(&args, &env, None).unwrap();
        assert_eq!(found.trust, Trust::Itself("CA".into()));

        // Without TLS it may have any address of this machine.
        file(dir.path(), "server.json", r#"{"url": "http://192.0.2.1:8080"}"#);
        assert!(Connection::resolve(&args, &env, None).is_ok());
        let remote = ConnectionArgs {
            server: Some("http://192.0.2.1:8080".into()),
            ..ConnectionArgs::default()
        };
        let refused = Connection::resolve(&remote, &env, None).unwrap_err();
        assert!(refused.is::<Usage>(), "{refused}");
    }

    #[test]
    fn without_a_server_it_says_what_to_do() {
        let error =
            Connection::resolve(&ConnectionArgs::default(), &Environment::default(), None).unwrap_err();
        for way in ["--server", "ORDAIN_SERVER", "ordain login", "--data-dir"] {
            assert!(error.to_string().contains(way), "{error}");
        }
    }

    #[test]
    fn a_token_is_one_printable_word() {
        assert_eq!(check_token(" abc_1.2\r\n").unwrap(), "abc_1.2");
        for wrong in ["", " \n", "a b", "a\r\nX-Evil: 1", "ü"] {
            assert!(check_token(wrong).is_err(), "{wrong:?}");
        }
    }
}
