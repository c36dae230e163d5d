//! `ordain login`, and what it stores.

use std::env;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use ordain_server::api::Overview;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::client::Client;
use crate::connection::{Connection, check_token, read_ca, read_token};
use crate::output;
use crate::tls::Trust;

/// Options of `ordain login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The server's address, such as https://mdm.example.org
    #[arg(value_name = "URL")]
    server: String,
    /// A file that holds the token; otherwise it is asked for, or read from standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust only this authority, a PEM file, instead of the system's
    #[arg(long, value_name = "PEM")]
    ca: Option<PathBuf>,
}

/// A server with a token for it, as stored in the user's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// Its address.
    pub(crate) server: String,
    /// Who we are to it.
    pub(crate) token: String,
    /// The authorities that it is known by, in PEM, unless the system's do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<String>,
}

impl Login {
    /// What was stored, if anything.
    pub(crate) fn load() -> anyhow::Result<Option<Self>> {
        let Some(file) = Self::file() else { return Ok(None) };
        match fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map(Some).with_context(|| {
                format!(
                    "{} cannot be read; `ordain login URL` writes it anew",
                    file.display()
                )
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    /// Stores it for this user alone.
    fn save(&self) -> anyhow::Result<PathBuf> {
        let file = Self::file().context("neither XDG_CONFIG_HOME nor HOME says where to store it")?;
        let dir = file.parent().context("it has no directory")?;
        let text = toml::to_string(self)?;
        let write = || {
            fs::create_dir_all(dir)?;
            // Made with mode 0600, and put in its place in one step.
            let mut new = tempfile::NamedTempFile::new_in(dir)?;
            new.write_all(text.as_bytes())?;
            new.persist(&file)?;
            io::Result::Ok(())
        };
        write().with_context(|| file.display().to_string())?;
        Ok(file)
    }

    fn file() -> Option<PathBuf> {
        let absolute = |name| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let config =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
        Some(config.join("ordain").join("login.toml"))
    }
}

/// Checks the token with the server, then stores both.
pub(crate) async fn run(args: LoginArgs) -> anyhow::Result<()> {
    let address: Address = args.server.parse()?;
    let ca = args.ca.as_deref().map(read_ca).transpose()?;
    let token = match &args.token_file {
        Some(file) => read_token(file)?,
        None => ask_for_token(&address)?,
    };
    let login = Login {
        server: address.to_string(),
        token: token.clone(),
        ca: ca.clone(),
    };
    let client = Client::new(&Connection::new(address, token, Trust::authorities(ca))?)?;
    let overview: Overview = client.get("overview").await?;
    let file = login.save()?;
    output::note(&format!(
        "logged in to {} (Ordain {}) by the token {:?}; stored in {}",
        login.server,
        overview.version,
        overview.token,
        file.display()
    ));
    Ok(())
}

fn ask_for_token(address: &Address) -> anyhow::Result<String> {
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("token for {address}: "))
    } else {
        io::read_to_string(io::stdin())
    };
    check_token(&text.context("the token cannot be read")?)
}
