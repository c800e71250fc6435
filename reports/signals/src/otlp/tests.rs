//! What is written can be read, by us and by the published protobuf types.

use std::sync::Arc;

use opentelemetry::{
    Array, KeyValue, SpanId, TraceId, Value,
    trace::{SpanKind, Status},
};
use opentelemetry_proto::tonic::trace::v1::TracesData as ProtoTraces;
use proptest::{collection::vec, prelude::*};

use super::{ReadError, SpanError, Writer, read};
use crate::{Event, Link, Resource, Span};

fn written(spans: &[Span]) -> String {
    let mut writer = Writer::new(Vec::new());
    for span in spans {
        writer.write(span).unwrap();
    }
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

/// Our JSON, through the published protobuf types, as their JSON.
fn through_proto(lines: &str) -> String {
    let line = |line: &str| {
        let data: ProtoTraces = serde_json::from_str(line).unwrap();
        serde_json::to_string(&data).unwrap() + "\n"
    };
    lines.lines().map(line).collect()
}

fn resource() -> impl Strategy<Value = Arc<Resource>> {
    let of = |(service, instance, version): (&str, u8, Option<i64>)| Resource {
        service: service.into(),
        instance: format!("{service}-{instance}").into(),
        attributes: version.map(|version| KeyValue::new("a.version", version)).into_iter().collect(),
    };
    (prop_oneof![Just("shop-api"), Just("mes-api")], 0u8..2, any::<Option<i64>>()).prop_map(of).prop_map(Arc::new)
}

fn value() -> impl Strategy<Value = Value> {
    let float = prop_oneof![any::<f64>().prop_filter("NaN is not itself", |float| !float.is_nan()), Just(f64::INFINITY)];
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        float.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<bool>(), 1..3).prop_map(|all| Value::Array(Array::Bool(all))),
        vec(any::<i64>(), 1..3).prop_map(|all| Value::Array(Array::I64(all))),
        vec(float, 1..3).prop_map(|all| Value::Array(Array::F64(all))),
        vec(any::<String>(), 0..3).prop_map(|all| Value::Array(Array::String(all.into_iter().map(|text| text.into()).collect()))),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((any::<String>(), value()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..4)
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    (1u128..).prop_map(|id| TraceId::from_bytes(id.to_be_bytes()))
}

fn span_id() -> impl Strategy<Value = SpanId> {
    (1u64..).prop_map(|id| SpanId::from_bytes(id.to_be_bytes()))
}

prop_compose! {
    fn event()(name in any::<String>(), time_ns in any::<u64>(), attributes in attributes()) -> Event {
        Event { name: name.into(), time_ns, attributes }
    }
}

prop_compose! {
    fn link()(trace_id in trace_id(), span_id in span_id(), attributes in attributes()) -> Link {
        Link { trace_id, span_id, attributes }
    }
}

prop_compose! {
    fn span()(
        resource in resource(),
        ids in (trace_id(), span_id(), prop_oneof![Just(SpanId::INVALID), span_id()]),
        name in any::<String>(),
        kind in prop_oneof![
            Just(SpanKind::Internal), Just(SpanKind::Server), Just(SpanKind::Client), Just(SpanKind::Producer), Just(SpanKind::Consumer)
        ],
        times in any::<(u64, u64)>(),
        attributes in attributes(),
        events in vec(event(), 0..3),
        links in vec(link(), 0..3),
        status in prop_oneof![Just(Status::Unset), Just(Status::Ok), any::<String>().prop_map(Status::error)],
    ) -> Span {
        let ((trace_id, span_id, parent_span_id), (start_ns, end_ns), name) = (ids, times, name.into());
        Span { resource, trace_id, span_id, parent_span_id, name, kind, start_ns, end_ns, attributes, events, links, status }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(spans in vec(span(), 0..8)) {
        prop_assert_eq!(read(written(&spans).as_bytes()).unwrap(), spans);
    }

    #[test]
    fn the_published_types_lose_nothing_of_it(spans in vec(span(), 0..8)) {
        // Their doubles are JSON numbers only: what is not finite is not for them.
        let finite = |attribute: &KeyValue| match &attribute.value {
            Value::F64(float) => float.is_finite(),
            Value::Array(Array::F64(all)) => all.iter().all(|float| float.is_finite()),
            _ => true,
        };
        let mut spans = spans;
        for span in &mut spans {
            span.attributes.retain(finite);
            span.events.iter_mut().for_each(|event| event.attributes.retain(finite));
            span.links.iter_mut().for_each(|link| link.attributes.retain(finite));
        }
        prop_assert_eq!(read(through_proto(&written(&spans)).as_bytes()).unwrap(), spans);
    }
}

fn one(json: &str) -> Result<Vec<Span>, ReadError> {
    let json = json.replace('\n', " ");
    read(format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{json}]}}]}}]}}"#).as_bytes())
}

