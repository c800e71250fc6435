//! A telemetry fault: a share of the traces is recorded, decided where each begins (`ParentBased(TraceIdRatioBased)`).
//!
//! The decision travels with the context, so a trace is whole or not there. Each SDK counts the spans that it did not record.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static HEAD_SAMPLING: Definition = Definition {
    name: "head-sampling",
    does: "{ratio} of the traces are recorded, decided where each begins",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::HeadSampled { ratio: given.number("ratio").unwrap_or(1.0) }, unknown_at_most: 0.1 }),
};
