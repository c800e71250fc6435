//! A service's process stands still and goes on later as if nothing had been: a virtual machine that is moved, a host that swaps.
//!
//! It keeps its connections, its locks and what it was handed. Nobody is told; whoever waits for it waits.

use crate::{
    deed::Deed,
    definition::{BOTH, Definition},
};

/// The fault.
pub static SERVICE_PAUSED: Definition = Definition {
    name: "service-paused",
    does: "{service} stands still",
    worlds: BOTH,
    deed: |given| Deed::Pause { service: given.name("service") },
};
