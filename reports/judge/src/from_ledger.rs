//! A case as the harness has it: a scenario, and the ledger of its run.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use scenarios::{
    Scenario,
    actors::intents::FailedCall,
    classify,
    ledger::{
        Account, Ledger,
        latency::{self, Times},
    },
    lifecycle::Lifecycle,
};

use crate::{
    case::{Call, Case, Client, LeadTimes, Run, StateTimes},
    exposure::nanoseconds,
};

impl Case {
    /// What the ledger says of a run. Findings, telemetry, versions and where the traces are kept come from elsewhere.
    /// `clock_error` is how far the clocks of the run may disagree: none in the simulated world.
    #[must_use]
    pub fn of(scenario: &Scenario, world: &str, ledger: &Ledger, lifecycle: &Lifecycle, clock_error: Duration) -> Self {
        let effects = |fault: &str| ledger.effects_of(fault).cloned().collect();
        Self {
            run: Run {
                epoch_ns: ledger.started_ns,
                end_ns: ledger.end_ns,
                unsettled: ledger.unsettled.clone(),
                ..Run::of(scenario, world)
            },
            truths: classify::classify(ledger, lifecycle, clock_error),
            faults: ledger.faults.iter().map(|run| (run.fault.clone(), effects(&run.fault.name))).collect(),
            states: latency::states(ledger, lifecycle)
                .into_iter()
                .map(|(state, times)| state_times(state.name(), times))
                .collect(),
            lead_times: latency::lead_time(ledger, lifecycle).into(),
            clients: clients(ledger, lifecycle),
            thresholds: scenario.thresholds.clone(),
            ..Self::default()
        }
    }
}

/// One for each type of client that sent anything.
fn clients(ledger: &Ledger, lifecycle: &Lifecycle) -> BTreeMap<Arc<str>, Client> {
    let mut clients: BTreeMap<Arc<str>, Client> = BTreeMap::new();
    for account in &ledger.orders {
        clients.entry(Arc::clone(&account.client_type)).or_default().failed_calls.extend(failed_calls(account));
    }
    for account in ledger.refused() {
        clients.entry(Arc::clone(&account.client_type)).or_default().refused += 1;
    }
    for (client_type, client) in &mut clients {
        client.lead_times = latency::lead_time_of(ledger, lifecycle, client_type).into();
    }
    clients
}

/// The calls of its client for an order that were not answered with success.
fn failed_calls(account: &Account) -> impl Iterator<Item = Call> {
    let own = account.intents.iter().filter(|intent| !intent.who.client_type().is_empty());
    let call = |failed: &FailedCall| Call {
        asked_ns: failed.asked_ns,
        ended_ns: failed.ended_ns,
        status: failed.status,
        order: [account.order_id.clone(), Some(Arc::clone(&account.order_ref))],
    };
    own.flat_map(|intent| &intent.failed).map(call)
}

fn state_times(state: &str, times: Times) -> StateTimes {
    StateTimes {
        state: state.to_owned(),
        sla_ns: times.deadline.map(nanoseconds),
        times_ns: times.sorted_ns,
        breaches: times.breaches as u64,
        due: times.due as u64,
        slowest: times.slowest,
    }
}

impl From<Times> for LeadTimes {
    fn from(times: Times) -> Self {
        Self {
            promise_ns: times.deadline.map(nanoseconds),
            times_ns: times.sorted_ns,
            overdue: times.breaches as u64,
            due: times.due as u64,
            slowest: times.slowest,
        }
    }
}
