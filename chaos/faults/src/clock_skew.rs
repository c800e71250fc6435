//! A telemetry fault: the clock that a service's spans and log records are written by is wrong.
//!
//! What it writes into databases and messages keeps the right time, so that nothing happens to the orders.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static CLOCK_SKEW: Definition = Definition {
    name: "clock-skew",
    does: "the clock of {service}'s telemetry is {by} {direction}",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::Skewed { service: given.name("service"), by: given.span("by"), behind: given.text("direction") == Some("behind") }, unknown_at_most: 0.6 }),
};
