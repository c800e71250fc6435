//! A service that stands still, one that is short of a processor, and a queue that somebody empties: each leaves its proof, and the traces
//! show what came of it.

use std::collections::BTreeSet;

use harness::prepare;

use crate::{
    gate,
    worlds::{judged, played},
};

/// A quarter of an hour in a quarter of a minute. One consumer calculates for a minute, so that the others' orders wait.
const SHORT: &str = r#"
title = "A service stands still, its queue is emptied, another one is short of a processor"
seed = 7
duration = "15m"
architecture = { preset = "as-is", mes-consumers = 1 }
[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "120/h"
[pricing]
mean = "1m"
max = "2m"
[[fault]]
kind = "service-paused"
at = "2m"
for = "1m"
service = "mes-api"
[[fault]]
kind = "queue-purged"
at = "6m"
for = "4m"
queue = "mes.orders"
each = "1m"
[[fault]]
kind = "cpu-limit"
at = "11m"
for = "3m"
service = "crm-api"
cpu-second = "1h"
[scale]
machine = 60
human = 400000
unstudied = ["seller", "operator"]
"#;

#[test]
fn what_stood_still_was_short_of_a_processor_or_was_emptied_is_proven_for_each() {
    if !gate::containers() {
        return;
    }
    let prepared = prepare::prepared(gate::scenario(SHORT), true, true).unwrap();
    let played = played(&prepared, gate::place());
    let proofs: BTreeSet<(&str, &str)> =
        played.ledger.effects.iter().map(|effect| (effect.fault.as_str(), effect.what.name())).collect();
    for proof in [
        ("service-paused@1", "node-paused"),
        ("service-paused@1", "meddled"),
        ("queue-purged@1", "message-lost"),
        ("cpu-limit@1", "node-throttled"),
    ] {
        assert!(proofs.contains(&proof), "{proof:?} is none of {proofs:?}");
    }
    let report = judged(&prepared, &played).report;
    let exposure = &report.exposure;
    assert!(report.truth.get("lost").is_some_and(|lost| *lost > 0), "{:?}", report.truth);
    assert_eq!((exposure.recall, exposure.precision), (Some(1.0), Some(1.0)), "{:?}", report.bad_orders);
}
