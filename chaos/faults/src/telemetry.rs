//! What a telemetry fault does: to spans on their way from a service to whoever reads them, never to an order.
//!
//! Each says how much it may hide. Under a system fault, whatever the telemetry fault, no verdict may be wrong and no bad order may pass
//! for a fine one; of the bad orders a share may then be unknown, but not all of them: a telemetry that says nothing any more has
//! not been blurred but lost.

use std::time::Duration;

use crate::deed::Meddling;

/// What is done, and how much it may hide.
#[derive(Clone, Debug, PartialEq)]
pub struct Blur {
    /// What is done.
    pub how: Telemetry,
    /// The largest share of bad orders, 0 to 1, of which a detector with spans and logs may say that it does not know.
    pub unknown_at_most: f64,
}

/// What is done to spans.
#[derive(Clone, Debug, PartialEq)]
pub enum Telemetry {
    /// Messages arrive without their trace context.
    Context(Meddling),
    /// A share of the traces is recorded, decided where each begins.
    HeadSampled {
        /// Which share, 0 to 1.
        ratio: f64,
    },
    /// A collector decides on a trace so long after its first span; what comes of it later is dropped.
    TailSampled {
        /// How long it waits.
        wait: Duration,
    },
    /// The queue of a service's exporter is full again and again.
    Overflow {
        /// The service.
        service: String,
        /// Which share of its spans finds no room.
        share: f64,
    },
    /// The backend takes nothing in: exports fail, and what was to be exported is gone.
    Outage,
    /// The clock that a service's telemetry is written by is wrong.
    Skewed {
        /// The service.
        service: String,
        /// By how much.
        by: Duration,
        /// It is slow; else it is fast.
        behind: bool,
    },
    /// The backend keeps spans so long; whoever reads comes when the fault ends.
    Expired {
        /// How long.
        after: Duration,
    },
    /// A service's SDK is switched off: neither spans nor counters.
    Silenced {
        /// The service.
        service: String,
    },
    /// A service writes personal data into its spans.
    Leaking {
        /// The service.
        service: String,
        /// Into which share of them.
        share: f64,
    },
}

impl Telemetry {
    /// What becomes of the spans that are hit, as `faults.jsonl` names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Context(_) => "context-stripped",
            Self::HeadSampled { .. } => "not-sampled",
            Self::TailSampled { .. } => "late",
            Self::Overflow { .. } => "queue-full",
            Self::Outage => "export-failed",
            Self::Skewed { .. } => "skewed",
            Self::Expired { .. } => "expired",
            Self::Silenced { .. } => "silenced",
            Self::Leaking { .. } => "personal-data",
        }
    }
}
