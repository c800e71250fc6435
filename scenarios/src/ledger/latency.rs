//! How long orders took, from state to state and on the whole, by the owners' own records.

use std::{sync::Arc, time::Duration};

use contracts::Status;

use super::{Account, Ledger};
use crate::lifecycle::Lifecycle;

/// How long orders took on one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The deadline; `None` when there is none.
    pub deadline: Option<Duration>,
    /// One time for each order that arrived, nanoseconds, shortest first.
    pub sorted_ns: Vec<u64>,
    /// Orders that arrived after the deadline, or have not arrived though it has passed.
    pub breaches: usize,
    /// Orders that arrived, or should have: those that a share of breaches is a share of.
    pub due: usize,
    /// Reference of the order that took longest.
    pub slowest: Option<Arc<str>>,
}

/// From entering a state's predecessor to entering the state: every state but the first, in the order of the lifecycle.
#[must_use]
pub fn states(ledger: &Ledger, lifecycle: &Lifecycle) -> Vec<(Status, Times)> {
    let times = |status: Status, before: Status| {
        between((ledger, lifecycle), ledger.initiated(), (before, status), lifecycle.state(status).deadline)
    };
    Status::ALL.into_iter().filter_map(|status| Some((status, times(status, status.previous()?)))).collect()
}

/// From the first state to the last; its deadline is the promise.
#[must_use]
pub fn lead_time(ledger: &Ledger, lifecycle: &Lifecycle) -> Times {
    whole(ledger, lifecycle, ledger.initiated())
}

/// The same, of the orders of one type of client.
#[must_use]
pub fn lead_time_of(ledger: &Ledger, lifecycle: &Lifecycle, client_type: &str) -> Times {
    whole(ledger, lifecycle, ledger.initiated().filter(|account| &*account.client_type == client_type))
}

fn whole<'a>(ledger: &Ledger, lifecycle: &Lifecycle, orders: impl Iterator<Item = &'a Account>) -> Times {
    between((ledger, lifecycle), orders, (Status::Initiated, Status::Closed), Some(lifecycle.promise))
}

fn between<'a>(
    (ledger, lifecycle): (&Ledger, &Lifecycle),
    orders: impl Iterator<Item = &'a Account>,
    (from, to): (Status, Status),
    deadline: Option<Duration>,
) -> Times {
    let entered = |account: &Account, status| account.entered(lifecycle.state(status).side, status);
    let mut times = Times { deadline, ..Times::default() };
    let mut longest_ns = None;
    for account in orders {
        let Some(from_ns) = entered(account, from) else { continue };
        let arrived_ns = entered(account, to);
        let took_ns = arrived_ns.unwrap_or(ledger.end_ns).saturating_sub(from_ns);
        // In a run at rest, what has not arrived never will.
        let never = arrived_ns.is_none() && ledger.unsettled.is_none();
        let late = deadline.is_some_and(|deadline| never || Duration::from_nanos(took_ns) > deadline);
        times.breaches += usize::from(late);
        times.due += usize::from(late || arrived_ns.is_some());
        times.sorted_ns.extend(arrived_ns.map(|_| took_ns));
        if arrived_ns.is_some() && longest_ns.is_none_or(|longest_ns| took_ns > longest_ns) {
            longest_ns = Some(took_ns);
            times.slowest = Some(Arc::clone(&account.order_ref));
        }
    }
    times.sorted_ns.sort_unstable();
    times
}
