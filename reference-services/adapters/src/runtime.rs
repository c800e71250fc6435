//! Tokio and the machine's clock behind [`Runtime`](world::Runtime): the only file here that may name them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tokio::runtime::Handle;
use world::{Boxed, Engine, Node};

/// The start of a run, nanoseconds since the Unix epoch, which all its processes are told once all of them are there. Clones
/// share it.
#[derive(Clone, Debug)]
pub struct Epoch(Arc<AtomicU64>);

impl Epoch {
    /// Not known yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self::at(u64::MAX)
    }

    /// A known one.
    #[must_use]
    pub fn at(epoch_ns: u64) -> Self {
        Self(Arc::new(AtomicU64::new(epoch_ns)))
    }

    /// The run begins then.
    pub fn set(&self, epoch_ns: u64) {
        self.0.store(epoch_ns, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Real time, counted from the start of the run.
///
/// Before that moment [`Engine::now`] stays 0 and sleeps count from where the clock really is, so that a service which starts
/// early can wait for its broker as it would later.
pub struct TokioEngine {
    handle: Handle,
    seed: u64,
    epoch: Epoch,
    /// The wall clock and the monotonic one at the same moment: from then on only the monotonic one is asked.
    wall_ns: u64,
    since: Instant,
}

impl TokioEngine {
    /// An engine on the runtime behind `handle`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the world that asks the machine")]
    pub fn new(handle: Handle, seed: u64, epoch: Epoch) -> Arc<Self> {
        Arc::new(Self { handle, seed, epoch, wall_ns: wall_clock_ns(), since: Instant::now() })
    }

    fn wall(&self) -> u64 {
        self.wall_ns + nanos(self.since.elapsed())
    }
}

/// The machine's wall clock in nanoseconds since the Unix epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the world that asks the machine")]
pub fn wall_clock_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanos)
}

/// A duration in nanoseconds; 584 years at most.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Engine for TokioEngine {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.wall().saturating_sub(self.epoch.get()))
    }

    fn wall_ns(&self, _node: Node) -> u64 {
        self.wall()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the engine that the ban points to")]
    fn sleep_until(&self, _node: Node, at: Duration) -> Boxed<'static, ()> {
        let left = at.saturating_sub(self.now());
        Box::pin(async move {
            if !left.is_zero() {
                tokio::time::sleep(left).await;
            }
        })
    }

    fn spawn(&self, _node: Node, _name: &'static str, task: Boxed<'static, ()>) {
        self.handle.spawn(task);
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::Runtime;

    fn runtime(epoch_ns: u64) -> (tokio::runtime::Runtime, Runtime) {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let engine = TokioEngine::new(tokio.handle().clone(), 1, Epoch::at(epoch_ns));
        (tokio, Runtime::new(engine, Node::first("shop-api")))
    }

    #[test]
    fn time_counts_from_the_start_of_the_run() {
        let hour = Duration::from_secs(3600);
        let (_tokio, rt) = runtime(wall_clock_ns() - nanos(hour));
        assert!(rt.now() >= hour && rt.now() < hour + Duration::from_mins(1));
        assert!(rt.wall_ns().abs_diff(wall_clock_ns()) < 1_000_000_000);
    }

    #[test]
    fn time_stands_still_until_the_run_begins() {
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let epoch = Epoch::unknown();
        let rt = Runtime::new(TokioEngine::new(tokio.handle().clone(), 1, epoch.clone()), Node::first("shop-api"));
        assert_eq!(rt.now(), Duration::ZERO);
        epoch.set(wall_clock_ns() - nanos(Duration::from_secs(3600)));
        // The two clocks are read at two moments.
        assert!(rt.now() >= Duration::from_secs(3599));
    }

    #[test]
    fn a_sleep_before_the_start_of_the_run_takes_no_longer() {
        let (tokio, rt) = runtime(wall_clock_ns() + nanos(Duration::from_secs(3600)));
        assert_eq!(rt.now(), Duration::ZERO);
        let before = rt.wall_ns();
        tokio.block_on(rt.sleep(Duration::from_millis(30)));
        let slept = rt.wall_ns() - before;
        assert!((30_000_000..3_000_000_000).contains(&slept), "{slept}");
    }

    #[test]
    fn a_task_gives_its_result_back() {
        let (tokio, rt) = runtime(0);
        assert_eq!(tokio.block_on(rt.spawn("sum", async { 1 + 1 }).join()), Some(2));
    }
}
