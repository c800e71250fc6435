//! Writes spans as they come: neighbours of one resource share a line.

use std::{
    io::{self, Write},
    sync::Arc,
};

use opentelemetry::{
    Array, KeyValue, SpanId, Value,
    trace::{SpanKind, Status},
};

use crate::{
    Resource, Span,
    json::{hex, integer, json, number, text},
};

/// Spans on one line at most: whoever reads a file line by line never holds much of it.
const SPANS_PER_LINE: usize = 100;

/// Writes spans as OTLP JSON lines. The same spans in the same order make the same bytes.
pub struct Writer<W: Write> {
    out: W,
    /// The line that is being put together; kept, so that its memory is allocated once.
    line: Vec<u8>,
    spans: usize,
    resource: Option<Arc<Resource>>,
}

impl<W: Write> Writer<W> {
    /// Writes to `out`, a line at a time.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::with_capacity(64 * 1024), spans: 0, resource: None }
    }

    /// Writes a span.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write(&mut self, span: &Span) -> io::Result<()> {
        if self.spans == SPANS_PER_LINE || !self.continues(&span.resource) {
            self.end_line()?;
            self.begin_line(&span.resource);
        } else {
            self.line.push(b',');
        }
        self.spans += 1;
        write_span(&mut self.line, span);
        Ok(())
    }

    /// Ends the last line and hands `out` back, flushed.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.end_line()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn continues(&self, resource: &Arc<Resource>) -> bool {
        self.resource.as_ref().is_some_and(|open| Arc::ptr_eq(open, resource) || open == resource)
    }

    fn begin_line(&mut self, resource: &Arc<Resource>) {
        self.line.extend_from_slice(b"{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
        let Resource { service, instance, attributes } = &**resource;
        let mut all: Vec<(&str, Value)> = attributes.iter().map(|one| (one.key.as_str(), one.value.clone())).collect();
        all.push((crate::span::SERVICE_NAME, service.clone().into()));
        if !instance.is_empty() {
            all.push((crate::span::SERVICE_INSTANCE_ID, instance.clone().into()));
        }
        all.sort_by(|a, b| a.0.cmp(b.0));
        for (index, (key, value)) in all.iter().enumerate() {
            separate(&mut self.line, index);
            write_attribute(&mut self.line, key, value);
        }
        self.line.extend_from_slice(b"]},\"scopeSpans\":[{\"spans\":[");
        self.resource = Some(resource.clone());
    }

    fn end_line(&mut self) -> io::Result<()> {
        if self.spans > 0 {
            self.line.extend_from_slice(b"]}]}]}\n");
            self.out.write_all(&self.line)?;
            self.line.clear();
            self.spans = 0;
        }
        Ok(())
    }
}

fn write_span(line: &mut Vec<u8>, span: &Span) {
    line.extend_from_slice(b"{\"traceId\":\"");
    hex(line, &span.trace_id.to_bytes());
    line.extend_from_slice(b"\",\"spanId\":\"");
    hex(line, &span.span_id.to_bytes());
    if span.parent_span_id != SpanId::INVALID {
        line.extend_from_slice(b"\",\"parentSpanId\":\"");
        hex(line, &span.parent_span_id.to_bytes());
    }
    line.extend_from_slice(b"\",\"name\":");
    text(line, &span.name);
    line.extend_from_slice(b",\"kind\":");
    line.push(match span.kind {
        SpanKind::Internal => b'1',
        SpanKind::Server => b'2',
        SpanKind::Client => b'3',
        SpanKind::Producer => b'4',
        SpanKind::Consumer => b'5',
    });
    line.extend_from_slice(b",\"startTimeUnixNano\":\"");
    number(line, span.start_ns);
    line.extend_from_slice(b"\",\"endTimeUnixNano\":\"");
    number(line, span.end_ns);
    line.push(b'"');
    write_attributes(line, &span.attributes);
    if !span.events.is_empty() {
        write_events(line, span);
    }
    if !span.links.is_empty() {
        write_links(line, span);
    }
    match &span.status {
        Status::Unset => {}
        Status::Ok => line.extend_from_slice(b",\"status\":{\"code\":1}"),
        Status::Error { description } => {
            line.extend_from_slice(b",\"status\":{");
            if !description.is_empty() {
                line.extend_from_slice(b"\"message\":");
                text(line, description);
                line.push(b',');
            }
            line.extend_from_slice(b"\"code\":2}");
        }
    }
    line.push(b'}');
}

