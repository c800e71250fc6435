//! How far a run is: counters that another thread may read while it runs.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Counters of a run.
#[derive(Debug, Default)]
pub struct Progress {
    initiated: AtomicU64,
    closed: AtomicU64,
    now_ms: AtomicU64,
}

impl Progress {
    /// Orders that were created.
    #[must_use]
    pub fn initiated_orders(&self) -> u64 {
        self.initiated.load(Ordering::Relaxed)
    }

    /// Orders that carriers have closed.
    #[must_use]
    pub fn closed_orders(&self) -> u64 {
        self.closed.load(Ordering::Relaxed)
    }

    /// Time since the start of the run, as of the last arrival or look.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_millis(self.now_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn initiate(&self) {
        self.initiated.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn close(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn tick(&self, now: Duration) {
        self.now_ms.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
