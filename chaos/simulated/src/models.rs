//! The models of a simulated world, over any engine: ports per node, and what the driver sees of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use faults::{MessageLog, Nemesis, What};
use signals::{Log, Loss, Passage, Scrape, Silence, Span};
use world::{Engine, Node, Runtime, World, store::Store};

use crate::{
    broker::{BROKER, BrokerSettings, Exchange},
    effects::Effects,
    failpoints::Failpoints,
    files::Bucket,
    http::{HttpSettings, Links},
    management::Management,
    nemesis::Hand,
    runtime::{Host, Limits, Pick, Processes, lock},
    store::{Database, StoreSettings},
    telemetry::{Backend, Journal, TelemetrySettings},
};

/// How a simulated world is.
#[derive(Clone, Debug)]
pub struct Config {
    /// The root of every keyed draw.
    pub seed: u64,
    /// Which of the tasks that can run goes first.
    pub pick: Pick,
    /// What the wall clocks show at the start, in nanoseconds since the Unix epoch.
    pub epoch_ns: u64,
    /// Beyond these a run is wedged.
    pub limits: Limits,
    /// The broker.
    pub broker: BrokerSettings,
    /// All databases.
    pub store: StoreSettings,
    /// Links between services.
    pub http: HttpSettings,
    /// How long a call on the object store takes; whole milliseconds.
    pub files: Duration,
    /// Spans.
    pub telemetry: TelemetrySettings,
    /// The processor time that a task of a service takes from one wait to the next, where its processor is short. A real `crm-api` took
    /// 2.2 ms for an order, `mes-api` 0.9 ms, which are ten and thirteen turns here.
    pub turn: Duration,
}

/// 2026-01-05T00:00:00Z, a Monday.
pub const EPOCH_NS: u64 = 1_767_571_200 * 1_000_000_000;

impl Config {
    /// The defaults under a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            pick: Pick::Keyed,
            epoch_ns: EPOCH_NS,
            limits: Limits::default(),
            broker: BrokerSettings::default(),
            store: StoreSettings::default(),
            http: HttpSettings::default(),
            files: Duration::from_millis(2),
            telemetry: TelemetrySettings::default(),
            turn: Duration::from_micros(150),
        }
    }
}

/// Starts a service on a world: spawns its tasks and returns.
pub type Start = Arc<dyn Fn(World) + Send + Sync>;

/// The models. Clones are handles of the same ones.
#[derive(Clone)]
pub struct Models(pub(crate) Arc<Parts>);

/// The models, over an engine.
pub(crate) struct Parts {
    host: Arc<dyn Host>,
    processes: Box<dyn Processes>,
    turn: Duration,
    store: StoreSettings,
    pub(crate) broker: Exchange,
    databases: Mutex<BTreeMap<&'static str, Database>>,
    pub(crate) links: Links,
    pub(crate) bucket: Bucket,
    pub(crate) backend: Backend,
    pub(crate) failpoints: Failpoints,
    pub(crate) effects: Effects,
    services: Mutex<Vec<Service>>,
    throttled: Mutex<Vec<Throttled>>,
}

/// A service that has little of a processor.
struct Throttled {
    fault: Arc<str>,
    service: String,
    second_takes: Duration,
}

/// A service that was started, in its latest incarnation.
struct Service {
    node: Node,
    database: &'static str,
    start: Start,
    alive: bool,
}

impl Parts {
    pub(crate) fn new(host: &Arc<dyn Host>, config: &Config, processes: Box<dyn Processes>) -> Self {
        let effects = Effects::default();
        Self {
            host: Arc::clone(host),
            processes,
            turn: config.turn,
            store: config.store,
            broker: Exchange::new(host, config.broker, effects.clone()),
            databases: Mutex::default(),
            links: Links::new(host, config.http, effects.clone()),
            bucket: Bucket::new(host, config.files, effects.clone()),
            failpoints: Failpoints::new(host, effects.clone()),
            backend: Backend::new(host, config.epoch_ns, config.telemetry.clone()),
            effects,
            services: Mutex::default(),
            throttled: Mutex::default(),
        }
    }

    /// Lets the broker's wires have nodes die: a process that crashes in the middle of a message comes back by itself.
    pub(crate) fn connected(self) -> Arc<Self> {
        let this = Arc::new(self);
        let parts = Arc::downgrade(&this);
        this.broker.on_crash(Box::new(move |node, fault, back| {
            if let Some(parts) = parts.upgrade() {
                parts.crash(node, fault, back);
            }
        }));
        this
    }

