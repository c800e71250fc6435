//! Partners' calls that fail: whatever the reason, whoever looks for it finds it in a trace.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{attributes, request::API_PARTNER, services::SHOP_API};
use harness::{Played, conclude, options::WorldName, prepare};
use judge::clients::ClientRow;
use opentelemetry::trace::{SpanKind, Status};
use scenarios::{
    Scenario,
    actors::intents::{FailedCall, Who},
};
use signals::{
    Span,
    span::{integer, text},
};

/// A day of partners' orders, and a quarter of them of customers, under a fault of the first hours.
fn scenario(fault: &str, more: &str) -> Scenario {
    let text = format!(
        r#"
        title = "t"
        seed = 11
        duration = "8h"
        architecture = {{ preset = "as-is", mes-consumers = 4 }}
        {more}
        [[load]]
        actor = "api-user"
        executor = "constant-arrival-rate"
        rate = "40/h"
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "10/h"
        [[fault]]
        at = "2h"
        for = "40m"
        {fault}
    "#
    );
    Scenario::parse("partners.toml".as_ref(), text.as_bytes()).unwrap()
}

/// The calls of partners that were not answered with success, each with the names of its order.
fn failed(played: &Played) -> Vec<(BTreeSet<String>, FailedCall)> {
    let mut calls = Vec::new();
    for account in &played.ledger.orders {
        let names: BTreeSet<String> = account.order_id.iter().chain([&account.order_ref]).map(ToString::to_string).collect();
        let own = account.intents.iter().filter(|intent| intent.who == Who::ApiUser);
        calls.extend(own.flat_map(|intent| &intent.failed).map(|call| (names.clone(), *call)));
    }
    calls
}

/// The failed request that a span tells of, where it is one at the shop's API.
fn is_failed_request(span: &Span) -> bool {
    span.kind == SpanKind::Server && &*span.resource.service == SHOP_API && matches!(span.status, Status::Error { .. })
}

/// Each answered call has exactly one span of its own that says why. Gives how often each cause was told, and how many calls nobody
/// answered.
pub(crate) fn causes(played: &Played) -> (BTreeMap<String, usize>, usize) {
    let spans: Vec<Span> = played.archive.spans().filter(is_failed_request).collect();
    let mut causes = BTreeMap::new();
    let (answered, unanswered): (Vec<_>, Vec<_>) = failed(played).into_iter().partition(|(_, call)| call.status.is_some());
    for (names, call) in answered {
        let named = |span: &Span| {
            let said = [attributes::ORDER_ID, attributes::ORDER_REF].map(|key| text(&span.attributes, key));
            // A body that nobody reads names no order.
            said == [None, None] || said.into_iter().flatten().any(|name| names.contains(name))
        };
        let during = |span: &&Span| span.start_ns >= call.asked_ns && span.end_ns <= call.ended_ns;
        let told: Vec<&Span> = spans.iter().filter(during).filter(|span| named(span)).collect();
        let [span] = &told[..] else { panic!("{names:?} {call:?}: {told:?}") };
        assert_eq!(integer(&span.attributes, attributes::HTTP_STATUS), call.status.map(i64::from), "{names:?} {call:?}");
        assert_eq!(text(&span.attributes, attributes::CLIENT_TYPE), Some(API_PARTNER), "{names:?} {call:?}");
        let cause =
            text(&span.attributes, attributes::ERROR_TYPE).unwrap_or_else(|| panic!("{names:?} {call:?}: without a cause"));
        *causes.entry(cause.to_owned()).or_default() += 1;
    }
    (causes, unanswered.len())
}

/// The same, and what the report says of it.
fn told(scenario: Scenario) -> (BTreeMap<String, usize>, usize, ClientRow) {
    let prepared = prepare::prepared(scenario.clone(), false, true).unwrap();
    let played = crate::played(scenario);
    let (causes, unanswered) = causes(&played);
    let report = conclude::judged(&prepared, &played, WorldName::Simulated).unwrap().report;
    let row = report.clients.get(API_PARTNER).unwrap().clone();
    let failed = &row.failed_calls;
    let count = |causes: &BTreeMap<String, usize>| causes.iter().map(|(cause, calls)| (cause.clone(), *calls as u64)).collect();
    let all: BTreeMap<String, u64> = count(&causes);
    assert_eq!((&failed.causes, failed.unanswered), (&all, unanswered as u64));
    assert_eq!(failed.traced, failed.answered, "the report finds each of them");
    (causes, unanswered, row)
}

#[test]
fn every_failed_call_of_a_partner_has_a_trace_with_its_cause() {
    for (fault, cause) in [
        (
            r#"kind = "database-down"
            database = "shop""#,
            "08006",
        ),
        (
            r#"kind = "pool-exhausted"
            database = "shop""#,
            "08006",
        ),
        (
            r#"kind = "write-conflicts"
            database = "shop"
            share = 0.5"#,
            "40001",
        ),
        (r#"kind = "files-down""#, "unavailable"),
    ] {
        let (causes, unanswered, row) = told(scenario(fault, ""));
        eprintln!("{fault}: {causes:?}, {unanswered} unanswered, {:?}", row.orders);
        assert!(causes.get(cause).is_some_and(|calls| *calls >= 5), "{fault}: {causes:?}");
        assert_eq!(unanswered, 0, "{fault}");
    }
}

#[test]
fn what_is_turned_away_at_the_door_is_no_order_and_has_a_trace_all_the_same() {
    let (causes, _, row) = told(scenario(r#"kind = "files-down""#, "partner-api = { max-model-size = 20 }"));
    assert_eq!(causes.keys().collect::<Vec<_>>(), ["too_large"]);
    assert_eq!((row.orders.initiated, row.orders.refused), (0, causes["too_large"] as u64));
}

#[test]
fn who_was_never_reached_has_no_trace_and_is_counted_apart() {
    for fault in ["kind = \"consumer-kill\"\nservice = \"shop-api\"", "kind = \"service-unreachable\"\nservice = \"shop-api\""] {
        let (causes, unanswered, row) = told(scenario(fault, ""));
        eprintln!("{fault}: {causes:?}, {unanswered} unanswered, {:?}", row.orders);
        assert!(unanswered >= 10, "{fault}");
    }
}
