//! Telemetry faults: what becomes of spans on their way from the SDK to the backend.
//!
//! Two things are kept of each span that is hit, and they never meet: the fault's effect, for the ledger, and what the counters of SDK,
//! exporter, collector and backend tell of it, for whoever reads telemetry. Draws are keyed by trace or span, so that nothing of it
//! depends on what else is drawn.

mod state;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use faults::{Telemetry, What};
use opentelemetry::{KeyValue, TraceId};
use signals::{Loss, Span, loss::Why};
use world::random::Random;

use crate::runtime::lock;
use state::State;

/// A canary: it belongs to nobody (RFC 2606).
const E_MAIL: &str = "olga.petrova@example.com";
/// A canary: a number that is given to nobody.
const PHONE: &str = "+44 7700 900123";

/// All telemetry faults at present, and what was lost so far.
pub(super) struct Trouble {
    seed: u64,
    epoch_ns: u64,
    /// There is a fault: without one nobody asks further.
    any: AtomicBool,
    state: Mutex<State>,
}

/// What becomes of a span that is handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    Taken,
    /// The backend is away.
    Refused,
    /// A collector has taken it and dropped it.
    Late,
}

impl Trouble {
    pub(super) fn new(seed: u64, epoch_ns: u64) -> Self {
        Self { seed, epoch_ns, any: AtomicBool::new(false), state: Mutex::default() }
    }

    pub(super) fn is_none(&self) -> bool {
        !self.any.load(Relaxed)
    }

    fn wall_ns(&self, at: Duration) -> u64 {
        self.epoch_ns + u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
    }

    /// A draw from 0 to 1 that belongs to a fault and a trace or span.
    fn unit(&self, fault: &str, id: &[u8]) -> f64 {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Random::new(self.seed, fault, &id).unit()
    }

    pub(super) fn begin(&self, now: Duration, fault: &Arc<str>, how: Telemetry) {
        lock(&self.state).begin(self.wall_ns(now), fault, how);
        self.any.store(true, Relaxed);
    }

    /// Ends a fault; gives what it did, and since when. `received` is what the backend holds and nobody has read.
    pub(super) fn end(&self, now: Duration, fault: &str, received: &mut Vec<Span>) -> Vec<(u64, What)> {
        let mut state = lock(&self.state);
        let done = state.end((self.epoch_ns, self.wall_ns(now)), fault, received);
        self.any.store(!state.is_quiet(), Relaxed);
        done
    }

    /// Whether a span is recorded: as the span above it, else as its trace is drawn.
    pub(super) fn samples(&self, now: Duration, service: &Arc<str>, above: Option<bool>, trace: TraceId) -> bool {
        if above.unwrap_or(true) && self.is_none() {
            return true;
        }
        let (at_ns, mut state) = (self.wall_ns(now), lock(&self.state));
        let drawn = |fault: &str, ratio: f64| self.unit(fault, &trace.to_bytes()) < ratio;
        let sampled = above.unwrap_or_else(|| state.sampled(drawn));
        if !sampled {
            state.told.count(Some(service), Why::NotSampled, at_ns);
            state.hit(service, at_ns, |how| matches!(how, Telemetry::HeadSampled { .. }));
        }
        sampled
    }

    /// Changes what a span says.
    pub(super) fn distort(&self, now: Duration, span: &mut Span) {
        if self.is_none() {
            return;
        }
        let (at_ns, mut state) = (self.wall_ns(now), lock(&self.state));
        let service = Arc::clone(&span.resource.service);
        let times = [&mut span.start_ns, &mut span.end_ns].into_iter();
        let times = times.chain(span.events.iter_mut().map(|event| &mut event.time_ns));
        let moved = times.fold(false, |moved, at| {
            let shown = state.shown(&service, *at);
            std::mem::replace(at, shown) != shown || moved
        });
        if moved {
            state.hit(&service, at_ns, |how| matches!(how, Telemetry::Skewed { service: of, .. } if **of == *service));
        }
        if let Some((fault, share)) = state.leak(&service)
            && self.unit(&fault, &span.span_id.to_bytes()) < share
        {
            span.attributes.push(KeyValue::new("customer.email", E_MAIL));
            span.attributes.push(KeyValue::new("customer.phone", PHONE));
            state.hit(&service, at_ns, |how| matches!(how, Telemetry::Leaking { .. }));
        }
    }

    /// The time that a service's log record says.
    pub(super) fn noted(&self, service: &str, at_ns: u64) -> u64 {
        if self.is_none() { at_ns } else { lock(&self.state).shown(service, at_ns) }
    }

    /// Whether a service's SDK is switched off.
    pub(super) fn silences(&self, now: Duration, service: &Arc<str>) -> bool {
        if self.is_none() {
            return false;
        }
        let silenced = |how: &Telemetry| matches!(how, Telemetry::Silenced { service: of } if **of == **service);
        lock(&self.state).hit(service, self.wall_ns(now), silenced)
    }

    /// Whether a span finds the exporter's queue full.
    pub(super) fn overflows(&self, now: Duration, span: &Span) -> bool {
        if self.is_none() {
            return false;
        }
        let (at_ns, mut state) = (self.wall_ns(now), lock(&self.state));
        let service = &span.resource.service;
        let full = state.overflow(service).is_some_and(|(fault, share)| self.unit(&fault, &span.span_id.to_bytes()) < share);
        if full {
            state.told.count(Some(service), Why::QueueFull, at_ns);
            state.hit(service, at_ns, |how| matches!(how, Telemetry::Overflow { service: of, .. } if **of == **service));
        }
        full
    }

    /// What becomes of a span that is handed over.
    pub(super) fn handed(&self, at: Duration, span: &Span) -> Handed {
        if self.is_none() {
            return Handed::Taken;
        }
        let (at_ns, mut state) = (self.wall_ns(at), lock(&self.state));
        let service = &span.resource.service;
        if state.hit(service, at_ns, |how| *how == Telemetry::Outage) {
            state.told.count(Some(service), Why::ExportFailed, at_ns);
            return Handed::Refused;
        }
        if state.is_late(at_ns, span.trace_id) {
            // A collector counts the spans, and does not ask whose they are.
            state.told.count(None, Why::Late, at_ns);
            state.hit(service, at_ns, |how| matches!(how, Telemetry::TailSampled { .. }));
            return Handed::Late;
        }
        Handed::Taken
    }

    /// What the counters tell so far.
    pub(super) fn losses(&self) -> Vec<Loss> {
        lock(&self.state).told.all().to_vec()
    }
}
