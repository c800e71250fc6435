//! Telemetry as plain records: what the detector is allowed to know.
//!
//! The types of ids, kinds and attributes are OpenTelemetry's own, so a record is moved out of the SDK, not copied.

pub mod counters;
pub mod firehose;
pub mod jaeger;
pub mod lines;
pub mod otlp;
pub mod packed;
pub mod span;
pub mod words;

pub use counters::{Counters, QueueCounters, Scrape};
pub use firehose::{Passage, Silence};
pub use packed::{Packed, Packer};
pub use span::{Event, Link, Resource, Span};
