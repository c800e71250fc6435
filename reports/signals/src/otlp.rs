//! Spans as OTLP JSON lines, the form of the Collector's file exporter: one `TracesData` object on each line.
//!
//! Ids are hex, 64-bit integers decimal strings, enums numbers, keys lowerCamelCase. Jaeger loads such a file, and gives
//! its answers in the same form.

mod read;
mod value;
mod write;

pub use read::{ReadError, SpanError, read, read_each};
pub use write::Writer;

pub(crate) use read::{Resources, TracesData};

#[cfg(test)]
mod tests;
