//! Compares what happened (the truth, from the ledger) with what the telemetry shows (the findings), and says whether a run
//! passes.
//!
//! [`judge`] takes a [`Case`] and gives back a [`Judged`]: the report as other tools read it, every bad order, and the
//! journeys of those orders. Nothing else in the project computes a number that people see.

pub mod answer;
pub mod calls;
pub mod case;
mod causes;
pub mod clients;
mod doubt;
pub mod evaluate;
pub mod exposure;
pub mod flow;
mod from_ledger;
pub mod journey;
pub mod matching;
pub mod metrics;
pub mod order_row;
pub mod ordered;
pub mod outcome;
pub mod parts;
pub mod report;
pub mod requests;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
mod scenario_time;
mod settings;
pub mod states;
pub mod tally;
pub mod thresholds;
pub mod timeline;
pub mod unseen;
pub mod words;

pub use case::Case;
pub use evaluate::{Judged, judge};
pub use report::{Outcome, Report};
pub use settings::again;
