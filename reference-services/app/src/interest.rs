//! Which spans are sent at once: those that say where an order is.

use adapters::telemetry::Interest;
use contracts::attributes;
use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;

/// What the exporter needs to know of our spans.
pub(crate) const INTEREST: Interest = Interest { urgent, order: attributes::ORDER_ID };

/// Transitions (they carry an event), markers (they have no length), and what is said to the broker.
fn urgent(span: &SpanData) -> bool {
    let says = |key: &str, text: &str| {
        let mut all = span.attributes.iter();
        all.any(|attribute| {
            attribute.key.as_str() == key && matches!(&attribute.value, Value::String(value) if value.as_str() == text)
        })
    };
    !span.events.is_empty()
        || span.start_time == span.end_time
        || ["send", "settle"].into_iter().any(|operation| says(attributes::MESSAGING_OPERATION_TYPE, operation))
}
