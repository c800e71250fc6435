//! Whoever can do to a broker what no client can: stop it, kill it, let it run short of something, lay a policy upon a queue.

use std::{sync::Arc, time::Duration};

use faults::{Fault, Resource};
use simulated::{Config, DRIVER, Models, Pumped, Simulation};
use world::{Boxed, broker::Arguments};

use super::play::Client;

/// How the broker goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// `SIGKILL`.
    Killed,
    /// Gracefully.
    Stopped,
}

/// What a policy says of a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Laid {
    pub(crate) message_ttl: Option<Duration>,
    pub(crate) max_length: Option<u32>,
}

/// A broker and what can be done to it.
pub(crate) trait Operator: Sync {
    /// A clock and a way to the broker, as it is now: after a restart it is another one.
    fn client(&self) -> Boxed<'_, Client>;

    /// Takes it down and brings it up again.
    fn restart(&self, how: Down) -> Boxed<'_, ()>;

    /// Lets it run short of something, or not any more.
    fn alarm(&self, resource: Resource, on: bool) -> Boxed<'_, ()>;

    /// Lays a policy upon a queue, or takes it away.
    fn policy<'a>(&'a self, queue: &'a str, policy: Option<Laid>) -> Boxed<'a, ()>;

    /// Throws away what waits in a queue.
    fn purge<'a>(&'a self, queue: &'a str) -> Boxed<'a, ()>;
}

/// The model.
pub(crate) struct Model {
    client: Client,
    models: Models,
}

impl Operator for Model {
    fn client(&self) -> Boxed<'_, Client> {
        Box::pin(async { self.client.clone() })
    }

    fn restart(&self, how: Down) -> Boxed<'_, ()> {
        Box::pin(async move {
            let kind = if how == Down::Killed { faults::BROKER_KILL.plain() } else { faults::BROKER_RESTART.plain() };
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

    fn purge<'a>(&'a self, queue: &'a str) -> Boxed<'a, ()> {
        Box::pin(async move { assert!(self.models.management().purge(queue).is_some(), "there is {queue}") })
    }
}

/// Runs what is to be run on a model of its own under a seed.
pub(crate) fn on_the_model<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
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
