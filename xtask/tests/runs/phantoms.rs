//! News that is sent before a commit that fails: with an outbox there is none, and what is tried again heals.

use contracts::message;
use judge::Judged;
use scenarios::Scenario;

/// A day of orders with people so quick that each state is told while the fault lasts.
fn judged(toggles: &str, seed: u64, key: &str) -> Judged {
    let text = format!(
        r#"
        title = "t"
        seed = {seed}
        duration = "20h"
        architecture = {{ preset = "as-is", mes-consumers = 4{toggles} }}
        fault = [{{ kind = "phantom-publish", at = "2h", for = "18h", share = 0.3{key} }}]
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "6/h"
        [pricing]
        mean = "150s"
        max = "20m"
        [people]
        bench = "20m"
        manufacturing = "2h"
        packaging = "20m"
        shipping = "1h"
        carrier = "2h"
        [thresholds]
        "verdicts{{verdict:lost}}" = ["count>=0"]
    "#
    );
    xtask::simulated::judged(&Scenario::parse("phantoms.toml".as_ref(), text.as_bytes()).unwrap())
}

#[test]
fn with_an_outbox_alone_no_order_goes_wrong() {
    // Whoever does not try again loses the order, whatever was told of it: the price needs a worker that does.
    let report = judged(r#", outbox = true, pricing = "asynchronous""#, 7, "").report;
    assert_eq!((report.orders.bad, report.exposure.false_alarms), (0, 0), "{:?}", report.truth);
    assert!(report.faults[0].effects > 50, "transitions were rolled back");
}

#[test]
fn without_one_every_order_that_it_hits_for_good_is_exposed() {
    for seed in [1, 2, 3, 4] {
        let report = judged("", seed, "").report;
        let (exposure, what) = (&report.exposure, format!("seed {seed}: {:?}", report.alarms_by_cause));
        assert!(report.orders.bad >= 20, "{what}");
        assert_eq!((exposure.recall, exposure.precision), (Some(1.0), Some(1.0)), "{what}");
        assert_eq!((exposure.hop_at_1, exposure.cause_accuracy), (Some(1.0), Some(1.0)), "{what}");
        let phantoms = report.bad_orders.iter().filter(|order| order.cause.as_deref() == Some("phantom"));
        let hops: Vec<_> = phantoms.map(|order| order.hop.as_deref()).collect();
        assert!(hops.len() >= 10 && hops.iter().all(|hop| *hop == Some("pricing work")), "{what}");
    }
}

#[test]
fn what_is_tried_again_is_no_phantom() {
    for key in &message::ROUTING_KEYS[2..] {
        let report = judged(", idempotent-consumers = true", 7, &format!(r#", key = "{key}""#)).report;
        assert!(report.faults[0].effects > 10, "{key}");
        assert_eq!((report.exposure.false_alarms, report.exposure.fine_but_unknown), (0, 0), "{key}");
        assert!(report.bad_orders.iter().all(|order| order.cause.as_deref() != Some("phantom")), "{key}");
    }
}
