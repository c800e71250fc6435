//! Reads a record back: strict about times and ids, tolerant of everything that does not matter here.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{KeyValue, SpanId, TraceId};
use serde_json::{Map, Value};

use super::{
    ACTION, ECS_VERSION, ENVIRONMENT, ID, INSTANCE, KIND, LEVEL, MESSAGE, NUMBER, OUTCOME, RUN, SERVICE, SPAN, TIMESTAMP, TRACE,
};
use crate::{Log, Resource};

/// Why a line is no log record.
#[derive(Debug, thiserror::Error)]
pub enum EcsError {
    /// No JSON, or no object.
    #[error("no JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// Something that every record has.
    #[error("{0:?} is missing")]
    Missing(&'static str),
    /// A time that is none.
    #[error("{field:?} is no time of RFC 3339: {value}")]
    Time {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// An id that is none.
    #[error("{field:?} is no id: {value}")]
    Id {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
    },
}

/// Reads one line. Objects within objects are keys with dots; fields come sorted by key.
///
/// # Errors
/// When it is no record, with the reason.
pub fn read(line: &str) -> Result<Log, EcsError> {
    let object: Map<String, Value> = serde_json::from_str(line)?;
    let mut fields = Vec::new();
    flatten(String::new(), object, &mut fields);
    fields.sort_by(|a: &(String, Value), b| a.0.cmp(&b.0));
    let mut known: BTreeMap<&str, Value> = BTreeMap::new();
    let base = super::BASE;
    fields.retain_mut(|(key, value)| match base.iter().find(|name| **name == key) {
        Some(name) => {
            known.insert(name, value.take());
            false
        }
        None => true,
    });
    // What follows from the rest is not kept.
    [ECS_VERSION, KIND, OUTCOME, ID].iter().for_each(|name| drop(known.remove(name)));
    let mut text = |name: &'static str| match known.remove(name) {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let [time, service] = [TIMESTAMP, SERVICE].map(|name| Some(text(name)).filter(|text| !text.is_empty()).ok_or(name));
    let (time, service) = (time.map_err(EcsError::Missing)?, service.map_err(EcsError::Missing)?);
    let attributes = [ENVIRONMENT, RUN].into_iter().map(|name| KeyValue::new(name, text(name)));
    let attributes = attributes.filter(|attribute| !attribute.value.as_str().is_empty()).collect();
    let resource = Resource { service: service.into(), instance: text(INSTANCE).into(), attributes };
    Ok(Log {
        resource: Arc::new(resource),
        number: text(NUMBER).parse().unwrap_or(0),
        time_ns: nanoseconds(&time).ok_or(EcsError::Time { field: TIMESTAMP, value: time })?,
        level: text(LEVEL).into(),
        action: text(ACTION).into(),
        message: text(MESSAGE).into(),
        trace_id: id(TRACE, text(TRACE), TraceId::from_hex, TraceId::INVALID)?,
        span_id: id(SPAN, text(SPAN), SpanId::from_hex, SpanId::INVALID)?,
        fields: fields.into_iter().map(field).collect(),
    })
}

fn flatten(prefix: String, object: Map<String, Value>, out: &mut Vec<(String, Value)>) {
    for (key, value) in object {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(inner) => flatten(key, inner, out),
            Value::Null => {}
            other => out.push((key, other)),
        }
    }
}

fn field((key, value): (String, Value)) -> KeyValue {
    match value {
        Value::String(text) => KeyValue::new(key, text),
        Value::Bool(flag) => KeyValue::new(key, flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => KeyValue::new(key, integer),
            (None, float) => KeyValue::new(key, float.unwrap_or(f64::NAN)),
        },
        other => KeyValue::new(key, other.to_string()),
    }
}

fn nanoseconds(text: &str) -> Option<u64> {
    let since: Duration = humantime::parse_rfc3339(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// An id; none where none is named.
fn id<T, E>(field: &'static str, text: String, parse: impl Fn(&str) -> Result<T, E>, none: T) -> Result<T, EcsError> {
    if text.is_empty() {
        return Ok(none);
    }
    parse(&text).map_err(|_| EcsError::Id { field, value: text })
}
