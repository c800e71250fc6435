//! Spans: ids, times, batches, and what dies with a node.

use std::sync::Arc;

use opentelemetry::{KeyValue, trace::SpanKind};
use signals::{Span, span::text};
use simulated::{Config, DRIVER, EPOCH_NS, Instrumentation, Simulation, TelemetrySettings};
use world::{Node, broker::Headers, telemetry::Origin};

use crate::stage::{ms, run, secs};

fn simulation(seed: u64) -> Simulation {
    let telemetry = TelemetrySettings { at_once: |span| span.name.starts_with("receive"), ..TelemetrySettings::default() };
    Simulation::new(&Config { telemetry, ..Config::new(seed) })
}

fn about(order: &str) -> Vec<KeyValue> {
    vec![KeyValue::new("order.id", order.to_owned())]
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

#[test]
fn a_span_keeps_what_it_was_given_and_its_times_are_the_worlds() {
    let simulation = simulation(1);
    run(&simulation, |world, _| async move {
        let telemetry = &world.telemetry;
        let earlier = telemetry.start("earlier", SpanKind::Server, Origin::root(), Vec::new());
        let link = earlier.context().clone();
        earlier.end();
        let mut parent = telemetry.start("process", SpanKind::Consumer, Origin::root().linked(&link), about("o-1"));
        world.rt.sleep(ms(1500)).await;
        parent.event("changed", vec![KeyValue::new("to", "SUBMITTED")]);
        let mut headers = Headers::default();
        telemetry.inject(parent.context(), &mut headers);
        telemetry.start("settle", SpanKind::Client, Origin::child_of(&telemetry.extract(&headers)), about("o-1")).end();
        world.rt.sleep(ms(500)).await;
        parent.fail("23505", "twice");
    });
    simulation.flush_spans();
    let spans = simulation.drain_spans();
    assert_eq!(names(&spans), ["earlier", "settle", "process"]);
    let [earlier, settle, process] = &spans[..] else { panic!() };
    assert_eq!((settle.trace_id, settle.parent_span_id), (process.trace_id, process.span_id));
    assert_ne!(earlier.trace_id, process.trace_id);
    assert_eq!((process.links[0].trace_id, process.links[0].span_id), (earlier.trace_id, earlier.span_id));
    assert_eq!((process.start_ns, process.end_ns), (EPOCH_NS, EPOCH_NS + 2_000_000_000));
    assert_eq!((process.events[0].time_ns, &*process.events[0].name), (EPOCH_NS + 1_500_000_000, "changed"));
    assert_eq!((text(&process.attributes, "order.id"), text(&process.attributes, "error.type")), (Some("o-1"), Some("23505")));
    assert_eq!((&*process.resource.service, &*process.resource.instance), ("driver", "driver-1.1"));
    assert_eq!(text(&process.resource.attributes, "service.namespace"), Some("alexandrite"));
}

/// All ids that a small run makes.
fn ids(seed: u64) -> Vec<(opentelemetry::TraceId, opentelemetry::SpanId)> {
    let simulation = simulation(seed);
    let other = simulation.world(Node { incarnation: 2, ..DRIVER }, "db");
    run(&simulation, |world, _| async move {
        for _ in 0..50 {
            world.telemetry.mark("a", Origin::root(), Vec::new());
            other.telemetry.mark("b", Origin::root(), Vec::new());
        }
    });
    simulation.flush_spans();
    simulation.drain_spans().into_iter().map(|span| (span.trace_id, span.span_id)).collect()
}

#[test]
fn ids_depend_on_seed_and_node_and_never_repeat() {
    let first = ids(1);
    assert_eq!(first, ids(1));
    let all: std::collections::BTreeSet<_> =
        first.iter().chain(&ids(2)).map(|(trace, span)| (trace.to_bytes(), span.to_bytes())).collect();
    assert_eq!(all.len(), 200);
}

#[test]
fn batches_go_out_every_five_seconds_or_when_full_and_some_spans_at_once() {
    let simulation = Arc::new(simulation(1));
    let sim = Arc::clone(&simulation);
    run(&simulation, |world, _| async move {
        let mark = |name: &'static str| world.telemetry.mark(name, Origin::root(), Vec::new());
        world.rt.sleep(secs(7)).await;
        mark("held");
        mark("receive");
        assert_eq!(names(&sim.drain_spans()), ["receive"]);
        world.rt.sleep(ms(2_999)).await;
        assert!(sim.drain_spans().is_empty());
        world.rt.sleep(ms(1)).await;
        assert_eq!(names(&sim.drain_spans()), ["held"]);
        world.rt.sleep(secs(1)).await;
        (0..513).for_each(|_| mark("many"));
        assert_eq!(sim.drain_spans().len(), 512);
    });
    let journal = &simulation.journals()[0];
    assert_eq!((journal.ended, journal.exported, journal.lost), (515, 514, 0));
}

#[test]
fn a_killed_node_loses_its_buffer_and_says_what_it_was_at() {
    let simulation = simulation(1);
    let victim = Node::first("mes-api");
    simulation.start(victim, "db", |world| {
        let rt = world.rt.clone();
        drop(rt.spawn("work", async move {
            let telemetry = &world.telemetry;
            let mark = |name: &'static str, order: &str| telemetry.mark(name, Origin::root(), about(order));
            mark("sent", "o-1");
            world.rt.sleep(secs(6)).await;
            mark("receive", "o-2");
            mark("buffered", "o-3");
            let _open = telemetry.start("open", SpanKind::Consumer, Origin::root(), about("o-4"));
            std::future::pending::<()>().await;
        }));
    });
    run(&simulation, |world, models| async move {
        world.rt.sleep(secs(8)).await;
        models.kill(victim);
        world.rt.sleep(secs(60)).await;
    });
    simulation.flush_spans();
    assert_eq!(names(&simulation.drain_spans()), ["sent", "receive"]);
    let journals = simulation.journals();
    let journal = journals.iter().find(|journal| journal.node == victim).unwrap();
    assert_eq!((journal.ended, journal.exported, journal.lost, journal.cut), (3, 2, 1, 1));
    assert_eq!(journal.cut_about.iter().map(String::as_str).collect::<Vec<_>>(), ["o-4"]);
}

#[test]
fn telemetry_never_changes_what_happens() {
    let stats = |traced| {
        let instrument = Arc::new(move |_| Instrumentation { traced, propagate: traced, logged: traced });
        let telemetry = TelemetrySettings { instrument, ..TelemetrySettings::default() };
        let simulation = Simulation::new(&Config { telemetry, ..Config::new(1) });
        run(&simulation, |world, _| async move {
            for n in 0..100 {
                let span = world.telemetry.start("work", SpanKind::Internal, Origin::root(), Vec::new());
                world.rt.sleep(ms(n)).await;
                let passed_on = world.telemetry.traceparent(span.context());
                assert_eq!(passed_on.is_some(), traced);
            }
        });
        simulation.flush_spans();
        (simulation.stats(), simulation.drain_spans().len())
    };
    let (with, without) = (stats(true), stats(false));
    assert_eq!(with.0, without.0);
    assert_eq!((with.1, without.1), (100, 0));
}
