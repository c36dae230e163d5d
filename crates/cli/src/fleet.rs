//! Twins on the way to a server: what `ordain simulate` and `ordain demo` have in common.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordain_server::api::{Identities, NewIdentities};
use ordain_twin::driver::{Issuer, Outcome, Roots};
use ordain_twin::twin::Standing;
use serde::Serialize;

use crate::client::Client;
use crate::connection::Connection;
use crate::table::{Table, clean};
use crate::tls::Trust;

/// What twins say in place of the topic of a push certificate.
pub(crate) const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000";
/// So many different complaints and errors are shown.
const SHOWN_TROUBLES: usize = 10;

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

/// How a fleet fared, by its own word.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Account {
    /// The whole fleet.
    pub(crate) total: Tally,
    /// The same by platform.
    platforms: BTreeMap<String, Tally>,
    /// Requests that were answered.
    requests: u64,
    /// Pushes that reached the twins.
    pushes: u64,
    /// DeclarativeManagement commands that they got.
    syncs: u64,
    /// Attempts that were not.
    pub(crate) errors: u64,
    /// Rules of the protocol that the server broke.
    pub(crate) complaints: u64,
    /// Errors and complaints in words, and on how many twins.
    troubles: BTreeMap<String, u64>,
}

/// Counts over some twins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// How many they are.
    pub(crate) twins: u64,
    /// Those that are enrolled.
    enrolled: u64,
    /// Those that have done all that they were told.
    pub(crate) converged: u64,
    /// The declarations that they hold.
    declarations: usize,
    /// Those among them that they refuse.
    invalid: usize,
}

impl Account {
    /// Sums up.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let mut account = Self {
            requests: outcome.progress.requests,
            errors: outcome.progress.errors,
            complaints: outcome.progress.complaints,
            pushes: outcome.progress.pushes,
            syncs: outcome.progress.syncs,
            ..Self::default()
        };
        for twin in &outcome.twins {
            for tally in [
                &mut account.total,
                account.platforms.entry(twin.platform.to_string()).or_default(),
            ] {
                tally.twins += 1;
                tally.enrolled +=
                    u64::from(matches!(twin.standing, Standing::Enrolled | Standing::Converged));
                tally.converged += u64::from(twin.standing == Standing::Converged);
                tally.declarations += twin.declarations;
                tally.invalid += twin.invalid;
            }
            let mut troubles: Vec<String> = twin.complaints.iter().map(ToString::to_string).collect();
            troubles.extend(twin.errors.iter().cloned());
            troubles.sort();
            troubles.dedup();
            for trouble in troubles {
                *account.troubles.entry(trouble).or_default() += 1;
            }
        }
        account
    }

    /// Whether nothing went wrong on the way.
    pub(crate) fn is_clean(&self) -> bool {
        self.errors == 0 && self.complaints == 0
    }

    /// A table by platform, and what went wrong.
    pub(crate) fn view(&self) -> String {
        let mut table = Table::new([
            "platform",
            "twins",
            "enrolled",
            "converged",
            "declarations",
            "invalid",
        ]);
        let all = ("all".to_owned(), self.total);
        let platforms = self
            .platforms
            .iter()
            .map(|(platform, tally)| (platform.clone(), *tally));
        for (platform, tally) in platforms.chain([all]) {
            table.row([
                platform,
                tally.twins.to_string(),
                tally.enrolled.to_string(),
                tally.converged.to_string(),
                tally.declarations.to_string(),
                tally.invalid.to_string(),
            ]);
        }
        let Self {
            requests,
            pushes,
            syncs,
            errors,
            complaints,
            ..
        } = self;
        let mut text = format!(
            "{table}\n\n{pushes} pushes, {syncs} DeclarativeManagement commands, {requests} requests, {errors} errors, \
             {complaints} complaints"
        );
        for (trouble, twins) in self.troubles.iter().take(SHOWN_TROUBLES) {
            text += &format!("\n! {} (on {twins})", clean(trouble));
        }
        if let Some(more @ 1..) = self.troubles.len().checked_sub(SHOWN_TROUBLES) {
            text += &format!("\n! and {more} others");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use ordain_twin::driver::{Fleet, MIX};
    use ordain_twin::twin::Settings;

    use super::*;

    #[tokio::test]
    async fn a_fleet_is_summed_up_by_platform() {
        let fleet = Fleet::new(
            7,
            1,
            MIX,
            &Settings {
                topic: TOPIC.to_owned(),
                gather: 0,
            },
        );
        let mut outcome = fleet.outcome().await;
        outcome.progress.requests = 123;
        outcome.progress.errors = 3;
        for twin in &mut outcome.twins {
            twin.standing = Standing::Converged;
            twin.declarations = 9;
        }
        outcome.twins[0].standing = Standing::Enrolled;
        outcome.twins[1].errors = vec!["no answer".into(), "no answer".into()];
        outcome.twins[2].errors = vec!["no answer".into()];
        let account = Account::of(&outcome);
        assert!(!account.is_clean());
        assert_eq!((account.total.twins, account.total.converged), (7, 6));
        insta::assert_snapshot!(account.view(), @r#"
        PLATFORM  TWINS  ENROLLED  CONVERGED  DECLARATIONS  INVALID
        iOS       3      3         3          27            0
        iPadOS    1      1         1          9             0
        macOS     2      2         1          18            0
        tvOS      1      1         1          9             0
        all       7      7         6          63            0

        0 pushes, 0 DeclarativeManagement commands, 123 requests, 3 errors, 0 complaints
        ! no answer (on 2)
        "#);
    }
}
