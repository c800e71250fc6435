//! The detector is blind: it says the same with any ledger and with none, and whatever order its records come in.

use detector::{Detector, Finding, Lifecycle};
use harness::{Arena as _, Played, conclude, options::WorldName, prepare, progress::Progress};
use scenarios::Scenario;
use world::random::Random;
use xtask::simulated::Simulated;

use crate::{root, sized};

/// A run in which messages get lost and no process dies: all that the detector was given is in the archive.
fn played() -> (harness::arena::Prepared, Played) {
    let scenario = sized::to(&Scenario::resolve(root(), "lost-on-the-wire").unwrap()[0], 400.0);
    let prepared = prepare::prepared(scenario, false, true).unwrap();
    let played = Simulated.play(&prepared, &mut Progress::silent()).unwrap();
    (prepared, played)
}

/// What a detector says of the telemetry alone. `shuffled`: in another order.
fn detected(lifecycle: &str, played: &Played, shuffled: bool) -> Vec<Finding> {
    let mut detector = Detector::new(Lifecycle::parse(lifecycle).unwrap());
    let (mut spans, mut logs): (Vec<_>, Vec<_>) = (played.archive.spans().collect(), played.archive.logs().collect());
    if shuffled {
        shuffle(&mut spans);
        shuffle(&mut logs);
    }
    spans.iter().for_each(|span| detector.observe(span));
    logs.iter().for_each(|log| detector.observe_log(log));
    played.broker.scrapes().iter().for_each(|scrape| detector.observe_counters(scrape.clone()));
    detector.finish(played.ledger.end_ns)
}

fn shuffle<T>(all: &mut [T]) {
    let mut draw = Random::new(7, "shuffle", "");
    for at in (1..all.len()).rev() {
        let with = usize::try_from(draw.below(at as u64 + 1)).unwrap();
        all.swap(at, with);
    }
}

#[test]
fn it_says_the_same_of_the_telemetry_alone_in_any_order() {
    let (prepared, played) = played();
    assert!(played.findings.iter().any(|finding| finding.verdict.alarms()));
    // Of an order that came to its end in time it keeps no journey once it has forgotten it: whoever hears all at once has not.
    let said = |findings: Vec<Finding>| findings.into_iter().map(|finding| format!("{finding:?}")).collect::<Vec<_>>();
    let with_a_ledger = said(played.findings.clone());
    assert_eq!(said(detected(&prepared.lifecycle, &played, false)), with_a_ledger);
    assert_eq!(said(detected(&prepared.lifecycle, &played, true)), with_a_ledger);
}

#[test]
fn a_shuffled_ledger_changes_what_is_true_and_nothing_that_is_said() {
    let (prepared, mut played) = played();
    let judged = |played: &Played| conclude::judged(&prepared, played, WorldName::Simulated).unwrap().report;
    let right = judged(&played);
    let before = format!("{:?}", played.findings);
    // Whose order it was stays; what became of it is somebody else's.
    let ids: Vec<_> = played.ledger.orders.iter().map(|order| (order.order_ref.clone(), order.order_id.clone())).collect();
    shuffle(&mut played.ledger.orders);
    for (account, (order_ref, order_id)) in played.ledger.orders.iter_mut().zip(ids) {
        (account.order_ref, account.order_id) = (order_ref, order_id);
    }
    let wrong = judged(&played);
    assert_eq!(format!("{:?}", played.findings), before);
    assert_eq!(wrong.verdicts, right.verdicts, "the detector's words are its own");
    assert_eq!((right.exposure.recall, right.exposure.precision), (Some(1.0), Some(1.0)));
    assert!(wrong.exposure.recall < Some(0.5) && wrong.exposure.precision < Some(0.5), "{:?}", wrong.exposure);
}
