//! Orders of which a process has something to say that the tracing backend has not got yet.

use std::{collections::BTreeMap, sync::Arc};

use opentelemetry::SpanId;

/// Counts the spans that have begun and are not exported, by order.
#[derive(Default)]
pub(super) struct Untold {
    spans: BTreeMap<[u8; 8], Arc<str>>,
    /// With nothing left to say an order stays until the journal is told so.
    orders: BTreeMap<Arc<str>, u32>,
}

impl Untold {
    /// A span of an order has begun, or has ended and names its order only now. Gives the order when the journal has to hear
    /// of it.
    pub(super) fn begin(&mut self, span: SpanId, order: &str) -> Option<String> {
        if self.spans.contains_key(&span.to_bytes()) {
            return None;
        }
        let known = self.orders.get_key_value(order).map(|(order, _)| Arc::clone(order));
        let new = known.is_none();
        let order = known.unwrap_or_else(|| order.into());
        self.spans.insert(span.to_bytes(), Arc::clone(&order));
        *self.orders.entry(Arc::clone(&order)).or_default() += 1;
        new.then(|| order.to_string())
    }

    /// The backend has a span.
    pub(super) fn exported(&mut self, span: SpanId) {
        if let Some(order) = self.spans.remove(&span.to_bytes())
            && let Some(count) = self.orders.get_mut(&order)
        {
            *count -= 1;
        }
    }

    /// The orders of which everything has been said; from now on they are new again.
    pub(super) fn take_told(&mut self) -> Vec<String> {
        let told: Vec<Arc<str>> = self.orders.extract_if(.., |_, count| *count == 0).map(|(order, _)| order).collect();
        told.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(number: u64) -> SpanId {
        SpanId::from(number)
    }

    #[test]
    fn an_order_is_told_when_all_its_spans_are_exported() {
        let mut untold = Untold::default();
        assert_eq!(untold.begin(span(1), "o-1").as_deref(), Some("o-1"));
        assert_eq!(untold.begin(span(2), "o-1"), None);
        untold.exported(span(1));
        assert_eq!(untold.take_told(), [""; 0]);
        untold.exported(span(2));
        assert_eq!(untold.take_told(), ["o-1"]);
        assert_eq!(untold.begin(span(3), "o-1").as_deref(), Some("o-1"));
    }

    #[test]
    fn an_order_that_is_taken_up_again_before_the_journal_was_told_stays_untold() {
        let mut untold = Untold::default();
        untold.begin(span(1), "o-1");
        untold.exported(span(1));
        assert_eq!(untold.begin(span(2), "o-1"), None);
        assert_eq!(untold.take_told(), [""; 0]);
    }

    #[test]
    fn a_span_counts_once_and_one_of_no_order_not_at_all() {
        let mut untold = Untold::default();
        untold.begin(span(1), "o-1");
        assert_eq!(untold.begin(span(1), "o-1"), None);
        untold.exported(span(1));
        untold.exported(span(7));
        assert_eq!(untold.take_told(), ["o-1"]);
    }
}
