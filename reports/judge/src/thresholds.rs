//! The scenario's thresholds, each held against what was observed.

use std::{cmp::Reverse, collections::BTreeMap};

use scenarios::language::Threshold;

use crate::{
    case::Case,
    matching::Pair,
    metrics::{self, Metric},
    outcome::Base,
    report::{ThresholdRow, Unit},
    words,
};

/// Hops that a reason names.
const PLACES: usize = 3;

/// A threshold and why it does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedThreshold {
    /// Its row in the report.
    pub row: ThresholdRow,
    /// Why it is violated or unknown, as a sentence; `None` when it holds or is excused.
    pub reason: Option<String>,
}

/// Judges all thresholds, in the order of the scenario.
#[must_use]
pub fn rows(case: &Case, pairs: &[Pair<'_>], base: &Base<'_>) -> Vec<JudgedThreshold> {
    let judged = |threshold| judged(threshold, metrics::metric(threshold, case, pairs), (base, pairs));
    case.thresholds.iter().map(judged).collect()
}

fn judged(threshold: &Threshold, metric: Option<Metric>, (base, pairs): (&Base<'_>, &[Pair<'_>])) -> JudgedThreshold {
    let testimony = metric.as_ref().is_some_and(|metric| metric.testimony);
    // What the telemetry says counts for nothing while it may not be all there.
    let blocked = testimony && base.blocks_testimony();
    let observed = metric.as_ref().filter(|_| !blocked).and_then(|metric| metric.observed(threshold.aggregation));
    let passed = observed.map(|(value, _)| metrics::holds(value, threshold.comparison, threshold.limit));
    let excused = observed.is_none() && testimony && !blocked && base.quiet;
    let reason = match (observed, passed) {
        (Some((value, unit)), Some(false)) => {
            let worst = metric.and_then(|metric| metric.worst);
            Some(violated(threshold, &format!("{}{}", shown(value, unit), places(threshold, pairs)), worst))
        }
        (None, _) if metric.is_none() => Some(format!("threshold {}: this run has no such metric", threshold.metric)),
        (None, _) if !excused && !blocked => {
            Some(format!("threshold {} {}: nothing to observe", threshold.metric, threshold.expression))
        }
        _ => None,
    };
    let row = ThresholdRow {
        metric: threshold.metric.clone(),
        expression: threshold.expression.clone(),
        observed: observed.map(|(value, _)| value),
        passed,
        unit: observed.map_or(Unit::Count, |(_, unit)| unit),
        default: threshold.default,
        excused,
    };
    JudgedThreshold { row, reason }
}

fn violated(threshold: &Threshold, observed: &str, worst: Option<String>) -> String {
    let worst = worst.map_or_else(String::new, |worst| format!("; worst order {worst}"));
    format!("threshold {} {}: observed {observed}{worst}", threshold.metric, threshold.expression)
}

/// Where the telemetry fails: the hops of the orders that break a threshold on what it exposes, the most orders first.
fn places(threshold: &Threshold, pairs: &[Pair<'_>]) -> String {
    let breaks = |pair: &&Pair<'_>| match threshold.name {
        "lost_unexposed" | "exposure_recall" | "unknown" => pair.bad() && !pair.exposed(),
        "hop_at_1" => pair.hop_judged() && !pair.right_hop(),
        _ => false,
    };
    let mut hops: BTreeMap<&str, u64> = BTreeMap::new();
    for hop in pairs.iter().filter(breaks).filter_map(|pair| pair.truth.hop.as_deref()) {
        *hops.entry(hop).or_default() += 1;
    }
    let mut hops: Vec<(&str, u64)> = hops.into_iter().collect();
    hops.sort_by_key(|(_, orders)| Reverse(*orders));
    let more = hops.len().saturating_sub(PLACES) as u64;
    let mut named: Vec<String> = hops.iter().take(PLACES).map(|(hop, _)| (*hop).to_owned()).collect();
    if more > 0 {
        named.push(words::several(more, "further hop"));
    }
    if named.is_empty() { String::new() } else { format!(" at {}", words::list(&named)) }
}

/// An observed value as people read it.
#[must_use]
pub fn shown(value: f64, unit: Unit) -> String {
    match unit {
        // Counts are whole and not negative.
        Unit::Count => words::count(value as u64),
        Unit::Share => words::share(Some(value)),
        Unit::Seconds => words::duration(value),
    }
}
