//! Where services ask whether they fail: a debugger's or a fault injector's place in their code.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use faults::{RollBack, What};
use world::{Failpoint, Node, random::Random};

use crate::{
    effects::Effects,
    runtime::{Host, lock},
};

/// All failpoints of a world. Clones share them.
#[derive(Clone)]
pub(crate) struct Failpoints(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    any: AtomicBool,
    active: Mutex<Vec<Active>>,
    effects: Effects,
}

struct Active {
    fault: Arc<str>,
    how: RollBack,
    /// Events that it has met: what is tried again is spared.
    met: BTreeSet<Box<str>>,
    hits: u64,
}

impl Failpoints {
    pub(crate) fn new(host: &Arc<dyn Host>, effects: Effects) -> Self {
        Self(Arc::new(Inner { host: Arc::clone(host), any: AtomicBool::new(false), active: Mutex::default(), effects }))
    }

    /// From now on some commits fail.
    pub(crate) fn lay(&self, fault: &Arc<str>, how: RollBack) {
        lock(&self.0.active).push(Active { fault: Arc::clone(fault), how, met: BTreeSet::new(), hits: 0 });
        self.0.any.store(true, Relaxed);
    }

    /// A fault is over.
    pub(crate) fn take_away(&self, fault: &str) {
        let mut active = lock(&self.0.active);
        active.retain(|active| &*active.fault != fault);
        self.0.any.store(!active.is_empty(), Relaxed);
    }
}

impl Active {
    fn hits(&mut self, seed: u64, at: Failpoint<'_>) -> bool {
        let aimed = self.how.key.as_ref().is_none_or(|key| key == at.key)
            && self.how.most.is_none_or(|most| self.hits < most)
            && self.met.insert(at.event_id.into());
        let hit = aimed && Random::new(seed, &self.fault, at.event_id).unit() < self.how.share;
        self.hits += u64::from(hit);
        hit
    }
}

impl world::Failpoints for Failpoints {
    fn fails_to_commit(&self, node: Node, at: Failpoint<'_>) -> bool {
        let inner = &self.0;
        if !inner.any.load(Relaxed) {
            return false;
        }
        let fault = {
            let mut active = lock(&inner.active);
            active.iter_mut().find_map(|active| active.hits(inner.host.seed(), at).then(|| Arc::clone(&active.fault)))
        };
        let Some(fault) = fault else { return false };
        let what = What::RolledBack { node: node.to_string() };
        inner.effects.add(&fault, inner.host.wall_ns(node), what, Some((at.order_id, at.key)));
        true
    }
}
