//! The broker's process dies at once (`SIGKILL`) and starts again after a while.
//!
//! Persistent messages in durable classic queues that the broker had not flushed are gone; so is whatever publishers without
//! confirms sent meanwhile.

use crate::{
    deed::{Deed, Outage},
    definition::{BOTH, Definition},
};

/// The fault.
pub static BROKER_KILL: Definition = Definition {
    name: "broker-kill",
    does: "the broker's process is killed and comes back",
    worlds: BOTH,
    deed: |_| Deed::Outage(Outage::Killed),
};
