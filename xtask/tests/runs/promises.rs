//! The whole library, small, on each architecture: what runs promise whatever happens in them.

use contracts::architecture::Preset;
use harness::Played;
use scenarios::{
    Scenario,
    language::{BrokerTelemetry, Instrumentation},
};

use crate::{
    broker_evidence,
    causes::{self, Claimed},
    logs::Held,
    partners, root, sized, spans,
};

/// What all runs together have shown.
#[derive(Default)]
struct Shown {
    claimed: Claimed,
    logs: Held,
    failed_calls: usize,
}

/// Long price calculations need their load to be in each other's way.
fn orders(scenario: &Scenario) -> f64 {
    if scenario.name == "slow-pricing" { 3_000.0 } else { 300.0 }
}

fn with(scenario: &Scenario, instrumentation: Instrumentation) -> Played {
    crate::played(Scenario { instrumentation, ..scenario.clone() })
}

fn look(scenario: &Scenario, shown: &mut Shown) {
    let name = format!("{} {}", scenario.name, scenario.architecture.preset.name());
    let mut listening = scenario.instrumentation.clone();
    listening.broker = BrokerTelemetry::Firehose;
    let whole = with(scenario, listening);
    shown.claimed.append(&mut causes::checked(&name, &whole));
    if sized::blurred(scenario) {
        return;
    }
    broker_evidence::every_message_carries_a_context(&name, &whole);
    spans::keep_their_promises(&name, &whole);
    shown.logs.look(&name, &whole);
    shown.failed_calls += partners::causes(&whole).0.values().sum::<usize>();
    // Lost and parked nobody but the broker can tell from each other.
    if !scenario.architecture.dead_letters {
        let findings = BrokerTelemetry::ALL.map(|broker| {
            // What log records add is another matter.
            let plain = Instrumentation { broker, logs: Vec::new(), ..scenario.instrumentation.clone() };
            let played = with(scenario, plain);
            shown.claimed.append(&mut causes::checked(&name, &played));
            played.findings
        });
        broker_evidence::it_changes_cause_tier_and_records_alone(&name, &findings);
    }
}

fn keeps_its_promises(preset: Preset) -> Shown {
    let mut shown = Shown::default();
    for scenario in Scenario::library(root()).unwrap() {
        let small = sized::to(&scenario.clone().with_architecture(preset), orders(&scenario));
        look(&small, &mut shown);
    }
    shown.logs.enough();
    assert!(shown.failed_calls >= 20, "{}: hardly a call of a partner failed", shown.failed_calls);
    shown
}

#[test]
fn as_is_keeps_its_promises() {
    let shown = keeps_its_promises(Preset::AsIs);
    broker_evidence::causes_are_claimed(&shown.claimed);
}

#[test]
fn to_be_keeps_its_promises() {
    keeps_its_promises(Preset::ToBe);
}
