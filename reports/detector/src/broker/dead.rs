//! What queues have given up: dead letters that the broker counts, and those that spans speak of.

use std::collections::BTreeMap;

use signals::{QueueCounters, counters::STALE_NS};

use super::{Look, Looks};
use crate::{
    finding::Said,
    order::Order,
    record::{What, flag},
    way::Way,
};

/// Messages that may have become dead letters, by the queue that would keep them.
#[derive(Default)]
pub(crate) struct Dead(BTreeMap<String, Given>);

#[derive(Default)]
struct Given {
    /// When consumers refused one for good, nanoseconds since the Unix epoch.
    refused: Vec<u64>,
    /// Messages that were sent and that nobody received.
    vanished: u64,
}

/// Whether a message is among the dead letters, and the looks that say so.
pub(crate) struct Kept {
    pub(crate) there: bool,
    pub(crate) records: Vec<Said>,
}

impl Given {
    /// How many were refused from a time on, and before another.
    fn refused_between(&self, from_ns: u64, until_ns: u64) -> u64 {
        let before = |at_ns: u64| self.refused.partition_point(|refused| *refused < at_ns);
        before(until_ns).saturating_sub(before(from_ns)) as u64
    }
}

impl Dead {
    /// Takes an order's refused and vanished messages in.
    pub(crate) fn note(&mut self, order: &Order, way: &Way) {
        for (message, queue) in way.parked.iter().enumerate() {
            let Some(queue) = queue else { continue };
            let settled = order.of(What::Settle(message).number(way));
            let refused: Vec<u64> = settled.filter(|settle| settle.is(flag::REJECT)).map(|settle| settle.at_ns).collect();
            let vanished = order.vanished_of(way, message).len() as u64;
            if !refused.is_empty() || vanished > 0 {
                let given = self.0.entry(queue.clone()).or_default();
                given.refused.extend(refused);
                given.vanished += vanished;
            }
        }
    }

    pub(crate) fn close(&mut self) {
        self.0.values_mut().for_each(|given| given.refused.sort_unstable());
    }

    /// Whether a message that was refused at a time waits among the dead letters; `None` where the broker's counts leave it open.
    ///
    /// Nobody takes dead letters away, so their number only grows: between two looks by as many as were refused meanwhile, or not at
    /// all. No counter of published messages says it, because no channel publishes them. A look before which nothing was refused for
    /// a while is as good as one that is not stale.
    pub(crate) fn keeps_refused(&self, looks: &Looks, queue: &str, at_ns: u64) -> Option<Kept> {
        let given = self.0.get(queue)?;
        let settled = |(_, seen_ns): &(Look<'_>, u64)| given.refused_between(seen_ns.saturating_sub(STALE_NS), *seen_ns) == 0;
        let (before, from_ns) = looks.before(at_ns).map(|look| (look, look.until_ns().min(at_ns))).find(settled)?;
        let shown_ns = at_ns + STALE_NS + 1;
        let (after, until_ns) = looks.in_life(at_ns, at_ns).map(|look| (look, look.at_ns().max(shown_ns))).find(settled)?;
        let depth = |look: Look<'_>| look.queue(queue).map_or(0, QueueCounters::depth);
        let refused = given.refused_between(from_ns, until_ns);
        let records = vec![before.says_queue(queue), after.says_queue(queue)];
        match depth(after).checked_sub(depth(before)) {
            Some(0) => Some(Kept { there: false, records }),
            Some(came) if came == refused => Some(Kept { there: true, records }),
            _ => None,
        }
    }

    /// Whether a message that vanished waits among the dead letters; `None` where the broker's counts leave it open.
    ///
    /// At the end as many are there as were refused and as vanished, or none is.
    pub(crate) fn keeps_vanished(&self, looks: &Looks, queue: &str) -> Option<Kept> {
        let last = looks.last()?;
        let kept = last.queue(queue).map_or(0, QueueCounters::depth);
        let given = self.0.get(queue)?;
        let all = given.refused.len() as u64 + given.vanished;
        match kept {
            0 => Some(Kept { there: false, records: vec![last.says_queue(queue)] }),
            kept if kept == all => Some(Kept { there: true, records: vec![last.says_queue(queue)] }),
            _ => None,
        }
    }
}
