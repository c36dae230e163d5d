//! `ordain enrollment-profile`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use ordain_server::api::NewEnrollmentProfile;

use crate::args::{ConnectionArgs, Usage};
use crate::client::Client;
use crate::connection::Connection;
use crate::output;

/// Options of `ordain enrollment-profile`.
#[derive(Debug, Args)]
pub(crate) struct EnrollmentProfileArgs {
    /// The push topic, com.apple.mgmt.External.… [default: that of the push certificate]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    topic: Option<String>,
    /// Only for the device with this serial number
    #[arg(long)]
    serial: Option<String>,
    /// Renew the identity of this enrollment
    #[arg(long, value_name = "ID")]
    renew: Option<String>,
    /// The organization that people see
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Where to write it; otherwise to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Makes a profile.
pub(crate) async fn run(args: EnrollmentProfileArgs) -> anyhow::Result<()> {
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(
            Usage("the profile holds a private key: name a file for it with -o FILE".to_owned()).into(),
        );
    }
    let new = NewEnrollmentProfile {
        topic: args.topic,
        serial: args.serial,
        renew: args.renew,
        organization: args.organization,
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let profile = client.post_for_bytes("enrollment-profiles", &new).await?;
    match args.output {
        None => output::bytes(&profile),
        Some(file) => {
            write(&file, &profile).with_context(|| file.display().to_string())?;
            output::note(&format!(
                "{} enrolls one device; it holds that device's private key",
                file.display()
            ));
            Ok(())
        }
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let dir = file
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    new.write_all(content)?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.mobileconfig");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
