//! RabbitMQ's behaviour, as far as a service can meet it. Each rule has a file, which names its source.
//!
//! A conformance suite (`chaos/simulated/tests/conformance`) holds the model against a real RabbitMQ 4.0.5, where there is Docker. Where a rule
//! follows RabbitMQ's documentation, the file names version, page and section; what no real broker here has confirmed says that
//! it is taken from the documentation. Where RabbitMQ is free to do one thing or another, the model does one of them; the suite
//! says which, and accepts both.
//!
//! Client and broker are one link apart, so what a client sends takes effect a latency later and in order. Nobody waits for
//! an answer that AMQP does not give: an unconfirmed publish and an acknowledgement return at once.

mod account;
mod alarm;
mod change;
mod channel;
mod client;
mod clock;
mod dead_letter;
mod declare;
mod delivery;
mod delivery_limit;
mod disk;
mod flush;
mod heartbeat;
mod max_length;
mod meddle;
mod monitor;
mod outage;
mod pause;
mod policy;
mod priority;
mod purge;
mod queue;
mod queue_ttl;
mod ready;
mod routing;
mod rules;
mod timeout;
mod ttl;
mod turns;
mod version;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
    task::Waker,
    time::Duration,
};

use faults::{End, MessageFate, MessageLog, Resource};
use world::{
    Boxed, Node,
    broker::{Broker, BrokerError, Channel, Message, Publish, Settle},
};

use crate::{
    effects::Effects,
    runtime::{Host, lock},
    wire::{Wire, pump},
};
use account::{Account, Entry};
use channel::Open;
use client::Client;
use disk::Write;
use monitor::Monitor;
use queue::Queue;
use ready::Incoming;
use version::Return;
pub use version::Version;

/// How the broker is set up. Durations are in the run's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerSettings {
    /// Which RabbitMQ it is.
    pub version: Version,
    /// One way between a client and the broker; whole milliseconds.
    pub link: Duration,
    /// From taking a message in to having it on disk when a confirm was asked for: confirms share an fsync.
    pub flush: Duration,
    /// How long a delivery may stay unacknowledged; none: for ever.
    pub consumer_timeout: Option<Duration>,
    /// How often each channel looks for such deliveries.
    pub channel_tick: Duration,
    /// The heartbeat timeout that clients and broker agree on.
    pub heartbeat: Duration,
    /// How long a client waits for a connection to come about.
    pub connect: Duration,
    /// Queues that nobody consumes: what is in them waits until somebody looks.
    pub parking: &'static [&'static str],
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
            version: Version::V4_0,
            link: Duration::from_millis(1),
            flush: Duration::from_millis(5),
            consumer_timeout: Some(Duration::from_secs(1800)),
            channel_tick: Duration::from_secs(60),
            heartbeat: Duration::from_secs(60),
            connect: Duration::from_secs(10),
            parking: &[],
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
    disk: Arc<Wire<Write>>,
    /// Has a node die, and come back after a while.
    crash: OnceLock<meddle::Crash>,
    state: Mutex<State>,
}

/// What is on the link, in either direction.
enum Packet {
    Publish { channel: u64, entry: Entry, message: Message, options: Publish },
    Settle { channel: u64, tag: u64, how: Settle },
    Close { channel: u64 },
    Deliver { channel: u64, consumer: usize, tag: u64 },
}

impl Packet {
    fn channel(&self) -> u64 {
        match self {
            Self::Publish { channel, .. }
            | Self::Settle { channel, .. }
            | Self::Close { channel }
            | Self::Deliver { channel, .. } => *channel,
        }
    }
}

