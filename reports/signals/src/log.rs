//! A log record, as a service wrote it or a log store gives it back.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{KeyValue, SpanId, TraceId};

use crate::Resource;

/// A log record.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// What wrote it.
    pub resource: Arc<Resource>,
    /// Numbers the records of one process from 1; 0 where nobody counts them.
    pub number: u64,
    /// When it happened, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// `INFO`, `ERROR`, ...
    pub level: Cow<'static, str>,
    /// What happened, one of few words; empty where it is not said.
    pub action: Cow<'static, str>,
    /// The same for people.
    pub message: Cow<'static, str>,
    /// The trace that it belongs to; [`TraceId::INVALID`] when it names none.
    pub trace_id: TraceId,
    /// The span that it happened in; [`SpanId::INVALID`] when it names none.
    pub span_id: SpanId,
    /// Everything else.
    pub fields: Vec<KeyValue>,
}
