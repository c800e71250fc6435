//! From a queue to a consumer and back.

use std::{task::Waker, time::Duration};

use faults::End;
use world::broker::{BrokerError, DeathReason, Settle};

use super::{Exchange, Packet, State, channel::Out, ready::Incoming, turns::Subscription, version::Return};

impl Exchange {
    /// A message comes to a queue; `from`: the channel that publishes it.
    pub(super) fn take(&self, state: &mut State, at: usize, message: Incoming, from: Option<u64>, now: Duration) {
        if state.queues[at].refuses(from) {
            self.refuse(state, at, &message, from.is_some());
        } else if state.queues[at].is_quorum() {
            // It is there when it is in the log.
            self.append(state, at, message, now);
        } else {
            self.add(state, at, message, now);
        }
    }

    /// A message is in a queue.
    pub(super) fn add(&self, state: &mut State, at: usize, message: Incoming, now: Duration) {
        let entry = message.entry;
        let queue = &mut state.queues[at];
        if queue.gone {
            return state.account.end(entry, End::Unroutable, self.wall_ns());
        }
        let parked = self.0.settings.parking.contains(&&*queue.name);
        state.account.end(entry, if parked { End::Parked } else { End::Ready }, self.wall_ns());
        // The publish wakes the queue's process: what was there before it slept is on disk, the new message is not.
        queue.touch(now);
        let deaf = queue.turns.deaf();
        let straight = queue.ready.is_empty() && !queue.is_quorum();
        queue.push(message, now);
        if deaf {
            self.unheard(state, at, entry);
        }
        if straight {
            // It may go straight to a consumer, also with a time to live of 0.
            self.hand_out(state, at, now);
        }
        self.run(state, at, now);
    }

    /// Does what a queue does after each change: what has expired goes, consumers get what they may have, what is too much after
    /// that goes too.
    pub(super) fn run(&self, state: &mut State, at: usize, now: Duration) {
        loop {
            if state.queues[at].next_expiry().is_some_and(|due| due <= now) {
                self.expire(state, at, now);
            }
            state.queues[at].ready.looked();
            if !self.hand_out(state, at, now) {
                break;
            }
        }
        if state.queues[at].rules.is_some() {
            self.shorten(state, at);
        }
        if let Some(due) = state.queues[at].next_expiry() {
            state.clock.set(due);
        }
    }

    /// Gives a queue's next message to the consumer whose turn it is. Returns whether there was a message, and somebody free.
    fn hand_out(&self, state: &mut State, at: usize, now: Duration) -> bool {
        let State { queues, channels, account, clock, monitor, .. } = state;
        let queue = &mut queues[at];
        if queue.ready.is_empty() {
            return false;
        }
        let free = |subscription: &Subscription| {
            channels.get(&subscription.channel).is_some_and(|open| open.wants_more(subscription.consumer))
        };
        let Some(turn) = queue.turns.next(free) else { return false };
        let (Some(open), Some(item)) = (channels.get_mut(&turn.channel), queue.ready.pop()) else { return false };
        account.end(item.entry, End::Unacked, self.wall_ns());
        queue.counts.delivered += 1;
        queue.counts.redelivered += u64::from(item.redelivered);
        monitor.delivered(now, &queue.name, &item);
        let own = queue.rules.as_ref().and_then(|rules| rules.consumer_timeout);
        let limit = self.limit(queue.kind(), own, now);
        let tag = open.put_out(turn.consumer, at, item, limit);
        queue.turns.served(turn, open.wants_more(turn.consumer));
        if let Some(limit) = limit {
            clock.set(open.look_at(limit, self.0.settings.channel_tick));
        }
        self.send(Packet::Deliver { channel: turn.channel, consumer: turn.consumer, tag });
        true
    }

    pub(super) fn settle(&self, state: &mut State, channel: u64, tag: u64, how: Settle) {
        let (now, wall) = (self.now(), self.wall_ns());
        let Some(out) = state.channels.get_mut(&channel).and_then(|open| open.settle(tag)) else { return };
        let at = out.queue;
        let queue = &mut state.queues[at];
        if queue.gone {
            return state.account.end(out.item.entry, End::Expired, wall);
        }
        queue.touch(now);
        queue.turns.answered(channel, out.consumer);
        match how {
            Settle::Ack => {
                state.account.end(out.item.entry, End::Acked, wall);
                queue.counts.acked += 1;
                queue.acknowledge(out.item);
                self.run(state, at, now);
            }
            Settle::Reject => {
                self.give_up(state, at, out.item, DeathReason::Rejected);
                self.run(state, at, now);
            }
            Settle::Requeue => {
                self.come_back(state, at, out.item, Return::Nacked);
                self.run_again(state, at, now);
            }
        }
    }

    /// Closes a channel over an error: what it has out goes back.
    pub(super) fn close(&self, state: &mut State, channel: u64, why: &BrokerError, woken: &mut Vec<Waker>) {
        let Some(open) = state.channels.get_mut(&channel) else { return };
        open.close(why.clone(), woken);
        let unacked = open.take_unacked();
        self.put_back(state, channel, unacked, Return::ChannelLost);
    }

    /// What a channel had out goes back to its queues, and its consumers are gone.
    pub(super) fn put_back(&self, state: &mut State, channel: u64, unacked: Vec<Out>, cause: Return) {
        let now = self.now();
        let mut touched = Vec::new();
        for (at, queue) in state.queues.iter_mut().enumerate() {
            queue.told.forget(channel);
            if queue.turns.remove(channel, None) {
                queue.used(now);
                touched.push(at);
            }
        }
        self.return_all(state, unacked, touched, cause);
    }

    /// What one consumer had out goes back, and it is gone; its channel lives.
    pub(super) fn take_back(&self, state: &mut State, (channel, consumer): (u64, usize), unacked: Vec<Out>, cause: Return) {
        let now = self.now();
        let mut touched = Vec::new();
        for (at, queue) in state.queues.iter_mut().enumerate() {
            if queue.turns.remove(channel, Some(consumer)) {
                queue.used(now);
                touched.push(at);
            }
        }
        self.return_all(state, unacked, touched, cause);
    }

    fn return_all(&self, state: &mut State, unacked: Vec<Out>, mut touched: Vec<usize>, cause: Return) {
        let now = self.now();
        for out in unacked {
            if state.queues[out.queue].gone {
                state.account.end(out.item.entry, End::Expired, self.wall_ns());
                continue;
            }
            self.come_back(state, out.queue, out.item, cause);
            if !touched.contains(&out.queue) {
                touched.push(out.queue);
            }
        }
        for at in touched {
            let queue = &mut state.queues[at];
            queue.touch(now);
            if let Some(due) = queue.expires_at() {
                state.clock.set(due);
            }
            self.run_again(state, at, now);
        }
    }
}
