//! Log records: what a service says has happened, in a word, a sentence and fields, joined to the span it happened in.

use std::borrow::Cow;

use opentelemetry::{KeyValue, SpanId, TraceId, trace::SpanContext};

/// How grave a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// How something came about: for whoever looks for an error, and nowhere in production.
    Debug,
    /// Something happened as it should.
    Info,
    /// Something did not.
    Error,
}

impl Level {
    /// Its name, as logs carry it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Error => "ERROR",
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// How grave it is.
    pub level: Level,
    /// What happened, one of few words.
    pub action: &'static str,
    /// The same for people.
    pub message: Cow<'static, str>,
    /// When it happened, by the node's wall clock: nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The trace that it belongs to; invalid when the node has no spans.
    pub trace_id: TraceId,
    /// The span that it happened in; invalid when the node has no spans.
    pub span_id: SpanId,
    /// What else is known of it.
    pub fields: Vec<KeyValue>,
}

impl Log {
    /// A record of what happened in a span.
    #[must_use]
    pub fn new(level: Level, (action, message): (&'static str, &'static str), at_ns: u64, span: &SpanContext) -> Self {
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        Self { level, action, message: message.into(), at_ns, trace_id, span_id, fields: Vec::new() }
    }

    /// The same with fields.
    #[must_use]
    pub fn with(mut self, fields: Vec<KeyValue>) -> Self {
        self.fields = fields;
        self
    }
}

/// Where a world puts the records of one node. It takes them one by one, in order, and neither waits nor fails.
pub trait Sink: Send + Sync {
    /// Takes a record.
    fn write(&self, log: Log);
}
