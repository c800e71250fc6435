//! Requests that services answered, and what each waited for: from the `SERVER` spans and the spans right below them.
//!
//! No verdict on an order comes from here. A list that takes long loses nothing, and people complain of it all the same.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use opentelemetry::{
    SpanId,
    trace::{SpanKind, Status},
};
use signals::{
    Span,
    span::{attribute, integer, text},
};

/// The attribute of a span that waits for a database (OpenTelemetry semantic conventions 1.30, database client spans).
const DATABASE: &str = "db.system.name";
/// Why a request failed (the same, HTTP server spans).
const CAUSE: &str = "error.type";
/// What was answered.
const STATUS: &str = "http.response.status_code";

/// The requests of one route of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who answered them.
    pub service: Arc<str>,
    /// The span's name: method and path template.
    pub name: String,
    /// All of them, by their begin.
    pub requests: Vec<Request>,
    /// Those that ended with an error, by their begin.
    pub failures: Vec<Failure>,
}

/// A request that ended with an error: what its span says of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// When it came, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// When it was answered.
    pub end_ns: u64,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// Why, in a word.
    pub cause: String,
    /// The orders that it names: by their id, or by the client's own reference.
    pub orders: Vec<String>,
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

/// What is kept of a route: its requests, and those of them that failed.
type Answered = (Vec<Request>, Vec<Failure>);

/// All requests so far.
pub(crate) struct Requests {
    routes: BTreeMap<(Arc<str>, Cow<'static, str>), Answered>,
    /// The attributes that name an order.
    names: [String; 2],
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
    request: Option<Asked>,
}

/// A request as its span tells it.
struct Asked {
    route: (Arc<str>, Cow<'static, str>),
    request: Request,
    /// Few fail.
    failure: Option<Box<Failure>>,
}

impl Requests {
    /// `names` are the attributes that name an order.
    pub(crate) fn new(names: [String; 2]) -> Self {
        Self { routes: BTreeMap::new(), names, below: BTreeMap::new(), open: VecDeque::new() }
    }

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
                let asked = || Asked {
                    route: (span.resource.service.clone(), span.name.clone()),
                    request: Request { at_ns: span.start_ns, took_ns, ..Request::default() },
                    failure: self.failure(span).map(Box::new),
                };
                let request = (*kind == SpanKind::Server).then(asked);
                self.open.push_back(Open { id: span.span_id.to_bytes(), end_ns: span.end_ns, request });
            }
        }
    }

    /// What a span says of its failure; `None` where it ended well, and where it does not say why it did not.
    fn failure(&self, span: &Span) -> Option<Failure> {
        let cause = text(&span.attributes, CAUSE).filter(|_| matches!(span.status, Status::Error { .. }))?;
        let names = self.names.iter().filter_map(|name| text(&span.attributes, name));
        Some(Failure {
            at_ns: span.start_ns,
            end_ns: span.end_ns,
            status: integer(&span.attributes, STATUS).and_then(|status| status.try_into().ok()),
            cause: cause.to_owned(),
            orders: names.map(str::to_owned).collect(),
        })
    }

    /// Nothing that ended by then will come any more.
    pub(crate) fn advance(&mut self, watermark_ns: u64) {
        while let Some(open) = self.open.pop_front_if(|open| open.end_ns <= watermark_ns) {
            let waited = self.below.remove(&open.id).unwrap_or_default();
            if let Some(Asked { route, mut request, failure }) = open.request {
                request.database_ns = waited.database_ns.min(request.took_ns);
                request.calls_ns = waited.calls_ns.min(request.took_ns - request.database_ns);
                let (requests, failures) = self.routes.entry(route).or_default();
                requests.push(request);
                failures.extend(failure.map(|failure| *failure));
            }
        }
    }

    /// All of them; nothing will come any more.
    pub(crate) fn take(&mut self) -> Vec<Route> {
        self.advance(u64::MAX);
        let route = |((service, name), (mut requests, mut failures)): ((Arc<str>, Cow<'static, str>), Answered)| {
            requests.sort_unstable();
            failures.sort_unstable();
            Route { service, name: name.into_owned(), requests, failures }
        };
        std::mem::take(&mut self.routes).into_iter().map(route).collect()
    }
}
