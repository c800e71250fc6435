//! Keeps the spans and log records that a report needs: all of a small run, else those of bad orders and a sample.

use signals::{Log, Packed, PackedLogs, Packer, Span, words::Words};

/// Up to this many orders a run's spans and log records are kept whole.
pub const WHOLE_ORDERS: usize = 500;

/// Of a larger run, one fine order in this many keeps them.
const SAMPLE: u64 = 100;

/// Spans and log records by order, packed: thousands of orders are under way at a time.
pub struct Archive {
    whole: bool,
    order_attribute: &'static str,
    packer: Packer,
    orders: Words,
    /// The order of the last span: the next one is often of the same.
    last: u32,
    /// By the number of the order.
    by_order: Vec<Kept>,
    /// What names no order.
    nameless: Kept,
    dropped: u64,
}

/// What is kept of one order.
#[derive(Default)]
struct Kept {
    spans: Packed,
    logs: PackedLogs,
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
            nameless: Kept::default(),
            dropped: 0,
        }
    }

    /// Takes a span in.
    pub fn keep(&mut self, span: &Span) {
        match self.place(signals::span::text(&span.attributes, self.order_attribute)) {
            Some((packer, kept)) => packer.pack(span, &mut kept.spans),
            None => self.dropped += 1,
        }
    }

    /// Takes a log record in.
    pub fn keep_log(&mut self, log: &Log) {
        if let Some((packer, kept)) = self.place(signals::span::text(&log.fields, self.order_attribute)) {
            packer.pack_log(log, &mut kept.logs);
        }
    }

    /// Where to put what is about an order; `None` for what is not kept.
    fn place(&mut self, order: Option<&str>) -> Option<(&mut Packer, &mut Kept)> {
        let Some(order) = order else { return self.whole.then_some((&mut self.packer, &mut self.nameless)) };
        if !self.orders.is(self.last, order) {
            self.last = self.orders.number(order);
        }
        let number = self.last as usize;
        if number == self.by_order.len() {
            self.by_order.push(Kept::default());
        }
        Some((&mut self.packer, &mut self.by_order[number]))
    }

    /// Forgets a fine order's spans and log records, unless it is in the sample or everything is kept.
    pub fn release(&mut self, order: &str) {
        if !self.whole
            && !world::random::mix(world::random::name(order)).is_multiple_of(SAMPLE)
            && let Some(number) = self.orders.known(order)
        {
            self.dropped += std::mem::take(&mut self.by_order[number as usize]).spans.spans();
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
        self.in_order().flat_map(|kept| {
            let mut spans = self.packer.unpack(&kept.spans);
            spans.sort_by_key(|span| (span.start_ns, span.trace_id.to_bytes(), span.span_id.to_bytes()));
            spans
        })
    }

    /// All kept log records: order by order, then those that name none; by time within each.
    pub fn logs(&self) -> impl Iterator<Item = Log> {
        self.in_order().flat_map(|kept| {
            let mut logs = self.packer.unpack_logs(&kept.logs);
            logs.sort_by(|a, b| (a.time_ns, &a.resource.instance, a.number).cmp(&(b.time_ns, &b.resource.instance, b.number)));
            logs
        })
    }

    fn in_order(&self) -> impl Iterator<Item = &Kept> {
        let mut orders: Vec<_> = self.orders.texts().iter().zip(&self.by_order).collect();
        orders.sort_by_key(|(order, _)| *order);
        orders.into_iter().map(|(_, kept)| kept).chain([&self.nameless])
    }
}
