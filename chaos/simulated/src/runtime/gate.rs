//! Nodes that do not get the processor whenever they could use it: they stand still, or have little of it.
//!
//! A task of such a node that could run is kept at the gate, in the order it came. A node with little of a processor runs one task,
//! and then none for as long as that took it; the kernel's quota for a control group does the same in larger steps.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
    task::{Wake, Waker},
    time::Duration,
};

use world::{Engine as _, Node};

use super::{Executor, Inner, lock, nanos, tasks::Task};

/// What can be done to the process of a node, beside running its tasks.
pub trait Processes: Send + Sync {
    /// It dies: see [`Executor::kill`].
    fn kill(&self, node: Node);

    /// It stands still. Each time counts.
    fn pause(&self, node: Node);

    /// It goes on, as soon as nobody else has it stand still.
    fn go_on(&self, node: Node);

    /// One turn of one of its tasks takes it so long; `None`: no time at all. Says how long its tasks have waited for a processor that
    /// it was not given, since the last time.
    fn throttle(&self, node: Node, turn: Option<Duration>) -> Duration;
}

/// What keeps a node from the processor.
#[derive(Default)]
pub(super) struct Gate {
    /// So many have it stand still.
    pauses: u32,
    /// What a turn takes, in nanoseconds.
    turn: Option<u64>,
    /// Its processor is not free before.
    busy_until: u64,
    /// Since when somebody waits for that.
    waits_since: Option<u64>,
    /// How long somebody waited, in nanoseconds.
    waited: u64,
    kept: VecDeque<Arc<Task>>,
}

impl Gate {
    fn is_needed(&self) -> bool {
        self.pauses > 0 || self.turn.is_some()
    }

    fn is_shut(&self, now: u64) -> bool {
        self.pauses > 0 || now < self.busy_until
    }
}

/// Opens a node's gate when its processor is free again.
struct Free {
    inner: Weak<Inner>,
    place: usize,
}

impl Wake for Free {
    fn wake(self: Arc<Self>) {
        if let Some(inner) = self.inner.upgrade() {
            inner.is_free(self.place);
        }
    }
}

impl Inner {
    /// Keeps a task whose node may not run; gives it back if it may.
    pub(super) fn admit(self: &Arc<Self>, task: Arc<Task>) -> Option<Arc<Task>> {
        let (now, place) = (self.now_ns.load(Relaxed), task.node());
        let mut nodes = lock(&self.nodes);
        let Some(gate) = nodes.gate(place).as_mut().filter(|gate| gate.is_shut(now)) else { return Some(task) };
        gate.kept.push_back(task);
        if gate.pauses == 0 && gate.waits_since.is_none() {
            self.wait(gate, place, (now, gate.busy_until));
        }
        None
    }

    /// Somebody waits from now on until a node's processor is free.
    fn wait(self: &Arc<Self>, gate: &mut Gate, place: usize, (now, until): (u64, u64)) {
        gate.waits_since = Some(now);
        let free = Free { inner: Arc::downgrade(self), place };
        lock(&self.timers).register(now, until, Waker::from(Arc::new(free)));
    }

    /// A task has had its turn.
    pub(super) fn has_run(&self, place: usize) {
        let now = self.now_ns.load(Relaxed);
        if let Some(gate) = lock(&self.nodes).gate(place).as_mut()
            && let Some(turn) = gate.turn
        {
            gate.busy_until = now + turn;
        }
    }

    /// A node's processor is free: the first who waits for it has it, and the others wait on.
    fn is_free(self: &Arc<Self>, place: usize) {
        let now = self.now_ns.load(Relaxed);
        let first = {
            let mut nodes = lock(&self.nodes);
            let Some(gate) = nodes.gate(place).as_mut() else { return };
            gate.waited += gate.waits_since.take().map_or(0, |since| now - since);
            let first = if gate.pauses > 0 { None } else { gate.kept.pop_front() };
            if first.is_some() && !gate.kept.is_empty() {
                self.wait(gate, place, (now, now + gate.turn.unwrap_or(0)));
            }
            first
        };
        first.into_iter().for_each(Task::again);
    }

    /// Changes a node's gate, and lets those through whom it keeps no longer.
    fn change<T>(&self, node: Node, change: impl FnOnce(&mut Gate) -> T) -> Option<T> {
        let (result, freed) = {
            let mut nodes = lock(&self.nodes);
            let slot = nodes.gate_of(node)?;
            let had = slot.is_some();
            let gate = slot.get_or_insert_default();
            let result = change(gate);
            let freed = if gate.pauses == 0 { std::mem::take(&mut gate.kept) } else { VecDeque::new() };
            let has = gate.is_needed();
            if !has {
                *slot = None;
            }
            let gates = self.gates.load(Relaxed) + u64::from(has) - u64::from(had);
            self.gates.store(gates, Relaxed);
            (result, freed)
        };
        freed.into_iter().for_each(Task::again);
        Some(result)
    }
}

impl Processes for Executor {
    fn kill(&self, node: Node) {
        Self::kill(self, node);
    }

    fn pause(&self, node: Node) {
        self.0.change(node, |gate| gate.pauses += 1);
    }

    fn go_on(&self, node: Node) {
        self.0.change(node, |gate| gate.pauses = gate.pauses.saturating_sub(1));
    }

    fn throttle(&self, node: Node, turn: Option<Duration>) -> Duration {
        let now = nanos(self.now());
        let waited = self.0.change(node, |gate| {
            gate.turn = turn.map(nanos);
            gate.busy_until = gate.busy_until.min(now);
            Duration::from_nanos(std::mem::take(&mut gate.waited) + gate.waits_since.take().map_or(0, |since| now - since))
        });
        waited.unwrap_or_default()
    }
}
