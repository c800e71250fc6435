//! Meddles with single messages on their way: what an AMQP proxy between a service and the broker could do, and what a process can
//! do to its message by dying at the wrong moment.
//!
//! TCP loses no byte of a connection that lives, so whatever is lost on the wire breaks its connection.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use faults::{Aim, Interference, Meddling, Outcome, What};
use world::{
    Node,
    broker::{BrokerError, Message, Publish},
};

use super::{BROKER, Exchange, Packet, State, account::Entry};
use crate::runtime::lock;

/// Has a node die of a fault; it comes back after a while.
pub(crate) type Crash = Box<dyn Fn(Node, &Arc<str>, Duration) + Send + Sync>;

/// The header that carries the trace context.
pub(super) const CONTEXT: &str = "traceparent";

/// All that meddle at present.
#[derive(Default)]
pub(super) struct Meddlers {
    active: Vec<Meddler>,
    /// Messages that are kept back, and will arrive later.
    held: u64,
}

struct Meddler {
    aim: Aim,
    how: Interference,
}

/// Where on its way a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// Its headers are written. What happens to them keeps nothing else from happening to the message.
    Context,
    Publish,
    Settle,
}

const fn point(how: Interference) -> Point {
    match how {
        Interference::StripContext => Point::Context,
        Interference::CrashBeforeAck(_) | Interference::LoseAck => Point::Settle,
        _ => Point::Publish,
    }
}

impl Meddlers {
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// Who meddles with a message, and how.
    fn meets(&mut self, at: Point, seed: u64, message: &Message, event: &str) -> Option<(Arc<str>, Interference)> {
        self.active.iter_mut().find_map(|Meddler { aim, how }| {
            let hit = point(*how) == at && aim.hits(seed, &message.routing_key, event);
            hit.then(|| (Arc::clone(&aim.fault), *how))
        })
    }
}

impl Exchange {
    /// From now on some messages are meddled with.
    pub(crate) fn meddle(&self, fault: &Arc<str>, meddling: Meddling) {
        let Meddling { key, share, most, how } = meddling;
        let meddler = Meddler { aim: Aim::new(fault, key, share, most), how };
        lock(&self.0.state).meddlers.active.push(meddler);
    }

    /// A fault meddles no more.
    pub(crate) fn meddle_no_more(&self, fault: &str) {
        lock(&self.0.state).meddlers.active.retain(|meddler| &*meddler.aim.fault != fault);
    }

    /// Says who lets nodes die.
    pub(crate) fn on_crash(&self, crash: Crash) {
        // There is one world, and it says so once.
        let _set_once = self.0.crash.set(crash);
    }

    /// Whether somebody meddles with a message at a point of its way; if so, that is told.
    pub(super) fn met(&self, state: &mut State, at: Point, entry: Entry, message: &Message) -> Option<(Arc<str>, Interference)> {
        if state.meddlers.active.is_empty() {
            return None;
        }
        let event = message.headers.get(self.0.settings.event_header).unwrap_or(&message.message_id);
        let (fault, how) = state.meddlers.meets(at, self.0.host.seed(), message, event)?;
        self.meddled(state, &fault, entry, how.name());
        Some((fault, how))
    }

    /// Tells that a fault has meddled with a message.
    pub(super) fn meddled(&self, state: &State, fault: &str, entry: Entry, how: &str) {
        let (id, order, key) = state.account.names(entry);
        let what = What::Meddled { message_id: id.into(), how: how.to_owned() };
        self.0.effects.add(fault, self.wall_ns(), what, Some((order, key)));
    }

    /// A message that is written, unless somebody meddles with it. Gives what its publisher has to feel itself.
    pub(super) fn send_meddled(
        &self,
        (channel, node): (u64, Node),
        entry: Entry,
        mut message: Message,
        options: Publish,
    ) -> Option<Interference> {
        let met = {
            let state = &mut *lock(&self.0.state);
            if self.met(state, Point::Context, entry, &message).is_some() {
                message.headers.0.retain(|(name, _)| name != CONTEXT);
            }
            self.met(state, Point::Publish, entry, &message)
        };
        let how = met.as_ref().map(|(_, how)| *how);
        match met {
            Some((fault, Interference::CrashBeforePublish(back))) => {
                lock(&self.0.state).account.sent(entry, Outcome::Failed);
                self.crash(node, fault, back);
                return how;
            }
            Some((fault, Interference::LoseOnTheWire)) => {
                self.break_off(channel, &fault);
                return how;
            }
            Some((_, Interference::Delay(time))) => {
                self.send_later(Packet::Publish { channel, entry, message, options }, time);
                return how;
            }
            Some((_, Interference::Corrupt)) => message.body = Bytes::from_static(b"{\"torn"),
            _ => {}
        }
        self.send(Packet::Publish { channel, entry, message, options });
        how
    }

    /// Breaks a connection: both ends notice.
    pub(super) fn break_off(&self, channel: u64, fault: &Arc<str>) {
        self.change(|state, woken| {
            if let Some(open) = state.channels.get_mut(&channel) {
                open.fault = Some(Arc::clone(fault));
            }
            self.close(state, channel, &BrokerError::ConnectionLost, woken);
        });
    }

    /// Has a node die, outside of what it is doing.
    pub(super) fn crash(&self, node: Node, fault: Arc<str>, back: Duration) {
        let exchange = self.clone();
        let dies = async move {
            if let Some(crash) = exchange.0.crash.get() {
                crash(node, &fault, back);
            }
        };
        self.0.host.spawn(BROKER, "crash", Box::pin(dies));
    }

    fn send_later(&self, packet: Packet, time: Duration) {
        lock(&self.0.state).meddlers.held += 1;
        let (exchange, at) = (self.clone(), self.now() + time);
        let arrives = async move {
            exchange.0.host.sleep_until(BROKER, at).await;
            lock(&exchange.0.state).meddlers.held -= 1;
            exchange.send(packet);
        };
        self.0.host.spawn(BROKER, "held back", Box::pin(arrives));
    }
}
