//! From a played run to its judgement.

use std::collections::BTreeMap;

use judge::{Case, Judged};
use scenarios::{
    classify,
    ledger::Ledger,
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
    let mut case = Case::of(&prepared.scenario, world.name(), ledger, &lifecycle, played.clock_error);
    tell_ways(&mut case.truths, ledger, &lifecycle);
    case.run.versions = played.versions.clone();
    case.run.settings.extend(played.settings.iter().cloned());
    case.run.trace_base = played.trace_base.clone();
    case.run.log_link = played.log_link.clone();
    case.run.used = played.used.clone();
    case.run.accidents = played.accidents.clone();
    let case = Case {
        findings: played.findings.clone(),
        requests: played.requests.clone(),
        telemetry: played.telemetry.clone(),
        contexts: played.broker.contexts().cloned(),
        queues: queues::stays(ledger),
        ..case
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
