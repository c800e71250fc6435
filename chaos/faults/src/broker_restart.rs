//! The broker is stopped gracefully (`SIGTERM`) and started again after a while: it flushes its queues first.
//!
//! No message in a durable queue is lost; what publishers send meanwhile, without trying again, is.

use crate::{
    deed::{Deed, Outage},
    definition::{BOTH, Definition},
};

/// The fault.
pub static BROKER_RESTART: Definition = Definition {
    name: "broker-restart",
    does: "the broker is stopped gracefully and started again",
    worlds: BOTH,
    deed: |_| Deed::Outage(Outage::Stopped),
};
