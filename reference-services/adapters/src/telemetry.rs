//! Spans over OTLP, with a count of what ended, what was exported and what was not.
//!
//! A span processor of our own: spans that tell where an order is (the caller says which) are sent at once, the others with
//! the next batch; the SDK's batch processor knows neither that nor the counts.

mod untold;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{Context, KeyValue, SpanId, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use world::Runtime;

use crate::journal::{Entry, Journal};
use untold::Untold;

/// The resource attribute that tells the spans of one run from those of another in the same backend. By the conventions,
/// instance ids are unique within it.
pub const RUN_ATTRIBUTE: &str = "service.namespace";
/// How long an ordinary span waits for company. Orders of which something waits are in doubt when the process is killed.
const BATCH_DELAY: Duration = Duration::from_millis(100);
/// How many spans one export carries.
const BATCH_SIZE: usize = 512;
/// How many spans wait at most; what ends beyond that counts as failed.
const QUEUE_SIZE: usize = 65_536;
/// How long one export may take, and how often it is tried. A batch that is sent again may be stored twice.
const EXPORT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 3;
/// How often the journal is told how many spans ended. What it does not know yet is in doubt when the process is killed, and a second of
/// a shortened run is minutes of its scenario.
const JOURNAL_DELAY: Duration = Duration::from_millis(20);

/// What became of the spans of a process. Complete: `ended == exported`, and the tracing backend has as many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Spans that ended.
    pub ended: u64,
    /// Spans that the backend took.
    pub exported: u64,
    /// Spans that were given up.
    pub failed: u64,
}

/// Which spans matter how: said by who knows the names.
#[derive(Clone, Copy)]
pub struct Interest {
    /// Whether a span is sent at once.
    pub urgent: fn(&SpanData) -> bool,
    /// Whether a span is that of a commit: it begins before, and ends with the database's answer.
    pub commits: fn(&SpanData) -> bool,
    /// Whether the database has answered at all to what such a span is of.
    pub answered: fn(&SpanData) -> bool,
    /// The attribute that names the order, for the journal.
    pub order: &'static str,
}

/// Exports the spans of one process. Cheap to clone.
#[derive(Clone)]
pub struct Exporter(Arc<Shared>);

struct Shared {
    rt: Runtime,
    interest: Interest,
    queue: Mutex<Vec<SpanData>>,
    untold: Mutex<Untold>,
    journal: Journal,
    ended: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    wake: Notify,
    progress: Notify,
}

impl Exporter {
    /// Starts to export to `endpoint` (`http://host:4318/v1/traces`) as a process of `run`, and gives the tracer whose spans
    /// it exports.
    ///
    /// # Errors
    /// When the endpoint is no URL.
    pub fn start(
        rt: Runtime,
        (endpoint, run): (&str, &str),
        interest: Interest,
        journal: Journal,
    ) -> Result<(Self, SdkTracer), ExporterBuildError> {
        let client = reqwest::Client::builder().no_proxy().timeout(EXPORT).build();
        let client = client.map_err(|error| ExporterBuildError::InternalFailure(error.to_string()))?;
        let mut otlp = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(EXPORT)
            .with_http_client(client)
            .build()?;
        let node = rt.node();
        let attributes = [
            KeyValue::new("service.name", node.service),
            KeyValue::new("service.instance.id", node.to_string()),
            KeyValue::new(RUN_ATTRIBUTE, run.to_owned()),
        ];
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        otlp.set_resource(&resource);

        let exporter = Self(Arc::new(Shared {
            rt: rt.clone(),
            interest,
            queue: Mutex::default(),
            untold: Mutex::default(),
            journal,
            ended: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            wake: Notify::new(),
            progress: Notify::new(),
        }));
        drop(rt.spawn("export", exporter.clone().run(otlp)));
        drop(rt.spawn("span journal", exporter.clone().tell()));
        let provider = SdkTracerProvider::builder().with_resource(resource).with_span_processor(Queue(exporter.clone())).build();
        Ok((exporter, provider.tracer("loupe")))
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let get = |count: &AtomicU64| count.load(Ordering::Acquire);
        Counts { ended: get(&self.0.ended), exported: get(&self.0.exported), failed: get(&self.0.failed) }
    }

