//! What the broker let see of itself: looks at its counters, and its firehose.
//!
//! Counters speak of queues, so they say nothing of an order by themselves. A message that passed the firehose is a record of
//! its order, as a span would be; here is kept what such a record has no room for, and when nobody listened.

mod dead;
mod firehose;
mod looks;

pub(crate) use dead::{Dead, Kept};
pub(crate) use firehose::Firehose;
pub(crate) use looks::{Look, Looks};

/// All of it.
#[derive(Default)]
pub(crate) struct Broker {
    pub(crate) looks: Looks,
    pub(crate) firehose: Firehose,
    /// When messages were sent that nobody received, by time.
    vanished: Vec<u64>,
    /// What queues may have given up.
    pub(crate) dead: Dead,
}

impl Broker {
    /// Nobody looked and nobody listened.
    pub(crate) fn says_nothing(&self) -> bool {
        self.looks.is_empty() && !self.firehose.listened()
    }

    /// All is in: looks may have come in any order. `vanished` are the times at which messages were sent that nobody received.
    pub(crate) fn close(&mut self, mut vanished: Vec<u64>) {
        self.looks.sort();
        vanished.sort_unstable();
        self.vanished = vanished;
        self.dead.close();
    }

    /// How many messages vanished that were sent between two times.
    pub(crate) fn vanished_between(&self, from_ns: u64, until_ns: u64) -> u64 {
        let before = |at_ns: u64| self.vanished.partition_point(|vanished| *vanished < at_ns);
        (before(until_ns) - before(from_ns).min(before(until_ns))) as u64
    }
}
