//! A telemetry fault: the queue of a service's exporter is full again and again, and spans find no room in it.
//!
//! The SDK counts what it dropped, and does not know what it was.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static EXPORTER_OVERFLOW: Definition = Definition {
    name: "exporter-overflow",
    does: "the queue of {service}'s exporter is full, and drops {share} of its spans",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::Overflow { service: given.name("service"), share: given.share() }, unknown_at_most: 0.1 }),
};
