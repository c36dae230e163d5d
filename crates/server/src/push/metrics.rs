//! What operators watch of the pushes.

use ordain_model::enrollment::Service;
use ordain_model::sweep::Sweep;
use ordain_model::wake::Outcome;
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
    swept: Family<ServiceLabels, Gauge>,
    channels: Family<ServiceLabels, Gauge>,
    revision: Family<ServiceLabels, Gauge>,
    /// The end of the certificate, in unix seconds.
    pub(crate) certificate_ends: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    service: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: &'static str,
}

impl PushMetrics {
    /// New ones, in `registry`.
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register(
            "pushes",
            "Pushes by what the service made of them",
            new.pushes.clone(),
        );
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
    pub(super) fn came_of(&self, service: Service, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Accepted => "accepted",
            Outcome::Dead { .. } => "dead",
            Outcome::Slow { .. } => "slow",
            Outcome::Retry { .. } => "retry",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Misconfigured { .. } => "misconfigured",
            Outcome::Refused { .. } => "refused",
        };
        let service = service.as_str();
        self.pushes
            .get_or_create(&OutcomeLabels { service, outcome })
            .inc();
    }

    /// Notes how far the sweep is.
    pub(super) fn swept(&self, service: Service, sweep: &Sweep) {
        let service = ServiceLabels {
            service: service.as_str(),
        };
        let set = |of: &Family<ServiceLabels, Gauge>, number: u64| {
            of.get_or_create(&service).set(number.cast_signed());
        };
        set(&self.swept, sweep.tally.looked_at());
        set(&self.channels, sweep.total);
        set(&self.revision, sweep.revision);
    }
}
