//! Telemetry that is known to be missing.

use std::sync::Arc;

use signals::Loss;

use crate::{
    journey::Journey,
    order::Order,
    way::{Steps, bit, members},
};

/// Spans that ended in a time, but never arrived: whoever counts them knows, the detector can't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// From when, nanoseconds since the Unix epoch.
    pub from_ns: u64,
    /// Until when.
    pub until_ns: u64,
    /// Whose spans; `None`: anybody's.
    pub service: Option<Arc<str>>,
    /// Of which orders; `None`: any order's.
    pub orders: Option<Vec<Arc<str>>>,
    /// Log records may be missing as well. Else what a log notes shows, where that log is whole.
    pub logs: bool,
    /// What is not shown may have been done all the same, and done again later.
    pub done: bool,
}

impl Gap {
    /// Spans of anybody may be missing for some orders, whenever they were.
    #[must_use]
    pub fn of_orders(orders: Vec<Arc<str>>) -> Self {
        Self { from_ns: 0, until_ns: u64::MAX, service: None, orders: Some(orders), logs: true, done: false }
    }

    /// Spans of one service may be missing for some orders up to a time: what went down with a process that died.
    #[must_use]
    pub fn of_service(service: &str, until_ns: u64, orders: Vec<Arc<str>>) -> Self {
        Self { from_ns: 0, until_ns, service: Some(service.into()), orders: Some(orders), logs: true, done: false }
    }

    /// A process of a service died while it committed something of some orders: that may be done, without a word about it.
    #[must_use]
    pub fn of_commits(service: &str, until_ns: u64, orders: Vec<Arc<str>>) -> Self {
        Self { done: true, ..Self::of_service(service, until_ns, orders) }
    }

    /// Spans of anybody and any order may be missing in a time.
    #[must_use]
    pub fn between(from_ns: u64, until_ns: u64) -> Self {
        Self { from_ns, until_ns, service: None, orders: None, logs: true, done: true }
    }
}

impl From<&Loss> for Gap {
    /// What counters tell of spans that were not passed on. Log records go another way.
    fn from(loss: &Loss) -> Self {
        Self {
            from_ns: loss.from_ns,
            until_ns: loss.until_ns,
            service: loss.service.clone(),
            orders: None,
            logs: false,
            done: true,
        }
    }
}

/// A gap with its names resolved.
pub(crate) struct Known {
    pub(crate) from_ns: u64,
    pub(crate) until_ns: u64,
    /// What it may have swallowed.
    pub(crate) steps: Steps,
    /// Numbers of orders, sorted.
    pub(crate) orders: Option<Vec<usize>>,
    /// It may have been done all the same.
    pub(crate) done: bool,
}

impl Known {
    fn concerns(&self, number: usize) -> bool {
        self.orders.as_ref().is_none_or(|orders| orders.binary_search(&number).is_ok())
    }
}

/// Steps of an order that a gap may have swallowed: those of its witnesses that may have been before its end.
pub(crate) fn hidden(journey: &Journey<'_>, number: usize, gaps: &[Known]) -> Steps {
    let swallowed = |gap: &Known| {
        let missing = members(gap.steps & !journey.happened);
        missing.filter(|step| journey.earliest(*step) <= gap.until_ns).fold(0, |set, step| set | bit(step))
    };
    gaps.iter().filter(|gap| gap.concerns(number)).fold(0, |set, gap| set | swallowed(gap))
}

/// Steps of an order that may have been shown once more in a gap: it was alive then. What went down with a process, and was not done,
/// concerns nothing that was shown before or after.
pub(crate) fn open(order: &Order, number: usize, gaps: &[Known]) -> Steps {
    // Whose beginning was not seen may have begun in the gap.
    let born_ns = if order.seen & 1 == 0 { 0 } else { order.first_ns };
    let alive = |gap: &&Known| gap.done && gap.concerns(number) && gap.from_ns <= order.latest_ns && born_ns <= gap.until_ns;
    gaps.iter().filter(alive).fold(0, |set, gap| set | gap.steps)
}
