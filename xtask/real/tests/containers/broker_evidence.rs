//! What a real RabbitMQ lets see of itself, in runs that are played anyway.

use std::{collections::BTreeSet, sync::Arc};

use contracts::message;
use detector::Tier;
use harness::{Played, Prepared};
use judge::report::Report;
use scenarios::{Scenario, language::BrokerTelemetry};

use crate::causes;

/// The same run with somebody who listens to the firehose, and services that pass no context on.
pub(crate) fn listening(prepared: Prepared, unlinked: &[&str]) -> Prepared {
    let mut scenario = Scenario::clone(&prepared.scenario);
    scenario.instrumentation.broker = BrokerTelemetry::Firehose;
    scenario.instrumentation.unlinked = unlinked.iter().map(|service| (*service).to_owned()).collect();
    Prepared { scenario: Arc::new(scenario), ..prepared }
}

/// Counted where they come to the broker.
pub(crate) fn every_message_carries_a_context(played: &Played) {
    let contexts = played.broker.contexts().unwrap();
    let (messages, valid) = contexts.sum();
    eprintln!("{valid} of {messages} messages carry a valid traceparent");
    // A broker that dies early has seen few; of each kind it has seen some.
    assert!(messages > 20 && valid == messages, "{contexts:?}");
    assert_eq!(contexts.by_key.len(), message::TOPOLOGY.bindings.len(), "{contexts:?}");
}

/// The negative control.
pub(crate) fn messages_without_a_context_are_those_of_the_crm(report: &Report) {
    let messages = report.telemetry.messages.as_ref().unwrap();
    eprintln!(
        "{} of {} messages carry a valid traceparent; without: {:?}",
        messages.with_context, messages.published, messages.without_context
    );
    assert!(messages.with_context > 0 && messages.with_context < messages.published, "{messages:?}");
    let without: Vec<&str> = messages.without_context.keys().map(String::as_str).collect();
    assert_eq!(without, ["order.manufacturing_approved", "order.submitted"]);
    let hop = "order.submitted messages from crm-api to mes-api without a valid `traceparent`";
    assert!(report.unseen.iter().any(|unseen| unseen.what.contains(hop)), "{:?}", report.unseen);
}

/// The broker was seen to be away and to come back, and what it took with it is put down to that.
pub(crate) fn the_broker_says_why(played: &Played) {
    let lives: BTreeSet<u64> =
        played.broker.scrapes().iter().filter_map(|scrape| Some(scrape.broker.as_ref()?.since_ns)).collect();
    assert_eq!(lives.len(), 2, "{:#?}", played.broker.scrapes());
    assert!(played.broker.scrapes().iter().any(|scrape| scrape.broker.is_none()), "nobody looked while it was away");
    let claimed = causes::checked("broker-kill", played);
    eprintln!("{claimed:#?}");
    // Where all had been handed out already, it took what was not answered.
    let gone = |tier: Tier| {
        ["gone_with_broker", "lost_from_queue", "lost_unacked"].iter().any(|cause| claimed.contains_key(&(*cause, tier)))
    };
    assert!(gone(Tier::C) || gone(Tier::D), "{claimed:?}");
}
