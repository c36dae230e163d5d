//! Where a catalog comes from: this binary, a server, a file of facts, or a checkout of Apple's schema.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use ordain_catalog::schema::{MAX_FILES, MAX_OCTETS};
use ordain_catalog::{Catalog, facts, schema};

use crate::args::ConnectionArgs;
use crate::client::Client;
use crate::connection::Connection;
use crate::output;

/// The largest file of facts that is read.
const MAX_FACTS: u64 = 8 << 20;

/// Which catalog to use.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The one of this binary.
    Builtin,
    /// The one in force on the server.
    Server,
    /// A file of facts, or a checkout of the schema.
    Path(PathBuf),
}

/// Which catalog a command uses.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// The catalog: `builtin`, `server`, a file of facts, or a checkout of Apple's schema
    #[arg(long, value_name = "WHICH", default_value = "builtin")]
    pub(crate) catalog: Source,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "builtin" => Self::Builtin,
            "server" => Self::Server,
            path => Self::Path(path.into()),
        })
    }
}

impl SourceArgs {
    /// The catalog that was asked for.
    pub(crate) async fn read(&self) -> anyhow::Result<Arc<Catalog>> {
        self.catalog.read(&self.connection).await
    }
}

impl Source {
    /// The catalog from there; `connection` leads to the server.
    pub(crate) async fn read(&self, connection: &ConnectionArgs) -> anyhow::Result<Arc<Catalog>> {
        match self {
            Self::Builtin => Ok(Catalog::builtin().clone()),
            Self::Server => {
                let client = Client::new(&Connection::find(connection)?)?;
                in_force(&client).await.map(Arc::new)
            }
            Self::Path(path) => from_path(path).map(Arc::new),
        }
    }
}

/// The catalog in force on a server.
pub(crate) async fn in_force(client: &Client) -> anyhow::Result<Catalog> {
    let text = client.get_text("catalog/facts").await?;
    facts::read(&text).context("the server's catalog is of another version of Ordain than this command")
}

/// The catalog of a file of facts, or of a checkout. What a newer schema says in words that are not known here is
/// remarked.
pub(crate) fn from_path(path: &Path) -> anyhow::Result<Catalog> {
    if !path.is_dir() {
        let text = limited(path, MAX_FACTS).with_context(|| path.display().to_string())?;
        let text = String::from_utf8(text).with_context(|| path.display().to_string())?;
        return facts::read(&text).with_context(|| path.display().to_string());
    }
    let mut files = Vec::new();
    collect(path, "", 0, &mut files)?;
    let schema = schema::read(files).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow!("{} cannot be read:\n{}", path.display(), problems.join("\n"))
    })?;
    for unknown in &schema.unknown {
        output::note(&format!("left out: {unknown}"));
    }
    Ok(schema.catalog)
}

/// The YAML files below `dir`, with their paths from there.
fn collect(
    root: &Path,
    inside: &str,
    depth: usize,
    files: &mut Vec<(String, Vec<u8>)>,
) -> anyhow::Result<()> {
    const MAX_DEPTH: usize = 16;

    let folder = root.join(inside);
    ensure!(
        depth <= MAX_DEPTH,
        "{}: folders in folders without end",
        folder.display()
    );
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let entry = entry.with_context(|| folder.display().to_string())?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{inside}{name}");
        // A link may lead anywhere, and a checkout has none.
        let about = entry
            .file_type()
            .with_context(|| entry.path().display().to_string())?;
        if about.is_dir() && !name.starts_with('.') {
            collect(root, &format!("{path}/"), depth + 1, files)?;
        } else if about.is_file() && schema::takes(&path) {
            if files.len() > MAX_FILES {
                bail!("{} has more than {MAX_FILES} files of schema", root.display());
            }
            let bytes = limited(&entry.path(), MAX_OCTETS as u64);
            files.push((path, bytes.with_context(|| entry.path().display().to_string())?));
        }
    }
    Ok(())
}

/// A file's bytes, if it has at most so many.
pub(crate) fn limited(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= most, "it has more than {most} octets");
    Ok(bytes)
}
