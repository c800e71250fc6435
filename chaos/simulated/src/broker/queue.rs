//! A durable classic queue: what is in it, who takes from it, and what of it is on disk.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use signals::QueueCounters;
use world::broker::Message;

use super::{account::Entry, flush::Flush};

/// A message in a queue. Its sequence number is its place: a message that comes back goes to the same one.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) seq: u64,
    pub(super) entry: Entry,
    pub(super) message: Arc<Message>,
    pub(super) redelivered: bool,
}

/// A subscription: channel and the number of the consumer on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) channel: u64,
    pub(super) consumer: usize,
}

/// A queue.
pub(super) struct Queue {
    pub(super) name: Arc<str>,
    pub(super) ready: VecDeque<Item>,
    pub(super) consumers: VecDeque<Subscription>,
    pub(super) flush: Flush,
    /// Acknowledged, while the message is on disk and the acknowledgement is not: a kill brings it back.
    pub(super) unwritten_acks: Vec<Item>,
    /// What passed through it since the broker came up. How much is in it is counted when somebody looks.
    pub(super) counts: QueueCounters,
    next: u64,
}

impl Queue {
    pub(super) fn new(name: &str, key: u64, now: Duration) -> Self {
        Self {
            name: name.into(),
            ready: VecDeque::new(),
            consumers: VecDeque::new(),
            flush: Flush::new(key, now),
            unwritten_acks: Vec::new(),
            counts: QueueCounters { queue: name.into(), ..QueueCounters::default() },
            next: 0,
        }
    }

    /// The queue process was asked something.
    pub(super) fn touch(&mut self, now: Duration) {
        if self.flush.wake(now, self.next) {
            self.unwritten_acks.clear();
        }
    }

    /// Adds a message at the tail.
    pub(super) fn push(&mut self, entry: Entry, message: Arc<Message>) {
        let seq = self.next;
        self.next += 1;
        self.counts.published += 1;
        if message.persistent && self.flush.published(seq, size(&message)) {
            self.unwritten_acks.clear();
        }
        self.ready.push_back(Item { seq, entry, message, redelivered: false });
    }

    /// Puts a message back to its place, which is the head unless others came back too.
    pub(super) fn put_back(&mut self, mut item: Item, redelivered: bool) {
        item.redelivered |= redelivered;
        let at = self.ready.partition_point(|other| other.seq < item.seq);
        self.ready.insert(at, item);
    }

    /// The message is done with.
    pub(super) fn acknowledge(&mut self, item: Item) {
        if item.message.persistent && self.flush.indexed(item.seq) {
            self.unwritten_acks.push(item);
        }
    }

    /// Its process starts again: what there is now comes from the disk.
    pub(super) fn restart(&mut self, now: Duration) {
        self.flush.restart(now, self.next);
        self.counts = QueueCounters { queue: Arc::clone(&self.name), ..QueueCounters::default() };
    }

    /// Writes everything.
    pub(super) fn write(&mut self) {
        self.flush.all(self.next);
        self.unwritten_acks.clear();
    }
}

/// About what the message store keeps of a message: payload, properties and headers in Erlang's external format.
fn size(message: &Message) -> usize {
    let headers: usize = message.headers.0.iter().map(|(key, value)| key.len() + value.len() + 16).sum();
    160 + message.body.len() + headers + message.message_id.len() + message.correlation_id.len() + message.routing_key.len()
}
