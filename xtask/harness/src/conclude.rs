//! From a played run to its judgement.

use std::{collections::BTreeMap, time::Duration};

use judge::{
    Case, Judged,
    case::{LeadTimes, Run, StateTimes},
};
use scenarios::{
    classify,
    ledger::{
        Ledger,
        latency::{self, Times},
    },
    lifecycle::{Lifecycle, LifecycleError},
    truth::{Class, Truth},
};

use crate::{
    arena::{Played, Prepared},
    options::WorldName,
    queues,
};

/// Judges a played run.
///
/// # Errors
/// When the lifecycle cannot be read (it was read before the run began).
pub fn judged(prepared: &Prepared, played: &Played, world: WorldName) -> Result<Judged, LifecycleError> {
    let lifecycle = Lifecycle::parse(&prepared.lifecycle)?;
    let ledger = &played.ledger;
    let mut run = Run::of(&prepared.scenario, world.name());
    run.epoch_ns = ledger.started_ns;
    run.end_ns = ledger.end_ns;
    run.unsettled = ledger.unsettled.clone();
    run.versions = played.versions.clone();
    run.trace_base = played.trace_base.clone();
    let mut truths = classify::classify(ledger, &lifecycle, played.clock_error);
    tell_ways(&mut truths, ledger, &lifecycle);
    let case = Case {
        run,
        refused: ledger.refused().count() as u64,
        truths,
        findings: played.findings.clone(),
        requests: played.requests.clone(),
        faults: ledger
            .faults
            .iter()
            .map(|fault| (fault.fault.clone(), ledger.effects_of(&fault.fault.name).cloned().collect()))
            .collect(),
        states: latency::states(ledger, &lifecycle).into_iter().map(|(status, times)| state_times(status, times)).collect(),
        lead_times: lead_times(latency::lead_time(ledger, &lifecycle)),
        thresholds: prepared.scenario.thresholds.clone(),
        telemetry: played.telemetry.clone(),
        contexts: played.broker.contexts().cloned(),
        queues: queues::stays(ledger),
        exposed_when_full: None,
    };
    let case = match &prepared.scenario.scaled_by {
        Some(clock) => case.in_scenario_time(clock),
        None => case,
    };
    Ok(judge::judge(case))
}

/// Tells the ways of orders that are under way: they are fine, and the flow of a run cannot know how far they came.
fn tell_ways(truths: &mut [Truth], ledger: &Ledger, lifecycle: &Lifecycle) {
    if truths.iter().all(|truth| truth.class != Class::InFlight) {
        return;
    }
    let accounts: BTreeMap<_, _> = ledger.orders.iter().map(|account| (&account.order_ref, account)).collect();
    for truth in truths.iter_mut().filter(|truth| truth.class == Class::InFlight) {
        if let Some(account) = accounts.get(&truth.order_ref) {
            truth.journey = classify::journey(account, lifecycle);
        }
    }
}

fn state_times(status: contracts::Status, times: Times) -> StateTimes {
    StateTimes {
        state: status.name().to_owned(),
        sla_ns: times.deadline.map(nanos),
        times_ns: times.sorted_ns,
        breaches: times.breaches as u64,
        due: times.due as u64,
        slowest: times.slowest,
    }
}

fn lead_times(times: Times) -> LeadTimes {
    LeadTimes {
        promise_ns: times.deadline.map(nanos),
        times_ns: times.sorted_ns,
        overdue: times.breaches as u64,
        due: times.due as u64,
        slowest: times.slowest,
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
