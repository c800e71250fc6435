//! One order: the evidence about it.

use std::sync::Arc;

use opentelemetry::TraceId;

use crate::{
    record::{Record, What, flag},
    way::{StepId, Steps, Way, bit, members},
};

/// Records are allocated so many at a time, traces half as many: doubling would waste half of a long list.
const CHUNK: usize = 8;

/// What is known of one order.
pub(crate) struct Order {
    pub(crate) id: Arc<str>,
    /// `client.type`, by its place among those seen.
    pub(crate) client: u8,
    /// Its alarm was told already.
    pub(crate) alarmed: bool,
    /// It waits to be closed.
    pub(crate) closing: bool,
    /// Steps that were seen.
    pub(crate) seen: Steps,
    /// Steps that somebody says have happened before.
    pub(crate) hinted: Steps,
    /// Steps of silent services that the broker's firehose shows instead of them.
    pub(crate) relayed: Steps,
    /// The earliest evidence about it.
    pub(crate) first_ns: u64,
    /// The latest end of a span about it, or the latest log record.
    pub(crate) latest_ns: u64,
    /// Once it is closed: how much of its tightest deadline was left.
    pub(crate) spare_ns: u64,
    /// Once it is closed: when it came to its end.
    pub(crate) ended_ns: u64,
    /// Evidence, as it came. Once it is closed: only what came after.
    pub(crate) records: Vec<Record>,
    pub(crate) traces: Vec<TraceId>,
    /// Once it came to its end in time: one mark for each record of a state, by [`Way::recorded`]. The rest is forgotten.
    pub(crate) closed: Option<Box<[u64]>>,
}

impl Order {
    pub(crate) fn new(id: Arc<str>) -> Self {
        Self {
            id,
            client: 0,
            alarmed: false,
            closing: false,
            seen: 0,
            hinted: 0,
            relayed: 0,
            first_ns: u64::MAX,
            latest_ns: 0,
            spare_ns: 0,
            ended_ns: 0,
            records: Vec::new(),
            traces: Vec::new(),
            closed: None,
        }
    }

    /// The steps of which something is known.
    pub(crate) fn known(&self) -> Steps {
        self.seen | self.hinted | self.relayed
    }

    /// Takes evidence in; false when it says nothing new.
    pub(crate) fn take(&mut self, mut record: Record, trace: Option<TraceId>, way: &Way) -> bool {
        self.first_ns = self.first_ns.min(record.at_ns);
        if let Some(known) = self.records.iter().position(|known| known.same(&record)) {
            // A span says more of the same than a log record.
            if self.records[known].is(flag::LOGGED) && !record.is(flag::LOGGED) {
                record.trace = trace.map_or(u16::MAX, |trace| self.trace(trace));
                self.records[known] = record;
            }
            return false;
        }
        if !self.is_new(&record, way) {
            return false;
        }
        record.trace = trace.map_or(u16::MAX, |trace| self.trace(trace));
        if self.records.len() == self.records.capacity() {
            self.records.reserve_exact(CHUNK);
        }
        self.records.push(record);
        true
    }

    fn is_new(&mut self, record: &Record, way: &Way) -> bool {
        if let Some(marks) = &mut self.closed {
            let step = StepId::from(record.what);
            if step >= way.steps.len() || way.recorded & bit(step) == 0 {
                return false;
            }
            let mark = &mut marks[place(way, step)];
            if *mark == 0 {
                // It was not seen when the order was closed, and says now that all was as it should be.
                *mark = record.mark();
                self.seen |= bit(step);
            }
            if *mark == record.mark() {
                return false;
            }
        }
        true
    }

    fn trace(&mut self, trace: TraceId) -> u16 {
        if trace == TraceId::INVALID {
            return u16::MAX;
        }
        let at = self.traces.iter().position(|known| *known == trace).unwrap_or_else(|| {
            if self.traces.len() == self.traces.capacity() {
                self.traces.reserve_exact(CHUNK / 2);
            }
            self.traces.push(trace);
            self.traces.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// The trace of a record; an invalid one where it names none, or the order has had more traces than can be told apart.
    pub(crate) fn trace_of(&self, record: &Record) -> TraceId {
        self.traces.get(usize::from(record.trace)).copied().unwrap_or(TraceId::INVALID)
    }

    /// Forgets everything but the marks by which a second record of a state is known.
    pub(crate) fn close(&mut self, way: &Way) {
        let mut marks = vec![0; way.recorded.count_ones() as usize].into_boxed_slice();
        for record in &self.records {
            let step = StepId::from(record.what);
            if step < way.steps.len() && way.recorded & bit(step) != 0 {
                marks[place(way, step)] = record.mark();
            }
        }
        self.closed = Some(marks);
        self.records = Vec::new();
        self.traces = Vec::new();
    }

    /// Steps that were recorded more than once.
    pub(crate) fn repeated(&self, way: &Way) -> Steps {
        let (mut once, mut twice) = (0, 0);
        for record in &self.records {
            let step = StepId::from(record.what);
            if step < way.steps.len() {
                twice |= once & bit(step);
                once |= bit(step);
            }
        }
        (if self.closed.is_some() { once } else { twice }) & way.recorded
    }

    /// When its messages were sent that nobody received.
    pub(crate) fn vanished(&self, way: &Way) -> Vec<u64> {
        (0..way.message.len()).flat_map(|message| self.vanished_of(way, message)).collect()
    }

    /// The same, of one kind of message.
    pub(crate) fn vanished_of(&self, way: &Way, message: usize) -> Vec<u64> {
        let [sent, received, _] = way.message[message];
        let process = What::Process(message).number(way);
        let came = |label: u32| {
            let of_it = |record: &&Record| record.label == label && [received as u8, process].contains(&record.what);
            self.records.iter().any(|record| of_it(&record))
        };
        self.of(sent as u8).filter(|sent| !sent.is(flag::ERROR) && !came(sent.label)).map(|sent| sent.at_ns).collect()
    }

    /// Records of a step, as they came.
    pub(crate) fn of(&self, what: u8) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.what == what)
    }
}

/// The place of a step among those that are records of a state.
fn place(way: &Way, step: StepId) -> usize {
    members(way.recorded & (bit(step) - 1)).count()
}
