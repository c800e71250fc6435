//! A node's log: each record is outside of the process as soon as it is written, so none dies with it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use signals::{Log, Resource};
use world::log::{Log as Said, Sink};

use super::trouble::Trouble;
use crate::runtime::lock;

/// Writes the log of one node incarnation.
pub(super) struct Writer {
    resource: Arc<Resource>,
    written: AtomicU64,
    received: Arc<Mutex<Vec<Log>>>,
    trouble: Arc<Trouble>,
}

impl Writer {
    pub(super) fn new(resource: Arc<Resource>, (received, trouble): (Arc<Mutex<Vec<Log>>>, Arc<Trouble>)) -> Self {
        Self { resource, written: AtomicU64::new(0), received, trouble }
    }
}

impl Sink for Writer {
    /// Moves a record over; nothing of it is copied.
    fn write(&self, said: Said) {
        let log = Log {
            resource: Arc::clone(&self.resource),
            number: self.written.fetch_add(1, Relaxed) + 1,
            time_ns: self.trouble.noted(&self.resource.service, said.at_ns),
            level: said.level.name().into(),
            action: said.action.into(),
            message: said.message,
            trace_id: said.trace_id,
            span_id: said.span_id,
            fields: said.fields,
        };
        lock(&self.received).push(log);
    }
}
