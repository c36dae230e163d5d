//! `ordain push-certificate`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ordain_server::api::{NewPushCertificate, PushCertificate};

use crate::args::{AskArgs, ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::table::{Table, clean};
use crate::{output, time};

/// The commands below `ordain push-certificate`.
#[derive(Debug, Subcommand)]
pub(crate) enum PushCertificateCommand {
    /// Takes a certificate and its key
    Import(ImportArgs),
    /// Shows the certificate, and how long it lasts; exits with 1 when it has ended
    Status(AskArgs),
}

/// Options of `ordain push-certificate import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The certificate from Apple's push certificate portal, PEM; perhaps with its key
    #[arg(value_name = "CERT.pem")]
    certificate: PathBuf,
    /// The key that it was requested with, PEM
    #[arg(long, value_name = "KEY.pem")]
    key: Option<PathBuf>,
    /// Take it although no enrolled device has its topic: these must all enroll anew
    #[arg(long)]
    other_topic: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Imports or shows.
pub(crate) async fn run(command: PushCertificateCommand) -> anyhow::Result<()> {
    match command {
        PushCertificateCommand::Import(args) => import(args).await,
        PushCertificateCommand::Status(args) => status(args).await,
    }
}

async fn import(args: ImportArgs) -> anyhow::Result<()> {
    let read = |file: &Path| fs::read_to_string(file).with_context(|| file.display().to_string());
    let mut pem = read(&args.certificate)?;
    if let Some(key) = &args.key {
        pem = format!("{pem}\n{}", read(key)?);
    }
    let new = NewPushCertificate {
        pem,
        other_topic: args.other_topic,
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    show(client.post("push-certificate", &new).await?, args.output)
}

async fn status(args: AskArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let certificate: PushCertificate = client.get("push-certificate").await?;
    let is_expired = certificate.is_expired;
    show(certificate, args.output)?;
    if is_expired {
        bail!("the push certificate has expired");
    }
    Ok(())
}

fn show(certificate: PushCertificate, as_json: JsonArgs) -> anyhow::Result<()> {
    match as_json.json {
        true => output::json(&certificate),
        false => output::text(&view(&certificate)),
    }
}

/// Name and value of each fact, and the warnings below.
pub(crate) fn view(certificate: &PushCertificate) -> String {
    let mut table = Table::bare();
    let end = format!(
        "{} ({} days left)",
        time::date(certificate.expires_at),
        certificate.days_left
    );
    for (name, value) in [
        ("topic", &certificate.topic),
        ("subject", &certificate.subject),
        ("ends", &end),
        ("channels", &certificate.channels.to_string()),
    ] {
        table.row([name.to_owned(), value.clone()]);
    }
    let warnings = certificate.warnings.iter();
    let warnings: String = warnings
        .map(|warning| format!("\n! {}", clean(warning)))
        .collect();
    format!("{table}{warnings}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_stand_below() {
        let certificate = PushCertificate {
            topic: "com.apple.mgmt.External.1".into(),
            subject: "APSP:1".into(),
            expires_at: 1_795_869_607,
            days_left: 7,
            is_expired: false,
            channels: 12,
            warnings: vec!["it ends soon".into()],
        };
        insta::assert_snapshot!(view(&certificate), @r"
        topic     com.apple.mgmt.External.1
        subject   APSP:1
        ends      2026-11-28 12:40:07Z (7 days left)
        channels  12
        ! it ends soon
        ");
    }
}
