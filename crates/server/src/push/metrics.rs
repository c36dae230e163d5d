//! What operators watch of the pushes.

use ordain_apple::push::Outcome;
use ordain_model::sweep::Sweep;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The metrics of the push sweep.
#[derive(Default)]
pub(crate) struct PushMetrics {
    pushes: Family<OutcomeLabels, Counter>,
    /// Channels looked at.
    pub(crate) looked_at: Counter,
    swept: Gauge,
    channels: Gauge,
    revision: Gauge,
    /// The end of the certificate, in unix seconds.
    pub(crate) certificate_ends: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

impl PushMetrics {
    /// New ones, in `registry`.
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register("pushes", "Pushes by what APNs made of them", new.pushes.clone());
        let help = "Channels looked at, whether they must be woken";
        registry.register("push_looked_at", help, new.looked_at.clone());
        let help = "Channels that the sweep has passed";
        registry.register("push_swept", help, new.swept.clone());
        let help = "Channels that the sweep is about";
        registry.register("push_channels", help, new.channels.clone());
        let help = "The revision that the sweep tells of";
        registry.register("push_revision", help, new.revision.clone());
        let help = "The end of the push certificate, in unix seconds; 0 without one";
        registry.register("push_certificate_ends", help, new.certificate_ends.clone());
        new
    }

    /// Counts what came of a push.
    pub(super) fn came_of(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Accepted => "accepted",
            Outcome::Dead { .. } => "dead",
            Outcome::Slow { .. } => "slow",
            Outcome::Retry { .. } => "retry",
            Outcome::Misconfigured { .. } => "misconfigured",
            Outcome::Refused { .. } => "refused",
        };
        self.pushes.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Notes how far the sweep is.
    pub(super) fn swept(&self, sweep: &Sweep) {
        self.swept.set(sweep.tally.looked_at().cast_signed());
        self.channels.set(sweep.total.cast_signed());
        self.revision.set(sweep.revision.cast_signed());
    }
}
