//! The broker's counters, as a monitoring system reads them: look after look.
//!
//! They speak of queues, never of a message. Which state of affairs they show is a little older than the moment at which they
//! were read: see [`STALE_NS`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::lines;

/// How old what a look shows may be, nanoseconds. RabbitMQ's processes tell their counts at intervals (5 s unless
/// `collect_statistics_interval` says less), and a message is on its way for a while.
pub const STALE_NS: u64 = 3_000_000_000;

/// What one look at the counters showed, or several in a row that showed the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrape {
    /// The first look, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The last look that showed the same.
    pub until_ns: u64,
    /// What it showed; `None` when the broker did not answer.
    pub broker: Option<Counters>,
}

/// The counters of a broker that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Since when it runs, nanoseconds since the Unix epoch: its uptime tells. All counters count from there.
    pub since_ns: u64,
    /// Messages that no queue was bound for: dropped.
    pub unroutable_dropped: u64,
    /// Messages that no queue was bound for: given back to publishers that asked for it.
    pub unroutable_returned: u64,
    /// The queues, by name.
    pub queues: Vec<QueueCounters>,
}

/// The counters of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueCounters {
    /// Its name.
    pub queue: Arc<str>,
    /// Messages that wait for a consumer.
    pub ready: u64,
    /// Messages that are out and not answered.
    pub unacked: u64,
    /// Messages that were routed to it.
    pub published: u64,
    /// Deliveries, repeated ones included.
    pub delivered: u64,
    /// Deliveries of a message that had been delivered before.
    pub redelivered: u64,
    /// Deliveries that were acknowledged.
    pub acked: u64,
}

impl Scrape {
    /// The counters of a queue, where the broker answered and has it.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<&QueueCounters> {
        self.broker.as_ref()?.queues.iter().find(|queue| &*queue.queue == name)
    }
}

impl QueueCounters {
    /// Messages in it, waiting or out.
    #[must_use]
    pub const fn depth(&self) -> u64 {
        self.ready + self.unacked
    }
}

/// Adds a look; one that shows what the last one showed prolongs that.
pub fn add(scrapes: &mut Vec<Scrape>, at_ns: u64, broker: Option<Counters>) {
    match scrapes.last_mut() {
        Some(last) if last.broker == broker => last.until_ns = at_ns,
        _ => scrapes.push(Scrape { at_ns, until_ns: at_ns, broker }),
    }
}

/// Writes scrapes as JSON, one on a line.
///
/// # Errors
/// When the output takes no more.
pub fn write(scrapes: &[Scrape], out: &mut dyn std::io::Write) -> std::io::Result<()> {
    lines::write(scrapes, out)
}

/// Reads what [`write`] has written.
///
/// # Errors
/// The first line that is no scrape, by its number.
pub fn read(input: impl std::io::BufRead) -> Result<Vec<Scrape>, lines::LineError> {
    lines::read(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(ready: u64) -> Option<Counters> {
        let queue = QueueCounters { queue: "mes.orders".into(), ready, ..QueueCounters::default() };
        Some(Counters { since_ns: 1, unroutable_dropped: 0, unroutable_returned: 2, queues: vec![queue] })
    }

    #[test]
    fn looks_that_show_the_same_are_one() {
        let mut scrapes = Vec::new();
        for (at_ns, broker) in [(10, up(0)), (20, up(0)), (30, up(4)), (40, None), (50, None), (60, up(4))] {
            add(&mut scrapes, at_ns, broker);
        }
        let shown: Vec<_> = scrapes.iter().map(|scrape| (scrape.at_ns, scrape.until_ns)).collect();
        assert_eq!(shown, [(10, 20), (30, 30), (40, 50), (60, 60)]);
        assert_eq!(scrapes[1].queue("mes.orders").map(QueueCounters::depth), Some(4));
        assert_eq!((scrapes[1].queue("crm.orders"), scrapes[2].queue("mes.orders")), (None, None));
    }

    #[test]
    fn scrapes_come_back_from_their_file() {
        let mut scrapes = Vec::new();
        [(10, up(3)), (20, None)].into_iter().for_each(|(at_ns, broker)| add(&mut scrapes, at_ns, broker));
        let mut file = Vec::new();
        write(&scrapes, &mut file).unwrap();
        assert_eq!(read(&*file).unwrap(), scrapes);
        let error = read(&b"{\"at_ns\":1,\"until_ns\":1,\"broker\":null}\n\n{\"at_ns\":1}\n"[..]).unwrap_err().to_string();
        assert!(error.starts_with("line 3: missing field `until_ns`"), "{error}");
    }
}
