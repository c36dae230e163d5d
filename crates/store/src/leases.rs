//! Leases: what only one node at a time may do. A node that ends without a word loses its lease when it runs out.

use crate::{Step, Store, StoreError};

impl Store {
    /// Takes the lease `name` for `holder` until `until`, or keeps it that long; both times are in unix seconds.
    /// Whether it is his: of another one it can be had only when it has run out. A database of one node needs none.
    pub async fn lease(&self, name: &str, holder: &str, now: i64, until: i64) -> Result<bool, StoreError> {
        if !self.is_shared() {
            return Ok(true);
        }
        let step = Step::one(
            "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $4) ON CONFLICT (name) DO UPDATE SET \
             holder = excluded.holder, until = excluded.until WHERE lease.holder = excluded.holder OR lease.until < $3",
            vec![name.into(), holder.into(), now.into(), until.into()],
        );
        match self.commit_steps(vec![step]).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the lease `name` back, if `holder` has it.
    pub async fn release(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        let step = Step::new(
            "DELETE FROM lease WHERE name = $1 AND holder = $2",
            vec![name.into(), holder.into()],
        );
        self.commit_steps(vec![step]).await
    }
}
