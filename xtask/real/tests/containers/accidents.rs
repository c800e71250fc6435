//! What befalls the real stack in the middle of a run and no scenario asked for: each time the outcome is no pass, and a reason names it.
//!
//! The runs go on side by side, each with a stack of its own, for a full broker and a database without a connection are everybody's; only
//! the one whose logs are refused is at the open stack, whose Elasticsearch it shares.

mod victim;

use std::{thread, time::Duration};

use harness::prepare;
use judge::report::{Outcome, Report};
use real::Place;
use victim::Victim;

use crate::{
    gate,
    worlds::{judged, played},
};

/// Seconds instead of days, and deadlines that a run in which nothing moves any more does not wait for.
const SHORT: &str = r#"
title = "Half a minute"
duration = "25s"
[instrumentation]
logs = []
[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "1/s"
[pricing]
mean = "200ms"
max = "1s"
[people]
upload = "100ms"
submit = "100ms"
seller = "200ms"
bench = "200ms"
manufacturing = "500ms"
packaging = "200ms"
shipping = "200ms"
carrier = "200ms"
[sla]
FILE_UPLOADED = "10s"
SUBMITTED = "10s"
PRICE_CALCULATED = "10s"
MANUFACTURING_APPROVED = "10s"
MANUFACTURING_STARTED = "10s"
MANUFACTURING_COMPLETED = "10s"
PACKAGING = "10s"
SHIPPED = "10s"
CLOSED = "10s"
"order.manufacturing_started" = "10s"
"order.manufacturing_completed" = "10s"
"order.packaging" = "10s"
promise = "15s"
"#;

/// An accident, and the beginning of the sentence that names it.
struct Case {
    happens: fn(&Victim),
    named: &'static str,
    place: fn() -> Place,
    logs: &'static [&'static str],
}

const CASES: [Case; 4] = [
    Case {
        happens: Victim::restart_jaeger,
        named: "Jaeger was started anew, and what it had in memory is gone",
        place: gate::apart,
        logs: &[],
    },
    Case {
        happens: Victim::shut_elasticsearch,
        named: "Elasticsearch refused writes: its indices have the block index.blocks.read_only_allow_delete",
        place: gate::place,
        logs: &["crm-api", "mes-api"],
    },
    Case { happens: Victim::fill_the_brokers_disk, named: "RabbitMQ raised its disk alarm", place: gate::apart, logs: &[] },
    Case {
        happens: Victim::take_all_connections,
        named: "Postgres (mes) had no connection left: 300 of 300 were taken",
        place: gate::apart,
        logs: &[],
    },
];

/// Plays a run to which a case happens; its seed tells it from the others.
fn report(seed: u64, case: &Case) -> Report {
    let mut scenario = gate::scenario(SHORT);
    scenario.seed = seed;
    scenario.instrumentation.logs = case.logs.iter().map(|&service| service.to_owned()).collect();
    // Nobody waits for a minute until the next attempt.
    (scenario.people.retry, scenario.people.close_retry) = (Duration::from_millis(500), Duration::from_millis(500));
    let prepared = prepare::prepared(scenario, false, true).unwrap();
    // What is missing does not come any more.
    let mut place = (case.place)();
    place.limits.testimony = Duration::from_secs(8);
    let happens = case.happens;
    let accident = thread::Builder::new().spawn(move || happens(&Victim::find(seed))).unwrap();
    let played = played(&prepared, place);
    accident.join().expect("the accident happens");
    judged(&prepared, &played).report
}

#[test]
fn an_accident_of_the_stack_is_named_and_never_a_pass_and_leaves_nothing_behind() {
    if !gate::containers() {
        return;
    }
    let reports: Vec<Report> = thread::scope(|scope| {
        let runs: Vec<_> = (101..).zip(&CASES).map(|(seed, case)| scope.spawn(move || report(seed, case))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for (report, case) in reports.iter().zip(&CASES) {
        let said = render::terminal(report, &render::Screen::default());
        eprintln!("{said}");
        assert_ne!(report.outcome, Outcome::Pass, "{}", case.named);
        assert!(report.orders.initiated > 5, "{}: hardly a run", case.named);
        let sentence = format!("an accident that is no fault of the scenario: {}", case.named);
        let named = report.reasons.iter().filter(|reason| reason.starts_with(&sentence)).count();
        assert_eq!(named, 1, "{}: {:?}", case.named, report.reasons);
        let others = CASES.iter().filter(|other| other.named != case.named);
        let mixed = others.filter(|other| report.reasons.iter().any(|reason| reason.contains(other.named))).count();
        assert_eq!(mixed, 0, "{}: {:?}", case.named, report.reasons);
        assert!(said.contains(case.named), "{}: not on the terminal", case.named);
    }
    // How much of it Jaeger has forgotten.
    let lost = reports[0].telemetry.exported - reports[0].telemetry.found;
    assert!(lost > 0, "{:?}", reports[0].telemetry);
    assert!(reports[0].reasons.iter().any(|reason| reason.starts_with("telemetry is incomplete: ")), "{:?}", reports[0].reasons);
    assert_eq!(gate::leftovers(), [""; 0]);
}
