//! The broker's side of a channel: what it may have out, what it has out, and whether it is open.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::Waker,
    time::Duration,
};

use world::{Node, broker::BrokerError};

use super::queue::Item;
use crate::waiters::Waiters;

/// An open channel, or one whose client has not yet noticed that it is closed.
pub(super) struct Open {
    pub(super) node: Node,
    opened: Duration,
    pub(super) unacked: BTreeMap<u64, Out>,
    pub(super) consumers: Vec<Subscriber>,
    tags: u64,
    pub(super) closed: Option<BrokerError>,
    /// The fault that closed it.
    pub(super) fault: Option<Arc<str>>,
    pub(super) waiters: Waiters,
}

/// A delivery without an answer.
pub(super) struct Out {
    pub(super) queue: usize,
    pub(super) item: Item,
    consumer: usize,
    since: Duration,
}

/// A consumer: what may be out, what is out, and what has arrived at the client.
pub(super) struct Subscriber {
    prefetch: usize,
    out: usize,
    pub(super) inbox: VecDeque<u64>,
    pub(super) waker: Option<Waker>,
}

impl Subscriber {
    /// A consumer that may have this many deliveries out; 0: any number.
    pub(super) fn new(prefetch: u16) -> Self {
        Self { prefetch: prefetch.into(), out: 0, inbox: VecDeque::new(), waker: None }
    }
}

impl Open {
    pub(super) fn new(node: Node, now: Duration) -> Self {
        Self {
            node,
            opened: now,
            unacked: BTreeMap::new(),
            consumers: Vec::new(),
            tags: 0,
            closed: None,
            fault: None,
            waiters: Waiters::default(),
        }
    }

    pub(super) fn wants_more(&self, consumer: usize) -> bool {
        let subscriber = &self.consumers[consumer];
        self.closed.is_none() && (subscriber.prefetch == 0 || subscriber.out < subscriber.prefetch)
    }

    pub(super) fn put_out(&mut self, consumer: usize, queue: usize, item: Item, now: Duration) -> u64 {
        self.tags += 1;
        self.consumers[consumer].out += 1;
        self.unacked.insert(self.tags, Out { queue, item, consumer, since: now });
        self.tags
    }

    pub(super) fn arrived(&mut self, consumer: usize, tag: u64, woken: &mut Vec<Waker>) {
        if self.closed.is_none() {
            let subscriber = &mut self.consumers[consumer];
            subscriber.inbox.push_back(tag);
            woken.extend(subscriber.waker.take());
        }
    }

    pub(super) fn settle(&mut self, tag: u64) -> Option<Out> {
        let out = self.unacked.remove(&tag)?;
        self.consumers[out.consumer].out -= 1;
        Some(out)
    }

    /// Closes it; the client notices at its next call, or at once where it waits.
    pub(super) fn close(&mut self, why: BrokerError, woken: &mut Vec<Waker>) {
        self.closed.get_or_insert(why);
        for subscriber in &mut self.consumers {
            subscriber.inbox.clear();
            woken.extend(subscriber.waker.take());
        }
        woken.extend(self.waiters.take());
    }

    pub(super) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    pub(super) fn out(&self) -> usize {
        self.unacked.len()
    }

    /// What was out, the oldest delivery first.
    pub(super) fn take_unacked(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.unacked).into_values().collect()
    }

    /// The first tick at which a delivery made at `since` has been out for longer than `limit`.
    pub(super) fn due(&self, since: Duration, limit: Duration, tick: Duration) -> Duration {
        let after = (since + limit).saturating_sub(self.opened).as_nanos();
        let ticks = after / tick.as_nanos().max(1) + 1;
        self.opened + tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// The tick at which the consumer timeout closes it, as things are.
    pub(super) fn times_out(&self, limit: Duration, tick: Duration) -> Option<Duration> {
        let oldest = self.unacked.values().map(|out| out.since).min()?;
        Some(self.due(oldest, limit, tick))
    }
}
