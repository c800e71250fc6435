//! A channel: the broker's side of it ([`Open`]) and the client's handles.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use faults::{End, Outcome};
use world::{
    Boxed, Node,
    broker::{BrokerError, Channel, Consumer, Delivery, Message, Publish, Sent, Settle, Settler, Topology},
};

use super::{Exchange, Packet, account::Entry, confirmed, queue::Item, queue::Subscription};
use crate::{runtime::lock, waiters::Waiters};

/// An open channel, or one whose client has not yet noticed that it is closed.
pub(super) struct Open {
    pub(super) node: Node,
    opened: Duration,
    unacked: BTreeMap<u64, Out>,
    consumers: Vec<Subscriber>,
    tags: u64,
    closed: Option<BrokerError>,
    /// The fault that closed it.
    pub(super) fault: Option<Arc<str>>,
    waiters: Waiters,
}

/// A delivery without an answer.
pub(super) struct Out {
    pub(super) queue: usize,
    pub(super) item: Item,
    consumer: usize,
    since: Duration,
}

/// A consumer: what may be out, what is out, and what has arrived at the client.
struct Subscriber {
    prefetch: usize,
    out: usize,
    inbox: VecDeque<u64>,
    waker: Option<Waker>,
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

/// The client's handle. When the last one is dropped, the channel closes.
struct Handle {
    exchange: Exchange,
    node: Node,
    id: u64,
}

impl Handle {
    /// Waits until `at`; the channel may break before.
    async fn wait(&self, at: Duration) -> Result<(), BrokerError> {
        let mut place = Place { handle: self, held: None };
        let mut sleep = self.exchange.0.host.sleep_until(self.node, at);
        poll_fn(move |cx| {
            if let Err(closed) = place.wait(cx.waker()) {
                return Poll::Ready(Err(closed));
            }
            sleep.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    async fn round_trip(&self) -> Result<(), BrokerError> {
        self.wait(self.exchange.now() + 2 * self.exchange.0.settings.link).await
    }

    fn check(&self) -> Result<(), BrokerError> {
        self.exchange.change(|state, _| match state.channels.get(&self.id) {
            Some(Open { closed: Some(why), .. }) => Err(why.clone()),
            Some(_) => Ok(()),
            None => Err(BrokerError::ConnectionLost),
        })
    }

    /// Writes a message; fails at once on a channel that is known to be closed.
    fn write(&self, message: Message, options: Publish) -> Result<Entry, BrokerError> {
        let wall = self.exchange.wall_ns();
        let entry = lock(&self.exchange.0.state).account.begin(self.node, &message, wall);
        if let Err(closed) = self.check() {
            self.failed(entry);
            return Err(closed);
        }
        self.exchange.send(Packet::Publish { channel: self.id, entry, message, options });
        Ok(entry)
    }

    fn failed(&self, entry: Entry) {
        let mut state = lock(&self.exchange.0.state);
        state.account.sent(entry, Outcome::Failed);
        let fault = state.channels.get(&self.id).and_then(|open| open.fault.clone());
        if let Some(fault) = fault {
            self.exchange.publish_failed(&mut state, &fault, entry);
        }
    }

    fn learned(&self, entry: Entry, options: Publish) -> Result<Sent, BrokerError> {
        let mut state = lock(&self.exchange.0.state);
        let end = state.account.last(entry);
        let outcome = if end == End::NotSent { Outcome::Failed } else { confirmed(end, options.mandatory) };
        state.account.sent(entry, outcome);
        match outcome {
            Outcome::Returned => Ok(Sent::Returned),
            Outcome::Failed => Err(BrokerError::ConnectionLost),
            Outcome::Confirmed | Outcome::Written => Ok(Sent::Confirmed),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.exchange.send(Packet::Close { channel: self.id });
    }
}

/// A place among those who wait for a channel to close.
struct Place<'a> {
    handle: &'a Handle,
    held: Option<usize>,
}

impl Place<'_> {
    fn wait(&mut self, waker: &Waker) -> Result<(), BrokerError> {
        let mut state = lock(&self.handle.exchange.0.state);
        match state.channels.get_mut(&self.handle.id) {
            Some(Open { closed: Some(why), .. }) => Err(why.clone()),
            Some(open) => {
                open.waiters.wait(&mut self.held, waker);
                Ok(())
            }
            None => Err(BrokerError::ConnectionLost),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.handle.exchange.0.state);
        if let Some(open) = state.channels.get_mut(&self.handle.id) {
            open.waiters.leave(self.held.take());
        }
    }
}

/// What a service holds. Consumers and settlers keep the channel open too.
pub(super) struct Client(Arc<Handle>);

impl Client {
    pub(super) fn new(exchange: Exchange, node: Node, id: u64) -> Self {
        Self(Arc::new(Handle { exchange, node, id }))
    }
}

impl Channel for Client {
    fn declare<'a>(&'a self, topology: &'a Topology) -> Boxed<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            self.0.round_trip().await?;
            let now = self.0.exchange.now();
            let seed = self.0.exchange.0.host.seed();
            lock(&self.0.exchange.0.state).declare(topology, seed, now);
            Ok(())
        })
    }

