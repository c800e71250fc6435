//! A service's process dies (`SIGKILL`) and is started again after a while.
//!
//! A message that it had acknowledged and not yet handled is gone; one not acknowledged comes again, redelivered. Spans in
//! its exporter's buffer are gone too.

use crate::{
    deed::Deed,
    definition::{BOTH, Definition},
};

/// The fault.
pub static CONSUMER_KILL: Definition = Definition {
    name: "consumer-kill",
    does: "{service} is killed and started again",
    worlds: BOTH,
    deed: |given| Deed::Kill { service: given.name("service") },
};
