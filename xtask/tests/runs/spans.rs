//! The spans of whole runs: they lead from each error to where it began, and other tools can read them.

use std::collections::BTreeMap;

use contracts::{attributes, services};
use harness::Played;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use signals::{Span, otlp, span};

/// All that whole runs promise of their spans. Where a telemetry fault has been at them they keep no promise.
pub(crate) fn keep_their_promises(name: &str, played: &Played) {
    let spans: Vec<Span> = played.archive.spans().collect();
    assert_eq!(spans.len() as u64, played.records, "{name}: all spans are kept");
    published_types_read_what_we_write(name, &spans);
    every_error_reaches_an_entry(name, &spans);
    attributes_are_the_contracts(name, &spans);
}

/// Our lines -> the published protobuf types -> their JSON -> our reader: the same spans.
fn published_types_read_what_we_write(name: &str, spans: &[Span]) {
    let mut writer = otlp::Writer::new(Vec::new());
    spans.iter().for_each(|span| writer.write(span).unwrap());
    let ours = String::from_utf8(writer.finish().unwrap()).unwrap();
    let theirs: String = ours
        .lines()
        .map(|line| serde_json::from_str::<TracesData>(line).unwrap())
        .map(|data| serde_json::to_string(&data).unwrap() + "\n")
        .collect();
    assert_eq!(otlp::read(theirs.as_bytes()).unwrap(), spans, "{name}");
}

/// From each failed span a way of parents and links leads to a span where something entered the system.
fn every_error_reaches_an_entry(name: &str, spans: &[Span]) {
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| (span.span_id.to_bytes(), span)).collect();
    let entry = |span: &Span| span.kind == SpanKind::Server || span.parent_span_id == opentelemetry::SpanId::INVALID;
    for failed in spans.iter().filter(|span| matches!(span.status, Status::Error { .. })) {
        let mut ways = vec![failed];
        let mut steps = 0;
        let reached = loop {
            let Some(at) = ways.pop() else { break false };
            if entry(at) {
                break true;
            }
            let next = at.links.iter().map(|link| link.span_id).chain([at.parent_span_id]);
            ways.extend(next.filter_map(|id| by_id.get(&id.to_bytes())));
            steps += 1;
            assert!(steps < 1000, "{name}: parents and links of {} go in a circle", failed.name);
        };
        assert!(reached, "{name}: nothing leads from {} to where it began", failed.name);
        assert!(span::text(&failed.attributes, attributes::ERROR_TYPE).is_some(), "{name}: {} without a cause", failed.name);
    }
}

/// Services say who they are, and nothing outside the contract.
fn attributes_are_the_contracts(name: &str, spans: &[Span]) {
    for span in spans {
        assert!(services::ALL.contains(&&*span.resource.service), "{name}: {}", span.resource.service);
        for attribute in &span.attributes {
            let key = attribute.key.as_str();
            assert!(attributes::ALL.contains(&key), "{name}: {key} of {} is not in the contract", span.name);
        }
    }
}
