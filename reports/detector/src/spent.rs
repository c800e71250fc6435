//! What the time of a hop was spent on, where the spans below it say so: a database, its connections and locks, the way to another
//! service. What they leave over is work.

use opentelemetry::{SpanId, trace::SpanKind};
use signals::Span;

use crate::{
    cause::{self, Cause},
    journey::Journey,
    record::{Record, What},
    way::StepId,
};

/// A shorter span explains no missed deadline, and most spans are shorter.
const TELLING_NS: u64 = 100_000_000;
const MILLISECOND: u64 = 1_000_000;

/// What a span spent its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A statement, or a commit.
    Database,
    /// A connection of the pool to come free.
    Connection,
    /// A row that somebody else had locked.
    Lock,
    /// Another service's answer.
    Call,
    /// Answering one. The label of its record is the caller's span's.
    Serve,
}

impl On {
    /// What a span spends its time on, by its database operation; a call is told by the attribute that names its method.
    pub(crate) fn of(span: &Span, operation: Option<&str>, method: &str) -> Option<Self> {
        let call = || span.attributes.iter().any(|attribute| attribute.key.as_str() == method);
        match (&span.kind, operation) {
            (SpanKind::Client, Some("connect")) => Some(Self::Connection),
            (SpanKind::Client, Some("lock")) => Some(Self::Lock),
            (SpanKind::Client, Some(_)) => Some(Self::Database),
            (SpanKind::Client, None) if call() => Some(Self::Call),
            (SpanKind::Server, None) if span.parent_span_id != SpanId::INVALID => Some(Self::Serve),
            _ => None,
        }
    }
}

/// Whether a span is long enough to explain anything.
pub(crate) fn is_telling(span: &Span) -> bool {
    span.end_ns.saturating_sub(span.start_ns) >= TELLING_NS
}

/// How long a span took, as a record's label: milliseconds, never 0.
pub(crate) fn took(span: &Span) -> u32 {
    u32::try_from((span.end_ns.saturating_sub(span.start_ns) / MILLISECOND).max(1)).unwrap_or(u32::MAX)
}

/// What took half of a hop's time or more; none where that is work, or not said.
pub(crate) fn most(journey: &Journey<'_>, step: StepId) -> Option<Cause> {
    let (from_ns, until_ns) = (journey.earliest(journey.way.steps[step].begin), journey.latest(step));
    let inside = |on: On| {
        let records = journey.order.of(What::Spent(on).number(journey.way));
        records.filter(move |record| record.at_ns < until_ns && ended(record) > from_ns)
    };
    let within = |record: &Record| ended(record).min(until_ns).saturating_sub(record.at_ns.max(from_ns));
    let sum = |on: On| inside(on).map(within).sum::<u64>();
    // Of a call whose other end is not seen nobody knows what it waited for.
    let served = |call: &Record| inside(On::Serve).find(|serve| serve.span == call.span);
    let way = |call: &Record| served(call).map(|serve| within(call).saturating_sub(within(serve)));
    let candidates = [
        (cause::CONNECTION_WAIT, sum(On::Connection)),
        (cause::LOCK_WAIT, sum(On::Lock)),
        (cause::DATABASE, sum(On::Database)),
        (cause::NETWORK, inside(On::Call).filter_map(way).sum()),
    ];
    let (cause, spent_ns) = candidates.into_iter().max_by_key(|(_, spent_ns)| *spent_ns)?;
    (spent_ns > 0 && spent_ns.saturating_mul(2) >= until_ns.saturating_sub(from_ns)).then_some(cause)
}

fn ended(record: &Record) -> u64 {
    record.at_ns.saturating_add(u64::from(record.label) * MILLISECOND)
}
