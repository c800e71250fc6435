//! From a queue to a consumer and back.

use std::time::Duration;

use faults::End;
use world::broker::Settle;

use super::{Exchange, Packet, State, channel::Out, queue::Subscription};

impl Exchange {
    /// Gives a queue's messages to consumers that may have more, in turn.
    pub(super) fn deliver(&self, state: &mut State, at: usize, now: Duration) {
        let State { queues, channels, account, timeout, monitor, .. } = state;
        let queue = &mut queues[at];
        while !queue.ready.is_empty() {
            let free = |subscription: &Subscription| {
                channels.get(&subscription.channel).is_some_and(|open| open.wants_more(subscription.consumer))
            };
            let Some(turn) = queue.consumers.iter().position(free) else { return };
            let Some(subscription) = queue.consumers.remove(turn) else { return };
            queue.consumers.push_back(subscription);
            let (Some(open), Some(item)) = (channels.get_mut(&subscription.channel), queue.ready.pop_front()) else { return };
            account.end(item.entry, End::Unacked, self.wall_ns());
            queue.counts.delivered += 1;
            queue.counts.redelivered += u64::from(item.redelivered);
            monitor.delivered(now, &queue.name, &item);
            let tag = open.put_out(subscription.consumer, at, item, now);
            if let Some(limit) = self.0.settings.consumer_timeout {
                timeout.set(open.due(now, limit, self.0.settings.channel_tick));
            }
            self.send(Packet::Deliver { channel: subscription.channel, consumer: subscription.consumer, tag });
        }
    }

    pub(super) fn settle(&self, state: &mut State, channel: u64, tag: u64, how: Settle) {
        let (now, wall) = (self.now(), self.wall_ns());
        let Some(out) = state.channels.get_mut(&channel).and_then(|open| open.settle(tag)) else { return };
        let queue = &mut state.queues[out.queue];
        queue.touch(now);
        let entry = out.item.entry;
        match how {
            Settle::Ack => {
                queue.counts.acked += 1;
                queue.acknowledge(out.item);
            }
            Settle::Reject => queue.acknowledge(out.item),
            Settle::Requeue => queue.put_back(out.item, true),
        }
        let end = match how {
            Settle::Ack => End::Acked,
            Settle::Reject => End::Rejected,
            Settle::Requeue => End::Ready,
        };
        state.account.end(entry, end, wall);
        self.deliver(state, out.queue, now);
    }

    /// What a channel had out goes back to its queues, and its consumers are gone.
    pub(super) fn put_back(&self, state: &mut State, channel: u64, unacked: Vec<Out>) {
        let (now, wall) = (self.now(), self.wall_ns());
        let mut touched = Vec::new();
        for (at, queue) in state.queues.iter_mut().enumerate() {
            let before = queue.consumers.len();
            queue.consumers.retain(|subscription| subscription.channel != channel);
            if queue.consumers.len() < before {
                touched.push(at);
            }
        }
        for out in unacked {
            state.account.end(out.item.entry, End::Ready, wall);
            state.queues[out.queue].put_back(out.item, true);
            if !touched.contains(&out.queue) {
                touched.push(out.queue);
            }
        }
        for at in touched {
            state.queues[at].touch(now);
            self.deliver(state, at, now);
        }
    }
}
