//! Writes a record: what people look for first stands first.

use std::time::{Duration, SystemTime};

use opentelemetry::{SpanId, TraceId, Value};

use super::{
    ACTION, ECS_VERSION, ENVIRONMENT, ID, INSTANCE, KIND, LEVEL, MESSAGE, NUMBER, OUTCOME, RUN, SERVICE, SPAN, TIMESTAMP, TRACE,
    VERSION,
};
use crate::{
    Log,
    json::{hex, integer, json, number, text},
    span,
};

/// Adds a record to `out` as a line. The same record makes the same bytes.
pub fn write(log: &Log, out: &mut Vec<u8>) {
    let time = humantime::format_rfc3339_nanos(SystemTime::UNIX_EPOCH + Duration::from_nanos(log.time_ns));
    out.push(b'{');
    key(TIMESTAMP, out);
    text(out, &time.to_string());
    let says = |name: &str, said: &str, out: &mut Vec<u8>| {
        if !said.is_empty() {
            next(name, out);
            text(out, said);
        }
    };
    says(LEVEL, &log.level, out);
    says(MESSAGE, &log.message, out);
    says(ECS_VERSION, VERSION, out);
    says(SERVICE, &log.resource.service, out);
    says(INSTANCE, &log.resource.instance, out);
    // Whatever else the resource has is for spans.
    for name in [ENVIRONMENT, RUN] {
        says(name, span::text(&log.resource.attributes, name).unwrap_or_default(), out);
    }
    says(ACTION, &log.action, out);
    says(KIND, "event", out);
    says(OUTCOME, if log.level == "ERROR" { "failure" } else { "success" }, out);
    if log.number > 0 {
        next(NUMBER, out);
        number(out, log.number);
        // Whoever stores a record twice knows it by this.
        next(ID, out);
        let run = span::text(&log.resource.attributes, RUN).map_or_else(String::new, |run| format!("{run}/"));
        text(out, &format!("{run}{}:{}", log.resource.instance, log.number));
    }
    if log.trace_id != TraceId::INVALID {
        id(TRACE, &log.trace_id.to_bytes(), out);
    }
    if log.span_id != SpanId::INVALID {
        id(SPAN, &log.span_id.to_bytes(), out);
    }
    for field in &log.fields {
        next(field.key.as_str(), out);
        value(&field.value, out);
    }
    out.extend_from_slice(b"}\n");
}

fn key(name: &str, out: &mut Vec<u8>) {
    text(out, name);
    out.push(b':');
}

fn next(name: &str, out: &mut Vec<u8>) {
    out.push(b',');
    key(name, out);
}

fn id(name: &str, bytes: &[u8], out: &mut Vec<u8>) {
    next(name, out);
    out.push(b'"');
    hex(out, bytes);
    out.push(b'"');
}

fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::I64(number) => integer(out, *number),
        Value::Bool(flag) => json(out, flag),
        Value::F64(float) if float.is_finite() => json(out, float),
        Value::String(said) => text(out, said.as_str()),
        // Lists and what is no number: for people to read.
        other => text(out, &other.as_str()),
    }
}
