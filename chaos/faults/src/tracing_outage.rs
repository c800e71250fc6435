//! A telemetry fault: the tracing backend is away, and whatever is exported meanwhile is gone.
//!
//! The exporters count the exports that failed. Nothing happens to the orders.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static TRACING_OUTAGE: Definition = Definition {
    name: "tracing-outage",
    does: "the tracing backend is away, and spans exported meanwhile are gone",
    worlds: SIMULATED,
    deed: |_| Deed::Telemetry(Blur { how: Telemetry::Outage, unknown_at_most: 0.1 }),
};
