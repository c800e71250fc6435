//! Tokio and the machine's clock behind [`Runtime`](world::Runtime): the only file here that may name them.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::runtime::Handle;
use world::{Boxed, Engine, Node};

/// Real time, counted from the start of the run, which all processes of a run are told.
///
/// Before that moment [`Engine::now`] stays 0 and sleeps count from where the clock really is, so that a service which starts
/// early can wait for its broker as it would later.
pub struct TokioEngine {
    handle: Handle,
    seed: u64,
    epoch_ns: u64,
    /// The wall clock and the monotonic one at the same moment: from then on only the monotonic one is asked.
    wall_ns: u64,
    since: Instant,
}

impl TokioEngine {
    /// An engine on the runtime behind `handle`; `epoch_ns` is the start of the run in nanoseconds since the Unix epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the world that asks the machine")]
    pub fn new(handle: Handle, seed: u64, epoch_ns: u64) -> Arc<Self> {
        Arc::new(Self { handle, seed, epoch_ns, wall_ns: wall_clock_ns(), since: Instant::now() })
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
        Duration::from_nanos(self.wall().saturating_sub(self.epoch_ns))
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
        let engine = TokioEngine::new(tokio.handle().clone(), 1, epoch_ns);
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
