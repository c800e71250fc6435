//! Spans: the OpenTelemetry SDK with keyed ids, and an exporter that loses its buffer with its node. Beside them the log.
//!
//! It neither awaits nor spawns nor draws, so that telemetry never changes what happens: a batch that was due by now is
//! sent when somebody looks.

mod exporter;
mod sampler;
mod trouble;
mod writer;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use faults::{Telemetry as Fault, What};
use opentelemetry::{KeyValue, SpanId, TraceId, trace::TracerProvider as _};
use opentelemetry_sdk::trace::{IdGenerator, SdkTracerProvider, SpanLimits};
use signals::{Log, Loss, Resource, Span};
use world::{
    Engine, Node, Runtime, Telemetry,
    random::{mix, name},
};

use crate::runtime::{Host, lock};
use exporter::{Buffer, Exporter};
use sampler::Sampler;
use trouble::Trouble;
use writer::Writer;

/// What of a node is instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrumentation {
    /// It has spans.
    pub traced: bool,
    /// It passes contexts on.
    pub propagate: bool,
    /// It has a log.
    pub logged: bool,
}

/// How spans are exported.
#[derive(Clone)]
pub struct TelemetrySettings {
    /// What of each node is instrumented.
    pub instrument: Arc<dyn Fn(Node) -> Instrumentation + Send + Sync>,
    /// Spans that are sent as soon as they end, not in the next batch.
    pub at_once: fn(&Span) -> bool,
    /// The attribute that names what a span is about: a node that dies leaves the names of what it was at.
    pub about: &'static str,
    /// How often a batch is sent.
    pub batch: Duration,
    /// A batch of this many spans is sent at once.
    pub batch_size: usize,
    /// Nobody reads the backend before a fault ends that shortens its retention, or the run.
    pub read_late: bool,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            instrument: Arc::new(|_| Instrumentation { traced: true, propagate: true, logged: true }),
            at_once: |_| false,
            about: "order.id",
            batch: Duration::from_secs(5),
            batch_size: 512,
            read_late: false,
        }
    }
}

impl fmt::Debug for TelemetrySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelemetrySettings").field("batch", &self.batch).finish_non_exhaustive()
    }
}

/// What a node's journal says of its spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The node.
    pub node: Node,
    /// Spans ended.
    pub ended: u64,
    /// Spans that reached the backend.
    pub exported: u64,
    /// Spans that found no room in the buffer.
    pub dropped: u64,
    /// Spans that the backend did not take.
    pub failed: u64,
    /// Spans that were in the buffer when the node died.
    pub lost: u64,
    /// Spans that had not ended when the node died.
    pub cut: u64,
    /// What the cut ones were about. The lost ones were none of those that are sent at once.
    pub cut_about: BTreeSet<String>,
    /// When the node died, since the start of the run; `None` while it lives.
    pub died: Option<Duration>,
}

/// The telemetry backend and the exporters of all nodes. Clones are handles of the same ones.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    settings: TelemetrySettings,
    received: Arc<Mutex<Vec<Span>>>,
    logs: Arc<Mutex<Vec<Log>>>,
    buffers: Mutex<Vec<Arc<Buffer>>>,
    trouble: Arc<Trouble>,
    /// Nobody reads the backend yet.
    unread: AtomicBool,
}

impl Backend {
    pub(crate) fn new(host: &Arc<dyn Host>, epoch_ns: u64, settings: TelemetrySettings) -> Self {
        let (received, logs, buffers) = (Arc::default(), Arc::default(), Mutex::default());
        let trouble = Arc::new(Trouble::new(host.seed(), epoch_ns));
        let unread = AtomicBool::new(settings.read_late);
        Self(Arc::new(Inner { host: Arc::clone(host), settings, received, logs, buffers, trouble, unread }))
    }

    /// A telemetry fault begins. What was due before is sent before.
    pub(crate) fn trouble(&self, fault: &Arc<str>, how: Fault) {
        self.send_due();
        self.0.trouble.begin(self.0.host.now(), fault, how);
    }

    /// A telemetry fault ends; gives what it did, and since when.
    pub(crate) fn no_more_trouble(&self, fault: &str, how: &Fault) -> Vec<(u64, What)> {
        self.send_due();
        if matches!(how, Fault::Expired { .. }) {
            self.0.unread.store(false, Relaxed);
        }
        self.0.trouble.end(self.0.host.now(), fault, &mut lock(&self.0.received))
    }

