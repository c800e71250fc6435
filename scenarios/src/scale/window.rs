//! Cuts a part out of the timeline. What is kept stays as it is: the same rates, the same gaps, the same faults.

use std::time::Duration;

use super::{Scale, ScaleError};
use crate::language::{Executor, Load, RampStage, Rate, Recorded, Scenario};

/// The part of the scenario that lies around its faults, around as many of the first ones as it holds; without faults its
/// first part; and where it begins. A fault that lies outside is left out, one that lasts longer ends with the window.
pub(super) fn cut(scenario: &Scenario, scale: &Scale) -> Result<(Scenario, Duration), ScaleError> {
    let Some(window) = scale.window.filter(|window| *window < scenario.duration) else {
        return Ok((scenario.clone(), Duration::ZERO));
    };
    let from = begin(scenario, window);
    let mut cut = scenario.clone();
    cut.duration = window;
    let keep = |load: &Load| Some(Load { actor: load.actor, executor: part(&load.executor, from, from + window)? });
    cut.load = scenario.load.iter().filter_map(keep).collect();
    if cut.load.is_empty() {
        return Err(ScaleError::NothingArrives { scenario: scenario.name.clone(), window });
    }
    cut.faults.retain(|fault| fault.at >= from && fault.at < from + window);
    for fault in &mut cut.faults {
        fault.at -= from;
        fault.lasts = fault.lasts.min(window - fault.at);
    }
    Ok((cut, from))
}

/// Where the window begins: as much of it before the first fault as after the last one that it holds, as far as the timeline
/// goes.
fn begin(scenario: &Scenario, window: Duration) -> Duration {
    let Some(first) = scenario.faults.iter().map(|fault| fault.at).min() else { return Duration::ZERO };
    let ends = scenario.faults.iter().map(|fault| fault.at + fault.lasts);
    let last = ends.filter(|end| *end <= first + window).max().unwrap_or(first + window);
    let begin = first.saturating_sub((window - (last - first)) / 2).min(scenario.duration - window);
    Duration::from_millis(u64::try_from(begin.as_millis()).unwrap_or(u64::MAX))
}

/// What an executor does in a part of the timeline. None when nothing arrives there.
fn part(executor: &Executor, from: Duration, until: Duration) -> Option<Executor> {
    let part = match executor {
        Executor::ConstantArrivalRate { rate } => Executor::ConstantArrivalRate { rate: *rate },
        Executor::RampingArrivalRate { start, stages } => ramp(*start, stages, from, until),
        Executor::Burst { at, count, within } => {
            let (begin, end) = (from.max(*at), until.min(*at + *within));
            let kept = end.checked_sub(begin).filter(|kept| !kept.is_zero())?;
            let count = orders(f64::from(*count) * kept.as_secs_f64() / within.as_secs_f64());
            Executor::Burst { at: begin - from, count, within: kept }
        }
        Executor::Replay { file, orders } => {
            let kept = orders.iter().filter(|order| (from..until).contains(&order.at));
            let orders = kept.map(|order| Recorded { at: order.at - from, ..order.clone() }).collect();
            Executor::Replay { file: file.clone(), orders }
        }
    };
    (part.expected(until - from) > 0.0).then_some(part)
}

fn ramp(start: Rate, stages: &[RampStage], from: Duration, until: Duration) -> Executor {
    let mut kept = Vec::new();
    let (mut begin, mut rate, mut first) = (Duration::ZERO, start, None);
    for stage in stages {
        let end = begin + stage.duration;
        let at = |time: Duration| {
            let share = (time - begin).as_secs_f64() / stage.duration.as_secs_f64();
            Rate((stage.target.0 - rate.0).mul_add(share, rate.0))
        };
        let (left, right) = (from.max(begin), until.min(end));
        if left < right {
            first = first.or(Some(at(left)));
            kept.push(RampStage { target: at(right), duration: right - left });
        }
        (begin, rate) = (end, stage.target);
    }
    Executor::RampingArrivalRate { start: first.unwrap_or_default(), stages: kept }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
fn orders(number: f64) -> u32 {
    number.round() as u32
}
