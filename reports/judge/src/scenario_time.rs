//! A scaled run in the time of its scenario: what people and other tools read is never the run's own time.
//!
//! Instants lie on one timeline, that of arrivals and faults, which machines share. How long orders took into a state is
//! multiplied by that state's own factor, because people were made faster than machines; so are its deadline and the
//! thresholds on it. What holds in the run's time holds in the scenario's.

use std::time::Duration;

use faults::{Effect, Fault, What};
use scenarios::scale::Clock;

use crate::case::{Case, LeadTimes, StateTimes};

impl Case {
    /// The case in scenario time. It starts when the run did.
    #[must_use]
    pub fn in_scenario_time(mut self, clock: &Clock) -> Self {
        let timeline = Timeline { epoch_ns: self.run.epoch_ns, machine: clock.factors.machine };
        timeline.stretch(&mut self.run.end_ns);
        for truth in &mut self.truths {
            timeline.stretch(&mut truth.initiated_ns);
            truth.since_ns.iter_mut().chain(&mut truth.closed_ns).for_each(|at| timeline.stretch(at));
            for (_, from, to) in &mut truth.journey {
                timeline.stretch(from);
                to.iter_mut().for_each(|at| timeline.stretch(at));
            }
        }
        for finding in &mut self.findings {
            finding.alarmed_ns.iter_mut().for_each(|at| timeline.stretch(at));
            let ends = finding.journey.iter_mut().flat_map(|hop| [&mut hop.from_ns, &mut hop.to_ns]);
            ends.flatten().for_each(|at| timeline.stretch(at));
        }
        self.faults.iter_mut().for_each(|(fault, effects)| timeline.fault(fault, effects));
        for route in &mut self.requests {
            route.requests.iter_mut().for_each(|request| timeline.stretch(&mut request.at_ns));
            route
                .failures
                .iter_mut()
                .flat_map(|failure| [&mut failure.at_ns, &mut failure.end_ns])
                .for_each(|at| timeline.stretch(at));
        }
        let calls = self.clients.values_mut().flat_map(|client| &mut client.failed_calls);
        calls.flat_map(|call| [&mut call.asked_ns, &mut call.ended_ns]).for_each(|at| timeline.stretch(at));
        for loss in &mut self.telemetry.losses {
            timeline.stretch(&mut loss.from_ns);
            timeline.stretch(&mut loss.until_ns);
        }
        for (from, to) in self.queues.values_mut().flatten() {
            timeline.stretch(from);
            timeline.stretch(to);
        }
        self.states.iter_mut().for_each(|state| stretch_state(state, clock));
        let by_client = self.clients.values_mut().map(|client| &mut client.lead_times);
        by_client.chain([&mut self.lead_times]).for_each(|lead| stretch_lead(lead, clock.whole));
        self.thresholds = self.thresholds.iter().map(|threshold| clock.threshold(threshold)).collect();
        self
    }
}

/// Times the factor, to the nanosecond.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are not negative, and short of centuries")]
fn times(ns: u64, factor: f64) -> u64 {
    (ns as f64 * factor).round() as u64
}

struct Timeline {
    epoch_ns: u64,
    machine: f64,
}

impl Timeline {
    /// An instant, nanoseconds since the Unix epoch. A skewed clock's may lie before the start of the run.
    fn stretch(&self, at_ns: &mut u64) {
        *at_ns = match at_ns.checked_sub(self.epoch_ns) {
            Some(since) => self.epoch_ns.saturating_add(times(since, self.machine)),
            None => self.epoch_ns.saturating_sub(times(self.epoch_ns - *at_ns, self.machine)),
        };
    }

    fn fault(&self, fault: &mut Fault, effects: &mut [Effect]) {
        let longer = |time: Duration| Duration::from_secs_f64(time.as_secs_f64() * self.machine);
        (fault.at, fault.lasts) = (longer(fault.at), longer(fault.lasts));
        fault.kind = fault.kind.clone().with_times(longer);
        for effect in effects {
            self.stretch(&mut effect.at_ns);
            if let What::CalculationSlowed { seconds } = &mut effect.what {
                *seconds = times(*seconds, self.machine);
            }
        }
    }
}

fn stretch_state(state: &mut StateTimes, clock: &Clock) {
    let factor = clock.state(&state.state);
    state.sla_ns.iter_mut().chain(&mut state.times_ns).for_each(|ns| *ns = times(*ns, factor));
}

fn stretch_lead(lead: &mut LeadTimes, factor: f64) {
    lead.promise_ns.iter_mut().chain(&mut lead.times_ns).for_each(|ns| *ns = times(*ns, factor));
}
