//! Reads spans back: strict about ids and times, tolerant of everything that does not matter here.

use std::{
    borrow::Cow,
    io::{self, BufRead},
    sync::Arc,
};

use opentelemetry::{
    KeyValue, SpanId, TraceId,
    trace::{SpanKind, Status},
};
use serde::{Deserialize, Deserializer};

use super::value::{Attribute, Number, attributes};
use crate::{Event, Link, Resource, Span, span};

/// Why OTLP JSON lines could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read.
    #[error("line {line}: {source}")]
    Io {
        /// Counted from 1.
        line: usize,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no `TracesData` object.
    #[error("line {line}: no OTLP JSON: {source}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it, and in which column.
        source: serde_json::Error,
    },
    /// A span that can't be one.
    #[error("line {line}: {source}")]
    Span {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: SpanError,
    },
}

/// Why something that calls itself a span is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Not a hexadecimal id of the right length, or all zeros.
    #[error("span {name:?}: {field} {value:?} is not an id of {digits} hexadecimal digits")]
    Id {
        /// The span's name.
        name: String,
        /// `traceId`, `spanId` or `parentSpanId`.
        field: &'static str,
        /// What stands there.
        value: String,
        /// How many digits it should have.
        digits: usize,
    },
    /// Not a time in nanoseconds since the Unix epoch.
    #[error("span {name:?}: {field} {value} is no time in nanoseconds")]
    Time {
        /// The span's name.
        name: String,
        /// `startTimeUnixNano`, `endTimeUnixNano` or `timeUnixNano`.
        field: &'static str,
        /// What stands there.
        value: i128,
    },
}

/// All spans of a file of OTLP JSON lines, in its order. Empty lines are skipped.
///
/// # Errors
/// At the first line that can't be read, with its number.
pub fn read(lines: impl BufRead) -> Result<Vec<Span>, ReadError> {
    let mut spans = Vec::new();
    read_each(lines, |span| spans.push(span))?;
    Ok(spans)
}

/// Hands over the spans of a file of OTLP JSON lines, one by one, in its order.
///
/// # Errors
/// At the first line that can't be read, with its number; the spans of the lines before it have been handed over.
pub fn read_each(mut lines: impl BufRead, mut each: impl FnMut(Span)) -> Result<(), ReadError> {
    let mut resources = Resources::default();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if lines.read_until(b'\n', &mut text).map_err(|source| ReadError::Io { line, source })? == 0 {
            break;
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let data: TracesData<'_> = serde_json::from_slice(&text).map_err(|source| ReadError::Json { line, source })?;
        data.spans(&mut resources, &mut each).map_err(|source| ReadError::Span { line, source })?;
    }
    Ok(())
}

/// Resources that were seen: spans of one process share one.
#[derive(Default)]
pub(crate) struct Resources(Vec<Arc<Resource>>);

impl Resources {
    fn share(&mut self, mut attributes: Vec<KeyValue>) -> Arc<Resource> {
        let mut take = |key: &str| -> Option<Arc<str>> {
            let at = attributes.iter().position(|attribute| attribute.key.as_str() == key)?;
            Some(attributes.remove(at).value.as_str().into())
        };
        let service = take(span::SERVICE_NAME).unwrap_or_else(|| "unknown_service".into());
        let instance = take(span::SERVICE_INSTANCE_ID).unwrap_or_default();
        attributes.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        let resource = Resource { service, instance, attributes };
        if let Some(known) = self.0.iter().rev().find(|known| ***known == resource) {
            return known.clone();
        }
        self.0.push(Arc::new(resource));
        self.0[self.0.len() - 1].clone()
    }
}

/// Some writers say `null` where others leave the field out.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TracesData<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    resource: OtlpResource<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct OtlpResource<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Deserialize)]
struct ScopeSpans<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    spans: Vec<OtlpSpan<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    parent_span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(default)]
    kind: u8,
    start_time_unix_nano: Number,
    end_time_unix_nano: Number,
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'a>>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    events: Vec<OtlpEvent<'a>>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    links: Vec<OtlpLink<'a>>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: OtlpStatus<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OtlpEvent<'a> {
    #[serde(default)]
    time_unix_nano: Number,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OtlpLink<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    span_id: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct OtlpStatus<'a> {
    #[serde(default)]
    code: u8,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

impl TracesData<'_> {
    /// Hands over each span in it.
    pub(crate) fn spans(self, resources: &mut Resources, each: &mut impl FnMut(Span)) -> Result<(), SpanError> {
        for of_resource in self.resource_spans {
            let resource = resources.share(attributes(of_resource.resource.attributes));
            for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
                each(span.into_span(&resource)?);
            }
        }
        Ok(())
    }
}

impl OtlpSpan<'_> {
    fn into_span(self, resource: &Arc<Resource>) -> Result<Span, SpanError> {
        let name = &self.name;
        let time = |field, value: Number| {
            value.nanoseconds().ok_or_else(|| SpanError::Time { name: name.to_string(), field, value: value.0 })
        };
        let event = |event: OtlpEvent<'_>| {
            Ok(Event {
                name: event.name.into_owned().into(),
                time_ns: time("timeUnixNano", event.time_unix_nano)?,
                attributes: attributes(event.attributes),
            })
        };
        let link = |link: OtlpLink<'_>| {
            Ok(Link {
                trace_id: trace_id(name, &link.trace_id)?,
                span_id: span_id(name, "spanId", &link.span_id)?,
                attributes: attributes(link.attributes),
            })
        };
        // Absent, empty and all zeros all say: no parent.
        let root = self.parent_span_id.bytes().all(|digit| digit == b'0');
        Ok(Span {
            resource: resource.clone(),
            trace_id: trace_id(name, &self.trace_id)?,
            span_id: span_id(name, "spanId", &self.span_id)?,
            parent_span_id: if root { SpanId::INVALID } else { span_id(name, "parentSpanId", &self.parent_span_id)? },
            start_ns: time("startTimeUnixNano", self.start_time_unix_nano)?,
            end_ns: time("endTimeUnixNano", self.end_time_unix_nano)?,
            kind: match self.kind {
                2 => SpanKind::Server,
                3 => SpanKind::Client,
                4 => SpanKind::Producer,
                5 => SpanKind::Consumer,
                _ => SpanKind::Internal,
            },
            events: self.events.into_iter().map(event).collect::<Result<_, _>>()?,
            links: self.links.into_iter().map(link).collect::<Result<_, _>>()?,
            attributes: attributes(self.attributes),
            status: match self.status.code {
                1 => Status::Ok,
                2 => Status::Error { description: self.status.message.into_owned().into() },
                _ => Status::Unset,
            },
            name: self.name.into_owned().into(),
        })
    }
}

fn trace_id(name: &str, value: &str) -> Result<TraceId, SpanError> {
    let id = (value.len() == 32 && is_hex(value)).then(|| TraceId::from_hex(value).ok()).flatten();
    id.filter(|id| *id != TraceId::INVALID).ok_or_else(|| no_id(name, "traceId", value, 32))
}

fn span_id(name: &str, field: &'static str, value: &str) -> Result<SpanId, SpanError> {
    let id = (value.len() == 16 && is_hex(value)).then(|| SpanId::from_hex(value).ok()).flatten();
    id.filter(|id| *id != SpanId::INVALID).ok_or_else(|| no_id(name, field, value, 16))
}

/// The number parsers of the standard library take a sign: an id has none.
fn is_hex(value: &str) -> bool {
    value.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn no_id(name: &str, field: &'static str, value: &str, digits: usize) -> SpanError {
    SpanError::Id { name: name.to_owned(), field, value: value.to_owned(), digits }
}
