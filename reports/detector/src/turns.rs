//! In which order people took what waited for them: who went first.

use crate::{
    journey::Journey,
    way::{Kind, StepId, Way},
};

/// When orders could be taken, and when they were, where people pick from a list.
pub(crate) struct Turns {
    desks: Vec<Desk>,
}

struct Desk {
    step: StepId,
    /// So many have to overtake an order before it is starved.
    most: usize,
    /// Ready and taken, nanoseconds since the Unix epoch. By readiness once it is closed.
    waits: Vec<(u64, u64)>,
}

impl Turns {
    pub(crate) fn new(way: &Way) -> Self {
        let desk = |(state, most): (usize, &Option<u32>)| {
            let step = way.enter[state];
            most.map(|most| Desk { step, most: most as usize, waits: Vec::new() })
        };
        Self { desks: way.overtaken.iter().enumerate().filter_map(desk).collect() }
    }

    /// Takes an order's waits in, those that are over.
    pub(crate) fn note(&mut self, journey: &Journey<'_>) {
        for desk in &mut self.desks {
            let begin = journey.way.steps[desk.step].begin;
            if let (Some(ready_ns), Some(taken_ns)) = (journey.at(begin), journey.at(desk.step)) {
                desk.waits.push((ready_ns, taken_ns));
            }
        }
    }

    /// Nothing comes any more.
    pub(crate) fn close(&mut self) {
        self.desks.iter_mut().for_each(|desk| desk.waits.sort_unstable());
    }

    /// Whether an order was overtaken at a step by so many that it is starved: they could be taken later, and were taken earlier.
    pub(crate) fn starved(&self, journey: &Journey<'_>, step: StepId) -> bool {
        let Some(desk) = self.desks.iter().find(|desk| desk.step == step) else { return false };
        debug_assert!(matches!(journey.way.steps[step].kind, Kind::Enter { .. }), "people enter a state");
        let (Some(ready_ns), Some(taken_ns)) = (journey.at(journey.way.steps[step].begin), journey.at(step)) else {
            return false;
        };
        let later = desk.waits.partition_point(|(ready, _)| *ready <= ready_ns);
        let meanwhile = desk.waits[later..].iter().take_while(|(ready, _)| *ready < taken_ns);
        meanwhile.filter(|(_, taken)| *taken < taken_ns).nth(desk.most.saturating_sub(1)).is_some()
    }
}
