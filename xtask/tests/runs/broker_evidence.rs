//! What the broker lets see of itself, over whole runs: every message carries a trace context, no cause goes beyond what happened,
//! and nothing but cause, tier and records depends on it.

use contracts::message;
use detector::{Finding, Tier, Verdict};
use harness::{Arena as _, Played, conclude, options::WorldName, prepare, progress::Progress};
use scenarios::{Scenario, language::BrokerTelemetry};
use xtask::simulated::Simulated;

use crate::{causes::Claimed, root, sized};

/// Every message carries a trace context, of each kind there are some.
pub(crate) fn every_message_carries_a_context(name: &str, played: &Played) {
    let contexts = played.broker.contexts().unwrap();
    let (messages, valid) = contexts.sum();
    assert!(messages > 1_000, "{name}: {messages} messages");
    assert_eq!(valid, messages, "{name}: {contexts:?}");
    assert_eq!(contexts.by_key.len(), message::TOPOLOGY.bindings.len(), "{name}: {contexts:?}");
}

/// Among all that was claimed are the causes that nobody but the broker can tell.
pub(crate) fn causes_are_claimed(claimed: &Claimed) {
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

/// The same run with nobody who asks the broker, with its counters, and with its firehose as well: no more differs than the cause, and what it rests on.
pub(crate) fn it_changes_cause_tier_and_records_alone(name: &str, findings: &[Vec<Finding>; 3]) {
    let [none, counters, firehose] = findings;
    assert!(none.iter().all(|finding| finding.tier <= Tier::B && finding.records.is_empty()), "{name}");
    assert!(counters.iter().all(|finding| finding.tier <= Tier::C), "{name}");
    for told in [counters, firehose] {
        assert_eq!(told.len(), none.len(), "{name}");
        for (plain, told) in none.iter().zip(told) {
            let mut bare = told.clone();
            (bare.cause, bare.tier, bare.records) = (plain.cause, plain.tier, Vec::new());
            assert_eq!(&bare, plain, "{name}");
            assert!(told.tier >= plain.tier && (told.verdict != Verdict::Ok || *told == *plain), "{told:?}");
        }
    }
    let tiers = |findings: &[Finding]| findings.iter().map(|finding| finding.tier).max();
    assert!(tiers(none) <= tiers(counters), "{name}");
}

#[test]
fn where_one_service_drops_the_context_the_count_names_the_hop() {
    let mut scenario = sized::to(&Scenario::resolve(root(), "calm-week").unwrap()[0], 400.0);
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