    fn publish(&self, message: Message, options: Publish) -> Boxed<'_, Result<Sent, BrokerError>> {
        Box::pin(async move {
            let entry = self.0.write(message, options)?;
            if !options.confirm {
                return Ok(Sent::Written);
            }
            let settings = &self.0.exchange.0.settings;
            match self.0.wait(self.0.exchange.now() + 2 * settings.link + settings.flush).await {
                Ok(()) => self.0.learned(entry, options),
                Err(closed) => {
                    self.0.failed(entry);
                    Err(closed)
                }
            }
        })
    }

    fn consume<'a>(&'a self, queue: &'a str, prefetch: u16) -> Boxed<'a, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            self.0.round_trip().await?;
            let now = self.0.exchange.now();
            let consumer = self.0.exchange.change(|state, woken| {
                let at = state.queue(queue);
                let open = state.channels.get_mut(&self.0.id).ok_or(BrokerError::ConnectionLost)?;
                let Some(at) = at else {
                    let closed =
                        BrokerError::ChannelClosed { code: 404, text: format!("NOT_FOUND - no queue '{queue}' in vhost '/'") };
                    open.close(closed.clone(), woken);
                    return Err(closed);
                };
                let consumer = open.consumers.len();
                open.consumers.push(Subscriber { prefetch: prefetch.into(), out: 0, inbox: VecDeque::new(), waker: None });
                state.queues[at].consumers.push_back(Subscription { channel: self.0.id, consumer });
                state.queues[at].touch(now);
                self.0.exchange.deliver(state, at, now);
                Ok(consumer)
            })?;
            Ok(Box::new(Subscribed { handle: Arc::clone(&self.0), consumer }) as Box<dyn Consumer>)
        })
    }
}

struct Subscribed {
    handle: Arc<Handle>,
    consumer: usize,
}

impl Subscribed {
    fn poll_next(&self, waker: &Waker) -> Poll<Result<Delivery, BrokerError>> {
        let exchange = &self.handle.exchange;
        let mut state = lock(&exchange.0.state);
        let super::State { channels, queues, account, .. } = &mut *state;
        let Some(open) = channels.get_mut(&self.handle.id) else { return Poll::Ready(Err(BrokerError::ConnectionLost)) };
        if let Some(why) = &open.closed {
            return Poll::Ready(Err(why.clone()));
        }
        let subscriber = &mut open.consumers[self.consumer];
        let Some(tag) = subscriber.inbox.pop_front() else {
            subscriber.waker = Some(waker.clone());
            return Poll::Pending;
        };
        let Some(out) = open.unacked.get(&tag) else { return Poll::Ready(Err(BrokerError::ConnectionLost)) };
        account.handed(out.item.entry, self.handle.node, exchange.wall_ns(), out.item.redelivered);
        Poll::Ready(Ok(Delivery {
            message: Message::clone(&out.item.message),
            queue: Arc::clone(&queues[out.queue].name),
            tag,
            redelivered: out.item.redelivered,
            settler: Box::new(Answer { handle: Arc::clone(&self.handle), tag }),
        }))
    }
}

impl Consumer for Subscribed {
    fn next(&mut self) -> Boxed<'_, Result<Delivery, BrokerError>> {
        Box::pin(poll_fn(|cx| self.poll_next(cx.waker())))
    }
}

struct Answer {
    handle: Arc<Handle>,
    tag: u64,
}

impl Settler for Answer {
    fn settle(self: Box<Self>, how: Settle) -> Boxed<'static, Result<(), BrokerError>> {
        Box::pin(async move {
            self.handle.check()?;
            self.handle.exchange.send(Packet::Settle { channel: self.handle.id, tag: self.tag, how });
            Ok(())
        })
    }
}
