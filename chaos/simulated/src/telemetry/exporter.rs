//! A node's exporter: takes finished spans from the SDK, holds them for the next batch, hands them to the backend.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span as SdkSpan, SpanData, SpanProcessor},
};
use signals::{Event, Link, Resource, Span, span::text};
use world::Node;

use super::{
    Journal, TelemetrySettings,
    trouble::{Handed, Trouble},
};
use crate::runtime::{Host, lock};

/// The spans of one node incarnation that wait for a batch.
pub(super) struct Buffer {
    pub(super) node: Node,
    resource: Arc<Resource>,
    started: Duration,
    every: Duration,
    size: usize,
    at_once: fn(&Span) -> bool,
    about: &'static str,
    closed: AtomicBool,
    held: Mutex<Held>,
    received: Arc<Mutex<Vec<Span>>>,
    trouble: Arc<Trouble>,
}

struct Held {
    spans: Vec<Span>,
    /// When the batch that is being filled is sent.
    due: Duration,
    journal: Journal,
}

impl Buffer {
    pub(super) fn new(
        node: Node,
        resource: Arc<Resource>,
        settings: &TelemetrySettings,
        started: Duration,
        (received, trouble): (Arc<Mutex<Vec<Span>>>, Arc<Trouble>),
    ) -> Self {
        let journal = Journal {
            node,
            ended: 0,
            exported: 0,
            dropped: 0,
            failed: 0,
            lost: 0,
            cut: 0,
            cut_about: BTreeSet::new(),
            died: None,
        };
        Self {
            node,
            resource,
            started,
            every: settings.batch.max(Duration::from_millis(1)),
            size: settings.batch_size,
            at_once: settings.at_once,
            about: settings.about,
            closed: AtomicBool::new(false),
            held: Mutex::new(Held { spans: Vec::new(), due: started, journal }),
            received,
            trouble,
        }
    }

    fn end(&self, now: Duration, data: SpanData) {
        let mut span = self.convert(data);
        self.trouble.distort(now, &mut span);
        let mut held = lock(&self.held);
        if self.closed.load(Relaxed) {
            held.journal.cut += 1;
            held.journal.cut_about.extend(text(&span.attributes, self.about).map(str::to_owned));
            return;
        }
        if self.trouble.silences(now, &span.resource.service) {
            return;
        }
        held.journal.ended += 1;
        self.send_if_due(&mut held, now);
        if self.trouble.overflows(now, &span) {
            held.journal.dropped += 1;
            return;
        }
        if (self.at_once)(&span) {
            self.hand_over(&mut held.journal, now, span);
            return;
        }
        if held.spans.is_empty() {
            let batches = (now - self.started).as_nanos() / self.every.as_nanos() + 1;
            held.due = self.started + self.every.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX));
        }
        held.spans.push(span);
        if held.spans.len() >= self.size {
            self.send_all(&mut held, now);
        }
    }

    fn send_if_due(&self, held: &mut Held, now: Duration) {
        if now >= held.due {
            let due = held.due;
            self.send_all(held, due);
        }
    }

    fn send_all(&self, held: &mut Held, at: Duration) {
        if self.trouble.is_none() {
            held.journal.exported += held.spans.len() as u64;
            lock(&self.received).append(&mut held.spans);
            return;
        }
        let Held { spans, journal, .. } = held;
        spans.drain(..).for_each(|span| self.hand_over(journal, at, span));
    }

    /// Hands a span to the backend, which may be in trouble.
    fn hand_over(&self, journal: &mut Journal, at: Duration, span: Span) {
        match self.trouble.handed(at, &span) {
            Handed::Taken => {
                journal.exported += 1;
                lock(&self.received).push(span);
            }
            Handed::Late => journal.exported += 1,
            Handed::Refused => journal.failed += 1,
        }
    }

    /// Sends the batch that was due by now.
    pub(super) fn send_due(&self, now: Duration) {
        self.send_if_due(&mut lock(&self.held), now);
    }

    /// Sends all there is.
    pub(super) fn send(&self, now: Duration) {
        self.send_all(&mut lock(&self.held), now);
    }

    /// The node dies: what was due by now was sent, the rest is lost.
    pub(super) fn close(&self, now: Duration) {
        let mut held = lock(&self.held);
        self.send_if_due(&mut held, now);
        self.closed.store(true, Relaxed);
        held.journal.died = Some(now);
        held.journal.lost += std::mem::take(&mut held.spans).len() as u64;
    }

    pub(super) fn journal(&self) -> Journal {
        lock(&self.held).journal.clone()
    }

    /// Moves a span over; nothing of it is copied.
    fn convert(&self, data: SpanData) -> Span {
        let event = |event: opentelemetry::trace::Event| Event {
            name: event.name,
            time_ns: nanos(event.timestamp),
            attributes: event.attributes,
        };
        let link = |link: opentelemetry::trace::Link| Link {
            trace_id: link.span_context.trace_id(),
            span_id: link.span_context.span_id(),
            attributes: link.attributes,
        };
        Span {
            resource: Arc::clone(&self.resource),
            trace_id: data.span_context.trace_id(),
            span_id: data.span_context.span_id(),
            parent_span_id: data.parent_span_id,
            name: data.name,
            kind: data.span_kind,
            start_ns: nanos(data.start_time),
            end_ns: nanos(data.end_time),
            attributes: data.attributes,
            events: data.events.events.into_iter().map(event).collect(),
            links: data.links.links.into_iter().map(link).collect(),
            status: data.status,
        }
    }
}

fn nanos(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// The SDK's view of a [`Buffer`].
pub(super) struct Exporter {
    host: Arc<dyn Host>,
    buffer: Arc<Buffer>,
}

impl Exporter {
    pub(super) fn new(host: Arc<dyn Host>, buffer: Arc<Buffer>) -> Self {
        Self { host, buffer }
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exporter({})", self.buffer.node)
    }
}

impl SpanProcessor for Exporter {
    fn on_start(&self, _span: &mut SdkSpan, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.buffer.end(self.host.now(), span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.buffer.send(self.host.now());
        Ok(())
    }

    fn shutdown_with_timeout(&self, _limit: Duration) -> OTelSdkResult {
        Ok(())
    }
}
