//! Calls to a service take longer to arrive.
//!
//! The service itself is as quick as ever: its own spans show nothing of it.

use crate::{
    deed::{Call, CallFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static SLOW_CALLS: Definition = Definition {
    name: "slow-calls",
    does: "{share} of the calls to {service} take {takes} longer, those of {from}",
    worlds: BOTH,
    deed: |given| Deed::Calls(CallFault::of(given, Call::Slow(given.span("takes")))),
};
