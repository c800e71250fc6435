//! Keeps the spans that a report needs: all of a small run, else those of bad orders and a sample.

use std::{collections::BTreeMap, sync::Arc};

use signals::Span;

/// Up to this many orders a run's spans are kept whole.
pub const WHOLE_ORDERS: usize = 500;

/// Of a larger run, one fine order in this many keeps its spans.
const SAMPLE: u64 = 100;

/// Spans by order.
pub struct Archive {
    whole: bool,
    order_attribute: &'static str,
    by_order: BTreeMap<Arc<str>, Vec<Span>>,
    /// Spans that name no order.
    nameless: Vec<Span>,
    dropped: u64,
}

impl Archive {
    /// An archive of a run of about `orders` orders; `whole` keeps everything whatever the size.
    #[must_use]
    pub fn new(order_attribute: &'static str, orders: usize, whole: bool) -> Self {
        let whole = whole || orders <= WHOLE_ORDERS;
        Self { whole, order_attribute, by_order: BTreeMap::new(), nameless: Vec::new(), dropped: 0 }
    }

    /// Takes a span in.
    pub fn keep(&mut self, span: Span) {
        match signals::span::text(&span.attributes, self.order_attribute) {
            Some(order) => match self.by_order.get_mut(order) {
                Some(spans) => spans.push(span),
                None => {
                    let order: Arc<str> = order.into();
                    self.by_order.insert(order, vec![span]);
                }
            },
            None if self.whole => self.nameless.push(span),
            None => self.dropped += 1,
        }
    }

    /// Forgets a fine order's spans, unless it is in the sample or everything is kept.
    pub fn release(&mut self, order: &str) {
        if !self.whole
            && !world::random::mix(world::random::name(order)).is_multiple_of(SAMPLE)
            && let Some(spans) = self.by_order.remove(order)
        {
            self.dropped += spans.len() as u64;
        }
    }

    /// The spans of an order.
    #[must_use]
    pub fn of(&self, order: &str) -> &[Span] {
        self.by_order.get(order).map_or(&[], Vec::as_slice)
    }

    /// How many spans were forgotten.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// All kept spans: order by order, then those that name none; by start time within each.
    #[must_use]
    pub fn spans(&self) -> Vec<&Span> {
        let by_start = |spans: &mut Vec<&Span>| spans.sort_by_key(|span| (span.start_ns, span.trace_id.to_bytes(), span.span_id.to_bytes()));
        let mut all = Vec::new();
        for spans in self.by_order.values().chain([&self.nameless]) {
            let mut spans = spans.iter().collect();
            by_start(&mut spans);
            all.append(&mut spans);
        }
        all
    }
}
