//! Telemetry faults: what they take, what they leave, and what the counters tell of it. Each has a number that is a boundary.

use std::{collections::BTreeSet, time::Duration};

use faults::{Effect, Fault, Kind, What};
use opentelemetry::{KeyValue, trace::SpanKind};
use signals::{Loss, Span, loss::Why};
use simulated::{Config, EPOCH_NS, Simulation, TelemetrySettings};
use world::{Node, World, telemetry::Origin};

use crate::stage::{ms, run, secs};

/// What is left of some spans after a fault, what is told of it, and what it did.
struct After {
    spans: Vec<Span>,
    losses: Vec<Loss>,
    effects: Vec<Effect>,
}

impl After {
    fn names(&self) -> Vec<&str> {
        self.spans.iter().map(|span| &*span.name).collect()
    }

    fn told(&self) -> Vec<(Option<&str>, Why, u64)> {
        self.losses.iter().map(|loss| (loss.service.as_deref(), loss.why, loss.spans)).collect()
    }
}

/// A fault from the 10th to the 20th second, in a world in which `work` goes on from the start.
fn during<F: Future<Output = ()> + Send + 'static>(kind: Kind, read_late: bool, work: fn(World) -> F) -> After {
    let telemetry = TelemetrySettings { at_once: |_| true, read_late, ..TelemetrySettings::default() };
    let simulation = Simulation::new(&Config { telemetry, ..Config::new(1) });
    simulation.start(Node::first("mes-api"), "db", move |world| {
        let rt = world.rt.clone();
        drop(rt.spawn("work", work(world)));
    });
    let effects = run(&simulation, |world, models| async move {
        let nemesis = models.nemesis();
        let fault = Fault { name: format!("{}@1", kind.name()), kind, at: secs(10), lasts: secs(10) };
        world.rt.sleep_until(secs(10)).await;
        nemesis.inflict(&fault).await.unwrap();
        if read_late {
            assert!(models.drain_spans().is_empty(), "nobody reads yet");
        }
        world.rt.sleep_until(secs(20)).await;
        nemesis.lift(&fault).await.unwrap();
        world.rt.sleep_until(secs(60)).await;
        nemesis.effects().await
    });
    simulation.flush_spans();
    After { spans: simulation.drain_spans(), losses: simulation.losses(), effects }
}

/// A span of no length, at each of some times.
async fn marks(world: World, times: &[Duration]) {
    const NAMES: [&str; 6] = ["0", "1", "2", "3", "4", "5"];
    for (name, at) in NAMES.into_iter().zip(times) {
        world.rt.sleep_until(*at).await;
        world.telemetry.mark(name, Origin::root(), Vec::new());
    }
}

fn hit(after: &After) -> Vec<(&str, u64)> {
    let hit = |effect: &'_ Effect| match &effect.what {
        What::SpansBlurred { how, spans, .. } => Some((how.clone(), *spans)),
        _ => None,
    };
    let names = ["not-sampled", "late", "queue-full", "export-failed", "skewed", "expired", "silenced", "personal-data"];
    let known = |how: String| names.into_iter().find(|name| **name == *how).unwrap();
    after.effects.iter().filter_map(hit).map(|(how, spans)| (known(how), spans)).collect()
}

#[test]
fn what_is_exported_in_an_outage_is_gone_and_counted() {
    let after = during(faults::TRACING_OUTAGE.plain(), false, |world| async move {
        marks(world, &[ms(9_999), ms(10_001), ms(19_999), ms(20_001)]).await;
    });
    assert_eq!(after.names(), ["0", "3"]);
    assert_eq!(after.told(), [(Some("mes-api"), Why::ExportFailed, 2)]);
    assert_eq!(hit(&after), [("export-failed", 2)]);
}

#[test]
fn a_silenced_service_has_neither_spans_nor_counters() {
    let after = during(faults::SERVICE_SILENT.with("service", "mes-api"), false, |world| async move {
        marks(world, &[ms(9_999), ms(10_001), ms(19_999), ms(20_001)]).await;
    });
    assert_eq!(after.names(), ["0", "3"]);
    assert_eq!(after.told(), [(Some("mes-api"), Why::Silent, 0)]);
    assert_eq!(hit(&after), [("silenced", 2)]);
    let other = during(faults::SERVICE_SILENT.with("service", "crm-api"), false, |world| async move {
        marks(world, &[ms(10_001), ms(19_999)]).await;
    });
    assert_eq!((other.spans.len(), hit(&other)), (2, vec![]));
}

#[test]
fn a_trace_is_sampled_as_a_whole_by_its_ratio() {
    /// Two hundred traces of two spans each.
    async fn traces(world: World) {
        world.rt.sleep_until(secs(11)).await;
        for _ in 0..200 {
            let root = world.telemetry.start("root", SpanKind::Internal, Origin::root(), Vec::new());
            // As over the wire: the decision is in the flag.
            let traceparent = world.telemetry.traceparent(root.context()).unwrap();
            let parent = world.telemetry.parse(Some(&traceparent));
            world.telemetry.mark("child", Origin::child_of(&parent), Vec::new());
        }
    }
    let left = |ratio: f64| {
        let after = during(faults::HEAD_SAMPLING.with("ratio", ratio), false, traces);
        let of = |name: &str| -> BTreeSet<_> {
            let named = after.spans.iter().filter(|span| span.name == name);
            named.map(|span| span.trace_id.to_bytes()).collect()
        };
        assert_eq!(of("root"), of("child"), "a trace is there or not");
        let unsampled: u64 = after.losses.iter().map(|loss| loss.spans).sum();
        assert_eq!(after.spans.len() as u64 + unsampled, 400);
        of("root").len()
    };
    assert_eq!((left(0.0), left(1.0)), (0, 200));
    let tenth = left(0.1);
    assert!((10..=32).contains(&tenth), "{tenth} of 200");
}

