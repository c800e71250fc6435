//! Where an order does not get on, and whether the telemetry may say so.

use crate::{
    journey::Journey,
    verdict::Testimony,
    way::{Kind, StepId, Steps, bit, members},
};

/// Whether an order gets on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It is at its end.
    Done,
    /// It is not, and may still come there in time.
    Moving,
    /// A step did not happen in time, though all that it needs did.
    At(StepId),
    /// A later step did not happen in time, and this is the first that may be why: nobody would have shown it.
    Behind(StepId),
    /// A step was not shown in time, but nobody would have shown it for any order, nor any later one.
    Silent(StepId),
    /// A step was not shown in time, but it may lie in a known gap, as may all later ones.
    Hidden(StepId),
    /// A step was not shown, and whether its time is over depends on whose clock is right.
    Open(StepId),
}

/// Finds the first step in the order of the lifecycle that did not happen and holds up the rest.
pub(crate) fn halt(journey: &Journey<'_>, testimony: &Testimony<'_>) -> Halt {
    let slack = testimony.slack.iter().max().copied().unwrap_or(0);
    let halt = halt_by(journey, testimony, (latest, testimony.end_ns));
    let sure = slack == 0 && testimony.open == 0 && (testimony.hidden)(journey) == 0;
    if halt != Halt::Moving || sure {
        return halt;
    }
    // A deadline has not passed for sure. It may have: for what began unseen, and by a clock that is fast.
    match halt_by(journey, testimony, (earliest, testimony.end_ns.saturating_add(slack))) {
        Halt::At(step) | Halt::Behind(step) | Halt::Silent(step) | Halt::Hidden(step) if slack > 0 => Halt::Open(step),
        Halt::At(step) | Halt::Behind(step) => Halt::Hidden(step),
        halt => halt,
    }
}

/// When a step was, by a bound.
type Bound = fn(&Journey<'_>, StepId) -> u64;

fn latest(journey: &Journey<'_>, step: StepId) -> u64 {
    journey.latest(step)
}

fn earliest(journey: &Journey<'_>, step: StepId) -> u64 {
    journey.earliest(step)
}

fn halt_by(journey: &Journey<'_>, testimony: &Testimony<'_>, (bound, end_ns): (Bound, u64)) -> Halt {
    let way = journey.way;
    let missing = way.all & !journey.happened;
    if missing == 0 {
        return Halt::Done;
    }
    let hidden = (testimony.hidden)(journey) & missing;
    let unwitnessed = (hidden | testimony.silent) & missing;
    // What nobody shows may have happened: then its followers are to be expected.
    let mut assumed = journey.happened;
    for step in members(unwitnessed) {
        if way.steps[step].needs & !assumed == 0 {
            assumed |= bit(step);
        }
    }
    let due = due(journey, bound);
    let overdue = |step: &StepId| due[*step] < end_ns;
    let expected = |step: &StepId| way.steps[*step].needs & !assumed == 0;
    let blocked = |step: &StepId| way.steps[*step].needs & !journey.happened == 0;
    if let Some(step) = members(missing & !unwitnessed).filter(expected).find(overdue) {
        let candidates = missing & (way.steps[step].needs_all | bit(step));
        return match members(candidates).find(blocked) {
            // Whether a person has not done it, or what a person did was lost.
            Some(first) if mixed(journey, (candidates & hidden) | bit(step)) => Halt::Hidden(first),
            Some(first) if first != step => Halt::Behind(first),
            _ => Halt::At(step),
        };
    }
    match members(unwitnessed).filter(blocked).find(overdue) {
        Some(step) if testimony.silent & bit(step) != 0 => Halt::Silent(step),
        Some(step) => Halt::Hidden(step),
        None => Halt::Moving,
    }
}

/// Whether some of the steps are a person's, and some are not.
fn mixed(journey: &Journey<'_>, steps: Steps) -> bool {
    let persons = members(steps).filter(|step| is_person(journey, *step)).count();
    persons > 0 && persons < steps.count_ones() as usize
}

/// When each step must have happened at the latest, going by what was seen.
pub(crate) fn due(journey: &Journey<'_>, bound: Bound) -> [u64; 64] {
    let way = journey.way;
    let promised = way.promise_ns.map_or(u64::MAX, |promise| bound(journey, 0).saturating_add(promise));
    // The latest time to enter each state: when it was entered, else its deadline after the state before it.
    let mut entered = [u64::MAX; 64];
    let mut due = [u64::MAX; 64];
    due[0] = 0;
    entered[0] = bound(journey, 0);
    for stretch in &way.stretches {
        let from = entered[stretch.first];
        let by = stretch.deadline_ns.map_or(promised, |deadline| from.saturating_add(deadline).min(promised));
        for step in &stretch.steps {
            due[*step] = by;
        }
        entered[stretch.last] = if journey.has_happened(stretch.last) { bound(journey, stretch.last) } else { by };
    }
    due
}

/// Whether a step is a person's.
pub(crate) fn is_person(journey: &Journey<'_>, step: StepId) -> bool {
    matches!(journey.way.steps[step].kind, Kind::Enter { by: crate::way::By::Person, .. })
}
