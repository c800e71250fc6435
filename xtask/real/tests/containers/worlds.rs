//! Both worlds play the same stories, scaled, and come to the same end; and the verdict of the real one hangs on what Jaeger
//! gave back.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use adapters::telemetry::Counts;
use containers::{BrokerSeen, Testimony, testimony::ServiceSpans};
use contracts::{architecture::Preset, attributes};
use detector::Verdict;
use harness::{Arena as _, Played, Prepared, conclude, options::WorldName, prepare, progress::Progress};
use judge::{
    Judged,
    report::{Outcome, Report},
};
use real::{Containers, Place, arena};
use scenarios::Scenario;
use signals::{Span, span};

use crate::{agreement, broker_evidence, gate};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn library(name: &str, preset: Preset) -> Prepared {
    let scenario = Scenario::resolve(&root(), name).unwrap().remove(0).with_architecture(preset);
    prepare::prepared(scenario, true, true).unwrap()
}

/// Plays on a real stack.
pub(crate) fn played(prepared: &Prepared, place: Place) -> Played {
    let mut world = Containers::new(place).unwrap();
    let mut progress = Progress::begin(&prepared.scenario.name, true, 1.0);
    world.play(prepared, &mut progress).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn judged(prepared: &Prepared, played: &Played) -> Judged {
    conclude::judged(prepared, played, WorldName::Containers).unwrap()
}

/// The same in the simulated world.
fn simulated(prepared: &Prepared) -> Report {
    let mut world = xtask::simulated::Simulated;
    let played = world.play(prepared, &mut Progress::silent()).unwrap();
    conclude::judged(prepared, &played, WorldName::Simulated).unwrap().report
}

/// What the detector says when these spans are all that came back.
pub(crate) fn heard(prepared: &Prepared, played: &Played, spans: Vec<Span>) -> Played {
    let count = spans.len() as u64;
    let counts = Counts { ended: count, exported: count, ..Counts::default() };
    let services = BTreeMap::from([("all".to_owned(), ServiceSpans { counts, found: count })]);
    let testimony = Testimony { spans, services, ..Testimony::default() };
    arena::concluded(prepared, played.ledger.clone(), (testimony, BrokerSeen::default()), BTreeMap::new()).unwrap()
}

fn verdict(played: &Played, order: &str) -> Verdict {
    played.findings.iter().find(|finding| &*finding.order_id == order).map_or(Verdict::Unknown, |finding| finding.verdict)
}

/// Each part has said itself what it is, and so has the machine.
fn versions_are_told(versions: &BTreeMap<String, String>) {
    let parts = ["rabbitmq", "postgres-shop", "postgres-mes", "jaeger", "s3", "elasticsearch", "shipper"];
    for part in parts.into_iter().chain(["docker", "kernel", "loupe"]) {
        let said = versions.get(part).is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()));
        assert!(said, "{part}: {versions:#?}");
    }
    assert!(versions["rabbitmq"].contains(", Erlang ") && versions["people"].starts_with("goose"), "{versions:#?}");
    eprintln!("{versions:#?}");
}

/// Plays a scenario of the library in both worlds: they end alike, on the real Jaeger everything is exposed, and each transition
/// has one row, one span event and one log record.
fn alike(prepared: &Prepared) -> (Played, Report) {
    let played = played(prepared, gate::place());
    versions_are_told(&played.versions);
    let transitions = agreement::hold(&prepared.scenario.name, &played);
    assert!(transitions > 100, "{transitions}: hardly a transition");
    // No service dies here: each row is told, at its own time.
    assert_eq!(played.clock_error, Duration::ZERO);
    let report = judged(prepared, &played).report;
    eprintln!("{}", render::terminal(&report, &render::Screen::default()));
    assert_eq!(report.outcome, simulated(prepared).outcome, "{:?}", report.reasons);
    assert_eq!((report.outcome, report.exposure.false_alarms), (Outcome::Pass, 0), "{:?}", report.reasons);
    if report.orders.bad > 0 {
        assert_eq!((report.exposure.recall, report.exposure.precision), (Some(1.0), Some(1.0)), "{:?}", report.reasons);
    }
    (played, report)
}

#[test]
fn a_killed_broker_is_exposed_in_both_worlds_and_without_a_trace_the_verdict_changes() {
    if !gate::containers() {
        return;
    }
    let prepared = broker_evidence::listening(library("broker-kill", Preset::AsIs), &[]);
    let (played, report) = alike(&prepared);
    broker_evidence::every_message_carries_a_context(&played);
    broker_evidence::the_broker_says_why(&played);
    assert!(report.truth.get("lost").is_some_and(|lost| *lost > 0), "the killed broker took nothing with it");

    let spans: Vec<Span> = played.archive.spans().collect();
    let closing =
        |found: &&Span| found.events.iter().any(|event| span::text(&event.attributes, attributes::TO) == Some("CLOSED"));
    let closing = spans.iter().find(closing).unwrap();
    let order = span::text(&closing.attributes, attributes::ORDER_ID).unwrap();
    assert_eq!(verdict(&heard(&prepared, &played, spans.clone()), order), Verdict::Ok);
    let without: Vec<Span> = spans.iter().filter(|found| found.trace_id != closing.trace_id).cloned().collect();
    assert!(without.len() < spans.len());
    assert_ne!(verdict(&heard(&prepared, &played, without), order), Verdict::Ok, "the detector knows what nobody told it");
}

#[test]
fn a_calm_week_raises_no_alarm_in_either_world() {
    if !gate::containers() {
        return;
    }
    let (_, report) = alike(&broker_evidence::listening(library("calm-week", Preset::AsIs), &["crm-api"]));
    assert_eq!(report.orders.bad, 0);
    broker_evidence::messages_without_a_context_are_those_of_the_crm(&report);
}

/// Seconds instead of days.
const SHORT: &str = r#"
title = "Half a minute"
duration = "20s"
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
# A run at rest is looked at ever so often: a promise of weeks would make that hours.
[sla]
promise = "1h"
"#;

#[test]
fn a_jaeger_that_is_stopped_in_the_middle_makes_the_run_unknown() {
    if !gate::containers() {
        return;
    }
    let prepared = prepare::prepared(gate::scenario(SHORT), false, true).unwrap();
    let own = format!("-{:x}-jaeger", std::process::id());
    let stopper = thread::Builder::new().spawn(move || stop(&own)).unwrap();
    let played = played(&prepared, gate::apart());
    assert!(stopper.join().unwrap(), "no Jaeger was there to stop");
    let report = judged(&prepared, &played).report;
    assert_eq!(report.outcome, Outcome::Unknown);
    assert!(report.reasons.iter().any(|reason| reason.contains("Jaeger")), "{:?}", report.reasons);
    assert_eq!(gate::leftovers(), [""; 0]);
}

/// Stops the container whose name ends so, some seconds after it has come up.
#[expect(clippy::disallowed_methods, reason = "a real container is waited for in real time")]
fn stop(end: &str) -> bool {
    for _ in 0..120 {
        thread::sleep(Duration::from_millis(500));
        let listed = Command::new("docker").args(["ps", "--format", "{{.Names}}"]).output().unwrap();
        let names = String::from_utf8(listed.stdout).unwrap();
        if let Some(name) = names.lines().find(|name| name.ends_with(end)) {
            thread::sleep(Duration::from_secs(15));
            return Command::new("docker").args(["stop", name]).status().unwrap().success();
        }
    }
    false
}
