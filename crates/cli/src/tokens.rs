//! `ordain token`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use ordain_server::api::{CreatedToken, NewToken, TokenRow};

use crate::args::{AskArgs, ConnectionArgs, JsonArgs, Usage};
use crate::client::{Client, encoded};
use crate::connection::Connection;
use crate::table::{NOTHING, Table, shortened};
use crate::{output, time};

/// The commands below `ordain token`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a token, and shows it this once
    Create(CreateArgs),
    /// Lists the tokens, but not their secrets
    List(AskArgs),
    /// Ends a token
    Revoke(RevokeArgs),
}

/// Options of `ordain token create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What people call it
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is for
    #[arg(long, value_enum, default_value_t = Role::Admin)]
    role: Role,
    /// How long it works: 90s, 30m, 12h, 7d [default: 7d for enrollment, else for ever]
    #[arg(long, value_name = "SPAN", value_parser = time::parse_span)]
    valid_for: Option<Duration>,
    /// Enrollment: for how many devices [default: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i64).range(1..))]
    uses: Option<i64>,
    /// Enrollment: only for the device with this serial number
    #[arg(long)]
    serial: Option<String>,
    /// Enrollment: the push topic of the profile [default: that of the push certificate]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    topic: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Administrators' commands and other users of the API
    Admin,
    /// Devices that enroll
    Enrollment,
}

/// Options of `ordain token revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Its identifier, as `ordain token list` shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Makes, lists or revokes.
pub(crate) async fn run(command: TokenCommand) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create(args) => create(args).await,
        TokenCommand::List(args) => list(args).await,
        TokenCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let bound = args.uses.is_some() || args.serial.is_some() || args.topic.is_some();
    if args.role == Role::Admin && bound {
        return Err(Usage("--uses, --serial and --topic are for --role enrollment".to_owned()).into());
    }
    let new = NewToken {
        name: args.name,
        role: match args.role {
            Role::Admin => "admin",
            Role::Enrollment => "enrollment",
        }
        .to_owned(),
        valid_for: args
            .valid_for
            .map(|span| i64::try_from(span.as_secs()))
            .transpose()?,
        uses: args.uses,
        serial: args.serial,
        topic: args.topic,
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let created: CreatedToken = client.post("tokens", &new).await?;
    if args.output.json {
        return output::json(&created);
    }
    output::text(&created.token)?;
    if let Some(url) = &created.url {
        output::note(&format!("a device gets its profile at {url}"));
    } else if created.row.role == "enrollment" {
        output::note("there is no push certificate, so it enrolls Windows devices only, as their password");
    }
    let end = created
        .row
        .expires_at
        .map_or("until it is revoked".to_owned(), |at| {
            format!("until {}", time::date(at))
        });
    output::note(&format!("{} works {end}; it is shown this once", created.row.id));
    Ok(())
}

async fn list(args: AskArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let tokens: Vec<TokenRow> = client.get("tokens").await?;
    if args.output.json {
        output::json(&tokens)
    } else {
        output::text(&view(&tokens))
    }
}

fn view(tokens: &[TokenRow]) -> String {
    let mut table = Table::new(["id", "name", "role", "made", "ends", "uses", "for"]);
    for token in tokens {
        let known = |text: &Option<String>| {
            text.as_deref()
                .map_or(NOTHING.to_owned(), |text| shortened(text, 20))
        };
        table.row([
            token.id.clone(),
            shortened(&token.name, 20),
            token.role.clone(),
            time::date(token.created_at),
            token.expires_at.map_or("never".to_owned(), time::date),
            token
                .uses_left
                .map_or(NOTHING.to_owned(), |uses| uses.to_string()),
            known(&token.serial),
        ]);
    }
    table.to_string()
}

async fn revoke(args: RevokeArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    client
        .order(Method::DELETE, &format!("tokens/{}", encoded(&args.id)))
        .await?;
    output::text(&format!("revoked: {}", args.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_listed() {
        let admin = TokenRow {
            id: "k3v9".into(),
            name: "admin".into(),
            role: "admin".into(),
            created_at: 1_795_264_807,
            expires_at: None,
            uses_left: None,
            serial: None,
            topic: None,
        };
        let enrollment = TokenRow {
            id: "q7zz".into(),
            name: "the lab's new machines, autumn".into(),
            role: "enrollment".into(),
            expires_at: Some(1_795_869_607),
            uses_left: Some(25),
            serial: Some("C02XK1ZZJGH5".into()),
            ..admin.clone()
        };
        insta::assert_snapshot!(view(&[admin, enrollment]), @r#"
        ID    NAME                  ROLE        MADE                  ENDS                  USES  FOR
        k3v9  admin                 admin       2026-11-21 12:40:07Z  never                 -     -
        q7zz  the lab's new machi…  enrollment  2026-11-21 12:40:07Z  2026-11-28 12:40:07Z  25    C02XK1ZZJGH5
        "#);
    }
}
