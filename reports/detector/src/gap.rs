//! Telemetry that is known to be missing.

use std::sync::Arc;

use crate::way::Steps;

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
}

impl Gap {
    /// Spans of anybody may be missing for some orders, whenever they were.
    #[must_use]
    pub fn of_orders(orders: Vec<Arc<str>>) -> Self {
        Self { from_ns: 0, until_ns: u64::MAX, service: None, orders: Some(orders) }
    }

    /// Spans of one service may be missing for some orders up to a time: what went down with a process that died.
    #[must_use]
    pub fn of_service(service: &str, until_ns: u64, orders: Vec<Arc<str>>) -> Self {
        Self { from_ns: 0, until_ns, service: Some(service.into()), orders: Some(orders) }
    }

    /// Spans of anybody and any order may be missing in a time.
    #[must_use]
    pub fn between(from_ns: u64, until_ns: u64) -> Self {
        Self { from_ns, until_ns, service: None, orders: None }
    }
}

/// A gap with its names resolved.
pub(crate) struct Known {
    pub(crate) until_ns: u64,
    /// What it may have swallowed.
    pub(crate) steps: Steps,
    /// Numbers of orders, sorted.
    pub(crate) orders: Option<Vec<usize>>,
}
