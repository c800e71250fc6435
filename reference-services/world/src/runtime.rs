//! Clock, tasks and timers: the only way for a service to wait or to do two things at once.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::FutureExt as _;

use crate::{Boxed, Random};

/// One process of the reference system: a service, which instance of it, and how often that was started again.
///
/// A restarted instance is a new incarnation, so ids made from a node never repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The service, from a fixed set: `shop-api`, `mes`, ...
    pub service: &'static str,
    /// Counts the instances of one service from 1.
    pub instance: u16,
    /// Counts the starts of one instance from 1.
    pub incarnation: u32,
}

impl Node {
    /// The first incarnation of instance 1.
    #[must_use]
    pub const fn first(service: &'static str) -> Self {
        Self { service, instance: 1, incarnation: 1 }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.service, self.instance, self.incarnation)
    }
}

/// What a world implements so that a [`Runtime`] can be made of it. Object-safe, so worlds live in crates of their own.
pub trait Engine: Send + Sync + 'static {
    /// Monotonic time since the start of the run.
    fn now(&self) -> Duration;
    /// Wall clock of a node in nanoseconds since the Unix epoch; a fault may skew it per node.
    fn wall_ns(&self, node: Node) -> u64;
    /// Completes when the monotonic clock has reached `at`.
    fn sleep_until(&self, node: Node, at: Duration) -> Boxed<'static, ()>;
    /// Runs a task on a node; it is dropped, unfinished, when the node dies.
    fn spawn(&self, node: Node, name: &'static str, task: Boxed<'static, ()>);
    /// The seed of the run, the root of every keyed draw.
    fn seed(&self) -> u64;
}

/// A place in a service at which a world may let it fail, and what it does there.
#[derive(Clone, Copy, Debug)]
pub struct Failpoint<'a> {
    /// What the event is announced with that it is about: a routing key.
    pub key: &'a str,
    /// Names the event over all attempts.
    pub event_id: &'a str,
    /// The order.
    pub order_id: &'a str,
}

/// A world that lets services fail.
pub trait Failpoints: Send + Sync {
    /// Whether a node's commit fails that records the state of an event.
    fn fails_to_commit(&self, node: Node, at: Failpoint<'_>) -> bool;
}

/// The clock and task handle of one node.
#[derive(Clone)]
pub struct Runtime {
    engine: Arc<dyn Engine>,
    node: Node,
    failpoints: Option<Arc<dyn Failpoints>>,
}

/// Which of two raced futures was first.
#[derive(Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first one (it wins when both are ready).
    Left(A),
    /// The second one.
    Right(B),
}

/// A time-out passed before the future was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct Elapsed;

/// A spawned task's result.
pub struct Task<T>(tokio::sync::oneshot::Receiver<T>);

impl<T> Task<T> {
    /// Waits for the task; `None` when its node died first.
    pub async fn join(self) -> Option<T> {
        self.0.await.ok()
    }
}

impl Runtime {
    /// The handle of `node` on `engine`.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, node: Node) -> Self {
        Self { engine, node, failpoints: None }
    }

    /// The same in a world that lets services fail.
    #[must_use]
    pub fn failing(self, failpoints: Arc<dyn Failpoints>) -> Self {
        Self { failpoints: Some(failpoints), ..self }
    }

    /// Whether a commit fails here that records the state of an event. Where nobody lets services fail, none does.
    #[must_use]
    pub fn fails_to_commit(&self, at: Failpoint<'_>) -> bool {
        self.failpoints.as_ref().is_some_and(|failpoints| failpoints.fails_to_commit(self.node, at))
    }

    /// The node that this handle belongs to.
    #[must_use]
    pub fn node(&self) -> Node {
        self.node
    }

    /// The same engine seen from another node.
    #[must_use]
    pub fn on(&self, node: Node) -> Self {
        Self { engine: Arc::clone(&self.engine), node, failpoints: self.failpoints.clone() }
    }

    /// Monotonic time since the start of the run.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.engine.now()
    }

    /// This node's wall clock, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn wall_ns(&self) -> u64 {
        self.engine.wall_ns(self.node)
    }

    /// Waits for a while.
    pub async fn sleep(&self, duration: Duration) {
        self.engine.sleep_until(self.node, self.now() + duration).await;
    }

    /// Waits until the monotonic clock shows `at`.
    pub async fn sleep_until(&self, at: Duration) {
        self.engine.sleep_until(self.node, at).await;
    }

    /// Starts a task on this node and lets it run.
    pub fn spawn<T: Send + 'static>(&self, name: &'static str, task: impl Future<Output = T> + Send + 'static) -> Task<T> {
        let (done, result) = tokio::sync::oneshot::channel();
        // Nobody may be waiting for the result; that is no error. (An async block would hold the task twice: as what it has
        // captured and as what it awaits.)
        self.engine.spawn(self.node, name, Box::pin(task.map(move |result| drop(done.send(result)))));
        Task(result)
    }

    /// Polls both, the first one first; the other is dropped as soon as one is ready.
    pub async fn race<A, B>(&self, first: impl Future<Output = A>, second: impl Future<Output = B>) -> Either<A, B> {
        let mut first = pin!(first);
        let mut second = pin!(second);
        poll_fn(|cx| {
            if let Poll::Ready(value) = first.as_mut().poll(cx) {
                return Poll::Ready(Either::Left(value));
            }
            second.as_mut().poll(cx).map(Either::Right)
        })
        .await
    }

    /// Gives a future a limited time.
    ///
    /// # Errors
    /// [`Elapsed`] when the time has passed; the future is dropped then.
    pub async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        match self.race(future, self.sleep(limit)).await {
            Either::Left(value) => Ok(value),
            Either::Right(()) => Err(Elapsed),
        }
    }

    /// A keyed stream of draws: the same seed, purpose and entity give the same numbers, whatever else is drawn.
    #[must_use]
    pub fn random(&self, purpose: &str, entity: &str) -> Random {
        Random::new(self.engine.seed(), purpose, entity)
    }
}
