//! What an operator can do to the broker, beside clients: the twin of RabbitMQ's management interface.

use world::{Node, broker::Arguments};

use faults::Resource;

use crate::broker::Exchange;

/// The broker, as an operator has it.
#[derive(Clone)]
pub struct Management(pub(crate) Exchange);

impl Management {
    /// An alarm goes on or off: see [`Resource`].
    pub fn alarm(&self, resource: Resource, on: bool) {
        self.0.alarm(resource, on);
    }

    /// Lets nothing through between a node and the broker, without a word to either end.
    pub fn cut(&self, node: Node) {
        self.0.cut(node, None);
    }

    /// Lets everything through again.
    pub fn heal(&self, node: Node) {
        self.0.heal(node);
    }

    /// Takes a binding away. Returns whether it was there.
    #[must_use]
    pub fn unbind(&self, exchange: &str, key: &str, queue: &str) -> bool {
        self.0.unbind(exchange, key, queue)
    }

    /// Lays a policy upon a queue, or takes it away. Returns whether there is such a queue.
    #[must_use]
    pub fn set_policy(&self, queue: &str, policy: Option<Arguments<'_>>) -> bool {
        self.0.set_policy(queue, policy)
    }

    /// Throws away what waits in a queue. Returns how many messages that were; none when there is no such queue.
    #[must_use]
    pub fn purge(&self, queue: &str) -> Option<usize> {
        self.0.purge(queue, None)
    }

    /// How many messages are ready in a queue; none when there is no such queue.
    #[must_use]
    pub fn ready(&self, queue: &str) -> Option<usize> {
        self.0.ready(queue)
    }
}
