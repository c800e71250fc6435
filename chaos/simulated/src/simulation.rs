//! A simulated world with its executor: what an assembly makes, starts, and runs slice by slice.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

use world::{Boxed, Engine, Node};

use crate::{
    models::{Config, Models, Parts},
    runtime::{Executor, Host, Pumped, Stats, Stopped, lock},
};

/// A simulated world and the executor that runs it. The ports and the services are its [`Models`].
pub struct Simulation {
    executor: Executor,
    models: Models,
}

impl Deref for Simulation {
    type Target = Models;

    fn deref(&self) -> &Models {
        &self.models
    }
}

impl Simulation {
    /// An empty world at the start of its time.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let executor = Executor::new(config.seed, config.pick, config.epoch_ns, config.limits);
        let host: Arc<dyn Host> = Arc::new(executor.clone());
        let parts = Parts::new(&host, config, Box::new(executor.clone()));
        Self { executor, models: Models(parts.connected()) }
    }

    /// Runs a future on a node; the run is done when all such futures are.
    pub fn drive<T: Send + 'static>(
        &self,
        node: Node,
        name: &'static str,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Driven<T> {
        let result = Arc::new(Mutex::new(None));
        let (slot, executor) = (Arc::clone(&result), self.executor.clone());
        self.executor.await_one(true);
        let task: Boxed<'static, ()> = Box::pin(async move {
            let value = future.await;
            *lock(&slot) = Some(value);
            executor.await_one(false);
        });
        self.executor.spawn(node, name, task);
        Driven(result)
    }

    /// Runs at most `polls` polls, or until every driven future is done.
    ///
    /// # Errors
    /// When the run cannot get on: see [`Stopped`].
    pub fn run_for_polls(&self, polls: u64) -> Result<Pumped, Stopped> {
        self.executor.run_for_polls(polls)
    }

    /// Runs until the clock shows `at`, or until every driven future is done.
    ///
    /// # Errors
    /// When the run cannot get on: see [`Stopped`].
    pub fn run_until(&self, at: Duration) -> Result<Pumped, Stopped> {
        self.executor.run_until(at)
    }

    /// Time since the start of the run.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.executor.now()
    }

    /// Counts of what was done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.executor.stats()
    }
}

impl Drop for Simulation {
    /// Tasks hold worlds and worlds hold the engine: the circles are broken here.
    fn drop(&mut self) {
        self.models.shut_down();
        self.executor.shut_down();
    }
}

/// The result of a driven future.
pub struct Driven<T>(Arc<Mutex<Option<T>>>);

impl<T> Driven<T> {
    /// Takes the result, once it is there.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }
}
