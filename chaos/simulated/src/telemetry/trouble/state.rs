//! The faults at present, what each has hit, and what the counters tell.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use faults::{Telemetry, What};
use opentelemetry::TraceId;
use signals::{
    Loss, Losses, Span,
    loss::{EVERY_NS, Why},
};

#[derive(Default)]
pub(super) struct State {
    active: Vec<Active>,
    /// Also those that are right again: a span that began by one of them ends later.
    clocks: Vec<Clock>,
    pub(super) told: Losses,
}

struct Active {
    fault: Arc<str>,
    how: Telemetry,
    since_ns: u64,
    /// By service.
    hits: BTreeMap<Arc<str>, Hits>,
    /// When the first span of each trace came to the collector.
    first: BTreeMap<[u8; 16], u64>,
}

/// Spans that a fault has hit.
#[derive(Clone, Copy)]
struct Hits {
    first_ns: u64,
    spans: u64,
}

/// A clock that is wrong for a while.
struct Clock {
    service: String,
    from_ns: u64,
    until_ns: u64,
    by_ns: u64,
    behind: bool,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Active {
    fn hit(&mut self, service: &Arc<str>, at_ns: u64) {
        self.hits.entry(Arc::clone(service)).or_insert(Hits { first_ns: at_ns, spans: 0 }).spans += 1;
    }
}

impl State {
    pub(super) fn is_quiet(&self) -> bool {
        self.active.is_empty() && self.clocks.is_empty()
    }

    pub(super) fn begin(&mut self, at_ns: u64, fault: &Arc<str>, how: Telemetry) {
        if let Telemetry::Skewed { service, by, behind } = &how {
            let (service, by_ns) = (service.clone(), nanos(*by));
            self.clocks.push(Clock { service, from_ns: at_ns, until_ns: u64::MAX, by_ns, behind: *behind });
        }
        let fault = Arc::clone(fault);
        self.active.push(Active { fault, how, since_ns: at_ns, hits: BTreeMap::new(), first: BTreeMap::new() });
    }

    pub(super) fn end(&mut self, (epoch_ns, at_ns): (u64, u64), fault: &str, received: &mut Vec<Span>) -> Vec<(u64, What)> {
        let Some(place) = self.active.iter().position(|active| &*active.fault == fault) else { return Vec::new() };
        let mut ended = self.active.remove(place);
        match &ended.how {
            Telemetry::Expired { after } => {
                let gone_ns = at_ns.saturating_sub(nanos(*after));
                for span in received.extract_if(.., |span| span.end_ns < gone_ns) {
                    ended.hits.entry(Arc::clone(&span.resource.service)).or_insert(Hits { first_ns: at_ns, spans: 0 }).spans += 1;
                }
                let spans = ended.hits.values().map(|hits| hits.spans).sum();
                self.told.add(Loss { service: None, from_ns: epoch_ns, until_ns: gone_ns, spans, why: Why::Expired });
            }
            Telemetry::Skewed { service, .. } => {
                let running = self.clocks.iter_mut().filter(|clock| clock.service == *service && clock.until_ns == u64::MAX);
                running.for_each(|clock| clock.until_ns = at_ns);
            }
            // A service that has no counters shows that by the minute.
            Telemetry::Silenced { service } => self.told.add(Loss {
                service: Some(service.as_str().into()),
                from_ns: ended.since_ns / EVERY_NS * EVERY_NS,
                until_ns: at_ns.next_multiple_of(EVERY_NS),
                spans: 0,
                why: Why::Silent,
            }),
            _ => {}
        }
        let what = |(service, hits): (Arc<str>, Hits)| {
            let (service, how) = (service.to_string(), ended.how.name().to_owned());
            (hits.first_ns, What::SpansBlurred { service, how, spans: hits.spans })
        };
        std::mem::take(&mut ended.hits).into_iter().map(what).collect()
    }

    /// The first fault of a kind hits a span of a service; whether there is one.
    pub(super) fn hit(&mut self, service: &Arc<str>, at_ns: u64, wanted: impl Fn(&Telemetry) -> bool) -> bool {
        let active = self.active.iter_mut().find(|active| wanted(&active.how));
        active.map(|active| active.hit(service, at_ns)).is_some()
    }

    /// Whether a trace that begins is recorded, given how it is drawn.
    pub(super) fn sampled(&self, drawn: impl Fn(&str, f64) -> bool) -> bool {
        self.active.iter().all(|active| match active.how {
            Telemetry::HeadSampled { ratio } => drawn(&active.fault, ratio),
            _ => true,
        })
    }

    /// What a service's clock shows at a time.
    pub(super) fn shown(&self, service: &str, at_ns: u64) -> u64 {
        let wrong = |clock: &&Clock| clock.service == service && (clock.from_ns..clock.until_ns).contains(&at_ns);
        match self.clocks.iter().find(wrong) {
            Some(clock) if clock.behind => at_ns.saturating_sub(clock.by_ns),
            Some(clock) => at_ns.saturating_add(clock.by_ns),
            None => at_ns,
        }
    }

    /// Who leaks into the spans of a service, and into which share of them.
    pub(super) fn leak(&self, service: &str) -> Option<(Arc<str>, f64)> {
        self.active.iter().find_map(|active| match &active.how {
            Telemetry::Leaking { service: of, share } if of == service => Some((Arc::clone(&active.fault), *share)),
            _ => None,
        })
    }

    /// Who fills the queue of a service's exporter, and which share of its spans finds no room.
    pub(super) fn overflow(&self, service: &str) -> Option<(Arc<str>, f64)> {
        self.active.iter().find_map(|active| match &active.how {
            Telemetry::Overflow { service: of, share } if of == service => Some((Arc::clone(&active.fault), *share)),
            _ => None,
        })
    }

    /// Whether a span comes after the decision on its trace. The first that a collector sees of a trace begins its wait.
    pub(super) fn is_late(&mut self, at_ns: u64, trace: TraceId) -> bool {
        self.active.iter_mut().any(|active| match active.how {
            Telemetry::TailSampled { wait } => {
                at_ns > active.first.entry(trace.to_bytes()).or_insert(at_ns).saturating_add(nanos(wait))
            }
            _ => false,
        })
    }
}
