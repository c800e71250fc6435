//! The client's side of a channel: what a service holds of it.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use faults::{End, Interference, Outcome};
use world::{
    Boxed, Node,
    broker::{BrokerError, Channel, Consumer, Delivery, Message, Publish, Sent, Settle, Settler, Topology},
};

use super::{
    Exchange, Packet,
    account::Entry,
    channel::{Open, Subscriber},
    meddle::Point,
    routing,
    turns::Subscription,
};
use crate::runtime::lock;

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
        let there_and_back = 2 * self.exchange.0.settings.link;
        self.wait(self.exchange.now() + there_and_back).await?;
        while self.is_held() {
            self.released().await?;
            self.wait(self.exchange.now() + there_and_back).await?;
        }
        Ok(())
    }

    /// Waits as long as a confirm takes.
    async fn confirmed(&self) -> Result<(), BrokerError> {
        let settings = &self.exchange.0.settings;
        let takes = 2 * settings.link + settings.flush;
        self.wait(self.exchange.now() + takes).await?;
        while self.is_held() {
            self.released().await?;
            self.wait(self.exchange.now() + takes).await?;
        }
        Ok(())
    }

    /// Whether the broker reads nothing from this connection, or nothing comes through.
    fn is_held(&self) -> bool {
        let state = lock(&self.exchange.0.state);
        state.channels.get(&self.id).is_some_and(|open| open.blocked.is_some() || open.half_open.is_some())
    }

    /// Waits until it is read from and comes through again; the channel may break before.
    async fn released(&self) -> Result<(), BrokerError> {
        let mut place = Place { handle: self, held: None };
        poll_fn(move |cx| match place.wait(cx.waker()) {
            Err(closed) => Poll::Ready(Err(closed)),
            Ok(()) if self.is_held() => Poll::Pending,
            Ok(()) => Poll::Ready(Ok(())),
        })
        .await
    }

    fn check(&self) -> Result<(), BrokerError> {
        match lock(&self.exchange.0.state).channels.get(&self.id) {
            Some(Open { closed: Some(why), .. }) => Err(why.clone()),
            Some(_) => Ok(()),
            None => Err(BrokerError::ConnectionLost),
        }
    }

    /// Writes a message; fails at once on a channel that is known to be closed.
    fn write(&self, message: Message, options: Publish) -> Result<(Entry, Option<Interference>), BrokerError> {
        let wall = self.exchange.wall_ns();
        let entry = lock(&self.exchange.0.state).account.begin(self.node, &message, wall);
        if let Err(closed) = self.check() {
            self.failed(entry);
            return Err(closed);
        }
        let met = self.exchange.send_meddled((self.id, self.node), entry, message, options);
        Ok((entry, met))
    }

    /// The connection breaks before the confirm has come.
    fn lose_confirm(&self) -> BrokerError {
        self.exchange.change(|state, woken| self.exchange.close(state, self.id, &BrokerError::ConnectionLost, woken));
        BrokerError::ConnectionLost
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
        let (end, nacked) = (state.account.last(entry), state.account.nacked(entry));
        let outcome = if nacked || end == End::NotSent { Outcome::Failed } else { confirmed(end, options.mandatory) };
        state.account.sent(entry, outcome);
        match outcome {
            Outcome::Returned => Ok(Sent::Returned),
            Outcome::Failed if nacked => Err(BrokerError::Nacked),
            Outcome::Failed => Err(BrokerError::ConnectionLost),
            Outcome::Confirmed | Outcome::Written => Ok(Sent::Confirmed),
        }
    }
}

