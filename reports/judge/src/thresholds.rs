//! The scenario's thresholds, each held against what was observed.

use scenarios::language::Threshold;

use crate::{
    case::Case,
    matching::Pair,
    metrics::{self, Metric},
    outcome::Base,
    report::{ThresholdRow, Unit},
    words,
};

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
    case.thresholds.iter().map(|threshold| judged(threshold, metrics::metric(threshold, case, pairs), base)).collect()
}

fn judged(threshold: &Threshold, metric: Option<Metric>, base: &Base<'_>) -> JudgedThreshold {
    let testimony = metric.as_ref().is_some_and(|metric| metric.testimony);
    // What the telemetry says counts for nothing while it may not be all there.
    let blocked = testimony && base.blocks_testimony();
    let observed = metric.as_ref().filter(|_| !blocked).and_then(|metric| metric.observed(threshold.aggregation));
    let passed = observed.map(|(value, _)| metrics::holds(value, threshold.comparison, threshold.limit));
    let excused = observed.is_none() && testimony && !blocked && base.quiet;
    let reason = match (observed, passed) {
        (Some((value, unit)), Some(false)) => Some(violated(threshold, value, unit, metric.and_then(|metric| metric.worst))),
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

fn violated(threshold: &Threshold, value: f64, unit: Unit, worst: Option<String>) -> String {
    let worst = worst.map_or_else(String::new, |worst| format!("; worst order {worst}"));
    format!("threshold {} {}: observed {}{worst}", threshold.metric, threshold.expression, shown(value, unit))
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
