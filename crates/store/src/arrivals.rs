//! What is known of certificates and names, as devices that enroll make one ask for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use futures_util::future::join;
use ordain_model::decision::Identity;
use ordain_model::ids::{Digest, EnrollmentId};
use quick_cache::sync::Cache;

use crate::together::{Ask, Together, answer_all, rows_of};
use crate::value::Row;
use crate::{Database, Store, StoreError};

/// The first claimants of names, by name.
type Claimants = HashMap<String, String>;

/// Certificates that are remembered to be known.
const MOST_KNOWN: usize = 10_000;

/// Reads certificates and names.
pub(crate) struct Arrivals {
    identities: Together<Digest, Option<Identity>>,
    claims: Together<Vec<String>, Claimants>,
    /// Certificates that were found: what is known once stays known.
    known: Cache<Digest, ()>,
}

impl Arrivals {
    /// Reads from `database` for as long as that lives: whom to ask, and what answers.
    pub(crate) fn new(database: &Arc<Database>) -> (Self, impl Future<Output = ()> + use<>) {
        let weak = Arc::downgrade(database);
        let (identities, answering) = Together::new(move |asks| answer_identities(weak.clone(), asks));
        let weak = Arc::downgrade(database);
        let (claims, claiming) = Together::new(move |asks| answer_claims(weak.clone(), asks));
        let serving = async {
            join(answering, claiming).await;
        };
        let arrivals = Self {
            identities,
            claims,
            known: Cache::new(MOST_KNOWN),
        };
        (arrivals, serving)
    }
}

impl Store {
    /// What is known of a certificate.
    pub async fn identity(&self, fingerprint: Digest) -> Result<Option<Identity>, StoreError> {
        let found = self.arrivals.identities.ask(fingerprint).await?;
        if found.is_some() {
            self.arrivals.known.insert(fingerprint, ());
        }
        Ok(found)
    }

    /// Whether nothing may be known of a certificate, as far as memory tells. Whoever presumes so and is wrong loses a commit, and
    /// others must write theirs again: so once [`Store::identity`] has found it, nobody does.
    pub fn may_be_new(&self, fingerprint: Digest) -> bool {
        self.arrivals.known.get(&fingerprint).is_none()
    }

    /// Those of `names` that another device than that of `id` claimed first, whatever it says or is now.
    pub async fn claimed_elsewhere(
        &self,
        names: impl Iterator<Item = &str>,
        id: &EnrollmentId,
    ) -> Result<BTreeSet<String>, StoreError> {
        let claimants = self
            .arrivals
            .claims
            .ask(names.map(str::to_owned).collect())
            .await?;
        let elsewhere = claimants
            .into_iter()
            .filter(|(_, device)| device != id.device_part());
        Ok(elsewhere.map(|(name, _)| name).collect())
    }
}

async fn answer_identities(database: Weak<Database>, asks: Vec<Ask<Digest, Option<Identity>>>) {
    let Some(database) = database.upgrade() else {
        return;
    };
    let found = async {
        let fingerprints: Vec<String> = asks.iter().map(|ask| ask.question.to_string()).collect();
        let sql = "SELECT fingerprint, role, enrollment, serial, usable_until FROM identity";
        let rows = rows_of(
            &database,
            sql,
            "fingerprint",
            fingerprints.iter().map(String::as_str),
        );
        let rows = rows.await?;
        // One that cannot be read is the fault of that one.
        rows.iter()
            .map(|row| Ok((row.parse::<Digest>(0)?, identity(row))))
            .collect::<Result<HashMap<_, _>, StoreError>>()
    };
    let found = found.await;
    drop(database);
    answer_all(asks, found, |found, fingerprint| {
        found.get(fingerprint).cloned().transpose()
    });
}

async fn answer_claims(database: Weak<Database>, asks: Vec<Ask<Vec<String>, Claimants>>) {
    let Some(database) = database.upgrade() else {
        return;
    };
    let found = async {
        let names = asks.iter().flat_map(|ask| &ask.question).map(String::as_str);
        let rows = rows_of(&database, "SELECT name, device FROM claim", "name", names).await?;
        rows.iter()
            .map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
            .collect::<Result<Claimants, StoreError>>()
    };
    let found = found.await;
    drop(database);
    answer_all(asks, found, |found, names| {
        let claimed = names
            .iter()
            .filter_map(|name| Some((name.clone(), found.get(name)?.clone())));
        Ok(claimed.collect())
    });
}

fn identity(row: &Row) -> Result<Identity, StoreError> {
    let role = serde_json::Value::from(row.text(1)?);
    Ok(Identity {
        fingerprint: row.parse(0)?,
        role: serde_json::from_value(role).map_err(|error| StoreError::Corrupt(error.to_string()))?,
        enrollment: row.optional_text(2)?.map(|_| row.parse(2)).transpose()?,
        serial: row.optional_text(3)?.map(str::to_owned),
        usable_until: row.optional_integer(4)?,
    })
}