/// A publish that waits for its confirm. Whoever stops waiting while nothing comes through has failed to send.
struct Asked<'a>(&'a Handle, Entry);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.0.is_held() {
            lock(&self.0.exchange.0.state).account.sent(self.1, Outcome::Failed);
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
    fn declare<'a>(&'a self, topology: &'a Topology<'a>) -> Boxed<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            self.0.round_trip().await?;
            self.0.exchange.change(|state, woken| {
                let declared = self.0.exchange.declare(state, topology);
                if let Err(refused) = &declared {
                    self.0.exchange.close(state, self.0.id, refused, woken);
                }
                declared
            })
        })
    }

    fn blocked(&self) -> bool {
        let state = lock(&self.0.exchange.0.state);
        state.channels.get(&self.0.id).is_some_and(|open| open.blocked.is_some())
    }

    fn publish(&self, message: Message, options: Publish) -> Boxed<'_, Result<Sent, BrokerError>> {
        Box::pin(async move {
            let (entry, met) = self.0.write(message, options)?;
            if let Some(Interference::CrashBeforePublish(_)) = met {
                std::future::pending::<()>().await;
            }
            if !options.confirm {
                return Ok(Sent::Written);
            }
            let asked = Asked(&self.0, entry);
            let mut answered = self.0.confirmed().await;
            std::mem::forget(asked);
            if let Some(Interference::LoseConfirm) = met {
                answered = Err(self.0.lose_confirm());
            }
            match answered {
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
                let Some(at) = state.queue(queue) else {
                    let refused = routing::not_found("queue", queue);
                    self.0.exchange.close(state, self.0.id, &refused, woken);
                    return Err(refused);
                };
                let open = state.channels.get_mut(&self.0.id).ok_or(BrokerError::ConnectionLost)?;
                let consumer = open.consumers.len();
                open.consumers.push(Subscriber::new(prefetch));
                state.queues[at].turns.add(Subscription { channel: self.0.id, consumer, prefetch });
                state.queues[at].touch(now);
                self.0.exchange.run(state, at, now);
                Ok(consumer)
            })?;
            Ok(Box::new(Subscribed { handle: Arc::clone(&self.0), consumer }) as Box<dyn Consumer>)
        })
    }

    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            let Handle { exchange, node, id } = &*self.0;
            exchange.send(Packet::Close { channel: *id });
            loop {
                exchange.0.host.sleep_until(*node, exchange.now() + 2 * exchange.0.settings.link).await;
                // Nobody reads it as long as the connection is held.
                if !self.0.is_held() || self.0.released().await.is_err() {
                    return;
                }
            }
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
        if subscriber.cancelled {
            return Poll::Ready(Err(BrokerError::Cancelled));
        }
        let Some(tag) = subscriber.inbox.pop_front() else {
            subscriber.waker = Some(waker.clone());
            return Poll::Pending;
        };
        let Some(out) = open.unacked.get(&tag) else { return Poll::Ready(Err(BrokerError::ConnectionLost)) };
        account.handed(out.item.entry, self.handle.node, exchange.wall_ns(), out.item.redelivered);
        Poll::Ready(Ok(Delivery {
            message: Arc::clone(&out.item.message),
            queue: Arc::clone(&queues[out.queue].name),
            tag,
            redelivered: out.item.redelivered,
            delivery_count: out.item.delivery_count().filter(|_| queues[out.queue].is_quorum()),
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

/// What somebody who meddles with an answer did to it.
enum Met {
    /// Its process died.
    Crashed,
    /// Its connection broke.
    Lost,
}

impl Answer {
    fn meddled(&self) -> Option<Met> {
        let Handle { exchange, node, id } = &*self.handle;
        let met = {
            let state = &mut *lock(&exchange.0.state);
            let item = &state.channels.get(id)?.unacked.get(&self.tag)?.item;
            let (entry, message) = (item.entry, Arc::clone(&item.message));
            exchange.met(state, Point::Settle, entry, &message)
        };
        Some(match met? {
            (fault, Interference::CrashBeforeAck(back)) => {
                exchange.crash(*node, fault, back);
                Met::Crashed
            }
            (fault, _) => {
                exchange.break_off(*id, &fault);
                Met::Lost
            }
        })
    }
}

impl Settler for Answer {
    fn settle(self: Box<Self>, how: Settle) -> Boxed<'static, Result<(), BrokerError>> {
        Box::pin(async move {
            self.handle.check()?;
            match self.meddled() {
                None => self.handle.exchange.send(Packet::Settle { channel: self.handle.id, tag: self.tag, how }),
                // AMQP confirms no answer: it was written, and the consumer learns of the break when it waits for more.
                Some(Met::Lost) => {}
                Some(Met::Crashed) => std::future::pending::<()>().await,
            }
            Ok(())
        })
    }
}

/// What a confirm says of a message that the broker has taken in.
fn confirmed(end: End, mandatory: bool) -> Outcome {
    if end == End::Unroutable && mandatory { Outcome::Returned } else { Outcome::Confirmed }
}
