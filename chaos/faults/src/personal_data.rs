//! A telemetry fault: a service writes personal data into its spans: an e-mail address and a telephone number.
//!
//! They are canaries: they belong to nobody. Nothing happens to the orders, and nothing is hidden.

use crate::{
    deed::Deed,
    definition::{Definition, SIMULATED},
    telemetry::{Blur, Telemetry},
};

/// The fault.
pub static PERSONAL_DATA: Definition = Definition {
    name: "personal-data",
    does: "{service} writes an e-mail address and a telephone number into {share} of its spans",
    worlds: SIMULATED,
    deed: |given| Deed::Telemetry(Blur { how: Telemetry::Leaking { service: given.name("service"), share: given.share() }, unknown_at_most: 0.0 }),
};
