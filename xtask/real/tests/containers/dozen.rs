//! A dozen stories of the library on the real stack, side by side, and at night all of them: each is exposed as it is in the simulated
//! world, and nothing happens for real that the seeds of that world do not show.

use std::{collections::VecDeque, sync::Mutex, thread};

use compare::worlds::Seen;
use contracts::architecture::Preset;
use faults::World;
use harness::{
    Arena as _, Prepared,
    arena::can_inflict,
    compare::{
        aims::aims,
        worlds::{summary, unlike},
    },
    conclude,
    options::WorldName,
    prepare,
    progress::Progress,
};
use judge::report::{Outcome, Report};
use scenarios::Scenario;

use crate::{
    agreement, gate,
    worlds::{self, judged, library, played},
};

/// Two cores carry so many at a time: a run waits more than it computes.
const SIDE_BY_SIDE: usize = 4;
/// So many seeds of the simulated world each is held against, and at night.
const SEEDS: [u64; 2] = [20, 200];

/// Scenario and architecture; the longest first.
const DOZEN: [(&str, Preset); 12] = [
    ("broker-kill", Preset::ToBe),
    ("early-ack-crash", Preset::AsIs),
    ("slow-pricing", Preset::AsIs),
    ("lost-on-the-wire", Preset::AsIs),
    ("lost-confirms", Preset::AsIs),
    ("answers-lost", Preset::AsIs),
    ("overtaken", Preset::AsIs),
    ("poison", Preset::AsIs),
    ("unbound", Preset::AsIs),
    ("torn-traces", Preset::AsIs),
    ("unreachable-pricing", Preset::AsIs),
    ("overlooked-rows", Preset::AsIs),
];

/// A real broker takes its own time to come back, longer than the outage of the shortened scenario: what waits in an outbox meanwhile may
/// be late for real, and is so under no seed.
const UNLIKE: (&str, Preset) = ("broker-kill", Preset::ToBe);

/// The dozen, or at night every story that can happen for real.
fn stories() -> VecDeque<(String, Preset)> {
    let dozen = DOZEN.iter().map(|(name, preset)| ((*name).to_owned(), *preset));
    if !gate::nightly() {
        return dozen.collect();
    }
    let library = Scenario::library(&worlds::root()).unwrap().into_iter();
    let real = library.filter(|scenario| can_inflict(scenario, World::Containers).is_ok() && scenario.scale.is_some());
    let others = real.map(|scenario| (scenario.name.clone(), scenario.architecture.preset));
    let others: Vec<_> = others.filter(|(name, preset)| !DOZEN.contains(&(name.as_str(), *preset))).collect();
    dozen.chain(others).collect()
}

#[test]
fn a_dozen_stories_happen_for_real_as_the_seeds_tell_them() {
    if !gate::containers() {
        return;
    }
    let waiting = Mutex::new(stories());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((name, preset)) = { waiting.lock().unwrap().pop_front() } {
                    let found = told(&name, preset);
                    wrong.lock().unwrap().extend(found.into_iter().map(|what| format!("{name} {}: {what}", preset.name())));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tells a story, and once more where something was wrong with it: the machine may have been too busy for its deadlines. What was wrong
/// is said in any case.
fn told(name: &str, preset: Preset) -> Vec<String> {
    let wrong = story(name, preset);
    if wrong.is_empty() {
        return wrong;
    }
    eprintln!("{name} {} once more, because of this:\n{}", preset.name(), wrong.join("\n"));
    story(name, preset)
}

/// Plays one, and says what is wrong with it.
fn story(name: &str, preset: Preset) -> Vec<String> {
    let prepared = library(name, preset);
    let played = played(&prepared, gate::place());
    let judged = judged(&prepared, &played);
    let report = &judged.report;
    eprintln!("{}", render::terminal(report, &render::Screen::default()));
    let mut wrong = exposed(report);
    // What Jaeger has not given back is no disagreement.
    if played.telemetry.gap().is_none() && agreement::hold(name, &played) < 100 {
        wrong.push("hardly a transition".to_owned());
    }
    let unlike = unlike(&prepared.scenario).or_else(|| (UNLIKE == (name, preset)).then_some("a broker takes its time"));
    let held = seen(&prepared).hold(&summary(&judged), &aims(&played.ledger), unlike);
    if !held.agrees() {
        wrong.push(held.row());
    }
    wrong
}

/// With full instrumentation nothing stays hidden, and nobody cries wolf.
fn exposed(report: &Report) -> Vec<String> {
    let whole = [("recall", report.exposure.recall), ("precision", report.exposure.precision)];
    let below = whole.iter().filter(|(_, share)| share.is_some_and(|share| share < 1.0));
    let mut wrong: Vec<String> = below.map(|(what, share)| format!("{what} {share:?}")).collect();
    let hidden = report.bad_orders.iter().filter(|order| !order.exposed);
    wrong.extend(hidden.map(|order| {
        let [truth, hop] = [&order.truth_hop, &order.hop].map(|hop| hop.as_deref().unwrap_or("-"));
        let (reference, is, said, cause) = (&order.order_ref, &order.truth, &order.verdict, order.cause.as_deref());
        format!("{reference} is {is} at {truth}, said to be {said} at {hop} ({cause:?}), since {:?} s", order.since_s)
    }));
    if report.outcome != Outcome::Pass {
        wrong.push(format!("{}: {}", report.outcome.name(), report.reasons.join("; ")));
    }
    if report.faults.iter().any(|fault| fault.effects == 0) {
        wrong.push("a fault without an effect".to_owned());
    }
    wrong
}

fn seen(prepared: &Prepared) -> Seen {
    let mut seen = Seen::default();
    for turn in 0..SEEDS[usize::from(gate::nightly())] {
        // Scaled already.
        let scenario = Scenario { seed: prepared.scenario.seed + turn, ..(*prepared.scenario).clone() };
        let prepared = prepare::prepared(scenario, false, false).unwrap();
        let played = xtask::simulated::Simulated.play(&prepared, &mut Progress::silent()).unwrap();
        let judged = conclude::judged(&prepared, &played, WorldName::Simulated).unwrap();
        seen.add(&summary(&judged), aims(&played.ledger));
    }
    seen
}
