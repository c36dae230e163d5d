//! What a node needs before it pushes anybody: the lease, and a certificate or credentials.

use std::time::Duration;

use ordain_model::enrollment::Service;
use ordain_store::StoreError;
use tokio::time::Instant;

use super::Sweeper;
use crate::push::certificate::{PushCertificate, Warning};
use crate::push::client::{Client, Found};
use crate::push::trouble::Trouble;
use crate::push::walk::Walk;
use crate::push::warning_text;

/// How often the lease is kept that one node has, and for how long it lasts, in seconds.
const KEEP_LEASE: Duration = Duration::from_secs(10);
const LEASE_LASTS: i64 = 30;
/// How long to wait before another node is asked for the lease.
const ASK_LEASE: Duration = Duration::from_secs(2);
/// How often what is pushed with is looked for: another node may have taken a new one.
const EQUIP: Duration = Duration::from_secs(5);
/// How often its end is warned of, in seconds.
const DAY: i64 = 24 * 60 * 60;

impl Sweeper {
    /// The lease that one node has.
    pub(super) fn lease_name(&self) -> &'static str {
        match self.service {
            Service::Apns => "push",
            Service::Wns => "push-wns",
        }
    }

    /// Whether this node is the one that pushes.
    pub(super) async fn has_lease(&mut self) -> Result<bool, StoreError> {
        if let Some((until, is_ours)) = self.lease
            && Instant::now() < until
        {
            return Ok(is_ours);
        }
        let (now, node) = (self.app.now(), &self.app.push.node);
        let is_ours = self
            .app
            .store
            .lease(self.lease_name(), node, now, now + LEASE_LASTS)
            .await?;
        if is_ours && !self.lease.is_some_and(|(_, was_ours)| was_ours) {
            self.begin().await?;
        }
        let until = Instant::now() + if is_ours { KEEP_LEASE } else { ASK_LEASE };
        self.lease = Some((until, is_ours));
        Ok(is_ours)
    }

    /// Begins from what is written: another node may have been at it until now.
    async fn begin(&mut self) -> Result<(), StoreError> {
        for job in self.due.drain(..).chain(self.walking.drain(..)) {
            self.taken.remove(job.id());
        }
        let first = self.walk.as_ref().map_or(0, Walk::next);
        self.walk = Some(Walk::new(self.app.store.sweep(self.service).await?, first));
        self.app.keep_trouble(self.service, self.trouble.as_ref()).await?;
        self.told_trouble = self.trouble.clone();
        self.is_news = true;
        Ok(())
    }

    /// Whether there is something to push with.
    pub(super) async fn is_equipped(&mut self) -> Result<bool, StoreError> {
        if self.equipped_at.is_some_and(|at| at.elapsed() < EQUIP) {
            return Ok(self.client.is_some());
        }
        let found = Client::find(&self.app, self.service, self.client.as_ref()).await?;
        self.equipped_at = Some(Instant::now());
        match found {
            Found::Nothing => {
                self.client = None;
                self.is_news = false;
            }
            Found::Same => {}
            Found::Another(client) => {
                self.trouble = None;
                match client {
                    Ok(client) => self.client = Some(client),
                    Err(error) => {
                        self.client = None;
                        self.blame_us(error);
                    }
                }
            }
        }
        if let Some(Client::Apns(certificate, _)) = &self.client {
            self.warn(&certificate.clone());
        }
        Ok(self.client.is_some())
    }

    /// Warns of the end of the certificate, once a day.
    fn warn(&mut self, certificate: &PushCertificate) {
        let now = self.app.now();
        self.app.metrics.push.certificate_ends.set(certificate.not_after);
        if self.warned_at.is_some_and(|at| now < at + DAY) {
            return;
        }
        self.warned_at = Some(now);
        match certificate.warning(now) {
            Some(Warning::Expired) => tracing::error!("{}", warning_text(Warning::Expired)),
            Some(warning) => tracing::warn!("{}", warning_text(warning)),
            None => {}
        }
    }

    /// What is set up here is wrong: nobody is pushed until the pause is over.
    pub(super) fn blame_us(&mut self, reason: String) {
        let trouble = Trouble::ours(self.trouble.clone(), reason, self.app.now());
        if self.trouble.as_ref() != Some(&trouble) {
            let service = self.service;
            tracing::error!(reason = trouble.reason, ?service, "no device can be pushed");
        }
        self.trouble = Some(trouble);
    }
}