    /// Exports what has ended, for at most `limit`, and gives the counts.
    pub async fn flush(&self, limit: Duration) -> Counts {
        let ended = self.counts().ended;
        let done = async {
            loop {
                let progress = self.0.progress.notified();
                let counts = self.counts();
                if counts.exported + counts.failed >= ended {
                    return;
                }
                self.0.wake.notify_one();
                progress.await;
            }
        };
        // Out of time: the counts say so.
        let _ = self.0.rt.timeout(limit, done).await;
        self.counts()
    }

    /// The last flush of a process that ends in good order: the journal is told of it too.
    pub async fn finish(&self, limit: Duration) -> Counts {
        let counts = self.flush(limit).await;
        let told = self.untold().take_told();
        self.0.journal.write(Entry::Spans { ended: counts.ended, told });
        counts
    }

    async fn run(self, otlp: SpanExporter) {
        loop {
            let _ = self.0.rt.timeout(BATCH_DELAY, self.0.wake.notified()).await;
            loop {
                let batch = self.batch();
                if batch.is_empty() {
                    break;
                }
                let spans: Vec<SpanId> = batch.iter().map(|span| span.span_context.span_id()).collect();
                let exported = self.export(&otlp, batch).await;
                if exported {
                    let mut untold = self.untold();
                    spans.iter().for_each(|span| untold.exported(*span));
                }
                let count = if exported { &self.0.exported } else { &self.0.failed };
                count.fetch_add(spans.len() as u64, Ordering::AcqRel);
                self.0.progress.notify_waiters();
            }
        }
    }

    fn batch(&self) -> Vec<SpanData> {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let size = queue.len().min(BATCH_SIZE);
        queue.drain(..size).collect()
    }

    async fn export(&self, otlp: &SpanExporter, batch: Vec<SpanData>) -> bool {
        for attempt in 1..=ATTEMPTS {
            if let Ok(Ok(())) = self.0.rt.timeout(EXPORT, otlp.export(batch.clone())).await {
                return true;
            }
            if attempt < ATTEMPTS {
                self.0.rt.sleep(Duration::from_millis(100) * 2u32.pow(attempt)).await;
            }
        }
        false
    }

    /// Tells the journal what ended, and of which orders everything is exported: after a kill only the others are in doubt.
    async fn tell(self) {
        let mut last = 0;
        loop {
            self.0.rt.sleep(JOURNAL_DELAY).await;
            let ended = self.0.ended.load(Ordering::Acquire);
            let told = self.untold().take_told();
            if ended > last || !told.is_empty() {
                self.0.journal.write(Entry::Spans { ended, told });
                last = ended;
            }
        }
    }

    fn untold(&self) -> std::sync::MutexGuard<'_, Untold> {
        self.0.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A span has begun or ended. The journal hears of its order before anything can happen to the process; and of a commit, `committing`
    /// when it begins and when it was answered.
    fn touch(&self, span: &SpanData, committing: Option<fn(String) -> Entry>) {
        let order = span.attributes.iter().find(|attribute| attribute.key.as_str() == self.0.interest.order);
        let Some(order) = order else { return };
        let order = order.value.as_str();
        let new = self.untold().begin(span.span_context.span_id(), &order);
        if let Some(order) = new {
            self.0.journal.write(Entry::Untold { order });
        }
        if let Some(committing) = committing.filter(|_| (self.0.interest.commits)(span)) {
            self.0.journal.write(committing(order.into_owned()));
        }
    }

    fn take(&self, span: SpanData) {
        let committed: fn(String) -> Entry = |order| Entry::Committed { order };
        self.touch(&span, (self.0.interest.answered)(&span).then_some(committed));
        self.0.ended.fetch_add(1, Ordering::AcqRel);
        let urgent = (self.0.interest.urgent)(&span);
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= QUEUE_SIZE {
            self.0.failed.fetch_add(1, Ordering::AcqRel);
            return;
        }
        queue.push(span);
        if urgent || queue.len() >= BATCH_SIZE {
            self.0.wake.notify_one();
        }
    }
}

/// The SDK's way to the exporter.
struct Queue(Exporter);

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({:?})", self.0.counts())
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        if let Some(begun) = span.exported_data() {
            self.0.touch(&begun, Some(|order| Entry::Committing { order }));
        }
    }

    fn on_end(&self, span: SpanData) {
        self.0.take(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.0.wake.notify_one();
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.force_flush()
    }
}