#[test]
fn neighbours_of_one_resource_share_a_line() {
    let json = r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
        "startTimeUnixNano":1,"endTimeUnixNano":"2"}"#;
    let mut span = one(json).unwrap().remove(0);
    let mut other = span.clone();
    other.resource = Arc::new(Resource { service: "mes".into(), instance: "mes-0".into(), attributes: Vec::new() });
    assert_eq!(written(&[span.clone(), span.clone(), other.clone(), other]).lines().count(), 2);
    span.resource = Arc::new((*span.resource).clone());
    assert_eq!(written(&vec![span; 101]).lines().count(), 2);
    assert_eq!(written(&[]), "");
}

#[test]
fn unknown_and_missing_fields_are_no_error() {
    let spans =
        one(r#"{"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331","parentSpanId":"0000000000000000",
            "startTimeUnixNano":1,"endTimeUnixNano":"2","flags":257,"traceState":"a=b","new":{"er":[1]},
            "attributes":[{"key":"n","value":{"intValue":7}},{"key":"none","value":{}},{"key":"absent"},
                {"key":"map","value":{"kvlistValue":{"values":[]}}},{"key":"d","value":{"doubleValue":3}}]}"#)
        .unwrap();
    assert_eq!(spans[0].parent_span_id, SpanId::INVALID);
    assert_eq!(&*spans[0].resource.service, "unknown_service");
    assert_eq!(spans[0].kind, SpanKind::Internal);
    let n = |key| crate::span::attribute(&spans[0].attributes, key);
    assert_eq!((n("n"), n("d")), (Some(&Value::I64(7)), Some(&Value::F64(3.0))));
    for empty in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{}]}]}"#, "", "\n \n"] {
        assert!(read(empty.as_bytes()).unwrap().is_empty(), "{empty}");
    }
}

#[test]
fn an_id_that_is_none_is_refused_by_line() {
    for (trace_id, span_id) in [
        ("0af7651916cd43dd8448eb211c80319", "b7ad6b7169203331"),
        ("00000000000000000000000000000000", "b7ad6b7169203331"),
        ("0af7651916cd43dd8448eb211c80319c", "+7ad6b7169203331"),
        ("0af7651916cd43dd8448eb211c80319c", "0000000000000000"),
        ("CvdlGRbNQ92ESOshHIAxnA==", "t61rcWkgMzE="),
    ] {
        let json = format!(r#"{{"traceId":"{trace_id}","spanId":"{span_id}","startTimeUnixNano":"1","endTimeUnixNano":"2"}}"#);
        let refused = one(&json).unwrap_err();
        assert!(matches!(refused, ReadError::Span { line: 1, source: SpanError::Id { .. } }), "{refused}");
    }
}

#[test]
fn errors_name_the_line() {
    let refused = read("{}\n\n{\"resourceSpans\":3}\n".as_bytes()).unwrap_err();
    assert!(matches!(refused, ReadError::Json { line: 3, .. }), "{refused}");
    let json = r#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","startTimeUnixNano":-1,"endTimeUnixNano":"2"}"#;
    let refused = one(json).unwrap_err();
    assert!(matches!(refused, ReadError::Span { source: SpanError::Time { value: -1, .. }, .. }), "{refused}");
}
