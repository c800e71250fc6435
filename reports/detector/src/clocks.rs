//! Whether the services' clocks agree.
//!
//! Nothing is received before it was sent, and a call is answered within the call. Where spans of two services say otherwise, the
//! clock of one of them is wrong by as much at least. Which one it is, and since when, is not asked: whoever measures a time by
//! either may be wrong by that much.

use std::{collections::BTreeMap, sync::Arc};

use opentelemetry::{
    SpanId,
    trace::{SpanKind, Status},
};
use signals::Span;

use crate::{
    order::Order,
    record::span_number,
    way::{StepId, Way},
};

/// Clocks that are kept differ by less than this, nanoseconds.
const APART: u64 = 10_000_000;

/// Calls have it, and nothing else that has two ends (semantic conventions for HTTP).
const CALL: &str = "http.request.method";

/// So many calls of which one end was seen may wait for the other.
const WAITING: usize = 4096;

/// What spans say of clocks.
#[derive(Default)]
pub(crate) struct Clocks {
    /// Calls of which one end was seen, by the caller's span; the older half is forgotten when there are too many.
    young: BTreeMap<u64, End>,
    old: BTreeMap<u64, End>,
    /// By service: how much its clock may be wrong.
    wrong: BTreeMap<Arc<str>, u64>,
}

/// One end of a call.
struct End {
    service: Arc<str>,
    caller: bool,
    start_ns: u64,
    end_ns: u64,
    /// The caller has given up, and may have done so before the end.
    failed: bool,
}

impl Clocks {
    /// Takes in one end of a call. A front passes a request on without a span of its own for that: then the request that it was
    /// asked is the outer end, as it would not answer before it was answered.
    pub(crate) fn hear(&mut self, span: &Span) {
        if !span.attributes.iter().any(|attribute| attribute.key.as_str() == CALL) {
            return;
        }
        match span.kind {
            SpanKind::Client => self.meet(span.span_id, true, span),
            SpanKind::Server => {
                self.meet(span.parent_span_id, false, span);
                self.meet(span.span_id, true, span);
            }
            _ => {}
        }
    }

    /// One end of a call meets the other, or waits for it.
    fn meet(&mut self, call: SpanId, caller: bool, span: &Span) {
        if call == SpanId::INVALID {
            return;
        }
        let call = span_number(call);
        let other = self.young.remove(&call).or_else(|| self.old.remove(&call));
        let failed = matches!(span.status, Status::Error { .. });
        let service = Arc::clone(&span.resource.service);
        let end = End { service, caller, start_ns: span.start_ns, end_ns: span.end_ns, failed };
        match other {
            Some(other) if other.caller != caller => {
                let (outer, inner) = if caller { (&end, &other) } else { (&other, &end) };
                let outlived = !outer.failed && inner.end_ns > outer.end_ns + APART;
                if outer.service != inner.service && (outlived || inner.start_ns + APART < outer.start_ns) {
                    let apart = inner.start_ns.abs_diff(outer.start_ns).max(inner.end_ns.abs_diff(outer.end_ns));
                    self.disagree([&outer.service, &inner.service], apart);
                }
            }
            _ => {
                if self.young.len() >= WAITING {
                    self.old = std::mem::take(&mut self.young);
                }
                self.young.insert(call, end);
            }
        }
    }

    /// Looks at the messages of an order: none was sent before its state was recorded, nor received before it was sent.
    pub(crate) fn check(&mut self, order: &Order, way: &Way) {
        for (message, [sent, received, _]) in way.message.iter().copied().enumerate() {
            let [sender, receiver] = way.parties[message];
            for sending in order.of(sent as u8) {
                let came = order.of(received as u8).filter(|came| came.label == sending.label && sending.label != 0);
                came.for_each(|came| self.follows([sender, receiver], [sending.at_ns, came.at_ns], way));
            }
            let owner = way.steps[sent].begin;
            let first = |step: StepId| order.of(step as u8).map(|record| record.at_ns).min();
            if let Some((recorded_ns, sent_ns)) = first(owner).zip(first(sent)) {
                self.follows([way.steps[owner].service, sender], [recorded_ns, sent_ns], way);
            }
        }
    }

    /// What one service did followed what another did.
    fn follows(&mut self, services: [usize; 2], [before_ns, after_ns]: [u64; 2], way: &Way) {
        if services[0] != services[1] && after_ns + APART < before_ns {
            let both = services.map(|service| Arc::from(way.services[service].as_str()));
            self.disagree([&both[0], &both[1]], before_ns - after_ns);
        }
    }

    fn disagree(&mut self, services: [&Arc<str>; 2], by_ns: u64) {
        for service in services {
            let wrong = self.wrong.entry(Arc::clone(service)).or_default();
            *wrong = (*wrong).max(by_ns);
        }
    }

    /// By service of the way: how much its clock may be wrong.
    pub(crate) fn slack(&self, way: &Way) -> Vec<u64> {
        way.services.iter().map(|service| self.wrong.get(service.as_str()).copied().unwrap_or(0)).collect()
    }
}
