//! Policies: what an operator lays upon a queue, beside what it was declared with, while the broker runs.
//!
//! What is in the queue already keeps the time to live that it came with; a length that it exceeds is made true at once.
//! Priorities and a single active consumer cannot be had by a policy (RabbitMQ 4.0, priority.md, consumers.md).

use world::broker::{Arguments, Queue as Declared};

use super::{
    Exchange,
    rules::{Declaration, Rules},
};

impl Exchange {
    /// Lays a policy upon a queue, or takes it away. Returns whether there is such a queue.
    pub(crate) fn set_policy(&self, queue: &str, policy: Option<Arguments<'_>>) -> bool {
        let now = self.now();
        self.change(|state, _| {
            let Some(at) = state.queue(queue) else { return false };
            let queue = &mut state.queues[at];
            let policy = policy.map(|policy| Declaration::of(&Declared::classic(&queue.name).with(policy)));
            queue.rules = Rules::of(&queue.declared, policy.as_ref(), self.0.settings.version);
            queue.next_due().into_iter().for_each(|due| state.clock.set(due));
            self.run_again(state, at, now);
            true
        })
    }
}
