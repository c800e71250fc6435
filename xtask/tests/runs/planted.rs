//! Bugs that programmers make, put into the services: each makes orders go wrong, and a named verdict says so at the hop of the bug.

use std::collections::BTreeSet;

use chassis::planted::{self, Bug};
use contracts::architecture::Preset;
use scenarios::Scenario;

/// A bug: where it is planted, under which fault it shows, what becomes of orders, at which hop, and for which cause.
struct Planted {
    bug: Bug,
    preset: Preset,
    toggles: &'static str,
    fault: &'static str,
    verdict: &'static str,
    hop: &'static str,
    causes: &'static [&'static str],
}

const fn planted(
    bug: Bug,
    preset: Preset,
    (verdict, hop): (&'static str, &'static str),
    causes: &'static [&'static str],
) -> Planted {
    Planted { bug, preset, toggles: "", fault: "", verdict, hop, causes }
}

const ALL: &[Planted] = &[
    planted(Bug::OutboxRowForgotten, Preset::ToBe, ("lost", "order.submitted commit-send"), &["not_published"]),
    planted(Bug::MarkedUnsent, Preset::ToBe, ("lost", "order.submitted commit-send"), &["not_published"]),
    planted(Bug::PublishUnawaited, Preset::AsIs, ("lost", "order.price_calculated commit-send"), &["not_published"]),
    planted(Bug::ClaimedUnsent, Preset::AsIs, ("lost", "order.submitted commit-send"), &["not_published"]),
    planted(Bug::PublishedTwice, Preset::AsIs, ("duplicated", ""), &["published_twice"]),
    planted(Bug::AckedUnhandled, Preset::ToBe, ("lost", "order.submitted process"), &["acked_unprocessed"]),
    planted(Bug::GoodRejected, Preset::ToBe, ("lost", "order.submitted process"), &["rejected"]),
    planted(Bug::VersionOffByOne, Preset::ToBe, ("lost", "order.price_calculated process"), &["acked_unprocessed"]),
    planted(Bug::JobForgotten, Preset::ToBe, ("lost", "pricing work-wait"), &["never_started"]),
    planted(Bug::PriceUnwritten, Preset::ToBe, ("lost", "pricing work"), &["work_never_ended"]),
    planted(Bug::CloseUnwritten, Preset::ToBe, ("stuck", "CLOSED wait"), &["waiting_for_person"]),
    Planted {
        bug: Bug::AckedEarly,
        preset: Preset::ToBe,
        toggles: r#", pricing = "blocking""#,
        fault: r#"kind = "consumer-kill", at = "1h", for = "1m", times = 30, every = "35m""#,
        verdict: "lost",
        hop: "pricing work",
        causes: &["", "work_never_ended"],
    },
    Planted {
        bug: Bug::DuplicateUnnoticed,
        preset: Preset::ToBe,
        toggles: "",
        fault: r#"kind = "ack-lost", at = "4h", for = "12h", share = 0.3"#,
        verdict: "duplicated",
        hop: "",
        causes: &["redelivered"],
    },
];

/// A day of orders with nothing but the fault under which the bug shows.
fn scenario(planted: &Planted) -> Scenario {
    let fault = if planted.fault.is_empty() { String::new() } else { format!("fault = [{{ {} }}]", planted.fault) };
    let text = format!(
        r#"
        title = "A bug in the services"
        seed = 5
        duration = "20h"
        architecture = {{ preset = "{}", mes-consumers = 4{} }}
        {fault}
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "10/h"
        [pricing]
        mean = "150s"
        max = "20m"
        [thresholds]
        "verdicts{{verdict:lost}}" = ["count>=0"]
    "#,
        planted.preset.name(),
        planted.toggles,
    );
    Scenario::parse("planted.toml".as_ref(), text.as_bytes()).unwrap()
}

/// What is not as it should be, in words.
fn missed(planted: &Planted) -> BTreeSet<String> {
    let report = planted::with(planted.bug, || xtask::simulated::judged(&scenario(planted))).report;
    let mut missed = BTreeSet::new();
    let mut check = |what: &str, holds: bool| {
        if !holds {
            missed.insert(format!("{:?}: {what}: {:?}", planted.bug, report.verdicts));
        }
    };
    check("nothing goes wrong", report.orders.bad >= 5);
    check("not all is exposed", report.exposure.recall == Some(1.0));
    check("a false alarm", report.exposure.precision == Some(1.0));
    check("another hop", report.exposure.hop_at_1 == Some(1.0));
    for order in &report.bad_orders {
        let hop = order.hop.as_deref().unwrap_or_default();
        let cause = order.cause.as_deref().unwrap_or_default();
        let expected =
            order.verdict == planted.verdict && (planted.hop.is_empty() || hop == planted.hop) && planted.causes.contains(&cause);
        let truth = order.truth_hop.as_deref().unwrap_or_default();
        check(&format!("{} at {truth:?} is called {} at {hop:?} for {cause:?}", order.truth, order.verdict), expected);
    }
    missed
}

#[test]
fn each_bug_is_caught_by_its_verdict_at_its_hop() {
    let missed: Vec<String> = ALL.iter().flat_map(missed).collect();
    assert!(missed.is_empty(), "{} things are not as they should be:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn without_its_bug_no_order_goes_wrong() {
    for planted in ALL.iter().filter(|planted| planted.preset == Preset::ToBe) {
        let report = xtask::simulated::judged(&scenario(planted)).report;
        assert_eq!((report.orders.bad, report.exposure.false_alarms), (0, 0), "{:?}", planted.bug);
    }
}
