//! The own single-thread executor: virtual time, tasks of nodes, and an order of execution that the seed decides.
//!
//! Time stands still while anything can run; then it jumps to the next timer. Among the tasks that can run, the one with
//! the smallest keyed hash of (seed, task, how often it was woken) goes first, so that seeds explore orderings, or the one
//! that was woken first ([`Pick::Fifo`]: the order that tokio's paused clock has).

pub mod gate;
pub mod stopped;
mod tasks;
mod timers;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use world::{
    Boxed, Engine, Node,
    random::{mix, name},
};

pub use gate::Processes;
pub use stopped::{Pumped, Stopped};
use tasks::{Nodes, Ready, Task};
use timers::{Sleep, Timers};

/// What the models need of an engine besides the port.
pub trait Host: Engine {
    /// Names the task that is being polled: the same in each run of a seed, 0 outside of any.
    fn current_task(&self) -> u64;

    /// Lets the clock show `at`, if nothing at all can happen before: the task that is being polled need not go to sleep.
    /// `false`: it must.
    fn leap(&self, _at: Duration) -> bool {
        false
    }
}

/// Lets a machine's short time pass: a round trip, a way through the network. Most of the time nothing else happens
/// meanwhile, and a task that need not sleep costs nothing to wake.
///
/// Time then passes within a poll, so this is for what a task waits for one thing at a time: [`Runtime::race`] measures its
/// second future from where the first one came to.
///
/// [`Runtime::race`]: world::Runtime::race
pub(crate) async fn spend(host: &Arc<dyn Host>, node: Node, time: Duration) {
    let at = host.now() + time;
    if !host.leap(at) {
        host.sleep_until(node, at).await;
    }
}

/// So often a task may leap within one poll: whoever looks at the run between two polls must not wait for ever.
const LEAPS: u64 = 256;

/// Which of the tasks that can run goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The one with the smallest hash under the seed.
    Keyed,
    /// The one that was woken first.
    Fifo,
}

/// Limits beyond which a run is called wedged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Polls without time advancing.
    pub polls_per_instant: u64,
    /// Virtual time since the start of the run.
    pub virtual_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { polls_per_instant: 2_000_000, virtual_time: Duration::from_secs(20 * 365 * 86_400) }
    }
}

/// What the executor has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tasks polled.
    pub polls: u64,
    /// Timers fired.
    pub timers: u64,
    /// Tasks spawned.
    pub tasks: u64,
}

/// The executor. Clones are handles of the same one.
#[derive(Clone)]
pub struct Executor(Arc<Inner>);

struct Inner {
    seed: u64,
    epoch_ns: u64,
    limits: Limits,
    now_ns: AtomicU64,
    current: AtomicU64,
    awaited: AtomicU64,
    polls: AtomicU64,
    fired: AtomicU64,
    /// So many nodes have a gate.
    gates: AtomicU64,
    /// How often the task that is being polled may still leap.
    leaps: AtomicU64,
    /// No leap goes beyond: the end of the slice, or of what a run may last.
    horizon: AtomicU64,
    ready: Arc<Mutex<Ready>>,
    timers: Mutex<Timers>,
    nodes: Mutex<Nodes>,
}