    fn crash(self: &Arc<Self>, node: Node, fault: &Arc<str>, back: Duration) {
        self.effects.add(fault, self.wall_ns(), What::NodeKilled { node: node.to_string() }, None);
        self.kill(node, Some(fault));
        let (parts, at) = (Arc::downgrade(self), self.host.now() + back);
        let sleep = self.host.sleep_until(BROKER, at);
        let comes_back = async move {
            sleep.await;
            if let Some(parts) = parts.upgrade() {
                parts.start_again(node.service);
            }
        };
        self.host.spawn(BROKER, "comes back", Box::pin(comes_back));
    }

    pub(crate) fn wall_ns(&self) -> u64 {
        self.host.wall_ns(crate::broker::BROKER)
    }

    pub(crate) fn database(&self, name: &'static str) -> Database {
        let mut databases = lock(&self.databases);
        let new = || Database::new(&self.host, self.store, name, self.effects.clone());
        databases.entry(name).or_insert_with(new).clone()
    }

    /// A database that a service has named.
    pub(crate) fn known_database(&self, name: &str) -> Option<Database> {
        lock(&self.databases).get(name).cloned()
    }

    pub(crate) fn world(&self, node: Node, database: &'static str) -> World {
        let engine: Arc<dyn Engine> = Arc::clone(&self.host) as _;
        World {
            rt: Runtime::new(engine, node).failing(Arc::new(self.failpoints.clone())),
            broker: self.broker.port(node),
            store: self.database(database).port(node),
            files: self.bucket.port(node),
            http: self.links.port(node),
            telemetry: self.backend.port(node),
        }
    }

    pub(crate) fn start(&self, node: Node, database: &'static str, start: &Start) {
        {
            let mut services = lock(&self.services);
            services.retain(|service| (service.node.service, service.node.instance) != (node.service, node.instance));
            services.push(Service { node, database, start: Arc::clone(start), alive: true });
        }
        start(self.world(node, database));
        self.obey(node);
    }

    /// The nodes of a service that are alive.
    pub(crate) fn running(&self, service: &str) -> Vec<Node> {
        let services = lock(&self.services);
        services.iter().filter(|it| it.alive && it.node.service == service).map(|it| it.node).collect()
    }

    /// Kills a node. Its exporter closes before its futures drop.
    pub(crate) fn kill(&self, node: Node, fault: Option<&Arc<str>>) {
        for service in lock(&self.services).iter_mut().filter(|service| service.node == node) {
            service.alive = false;
        }
        self.backend.node_dies(node);
        self.links.node_died(node);
        self.broker.node_died(node, fault);
        self.processes.kill(node);
    }

    /// A service's nodes stand still, as somebody behind a connection that is cut.
    pub(crate) fn pause(&self, service: &str, fault: &Arc<str>) {
        for node in self.running(service) {
            self.effects.add(fault, self.wall_ns(), What::NodePaused { node: node.to_string() }, None);
            self.broker.pause(node, fault);
            self.links.impede(fault, node);
            self.processes.pause(node);
        }
    }

    /// Those that still run go on.
    pub(crate) fn go_on(&self, fault: &str) {
        for node in self.links.impede_no_more(fault) {
            self.broker.go_on(node, fault);
            self.processes.go_on(node);
        }
    }

    /// A second's work takes a service so long, after a restart too.
    pub(crate) fn throttle(&self, service: &str, fault: &Arc<str>, second_takes: Duration) {
        lock(&self.throttled).push(Throttled { fault: Arc::clone(fault), service: service.to_owned(), second_takes });
        for node in self.running(service) {
            self.obey(node);
        }
    }

    /// It takes a second again. That somebody waited for the processor is told.
    pub(crate) fn unthrottle(&self, fault: &str) {
        lock(&self.throttled).retain(|throttled| &*throttled.fault != fault);
        for node in self.links.impede_no_more(fault) {
            let waited_ms = u64::try_from(self.obey(node).as_millis()).unwrap_or(u64::MAX);
            if waited_ms > 0 {
                let what = What::NodeThrottled { node: node.to_string(), waited_ms };
                self.effects.add(fault, self.wall_ns(), what, None);
            }
        }
    }

