//! Whoever can do to a broker what no client can: stop it, kill it, let it run short of memory.

use std::{sync::Arc, time::Duration};

use adapters::{
    broker::RabbitMq,
    journal::Journal,
    runtime::{Epoch, TokioEngine, wall_clock_ns},
};
use containers::{Alone, Images, Limits};
use faults::{Fault, Kind};
use simulated::{Config, DRIVER, Models, Pumped, Resource, Simulation};
use world::{Boxed, Runtime};

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

/// A broker and what can be done to it.
pub(super) trait Operator: Sync {
    /// A clock and a way to the broker, as it is now: after a restart it is another one.
    fn client(&self) -> Boxed<'_, Client>;

    /// Takes it down and brings it up again.
    fn restart(&self, how: Down) -> Boxed<'_, ()>;

    /// Lets it run short of memory, or not any more.
    fn memory_alarm(&self, on: bool) -> Boxed<'_, ()>;
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

    fn memory_alarm(&self, on: bool) -> Boxed<'_, ()> {
        Box::pin(async move { self.models.management().alarm(Resource::Memory, on) })
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

    fn memory_alarm(&self, on: bool) -> Boxed<'_, ()> {
        Box::pin(async move {
            let watermark = if on { "0" } else { "0.6" };
            let said = self.ctl(&["set_vm_memory_high_watermark", watermark]).await.unwrap();
            assert!(!said.contains("rror"), "{said}");
        })
    }
}
