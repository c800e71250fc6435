//! Calls to a service are refused, as if it were not there.
//!
//! Both are alive, and the way between them is not.

use crate::{
    deed::{Call, CallFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static SERVICE_UNREACHABLE: Definition = Definition {
    name: "service-unreachable",
    does: "{share} of the calls to {service} are refused, those of {from}",
    worlds: BOTH,
    deed: |given| Deed::Calls(CallFault::of(given, Call::Refused)),
};
