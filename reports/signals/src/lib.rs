//! Telemetry as plain records: what the detector is allowed to know.
//!
//! The types of ids, kinds and attributes are OpenTelemetry's own, so a record is moved out of the SDK, not copied.

pub mod counters;
pub mod ecs;
pub mod firehose;
pub mod jaeger;
mod json;
pub mod lines;
pub mod log;
pub mod loss;
pub mod otlp;
pub mod packed;
pub mod personal;
pub mod span;
pub mod usage;
pub mod words;

pub use counters::{Counters, QueueCounters, Scrape};
pub use firehose::{Passage, Silence};
pub use log::Log;
pub use loss::{Loss, Losses};
pub use packed::{Packed, PackedLogs, Packer};
pub use personal::Personal;
pub use span::{Event, Link, Resource, Span};
