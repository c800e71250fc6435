//! Deadlines and thresholds of a scaled scenario.

use std::{collections::BTreeMap, time::Duration};

use super::{Clock, Scale, ScaleError, expected_orders, over};
use crate::{
    language::{
        Aggregation, Comparison, Factors, Scenario, Sla, Threshold,
        thresholds::{CATALOGUE, Unit, rewritten},
        whole_millis,
    },
    lifecycle::{Lifecycle, Part, State},
};

/// The scaled scenario with the deadlines and thresholds of the original, scaled.
///
/// A state's deadline is the sum of its hops' parts, each divided by whoever is waited for there, and the floor. The floor
/// is spread evenly over the hops, as the stack may hold up any of them. The promise keeps its ratio to the sum of all
/// states' deadlines. A message's own deadline is a machine's.
pub(super) fn adapted(original: &Scenario, mut scaled: Scenario, scale: &Scale, from: Duration) -> Result<Scenario, ScaleError> {
    let lifecycle = Lifecycle::for_sla(&original.sla)?;
    let mut sla = Sla::default();
    let mut speeds = BTreeMap::new();
    let (mut before, mut after) = (Duration::ZERO, Duration::ZERO);
    for state in &lifecycle.states {
        let Some(deadline) = state.deadline else { continue };
        let speed = speed(&lifecycle, state, scale.factors);
        let shorter = whole_millis(deadline.as_secs_f64() / speed + scale.floor.as_secs_f64());
        speeds.insert(state.status, speed);
        (before, after) = (before + deadline, after + shorter);
        sla.states.insert(state.status, shorter);
        if state.shares.len() > 1 {
            sla.shares.insert(state.status, shares(&lifecycle, state, deadline, scale));
        }
    }
    for message in &lifecycle.messages {
        if let Some(deadline) = message.deadline {
            sla.messages.insert(message.key.to_string(), over(deadline, scale.factors.machine) + scale.floor);
        }
    }
    let whole = before.as_secs_f64() / after.as_secs_f64();
    sla.promise = Some(whole_millis(lifecycle.promise.as_secs_f64() / whole));
    scaled.sla = sla;
    let clock = Clock {
        factors: scale.factors,
        from,
        window: scale.window.filter(|window| *window < original.duration),
        floor: scale.floor,
        states: speeds,
        whole,
    };

    let ratio = expected_orders(&scaled) / expected_orders(original);
    for threshold in &mut scaled.thresholds {
        let unit = CATALOGUE.iter().find(|metric| metric.name == threshold.name).map(|metric| metric.unit);
        match unit {
            Some(Unit::Time) => {
                let shorter = limit(threshold, &clock);
                threshold.expression = rewritten(threshold, shorter);
                threshold.limit = shorter.as_secs_f64();
            }
            Some(Unit::Orders) if threshold.aggregation == Aggregation::Count => fewer(threshold, ratio),
            _ => {}
        }
    }
    scaled.scaled_by = Some(clock);
    Ok(scaled)
}

/// How much faster a state is reached: the mean of the divisors of its hops, weighted by their shares (harmonic).
fn speed(lifecycle: &Lifecycle, state: &State, factors: Factors) -> f64 {
    1.0 / state.shares.iter().map(|(hop, share)| share / divisor(lifecycle.hops[*hop].part, factors)).sum::<f64>()
}

const fn divisor(part: Part, factors: Factors) -> f64 {
    match part {
        Part::Wait => factors.human,
        _ => factors.machine,
    }
}

/// Each hop's share of the scaled deadline.
fn shares(lifecycle: &Lifecycle, state: &State, deadline: Duration, scale: &Scale) -> BTreeMap<String, f64> {
    let hops = f64::from(u32::try_from(state.shares.len()).unwrap_or(u32::MAX));
    let parts = state.shares.iter().map(|(hop, share)| {
        let part = lifecycle.hops[*hop].part;
        let scaled = deadline.as_secs_f64() * share / divisor(part, scale.factors);
        (part.name().to_owned(), scaled + scale.floor.as_secs_f64() / hops)
    });
    let parts: BTreeMap<String, f64> = parts.collect();
    let sum: f64 = parts.values().sum();
    parts.into_iter().map(|(name, part)| (name, part / sum)).collect()
}

/// A threshold's limit on a time. The stack's floor makes nothing faster: a lower limit has none.
fn limit(threshold: &Threshold, clock: &Clock) -> Duration {
    let lower = matches!(threshold.comparison, Comparison::Greater | Comparison::GreaterOrEqual);
    // The whole way's factor has the floors of all states in it.
    let floor = if lower || threshold.name == "lead_time" { 0.0 } else { clock.floor.as_secs_f64() };
    whole_millis(threshold.limit / clock.of(threshold) + floor)
}

/// A limit on a number of orders follows the number of orders. None at all stays none at all.
fn fewer(threshold: &mut Threshold, ratio: f64) {
    let limit = match threshold.comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => (threshold.limit * ratio).floor(),
        Comparison::Less | Comparison::LessOrEqual => (threshold.limit * ratio).ceil(),
        Comparison::Equal | Comparison::NotEqual => return,
    };
    let operator =
        threshold.expression.trim_start_matches("count").trim_start().trim_end_matches(|c: char| c.is_ascii_digit()).trim();
    threshold.expression = format!("count{operator}{limit}");
    threshold.limit = limit;
}