    /// A node gets what the narrowest limit of its service leaves it. Says how long it has waited for more so far.
    fn obey(&self, node: Node) -> Duration {
        let limits: Vec<(Arc<str>, Duration)> = {
            let throttled = lock(&self.throttled);
            let own = throttled.iter().filter(|throttled| throttled.service == node.service);
            own.map(|throttled| (Arc::clone(&throttled.fault), throttled.second_takes)).collect()
        };
        limits.iter().for_each(|(fault, _)| self.links.impede(fault, node));
        let takes = limits.into_iter().map(|(_, takes)| takes).max();
        self.processes.throttle(node, takes.map(|takes| self.turn.mul_f64(takes.as_secs_f64())))
    }

    /// Starts the next incarnation of each dead node of a service.
    pub(crate) fn start_again(&self, service: &str) {
        let dead: Vec<(Node, &'static str, Start)> = lock(&self.services)
            .iter()
            .filter(|it| !it.alive && it.node.service == service)
            .map(|it| (it.node, it.database, Arc::clone(&it.start)))
            .collect();
        for (node, database, start) in dead {
            self.start(Node { incarnation: node.incarnation + 1, ..node }, database, &start);
        }
    }
}

/// The driver's own node.
pub const DRIVER: Node = Node::first("driver");

impl Models {
    /// The ports of one node incarnation; a database is made when it is first named.
    #[must_use]
    pub fn world(&self, node: Node, database: &'static str) -> World {
        self.0.world(node, database)
    }

    /// Starts a service; a fault that kills it starts its next incarnation the same way.
    pub fn start(&self, node: Node, database: &'static str, start: impl Fn(World) + Send + Sync + 'static) {
        let start: Start = Arc::new(start);
        self.0.start(node, database, &start);
    }

    /// Kills a node outside of any fault.
    pub fn kill(&self, node: Node) {
        self.0.kill(node, None);
    }

    /// Starts the next incarnation of each node of a service that was killed.
    pub fn start_again(&self, service: &str) {
        self.0.start_again(service);
    }

    /// A database as the driver sees it.
    #[must_use]
    pub fn store(&self, database: &'static str) -> Arc<dyn Store> {
        self.0.database(database).port(DRIVER)
    }

    /// Whoever inflicts the faults.
    #[must_use]
    pub fn nemesis(&self) -> Arc<dyn Nemesis> {
        Arc::new(Hand { parts: Arc::clone(&self.0) })
    }

    /// The broker, as an operator has it.
    #[must_use]
    pub fn management(&self) -> Management {
        Management(self.0.broker.clone())
    }

    /// The account of all messages.
    #[must_use]
    pub fn messages(&self) -> Arc<dyn MessageLog> {
        Arc::new(self.0.broker.clone())
    }

    /// Spans that have reached the backend since the last call, in the order they came.
    #[must_use]
    pub fn drain_spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        self.drain_spans_into(&mut spans);
        spans
    }

    /// Adds the spans that have reached the backend since the last call. Called again and again with the same emptied
    /// vector it needs no memory.
    pub fn drain_spans_into(&self, spans: &mut Vec<Span>) {
        self.0.backend.drain_into(spans);
    }

    /// Adds the log records that were written since the last call.
    pub fn drain_logs_into(&self, logs: &mut Vec<Log>) {
        self.0.backend.drain_logs_into(logs);
    }

    /// Lets all living nodes export what they still hold: the run is over.
    pub fn flush_spans(&self) {
        self.0.backend.flush();
    }

    /// What each node incarnation's journal says of its spans.
    #[must_use]
    pub fn journals(&self) -> Vec<Journal> {
        self.0.backend.journals()
    }

    /// What the counters of SDKs, exporters and backend tell of spans that were not passed on.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        self.0.backend.losses()
    }

    /// The looks at the broker's counters since the last call.
    #[must_use]
    pub fn take_scrapes(&self) -> Vec<Scrape> {
        self.0.broker.take_scrapes()
    }

    /// Adds what the broker's firehose showed since the last call.
    pub fn drain_passages_into(&self, passages: &mut Vec<Passage>) {
        self.0.broker.drain_passages_into(passages);
    }

    /// When nobody listened to the firehose.
    #[must_use]
    pub fn silences(&self) -> Vec<Silence> {
        self.0.broker.silences()
    }

    /// Forgets services and routers: they hold worlds, and worlds hold the engine.
    pub(crate) fn shut_down(&self) {
        let services = std::mem::take(&mut *lock(&self.0.services));
        drop(services);
        self.0.links.shut_down();
    }
}
