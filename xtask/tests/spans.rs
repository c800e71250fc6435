//! The spans of whole runs: what they say agrees with the ledger, and other tools can read them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sized;

use std::{collections::BTreeMap, path::Path};

use contracts::{architecture::Preset, attributes, services};
use harness::{Arena as _, Played, prepare, progress::Progress};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use scenarios::{Scenario, ledger::Step};
use signals::{Span, otlp, span};
use xtask::simulated::Simulated;

/// Every library scenario on both architectures, small, with all its spans.
fn runs() -> Vec<(String, Played)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut runs = Vec::new();
    for library in Scenario::library(root).unwrap() {
        for preset in Preset::ALL {
            let scenario = sized::to(&library.clone().with_architecture(preset), 300.0);
            let prepared = prepare::prepared(scenario, false, true).unwrap();
            let played = Simulated.play(&prepared, &mut Progress::silent()).unwrap();
            runs.push((format!("{} {}", library.name, preset.name()), played));
        }
    }
    runs
}

#[test]
fn spans_of_whole_runs_keep_their_promises() {
    for (name, played) in runs() {
        let spans: Vec<Span> = played.archive.spans().collect();
        assert_eq!(spans.len() as u64, played.records, "{name}: all spans are kept");
        published_types_read_what_we_write(&name, &spans);
        every_error_reaches_an_entry(&name, &spans);
        events_equal_rows(&name, &played, &spans);
        attributes_are_the_contracts(&name, &spans);
    }
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

/// Each transition's span event says what its row in `order_transition` says, and there is one for each row.
fn events_equal_rows(name: &str, played: &Played, spans: &[Span]) {
    type Said = (String, String, Option<String>, String, i64, String, u64);
    let mut said: Vec<Said> = Vec::new();
    for span in spans {
        let order = span::text(&span.attributes, attributes::ORDER_ID).unwrap_or_default();
        for event in span.events.iter().filter(|event| event.name == attributes::STATUS_CHANGED) {
            let text = |key| span::text(&event.attributes, key).map(str::to_owned);
            let version = span::integer(&event.attributes, attributes::VERSION).unwrap();
            let (to, id) = (text(attributes::TO).unwrap(), text(attributes::EVENT_ID).unwrap());
            let service = span.resource.service.to_string();
            said.push((order.to_owned(), service, text(attributes::FROM), to, version, id, event.time_ns));
        }
    }
    let row = |order: &str, step: &Step| -> Said {
        let from = step.from.map(|status| status.name().to_owned());
        let (to, id) = (step.to.name().to_owned(), step.event_id.to_string());
        (order.to_owned(), step.service.to_string(), from, to, step.version, id, step.at_ns)
    };
    let mut rows: Vec<Said> = Vec::new();
    for account in played.ledger.initiated() {
        let order = account.order_id.as_deref().unwrap_or_default();
        rows.extend(account.shop.iter().chain(&account.mes).map(|step| row(order, step)));
    }
    said.sort();
    rows.sort();
    assert!(!rows.is_empty(), "{name}");
    // What a killed process had committed and not yet said is a row without an event; never the other way round.
    let silent = rows.iter().filter(|row| said.binary_search(row).is_err()).count() as u64;
    assert!(said.iter().all(|event| rows.binary_search(event).is_ok()), "{name}: an event without a row");
    assert!(silent <= played.ledger.faults.len() as u64, "{name}: {silent} rows without an event");
    assert_eq!(said.len() as u64 + silent, rows.len() as u64, "{name}: an event was said twice");
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
