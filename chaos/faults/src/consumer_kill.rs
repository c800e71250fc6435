//! A service's process dies (`SIGKILL`) and is started again after a while.
//!
//! A message that it had acknowledged and not yet handled is gone; one not acknowledged comes again, redelivered. Spans in
//! its exporter's buffer are gone too. Worlds: simulated, containers.

/// The fault's name.
pub const NAME: &str = "consumer-kill";
