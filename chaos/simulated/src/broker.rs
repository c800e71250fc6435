//! RabbitMQ 4.0's behaviour, as far as a service can meet it: topic exchanges, durable classic queues, prefetch, settling,
//! confirms, mandatory, connection loss, consumer timeout, and what a kill loses.
//!
//! Client and broker are one link apart, so what a client sends takes effect a latency later and in order. Nobody waits for
//! an answer that AMQP does not give: an unconfirmed publish and an acknowledgement return at once.

mod account;
mod channel;
mod client;
mod delivery;
mod flush;
mod monitor;
mod outage;
mod queue;
mod routing;
mod timeout;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    task::Waker,
    time::Duration,
};

use faults::{End, MessageFate, MessageLog};
use world::{
    Boxed, Node,
    broker::{Broker, BrokerError, Channel, Message, Publish, Settle, Topology},
    random::{mix, name},
};

use crate::{
    effects::Effects,
    runtime::{Host, lock},
    wire::{Wire, pump},
};
use account::{Account, Entry};
use channel::Open;
use client::Client;
use monitor::Monitor;
pub(crate) use outage::Down;
use queue::Queue;

/// How the broker is set up. Durations are in the run's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerSettings {
    /// One way between a client and the broker; whole milliseconds.
    pub link: Duration,
    /// From taking a message in to having it on disk when a confirm was asked for: confirms share an fsync.
    pub flush: Duration,
    /// How long a delivery may stay unacknowledged; none: for ever.
    pub consumer_timeout: Option<Duration>,
    /// How often each channel looks for such deliveries.
    pub channel_tick: Duration,
    /// The header that names the event of a message.
    pub event_header: &'static str,
    /// How often its counters are looked at; none: never.
    pub scrape_every: Option<Duration>,
    /// Whether somebody listens to its firehose.
    pub firehose: bool,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            link: Duration::from_millis(1),
            flush: Duration::from_millis(5),
            consumer_timeout: Some(Duration::from_secs(1800)),
            channel_tick: Duration::from_secs(60),
            event_header: "x-event-id",
            scrape_every: None,
            firehose: false,
        }
    }
}

/// The one broker of the world. Clones are handles of the same one.
#[derive(Clone)]
pub(crate) struct Exchange(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    settings: BrokerSettings,
    effects: Effects,
    wire: Arc<Wire<Packet>>,
    disk: Arc<Wire<Vec<usize>>>,
    state: Mutex<State>,
}

/// What is on the link, in either direction.
enum Packet {
    Publish { channel: u64, entry: Entry, message: Message, options: Publish },
    Settle { channel: u64, tag: u64, how: Settle },
    Close { channel: u64 },
    Deliver { channel: u64, consumer: usize, tag: u64 },
}

struct State {
    /// Outages that have not been lifted.
    outages: u32,
    /// The last outage's fault, and the nodes that have felt it.
    felt: Option<(Arc<str>, BTreeSet<String>)>,
    exchanges: Vec<&'static str>,
    bindings: Vec<(&'static str, &'static str, usize)>,
    queues: Vec<Queue>,
    channels: BTreeMap<u64, Open>,
    opened: u64,
    account: Account,
    timeout: timeout::Clock,
    monitor: Monitor,
}

/// The node that the broker's own tasks run on.
pub(crate) const BROKER: Node = Node::first("broker");

impl Exchange {
    /// A broker that is up and empty.
    pub(crate) fn new(host: &Arc<dyn Host>, settings: BrokerSettings, effects: Effects) -> Self {
        let state = State {
            outages: 0,
            felt: None,
            exchanges: Vec::new(),
            bindings: Vec::new(),
            queues: Vec::new(),
            channels: BTreeMap::new(),
            opened: 0,
            account: Account::new(settings.event_header),
            timeout: timeout::Clock::default(),
            monitor: Monitor::new(settings.scrape_every, settings.firehose, host.wall_ns(BROKER)),
        };
        let this = Self(Arc::new(Inner {
            host: Arc::clone(host),
            settings,
            effects,
            wire: Arc::new(Wire::new(settings.link)),
            disk: Arc::new(Wire::new(settings.flush)),
            state: Mutex::new(state),
        }));
        let broker = this.clone();
        pump(&this.0.wire, host, BROKER, "link", move |packet| broker.arrive(packet));
        let broker = this.clone();
        pump(&this.0.disk, host, BROKER, "disk", move |queues| broker.write(&queues));
        timeout::watch(&this);
        this
    }

    /// The broker as a node sees it.
    pub(crate) fn port(&self, node: Node) -> Arc<dyn Broker> {
        Arc::new(Port { exchange: self.clone(), node })
    }

    fn now(&self) -> Duration {
        self.0.host.now()
    }

    fn wall_ns(&self) -> u64 {
        self.0.host.wall_ns(BROKER)
    }

    fn send(&self, packet: Packet) {
        self.0.wire.send(self.now(), packet);
    }

