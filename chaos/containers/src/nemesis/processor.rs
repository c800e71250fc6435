//! Services that stand still, or get little of a processor: their containers are paused, or have a quota.
//!
//! The kernel gives a control group its quota anew in each period, and lets it run no further in that period once it is used up.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use adapters::runtime::wall_clock_ns;
use faults::{Effect, What};
use futures_util::StreamExt as _;
use testcontainers::bollard::{Docker, models::ContainerUpdateBody, query_parameters::StatsOptionsBuilder};

use crate::Error;

/// A period, and the least quota that the kernel takes, microseconds (sched-bwc.rst: 1 ms; a period is 1 s at most).
const PERIOD_US: i64 = 1_000_000;
const LEAST_US: i64 = 1_000;
/// No quota.
const UNLIMITED: i64 = -1;

/// What faults have done to the processors of services.
#[derive(Default)]
pub(super) struct Processors {
    held: Mutex<Held>,
    told: Mutex<Vec<Effect>>,
}

#[derive(Default)]
struct Held {
    /// Container by fault.
    paused: BTreeMap<String, String>,
    /// Container by fault, with how long it takes there for a second's work, and how long it had waited before, nanoseconds.
    throttled: BTreeMap<String, (String, Duration, u64)>,
}

impl Held {
    fn is_paused(&self, container: &str) -> bool {
        self.paused.values().any(|paused| paused == container)
    }

    /// The quota of a container: the least of those that faults want.
    fn quota(&self, container: &str) -> i64 {
        let wanted = self.throttled.values().filter(|(throttled, ..)| throttled == container).map(|(_, takes, _)| *takes);
        wanted.max().map_or(UNLIMITED, quota_us)
    }
}

impl Processors {
    /// A container stands still.
    pub(super) async fn pause(&self, docker: &Docker, fault: &str, container: &str) -> Result<(), Error> {
        let first = {
            let mut held = lock(&self.held);
            let first = !held.is_paused(container);
            held.paused.insert(fault.to_owned(), container.to_owned());
            first
        };
        if first {
            docker.pause_container(container).await?;
        }
        Ok(())
    }

    /// It goes on, unless another fault has it stand still, or one has killed it meanwhile.
    pub(super) async fn go_on(&self, docker: &Docker, fault: &str) -> Result<(), Error> {
        let last = {
            let mut held = lock(&self.held);
            held.paused.remove(fault).filter(|container| !held.is_paused(container))
        };
        let Some(container) = last else { return Ok(()) };
        let stands = docker.inspect_container(&container, None).await?.state.and_then(|state| state.paused);
        if stands == Some(true) {
            docker.unpause_container(&container).await?;
        }
        Ok(())
    }

    /// A container gets so little that it takes so long for a second's work.
    pub(super) async fn throttle(&self, docker: &Docker, fault: &str, (container, takes): (&str, Duration)) -> Result<(), Error> {
        let before_ns = waited_ns(docker, container).await;
        lock(&self.held).throttled.insert(fault.to_owned(), (container.to_owned(), takes, before_ns));
        self.obey(docker, container).await
    }

    /// It gets what it needs. What it had to wait for meanwhile is told; `node` is the process.
    pub(super) async fn free(&self, docker: &Docker, fault: &str, node: String) -> Result<(), Error> {
        let Some((container, _, before_ns)) = lock(&self.held).throttled.remove(fault) else { return Ok(()) };
        let now_ns = waited_ns(docker, &container).await;
        // A process that was started anew has waited since then.
        let waited_ms = now_ns.checked_sub(before_ns).unwrap_or(now_ns) / 1_000_000;
        if waited_ms > 0 {
            let what = What::NodeThrottled { node, waited_ms };
            let effect = Effect { fault: fault.to_owned(), at_ns: wall_clock_ns(), what, order_id: None, hop: None };
            lock(&self.told).push(effect);
        }
        self.obey(docker, &container).await
    }

    /// What processes had to wait for so far.
    pub(super) fn effects(&self) -> Vec<Effect> {
        lock(&self.told).clone()
    }

    async fn obey(&self, docker: &Docker, container: &str) -> Result<(), Error> {
        let quota = lock(&self.held).quota(container);
        let update =
            ContainerUpdateBody { cpu_period: Some(PERIOD_US), cpu_quota: Some(quota), ..ContainerUpdateBody::default() };
        Ok(docker.update_container(container, update).await?)
    }
}

/// What of a period is a service's so that a second's work takes it so long. The kernel gives no less than a thousandth.
fn quota_us(second_takes: Duration) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a period is far less than 2^63 microseconds")]
    let quota = (PERIOD_US as f64 / second_takes.as_secs_f64()) as i64;
    quota.max(LEAST_US)
}

/// How long a container was kept from the processor since it was started, nanoseconds; 0 where the engine does not say.
async fn waited_ns(docker: &Docker, container: &str) -> u64 {
    let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
    let mut answers = std::pin::pin!(docker.stats(container, Some(options)));
    let stats = answers.next().await.and_then(Result::ok).and_then(|answer| answer.cpu_stats);
    stats.and_then(|cpu| cpu.throttling_data?.throttled_time).unwrap_or(0)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_the_part_of_a_second_that_a_seconds_work_may_have() {
        let quota = |seconds| quota_us(Duration::from_secs_f64(seconds));
        assert_eq!([quota(100.0), quota(4.0), quota(0.5), quota(1e6)], [10_000, 250_000, 2_000_000, LEAST_US]);
    }

    #[test]
    fn of_two_limits_the_narrower_one_holds() {
        let mut held = Held::default();
        for (fault, seconds) in [("a", 10), ("b", 20)] {
            held.throttled.insert(fault.into(), ("mes".into(), Duration::from_secs(seconds), 0));
        }
        assert_eq!((held.quota("mes"), held.quota("crm")), (50_000, UNLIMITED));
        held.throttled.remove("b");
        assert_eq!(held.quota("mes"), 100_000);
    }
}
