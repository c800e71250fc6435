//! A scenario with another number of orders: the same story, thinner.

use faults::Deed;
use scenarios::{
    Scenario,
    language::{Executor, Rate},
};

/// The same scenario with about this many orders: all rates and bursts change by one factor.
pub(crate) fn to(scenario: &Scenario, orders: f64) -> Scenario {
    let mut scenario = scenario.clone();
    let factor = factor(&scenario, orders);
    for load in &mut scenario.load {
        match &mut load.executor {
            Executor::ConstantArrivalRate { rate } => *rate = Rate(rate.0 * factor),
            Executor::RampingArrivalRate { start, stages } => {
                *start = Rate(start.0 * factor);
                stages.iter_mut().for_each(|stage| stage.target = Rate(stage.target.0 * factor));
            }
            // A burst, or a recording, is what makes its story: it stays.
            Executor::Burst { .. } | Executor::Replay { .. } => {}
        }
    }
    scenario
}

/// What all rates change by.
pub(crate) fn factor(scenario: &Scenario, orders: f64) -> f64 {
    let expected: f64 = scenario.load.iter().map(|load| load.executor.expected(scenario.duration)).sum();
    (orders / expected).min(1.0)
}

/// Whether a fault of it hits the telemetry.
pub(crate) fn blurred(scenario: &Scenario) -> bool {
    scenario.faults.iter().any(|fault| matches!(fault.kind.deed(), Deed::Telemetry(_)))
}
