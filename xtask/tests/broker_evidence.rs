//! What the broker lets see of itself, over whole runs: every message carries a trace context, no cause goes beyond what happened,
//! and nothing but cause, tier and records depends on it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod causes;
mod sized;

use std::path::Path;

use contracts::{architecture::Preset, message};
use detector::{Finding, Tier, Verdict};
use harness::{Arena as _, Played, conclude, options::WorldName, prepare, progress::Progress};
use scenarios::{
    Scenario,
    language::{BrokerTelemetry, Instrumentation},
};
use xtask::simulated::Simulated;

use causes::Claimed;

/// Every library scenario on both architectures, small; but long price calculations need their load to be in each other's way.
fn scenarios() -> impl Iterator<Item = Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let library = Scenario::library(root).unwrap();
    let orders = |scenario: &Scenario| if scenario.name == "slow-pricing" { 3_000.0 } else { 400.0 };
    library
        .into_iter()
        .flat_map(move |one| Preset::ALL.map(|preset| sized::to(&one.clone().with_architecture(preset), orders(&one))))
}

fn played(scenario: &Scenario, broker: BrokerTelemetry) -> Played {
    let instrumentation = Instrumentation { broker, ..scenario.instrumentation.clone() };
    let prepared = prepare::prepared(Scenario { instrumentation, ..scenario.clone() }, false, false).unwrap();
    Simulated.play(&prepared, &mut Progress::silent()).unwrap()
}

/// Whether a fault of it hits the telemetry.
fn blurred(scenario: &Scenario) -> bool {
    scenario.faults.iter().any(|fault| matches!(fault.kind.deed(), faults::Deed::Telemetry(_)))
}

fn name(scenario: &Scenario) -> String {
    format!("{} {}", scenario.name, scenario.architecture.preset.name())
}

#[test]
fn every_message_carries_a_trace_context() {
    for scenario in scenarios().filter(|scenario| !blurred(scenario)) {
        let played = played(&scenario, BrokerTelemetry::Firehose);
        let contexts = played.broker.contexts().unwrap();
        let (messages, valid) = contexts.sum();
        assert!(messages > 1_000, "{}: {messages} messages", name(&scenario));
        assert_eq!(valid, messages, "{}: {contexts:?}", name(&scenario));
        assert_eq!(contexts.by_key.len(), message::TOPOLOGY.bindings.len(), "{}: {contexts:?}", name(&scenario));
    }
}

#[test]
fn where_one_service_drops_the_context_the_count_names_the_hop() {
    let mut scenario = scenarios().find(|scenario| scenario.name == "calm-week").unwrap();
    scenario.instrumentation.unlinked = vec!["crm-api".to_owned()];
    scenario.instrumentation.broker = BrokerTelemetry::Firehose;
    let prepared = prepare::prepared(scenario, false, false).unwrap();
    let played = Simulated.play(&prepared, &mut Progress::silent()).unwrap();
    let report = conclude::judged(&prepared, &played, WorldName::Simulated).unwrap().report;
    let messages = report.telemetry.messages.unwrap();
    assert!(messages.with_context < messages.published && messages.with_context > 0, "{messages:?}");
    let without: Vec<&str> = messages.without_context.keys().map(String::as_str).collect();
    assert_eq!(without, ["order.manufacturing_approved", "order.submitted"]);
    let hop = "order.submitted messages from crm-api to mes-api without a valid `traceparent`";
    assert!(report.unseen.iter().any(|unseen| unseen.what.contains(hop)), "{:?}", report.unseen);
}

#[test]
fn no_cause_goes_beyond_what_happened() {
    let mut claimed = Claimed::new();
    for scenario in scenarios() {
        for broker in [BrokerTelemetry::Counters, BrokerTelemetry::Firehose] {
            for (cause, times) in causes::checked(&name(&scenario), &played(&scenario, broker)) {
                *claimed.entry(cause).or_default() += times;
            }
        }
    }
    eprintln!("{claimed:#?}");
    for (cause, tier) in [
        ("gone_with_broker", Tier::C),
        ("broker_away", Tier::C),
        ("queue_wait", Tier::C),
        ("redelivered", Tier::C),
        ("lost_from_queue", Tier::D),
        ("queue_wait", Tier::D),
        ("redelivered", Tier::D),
    ] {
        assert!(claimed.contains_key(&(cause, tier)), "{cause} was never claimed of tier {tier:?}: {claimed:?}");
    }
}

#[test]
fn the_broker_changes_cause_tier_and_records_alone() {
    // Lost and parked nobody but the broker can tell from each other, and its firehose names orders that no span of a blurred
    // telemetry does.
    for mut scenario in scenarios().filter(|scenario| !scenario.architecture.dead_letters && !blurred(scenario)) {
        // What log records add is another test's.
        scenario.instrumentation.logs.clear();
        let all = BrokerTelemetry::ALL.map(|broker| played(&scenario, broker).findings);
        let [none, counters, firehose] = &all;
        assert!(none.iter().all(|finding| finding.tier <= Tier::B && finding.records.is_empty()), "{}", name(&scenario));
        assert!(counters.iter().all(|finding| finding.tier <= Tier::C), "{}", name(&scenario));
        for told in [counters, firehose] {
            assert_eq!(told.len(), none.len());
            for (plain, told) in none.iter().zip(told) {
                let mut bare = told.clone();
                (bare.cause, bare.tier, bare.records) = (plain.cause, plain.tier, Vec::new());
                assert_eq!(&bare, plain, "{}", name(&scenario));
                assert!(told.tier >= plain.tier && (told.verdict != Verdict::Ok || *told == *plain), "{told:?}");
            }
        }
        let tiers = |findings: &[Finding]| findings.iter().map(|finding| finding.tier).max();
        assert!(tiers(none) <= tiers(counters), "{}", name(&scenario));
    }
}
