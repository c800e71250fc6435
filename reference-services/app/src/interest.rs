//! Which spans are sent at once: those that say where an order is.

use adapters::telemetry::Interest;
use contracts::attributes;
use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;

/// What the exporter needs to know of our spans.
pub(crate) const INTEREST: Interest = Interest { urgent, commits, answered, order: attributes::ORDER_ID };

/// Transitions (they carry an event), markers (they have no length), and what is said to the broker.
fn urgent(span: &SpanData) -> bool {
    !span.events.is_empty()
        || span.start_time == span.end_time
        || ["send", "settle"].into_iter().any(|operation| says(span, attributes::MESSAGING_OPERATION_TYPE, operation))
}

fn commits(span: &SpanData) -> bool {
    says(span, attributes::DB_OPERATION, "commit")
}

/// Where the connection broke (`08006`), nobody knows whether the commit took effect.
fn answered(span: &SpanData) -> bool {
    !says(span, attributes::DB_STATUS, "08006")
}

fn says(span: &SpanData, key: &str, text: &str) -> bool {
    let named = |value: &Value| matches!(value, Value::String(value) if value.as_str() == text);
    span.attributes.iter().any(|attribute| attribute.key.as_str() == key && named(&attribute.value))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use adapters::runtime::{Epoch, TokioEngine};
    use opentelemetry::{
        Context,
        trace::{SpanKind, TracerProvider as _},
    };
    use opentelemetry_sdk::{
        error::OTelSdkResult,
        trace::{SdkTracerProvider, Span, SpanProcessor},
    };
    use world::{Node, Runtime, Telemetry, telemetry::Origin};

    use super::*;

    /// Keeps the names of the spans that are sent at once.
    #[derive(Clone, Debug, Default)]
    struct Urgent(Arc<std::sync::Mutex<Vec<String>>>);

    impl SpanProcessor for Urgent {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, span: SpanData) {
            if urgent(&span) {
                self.0.lock().unwrap().push(span.name.to_string());
            }
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    #[test]
    fn a_mark_is_sent_at_once_by_a_real_clock_too() {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rt = Runtime::new(TokioEngine::new(tokio.handle().clone(), 1, Epoch::at(0)), Node::first("mes-api"));
        let sent = Urgent::default();
        let tracer = SdkTracerProvider::builder().with_span_processor(sent.clone()).build().tracer("test");
        let telemetry = Telemetry::new(rt, Some(tracer), true);
        telemetry.start("work", SpanKind::Internal, Origin::root(), Vec::new()).end();
        telemetry.mark("price_calculation started", Origin::root(), Vec::new());
        assert_eq!(*sent.0.lock().unwrap(), ["price_calculation started"]);
    }
}
