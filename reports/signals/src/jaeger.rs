//! Reads the answers of Jaeger's `api_v3` over HTTP: OTLP JSON inside `{"result":..}`.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    Span,
    otlp::{Resources, SpanError, TracesData},
};

/// Why an answer of Jaeger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum JaegerError {
    /// It is no JSON, or not of this form.
    #[error("no answer of Jaeger's api_v3: {0}")]
    Json(#[from] serde_json::Error),
    /// A span that can't be one.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// Jaeger answered with an error of its own.
    #[error("jaeger says: {message} (HTTP {status})")]
    Refused {
        /// Its words.
        message: String,
        /// The HTTP status it names, 0 when it names none.
        status: u16,
    },
    /// Neither a result nor an error.
    #[error("jaeger answered without a result")]
    Empty,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<TracesData<'a>>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    http_code: u16,
}

/// The spans in the body of an answer. A body may hold several objects: the gateway may stream its answer in parts.
///
/// # Errors
/// When the body is no such answer, holds a span without proper ids, or says that Jaeger failed.
pub fn parse(body: &[u8]) -> Result<Vec<Span>, JaegerError> {
    let mut spans = Vec::new();
    let mut resources = Resources::default();
    let mut answered = false;
    for part in serde_json::Deserializer::from_slice(body).into_iter::<Answer<'_>>() {
        let Answer { result, error } = part?;
        if let Some(Refusal { message, http_code }) = error {
            return Err(JaegerError::Refused { message, status: http_code });
        }
        let Some(data) = result else { return Err(JaegerError::Empty) };
        data.spans(&mut resources, &mut |span| spans.push(span))?;
        answered = true;
    }
    if answered { Ok(spans) } else { Err(JaegerError::Empty) }
}

/// Leaves one of each span, the first: the slices in which a store is read overlap, and a retried export stores twice.
#[must_use]
pub fn dedupe(spans: Vec<Span>) -> Vec<Span> {
    let mut seen = BTreeSet::new();
    let mut spans = spans;
    spans.retain(|span| seen.insert((span.trace_id.to_bytes(), span.span_id.to_bytes())));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"result":{"resourceSpans":[{"resource":{"attributes":[
        {"key":"service.name","value":{"stringValue":"mes-api"}}]},"scopeSpans":[{"scope":{"name":"loupe"},"spans":[
        {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"","flags":256,
         "name":"POST /orders/{id}/start","kind":2,"startTimeUnixNano":"1767571200000000001","endTimeUnixNano":"1767571200000000009",
         "attributes":[{"key":"order.version","value":{"intValue":"6"}}],"status":{}}]}]}]}}"#;

    #[test]
    fn an_answer_becomes_spans() {
        let spans = parse(ANSWER.as_bytes()).unwrap();
        assert_eq!(spans.len(), 1);
        assert_eq!(&*spans[0].resource.service, "mes-api");
        assert_eq!(spans[0].start_ns, 1_767_571_200_000_000_001);
        assert_eq!(crate::span::integer(&spans[0].attributes, "order.version"), Some(6));
    }

    #[test]
    fn an_answer_may_come_in_parts_and_overlap() {
        let spans = parse(format!("{ANSWER}\n{ANSWER}").as_bytes()).unwrap();
        assert_eq!(spans.len(), 2);
        assert_eq!(dedupe(spans).len(), 1);
    }

    #[test]
    fn an_error_is_no_empty_result() {
        let refusal = br#"{"error":{"grpcCode":0,"httpCode":404,"message":"No traces found","httpStatus":"Not Found"}}"#;
        assert!(matches!(parse(refusal), Err(JaegerError::Refused { status: 404, .. })));
        assert!(matches!(parse(b""), Err(JaegerError::Empty)));
        assert!(matches!(parse(b"{}"), Err(JaegerError::Empty)));
        assert!(matches!(parse(b"<html>"), Err(JaegerError::Json(_))));
    }

    #[test]
    fn an_answer_without_spans_is_a_result() {
        assert!(parse(br#"{"result":{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{}}]}]}}"#).unwrap().is_empty());
    }
}
