//! The broker's process dies at once (`SIGKILL`) and starts again after a while.
//!
//! Persistent messages in durable classic queues that the broker had not flushed are gone; so is whatever publishers without
//! confirms sent meanwhile. Worlds: simulated, containers.

/// The fault's name.
pub const NAME: &str = "broker-kill";
