//! 500 orders a minute for ten minutes against the real stack, at night: none of them is anywhere but at its end or in the report.

use harness::prepare;
use judge::report::{Outcome, Report};

use crate::{
    gate,
    worlds::{judged, played},
};

/// Six hundred times faster, 50 orders an hour are 500 a minute, and a hundred hours are ten minutes.
const RUSH: &str = r#"
    title = "500 orders a minute for ten minutes, and some messages are lost"
    seed = 11
    duration = "100h"
    architecture = { preset = "as-is", mes-consumers = 8 }
    [[load]]
    actor = "customer"
    executor = "constant-arrival-rate"
    rate = "35/h"
    [[load]]
    actor = "api-user"
    executor = "constant-arrival-rate"
    rate = "15/h"
    [pricing]
    mean = "150s"
    max = "20m"
    [people]
    sellers = 16
    operators = 64
    [[fault]]
    kind = "publish-lost"
    at = "0s"
    for = "100h"
    share = 0.001
    [scale]
    machine = 600
    human = 40000
    window = "100h"
    unstudied = ["seller", "operator"]
"#;

/// Whoever drives the run, and what stands between services and broker.
const HARNESS: [&str; 3] = ["loupe", "loupe-people", "proxy"];

fn cores(report: &Report, part: &str) -> f64 {
    let row = report.parts.iter().find(|row| row.part == part);
    row.and_then(|row| row.cpu_mean).unwrap_or_else(|| panic!("{part} was not looked at"))
}

#[test]
fn five_hundred_orders_a_minute_for_ten_minutes_come_to_their_end_or_are_named() {
    if !gate::containers() || !gate::nightly() {
        return;
    }
    let prepared = prepare::prepared(gate::scenario(RUSH), true, true).unwrap();
    let played = played(&prepared, gate::apart());
    let report = judged(&prepared, &played).report;
    eprintln!("{}", render::terminal(&report, &render::Screen::default()));
    for part in &report.parts {
        eprintln!("{:<24} {:>6.3} cores", part.part, part.cpu_mean.unwrap_or(0.0));
    }
    let orders = &report.orders;
    assert!(orders.initiated >= 4_800, "{orders:?}");
    assert_eq!(played.ledger.unsettled, None);
    let named = report.bad_orders.iter().filter(|order| order.exposed).count() as u64;
    assert_eq!((report.exposure.recall, report.exposure.precision), (Some(1.0), Some(1.0)), "{:?}", report.exposure);
    assert!(orders.closed + named >= orders.initiated, "{orders:?}, {named} named");
    assert_eq!(report.outcome, Outcome::Pass, "{:?}", report.reasons);
    let busy: f64 = HARNESS.iter().map(|part| cores(&report, part)).sum();
    assert!(busy < 0.3, "the harness kept {busy:.2} of a core busy");
    assert_eq!(gate::leftovers(), [""; 0]);
}
