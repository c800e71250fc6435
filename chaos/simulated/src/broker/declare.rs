//! What clients declare.

use std::time::Duration;

use world::{
    broker::{BrokerError, Topology},
    random::{mix, name as hash},
};

use super::{
    Exchange, Queue, State, routing,
    rules::{Declaration, precondition_failed},
};

impl Exchange {
    /// Makes what is not there yet. Another exchange or queue of the same name closes the channel.
    pub(super) fn declare(&self, state: &mut State, topology: &Topology<'_>) -> Result<(), BrokerError> {
        for exchange in topology.exchanges {
            state.router.declare(exchange)?;
        }
        let (now, seed) = (self.now(), self.0.host.seed());
        for queue in topology.queues {
            self.declare_queue(state, queue.name, &Declaration::of(queue), (now, seed))?;
        }
        for (exchange, key, queue) in topology.bindings {
            let at = state.queue(queue).ok_or_else(|| routing::not_found("queue", queue))?;
            state.router.bind(exchange, key, at)?;
        }
        Ok(())
    }

    fn declare_queue(
        &self,
        state: &mut State,
        name: &str,
        declared: &Declaration,
        (now, seed): (Duration, u64),
    ) -> Result<(), BrokerError> {
        if let Some(at) = state.queue(name) {
            let queue = &mut state.queues[at];
            if let Some(differs) = queue.declared.differs_in(declared) {
                return Err(precondition_failed(&format!("inequivalent arg '{differs}' for queue"), name));
            }
            queue.touch(now);
            if !queue.is_quorum() {
                queue.used(now);
            }
            return Ok(());
        }
        if let Some(why) = declared.refused() {
            return Err(precondition_failed(why, name));
        }
        let key = mix(mix(seed ^ hash("flush")) ^ hash(name));
        let queue = Queue::new(name, declared.clone(), self.0.settings.version, key, now);
        queue.expires_at().into_iter().for_each(|due| state.clock.set(due));
        state.queues.push(queue);
        Ok(())
    }
}