    /// Changes the state, then wakes whom that concerns, outside the lock.
    fn change<T>(&self, change: impl FnOnce(&mut State, &mut Vec<Waker>) -> T) -> T {
        let mut woken = Vec::new();
        let result = {
            let mut state = lock(&self.0.state);
            state.look_before(self.now());
            let result = change(&mut state, &mut woken);
            woken.extend(state.timeout.waker());
            result
        };
        woken.into_iter().for_each(Waker::wake);
        result
    }

    fn arrive(&self, packet: Packet) {
        let now = self.now();
        self.change(|state, woken| match packet {
            Packet::Publish { channel, entry, message, options } => {
                let message = Arc::new(message);
                let queues = state.take_in(channel, entry, &message, (now, self.wall_ns()), woken);
                state.came_in(now, entry, &message, options.mandatory, &queues);
                for queue in &queues {
                    self.deliver(state, *queue, now);
                }
                if options.confirm && !queues.is_empty() {
                    self.0.disk.send(now, queues);
                }
            }
            Packet::Settle { channel, tag, how } => self.settle(state, channel, tag, how),
            Packet::Close { channel } => {
                if let Some(mut open) = state.channels.remove(&channel) {
                    open.close(BrokerError::ConnectionLost, woken);
                    self.put_back(state, channel, open.take_unacked());
                }
            }
            Packet::Deliver { channel, consumer, tag } => {
                if let Some(open) = state.channels.get_mut(&channel) {
                    open.arrived(consumer, tag, woken);
                }
            }
        });
    }

    fn write(&self, queues: &[usize]) {
        let mut state = lock(&self.0.state);
        for queue in queues {
            state.queues[*queue].write();
        }
    }
}

impl State {
    /// Takes a message in; gives the queues that have it now.
    fn take_in(
        &mut self,
        channel: u64,
        entry: Entry,
        message: &Arc<Message>,
        (now, wall): (Duration, u64),
        woken: &mut Vec<Waker>,
    ) -> Vec<usize> {
        if !self.exchanges.contains(&message.exchange) {
            if let Some(open) = self.channels.get_mut(&channel) {
                let text = format!("NOT_FOUND - no exchange '{}' in vhost '/'", message.exchange);
                open.close(BrokerError::ChannelClosed { code: 404, text }, woken);
            }
            return Vec::new();
        }
        let queues = routing::route(&self.bindings, message.exchange, &message.routing_key);
        if queues.is_empty() {
            self.account.end(entry, End::Unroutable, wall);
        }
        for (nth, at) in queues.iter().enumerate() {
            let entry = if nth == 0 { entry } else { self.account.copy(entry) };
            self.account.end(entry, End::Ready, wall);
            // The publish wakes the queue's process: what was there before it slept is on disk, the new message is not.
            self.queues[*at].touch(now);
            self.queues[*at].push(entry, Arc::clone(message));
        }
        queues
    }

    /// Makes what is not there yet.
    fn declare(&mut self, topology: &Topology, seed: u64, now: Duration) {
        for exchange in topology.exchanges {
            if !self.exchanges.contains(exchange) {
                self.exchanges.push(exchange);
            }
        }
        for queue in topology.queues {
            match self.queue(queue) {
                Some(at) => self.queues[at].touch(now),
                None => self.queues.push(Queue::new(queue, mix(mix(seed ^ name("flush")) ^ name(queue)), now)),
            }
        }
        for (exchange, key, queue) in topology.bindings {
            if let Some(at) = self.queue(queue)
                && !self.bindings.contains(&(exchange, key, at))
            {
                self.bindings.push((exchange, key, at));
            }
        }
    }

    fn queue(&self, name: &str) -> Option<usize> {
        self.queues.iter().position(|queue| &*queue.name == name)
    }
}

/// The broker as one node sees it.
struct Port {
    exchange: Exchange,
    node: Node,
}

impl Broker for Port {
    fn connect(&self) -> Boxed<'_, Result<Arc<dyn Channel>, BrokerError>> {
        Box::pin(async move {
            let Exchange(inner) = &self.exchange;
            inner.host.sleep_until(self.node, self.exchange.now() + 2 * inner.settings.link).await;
            let now = self.exchange.now();
            let mut state = lock(&inner.state);
            if state.outages > 0 {
                self.exchange.turned_away(&mut state, self.node);
                return Err(BrokerError::Unreachable("connection refused".into()));
            }
            state.opened += 1;
            let id = state.opened;
            state.channels.insert(id, Open::new(self.node, now));
            Ok(Arc::new(Client::new(self.exchange.clone(), self.node, id)) as Arc<dyn Channel>)
        })
    }
}

impl MessageLog for Exchange {
    fn depth(&self) -> Boxed<'_, u64> {
        Box::pin(async move {
            let under_way = self.0.wire.count(|packet| matches!(packet, Packet::Publish { .. }));
            let state = lock(&self.0.state);
            let ready: usize = state.queues.iter().map(|queue| queue.ready.len()).sum();
            let out: usize = state.channels.values().map(Open::out).sum();
            under_way + (ready + out) as u64
        })
    }

    fn fates(&self) -> Boxed<'_, Vec<MessageFate>> {
        Box::pin(async move { lock(&self.0.state).account.fates() })
    }
}
