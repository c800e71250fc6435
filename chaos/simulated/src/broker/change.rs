//! Faults that set the broker up otherwise, as an operator could: bindings, policies, alarms, forgotten consumers. What a message
//! meets under one of them is its effect.

use std::sync::Arc;

use faults::{Change, Policy};
use world::broker::{Arguments, BrokerError, Overflow};

use super::{Exchange, Packet, State, account::Entry, routing::Unbound};
use crate::runtime::lock;

/// A change that is in force.
pub(super) struct Laid {
    fault: Arc<str>,
    change: Change,
    unbound: Vec<Unbound>,
}

impl State {
    /// Whether a fault's change is in force.
    pub(super) fn lasts(&self, fault: &str) -> bool {
        self.changes.iter().any(|laid| &*laid.fault == fault)
    }
}

impl Exchange {
    /// Sets the broker up otherwise.
    pub(crate) fn lay(&self, fault: &Arc<str>, change: &Change) {
        let mut unbound = Vec::new();
        match change {
            Change::Unbound { key } => unbound = self.change(|state, _| state.router.unbind_key(key)),
            Change::Stranded { exchange } => unbound = self.change(|state, _| state.router.strand(exchange)),
            Change::Policy { queue, policy } => drop(self.set_policy(queue, Some(arguments(*policy)))),
            Change::Purged { queue, each } => self.purge_again(fault, queue, *each),
            Change::Short(resource) => self.alarm(*resource, true),
            Change::Deaf { queue } => self.deafen(queue),
        }
        lock(&self.0.state).changes.push(Laid { fault: Arc::clone(fault), change: change.clone(), unbound });
    }

    /// Sets it up as it was before.
    pub(crate) fn take_away(&self, fault: &str) {
        let laid = {
            let changes = &mut lock(&self.0.state).changes;
            changes.iter().position(|laid| &*laid.fault == fault).map(|at| changes.remove(at))
        };
        let Some(Laid { change, unbound, .. }) = laid else { return };
        match change {
            Change::Unbound { .. } | Change::Stranded { .. } => self.change(|state, _| state.router.bind_again(unbound)),
            Change::Policy { queue, .. } => drop(self.set_policy(&queue, None)),
            Change::Purged { .. } => {}
            Change::Short(resource) => self.alarm(resource, false),
            Change::Deaf { queue } => self.call_back(&queue),
        }
    }

    /// Forgets who consumes a queue. What is out stays out.
    fn deafen(&self, queue: &str) {
        self.change(|state, _| {
            if let Some(at) = state.queue(queue) {
                state.queues[at].turns.deafen();
            }
        });
    }

    /// Closes the connections of those who believe that they consume a queue, as an operator would: they connect again.
    fn call_back(&self, queue: &str) {
        self.change(|state, woken| {
            let Some(at) = state.queue(queue) else { return };
            for channel in state.queues[at].turns.hear() {
                self.close(state, channel, &BrokerError::ConnectionLost, woken);
            }
        });
    }

    /// A message that no queue is bound for.
    pub(super) fn unrouted(&self, state: &State, entry: Entry) {
        let (_, _, key) = state.account.names(entry);
        let concerns = |change: &Change| matches!(change, Change::Unbound { key: unbound } if unbound == key);
        self.felt(state, entry, concerns, "unroutable");
    }

    /// A dead letter that no queue is bound for.
    pub(super) fn unburied(&self, state: &State, entry: Entry, exchange: &str) {
        let concerns = |change: &Change| matches!(change, Change::Stranded { exchange: stranded } if stranded == exchange);
        self.felt(state, entry, concerns, "dead-letter-dropped");
    }

    /// A message that a queue gives up or does not take.
    pub(super) fn dropped(&self, state: &State, at: usize, entry: Entry, how: &str) {
        let name = &*state.queues[at].name;
        let concerns = |change: &Change| matches!(change, Change::Policy { queue, .. } if queue == name);
        self.felt(state, entry, concerns, how);
    }

    /// A message that comes to a queue which nobody consumes.
    pub(super) fn unheard(&self, state: &State, at: usize, entry: Entry) {
        let name = &*state.queues[at].name;
        let concerns = |change: &Change| matches!(change, Change::Deaf { queue } if queue == name);
        self.felt(state, entry, concerns, "unheard");
    }

    /// A publish that the broker does not read for now.
    pub(super) fn stalled(&self, state: &State, packet: &Packet) {
        if let Packet::Publish { entry, .. } = packet {
            self.felt(state, *entry, |change| matches!(change, Change::Short(_)), "blocked");
        }
    }

    fn felt(&self, state: &State, entry: Entry, concerns: impl Fn(&Change) -> bool, how: &str) {
        for laid in state.changes.iter().filter(|laid| concerns(&laid.change)) {
            self.meddled(state, &laid.fault, entry, how);
        }
    }
}

fn arguments(policy: Policy) -> Arguments<'static> {
    match policy {
        Policy::DropHead(most) => Arguments { max_length: Some(most), overflow: Some(Overflow::DropHead), ..Arguments::NONE },
        Policy::RejectPublish(most) => {
            Arguments { max_length: Some(most), overflow: Some(Overflow::RejectPublish), ..Arguments::NONE }
        }
        Policy::MessageTtl(time) => Arguments { message_ttl: Some(time), ..Arguments::NONE },
        Policy::ConsumerTimeout(time) => Arguments { consumer_timeout: Some(time), ..Arguments::NONE },
    }
}
