//! A service gets so little of a processor that what takes it a moment takes long.
//!
//! Its work queues up, first of all when much comes at once; what takes longer than somebody's patience fails.

use crate::{
    deed::Deed,
    definition::{BOTH, Definition},
};

/// The fault.
pub static CPU_LIMIT: Definition = Definition {
    name: "cpu-limit",
    does: "{service} gets so little of a processor that a second's work takes {cpu-second}",
    worlds: BOTH,
    deed: |given| Deed::Throttle { service: given.name("service"), second_takes: given.span("cpu-second") },
};
