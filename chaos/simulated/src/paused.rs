//! The models over tokio's paused clock: the oracle of the own executor.
//!
//! With [`crate::Pick::Fifo`] both engines must give the same trace. Tasks run unconstrained, because tokio's budget would
//! change their order. No node can be killed, paused or throttled here, and a deadlock waits for ever.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    task::coop::unconstrained,
    time::Instant,
};
use world::{
    Boxed, Engine, Node,
    random::{mix, name as hash},
};

use crate::{
    models::{Config, Models, Parts},
    runtime::{Host, Processes, lock},
};

/// tokio's clock and tasks behind the port.
struct Paused {
    seed: u64,
    epoch_ns: u64,
    handle: Handle,
    start: Instant,
    current: Arc<AtomicU64>,
    named: Mutex<BTreeMap<(Node, &'static str), u64>>,
}

/// Makes the models over a paused clock and runs a future on a node of theirs.
///
/// # Errors
/// When tokio's runtime cannot be made, or the future panicked.
pub fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    config: &Config,
    node: Node,
    name: &'static str,
    make: impl FnOnce(&Models) -> F,
) -> std::io::Result<T> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let entered = runtime.enter();
    let engine = Paused {
        seed: config.seed,
        epoch_ns: config.epoch_ns,
        handle: runtime.handle().clone(),
        start: Instant::now(),
        current: Arc::default(),
        named: Mutex::default(),
    };
    drop(entered);
    let host: Arc<dyn Host> = Arc::new(engine);
    let models = Models(Arc::new(Parts::new(&host, config, Box::new(Untouched))));
    let (done, result) = std::sync::mpsc::channel();
    let future = make(&models);
    let finished = Arc::new(tokio::sync::Notify::new());
    let notify = Arc::clone(&finished);
    let task = Box::pin(async move {
        // The receiver outlives the runtime.
        drop(done.send(future.await));
        notify.notify_one();
    });
    host.spawn(node, name, task);
    runtime.block_on(unconstrained(finished.notified()));
    models.shut_down();
    drop(runtime);
    result.try_recv().map_err(std::io::Error::other)
}

/// Processes of which none dies or stands still here.
struct Untouched;

impl Processes for Untouched {
    fn kill(&self, _: Node) {}

    fn pause(&self, _: Node) {}

    fn go_on(&self, _: Node) {}

    fn throttle(&self, _: Node, _: Option<Duration>) -> Duration {
        Duration::ZERO
    }
}

impl Engine for Paused {
    fn now(&self) -> Duration {
        let _entered = self.handle.enter();
        Instant::now() - self.start
    }

    fn wall_ns(&self, _node: Node) -> u64 {
        self.epoch_ns + u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sleep_until(&self, _node: Node, at: Duration) -> Boxed<'static, ()> {
        let _entered = self.handle.enter();
        Box::pin(tokio::time::sleep_until(self.start + at))
    }

    fn spawn(&self, node: Node, name: &'static str, mut task: Boxed<'static, ()>) {
        let id = {
            let mut named = lock(&self.named);
            let before = named.entry((node, name)).or_default();
            *before += 1;
            mix(mix(hash(&node.to_string()) ^ hash(name)) ^ *before)
        };
        let current = Arc::clone(&self.current);
        let task = poll_fn(move |cx| {
            current.store(id, Relaxed);
            task.as_mut().poll(cx)
        });
        drop(self.handle.spawn(unconstrained(task)));
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

impl Host for Paused {
    fn current_task(&self) -> u64 {
        self.current.load(Relaxed)
    }
}
