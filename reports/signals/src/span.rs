//! A finished span, as an exporter hands it over or a tracing backend gives it back.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{
    KeyValue, SpanId, TraceId, Value,
    trace::{SpanKind, Status},
};

/// The resource attribute that names the service.
pub const SERVICE_NAME: &str = "service.name";
/// The resource attribute that names the process.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";

/// What emitted a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `service.name`.
    pub service: Arc<str>,
    /// `service.instance.id`.
    pub instance: Arc<str>,
    /// All other attributes, sorted by key.
    pub attributes: Vec<KeyValue>,
}

/// A finished span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// What emitted it.
    pub resource: Arc<Resource>,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// The span above it; [`SpanId::INVALID`] for a root.
    pub parent_span_id: SpanId,
    /// Low-cardinality name.
    pub name: Cow<'static, str>,
    /// Its role.
    pub kind: SpanKind,
    /// Start, nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// End, nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// Attributes.
    pub attributes: Vec<KeyValue>,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// Spans of other traces that it follows from.
    pub links: Vec<Link>,
    /// Outcome.
    pub status: Status,
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: Cow<'static, str>,
    /// When, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Attributes.
    pub attributes: Vec<KeyValue>,
}

/// A reference to a span of another trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Attributes.
    pub attributes: Vec<KeyValue>,
}

/// The value of an attribute.
#[must_use]
pub fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

/// The text of an attribute; `None` when it is missing or no text.
#[must_use]
pub fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match attribute(attributes, key)? {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// The number in an attribute; a tracing backend may give an integer back as text.
#[must_use]
pub fn integer(attributes: &[KeyValue], key: &str) -> Option<i64> {
    match attribute(attributes, key)? {
        Value::I64(number) => Some(*number),
        Value::String(text) => text.as_str().parse().ok(),
        _ => None,
    }
}

/// Whether an attribute is there and true.
#[must_use]
pub fn flag(attributes: &[KeyValue], key: &str) -> bool {
    matches!(attribute(attributes, key), Some(Value::Bool(true)))
}
