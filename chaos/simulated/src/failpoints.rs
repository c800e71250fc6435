//! Where services ask whether they fail: a debugger's or a fault injector's place in their code.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use faults::{Aim, RollBack, What};
use world::{Failpoint, Node};

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
    active: Mutex<Vec<Aim>>,
    effects: Effects,
}

impl Failpoints {
    pub(crate) fn new(host: &Arc<dyn Host>, effects: Effects) -> Self {
        Self(Arc::new(Inner { host: Arc::clone(host), any: AtomicBool::new(false), active: Mutex::default(), effects }))
    }

    /// From now on some commits fail.
    pub(crate) fn lay(&self, fault: &Arc<str>, how: RollBack) {
        lock(&self.0.active).push(Aim::new(fault, how.key, how.share, how.most));
        self.0.any.store(true, Relaxed);
    }

    /// A fault is over.
    pub(crate) fn take_away(&self, fault: &str) {
        let mut active = lock(&self.0.active);
        active.retain(|active| &*active.fault != fault);
        self.0.any.store(!active.is_empty(), Relaxed);
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
            let seed = inner.host.seed();
            active.iter_mut().find_map(|aim| aim.hits(seed, at.key, at.event_id).then(|| Arc::clone(&aim.fault)))
        };
        let Some(fault) = fault else { return false };
        let what = What::RolledBack { node: node.to_string() };
        inner.effects.add(&fault, inner.host.wall_ns(node), what, Some((at.order_id, at.key)));
        true
    }
}
