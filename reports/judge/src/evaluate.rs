//! The judge's whole work on one run, in the order a reader asks.

use std::collections::BTreeMap;

use detector::Verdict;
use scenarios::truth::Class;

use crate::{
    answer,
    case::Case,
    exposure,
    matching::{self, Matched, Pair},
    order_row,
    ordered::Ordered,
    outcome::{self, Base},
    report::{self, BadOrder, BadOrderWithJourney, Orders, Report, Setting, Standing, TelemetryRow},
    states, thresholds, unseen, words,
};

/// The bad orders that `report.json` lists at most.
pub const LISTED: usize = 1_000;
/// The false alarms that `report.json` lists at most.
pub const LISTED_FALSE_ALARMS: usize = 100;

/// A judged run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// `report.json`.
    pub report: Report,
    /// `bad-orders.jsonl`: every bad order with its journey, those not exposed first; then the false alarms.
    pub bad_orders: Vec<BadOrderWithJourney>,
}

/// Judges a run.
#[must_use]
pub fn judge(mut case: Case) -> Judged {
    states::sort(&mut case.states, &mut case.lead_times);
    let matched = matching::matched(&case.truths, &case.findings, case.exposed_when_full.as_ref());
    let rows: Vec<BadOrderWithJourney> = matched
        .pairs
        .iter()
        .filter(|pair| pair.standing.is_some())
        .map(|pair| order_row::with_journey(pair, &case.run))
        .collect();
    let report = report(&case, &matched, &rows);
    Judged { report, bad_orders: rows }
}

fn report(case: &Case, matched: &Matched<'_>, rows: &[BadOrderWithJourney]) -> Report {
    let pairs = &matched.pairs;
    let run = &case.run;
    let orders = orders(pairs);
    let exposure = exposure::exposure(pairs);
    let faults = exposure::by_fault(pairs, &case.faults, run);
    let hops = exposure::by_hop(pairs, run, &faults);
    let gap = case.telemetry.gap();
    let base = Base {
        quiet: outcome::quiet(run, &orders, &faults),
        orders: &orders,
        exposure: &exposure,
        faults: &faults,
        gap: gap.as_deref(),
        strangers: matched.strangers.len() as u64,
    };
    let thresholds = thresholds::rows(case, pairs, &base);
    let (outcome, reasons) = outcome::outcome(&base, case, &thresholds);
    let listed = |wanted: fn(Standing) -> bool| rows.iter().map(|row| &row.order).filter(move |order| wanted(order.standing));
    let bad: Vec<BadOrder> = listed(|standing| standing != Standing::FalseAlarm).take(LISTED).cloned().collect();
    Report {
        schema_version: report::SCHEMA_VERSION,
        scenario: run.scenario.clone(),
        title: run.title.clone(),
        world: run.world.clone(),
        seed: run.seed,
        architecture: run.architecture.clone(),
        instrumentation: run.instrumentation.clone(),
        answer: answer::answer(&orders, &exposure, &hops, &base),
        outcome,
        reasons,
        replay: run.replay.clone(),
        quiet: run.quiet,
        duration_s: words::since(run.end_ns, run.epoch_ns),
        scale: run.scale.clone(),
        versions: run.versions.clone(),
        configuration: settings(case),
        verdicts: verdicts(pairs),
        truth: classes(pairs),
        truncated: orders.bad > bad.len() as u64,
        bad_orders: bad,
        false_alarms: listed(|standing| standing == Standing::FalseAlarm).take(LISTED_FALSE_ALARMS).cloned().collect(),
        without_fault: exposure::exposed(pairs.iter().filter(|pair| pair.truth.faults.is_empty())),
        states: states::states(&case.states),
        lead_time: states::lead_time(&case.lead_times),
        unseen: unseen::unseen(case, matched, &hops, &faults, &exposure),
        telemetry: TelemetryRow {
            ended: case.telemetry.ended,
            exported: case.telemetry.exported,
            found: case.telemetry.found,
            killed: case.telemetry.killed,
            gap,
        },
        orders,
        exposure,
        hops,
        faults,
        thresholds: thresholds.into_iter().map(|judged| judged.row).collect(),
    }
}

fn orders<'a>(pairs: &[Pair<'a>]) -> Orders {
    let count = |wanted: fn(&Pair<'a>) -> bool| pairs.iter().filter(|pair| wanted(pair)).count() as u64;
    Orders {
        initiated: pairs.len() as u64,
        closed: count(|pair| pair.truth.closed_ns.is_some()),
        in_flight: count(|pair| pair.truth.class == Class::InFlight),
        analysed: count(|pair| pair.finding.is_some()),
        borderline: count(|pair| pair.truth.borderline),
        bad: count(Pair::bad),
    }
}

fn verdicts(pairs: &[Pair<'_>]) -> Ordered<u64> {
    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    for pair in pairs {
        *counts.entry(pair.verdict()).or_insert(0) += 1;
    }
    counts.into_iter().map(|(verdict, count)| (verdict.name().to_owned(), count)).collect()
}

fn classes(pairs: &[Pair<'_>]) -> Ordered<u64> {
    let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
    for pair in pairs {
        *counts.entry(pair.truth.class).or_insert(0) += 1;
    }
    counts.into_iter().map(|(class, count)| (class.name().to_owned(), count)).collect()
}

fn settings(case: &Case) -> Vec<Setting> {
    let setting = |setting: &crate::case::Setting| Setting {
        of: setting.of.clone(),
        name: setting.name.clone(),
        value: setting.value.clone(),
        preset: setting.preset.clone(),
    };
    case.run.settings.iter().map(setting).collect()
}