struct State {
    /// Outages that have not been lifted.
    outages: u32,
    /// The last outage's fault, and the nodes that have felt it.
    felt: Option<(Arc<str>, BTreeSet<String>)>,
    router: routing::Router,
    queues: Vec<Queue>,
    channels: BTreeMap<u64, Open>,
    opened: u64,
    account: Account,
    clock: clock::Clock,
    /// What queues have given up and nobody has published yet.
    dead: dead_letter::Dying,
    /// What the broker is short of.
    alarms: BTreeSet<Resource>,
    cuts: Vec<heartbeat::Cut>,
    paused: Vec<pause::Paused>,
    meddlers: meddle::Meddlers,
    changes: Vec<change::Laid>,
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
            router: routing::Router::default(),
            queues: Vec::new(),
            channels: BTreeMap::new(),
            opened: 0,
            account: Account::new(settings.event_header),
            clock: clock::Clock::default(),
            dead: dead_letter::Dying::new(),
            alarms: BTreeSet::new(),
            cuts: Vec::new(),
            paused: Vec::new(),
            meddlers: meddle::Meddlers::default(),
            changes: Vec::new(),
            monitor: Monitor::new(settings.scrape_every, settings.firehose, host.wall_ns(BROKER)),
        };
        let this = Self(Arc::new(Inner {
            host: Arc::clone(host),
            settings,
            effects,
            wire: Arc::new(Wire::new(settings.link)),
            disk: Arc::new(Wire::new(settings.flush)),
            crash: OnceLock::new(),
            state: Mutex::new(state),
        }));
        let broker = this.clone();
        pump(&this.0.wire, host, BROKER, "link", move |packet| broker.arrive(packet));
        let broker = this.clone();
        pump(&this.0.disk, host, BROKER, "disk", move |write| broker.written(write));
        clock::watch(&this);
        this
    }

    /// The broker as a node sees it.
    pub(crate) fn port(&self, node: Node) -> Arc<dyn Broker> {
        Arc::new(Port { exchange: self.clone(), node })
    }

    /// Takes a binding away. Returns whether it was there.
    pub(crate) fn unbind(&self, exchange: &str, key: &str, queue: &str) -> bool {
        self.change(|state, _| state.queue(queue).is_some_and(|at| state.router.unbind(exchange, key, at)))
    }

    /// How many messages are ready in a queue; none when there is no such queue.
    pub(crate) fn ready(&self, queue: &str) -> Option<usize> {
        let state = lock(&self.0.state);
        state.queue(queue).map(|at| state.queues[at].ready.len())
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
            if !state.dead.is_empty() {
                self.bury(&mut state, self.now());
            }
            woken.extend(state.clock.waker());
            result
        };
        woken.into_iter().for_each(Waker::wake);
        result
    }

    fn arrive(&self, packet: Packet) {
        self.change(|state, woken| {
            let mut packet = Some(packet);
            if !state.cuts.is_empty() {
                packet.iter().for_each(|packet| self.kept_back(state, packet));
                packet = packet.and_then(|packet| state.hold(packet));
            }
            if !state.alarms.is_empty() {
                packet.iter().for_each(|packet| self.stalled(state, packet));
                packet = packet.and_then(|packet| state.stall(packet));
            }
            if let Some(packet) = packet {
                self.handle(state, packet, woken);
            }
        });
    }

    fn handle(&self, state: &mut State, packet: Packet, woken: &mut Vec<Waker>) {
        match packet {
            Packet::Publish { channel, entry, message, options } => {
                let queues = self.take_in(state, channel, (entry, message), options.mandatory, woken);
                if options.confirm && !queues.is_empty() {
                    self.0.disk.send(self.now(), Write::Queues(queues));
                }
            }
            Packet::Settle { channel, tag, how } => self.settle(state, channel, tag, how),
            Packet::Close { channel } => {
                if let Some(mut open) = state.channels.remove(&channel) {
                    open.close(BrokerError::ConnectionLost, woken);
                    self.put_back(state, channel, open.take_unacked(), Return::ChannelLost);
                }
            }
            Packet::Deliver { channel, consumer, tag } => {
                if let Some(open) = state.channels.get_mut(&channel) {
                    open.arrived(consumer, tag, woken);
                }
            }
        }
    }

    /// Takes a message in; gives the queues that it went to.
    fn take_in(
        &self,
        state: &mut State,
        channel: u64,
        (entry, message): (Entry, Message),
        mandatory: bool,
        woken: &mut Vec<Waker>,
    ) -> Vec<usize> {
        let now = self.now();
        let Some(queues) = state.route(&message.exchange, &message.routing_key) else {
            self.close(state, channel, &routing::not_found("exchange", &message.exchange), woken);
            return Vec::new();
        };
        if queues.is_empty() {
            state.account.end(entry, End::Unroutable, self.wall_ns());
            self.unrouted(state, entry);
        }
        let message = Arc::new(message);
        state.came_in(now, &message, mandatory, &queues);
        for (nth, at) in queues.iter().enumerate() {
            let entry = if nth == 0 { entry } else { state.account.copy(entry) };
            self.take(state, *at, Incoming { entry, message: Arc::clone(&message), failures: 0 }, Some(channel), now);
        }
        queues
    }
}

impl State {
    /// The queues that a message goes to; none when there is no such exchange. Every queue is bound to the default exchange,
    /// which has no name, by its own.
    fn route(&self, exchange: &str, key: &str) -> Option<Vec<usize>> {
        if exchange.is_empty() { Some(self.queue(key).into_iter().collect()) } else { self.router.route(exchange, key) }
    }

    fn queue(&self, name: &str) -> Option<usize> {
        self.queues.iter().position(|queue| &*queue.name == name && !queue.gone)
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
            let cut = lock(&inner.state).is_cut(self.node);
            if cut {
                inner.host.sleep_until(self.node, self.exchange.now() + inner.settings.connect).await;
                return Err(BrokerError::Unreachable("no answer in time".into()));
            }
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
            let moves = |queue: &&Queue| !self.0.settings.parking.contains(&&*queue.name);
            let ready: usize = state.queues.iter().filter(moves).map(|queue| queue.ready.len()).sum();
            let out: usize = state.channels.values().map(Open::out).sum();
            under_way + state.meddlers.held() + self.appending() + (ready + out) as u64
        })
    }

    fn fates(&self) -> Boxed<'_, Vec<MessageFate>> {
        Box::pin(async move { lock(&self.0.state).account.fates() })
    }
}
