//! A client that stands still: it takes nothing, sends nothing, and keeps its connections.
//!
//! What the broker sends waits in the connection, as far as the prefetch goes; the rest waits in the queues. The broker misses its
//! heartbeats as those of a client behind a cut connection: see [`super::heartbeat`].

use std::{collections::BTreeSet, sync::Arc};

use world::Node;

use super::{Exchange, State, account::Entry};
use crate::runtime::lock;

/// A node that stands still, and the queues that it consumes.
pub(super) struct Paused {
    node: Node,
    fault: Arc<str>,
    queues: BTreeSet<usize>,
}

impl Exchange {
    /// A node stands still.
    pub(crate) fn pause(&self, node: Node, fault: &Arc<str>) {
        self.cut(node, Some(fault));
        self.change(|state, _| {
            let own = |channel: u64| state.channels.get(&channel).is_some_and(|open| open.node == node && open.is_open());
            let consumed = |at: &usize| state.queues[*at].turns.iter().any(|subscription| own(subscription.channel));
            let queues = (0..state.queues.len()).filter(consumed).collect();
            state.paused.push(Paused { node, fault: Arc::clone(fault), queues });
        });
    }

    /// It goes on. Whatever is in its hands, or waits where it consumes, was held up.
    pub(crate) fn go_on(&self, node: Node, fault: &str) {
        self.change(|state, _| {
            let same = |paused: &Paused| paused.node == node && &*paused.fault == fault;
            let Some(at) = state.paused.iter().position(same) else { return };
            let Paused { queues, .. } = state.paused.remove(at);
            for entry in state.held_by(node, &queues) {
                self.meddled(state, fault, entry, "held-up");
            }
        });
        self.heal(node);
    }

    /// A node that stood still dies: what its kernel still has goes out.
    pub(super) fn stands_no_more(&self, node: Node) {
        let stood = lock(&self.0.state).paused.extract_if(.., |paused| paused.node == node).count();
        (0..stood).for_each(|_| self.heal(node));
    }
}

impl State {
    /// The messages that a node was handed, and those in these queues.
    fn held_by(&self, node: Node, queues: &BTreeSet<usize>) -> Vec<Entry> {
        let own = self.channels.values().filter(|open| open.node == node);
        let mut held: Vec<Entry> = own.flat_map(|open| open.unacked.values().map(|out| out.item.entry)).collect();
        held.extend(queues.iter().flat_map(|at| self.queues[*at].ready.iter().map(|item| item.entry)));
        held
    }
}
