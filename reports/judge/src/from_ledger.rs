//! A case as the harness has it: a scenario, and the ledger of its run.

use std::time::Duration;

use scenarios::{
    Scenario, classify,
    ledger::{Ledger, latency, latency::Times},
    lifecycle::Lifecycle,
};

use crate::case::{Case, LeadTimes, Run, StateTimes};

impl Case {
    /// What the ledger says of a run. Findings, telemetry, versions and where the traces are kept come from elsewhere.
    /// `clock_error` is how far the clocks of the run may disagree: none in the simulated world.
    #[must_use]
    pub fn of(scenario: &Scenario, world: &str, ledger: &Ledger, lifecycle: &Lifecycle, clock_error: Duration) -> Self {
        let effects_of = |fault: &str| ledger.effects.iter().filter(|effect| effect.fault == fault).cloned().collect();
        let state = |(state, times): (&str, Times)| StateTimes {
            state: state.to_owned(),
            sla_ns: times.deadline.map(nanoseconds),
            times_ns: times.sorted_ns,
            breaches: times.breaches as u64,
            due: times.due as u64,
            slowest: times.slowest,
        };
        let lead = latency::lead_time(ledger, lifecycle);
        Self {
            run: Run {
                epoch_ns: ledger.started_ns,
                end_ns: ledger.end_ns,
                unsettled: ledger.unsettled.clone(),
                ..Run::of(scenario, world)
            },
            truths: classify::classify(ledger, lifecycle, clock_error),
            refused: ledger.refused().count() as u64,
            faults: scenario.faults.iter().map(|fault| (fault.clone(), effects_of(&fault.name))).collect(),
            states: latency::states(ledger, lifecycle).into_iter().map(|(status, times)| state((status.name(), times))).collect(),
            lead_times: LeadTimes {
                promise_ns: lead.deadline.map(nanoseconds),
                times_ns: lead.sorted_ns,
                overdue: lead.breaches as u64,
                due: lead.due as u64,
                slowest: lead.slowest,
            },
            thresholds: scenario.thresholds.clone(),
            ..Self::default()
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
