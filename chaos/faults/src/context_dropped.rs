//! A telemetry fault: messages arrive without their trace context.
//!
//! Each of them begins a trace of its own at its consumer. Nothing happens to the orders.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static CONTEXT_DROPPED: Definition = Definition {
    name: "context-dropped",
    does: "{share} of the messages arrive without `traceparent`, those with the key {key}, at most {count}",
    worlds: BOTH,
    deed: |given| {
        let how = Telemetry::Context(Meddling::of(given, Interference::StripContext));
        Deed::Telemetry(Blur { how, unknown_at_most: 0.0 })
    },
};
