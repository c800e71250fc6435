//! The broker is stopped gracefully (`SIGTERM`) and started again after a while: it flushes its queues first.
//!
//! No message in a durable queue is lost; what publishers send meanwhile, without trying again, is. Worlds: simulated,
//! containers.

/// The fault's name.
pub const NAME: &str = "broker-restart";
