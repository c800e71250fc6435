//! What a telemetry fault does: to spans on their way from a service to whoever reads them, never to an order.
//!
//! Each says how much it may hide. Under a system fault, whatever the telemetry fault, no verdict may be wrong and no bad order may pass
//! for a fine one; of the bad orders a share may then be unknown, but not all of them: a telemetry that says nothing any more has
//! not been blurred but lost.

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
    /// The backend takes nothing in: exports fail, and what was to be exported is gone.
    Outage,
}

impl Telemetry {
    /// What becomes of the spans that are hit, as `faults.jsonl` names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Outage => "export-failed",
        }
    }
}