fn write_events(line: &mut Vec<u8>, span: &Span) {
    line.extend_from_slice(b",\"events\":[");
    for (index, event) in span.events.iter().enumerate() {
        separate(line, index);
        line.extend_from_slice(b"{\"timeUnixNano\":\"");
        number(line, event.time_ns);
        line.extend_from_slice(b"\",\"name\":");
        text(line, &event.name);
        write_attributes(line, &event.attributes);
        line.push(b'}');
    }
    line.push(b']');
}

fn write_links(line: &mut Vec<u8>, span: &Span) {
    line.extend_from_slice(b",\"links\":[");
    for (index, link) in span.links.iter().enumerate() {
        separate(line, index);
        line.extend_from_slice(b"{\"traceId\":\"");
        hex(line, &link.trace_id.to_bytes());
        line.extend_from_slice(b"\",\"spanId\":\"");
        hex(line, &link.span_id.to_bytes());
        line.push(b'"');
        write_attributes(line, &link.attributes);
        line.push(b'}');
    }
    line.push(b']');
}

/// `,"attributes":[..]`, or nothing where there are none.
fn write_attributes(line: &mut Vec<u8>, attributes: &[KeyValue]) {
    if attributes.is_empty() {
        return;
    }
    line.extend_from_slice(b",\"attributes\":[");
    for (index, attribute) in attributes.iter().enumerate() {
        separate(line, index);
        write_attribute(line, attribute.key.as_str(), &attribute.value);
    }
    line.push(b']');
}

fn write_attribute(line: &mut Vec<u8>, key: &str, value: &Value) {
    line.extend_from_slice(b"{\"key\":");
    text(line, key);
    line.extend_from_slice(b",\"value\":");
    write_value(line, value);
    line.push(b'}');
}

fn write_value(line: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(flag) => write_bool(line, *flag),
        Value::I64(integer) => write_i64(line, *integer),
        Value::F64(float) => write_f64(line, *float),
        Value::String(string) => write_string(line, string.as_str()),
        Value::Array(Array::Bool(all)) => write_array(line, all, |line, one| write_bool(line, *one)),
        Value::Array(Array::I64(all)) => write_array(line, all, |line, one| write_i64(line, *one)),
        Value::Array(Array::F64(all)) => write_array(line, all, |line, one| write_f64(line, *one)),
        Value::Array(Array::String(all)) => write_array(line, all, |line, one| write_string(line, one.as_str())),
        // The API's enums may grow: what they can't name here is still readable as text.
        other => write_string(line, &other.as_str()),
    }
}

fn write_array<T>(line: &mut Vec<u8>, all: &[T], one: impl Fn(&mut Vec<u8>, &T)) {
    line.extend_from_slice(b"{\"arrayValue\":{\"values\":[");
    for (index, value) in all.iter().enumerate() {
        separate(line, index);
        one(line, value);
    }
    line.extend_from_slice(b"]}}");
}

fn write_bool(line: &mut Vec<u8>, flag: bool) {
    line.extend_from_slice(if flag { b"{\"boolValue\":true}" } else { b"{\"boolValue\":false}" });
}

fn write_i64(line: &mut Vec<u8>, value: i64) {
    line.extend_from_slice(b"{\"intValue\":\"");
    integer(line, value);
    line.extend_from_slice(b"\"}");
}

/// JSON has no word for what is no finite number; Protobuf's JSON form writes those as text.
fn write_f64(line: &mut Vec<u8>, float: f64) {
    line.extend_from_slice(b"{\"doubleValue\":");
    if float.is_finite() {
        json(line, &float);
    } else {
        let word = if float.is_nan() {
            "NaN"
        } else if float > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        text(line, word);
    }
    line.push(b'}');
}

fn write_string(line: &mut Vec<u8>, string: &str) {
    line.extend_from_slice(b"{\"stringValue\":");
    text(line, string);
    line.push(b'}');
}

fn separate(line: &mut Vec<u8>, index: usize) {
    if index > 0 {
        line.push(b',');
    }
}
