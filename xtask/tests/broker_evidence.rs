//! What the broker lets see of itself, over whole runs: every message carries a trace context, no cause goes beyond what happened,
//! and nothing but cause, tier and records depends on it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sized;

use std::{collections::BTreeMap, path::Path};

use contracts::{architecture::Preset, message};
use detector::{Finding, Tier, Verdict};
use faults::End;
use harness::{Arena as _, Played, conclude, options::WorldName, prepare, progress::Progress};
use scenarios::{
    Scenario,
    language::{BrokerTelemetry, Instrumentation},
};
use xtask::simulated::Simulated;

/// Every library scenario on both architectures, small.
fn scenarios() -> impl Iterator<Item = Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let library = Scenario::library(root).unwrap();
    library.into_iter().flat_map(|one| Preset::ALL.map(|preset| sized::to(&one.clone().with_architecture(preset), 400.0)))
}

fn played(scenario: &Scenario, broker: BrokerTelemetry) -> Played {
    let instrumentation = Instrumentation { broker, ..scenario.instrumentation.clone() };
    let prepared = prepare::prepared(Scenario { instrumentation, ..scenario.clone() }, false, false).unwrap();
    Simulated.play(&prepared, &mut Progress::silent()).unwrap()
}

fn name(scenario: &Scenario) -> String {
    format!("{} {}", scenario.name, scenario.architecture.preset.name())
}

#[test]
fn every_message_carries_a_trace_context() {
    for scenario in scenarios() {
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

/// What became of the messages of each order, by routing key.
type Ends = BTreeMap<(String, &'static str), Vec<End>>;

fn ends(played: &Played) -> Ends {
    let mut ends = Ends::new();
    for account in played.ledger.initiated() {
        for fate in &account.messages {
            if let (Some(order), Some(key)) = (&account.order_id, message::routing_key(fate.announces)) {
                ends.entry((order.to_string(), key)).or_default().push(fate.end);
            }
        }
    }
    ends
}

/// Whether what happened to a message is what a cause says.
fn is_true(cause: &str, ends: &[End]) -> bool {
    let one = |wanted: &[End]| ends.iter().any(|end| wanted.contains(end));
    match cause {
        "lost_from_queue" | "lost_unacked" => one(&[End::Lost]),
        // In its queue or on its way there.
        "gone_with_broker" => one(&[End::Lost, End::NotSent]),
        "broker_away" | "never_reached_broker" => one(&[End::NotSent]),
        "not_published" => ends.is_empty(),
        "unroutable" => one(&[End::Unroutable]),
        "acked_unprocessed" => one(&[End::Acked]),
        _ => true,
    }
}

#[test]
fn no_cause_goes_beyond_what_happened() {
    let mut claimed: BTreeMap<(&str, Tier), u64> = BTreeMap::new();
    for scenario in scenarios() {
        for broker in [BrokerTelemetry::Counters, BrokerTelemetry::Firehose] {
            let played = played(&scenario, broker);
            let ends = ends(&played);
            for finding in played.findings.iter().filter(|finding| finding.tier >= Tier::C) {
                let (cause, hop) = (finding.cause.unwrap(), finding.hop.as_deref().unwrap());
                let key =
                    message::TOPOLOGY.bindings.iter().map(|(_, key, _)| *key).find(|key| hop.starts_with(&format!("{key} ")));
                let ends = key.and_then(|key| ends.get(&(finding.order_id.to_string(), key))).map_or(&[][..], Vec::as_slice);
                assert!(is_true(cause, ends), "{}: {ends:?} {finding:#?}", name(&scenario));
                assert!(!finding.records.is_empty(), "{}: {finding:#?}", name(&scenario));
                *claimed.entry((cause, finding.tier)).or_default() += 1;
            }
        }
    }
    eprintln!("{claimed:#?}");
    for (cause, tier) in [
        ("gone_with_broker", Tier::C),
        ("broker_away", Tier::C),
        ("acked_unprocessed", Tier::C),
        ("queue_wait", Tier::C),
        ("lost_from_queue", Tier::D),
        ("queue_wait", Tier::D),
        ("redelivered", Tier::D),
    ] {
        assert!(claimed.contains_key(&(cause, tier)), "{cause} was never claimed of tier {tier:?}: {claimed:?}");
    }
}

#[test]
fn the_broker_changes_cause_tier_and_records_alone() {
    for scenario in scenarios() {
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
