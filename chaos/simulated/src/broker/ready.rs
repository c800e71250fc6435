//! The messages of a queue that nobody has: in which order they leave, and where one goes that comes back.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use world::broker::Message;

use super::{account::Entry, priority::Lanes};

/// A message that comes to a queue.
#[derive(Clone)]
pub(super) struct Incoming {
    pub(super) entry: Entry,
    pub(super) message: Arc<Message>,
    /// How often consumers of quorum queues have failed with it, in the queues that have given it up.
    pub(super) failures: u32,
}

/// A message in a queue.
#[derive(Clone)]
pub(super) struct Item {
    /// Its place: what came later has a larger number.
    pub(super) seq: u64,
    pub(super) entry: Entry,
    pub(super) message: Arc<Message>,
    /// When its time to live is over. What is requeued keeps it.
    pub(super) expires: Option<Duration>,
    /// How often it has come back to a quorum queue, as far as that counts.
    pub(super) returns: u32,
    /// How often a consumer of a quorum queue has failed with it: here, or where it was before it was dead-lettered.
    pub(super) failures: u32,
    /// It was out before.
    pub(super) redelivered: bool,
}

impl Item {
    /// What it says as `x-delivery-count` in a quorum queue, where it says anything.
    ///
    /// What consumers failed with elsewhere counts until it has come back here for the first time (rabbit_fifo_client of 4.0.5).
    pub(super) fn delivery_count(&self) -> Option<u32> {
        let count = if self.returns > 0 { self.returns } else { self.failures };
        (count > 0).then_some(count)
    }

    pub(super) fn expired(&self, now: Duration) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

/// Ready messages.
pub(super) enum Ready {
    /// A classic queue: first in, first out, and a message that comes back goes to its place.
    Fifo(VecDeque<Item>),
    /// A classic queue with priorities: a queue for each of them.
    Priorities(Lanes),
    /// A quorum queue: what came back goes first, in the order in which it came back.
    Quorum { returned: VecDeque<Item>, lanes: Lanes },
}

impl Ready {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Fifo(items) => items.len(),
            Self::Priorities(lanes) => lanes.len(),
            Self::Quorum { returned, lanes } => returned.len() + lanes.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a message at the tail.
    pub(super) fn push(&mut self, item: Item) {
        match self {
            Self::Fifo(items) => items.push_back(item),
            Self::Priorities(lanes) | Self::Quorum { lanes, .. } => lanes.push(item),
        }
    }

    /// Puts a message back at the tail: a quorum queue forgets its priority then (`#requeue` in rabbit_fifo of 4.0.5).
    pub(super) fn put_behind(&mut self, item: Item) {
        match self {
            Self::Quorum { lanes, .. } => lanes.push_as_normal(item),
            Self::Fifo(_) | Self::Priorities(_) => self.push(item),
        }
    }

    /// Puts a message back.
    ///
    /// A classic queue puts it to its original place "if possible" (4.0, confirms.md, "Negative Acknowledgement and Requeuing").
    pub(super) fn put_back(&mut self, item: Item) {
        match self {
            Self::Fifo(items) => put_in_place(items, item),
            Self::Priorities(lanes) => lanes.put_back(item),
            Self::Quorum { returned, .. } => returned.push_back(item),
        }
    }

    /// Takes the message that leaves next.
    pub(super) fn pop(&mut self) -> Option<Item> {
        match self {
            Self::Fifo(items) => items.pop_front(),
            Self::Priorities(lanes) => lanes.pop(),
            Self::Quorum { returned, lanes } => returned.pop_front().or_else(|| lanes.pop()),
        }
    }

    /// Takes a message whose time is over, if one stands where the queue looks: at the head. What stands behind a message that
    /// is not over yet stays (4.0, ttl.md, "Per-message TTL Applied Retroactively"; 4.3's quorum queues look at the head of each
    /// priority: quorum-queues.md, "Priority-Aware Message Expiration").
    pub(super) fn take_expired(&mut self, now: Duration) -> Option<Item> {
        match self {
            Self::Fifo(items) => items.pop_front_if(|item| item.expired(now)),
            Self::Priorities(lanes) => lanes.take_expired(now),
            Self::Quorum { returned, lanes } => match returned.front() {
                Some(first) if first.expired(now) => returned.pop_front(),
                Some(_) if !lanes.looks_everywhere() => None,
                _ => lanes.take_expired(now),
            },
        }
    }

    /// When the next message expires, as far as the queue looks.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        match self {
            Self::Fifo(items) => items.front()?.expires,
            Self::Priorities(lanes) => lanes.next_expiry(),
            Self::Quorum { returned, lanes } => match returned.front() {
                Some(first) if lanes.looks_everywhere() => first.expires.into_iter().chain(lanes.next_expiry()).min(),
                Some(first) => first.expires,
                None => lanes.next_expiry(),
            },
        }
    }

    /// What has expired is gone: a queue that minds its head knows it now.
    pub(super) fn looked(&mut self) {
        if let Self::Priorities(lanes) = self {
            lanes.looked();
        }
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = &Item> + '_> {
        match self {
            Self::Fifo(items) => Box::new(items.iter()),
            Self::Priorities(lanes) => Box::new(lanes.iter()),
            Self::Quorum { returned, lanes } => Box::new(returned.iter().chain(lanes.iter())),
        }
    }

    /// Keeps what is to be kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Item) -> bool) {
        match self {
            Self::Fifo(items) => items.retain_mut(keep),
            Self::Priorities(lanes) => lanes.retain(keep),
            Self::Quorum { returned, lanes } => {
                returned.retain_mut(&mut keep);
                lanes.retain(keep);
            }
        }
    }
}

/// Puts a message where its number says.
pub(super) fn put_in_place(items: &mut VecDeque<Item>, item: Item) {
    let at = items.partition_point(|other| other.seq < item.seq);
    items.insert(at, item);
}
