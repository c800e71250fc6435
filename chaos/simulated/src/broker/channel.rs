//! The broker's side of a channel: what it may have out, what it has out, and whether it is open.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::Waker,
    time::Duration,
};

use world::{Node, broker::BrokerError};

use super::{Packet, heartbeat::HalfOpen, ready::Item, timeout::Limit, version::Unanswered};
use crate::waiters::Waiters;

/// An open channel, or one whose client has not yet noticed that it is closed.
pub(super) struct Open {
    pub(super) node: Node,
    pub(super) opened: Duration,
    pub(super) unacked: BTreeMap<u64, Out>,
    pub(super) consumers: Vec<Subscriber>,
    tags: u64,
    pub(super) closed: Option<BrokerError>,
    /// The fault that closed it.
    pub(super) fault: Option<Arc<str>>,
    pub(super) waiters: Waiters,
    /// It has published while an alarm was on: the broker reads nothing from it. What it sends waits here.
    pub(super) blocked: Option<VecDeque<Packet>>,
    /// Nothing comes through, and neither end knows.
    pub(super) half_open: Option<HalfOpen>,
}

/// A delivery without an answer.
pub(super) struct Out {
    pub(super) queue: usize,
    pub(super) item: Item,
    pub(super) consumer: usize,
    pub(super) limit: Option<Limit>,
}

/// A consumer: what may be out, what is out, and what has arrived at the client.
pub(super) struct Subscriber {
    prefetch: usize,
    out: usize,
    pub(super) inbox: VecDeque<u64>,
    pub(super) waker: Option<Waker>,
    /// The broker has ended it.
    pub(super) cancelled: bool,
}

impl Subscriber {
    /// A consumer that may have this many deliveries out; 0: any number.
    pub(super) fn new(prefetch: u16) -> Self {
        Self { prefetch: prefetch.into(), out: 0, inbox: VecDeque::new(), waker: None, cancelled: false }
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
            blocked: None,
            half_open: None,
        }
    }

    pub(super) fn wants_more(&self, consumer: usize) -> bool {
        let subscriber = &self.consumers[consumer];
        // The broker goes on delivering to a client that has given up, as long as it does not know.
        (self.closed.is_none() || self.half_open.is_some()) && (subscriber.prefetch == 0 || subscriber.out < subscriber.prefetch)
    }

    pub(super) fn put_out(&mut self, consumer: usize, queue: usize, item: Item, limit: Option<Limit>) -> u64 {
        self.tags += 1;
        self.consumers[consumer].out += 1;
        self.unacked.insert(self.tags, Out { queue, item, consumer, limit });
        self.tags
    }

    pub(super) fn arrived(&mut self, consumer: usize, tag: u64, woken: &mut Vec<Waker>) {
        let subscriber = &mut self.consumers[consumer];
        if self.closed.is_none() && !subscriber.cancelled {
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

    /// Ends one of its consumers.
    pub(super) fn cancel(&mut self, consumer: usize, woken: &mut Vec<Waker>) {
        let subscriber = &mut self.consumers[consumer];
        subscriber.cancelled = true;
        subscriber.inbox.clear();
        woken.extend(subscriber.waker.take());
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

    /// What one of its consumers had out.
    pub(super) fn take_unacked_of(&mut self, consumer: usize) -> Vec<Out> {
        let (taken, left) = std::mem::take(&mut self.unacked).into_iter().partition(|(_, out)| out.consumer == consumer);
        self.unacked = left;
        self.consumers[consumer].out = 0;
        let taken: BTreeMap<u64, Out> = taken;
        taken.into_values().collect()
    }

    /// When it has to be looked at for a delivery with this limit: at once, or at its first tick after.
    pub(super) fn look_at(&self, limit: Limit, tick: Duration) -> Duration {
        if limit.then == Unanswered::CancelsConsumer {
            return limit.at;
        }
        let after = limit.at.saturating_sub(self.opened).as_nanos();
        let ticks = after / tick.as_nanos().max(1) + 1;
        self.opened + tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// When a delivery has been out for too long, as things are.
    pub(super) fn answer_due(&self, tick: Duration) -> Option<Duration> {
        self.unacked.values().filter_map(|out| Some(self.look_at(out.limit?, tick))).min()
    }

    /// The earliest time at which there is something to do about it.
    pub(super) fn next_due(&self, tick: Duration) -> Option<Duration> {
        let half_open = self.half_open.as_ref().and_then(HalfOpen::next_due);
        self.answer_due(tick).filter(|_| self.is_open()).into_iter().chain(half_open).min()
    }

    /// The timeout that closes the whole channel now.
    pub(super) fn closes_by(&self, now: Duration) -> Option<Duration> {
        let limits = self.unacked.values().filter_map(|out| out.limit);
        limits.filter(|limit| limit.then == Unanswered::ClosesChannel && limit.at < now).map(|limit| limit.used).next()
    }

    /// Consumers that have had something out for too long and are cancelled for it.
    pub(super) fn consumers_cancelled_by(&self, now: Duration) -> Vec<usize> {
        let late = |out: &&Out| out.limit.is_some_and(|limit| limit.then == Unanswered::CancelsConsumer && limit.at <= now);
        let mut late: Vec<usize> = self.unacked.values().filter(late).map(|out| out.consumer).collect();
        late.sort_unstable();
        late.dedup();
        late
    }
}
