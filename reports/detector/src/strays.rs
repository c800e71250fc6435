//! Evidence that names no order. Its trace may be about one all the same.

use opentelemetry::TraceId;

use crate::{order::Order, record::Record, way::Steps};

/// What is kept until the end, when all traces are known.
#[derive(Default)]
pub(crate) struct Strays(Vec<Stray>);

struct Stray {
    record: Record,
    trace: TraceId,
    /// The trace that it follows from.
    link: Option<TraceId>,
    hinted: Steps,
}

impl Strays {
    /// Keeps evidence of a trace; `link` is the trace that it follows from.
    pub(crate) fn keep(&mut self, (trace, link): (TraceId, Option<TraceId>), records: &[Record], hinted: Steps) {
        self.0.extend(records.iter().map(|record| Stray { record: *record, trace, link, hinted }));
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Each with the number of its order: the only one that its trace is about, or else the trace that it follows from.
    pub(crate) fn place(self, orders: &[Order]) -> Vec<(usize, Record, TraceId, Steps)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let traces_of = |(number, order): (usize, &Order)| {
            let traces = order.traces.clone();
            traces.into_iter().map(move |trace| (trace.to_bytes(), number)).collect::<Vec<_>>()
        };
        let mut traces: Vec<([u8; 16], usize)> = orders.iter().enumerate().flat_map(traces_of).collect();
        traces.sort_unstable();
        let only = |trace: TraceId| {
            let from = traces.partition_point(|(known, _)| *known < trace.to_bytes());
            let mut about = traces[from..].iter().take_while(|(known, _)| *known == trace.to_bytes());
            match (about.next(), about.next()) {
                (Some((_, number)), None) => Some(*number),
                _ => None,
            }
        };
        let placed = |stray: Stray| {
            let number = only(stray.trace).or_else(|| only(stray.link?))?;
            Some((number, stray.record, stray.trace, stray.hinted))
        };
        self.0.into_iter().filter_map(placed).collect()
    }
}
