//! What comes back to its queue: where it goes, how often it may, and what it says then.
//!
//! A classic queue takes a message back as often as it comes. A quorum queue counts: a message that comes back more often than
//! `x-delivery-limit` is given up; the count is on the message as `x-delivery-count` (RabbitMQ 4.0, quorum-queues.md, "Poison
//! Message Handling"). What counts depends on the version: [`Version::counts`](super::version::Version::counts).

use std::time::Duration;

use faults::End;
use world::broker::DeathReason;

use super::{Exchange, State, ready::Item, version::Return};

impl Exchange {
    /// Takes a message back.
    pub(super) fn come_back(&self, state: &mut State, at: usize, mut item: Item, cause: Return) {
        let version = self.0.settings.version;
        item.redelivered = true;
        if !state.queues[at].is_quorum() {
            state.account.end(item.entry, End::Ready, self.wall_ns());
            state.queues[at].ready.put_back(item);
            return;
        }
        let limit = state.queues[at].rules.as_ref().and_then(|rules| rules.delivery_limit);
        item.returns += u32::from(version.counts(cause));
        item.failures += u32::from(cause != Return::Nacked && version.counts(cause) && version.carries_failures());
        if limit.is_some_and(|limit| item.returns > limit) {
            self.give_up(state, at, item, DeathReason::DeliveryLimit);
            return;
        }
        state.account.end(item.entry, End::Ready, self.wall_ns());
        let queue = &mut state.queues[at];
        if limit.is_none() && cause == Return::Nacked && version.unlimited_returns_to_tail() {
            item.seq = queue.number();
            queue.flush.all(item.seq + 1);
            queue.ready.put_behind(item);
        } else {
            queue.ready.put_back(item);
        }
    }

    /// What follows when something has come back: a classic queue that is too long drops from its head before it delivers again,
    /// be it what has just come back.
    pub(super) fn run_again(&self, state: &mut State, at: usize, now: Duration) {
        if !state.queues[at].is_quorum() {
            self.shorten(state, at);
        }
        self.run(state, at, now);
    }
}
