//! Tasks, the nodes they belong to, and the queue of those that can run.

use std::{
    cmp::Ordering as Order,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::Wake,
};

use world::{
    Boxed, Node,
    random::{mix, name as hash},
};

use super::{Pick, count, gate::Gate, lock};

/// A spawned future. It is its own waker.
pub(super) struct Task {
    /// Hash of (node, name, how many of that name before).
    pub(super) id: u64,
    name: &'static str,
    place: (usize, usize),
    future: Mutex<Option<Boxed<'static, ()>>>,
    queued: AtomicBool,
    dead: AtomicBool,
    wakes: AtomicU64,
    ready: Arc<Mutex<Ready>>,
}

impl Task {
    /// Puts it among those that can run, once.
    pub(super) fn wake_up(self: Arc<Self>) {
        if !self.queued.load(Relaxed) && !self.dead.load(Relaxed) {
            self.queued.store(true, Relaxed);
            let wakes = count(&self.wakes, 1);
            let ready = Arc::clone(&self.ready);
            lock(&ready).push(self, wakes);
        }
    }

    /// Puts it back among those that can run, after it was kept from it.
    pub(super) fn again(self: Arc<Self>) {
        let (ready, wakes) = (Arc::clone(&self.ready), self.wakes.load(Relaxed));
        lock(&ready).push(self, wakes);
    }

    /// The place of its node.
    pub(super) const fn node(&self) -> usize {
        self.place.0
    }

    /// The future, to poll it; none when it is over.
    pub(super) fn begin(&self) -> Option<Boxed<'static, ()>> {
        self.queued.store(false, Relaxed);
        lock(&self.future).take()
    }

    /// Puts the future back; gives it out again when the task was killed meanwhile.
    pub(super) fn end(&self, future: Boxed<'static, ()>) -> Option<Boxed<'static, ()>> {
        if self.dead.load(Relaxed) {
            return Some(future);
        }
        *lock(&self.future) = Some(future);
        None
    }

    /// Ends it for good; the future is the caller's to drop.
    pub(super) fn die(&self) -> Option<Boxed<'static, ()>> {
        self.dead.store(true, Relaxed);
        lock(&self.future).take()
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_up();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.load(Relaxed) {
            Arc::clone(self).wake_up();
        }
    }
}

/// Tasks that can run.
pub(super) struct Ready {
    key: u64,
    pushed: u64,
    queue: Queue,
}

enum Queue {
    Keyed(BinaryHeap<Ranked>),
    Fifo(VecDeque<Arc<Task>>),
}

/// A task with its rank; the heap gives the smallest one first.
struct Ranked {
    rank: (u64, u64),
    task: Arc<Task>,
}

impl Ready {
    pub(super) fn new(pick: Pick, key: u64) -> Self {
        let queue = match pick {
            Pick::Keyed => Queue::Keyed(BinaryHeap::new()),
            Pick::Fifo => Queue::Fifo(VecDeque::new()),
        };
        Self { key, pushed: 0, queue }
    }

