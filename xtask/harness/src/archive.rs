//! Keeps the spans that a report needs: all of a small run, else those of bad orders and a sample.

use signals::{Packed, Packer, Span, words::Words};

/// Up to this many orders a run's spans are kept whole.
pub const WHOLE_ORDERS: usize = 500;

/// Of a larger run, one fine order in this many keeps its spans.
const SAMPLE: u64 = 100;

/// Spans by order, packed: thousands of orders are under way at a time.
pub struct Archive {
    whole: bool,
    order_attribute: &'static str,
    packer: Packer,
    orders: Words,
    /// The order of the last span: the next one is often of the same.
    last: u32,
    /// By the number of the order.
    by_order: Vec<Packed>,
    /// Spans that name no order.
    nameless: Packed,
    dropped: u64,
}

impl Archive {
    /// An archive of a run of about `orders` orders; `whole` keeps everything whatever the size.
    #[must_use]
    pub fn new(order_attribute: &'static str, orders: usize, whole: bool) -> Self {
        Self {
            whole: whole || orders <= WHOLE_ORDERS,
            order_attribute,
            packer: Packer::default(),
            orders: Words::default(),
            last: 0,
            by_order: Vec::new(),
            nameless: Packed::default(),
            dropped: 0,
        }
    }

    /// Takes a span in.
    pub fn keep(&mut self, span: &Span) {
        let packed = match signals::span::text(&span.attributes, self.order_attribute) {
            Some(order) => {
                if !self.orders.is(self.last, order) {
                    self.last = self.orders.number(order);
                }
                let number = self.last as usize;
                if number == self.by_order.len() {
                    self.by_order.push(Packed::default());
                }
                &mut self.by_order[number]
            }
            None if self.whole => &mut self.nameless,
            None => {
                self.dropped += 1;
                return;
            }
        };
        self.packer.pack(span, packed);
    }

    /// Forgets a fine order's spans, unless it is in the sample or everything is kept.
    pub fn release(&mut self, order: &str) {
        if !self.whole
            && !world::random::mix(world::random::name(order)).is_multiple_of(SAMPLE)
            && let Some(number) = self.orders.known(order)
        {
            self.dropped += std::mem::take(&mut self.by_order[number as usize]).spans();
        }
    }

    /// Whether everything is kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many spans were forgotten.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// All kept spans: order by order, then those that name none; by start time within each.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        let mut orders: Vec<_> = self.orders.texts().iter().zip(&self.by_order).collect();
        orders.sort_by_key(|(order, _)| *order);
        orders.into_iter().map(|(_, packed)| packed).chain([&self.nameless]).flat_map(|packed| {
            let mut spans = self.packer.unpack(packed);
            spans.sort_by_key(|span| (span.start_ns, span.trace_id.to_bytes(), span.span_id.to_bytes()));
            spans
        })
    }
}
