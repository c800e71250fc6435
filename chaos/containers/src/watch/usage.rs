//! What each part of the stack uses of the machine, and the harness itself: the engine's own figures, asked for again and again.

use std::{
    fs,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adapters::runtime::wall_clock_ns;
use futures_util::{StreamExt as _, future::join_all};
use signals::usage::{Look, Usage};
use testcontainers::bollard::{Docker, models::ContainerStatsResponse, query_parameters::StatsOptionsBuilder};
use world::Runtime;

use crate::stack::{Member, Stack};

/// Between two looks: seldom enough to cost nothing, often enough to see a burst.
const EVERY: Duration = Duration::from_secs(2);
/// What the harness is called.
const HARNESS: &str = "loupe";
/// Linux counts processor time in hundredths of a second (`USER_HZ`, proc(5)).
const TICK_NS: u64 = 10_000_000;

/// Whoever looks. Ends with [`Meter::end`], or when it is dropped.
pub struct Meter {
    read: Arc<Read>,
}

struct Read {
    over: AtomicBool,
    /// The containers, then the processes.
    usage: Mutex<Vec<Usage>>,
    /// Numbers of processes, as `/proc` has them.
    processes: Mutex<Vec<String>>,
}

impl Read {
    /// Adds one look at each container, in their order, and at each process.
    fn add(&self, mut looks: Vec<Option<Look>>) {
        looks.extend(lock(&self.processes).iter().map(|number| process(number)));
        lock(&self.usage).iter_mut().zip(looks).for_each(|(usage, look)| usage.looks.extend(look));
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unseen(part: &str, shared: bool) -> Usage {
    Usage { part: part.to_owned(), shared, looks: Vec::new() }
}

impl Meter {
    /// Looks at every part of a stack until it is told to end.
    #[must_use]
    pub fn start(stack: &Stack, rt: &Runtime) -> Self {
        let members = stack.members();
        let all = members.iter().map(|member| unseen(&member.part, member.shared)).chain([unseen(HARNESS, false)]);
        let (usage, processes) = (Mutex::new(all.collect()), Mutex::new(vec!["self".to_owned()]));
        let read = Arc::new(Read { over: AtomicBool::new(false), usage, processes });
        let (docker, rt, seen) = (stack.docker(), rt.clone(), Arc::clone(&read));
        drop(rt.clone().spawn("usage", async move {
            while !seen.over.load(Ordering::Acquire) {
                seen.add(join_all(members.iter().map(|member| look(&docker, member))).await);
                rt.sleep(EVERY).await;
            }
        }));
        Self { read }
    }

    /// Looks at a process of the harness too.
    pub fn also(&self, part: &str, process: u32) {
        lock(&self.read.usage).push(unseen(part, false));
        lock(&self.read.processes).push(process.to_string());
    }

    /// All that was seen.
    #[must_use]
    pub fn end(self) -> Vec<Usage> {
        self.read.over.store(true, Ordering::Release);
        std::mem::take(&mut *lock(&self.read.usage))
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.read.over.store(true, Ordering::Release);
    }
}

/// `None` while the part is not running.
async fn look(docker: &Docker, member: &Member) -> Option<Look> {
    let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
    let mut answers = std::pin::pin!(docker.stats(&member.container, Some(options)));
    let answer = answers.next().await?.ok()?;
    shown(&answer, wall_clock_ns())
}

/// A stopped container answers with zeroes.
fn shown(answer: &ContainerStatsResponse, at_ns: u64) -> Option<Look> {
    let cpu_ns = answer.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage.filter(|total| *total > 0)?;
    let memory = answer.memory_stats.as_ref()?;
    // Files that the kernel keeps only because there is room: `inactive_file` with control groups 2, `total_inactive_file` with 1.
    let named = |name: &str| memory.stats.as_ref().and_then(|stats| stats.get(name).copied());
    let idle = named("inactive_file").or_else(|| named("total_inactive_file")).unwrap_or(0);
    Some(Look { at_ns, cpu_ns, memory_bytes: memory.usage?.saturating_sub(idle) })
}

/// A process of the harness; `None` where the system does not say.
fn process(number: &str) -> Option<Look> {
    let read = |what: &str| fs::read_to_string(format!("/proc/{number}/{what}")).ok();
    let (stat, status) = (read("stat")?, read("status")?);
    Some(Look { at_ns: wall_clock_ns(), cpu_ns: processor_ns(&stat)?, memory_bytes: resident_bytes(&status)? })
}

/// User and system time of a process: the 14th and 15th field of `/proc/<pid>/stat`. Its name, the second one, may hold anything.
fn processor_ns(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks * TICK_NS)
}

/// `VmRSS` of `/proc/<pid>/status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Option<Look> {
        shown(&serde_json::from_str(text).unwrap(), 7)
    }

    #[test]
    fn memory_that_the_kernel_would_give_back_is_not_counted() {
        let seen = |stats: &str| {
            let text = r#"{"cpu_stats":{"cpu_usage":{"total_usage":5}},"memory_stats":{"usage":100,"stats":STATS}}"#;
            answer(&text.replace("STATS", stats)).unwrap()
        };
        assert_eq!(seen(r#"{"inactive_file":30}"#), Look { at_ns: 7, cpu_ns: 5, memory_bytes: 70 });
        assert_eq!(seen(r#"{"total_inactive_file":40}"#).memory_bytes, 60);
        assert_eq!(seen("{}").memory_bytes, 100);
    }

    #[test]
    fn a_container_that_does_not_run_uses_nothing_that_could_be_told() {
        assert_eq!(answer(r#"{"cpu_stats":{"cpu_usage":{"total_usage":0}},"memory_stats":{}}"#), None);
        assert_eq!(answer("{}"), None);
    }

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 12 3 0 0 20 0 1 0 5 0 0";
        assert_eq!(processor_ns(stat), Some(15 * TICK_NS));
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    12 kB\n"), Some(12 * 1024));
        assert!(process("self").is_some_and(|look| look.memory_bytes > 1 << 20));
    }
}
