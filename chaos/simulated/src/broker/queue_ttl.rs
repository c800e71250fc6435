//! Time to live of queues: `x-expires`.
//!
//! A queue without consumers that nobody has declared again for so long is deleted; its messages are not dead-lettered (RabbitMQ
//! 4.0, ttl.md, "Queue TTL"; dlx.md). For a quorum queue a declaration does not count (quorum-queues.md, "Feature Matrix").
//! RabbitMQ promises only that the queue is not deleted earlier; here it is deleted at that instant.

use std::{task::Waker, time::Duration};

use faults::End;

use super::{Exchange, Queue, State};

impl Queue {
    /// Somebody used it.
    pub(super) fn used(&mut self, now: Duration) {
        self.unused_since = now;
    }

    /// When it expires, as things are.
    pub(super) fn expires_at(&self) -> Option<Duration> {
        let expires = self.rules.as_ref()?.expires?;
        (!self.gone && self.turns.len() == 0).then(|| self.unused_since + expires)
    }
}

impl Exchange {
    /// Deletes a queue whose time is over.
    pub(super) fn expire_queue(&self, state: &mut State, at: usize, now: Duration, woken: &mut Vec<Waker>) {
        if state.queues[at].expires_at().is_some_and(|due| due <= now) {
            self.delete(state, at, End::Expired, woken);
        }
    }

    /// Deletes a queue with all its messages; its consumers are cancelled.
    pub(super) fn delete(&self, state: &mut State, at: usize, end: End, woken: &mut Vec<Waker>) {
        let wall = self.wall_ns();
        let State { queues, channels, account, router, .. } = state;
        let queue = &mut queues[at];
        queue.gone = true;
        while let Some(item) = queue.ready.pop() {
            account.end(item.entry, end, wall);
        }
        for subscription in queue.turns.iter() {
            if let Some(open) = channels.get_mut(&subscription.channel) {
                open.cancel(subscription.consumer, woken);
            }
        }
        queue.turns.clear();
        router.forget(at);
    }
}
