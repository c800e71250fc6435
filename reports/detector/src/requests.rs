//! Requests that services answered, and what each waited for: from the `SERVER` spans and the spans right below them.
//!
//! No verdict on an order comes from here. A list that takes long loses nothing, and people complain of it all the same.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use opentelemetry::{SpanId, trace::SpanKind};
use signals::{Span, span::attribute};

/// The attribute of a span that waits for a database (OpenTelemetry semantic conventions 1.30, database client spans).
const DATABASE: &str = "db.system.name";

/// The requests of one route of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who answered them.
    pub service: Arc<str>,
    /// The span's name: method and path template.
    pub name: String,
    /// All of them, by their begin.
    pub requests: Vec<Request>,
}

/// One request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// When it came, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// How long the service took, nanoseconds.
    pub took_ns: u64,
    /// How long of that it waited for a database.
    pub database_ns: u64,
    /// How long of that it waited for another service, the broker or the object store.
    pub calls_ns: u64,
}

/// What the spans right below one waited for.
#[derive(Clone, Copy, Default)]
struct Waited {
    database_ns: u64,
    calls_ns: u64,
}

/// All requests so far.
#[derive(Default)]
pub(crate) struct Requests {
    routes: BTreeMap<(Arc<str>, Cow<'static, str>), Vec<Request>>,
    /// By the span above. Spans come in any order: a span below one may come after it.
    below: BTreeMap<[u8; 8], Waited>,
    /// Spans whose spans below may still come, in the order in which they came themselves.
    open: VecDeque<Open>,
}

/// A span that may have spans below it.
struct Open {
    id: [u8; 8],
    end_ns: u64,
    /// Where it goes when nothing below it can come any more; nowhere when it is no request.
    request: Option<(Arc<str>, Cow<'static, str>, Request)>,
}

impl Requests {
    pub(crate) fn hear(&mut self, span: &Span) {
        let took_ns = span.end_ns.saturating_sub(span.start_ns);
        match &span.kind {
            SpanKind::Client | SpanKind::Producer if span.parent_span_id != SpanId::INVALID => {
                let waited = self.below.entry(span.parent_span_id.to_bytes()).or_default();
                if attribute(&span.attributes, DATABASE).is_some() {
                    waited.database_ns += took_ns;
                } else {
                    waited.calls_ns += took_ns;
                }
            }
            SpanKind::Client | SpanKind::Producer => {}
            kind => {
                // Who passes a request on has no span of its own for the call: the answering service's is right below.
                if *kind == SpanKind::Server && span.parent_span_id != SpanId::INVALID {
                    self.below.entry(span.parent_span_id.to_bytes()).or_default().calls_ns += took_ns;
                }
                let request = || Request { at_ns: span.start_ns, took_ns, ..Request::default() };
                let request = (*kind == SpanKind::Server).then(|| (span.resource.service.clone(), span.name.clone(), request()));
                self.open.push_back(Open { id: span.span_id.to_bytes(), end_ns: span.end_ns, request });
            }
        }
    }

    /// Nothing that ended by then will come any more.
    pub(crate) fn advance(&mut self, watermark_ns: u64) {
        while let Some(open) = self.open.pop_front_if(|open| open.end_ns <= watermark_ns) {
            let waited = self.below.remove(&open.id).unwrap_or_default();
            if let Some((service, name, mut request)) = open.request {
                request.database_ns = waited.database_ns.min(request.took_ns);
                request.calls_ns = waited.calls_ns.min(request.took_ns - request.database_ns);
                self.routes.entry((service, name)).or_default().push(request);
            }
        }
    }

    /// All of them; nothing will come any more.
    pub(crate) fn take(&mut self) -> Vec<Route> {
        self.advance(u64::MAX);
        let route = |((service, name), mut requests): ((Arc<str>, Cow<'static, str>), Vec<Request>)| {
            requests.sort_unstable();
            Route { service, name: name.into_owned(), requests }
        };
        std::mem::take(&mut self.routes).into_iter().map(route).collect()
    }
}
