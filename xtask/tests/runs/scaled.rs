//! A run that is shortened is reported in the time of its scenario, and says how it was shortened.

use harness::{Arena as _, Prepared, conclude, options::WorldName, plan, prepare, progress::Progress};
use judge::report::Report;
use scenarios::{Scenario, language::Threshold, lifecycle::Lifecycle};

use crate::root;

const DAY_S: f64 = 86_400.0;

fn library(name: &str, scaled: bool) -> Prepared {
    let scenario = Scenario::resolve(root(), name).unwrap().remove(0);
    prepare::prepared(scenario, scaled, false).unwrap()
}

fn reported(prepared: &Prepared) -> Report {
    let played = xtask::simulated::Simulated.play(prepared, &mut Progress::silent()).unwrap();
    conclude::judged(prepared, &played, WorldName::Simulated).unwrap().report
}

fn near(number: Option<f64>, expected: f64, within: f64) {
    let number = number.unwrap_or_default();
    assert!((number / expected - 1.0).abs() < within, "{number} instead of {expected}");
}

#[test]
fn a_scaled_run_is_told_in_the_time_of_its_scenario() {
    let prepared = library("broker-kill", true);
    let report = reported(&prepared);
    let kill = &report.faults[0];
    near(Some(kill.window.to_s - kill.window.from_s), 240.0, 0.001);
    // Half an hour of arrivals, all that the services and people do after it, and the deadlines of what was lost.
    assert!(report.duration_s > 1_800.0, "{} s", report.duration_s);
    let states = |name: &str| report.states.get(name).unwrap();
    // Calculations take two and a half minutes, their logarithm's middle is less.
    assert!((30.0..600.0).contains(&states("PRICE_CALCULATED").p50_s.unwrap()), "{:?}", states("PRICE_CALCULATED"));
    // The file's half an hour, and ten seconds of a run that is 90 times shorter.
    near(states("PRICE_CALCULATED").sla_s, 1_800.0 + 900.0, 0.001);
    assert!(states("MANUFACTURING_COMPLETED").p50_s.unwrap() > DAY_S, "days at the bench");
    near(report.lead_time.row.sla_s, 21.0 * DAY_S, 0.001);
    assert!(report.lead_time.mean_s.unwrap() > 2.0 * DAY_S);
    let load = report.configuration.iter().find(|setting| setting.name == "load").unwrap();
    assert_eq!(load.value, "customer 34/h throughout");
    let scale = report.scale.as_deref().unwrap();
    assert!(scale.starts_with("30 min of it from 2 d 9 h on, machines 90 times and people 40,000 times faster"), "{scale}");
    assert_eq!(report.scaled_by.map(|by| (by.machine, by.human)), Some((90.0, 40_000.0)));
}

#[test]
fn what_holds_in_the_time_of_the_run_holds_in_the_time_of_the_scenario() {
    let file = root().join("scenarios/library/slow-pricing.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let slower = text.replace("share = 0.2", "share = 0.9");
    assert_ne!(slower, text);
    let prepared = prepare::prepared(Scenario::parse(&file, slower.as_bytes()).unwrap(), true, false).unwrap();
    let clock = prepared.scenario.scaled_by.as_ref().unwrap();
    let report = reported(&prepared);
    let back = |threshold: &Threshold| clock.threshold(threshold).expression;
    let expected: Vec<String> = prepared.scenario.thresholds.iter().map(back).collect();
    assert_eq!(report.thresholds.iter().map(|row| row.expression.clone()).collect::<Vec<_>>(), expected);
    for row in report.states.0.iter().map(|(_, row)| row).filter(|row| row.breaches == 0) {
        assert!(row.max_s <= row.sla_s, "{row:?} breaks no deadline");
    }
    let bad = report.bad_orders.iter().filter(|order| order.truth == "slow");
    assert!(bad.clone().count() > 0);
    bad.for_each(|order| assert!(order.since_s.unwrap() > order.initiated_s + 1_800.0, "later than half an hour: {order:?}"));
}

#[test]
fn every_page_says_that_the_run_was_shortened_and_none_of_a_whole_one_does() {
    for (scaled, said) in [(true, true), (false, false)] {
        let prepared = library("calm-week", scaled);
        let played = xtask::simulated::Simulated.play(&prepared, &mut Progress::silent()).unwrap();
        let judged = conclude::judged(&prepared, &played, WorldName::Simulated).unwrap();
        let lifecycle = Lifecycle::parse(&prepared.lifecycle).unwrap();
        for text in [
            render::html(&judged.report, &judged.bad_orders),
            render::summary(&judged.report),
            render::terminal(&judged.report, &render::Screen::default()),
            plan::text(&prepared.scenario, &lifecycle, "simulated"),
        ] {
            assert_eq!(text.contains(" times faster"), said, "{text}");
        }
    }
}

#[test]
fn the_plan_of_a_scaled_run_has_the_times_of_the_scenario() {
    let prepared = library("broker-kill", true);
    let plan = plan::text(&prepared.scenario, &Lifecycle::parse(&prepared.lifecycle).unwrap(), "simulated");
    for said in
        [" for 4 min  broker-kill@1", "  pricing           mean 2 min 30 s, 30 min at most\n", "21 d from INITIATED to CLOSED"]
    {
        assert!(plan.contains(said), "{said:?} is not in\n{plan}");
    }
}
