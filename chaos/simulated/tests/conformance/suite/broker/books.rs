//! The books of a sequence: what the broker's counters and its firehose show adds up with the account of the messages, under
//! every rule.

use faults::{End, MessageFate};
use signals::{Passage, QueueCounters, Scrape, firehose::At};

/// What the model let see of itself, and its account.
pub(crate) struct Books {
    pub(crate) fates: Vec<MessageFate>,
    pub(crate) scrapes: Vec<Scrape>,
    pub(crate) passages: Vec<Passage>,
}

impl Books {
    /// Balances them. Each queue that dead letters go to is the only one there, so each dead letter is one more message.
    pub(crate) fn check(&self) {
        let shown = self.scrapes.last().and_then(|scrape| scrape.broker.as_ref()).expect("it was looked at");
        let ended = |wanted: fn(&End) -> bool| self.fates.iter().filter(|fate| wanted(&fate.end)).count() as u64;
        let total = |count: fn(&QueueCounters) -> u64| shown.queues.iter().map(count).sum::<u64>();
        // What is there, and what was acknowledged.
        assert_eq!(total(|queue| queue.ready), ended(|end| *end == End::Ready));
        assert_eq!(total(|queue| queue.unacked), ended(|end| *end == End::Unacked));
        assert_eq!(total(|queue| queue.acked), ended(|end| *end == End::Acked));
        // What came to a queue is there or has ended in one of all ways; a dead letter came to one without being published.
        let dead_letters = ended(|end| *end == End::DeadLettered);
        let here = ended(|end| !matches!(end, End::NotSent | End::Unroutable));
        assert_eq!(total(|queue| queue.published) + dead_letters, here, "{shown:?}");
        assert_eq!(shown.unroutable_dropped + shown.unroutable_returned, ended(|end| *end == End::Unroutable));
        for queue in &shown.queues {
            self.check_queue(queue);
        }
    }

    /// The firehose shows of a queue what its counters count.
    fn check_queue(&self, shown: &QueueCounters) {
        let passed = |here: &dyn Fn(&At) -> bool| self.passages.iter().filter(|passage| here(&passage.at)).count() as u64;
        let published = passed(&|at| matches!(at, At::Publish { queues, .. } if queues.contains(&shown.queue)));
        let delivered = passed(&|at| matches!(at, At::Deliver { queue, .. } if *queue == shown.queue));
        let again = passed(&|at| matches!(at, At::Deliver { queue, redelivered: true } if *queue == shown.queue));
        assert_eq!((shown.published, shown.delivered, shown.redelivered), (published, delivered, again), "queue {}", shown.queue);
    }
}
