//! A simulated world with some services in it, for the tests of each of them. The tests play the rest themselves.
#![allow(dead_code, clippy::allow_attributes, reason = "no test file needs all of it")]

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use chassis::{Service, StartError};
use contracts::{
    Architecture, OrderEvent, Settings, Status,
    attributes::STATUS_CHANGED,
    message::{EVENT_ID_HEADER, EXCHANGE, TOPOLOGY, routing_key},
    request::{Health, Step},
    settings::{PartnerLimits, PricingTimes},
    tables::Transition,
};
use faults::{Fault, Kind, MessageFate};
use http::{Request, Response};
use opentelemetry::trace::Status as SpanStatus;
use serde::Serialize;
use signals::{
    Log, Span,
    span::{integer, text},
};
use simulated::{Config, DRIVER, Instrumentation, Simulation};
use world::{
    Node, Task, World,
    broker::{Headers, Message, Publish},
    record::{self, Record},
    store::{Scan, Store},
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A world with some services.
pub(crate) struct Rig {
    pub(crate) sim: Simulation,
    pub(crate) settings: Arc<Settings>,
    spans: Vec<Span>,
    sent: u32,
}

/// Settings with short waits.
pub(crate) fn settings(architecture: Architecture) -> Settings {
    Settings {
        architecture,
        pricing: PricingTimes { mean: 2 * MINUTE, max: 30 * MINUTE, trouble: Vec::new() },
        partner: PartnerLimits { model_bytes: 1 << 20 },
        poll: SECOND,
        reconnect: 5 * SECOND,
        confirm_timeout: 5 * SECOND,
        early_event: (10 * SECOND, 3),
    }
}

impl Rig {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::of(settings, true)
    }

    /// Without telemetry: nothing else may differ.
    pub(crate) fn untraced(settings: Settings) -> Self {
        Self::of(settings, false)
    }

    fn of(settings: Settings, traced: bool) -> Self {
        let mut config = Config::new(42);
        config.telemetry.instrument = Arc::new(move |_| Instrumentation { traced, propagate: traced, logged: traced });
        Self { sim: Simulation::new(&config), settings: Arc::new(settings), spans: Vec::new(), sent: 0 }
    }

    /// Starts a service, and starts it again after a kill. Gives its first incarnation.
    pub(crate) fn start<F>(
        &self,
        service: &'static str,
        database: &'static str,
        start: impl Fn(World, Arc<Settings>) -> F + Send + Sync + 'static,
    ) -> Arc<Service>
    where
        F: Future<Output = Result<Arc<Service>, StartError>> + Send + 'static,
    {
        let settings = Arc::clone(&self.settings);
        let first = Arc::new(OnceLock::new());
        let slot = Arc::clone(&first);
        self.sim.start(Node::first(service), database, move |world| {
            let (rt, slot) = (world.rt.clone(), Arc::clone(&slot));
            let started = start(world, Arc::clone(&settings));
            drop(rt.spawn("start", async move { drop(slot.set(started.await.expect("the service starts"))) }));
        });
        self.pass(SECOND);
        first.get().cloned().expect("it has started")
    }

    /// Begins to stop a service.
    pub(crate) fn stop(&self, service: &Arc<Service>, grace: Duration) -> Task<bool> {
        let stopping = Arc::clone(service);
        self.sim.world(DRIVER, "driver").rt.spawn("stop", async move { stopping.stop(grace).await })
    }

    /// Waits until a service has stopped. True when all that it was at has finished.
    pub(crate) fn stopped(&self, stopping: Task<bool>) -> bool {
        self.drive(stopping.join()).expect("whoever stops it lives")
    }

    /// Starts the next incarnation of a service.
    pub(crate) fn start_again(&self, service: &'static str) {
        let fault = self.inflict(faults::CONSUMER_KILL.with("service", service));
        self.lift(fault);
        self.pass(SECOND);
    }

    /// Asks a service how it is: the status of the answer, and what it says.
    pub(crate) fn health(&self, service: &'static str, path: &str) -> (u16, Health) {
        let answer = self.call(service, "GET", path, "");
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).expect("it says how it is"))
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        let rt = self.sim.world(DRIVER, "driver").rt;
        self.drive(async move { rt.sleep(time).await });
    }

    /// Runs a future to its end.
    pub(crate) fn drive<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        let driven = self.sim.drive(DRIVER, "test", future);
        self.sim.run_for_polls(10_000_000).expect("the run gets on");
        driven.take().expect("the run ends")
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call(&self, service: &'static str, method: &str, path: &str, body: impl Into<Bytes>) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(path).body(body.into()).expect("it is a request");
        let http = self.sim.world(DRIVER, "driver").http;
        self.drive(async move { http.call(service, request).await.expect("there is an answer") })
    }

    /// Sends a step and waits for its status.
    pub(crate) fn step(&self, service: &'static str, path: &str, event_id: &str) -> u16 {
        let body = json(&Step { event_id: event_id.into(), by: "somebody".into() });
        self.call(service, "POST", path, body).status().as_u16()
    }

    /// Publishes what the service at the other end would.
    pub(crate) fn publish(&mut self, event: &OrderEvent, event_id: &str) {
        self.sent += 1;
        let mut headers = Headers::default();
        headers.set(EVENT_ID_HEADER, event_id);
        let message = Message {
            exchange: EXCHANGE.into(),
            routing_key: routing_key(event.status).expect("it is announced").into(),
            message_id: format!("test-{}", self.sent).into(),
            correlation_id: event.order_id.as_ref().into(),
            timestamp_s: 0,
            persistent: true,
            expiration: None,
            priority: None,
            headers,
            deaths: Vec::new(),
            body: event.to_bytes(),
        };
        let broker = self.sim.world(DRIVER, "driver").broker;
        self.drive(async move {
            let channel = broker.connect().await.expect("the broker is up");
            channel.declare(&TOPOLOGY).await.expect("queues can be made");
            channel.publish(message, Publish { confirm: true, mandatory: true }).await.expect("it is taken");
        });
    }

    /// Begins a fault; returns it, to be lifted.
    pub(crate) fn inflict(&self, kind: Kind) -> Fault {
        let fault = Fault { name: format!("{}@1", kind.name()), kind, at: self.sim.now(), lasts: MINUTE };
        let (nemesis, inflicted) = (self.sim.nemesis(), fault.clone());
        self.drive(async move { nemesis.inflict(&inflicted).await.expect("it can be inflicted") });
        fault
    }

    /// Ends a fault.
    pub(crate) fn lift(&self, fault: Fault) {
        let nemesis = self.sim.nemesis();
        self.drive(async move { nemesis.lift(&fault).await.expect("it can be lifted") });
    }

    /// All rows of a table.
    pub(crate) fn rows<R: Record + 'static>(&self, database: &'static str) -> Vec<R> {
        let store = self.sim.store(database);
        self.drive(async move { all::<R>(&*store).await })
    }

    /// Writes a row that another service would have written.
    pub(crate) fn write<R: Record + Sync + 'static>(&self, database: &'static str, row: R) {
        let store = self.sim.store(database);
        self.drive(async move {
            let mut tx = record::begin(&*store).await.expect("the database is up");
            record::insert(&mut *tx, &row).await.expect("it is new");
            tx.commit().await.expect("it can be committed");
        });
    }

    /// The history of all orders in a database: `FROM>TO v event`.
    pub(crate) fn history(&self, database: &'static str) -> Vec<String> {
        let line = |row: &Transition| {
            format!("{}>{} {} {}", row.from_status.as_deref().unwrap_or(""), row.to_status, row.version, row.event_id)
        };
        self.rows::<Transition>(database).iter().map(line).collect()
    }

    /// The account of all messages.
    pub(crate) fn fates(&self) -> Vec<MessageFate> {
        let messages = self.sim.messages();
        self.drive(async move { messages.fates().await })
    }

    /// All spans so far.
    pub(crate) fn spans(&mut self) -> &[Span] {
        self.sim.flush_spans();
        self.spans.extend(self.sim.drain_spans());
        &self.spans
    }

    /// The errors in the logs since this was last asked: `service ACTION error.type order`.
    pub(crate) fn errors(&self) -> Vec<String> {
        let mut logs = Vec::new();
        self.sim.drain_logs_into(&mut logs);
        let word = |log: &Log, key| text(&log.fields, key).unwrap_or("-").to_owned();
        let line = |log: &Log| {
            let (service, action) = (&log.resource.service, &log.action);
            format!("{service} {action} {} {}", word(log, "error.type"), word(log, "order.id"))
        };
        logs.iter().filter(|log| log.level == "ERROR").map(line).collect()
    }

    /// The spans of a name, oldest first.
    pub(crate) fn named(&mut self, name: &str) -> Vec<Span> {
        let mut spans: Vec<_> = self.spans().iter().filter(|span| span.name == name).cloned().collect();
        spans.sort_by_key(|span| span.start_ns);
        spans
    }

    /// What holds for the spans of any run: no parent is missing, nothing hangs in the air, each transition's event equals
    /// its row.
    pub(crate) fn check_spans(&mut self, databases: &[(&'static str, &'static [&'static str])]) {
        let rows: Vec<_> = databases.iter().map(|(database, services)| (self.rows::<Transition>(database), *services)).collect();
        let spans = self.spans();
        let known: BTreeSet<_> = spans.iter().map(|span| (span.trace_id.to_bytes(), span.span_id.to_bytes())).collect();
        for span in spans {
            let root = span.parent_span_id == opentelemetry::SpanId::INVALID;
            assert!(
                root || known.contains(&(span.trace_id.to_bytes(), span.parent_span_id.to_bytes())),
                "{} has lost its parent",
                span.name
            );
            let error = matches!(span.status, SpanStatus::Error { .. });
            assert_eq!(error, text(&span.attributes, "error.type").is_some(), "{}", span.name);
            let mut keys: Vec<_> = span.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
            keys.sort_unstable();
            assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{} says something twice: {keys:?}", span.name);
        }
        for (rows, services) in rows {
            let mut told: Vec<_> = spans
                .iter()
                .filter(|span| services.contains(&&*span.resource.service))
                .flat_map(|span| &span.events)
                .filter(|event| event.name == STATUS_CHANGED)
                .map(|event| {
                    let word = |key| text(&event.attributes, key).map(str::to_owned);
                    (event.time_ns, word("from"), word("to"), integer(&event.attributes, "version"), word("event_id"))
                })
                .collect();
            let mut done: Vec<_> = rows
                .iter()
                .map(|row| {
                    let from = row.from_status.as_deref().map(str::to_owned);
                    let (to, event_id) = (row.to_status.to_string(), row.event_id.to_string());
                    (row.at_ns.unsigned_abs(), from, Some(to), Some(row.version), Some(event_id))
                })
                .collect();
            told.sort();
            done.sort();
            assert_eq!(told, done);
        }
    }
}

async fn all<R: Record>(store: &dyn Store) -> Vec<R> {
    let mut tx = record::begin(store).await.expect("the database is up");
    let rows = record::scan::<R>(&mut *tx, Scan::default()).await.expect("the table is there");
    rows.into_iter().map(|(row, _)| row).collect()
}

pub(crate) fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("it is JSON").into()
}

/// An event as the other side would tell it.
pub(crate) fn event(status: Status) -> OrderEvent {
    OrderEvent {
        order_id: "o-1".into(),
        order_ref: "c-1".into(),
        client_type: "retail".into(),
        customer: "u-1".into(),
        status,
        version: status as i64 + 1,
        file_ref: Some("models/o-1".into()),
        file_size: Some(4),
        price: (status == Status::PriceCalculated).then_some(4200),
        operator: None,
    }
}

/// Whether a span failed, and how.
pub(crate) fn failure(span: &Span) -> Option<&str> {
    text(&span.attributes, "error.type")
}