/// Nothing that panics while it holds a lock leaves it half changed in a way that matters: the run is over then.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts. One thread runs everything: it need not fear that another one counts at the same time.
fn count(counter: &AtomicU64, more: u64) -> u64 {
    let before = counter.load(Relaxed);
    counter.store(before + more, Relaxed);
    before
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Executor {
    /// An executor whose wall clocks show `epoch_ns` at the start of the run.
    #[must_use]
    pub fn new(seed: u64, pick: Pick, epoch_ns: u64, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            seed,
            epoch_ns,
            limits,
            now_ns: AtomicU64::new(0),
            current: AtomicU64::new(0),
            awaited: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            fired: AtomicU64::new(0),
            gates: AtomicU64::new(0),
            leaps: AtomicU64::new(0),
            horizon: AtomicU64::new(0),
            ready: Arc::new(Mutex::new(Ready::new(pick, mix(seed ^ name("pick"))))),
            timers: Mutex::new(Timers::default()),
            nodes: Mutex::new(Nodes::default()),
        }))
    }

    /// Counts of what was done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let tasks = lock(&self.0.nodes).spawned;
        Stats { polls: self.0.polls.load(Relaxed), timers: self.0.fired.load(Relaxed), tasks }
    }

    /// The run waits for one more future, or for one less.
    pub(crate) fn await_one(&self, more: bool) {
        if more {
            self.0.awaited.fetch_add(1, Relaxed);
        } else {
            self.0.awaited.fetch_sub(1, Relaxed);
        }
    }

    /// Whether the node has not been killed.
    #[must_use]
    pub fn alive(&self, node: Node) -> bool {
        lock(&self.0.nodes).alive(node)
    }

    /// Kills a node: it runs nothing from now on, and its futures are dropped, the oldest place first.
    ///
    /// Destructors run outside the executor's locks: they may wake tasks of other nodes.
    pub fn kill(&self, node: Node) {
        let (dead, gate) = lock(&self.0.nodes).kill(node);
        if gate.is_some() {
            self.0.gates.store(self.0.gates.load(Relaxed) - 1, Relaxed);
        }
        drop(gate);
        for task in dead {
            let future = task.die();
            drop(future);
        }
    }

    /// Kills all nodes: breaks the circles of a run that is over.
    pub(crate) fn shut_down(&self) {
        let nodes = lock(&self.0.nodes).all();
        for node in nodes {
            self.kill(node);
        }
        lock(&self.0.ready).clear();
        *lock(&self.0.timers) = Timers::default();
    }

    /// Runs at most `polls` polls, or until no future is awaited any more.
    ///
    /// # Errors
    /// When the run cannot get on: see [`Stopped`].
    pub fn run_for_polls(&self, polls: u64) -> Result<Pumped, Stopped> {
        self.run(polls, u64::MAX)
    }

    /// Runs until the clock shows `at` and everything due then is done, or until no future is awaited any more.
    ///
    /// # Errors
    /// When the run cannot get on: see [`Stopped`].
    pub fn run_until(&self, at: Duration) -> Result<Pumped, Stopped> {
        self.run(u64::MAX, nanos(at))
    }

    fn run(&self, polls: u64, until: u64) -> Result<Pumped, Stopped> {
        let inner = &self.0;
        let awaits = inner.awaited.load(Relaxed) > 0;
        inner.horizon.store(until.min(nanos(inner.limits.virtual_time)), Relaxed);
        let mut here = 0;
        let mut due = Vec::new();
        for _ in 0..polls {
            let mut next = lock(&inner.ready).pop();
            if next.is_none() {
                here = 0;
                let (instant, none_set) = {
                    let mut timers = lock(&inner.timers);
                    (timers.advance(until, &mut due), timers.is_empty())
                };
                match instant {
                    Some(at) if at > nanos(inner.limits.virtual_time) => return Err(self.stopped(Stopped::overrun)),
                    Some(at) => inner.now_ns.store(at, Relaxed),
                    None if until < u64::MAX && !(awaits && none_set) => {
                        inner.now_ns.fetch_max(until, Relaxed);
                        return Ok(Pumped::Reached);
                    }
                    None if awaits => return Err(self.stopped(Stopped::deadlock)),
                    None => return Ok(Pumped::Idle),
                }
                count(&inner.fired, due.len() as u64);
                due.drain(..).for_each(Waker::wake);
                next = lock(&inner.ready).pop();
            }
            let Some(mut task) = next else { continue };
            if inner.gates.load(Relaxed) > 0 {
                let Some(admitted) = inner.admit(task) else { continue };
                task = admitted;
            }
            here += 1;
            if here > inner.limits.polls_per_instant {
                return Err(self.stopped(|at, tasks| Stopped::wedged(at, inner.limits.polls_per_instant, tasks)));
            }
            self.poll(task);
            if awaits && inner.awaited.load(Relaxed) == 0 {
                return Ok(Pumped::Done);
            }
        }
        Ok(Pumped::Sliced)
    }

    fn poll(&self, task: Arc<Task>) {
        let inner = &*self.0;
        let Some(mut future) = task.begin() else { return };
        count(&inner.polls, 1);
        inner.current.store(task.id, Relaxed);
        inner.leaps.store(LEAPS, Relaxed);
        let waker = Waker::from(Arc::clone(&task));
        let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if done {
            lock(&inner.nodes).remove(&task);
            drop(future);
        } else if let Some(cut) = task.end(future) {
            // It killed its own node: the future could not be dropped while it ran.
            drop(cut);
        }
        inner.current.store(0, Relaxed);
        inner.leaps.store(0, Relaxed);
        if inner.gates.load(Relaxed) > 0 {
            inner.has_run(task.node());
        }
    }

    fn stopped(&self, make: impl FnOnce(Duration, Vec<String>) -> Stopped) -> Stopped {
        make(self.now(), lock(&self.0.nodes).names(12))
    }
}

impl Engine for Executor {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.now_ns.load(Relaxed))
    }

    fn wall_ns(&self, _node: Node) -> u64 {
        self.0.epoch_ns + self.0.now_ns.load(Relaxed)
    }

    fn sleep_until(&self, _node: Node, at: Duration) -> Boxed<'static, ()> {
        Box::pin(Sleep::new(Arc::clone(&self.0), nanos(at)))
    }

    fn spawn(&self, node: Node, name: &'static str, task: Boxed<'static, ()>) {
        let made = lock(&self.0.nodes).spawn(node, name, task, &self.0.ready);
        match made {
            Ok(task) => task.wake_up(),
            // The node is dead; the future's destructor runs outside the lock.
            Err(task) => drop(task),
        }
    }

    fn seed(&self) -> u64 {
        self.0.seed
    }
}

impl Host for Executor {
    fn current_task(&self) -> u64 {
        self.0.current.load(Relaxed)
    }

    fn leap(&self, at: Duration) -> bool {
        let (inner, at) = (&*self.0, nanos(at));
        let left = inner.leaps.load(Relaxed);
        let free =
            left > 0 && at <= inner.horizon.load(Relaxed) && lock(&inner.ready).is_empty() && lock(&inner.timers).none_until(at);
        if free {
            inner.leaps.store(left - 1, Relaxed);
            inner.now_ns.store(inner.now_ns.load(Relaxed).max(at), Relaxed);
        }
        free
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.check(cx)
    }
}