#[test]
fn a_trace_that_began_before_the_fault_is_recorded_to_its_end() {
    let after = during(faults::HEAD_SAMPLING.with("ratio", 0.0), false, |world| async move {
        let root = world.telemetry.start("root", SpanKind::Internal, Origin::root(), Vec::new());
        world.rt.sleep_until(secs(15)).await;
        world.telemetry.mark("inside", Origin::child_of(root.context()), Vec::new());
        let hidden = world.telemetry.start("hidden", SpanKind::Internal, Origin::root(), Vec::new());
        world.rt.sleep_until(secs(25)).await;
        world.telemetry.mark("below hidden", Origin::child_of(hidden.context()), Vec::new());
    });
    assert_eq!(after.names(), ["inside", "root"]);
    assert_eq!(after.losses.iter().map(|loss| loss.spans).sum::<u64>(), 2, "also what came after the fault");
}

#[test]
fn what_comes_after_the_decision_on_a_trace_is_dropped() {
    let after = during(faults::TAIL_SAMPLING.with("wait", secs(2)), false, |world| async move {
        world.rt.sleep_until(secs(11)).await;
        let root = world.telemetry.start("root", SpanKind::Internal, Origin::root(), Vec::new());
        let below = Origin::child_of(root.context());
        world.telemetry.mark("first", below.clone(), Vec::new());
        world.rt.sleep_until(secs(13)).await;
        world.telemetry.mark("just in time", below.clone(), Vec::new());
        world.rt.sleep_until(secs(13) + ms(1)).await;
        world.telemetry.mark("late", below.clone(), Vec::new());
        world.telemetry.mark("another trace", Origin::root(), Vec::new());
    });
    assert_eq!(after.names(), ["first", "just in time", "another trace"]);
    assert_eq!(after.told(), [(None, Why::Late, 2)], "the root ended late as well");
}

#[test]
fn a_full_queue_drops_its_share_and_counts_it() {
    async fn many(world: World) {
        world.rt.sleep_until(secs(11)).await;
        (0..400).for_each(|_| world.telemetry.mark("mark", Origin::root(), Vec::new()));
    }
    let left = |share: f64| {
        let kind = faults::EXPORTER_OVERFLOW.with("service", "mes-api").with("share", share);
        let after = during(kind, false, many);
        let dropped: u64 = after.losses.iter().map(|loss| loss.spans).sum();
        assert_eq!(after.spans.len() as u64 + dropped, 400);
        assert!(after.losses.iter().all(|loss| loss.why == Why::QueueFull));
        after.spans.len()
    };
    assert_eq!(left(1.0), 0);
    let kept = left(0.25);
    assert!((270..=330).contains(&kept), "{kept} of 400");
}

#[test]
fn a_backend_forgets_what_ended_longer_ago_than_it_keeps() {
    let after = during(faults::RETENTION.with("keep", secs(5)), true, |world| async move {
        marks(world, &[secs(1), ms(14_999), secs(15), secs(19), secs(30)]).await;
    });
    assert_eq!(after.names(), ["2", "3", "4"]);
    assert_eq!(after.told(), [(None, Why::Expired, 2)]);
    assert_eq!(after.losses[0].until_ns, EPOCH_NS + 15_000_000_000);
}

#[test]
fn a_wrong_clock_dates_spans_and_log_records_of_one_service() {
    let first = |kind: Kind| {
        let after = during(kind, false, |world| async move {
            world.rt.sleep_until(secs(11)).await;
            let mut span = world.telemetry.start("span", SpanKind::Internal, Origin::root(), Vec::new());
            span.event("event", vec![KeyValue::new("a", "b")]);
        });
        let span = &after.spans[0];
        assert_eq!((span.start_ns, span.end_ns), (span.events[0].time_ns, span.start_ns));
        span.start_ns.abs_diff(EPOCH_NS) / 1_000_000_000
    };
    let skew = |service: &str| faults::CLOCK_SKEW.with("service", service).with("by", secs(3));
    assert_eq!(first(skew("mes-api")), 14);
    assert_eq!(first(skew("mes-api").with("direction", "behind")), 8);
    assert_eq!(first(skew("crm-api")), 11);
}

#[test]
fn personal_data_stands_in_a_share_of_the_spans() {
    let after = during(faults::PERSONAL_DATA.with("service", "mes-api").with("share", 1.0), false, |world| async move {
        marks(world, &[secs(9), secs(11), secs(21)]).await;
    });
    let leaking: Vec<bool> =
        after.spans.iter().map(|span| span.attributes.iter().any(|it| it.key.as_str() == "customer.email")).collect();
    assert_eq!(leaking, [false, true, false]);
    assert_eq!((after.losses.len(), hit(&after)), (0, vec![("personal-data", 1)]));
}
