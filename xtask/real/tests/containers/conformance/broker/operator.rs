//! Whoever can do to a broker what no client can: stop it, kill it, let it run short of something, lay a policy upon a queue.

use std::{sync::Arc, time::Duration};

use adapters::{
    broker::RabbitMq,
    journal::Journal,
    runtime::{Epoch, TokioEngine, wall_clock_ns},
};
use containers::{Alone, Images, Limits};
use faults::{Fault, Kind};
use simulated::{Config, DRIVER, Models, Pumped, Resource, Simulation};
use world::{Boxed, Runtime, broker::Arguments};

use super::play::Client;
use crate::gate;

/// How the broker goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Down {
    /// `SIGKILL`.
    Killed,
    /// Gracefully.
    Stopped,
}

/// What a policy says of a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Laid {
    pub(super) message_ttl: Option<Duration>,
    pub(super) max_length: Option<u32>,
}

/// A broker and what can be done to it.
pub(super) trait Operator: Sync {
    /// A clock and a way to the broker, as it is now: after a restart it is another one.
    fn client(&self) -> Boxed<'_, Client>;

    /// Takes it down and brings it up again.
    fn restart(&self, how: Down) -> Boxed<'_, ()>;

    /// Lets it run short of something, or not any more.
    fn alarm(&self, resource: Resource, on: bool) -> Boxed<'_, ()>;

    /// Lays a policy upon a queue, or takes it away.
    fn policy<'a>(&'a self, queue: &'a str, policy: Option<Laid>) -> Boxed<'a, ()>;
}

/// The model.
pub(super) struct Model {
    client: Client,
    models: Models,
}

impl Operator for Model {
    fn client(&self) -> Boxed<'_, Client> {
        Box::pin(async { self.client.clone() })
    }

    fn restart(&self, how: Down) -> Boxed<'_, ()> {
        Box::pin(async move {
            let kind = if how == Down::Killed { Kind::BrokerKill } else { Kind::BrokerRestart };
            let fault = Fault { name: format!("{}@1", kind.name()), kind, at: Duration::ZERO, lasts: Duration::ZERO };
            self.models.nemesis().inflict(&fault).await.unwrap();
            self.models.nemesis().lift(&fault).await.unwrap();
        })
    }

    fn alarm(&self, resource: Resource, on: bool) -> Boxed<'_, ()> {
        Box::pin(async move { self.models.management().alarm(resource, on) })
    }

    fn policy<'a>(&'a self, queue: &'a str, policy: Option<Laid>) -> Boxed<'a, ()> {
        Box::pin(async move {
            let arguments = |Laid { message_ttl, max_length }| Arguments { message_ttl, max_length, ..Arguments::NONE };
            assert!(self.models.management().set_policy(queue, policy.map(arguments)), "there is {queue}");
        })
    }
}

/// Runs what is to be run on a model of its own under a seed.
pub(super) fn on_the_model<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    seed: u64,
    run: impl FnOnce(Model) -> F,
) -> T {
    let simulation = Simulation::new(&Config::new(seed));
    let world = simulation.world(DRIVER, "db");
    let model =
        Model { client: Client { rt: world.rt.clone(), broker: Arc::clone(&world.broker) }, models: Models::clone(&simulation) };
    let driven = simulation.drive(DRIVER, "operator", run(model));
    assert_eq!(simulation.run_for_polls(50_000_000), Ok(Pumped::Done));
    driven.take().expect("it has run")
}

/// A real RabbitMQ of its own; `channel_tick`: how often a channel looks for late answers, where that is not its own minute.
pub(super) async fn alone(channel_tick: Option<Duration>) -> Alone {
    let started = Alone::start(&Images::from_environment(gate::variable), channel_tick, Limits::default()).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// Gives `rabbitmqctl` an order.
async fn done(alone: &Alone, order: &[&str]) {
    let said = alone.ctl(order).await.unwrap();
    assert!(!said.contains("rror"), "{order:?}: {said}");
}

impl Operator for Alone {
    fn client(&self) -> Boxed<'_, Client> {
        Box::pin(async {
            let url = self.url().await.unwrap();
            let engine = TokioEngine::new(tokio::runtime::Handle::current(), 1, Epoch::at(wall_clock_ns()));
            let rt = Runtime::new(engine, DRIVER);
            let broker = Arc::new(RabbitMq::new(rt.clone(), url, "x-event-id", Journal::none(rt.clone())));
            Client { rt, broker }
        })
    }

    fn restart(&self, how: Down) -> Boxed<'_, ()> {
        Box::pin(async move {
            match how {
                Down::Killed => self.kill().await.unwrap(),
                Down::Stopped => self.stop().await.unwrap(),
            }
            self.start_again().await.unwrap();
        })
    }

    fn alarm(&self, resource: Resource, on: bool) -> Boxed<'_, ()> {
        Box::pin(async move {
            let command = match (resource, on) {
                (Resource::Memory, true) => ["set_vm_memory_high_watermark", "0"],
                (Resource::Memory, false) => ["set_vm_memory_high_watermark", "0.6"],
                (Resource::Disk, true) => ["set_disk_free_limit", "999TB"],
                (Resource::Disk, false) => ["set_disk_free_limit", "50MB"],
            };
            done(self, &command).await;
        })
    }

    fn policy<'a>(&'a self, queue: &'a str, policy: Option<Laid>) -> Boxed<'a, ()> {
        Box::pin(async move {
            let Some(Laid { message_ttl, max_length }) = policy else { return done(self, &["clear_policy", queue]).await };
            let ttl = message_ttl.map(|ttl| format!("\"message-ttl\":{}", ttl.as_millis()));
            let length = max_length.map(|length| format!("\"max-length\":{length}"));
            let definition: Vec<String> = ttl.into_iter().chain(length).collect();
            let definition = format!("{{{}}}", definition.join(","));
            done(self, &["set_policy", "--apply-to", "queues", queue, &format!("^{queue}$"), &definition]).await;
        })
    }
}
