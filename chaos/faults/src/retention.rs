//! A telemetry fault: the tracing backend keeps spans for less time than orders take, and is read late.
//!
//! Whoever reads knows how long it keeps them: everything before that is gone.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static RETENTION: Definition = Definition {
    name: "retention",
    does: "the backend keeps spans for {keep}, and is read when that is over",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::Expired { after: given.span("keep") }, unknown_at_most: 0.1 }),
};