    fn push(&mut self, task: Arc<Task>, wakes: u64) {
        self.pushed += 1;
        match &mut self.queue {
            Queue::Keyed(heap) => {
                heap.push(Ranked { rank: (mix(self.key ^ task.id.wrapping_add(mix(wakes))), self.pushed), task });
            }
            Queue::Fifo(queue) => queue.push_back(task),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Arc<Task>> {
        match &mut self.queue {
            Queue::Keyed(heap) => heap.pop().map(|ranked| ranked.task),
            Queue::Fifo(queue) => queue.pop_front(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match &self.queue {
            Queue::Keyed(heap) => heap.is_empty(),
            Queue::Fifo(queue) => queue.is_empty(),
        }
    }

    pub(super) fn clear(&mut self) {
        while self.pop().is_some() {}
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Order {
        other.rank.cmp(&self.rank)
    }
}

/// The nodes and their tasks.
#[derive(Default)]
pub(super) struct Nodes {
    entries: Vec<Entry>,
    /// Tasks spawned so far.
    pub(super) spawned: u64,
}

struct Entry {
    node: Node,
    hash: u64,
    alive: bool,
    named: BTreeMap<&'static str, u64>,
    tasks: Vec<Option<Arc<Task>>>,
    free: Vec<usize>,
    gate: Option<Box<Gate>>,
}

impl Nodes {
    fn find(&self, node: Node) -> Option<usize> {
        let same = |entry: &Entry| {
            entry.node.incarnation == node.incarnation
                && entry.node.instance == node.instance
                && entry.node.service == node.service
        };
        self.entries.iter().position(same)
    }

    pub(super) fn alive(&self, node: Node) -> bool {
        self.find(node).is_none_or(|at| self.entries[at].alive)
    }

    pub(super) fn all(&self) -> Vec<Node> {
        self.entries.iter().map(|entry| entry.node).collect()
    }

    /// Makes a task; gives the future back when the node is dead.
    pub(super) fn spawn(
        &mut self,
        node: Node,
        name: &'static str,
        future: Boxed<'static, ()>,
        ready: &Arc<Mutex<Ready>>,
    ) -> Result<Arc<Task>, Boxed<'static, ()>> {
        let at = self.find(node).unwrap_or_else(|| {
            let hash = hash(&node.to_string());
            let (named, tasks, free) = (BTreeMap::new(), Vec::new(), Vec::new());
            self.entries.push(Entry { node, hash, alive: true, named, tasks, free, gate: None });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[at];
        if !entry.alive {
            return Err(future);
        }
        self.spawned += 1;
        let before = entry.named.entry(name).or_default();
        *before += 1;
        let id = mix(mix(entry.hash ^ hash(name)) ^ *before);
        let slot = entry.free.pop().unwrap_or_else(|| {
            entry.tasks.push(None);
            entry.tasks.len() - 1
        });
        let task = Arc::new(Task {
            id,
            name,
            place: (at, slot),
            future: Mutex::new(Some(future)),
            queued: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            wakes: AtomicU64::new(0),
            ready: Arc::clone(ready),
        });
        entry.tasks[slot] = Some(Arc::clone(&task));
        Ok(task)
    }

    /// Forgets a task that is done.
    pub(super) fn remove(&mut self, task: &Task) {
        let (node, slot) = task.place;
        let entry = &mut self.entries[node];
        if entry.tasks.get(slot).is_some_and(Option::is_some) {
            entry.tasks[slot] = None;
            entry.free.push(slot);
        }
    }

    /// Marks a node dead and gives out its tasks, and its gate.
    pub(super) fn kill(&mut self, node: Node) -> (Vec<Arc<Task>>, Option<Box<Gate>>) {
        let Some(at) = self.find(node) else { return (Vec::new(), None) };
        let entry = &mut self.entries[at];
        entry.alive = false;
        entry.free.clear();
        (std::mem::take(&mut entry.tasks).into_iter().flatten().collect(), entry.gate.take())
    }

    /// The gate of the node at a place.
    pub(super) fn gate(&mut self, place: usize) -> &mut Option<Box<Gate>> {
        &mut self.entries[place].gate
    }

    /// The gate of a node that runs.
    pub(super) fn gate_of(&mut self, node: Node) -> Option<&mut Option<Box<Gate>>> {
        let at = self.find(node)?;
        Some(&mut self.entries[at]).filter(|entry| entry.alive).map(|entry| &mut entry.gate)
    }

    /// Some of the tasks that are there, as `node/name`.
    pub(super) fn names(&self, limit: usize) -> Vec<String> {
        let tasks = self.entries.iter().flat_map(|entry| entry.tasks.iter().flatten().map(move |task| (entry, task)));
        tasks.take(limit).map(|(entry, task)| format!("{}/{}", entry.node, task.name)).collect()
    }
}
