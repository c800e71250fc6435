//! Time into each state, and from the first to the last.

use crate::{
    case::{Case, LeadTimes, StateTimes},
    exposure::share,
    metrics::percentile,
    ordered::Ordered,
    report::{LeadTime, StateRow},
    words,
};

/// Sorts all durations: percentiles need it.
pub fn sort(case: &mut Case) {
    let leads = case.clients.values_mut().map(|client| &mut client.lead_times).chain([&mut case.lead_times]);
    let states = case.states.iter_mut().map(|state| &mut state.times_ns);
    leads.map(|lead| &mut lead.times_ns).chain(states).for_each(|times_ns| times_ns.sort_unstable());
}

/// One row per state, in the order given. The durations are sorted.
#[must_use]
pub fn states(states: &[StateTimes]) -> Ordered<StateRow> {
    states.iter().map(|state| (state.state.clone(), row(&state.times_ns, state.sla_ns, state.breaches))).collect()
}

/// The whole way. The durations are sorted.
#[must_use]
pub fn lead_time(times: &LeadTimes) -> LeadTime {
    let row = row(&times.times_ns, times.promise_ns, times.overdue);
    let overdue_share = share(times.overdue, times.due).filter(|_| times.promise_ns.is_some());
    LeadTime { mean_s: mean_s(&times.times_ns), p95_s: row.p95_s, overdue_share, row }
}

/// The mean, seconds; `None` of nothing.
#[must_use]
pub fn mean_s(times_ns: &[u64]) -> Option<f64> {
    let sum: u128 = times_ns.iter().map(|ns| u128::from(*ns)).sum();
    let mean_ns = sum.checked_div(times_ns.len() as u128)?;
    Some(words::seconds(u64::try_from(mean_ns).unwrap_or(u64::MAX)))
}

fn row(times_ns: &[u64], sla_ns: Option<u64>, breaches: u64) -> StateRow {
    let at = |percent: f64| percentile(times_ns, percent).map(words::seconds);
    StateRow {
        count: times_ns.len() as u64,
        p50_s: at(50.0),
        p90_s: at(90.0),
        p95_s: at(95.0),
        p99_s: at(99.0),
        max_s: at(100.0),
        sla_s: sla_ns.map(words::seconds),
        breaches,
    }
}
