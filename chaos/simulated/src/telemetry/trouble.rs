//! Telemetry faults: what becomes of spans on their way from the SDK to the backend.
//!
//! Two things are kept of each span that is hit, and they never meet: the fault's effect, for the ledger, and what the counters of SDK,
//! exporter, collector and backend tell of it, for whoever reads telemetry.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use faults::{Telemetry, What};
use signals::{
    Loss, Losses, Span,
    loss::Why,
};

use crate::runtime::lock;

/// All telemetry faults at present, and what was lost so far.
pub(super) struct Trouble {
    epoch_ns: u64,
    /// There is a fault: without one nobody asks further.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    active: Vec<Active>,
    told: Losses,
}

struct Active {
    fault: Arc<str>,
    how: Telemetry,
    /// By service.
    hits: BTreeMap<Arc<str>, Hits>,
}

/// Spans that a fault has hit.
#[derive(Clone, Copy)]
struct Hits {
    first_ns: u64,
    spans: u64,
}

impl Active {
    fn hit(&mut self, service: &Arc<str>, at_ns: u64) {
        self.hits.entry(Arc::clone(service)).or_insert(Hits { first_ns: at_ns, spans: 0 }).spans += 1;
    }
}

impl Trouble {
    pub(super) fn new(epoch_ns: u64) -> Self {
        Self { epoch_ns, any: AtomicBool::new(false), state: Mutex::default() }
    }

    fn wall_ns(&self, at: Duration) -> u64 {
        self.epoch_ns + u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn begin(&self, fault: &Arc<str>, how: Telemetry) {
        let active = Active { fault: Arc::clone(fault), how, hits: BTreeMap::new() };
        lock(&self.state).active.push(active);
        self.any.store(true, Relaxed);
    }

    /// Ends a fault; gives what it did, and since when.
    pub(super) fn end(&self, fault: &str) -> Vec<(u64, What)> {
        let mut state = lock(&self.state);
        let Some(at) = state.active.iter().position(|active| &*active.fault == fault) else { return Vec::new() };
        let Active { how, hits, .. } = state.active.remove(at);
        self.any.store(!state.active.is_empty(), Relaxed);
        let what = |service: &Arc<str>, hits: Hits| What::SpansBlurred {
            service: service.to_string(),
            how: how.name().to_owned(),
            spans: hits.spans,
        };
        hits.iter().map(|(service, hits)| (hits.first_ns, what(service, *hits))).collect()
    }

    pub(super) fn is_none(&self) -> bool {
        !self.any.load(Relaxed)
    }

    /// Whether the backend takes a span that is handed over.
    pub(super) fn takes(&self, at: Duration, span: &Span) -> bool {
        if self.is_none() {
            return true;
        }
        let (at_ns, mut state) = (self.wall_ns(at), lock(&self.state));
        let State { active, told } = &mut *state;
        let Some(outage) = active.iter_mut().find(|active| active.how == Telemetry::Outage) else { return true };
        let service = &span.resource.service;
        outage.hit(service, at_ns);
        told.count(Some(service), Why::ExportFailed, at_ns);
        false
    }

    /// What the counters tell so far.
    pub(super) fn losses(&self) -> Vec<Loss> {
        lock(&self.state).told.all().to_vec()
    }
}
