//! From the time of a scaled run back to the time of its scenario, which is what people read.

use std::{collections::BTreeMap, time::Duration};

use contracts::Status;

use crate::language::{
    Factors, Threshold,
    thresholds::{CATALOGUE, Unit, rewritten},
};

/// How a scenario was shortened. A time of the run, multiplied, is one of the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// What divided machines' and people's time.
    pub factors: Factors,
    /// Where on the scenario's timeline the run begins.
    pub from: Duration,
    /// How much of it was kept; none: all of it.
    pub window: Option<Duration>,
    /// What every deadline has on top for the real stack, in time of the run.
    pub floor: Duration,
    /// By how much each state is reached sooner: people's hops and machines' together.
    pub states: BTreeMap<Status, f64>,
    /// By how much the whole way is shorter.
    pub whole: f64,
}

impl Clock {
    /// What a time into a state is multiplied by; of anything else, what the timeline is.
    #[must_use]
    pub fn state(&self, name: &str) -> f64 {
        let state = name.parse().ok().and_then(|status: Status| self.states.get(&status));
        state.copied().unwrap_or(self.factors.machine)
    }

    /// What the limit of a threshold on a time is multiplied by; 1 of any other.
    #[must_use]
    pub fn of(&self, threshold: &Threshold) -> f64 {
        let unit = CATALOGUE.iter().find(|metric| metric.name == threshold.name).map(|metric| metric.unit);
        match (unit, threshold.name) {
            (Some(Unit::Time), "lead_time") => self.whole,
            (Some(Unit::Time), _) => self.state(threshold.tag.as_deref().unwrap_or_default()),
            _ => 1.0,
        }
    }

    /// A threshold of the run as one of the scenario.
    #[must_use]
    pub fn threshold(&self, threshold: &Threshold) -> Threshold {
        let factor = self.of(threshold);
        if factor == 1.0 {
            return threshold.clone();
        }
        let limit = threshold.limit * factor;
        // To read: the milliseconds of a limit that was divided mean nothing.
        let shown = if limit < 60.0 { limit } else { limit.round() };
        Threshold { limit, expression: rewritten(threshold, Duration::from_secs_f64(shown)), ..threshold.clone() }
    }
}
