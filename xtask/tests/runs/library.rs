//! Every scenario of the library, on both architectures, gives the report that its `.expected` file holds.
//!
//! The file has two parts. Above the line of dashes stand assertions that people wrote: `as-is: truth.lost >= 20`, a path into
//! `report.json`, a comparison, a value. Below it stand the terminal's words for each architecture. `UPDATE_EXPECT=1` renews the
//! part below and never touches the part above.

use std::{collections::BTreeSet, fs};

use contracts::architecture::Preset;
use judge::Judged;
use scenarios::Scenario;

use crate::root;

const DASHES: &str = "--------------------------------------------------------------------------------";

/// Checks one hand-written line against the report of its architecture.
fn assert_line(line: &str, reports: &[(Preset, serde_json::Value)]) {
    let (preset, assertion) = line.split_once(": ").unwrap_or_else(|| panic!("not `<architecture>: <assertion>`: {line}"));
    let (_, report) = reports.iter().find(|(name, _)| name.name() == preset).unwrap_or_else(|| panic!("no such preset: {line}"));
    let [path, comparison, value] = assertion.split(' ').collect::<Vec<_>>()[..] else { panic!("not three words: {assertion}") };
    // What a report does not count is zero: truth.lost is absent when no order was lost.
    let seen = report.pointer(&format!("/{}", path.replace('.', "/"))).cloned().unwrap_or_else(|| 0.into());
    let holds = match (value.parse::<f64>(), seen.as_f64()) {
        (Ok(value), Some(seen)) => match comparison {
            "==" => (seen - value).abs() < f64::EPSILON,
            ">=" => seen >= value,
            "<=" => seen <= value,
            _ => panic!("no such comparison: {line}"),
        },
        _ => comparison == "==" && seen.to_string().trim_matches('"') == value,
    };
    assert!(holds, "{line}: it is {seen}");
}

fn judged(scenario: &Scenario, preset: Preset) -> Judged {
    xtask::simulated::judged(&scenario.clone().with_architecture(preset))
}

fn check(name: &str) {
    let file = root().join("scenarios/library").join(format!("{name}.expected"));
    let scenario = Scenario::resolve(root(), name).unwrap().remove(0);
    let runs: Vec<(Preset, Judged)> = Preset::ALL.map(|preset| (preset, judged(&scenario, preset))).into();
    let golden: String = runs.iter().map(|(_, run)| render::terminal(&run.report, &render::Screen::default()) + "\n\n").collect();
    let old = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{name}: write assertions into {}", file.display()));
    let (by_hand, old_golden) = old.split_once(&format!("{DASHES}\n")).unwrap_or((&old, ""));

    let reports: Vec<_> = runs.iter().map(|(preset, run)| (*preset, serde_json::to_value(&run.report).unwrap())).collect();
    let lines: Vec<_> = by_hand.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= 4, "{name}: hardly an assertion");
    lines.iter().for_each(|line| assert_line(line, &reports));

    if std::env::var("UPDATE_EXPECT").is_ok() {
        fs::write(&file, format!("{by_hand}{DASHES}\n{golden}")).unwrap();
        return;
    }
    assert_eq!(old_golden, golden, "{name}: if this is right, renew it with UPDATE_EXPECT=1");
}

macro_rules! scenarios {
    ($($test:ident $name:literal)+) => {
        $(#[test]
        fn $test() {
            check($name);
        })+

        #[test]
        fn every_scenario_of_the_library_is_checked_here() {
            let library = Scenario::library(root()).unwrap();
            let named: BTreeSet<&str> = [$($name),+].into();
            assert_eq!(library.iter().map(|scenario| scenario.name.as_str()).collect::<BTreeSet<_>>(), named);
        }
    };
}

scenarios! {
    calm_week "calm-week"
    broker_kill "broker-kill"
    slow_pricing "slow-pricing"
    early_ack_crash "early-ack-crash"
    forgotten_news "forgotten-news"
    lost_on_the_wire "lost-on-the-wire"
    lost_confirms "lost-confirms"
    full_queue_refuses "full-queue-refuses"
    full_queue_drops "full-queue-drops"
    expired_orders "expired-orders"
    emptied_queue "emptied-queue"
    factory_stands_still "factory-stands-still"
    short_of_processor "short-of-processor"
    unbound "unbound"
    broker_short_of_memory "broker-short-of-memory"
    overtaken "overtaken"
    half_open "half-open"
    phantom_consumer "phantom-consumer"
    done_twice "done-twice"
    answers_lost "answers-lost"
    poison "poison"
    parked_orders "parked-orders"
    dead_letters_gone "dead-letters-gone"
    database_away "database-away"
    no_connections "no-connections"
    slow_statements "slow-statements"
    serialization_failures "serialization-failures"
    models_away "models-away"
    models_lost "models-lost"
    unreachable_pricing "unreachable-pricing"
    lost_answers "lost-answers"
    slow_network "slow-network"
    failing_prices "failing-prices"
    hanging_prices "hanging-prices"
    freshest_first "freshest-first"
    changed_habits "changed-habits"
    first_page "first-page"
    consumer_timeout "consumer-timeout"
    torn_traces "torn-traces"
    head_sampling "head-sampling"
    tail_sampling "tail-sampling"
    exporter_overflow "exporter-overflow"
    tracing_outage "tracing-outage"
    clock_skew "clock-skew"
    retention "retention"
    service_silent "service-silent"
    personal_data "personal-data"
    overlooked_rows "overlooked-rows"
    unheard_carrier "unheard-carrier"
    prices_unheard "prices-unheard"
    slow_list "slow-list"
    overwritten_rows "overwritten-rows"
    prices_nobody_keeps "prices-nobody-keeps"
    partner_api_opened "partner-api-opened"
    five_hundred_a_minute "five-hundred-a-minute"
    intake_answers "intake-answers"
    three_weeks_promised "three-weeks-promised"
    worst_hour "worst-hour"
    heavy_models "heavy-models"
}
