//! Twins on the way to a server: what `ordain simulate` and `ordain demo` have in common.

mod account;
mod twins;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use ordain_server::api::{CreatedToken, Identities, NewIdentities, NewToken};
use ordain_twin::driver::{Issuer, Roots};

pub(crate) use account::{Account, in_order};
pub(crate) use twins::{Course, Progress, Twins};

use crate::client::{Client, encoded};
use crate::connection::Connection;
use crate::tls::Trust;

/// What twins say in place of the topic of a push certificate.
pub(crate) const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000";

/// The server's own device CA, asked by an administrator.
pub(crate) fn server_issuer(client: Client) -> Issuer {
    Issuer::Bulk(Box::new(move |requests| {
        let client = client.clone();
        Box::pin(async move {
            order(&client, &requests)
                .await
                .map_err(|error| format!("{error:#}"))
        })
    }))
}

async fn order(client: &Client, requests: &[Vec<u8>]) -> anyhow::Result<Vec<Vec<u8>>> {
    let new = NewIdentities {
        requests: requests.iter().map(|der| STANDARD.encode(der)).collect(),
    };
    let issued: Identities = client.post("identities", &new).await?;
    Ok(issued
        .certificates
        .iter()
        .map(|text| STANDARD.decode(text))
        .collect::<Result<_, _>>()?)
}

/// Twins trust whom administrators trust.
pub(crate) fn roots(connection: &Connection) -> Roots {
    match &connection.trust {
        Trust::Authorities(pem) => Roots::Pem(pem.clone().into_bytes()),
        // A device knows a server by its name: for one that was given its certificate, name its address.
        Trust::System | Trust::Itself(_) => Roots::System,
    }
}

/// A token with which `devices` Windows devices enroll, for as long as `valid_for`.
pub(crate) async fn enrollment_token(
    client: &Client,
    devices: usize,
    valid_for: Duration,
) -> anyhow::Result<CreatedToken> {
    let new = NewToken {
        name: "simulated devices".to_owned(),
        role: "enrollment".to_owned(),
        valid_for: Some(i64::try_from(valid_for.as_secs())?.max(60)),
        uses: Some(i64::try_from(devices)?),
        serial: None,
        topic: None,
    };
    Ok(client.post("tokens", &new).await?)
}

/// Ends it: whoever did not enroll meanwhile does not any more.
pub(crate) async fn revoke(client: &Client, token: &CreatedToken) -> anyhow::Result<()> {
    let path = format!("tokens/{}", encoded(&token.row.id));
    Ok(client.order(Method::DELETE, &path).await?)
}
