//! Somebody throws away what waits in a queue: `queue.purge`, and the same in the management interface.
//!
//! What is ready is gone, without a dead letter; what is out stays out (RabbitMQ 4.0, amqp-0-9-1-reference: "This method removes all
//! messages from a queue which are not awaiting acknowledgment").

use std::{iter, sync::Arc, time::Duration};

use faults::{End, What};

use super::{BROKER, Exchange, State, account::Entry, ready::Item};
use crate::runtime::lock;

impl Exchange {
    /// Empties a queue. Returns how many messages were ready in it; none where there is no such queue, or no broker.
    pub(crate) fn purge(&self, queue: &str, fault: Option<&Arc<str>>) -> Option<usize> {
        self.change(|state, _| {
            // While the broker is away nobody can.
            let at = state.queue(queue).filter(|_| state.outages == 0)?;
            let purged: Vec<Item> = iter::from_fn(|| state.queues[at].ready.pop()).collect();
            self.shorten(state, at);
            purged.iter().for_each(|item| self.purged(state, at, item.entry, fault));
            Some(purged.len())
        })
    }

    /// Empties it for a fault, again and again while that lasts.
    pub(super) fn purge_again(&self, fault: &Arc<str>, queue: &str, each: Option<Duration>) {
        self.purge(queue, Some(fault));
        let Some(each) = each else { return };
        let (exchange, fault, queue) = (self.clone(), Arc::clone(fault), queue.to_owned());
        let comes_again = async move {
            loop {
                exchange.0.host.sleep_until(BROKER, exchange.now() + each).await;
                if !lock(&exchange.0.state).lasts(&fault) {
                    return;
                }
                exchange.purge(&queue, Some(&fault));
            }
        };
        self.0.host.spawn(BROKER, "purge", Box::pin(comes_again));
    }

    fn purged(&self, state: &mut State, at: usize, entry: Entry, fault: Option<&Arc<str>>) {
        let wall = self.wall_ns();
        state.account.end(entry, End::Purged, wall);
        let Some(fault) = fault else { return };
        let (id, order, key) = state.account.names(entry);
        let what = What::MessageLost { message_id: id.into(), queue: state.queues[at].name.to_string() };
        self.0.effects.add(fault, wall, what, Some((order, key)));
    }
}
