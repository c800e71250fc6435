//! Customers who agree to a price before anybody approves it: nobody is passed over, and who was not told shows.

use std::collections::BTreeMap;

use contracts::{architecture::Preset, attributes, request::RETAIL};
use judge::Judged;
use scenarios::Scenario;
use signals::span::text;

/// A day of orders whose customers are asked.
fn scenario(preset: Preset, fault: &str) -> Scenario {
    let text = format!(
        r#"
        title = "t"
        seed = 5
        duration = "20h"
        architecture = {{ preset = "{}", mes-consumers = 4, notices = true }}
        {fault}
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "9/h"
        [[load]]
        actor = "api-user"
        executor = "constant-arrival-rate"
        rate = "2/h"
        [thresholds]
        "verdicts{{verdict:lost}}" = ["count>=0"]
    "#,
        preset.name()
    );
    Scenario::parse("notices.toml".as_ref(), text.as_bytes()).unwrap()
}

fn judged(preset: Preset, fault: &str) -> Judged {
    xtask::simulated::judged(&scenario(preset, &format!("fault = [{fault}]")))
}

#[test]
fn nobody_is_approved_before_they_have_seen_the_price() {
    for preset in Preset::ALL {
        let played = super::played(scenario(preset, ""));
        let (mut aware, mut approved) = (BTreeMap::new(), BTreeMap::new());
        let mut partners = 0;
        for span in played.archive.spans() {
            let Some(order) = text(&span.attributes, attributes::ORDER_ID).map(str::to_owned) else { continue };
            let event = |name: &str| span.events.iter().find(|event| event.name == name);
            let retail = text(&span.attributes, attributes::CLIENT_TYPE) == Some(RETAIL);
            if let Some(seen) = event(attributes::CUSTOMER_AWARE) {
                aware.insert(order, seen.time_ns);
            } else if span.name == "POST /orders/{id}/approve" && event(attributes::STATUS_CHANGED).is_some() {
                partners += usize::from(!retail);
                if retail {
                    approved.insert(order, span.start_ns);
                }
            }
        }
        assert!(approved.len() > 100 && partners > 10, "{} and {partners}", approved.len());
        assert!(approved.iter().all(|(order, at_ns)| aware.get(order).is_some_and(|seen_ns| seen_ns < at_ns)));
        assert_eq!(aware.len(), approved.len());
    }
}

#[test]
fn who_was_not_told_is_exposed_with_its_cause() {
    for preset in Preset::ALL {
        let report = judged(preset, r#"{ kind = "notice-lost", at = "3h", for = "15h", share = 0.3 }"#).report;
        assert!(report.orders.bad >= 20 && report.outcome == judge::Outcome::Pass, "{:?}", report.truth);
        assert_eq!((report.exposure.recall, report.exposure.precision), (Some(1.0), Some(1.0)));
        assert!(report.bad_orders.iter().all(|order| order.cause.as_deref() == Some("customer_unaware")));
    }
}

#[test]
fn a_shop_that_dies_takes_news_along_and_nobody_is_passed_over() {
    let bad = Preset::ALL.map(|preset| {
        let kills = r#"{ kind = "consumer-kill", service = "internet-shop", at = "3h", for = "30s", every = "30m", times = 30 }"#;
        let report = judged(preset, kills).report;
        assert_eq!((report.exposure.recall.unwrap_or(1.0), report.exposure.precision.unwrap_or(1.0)), (1.0, 1.0));
        assert_eq!(report.exposure.hop_at_1.unwrap_or(1.0), 1.0);
        report.orders.bad
    });
    assert!(bad[0] > 0 && bad[1] > 0, "no news was under way: {bad:?}");
}

#[test]
fn whoever_acknowledges_after_the_work_tells_it_until_it_was_taken() {
    let away =
        r#"{ kind = "service-unreachable", service = "internet-shop", from = "crm-api", at = "3h", for = "15h", share = 0.5 }"#;
    let [as_is, to_be] = Preset::ALL.map(|preset| judged(preset, away).report);
    assert_eq!(to_be.orders.bad, 0, "{:?}", to_be.truth);
    assert!(as_is.orders.bad >= 20, "{:?}", as_is.truth);
    assert_eq!((as_is.exposure.recall, as_is.exposure.precision, as_is.exposure.hop_at_1), (Some(1.0), Some(1.0), Some(1.0)));
}
