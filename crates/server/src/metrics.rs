//! What operators watch, in Prometheus' text form.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::push::metrics::PushMetrics;

/// The metrics of one server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    refusals: Family<ReasonLabels, Counter>,
    writes: Family<KindLabels, Counter>,
    /// The revision that this node knows.
    pub(crate) revision: Gauge,
    /// Decisions that were made again since somebody else was faster.
    pub(crate) conflicts: Counter<u64, AtomicU64>,
    /// Predicates of which a report newly says something else than Ordain.
    pub(crate) predicate_disagreements: Counter<u64, AtomicU64>,
    evaluations: Counter<u64, AtomicU64>,
    /// Devices whose memberships are to be decided by the present conditions.
    pub(crate) memberships_due: Gauge,
    /// Pushes.
    pub(crate) push: PushMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ordain");
        let requests = Family::default();
        registry.register("requests", "Requests answered", requests.clone());
        let seconds = Family::<RouteLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_25, 4.0, 8))
        });
        registry.register("request_seconds", "Time to answer, in seconds", seconds.clone());
        let refusals = Family::default();
        registry.register("refusals", "Device requests refused", refusals.clone());
        let writes = Family::default();
        registry.register(
            "writes",
            "What devices gave reason to write, and was committed",
            writes.clone(),
        );
        let revision = Gauge::default();
        registry.register(
            "revision",
            "The wanted revision that this node knows",
            revision.clone(),
        );
        let conflicts = Counter::default();
        registry.register(
            "conflicts",
            "Decisions made again after a lost race",
            conflicts.clone(),
        );
        let predicate_disagreements = Counter::default();
        registry.register(
            "predicate_disagreements",
            "Predicates of which a device newly says something else than Ordain makes of what it reports",
            predicate_disagreements.clone(),
        );
        let evaluations = Counter::default();
        registry.register(
            "group_evaluations",
            "Predicates of groups evaluated to decide memberships",
            evaluations.clone(),
        );
        let memberships_due = Gauge::default();
        registry.register(
            "group_memberships_due",
            "Devices whose memberships in groups by predicate this node is deciding in the background",
            memberships_due.clone(),
        );
        let push = PushMetrics::registered(&mut registry);
        Self {
            registry,
            requests,
            seconds,
            refusals,
            writes,
            revision,
            conflicts,
            predicate_disagreements,
            evaluations,
            memberships_due,
            push,
        }
    }
}

impl Metrics {
    /// Counts one answer. `route` is the route's pattern, so that devices cannot make labels up.
    pub(crate) fn answered(&self, route: &str, status: u16, seconds: f64) {
        self.requests
            .get_or_create(&RequestLabels {
                route: route.to_owned(),
                status,
            })
            .inc();
        self.seconds
            .get_or_create(&RouteLabels {
                route: route.to_owned(),
            })
            .observe(seconds);
    }

    /// Counts one refusal.
    pub(crate) fn refused(&self, reason: &str) {
        self.refusals
            .get_or_create(&ReasonLabels {
                reason: reason.to_owned(),
            })
            .inc();
    }

    /// Counts `count` committed writes of a kind.
    pub(crate) fn wrote(&self, kind: &'static str, count: u64) {
        self.writes.get_or_create(&KindLabels { kind }).inc_by(count);
    }

    /// So many predicates of groups were evaluated in all.
    pub(crate) fn evaluated(&self, total: u64) {
        self.evaluations.inner().fetch_max(total, Ordering::Relaxed);
    }

    /// All of them, in Prometheus' text form.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
