//! A telemetry fault: a service has no traces for a while: its SDK is switched off.
//!
//! Its counters are missing as well, and that is how it shows. Its log goes another way.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static SERVICE_SILENT: Definition = Definition {
    name: "service-silent",
    does: "{service} has no traces",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::Silenced { service: given.name("service") }, unknown_at_most: 0.1 }),
};