    fn send_due(&self) {
        let now = self.0.host.now();
        for buffer in lock(&self.0.buffers).iter() {
            buffer.send_due(now);
        }
    }

    /// What the counters of SDKs, exporters and backend tell of spans that were not passed on.
    pub(crate) fn losses(&self) -> Vec<Loss> {
        self.0.trouble.losses()
    }

    /// The spans and the log of one node incarnation.
    pub(crate) fn port(&self, node: Node) -> Telemetry {
        let inner = &self.0;
        let engine: Arc<dyn Engine> = Arc::clone(&inner.host) as _;
        let rt = Runtime::new(engine, node);
        let Instrumentation { traced, propagate, logged } = (inner.settings.instrument)(node);
        let resource = Arc::new(Resource {
            service: node.service.into(),
            instance: node.to_string().into(),
            attributes: vec![KeyValue::new("service.namespace", "alexandrite")],
        });
        let log = logged
            .then(|| Arc::new(Writer::new(Arc::clone(&resource), (Arc::clone(&inner.logs), Arc::clone(&inner.trouble)))) as _);
        if !traced {
            return Telemetry::new(rt, None, propagate).logging(log);
        }
        let sampler = Sampler {
            host: Arc::clone(&inner.host),
            service: Arc::clone(&resource.service),
            trouble: Arc::clone(&inner.trouble),
        };
        let ways = (Arc::clone(&inner.received), Arc::clone(&inner.trouble));
        let buffer = Arc::new(Buffer::new(node, resource, &inner.settings, inner.host.now(), ways));
        lock(&inner.buffers).push(Arc::clone(&buffer));
        // Explicit settings: the SDK's defaults come from the environment.
        let provider = SdkTracerProvider::builder()
            .with_resource(opentelemetry_sdk::Resource::builder_empty().build())
            .with_sampler(sampler)
            .with_span_limits(SpanLimits::default())
            .with_id_generator(Ids { key: mix(inner.host.seed() ^ name(&node.to_string())), made: AtomicU64::new(0) })
            .with_span_processor(Exporter::new(Arc::clone(&inner.host), buffer))
            .build();
        Telemetry::new(rt, Some(provider.tracer("loupe")), propagate).logging(log)
    }

    /// A node is about to die: its buffer is lost, and spans that end from now on go nowhere.
    pub(crate) fn node_dies(&self, node: Node) {
        let now = self.0.host.now();
        for buffer in lock(&self.0.buffers).iter().filter(|buffer| buffer.node == node) {
            buffer.close(now);
        }
    }

    /// Adds what has reached the backend since the last call.
    pub(crate) fn drain_into(&self, spans: &mut Vec<Span>) {
        self.send_due();
        if self.0.unread.load(Relaxed) {
            return;
        }
        let mut received = lock(&self.0.received);
        if spans.is_empty() {
            std::mem::swap(spans, &mut received);
        } else {
            spans.append(&mut received);
        }
    }

    /// Adds the log records that were written since the last call.
    pub(crate) fn drain_logs_into(&self, logs: &mut Vec<Log>) {
        let mut written = lock(&self.0.logs);
        if logs.is_empty() {
            std::mem::swap(logs, &mut written);
        } else {
            logs.append(&mut written);
        }
    }

    /// All exporters send what they have: the run is over.
    pub(crate) fn flush(&self) {
        let now = self.0.host.now();
        self.0.unread.store(false, Relaxed);
        for buffer in lock(&self.0.buffers).iter() {
            buffer.send(now);
        }
    }

    /// The nodes' journals, in the order the nodes were started.
    pub(crate) fn journals(&self) -> Vec<Journal> {
        let now = self.0.host.now();
        let buffers = lock(&self.0.buffers);
        let journal = |buffer: &Arc<Buffer>| {
            buffer.send_due(now);
            buffer.journal()
        };
        buffers.iter().map(journal).collect()
    }
}

/// Ids that depend on the seed, the node and how many it has made.
#[derive(Debug)]
struct Ids {
    key: u64,
    made: AtomicU64,
}

impl Ids {
    fn next(&self) -> u64 {
        mix(self.key ^ mix(self.made.fetch_add(1, Relaxed))).max(1)
    }
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from((u128::from(self.next()) << 64) | u128::from(self.next()))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.next())
    }
}
