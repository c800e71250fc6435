//! Nothing comes through between a service and the broker, and neither end is told.
//!
//! The connection stays half-open until heartbeats are missed; what was written into it meanwhile arrives nowhere.

use crate::{
    deed::{Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static NETWORK_CUT: Definition = Definition {
    name: "network-cut",
    does: "nothing comes through between {service} and the broker",
    worlds: BOTH,
    deed: |given| Deed::CutOff { service: given.name("service") },
};
