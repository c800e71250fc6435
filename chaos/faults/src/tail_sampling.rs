//! A telemetry fault: a collector decides on a trace some time after its first span, and drops what comes of it later.
//!
//! Long traces are split: their beginning is there, and their end is not. The collector counts the late spans, not whose they were.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static TAIL_SAMPLING: Definition = Definition {
    name: "tail-sampling",
    does: "spans that come {wait} after the first of their trace are dropped",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::TailSampled { wait: given.span("wait") }, unknown_at_most: 0.1 }),
};
